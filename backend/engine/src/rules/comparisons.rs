//! Comparisons of a value of one side of a join with a value of the other, and which two of them compare spans.

use std::cmp::Ordering;

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator};
use functions::scalar::instead::checked_arithmetic::CheckedArithmetic;

use crate::operators::span_join::{SpanRelation, has_positions};

/// `smaller < greater` or `smaller <= greater`, one side of the join each.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Comparison {
    /// The value of the left side.
    pub(super) left: Expr,
    /// The value of the right side.
    pub(super) right: Expr,
    /// Whether the value of the left side must be the smaller one.
    left_is_smaller: bool,
    /// Whether equal values do not match.
    pub(super) strict: bool,
}

impl Comparison {
    /// Reads a conjunct, if it compares positions of the two sides.
    fn read(conjunct: &Expr, left: &DFSchema, right: &DFSchema) -> Result<Option<Self>> {
        let Expr::BinaryExpr(BinaryExpr { left: first, op, right: second }) = conjunct else {
            return Ok(None);
        };
        let (first_is_smaller, strict) = match op {
            Operator::Lt => (true, true),
            Operator::LtEq => (true, false),
            Operator::Gt => (false, true),
            Operator::GtEq => (false, false),
            _ => return Ok(None),
        };
        let (own, other, left_is_smaller) = match (side(first, left, right), side(second, left, right)) {
            (Some(Ordering::Less), Some(Ordering::Greater)) => (first, second, first_is_smaller),
            (Some(Ordering::Greater), Some(Ordering::Less)) => (second, first, !first_is_smaller),
            _ => return Ok(None),
        };
        let (data_type, other_type) = (own.get_type(left)?, other.get_type(right)?);
        if data_type != other_type || !has_positions(&data_type) {
            return Ok(None);
        }
        let (Some(own), Some(other)) = (position(own, left)?, position(other, right)?) else {
            return Ok(None);
        };
        Ok(Some(Self { left: own, right: other, left_is_smaller, strict }))
    }
}

/// Less when all columns are of the left side, greater when they are of the right side; `None` for both and for
/// neither.
fn side(expr: &Expr, left: &DFSchema, right: &DFSchema) -> Option<Ordering> {
    let columns = expr.column_refs();
    let all_in = |schema: &DFSchema| columns.iter().all(|column| schema.has_column(column));
    match (columns.is_empty(), all_in(left), all_in(right)) {
        (false, true, false) => Some(Ordering::Less),
        (false, false, true) => Some(Ordering::Greater),
        _ => None,
    }
}

/// The expression to compute a position by for all rows of a side: columns, integer literals, their sums and
/// differences, and conversions to wider integers. Nothing of it fails but a sum beyond the ends of its type, which fails
/// for a row that meets no partner too: a join that looks at every pair to save such rows takes quadratic time. Of
/// conversions the converted column is enough, because all integers but `UInt64` are compared with each other as they
/// are.
fn position(expr: &Expr, schema: &DFSchema) -> Result<Option<Expr>> {
    Ok(match expr {
        Expr::Cast(Cast { expr: inner, .. }) if widens(&inner.get_type(schema)?, &expr.get_type(schema)?) => {
            match expr.get_type(schema)? {
                DataType::UInt64 => is_position(inner, schema)?.then(|| expr.clone()),
                _ => position(inner, schema)?,
            }
        }
        _ => is_position(expr, schema)?.then(|| expr.clone()),
    })
}

fn is_position(expr: &Expr, schema: &DFSchema) -> Result<bool> {
    Ok(match expr {
        Expr::Column(_) | Expr::Literal(_, _) => true,
        Expr::Cast(Cast { expr: inner, .. }) => {
            widens(&inner.get_type(schema)?, &expr.get_type(schema)?) && is_position(inner, schema)?
        }
        // Sums of integers that DataFusion alone planned wrap; those of dates and times are errors.
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Plus | Operator::Minus, right }) => {
            left.get_type(schema)?.is_integer()
                && right.get_type(schema)?.is_integer()
                && is_position(left, schema)?
                && is_position(right, schema)?
        }
        Expr::ScalarFunction(call) => match summands(call, schema)? {
            Some([left, right]) => is_position(left, schema)? && is_position(right, schema)?,
            None => false,
        },
        _ => false,
    })
}

/// The operands of a checked `+` or `-` of integers.
fn summands<'e>(call: &'e ScalarFunction, schema: &DFSchema) -> Result<Option<[&'e Expr; 2]>> {
    let [left, right] = call.args.as_slice() else { return Ok(None) };
    let Some(checked) = call.func.inner().downcast_ref::<CheckedArithmetic>() else { return Ok(None) };
    let is_sum = matches!(checked.operator(), Operator::Plus | Operator::Minus);
    let of_integers = left.get_type(schema)?.is_integer() && right.get_type(schema)?.is_integer();
    Ok((is_sum && of_integers).then_some([left, right]))
}

/// Whether every value of an integer type is a value of another.
fn widens(from: &DataType, to: &DataType) -> bool {
    let unsigned = |data_type: &DataType| data_type.is_unsigned_integer();
    match (from.primitive_width(), to.primitive_width()) {
        (Some(narrow), Some(wide)) if from.is_integer() && to.is_integer() => {
            if unsigned(from) == unsigned(to) { narrow <= wide } else { unsigned(from) && narrow < wide }
        }
        _ => false,
    }
}

/// Two comparisons that compare spans: `[smaller, greater]` is what the left side has in them.
#[derive(Debug)]
pub(super) struct SpanCondition {
    /// How the bounds are arranged.
    pub(super) relation: SpanRelation,
    /// Start and end of the left span.
    pub(super) left: [Expr; 2],
    /// Start and end of the right span.
    pub(super) right: [Expr; 2],
    /// Strictness of the relation's first and second comparison.
    pub(super) strict: [bool; 2],
    /// The other conjuncts.
    pub(super) rest: Vec<Expr>,
}

impl SpanCondition {
    /// Finds two comparisons of spans in a join condition: one in which the left side has the smaller value, one
    /// in which it has the greater. Of several pairs the first whose arrangement is a containment.
    pub(super) fn find(filter: &Expr, left: &DFSchema, right: &DFSchema) -> Result<Option<Self>> {
        let conjuncts = split_conjunction(filter);
        let mut comparisons = Vec::new();
        for (place, conjunct) in conjuncts.iter().enumerate() {
            comparisons.extend(Comparison::read(conjunct, left, right)?.map(|read| (place, read)));
        }
        let of =
            |smaller| comparisons.iter().filter(move |(_, comparison)| comparison.left_is_smaller == smaller);
        let pairs = of(true).flat_map(|lower| of(false).map(move |upper| (lower, upper)));
        let arranged = pairs.map(|(lower, upper)| (arrangement(lower, upper), lower, upper));
        let best = arranged.min_by_key(|(relation, _, _)| *relation == SpanRelation::Overlaps);
        let Some((relation, (place, lower), (other_place, upper))) = best else { return Ok(None) };
        let rest = conjuncts.iter().enumerate();
        let rest =
            rest.filter(|(n, _)| n != place && n != other_place).map(|(_, expr)| (*expr).clone()).collect();
        let (left, right) = ([&lower.left, &upper.left], [&lower.right, &upper.right]);
        let strict = [lower.strict, upper.strict];
        let flipped = |[first, second]: [&Expr; 2]| [second.clone(), first.clone()];
        Ok(Some(match relation {
            SpanRelation::Contains | SpanRelation::Equals => {
                Self { relation, left: left.map(Expr::clone), right: right.map(Expr::clone), strict, rest }
            }
            SpanRelation::Within => {
                let strict = [upper.strict, lower.strict];
                Self { relation, left: flipped(left), right: flipped(right), strict, rest }
            }
            SpanRelation::Overlaps => {
                Self { relation, left: left.map(Expr::clone), right: flipped(right), strict, rest }
            }
        }))
    }
}

/// Which relation two comparisons most likely are. `l.x < r.y AND r.z < l.w` does not tell starts from ends:
/// it is a containment when `x` and `y` are starts, a within when they are ends, an overlap when `x` is a start
/// and `y` an end. All three readings give the same rows; the right one is fastest. So what columns are called
/// decides; where names say nothing, starts are taken to be compared first.
fn arrangement(lower: &(usize, Comparison), upper: &(usize, Comparison)) -> SpanRelation {
    let written_first = lower.0 < upper.0;
    let (lower, upper) = (&lower.1, &upper.1);
    let left = lean(&lower.left, &upper.left);
    let right = lean(&lower.right, &upper.right);
    let alike = |one, other| name(one).is_some_and(|one| Some(one) == name(other));
    let same = alike(&lower.left, &lower.right) || alike(&upper.left, &upper.right);
    let crossed = alike(&lower.left, &upper.right) || alike(&upper.left, &lower.right);
    let default = if written_first { Ordering::Less } else { Ordering::Greater };
    let known = if left.is_eq() { right } else { left };
    let known = if known.is_eq() { default } else { known };
    match (left, right) {
        (Ordering::Less, Ordering::Greater) => SpanRelation::Overlaps,
        // One side is a single position, or names say nothing of it: it is arranged like the other.
        (Ordering::Equal, _) | (_, Ordering::Equal) if crossed && !same => SpanRelation::Overlaps,
        _ if known.is_lt() => SpanRelation::Contains,
        _ => SpanRelation::Within,
    }
}

/// Less when the first expression is called a start and the second an end, greater for the reverse.
fn lean(first: &Expr, second: &Expr) -> Ordering {
    let (first, second) = (bound_name(first), bound_name(second));
    first.cmp(&second)
}

/// -1 for the name of a start, 1 for the name of an end, 0 for any other.
fn bound_name(expr: &Expr) -> i32 {
    const STARTS: [&str; 14] = [
        "start", "starts", "begin", "from", "low", "lo", "lower", "min", "first", "left", "open", "opened",
        "since", "s",
    ];
    const ENDS: [&str; 15] = [
        "end", "ends", "stop", "to", "high", "hi", "upper", "max", "last", "right", "close", "closed",
        "until", "finish", "e",
    ];
    let Some(name) = name(expr) else { return 0 };
    let name = name.to_lowercase();
    let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).collect();
    let is_one_of = |known: &[&str]| words.iter().any(|word| known.contains(word));
    i32::from(is_one_of(&ENDS)) - i32::from(is_one_of(&STARTS))
}

/// The name of the only column of an expression.
fn name(expr: &Expr) -> Option<String> {
    match expr.column_refs().into_iter().collect::<Vec<_>>().as_slice() {
        [column] => Some(column.name.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{Field, Schema};
    use datafusion::logical_expr::{ScalarUDF, cast, col, lit};

    use super::*;

    fn checked(operator: Operator, left: Expr, right: Expr) -> Expr {
        let function = CheckedArithmetic::of(operator).unwrap();
        let function = Arc::new(ScalarUDF::from(function));
        Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![left, right]))
    }

    fn spans(table: &str) -> DFSchema {
        let fields = [
            Field::new("s", DataType::Int64, true),
            Field::new("e", DataType::Int64, true),
            Field::new("w", DataType::Int32, true),
        ];
        DFSchema::try_from_qualified_schema(table, &Schema::new(fields.to_vec())).unwrap()
    }

    /// Queries of a spec have checked operators where DataFusion has its own.
    #[test]
    fn checked_sums_are_positions_and_products_are_not() {
        let (left, right) = (spans("a"), spans("d"));
        let found = |first: Expr| {
            let filter = first.lt_eq(col("d.s")).and(col("d.e").lt(col("a.e")));
            SpanCondition::find(&filter, &left, &right).unwrap()
        };
        for sum in [
            checked(Operator::Plus, col("a.s"), lit(1_i64)),
            checked(Operator::Minus, cast(col("a.w"), DataType::Int64), lit(1_i64)),
            checked(Operator::Plus, checked(Operator::Minus, col("a.s"), col("a.e")), lit(7_i64)),
        ] {
            let condition = found(sum.clone()).unwrap();
            assert!(condition.left.contains(&sum) && condition.rest.is_empty(), "{condition:?}");
        }
        assert!(found(checked(Operator::Multiply, col("a.s"), lit(2_i64))).is_none());
    }
}
