//! The value of an expression for a row.

use std::cmp::Ordering;

use super::{Relation, Relations, aggregates, relation};
use crate::plan::{Call, Comparison, Expr, Operation, Subquery, SubqueryKind};
use crate::value::{Type, Value};

/// What the names of an expression stand for.
#[derive(Clone)]
pub(super) struct Scope<'a> {
    /// A relation, its name in the expression, and its row.
    parts: Vec<(Option<&'static str>, &'a Relation, &'a [Value])>,
    known: &'a Relations,
}

impl<'a> Scope<'a> {
    pub(super) fn of(relation: &'a Relation, row: &'a [Value], known: &'a Relations) -> Self {
        Self { parts: vec![(Some("o"), relation, row)], known }
    }

    /// The rows of both sides of a join.
    pub(super) fn pair(
        left: (&'a Relation, &'a [Value]),
        right: (&'a Relation, &'a [Value]),
        known: &'a Relations,
    ) -> Self {
        Self { parts: vec![(Some("l"), left.0, left.1), (Some("r"), right.0, right.1)], known }
    }

    /// A row of a subquery's relation, whose names hide those outside.
    fn inside(&self, relation: &'a Relation, row: &'a [Value]) -> Self {
        let mut inside = self.clone();
        inside.parts.push((Some("q"), relation, row));
        inside
    }

    /// The row of the only relation.
    pub(super) fn row(&self) -> Option<&'a [Value]> {
        self.parts.first().map(|(_, _, row)| *row)
    }

    pub(super) fn column(&self, of: Option<&str>, name: &str) -> Value {
        let has = |relation: &Relation| relation.columns.iter().any(|(column, _)| column == name);
        let part =
            self.parts.iter().find(|(part, relation, _)| (of.is_none() || *part == of) && has(relation));
        match part {
            Some((_, relation, row)) => row[relation.position(name)].clone(),
            None => panic!("the plan reads `{name}`, which is in no relation here"),
        }
    }

    pub(super) fn is_true(&self, condition: &Expr) -> bool {
        matches!(self.value(condition), Value::Bool(true))
    }

    pub(super) fn value(&self, expr: &Expr) -> Value {
        match expr {
            Expr::Column(relation, name) => self.column(*relation, name),
            Expr::Literal(value, _) => value.clone(),
            Expr::Compare(how, left, right) => compared(*how, &self.value(left), &self.value(right)),
            Expr::IsNull(value, negated) => Value::Bool(self.value(value).is_null() != *negated),
            Expr::Not(value) => negation(&self.value(value)),
            Expr::And(left, right) => and(&self.value(left), &self.value(right)),
            Expr::Or(left, right) => {
                negation(&and(&negation(&self.value(left)), &negation(&self.value(right))))
            }
            Expr::In(value, values, negated) => {
                let value = self.value(value);
                let found = among(&value, values.iter().map(|one| self.value(one)));
                if *negated { negation(&found) } else { found }
            }
            Expr::Between(value, low, high) => {
                let value = self.value(value);
                and(
                    &compared(Comparison::GreaterEqual, &value, &self.value(low)),
                    &compared(Comparison::LessEqual, &value, &self.value(high)),
                )
            }
            Expr::Arithmetic(how, left, right) => arithmetic(*how, &self.value(left), &self.value(right)),
            Expr::Case(branches, otherwise) => {
                let taken = branches.iter().find(|(condition, _)| self.is_true(condition));
                let value = taken.map(|(_, value)| value).or(otherwise.as_deref());
                value.map_or(Value::Null, |value| self.value(value))
            }
            Expr::Coalesce(values) => values
                .iter()
                .map(|value| self.value(value))
                .find(|value| !value.is_null())
                .unwrap_or(Value::Null),
            Expr::Call(function, arguments) => {
                called(*function, &arguments.iter().map(|argument| self.value(argument)).collect::<Vec<_>>())
            }
            Expr::Field(value, index) => self.value(value).field(*index).clone(),
            Expr::Cast(value, to) => cast(&self.value(value), *to),
            Expr::Subquery(query) => self.answer(query),
            Expr::Placeholder(_, value, _) => value.clone(),
            Expr::Fresh(_) => panic!("only a `Project` view asks for fresh values"),
        }
    }

    fn answer(&self, query: &Subquery) -> Value {
        let source = relation(self.known, &query.source);
        let takes_part = |scope: &Scope<'_>| {
            let equal = query.correlated.iter().all(|(column, value)| {
                compared(Comparison::Equal, &scope.column(Some("q"), column), &scope.value(value))
                    == Value::Bool(true)
            });
            equal && query.filter.as_ref().is_none_or(|filter| scope.is_true(filter))
        };
        let rows: Vec<Scope<'_>> =
            source.rows.iter().map(|row| self.inside(source, row)).filter(takes_part).collect();
        match &query.kind {
            SubqueryKind::Exists { negated } => Value::Bool(rows.is_empty() == *negated),
            SubqueryKind::In { value, column, negated } => {
                let found = among(&self.value(value), rows.iter().map(|row| row.column(Some("q"), column)));
                if *negated { negation(&found) } else { found }
            }
            SubqueryKind::Scalar(measure) => {
                aggregates::measured(measure, &rows.iter().collect::<Vec<_>>()).unwrap_or(Value::Null)
            }
        }
    }
}

/// Three-valued negation.
fn negation(value: &Value) -> Value {
    match value {
        Value::Bool(value) => Value::Bool(!value),
        _ => Value::Null,
    }
}

fn and(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Bool(false), _) | (_, Value::Bool(false)) => Value::Bool(false),
        (Value::Bool(true), Value::Bool(true)) => Value::Bool(true),
        _ => Value::Null,
    }
}

fn among(value: &Value, values: impl Iterator<Item = Value>) -> Value {
    let (mut some, mut unknown) = (false, false);
    for one in values {
        some = true;
        match compared(Comparison::Equal, value, &one) {
            Value::Bool(true) => return Value::Bool(true),
            Value::Null => unknown = true,
            _ => {}
        }
    }
    if some && (unknown || value.is_null()) { Value::Null } else { Value::Bool(false) }
}

pub(super) fn compared(how: Comparison, left: &Value, right: &Value) -> Value {
    let order = left.order(right);
    match how {
        Comparison::Distinct => return Value::Bool(order.is_ne()),
        Comparison::NotDistinct => return Value::Bool(order.is_eq()),
        _ if left.is_null() || right.is_null() => return Value::Null,
        _ => {}
    }
    Value::Bool(match how {
        Comparison::Equal | Comparison::NotDistinct => order.is_eq(),
        Comparison::NotEqual | Comparison::Distinct => order.is_ne(),
        Comparison::Less => order == Ordering::Less,
        Comparison::LessEqual => order.is_le(),
        Comparison::Greater => order == Ordering::Greater,
        Comparison::GreaterEqual => order.is_ge(),
    })
}

/// The generator keeps numbers small; what leaves its type all the same wraps here and fails there.
fn arithmetic(how: Operation, left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => match how {
            Operation::Add => Value::Int(a.wrapping_add(*b)),
            Operation::Subtract => Value::Int(a.wrapping_sub(*b)),
            Operation::Multiply => Value::Int(a.wrapping_mul(*b)),
            Operation::Divide => a.checked_div(*b).map_or(Value::Null, Value::Int),
            Operation::Remainder => a.checked_rem(*b).map_or(Value::Null, Value::Int),
        },
        (Value::Float(a), Value::Float(b)) => Value::Float(match how {
            Operation::Add => a + b,
            Operation::Subtract => a - b,
            Operation::Multiply => a * b,
            Operation::Divide => a / b,
            Operation::Remainder => a % b,
        }),
        _ => Value::Null,
    }
}

fn called(function: Call, arguments: &[Value]) -> Value {
    if let (Call::NullIf, [value, other]) = (function, arguments) {
        let equal = compared(Comparison::Equal, value, other) == Value::Bool(true);
        return if equal { Value::Null } else { value.clone() };
    }
    if arguments.iter().any(Value::is_null) {
        return Value::Null;
    }
    match (function, arguments) {
        (Call::Concat, [Value::Text(a), Value::Text(b)]) => Value::Text(format!("{a}{b}")),
        (Call::Upper, [Value::Text(text)]) => Value::Text(text.to_uppercase()),
        (Call::Length, [Value::Text(text)]) => Value::Int(text.chars().count() as i64),
        (Call::Left, [Value::Text(text), Value::Int(most)]) => {
            Value::Text(text.chars().take(usize::try_from(*most).unwrap_or(0)).collect())
        }
        (Call::Cardinality, [Value::List(values)]) => Value::Int(values.len() as i64),
        (Call::Abs, [Value::Int(value)]) => Value::Int(value.wrapping_abs()),
        (Call::Abs, [Value::Float(value)]) => Value::Float(value.abs()),
        _ => panic!("the plan calls {function:?} with {arguments:?}"),
    }
}

fn cast(value: &Value, to: Type) -> Value {
    match (value, to) {
        (Value::Null, _) => Value::Null,
        (Value::Int(value), Type::Float) => Value::Float(*value as f64),
        (Value::Int(value), Type::Text) => Value::Text(value.to_string()),
        (Value::Bool(value), Type::Int) => Value::Int(i64::from(*value)),
        (Value::Bool(value), Type::Text) => Value::Text(value.to_string()),
        (Value::Date(value), Type::Text) => Value::Text(crate::value::date(i64::from(*value))),
        (value, to) => panic!("the plan casts {value:?} to {to:?}"),
    }
}
