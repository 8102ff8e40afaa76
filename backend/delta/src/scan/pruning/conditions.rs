//! What a filter says that bounds can refute.
//!
//! [`refutable`] makes of a filter a weaker condition over columns whose bounds are believed ([`Trust`]): comparisons
//! with literals, AND and OR, or nothing. Whatever the bounds refute, no row of it fulfils the filter; the filter itself
//! stays above the scan.
//!
//! `IS NULL` is not among them: counts of NULL may be missing, and are taken for zero then.

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::expr::{Between, InList, Like};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, binary_expr};

use super::trust::Trust;

/// As many values of an IN list are compared one by one; of longer lists, their least and greatest.
const COMPARED_VALUES: usize = 20;
/// Conditions nest this deep at most before one is given up: filters are made by programs too.
pub(in crate::scan) const DEPTH: usize = 64;

/// How far the bounds of a column are believed, if they are.
pub(in crate::scan) type Believed = fn(&Field) -> Option<Trust>;

/// A condition that is true of every row that fulfils `filter`, and that bounds can refute: comparisons of columns of
/// `schema` with literals of their type, AND and OR. `None` when the filter says nothing bounds could refute.
pub(in crate::scan) fn refutable(filter: &Expr, schema: &Schema, believed: Believed) -> Option<Expr> {
    Weaker { schema, believed }.of(filter, DEPTH)
}

pub(in crate::scan) fn same_kind(column: &DataType, literal: &DataType) -> bool {
    column == literal || (is_text(column) && is_text(literal))
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

struct Weaker<'a> {
    schema: &'a Schema,
    believed: Believed,
}

impl Weaker<'_> {
    fn of(&self, expr: &Expr, depth: usize) -> Option<Expr> {
        let depth = depth.checked_sub(1)?;
        match expr {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                both(self.of(left, depth), self.of(right, depth))
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
                Some(self.of(left, depth)?.or(self.of(right, depth)?))
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (left.as_ref(), right.as_ref()) {
                (Expr::Column(column), Expr::Literal(value, _)) => self.comparison(column, *op, value),
                (Expr::Literal(value, _), Expr::Column(column)) => self.comparison(column, op.swap()?, value),
                _ => None,
            },
            Expr::Between(Between { expr, negated: false, low, high }) => {
                let bound = |op, value: &Expr| match (expr.as_ref(), value) {
                    (Expr::Column(column), Expr::Literal(value, _)) => self.comparison(column, op, value),
                    _ => None,
                };
                both(bound(Operator::GtEq, low), bound(Operator::LtEq, high))
            }
            Expr::InList(InList { expr, list, negated: false }) => match expr.as_ref() {
                Expr::Column(column) => self.one_of(column, list),
                _ => None,
            },
            Expr::Like(Like {
                negated: false,
                expr,
                pattern,
                escape_char: None,
                case_insensitive: false,
            }) => match (expr.as_ref(), pattern.as_ref()) {
                (Expr::Column(column), Expr::Literal(pattern, _)) => self.prefix(column, pattern),
                _ => None,
            },
            Expr::Column(column) => self.is(column, true),
            Expr::Not(inner) | Expr::IsFalse(inner) => match inner.as_ref() {
                Expr::Column(column) => self.is(column, false),
                _ => None,
            },
            Expr::IsTrue(inner) => self.of(inner, depth),
            _ => None,
        }
    }

    /// `column OP value`, if the bounds of the column can refute it.
    fn comparison(&self, column: &Column, op: Operator, value: &ScalarValue) -> Option<Expr> {
        let field = self.schema.field_with_name(&column.name).ok()?;
        let trust = (self.believed)(field)?;
        let op = match op {
            Operator::Eq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq => op,
            // With a value, which NULL is not.
            Operator::IsNotDistinctFrom => Operator::Eq,
            // Refuted by bounds that are the same: only where they are values.
            Operator::NotEq if trust == Trust::Whole => op,
            _ => return None,
        };
        if value.is_null() || !same_kind(field.data_type(), &value.data_type()) {
            return None;
        }
        let value = value.cast_to(field.data_type()).ok()?;
        let column = Expr::Column(Column::from_name(column.name.clone()));
        Some(binary_expr(column, op, Expr::Literal(value, None)))
    }

    fn one_of(&self, column: &Column, list: &[Expr]) -> Option<Expr> {
        let values: Vec<&ScalarValue> = list
            .iter()
            .map(|value| match value {
                // A comparison with NULL is never true.
                Expr::Literal(value, _) => Some(value),
                _ => None,
            })
            .collect::<Option<_>>()?;
        let values: Vec<&ScalarValue> = values.into_iter().filter(|value| !value.is_null()).collect();
        if values.len() <= COMPARED_VALUES {
            let mut equal = values.iter().map(|value| self.comparison(column, Operator::Eq, value));
            let first = equal.next()??;
            return equal.try_fold(first, |all, next| Some(all.or(next?)));
        }
        let first = *values.first()?;
        let (least, greatest) = values.iter().try_fold((first, first), |(least, greatest), value| {
            let least = if value.partial_cmp(&least)?.is_lt() { value } else { least };
            let greatest = if value.partial_cmp(&greatest)?.is_gt() { value } else { greatest };
            Some((least, greatest))
        })?;
        let low = self.comparison(column, Operator::GtEq, least)?;
        Some(low.and(self.comparison(column, Operator::LtEq, greatest)?))
    }

    /// A column of truth values.
    fn is(&self, column: &Column, value: bool) -> Option<Expr> {
        self.comparison(column, Operator::Eq, &ScalarValue::Boolean(Some(value)))
    }

    /// `column LIKE pattern`: the column begins with what stands before the first sign with a meaning of its own.
    fn prefix(&self, column: &Column, pattern: &ScalarValue) -> Option<Expr> {
        let pattern = pattern.try_as_str().flatten()?;
        let prefix = pattern.split(['%', '_', '\\']).next().filter(|prefix| !prefix.is_empty())?;
        let text = |text: String| ScalarValue::Utf8(Some(text));
        let least = self.comparison(column, Operator::GtEq, &text(prefix.to_owned()));
        let beyond = after_prefix(prefix).map(text);
        both(least, beyond.and_then(|beyond| self.comparison(column, Operator::Lt, &beyond)))
    }
}

/// What both sides of an AND say.
fn both(left: Option<Expr>, right: Option<Expr>) -> Option<Expr> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.and(right)),
        (left, right) => left.or(right),
    }
}

/// The least text that comes after all that begin with `prefix`, if there is one.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut kept = prefix.to_owned();
    while let Some(last) = kept.pop() {
        // Texts are compared by the numbers of their signs; some numbers are no signs.
        if let Some(next) = (last..=char::MAX).nth(1) {
            kept.push(next);
            return Some(kept);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::TimeUnit;
    use datafusion::logical_expr::{col, lit};

    use super::*;

    fn schema() -> Schema {
        Schema::new(vec![
            Field::new("n", DataType::Int64, true),
            Field::new("s", DataType::Utf8View, true),
            Field::new("b", DataType::Boolean, true),
            Field::new("x", DataType::Float64, true),
            Field::new("t", DataType::Timestamp(TimeUnit::Microsecond, None), true),
        ])
    }

    fn said(filter: &Expr) -> Option<String> {
        refutable(filter, &schema(), Trust::in_footer).map(|condition| condition.to_string())
    }

    #[test]
    fn conditions_are_weaker_than_filters() {
        let text = |text: &str| lit(ScalarValue::Utf8View(Some(text.to_owned())));
        let time = ScalarValue::TimestampMicrosecond(Some(5), None);
        let many: Vec<Expr> = (0..30_i64).map(lit).collect();
        for (filter, wanted) in [
            (col("n").eq(lit(1_i64)), Some("n = Int64(1)")),
            (lit(1_i64).lt(col("n")), Some("n > Int64(1)")),
            (col("n").not_eq(lit(1_i64)), Some("n != Int64(1)")),
            (binary_expr(col("n"), Operator::IsNotDistinctFrom, lit(1_i64)), Some("n = Int64(1)")),
            (binary_expr(col("n"), Operator::IsDistinctFrom, lit(1_i64)), None),
            (col("n").in_list(vec![lit(1_i64), lit(2_i64)], false), Some("n = Int64(1) OR n = Int64(2)")),
            (col("n").in_list(many, false), Some("n >= Int64(0) AND n <= Int64(29)")),
            (col("n").in_list(vec![lit(1_i64)], true), None),
            (col("n").between(lit(1_i64), lit(2_i64)), Some("n >= Int64(1) AND n <= Int64(2)")),
            (col("n").not_between(lit(1_i64), lit(2_i64)), None),
            (col("n").eq(lit(1_i32)), None),
            (col("n").eq(lit(ScalarValue::Int64(None))), None),
            (col("n").is_null(), None),
            (col("n").is_not_null(), None),
            (col("n").eq(lit(1_i64)).and(col("n").is_null()), Some("n = Int64(1)")),
            (col("n").eq(lit(1_i64)).or(col("n").is_null()), None),
            (col("n").eq(lit(1_i64)).is_true(), Some("n = Int64(1)")),
            (col("n").eq(lit(1_i64)).is_not_true(), None),
            (col("b"), Some("b = Boolean(true)")),
            (!col("b"), Some("b = Boolean(false)")),
            (col("b").is_false(), Some("b = Boolean(false)")),
            (!col("n").eq(lit(1_i64)), None),
            (col("s").not_eq(text("a")), None),
            (col("s").like(text("ab%")), Some(r#"s >= Utf8View("ab") AND s < Utf8View("ac")"#)),
            (col("s").like(text("a_b")), Some(r#"s >= Utf8View("a") AND s < Utf8View("b")"#)),
            (col("s").like(text("%b")), None),
            (col("s").ilike(text("b%")), None),
            (col("s").not_like(text("b%")), None),
            (col("x").eq(lit(1.0)), None),
            (col("x").gt(lit(1.0)), None),
            (col("t").lt(lit(time)), Some("t < TimestampMicrosecond(5, None)")),
        ] {
            assert_eq!(said(&filter).as_deref(), wanted, "{filter}");
        }
    }

    #[test]
    fn a_text_comes_after_all_with_a_prefix() {
        for (prefix, after) in [
            ("a", Some("b")),
            ("a\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
            ("\u{d7ff}", Some("\u{e000}")),
            ("\u{7f}", Some("\u{80}")),
        ] {
            assert_eq!(after_prefix(prefix).as_deref(), after, "{prefix:?}");
        }
    }
}
