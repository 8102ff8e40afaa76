//! Expressions over some columns.

use crate::choice::Choice;
use crate::plan::{Call, Comparison, Expr, Operation};
use crate::value::{Type, Value};

/// The columns that an expression may read: the relation's name where there are several, theirs, and their types.
pub(super) type Readable = Vec<(Option<&'static str>, String, Type)>;

/// A column of a type, if there is one.
pub(super) fn column(choice: &mut Choice, columns: &Readable, of: Type) -> Option<Expr> {
    let fitting: Vec<_> = columns.iter().filter(|(_, _, own)| *own == of).collect();
    choice.maybe_of(&fitting).map(|(relation, name, _)| Expr::Column(*relation, name.clone()))
}

/// An expression of a type.
pub(super) fn value(choice: &mut Choice, columns: &Readable, of: Type, depth: usize) -> Expr {
    let plain = |choice: &mut Choice| {
        // There are no literals of empty lists and of structs with a name.
        let taken = if of.is_scalar() && choice.one_in(4) { None } else { column(choice, columns, of) };
        taken.unwrap_or_else(|| constant(choice, of))
    };
    if depth == 0 || choice.one_in(3) {
        return plain(choice);
    }
    let own = |choice: &mut Choice| Box::new(value(choice, columns, of, depth - 1));
    let other = |choice: &mut Choice, of| Box::new(value(choice, columns, of, depth - 1));
    if of.is_scalar() {
        match choice.below(8) {
            0 => {
                let branches = (0..=choice.below(2))
                    .map(|_| (condition(choice, columns, depth - 1), value(choice, columns, of, depth - 1)))
                    .collect();
                return Expr::Case(branches, if choice.one_in(3) { None } else { Some(own(choice)) });
            }
            1 => return Expr::Coalesce(vec![*own(choice), *own(choice)]),
            2 => return Expr::Call(Call::NullIf, vec![*own(choice), *own(choice)]),
            _ => {}
        }
    }
    let field = [Type::Int, Type::Text].iter().position(|field| *field == of);
    if let Some(field) = field
        && !choice.one_in(4)
        && let Some(pair) = column(choice, columns, Type::Pair)
    {
        return Expr::Field(Box::new(pair), field);
    }
    match of {
        Type::Int => match choice.below(7) {
            0 | 1 => {
                let how = *choice.of(&[Operation::Add, Operation::Subtract]);
                Expr::Arithmetic(how, own(choice), own(choice))
            }
            2 => {
                let factor = Expr::Literal(Value::Int(choice.between(-2, 3)), Type::Int);
                Expr::Arithmetic(Operation::Multiply, own(choice), Box::new(factor))
            }
            3 => {
                let (value, by) = (*own(choice), *other(choice, Type::Int));
                divided(choice, value, by)
            }
            4 => Expr::Call(Call::Length, vec![*other(choice, Type::Text)]),
            5 => {
                let lists = *choice.of(&[Type::Ints, Type::Texts]);
                match column(choice, columns, lists) {
                    Some(list) => Expr::Call(Call::Cardinality, vec![list]),
                    None => Expr::Call(Call::Abs, vec![*own(choice)]),
                }
            }
            _ => Expr::Cast(other(choice, Type::Bool), Type::Int),
        },
        Type::Float => match choice.below(3) {
            0 => Expr::Cast(other(choice, Type::Int), Type::Float),
            1 => Expr::Call(Call::Abs, vec![*own(choice)]),
            // Infinities without each other give no NaN: its sign depends on the processor, and the program takes NaNs of two
            // signs for two numbers.
            _ => {
                let how = *choice.of(&[Operation::Add, Operation::Subtract]);
                let number = Value::Float(*choice.of(&[0.25, -1.5, 2.0]));
                Expr::Arithmetic(how, own(choice), Box::new(Expr::Literal(number, Type::Float)))
            }
        },
        Type::Text => match choice.below(5) {
            0 => Expr::Call(Call::Concat, vec![*own(choice), *own(choice)]),
            1 => Expr::Call(Call::Upper, vec![*own(choice)]),
            2 => {
                let most = Expr::Literal(Value::Int(choice.between(0, 3)), Type::Int);
                Expr::Call(Call::Left, vec![*own(choice), most])
            }
            3 => Expr::Cast(other(choice, Type::Int), Type::Text),
            _ => plain(choice),
        },
        Type::Bool => condition(choice, columns, depth - 1),
        _ => plain(choice),
    }
}

/// A division where the divisor is not zero.
fn divided(choice: &mut Choice, value: Expr, by: Expr) -> Expr {
    let how = *choice.of(&[Operation::Divide, Operation::Remainder]);
    let zero = Expr::Literal(Value::Int(0), Type::Int);
    let is_safe = Expr::Compare(Comparison::NotEqual, Box::new(by.clone()), Box::new(zero));
    Expr::Case(vec![(is_safe, Expr::Arithmetic(how, Box::new(value), Box::new(by)))], None)
}

/// A condition.
pub(super) fn condition(choice: &mut Choice, columns: &Readable, depth: usize) -> Expr {
    if depth > 0 && choice.one_in(2) {
        let mut inner = || Box::new(condition(choice, columns, depth - 1));
        let (a, b) = (inner(), inner());
        return match choice.below(5) {
            0 | 1 => Expr::And(a, b),
            2 | 3 => Expr::Or(a, b),
            _ => Expr::Not(a),
        };
    }
    let scalars: Vec<Type> = columns.iter().map(|(_, _, of)| *of).filter(|of| of.is_scalar()).collect();
    let of = choice.maybe_of(&scalars).copied().unwrap_or(Type::Int);
    let below = depth.min(1);
    let left = column(choice, columns, of).unwrap_or_else(|| value(choice, columns, of, below));
    let mut other = || Box::new(value(choice, columns, of, below));
    let (a, b) = (other(), other());
    match choice.below(9) {
        0 => Expr::IsNull(Box::new(left), choice.one_in(2)),
        1 => {
            let values = (0..=choice.below(3)).map(|_| constant(choice, of)).collect();
            Expr::In(Box::new(left), values, choice.one_in(3))
        }
        2 => Expr::Between(Box::new(left), a, b),
        3 if of == Type::Bool => left,
        _ => {
            let how = *choice.of(&[
                Comparison::Equal,
                Comparison::Equal,
                Comparison::NotEqual,
                Comparison::Less,
                Comparison::LessEqual,
                Comparison::Greater,
                Comparison::GreaterEqual,
                Comparison::Distinct,
                Comparison::NotDistinct,
            ]);
            Expr::Compare(how, Box::new(left), a)
        }
    }
}

/// A literal, or a parameter with a value.
fn constant(choice: &mut Choice, of: Type) -> Expr {
    let value = literal(choice, of);
    let can_be_given = match &value {
        Value::Float(value) => value.is_finite(),
        _ => matches!(of, Type::Int | Type::Text | Type::Bool | Type::Date),
    };
    // Any number: the spec has its own.
    let number = 1000 + choice.below(1_000_000);
    if can_be_given && choice.one_in(12) {
        Expr::Placeholder(number, value, of)
    } else {
        Expr::Literal(value, of)
    }
}

/// A value as the tables have them.
pub(super) fn literal(choice: &mut Choice, of: Type) -> Value {
    super::tables::value(choice, of, 12, false)
}
