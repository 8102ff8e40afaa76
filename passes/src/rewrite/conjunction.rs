//! Conjunctions without what follows from the rest.
//!
//! ```text
//! (b > 1) AND (c = 2) AND (b >= 5) AND (c = 2)
//! ```
//! becomes
//! ```text
//! (b >= 5) AND (c = 2)
//! ```
//!
//! Of equal conjuncts one is kept, and of the lower (upper) bounds of a column by whole numbers the tightest. A chain
//! of views that each filter a little more thus stays one short filter. A row passes a conjunction when every conjunct
//! is true: the tighter of two bounds is true only where the other is, and for NULL neither is.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use ir::expr::ScalarExpr;
use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value};

/// Numbers beyond this are not compared: the engine may convert them to the column's type, and not every type tells
/// larger ones apart. A 32-bit float has every whole number up to here.
const EXACT: i64 = 1 << 24;

/// The conjuncts in their order, without those that follow from others.
pub(super) fn without_implied(conjuncts: impl IntoIterator<Item = ScalarExpr>) -> Vec<ScalarExpr> {
    let mut kept: Vec<ScalarExpr> = Vec::new();
    let mut bounds: BTreeMap<(String, Side), (usize, Tightness)> = BTreeMap::new();
    for conjunct in conjuncts {
        let Some((column, side, tightness)) = bound(&conjunct) else {
            if !kept.contains(&conjunct) {
                kept.push(conjunct);
            }
            continue;
        };
        match bounds.entry((column, side)) {
            Entry::Vacant(entry) => {
                entry.insert((kept.len(), tightness));
                kept.push(conjunct);
            }
            Entry::Occupied(mut entry) => {
                let (at, known) = *entry.get();
                if known < tightness
                    && let Some(looser) = kept.get_mut(at)
                {
                    *looser = conjunct;
                    entry.insert((at, tightness));
                }
            }
        }
    }
    kept
}

/// Which end of a column's range a bound limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Lower,
    Upper,
}

/// How much a bound excludes: the number (negated for an upper bound), then whether it is excluded itself. The greater
/// of two is the tighter.
type Tightness = (i64, bool);

/// What a conjunct of the form `column < number`, or one like it, says.
#[expect(clippy::wildcard_enum_match_arm, reason = "other operators of SQL are no bounds")]
fn bound(conjunct: &ScalarExpr) -> Option<(String, Side, Tightness)> {
    let Expr::BinaryOp { left, op, right } = plain(conjunct.ast()) else { return None };
    let (side, is_strict) = match op {
        BinaryOperator::Gt => (Side::Lower, true),
        BinaryOperator::GtEq => (Side::Lower, false),
        BinaryOperator::Lt => (Side::Upper, true),
        BinaryOperator::LtEq => (Side::Upper, false),
        _ => return None,
    };
    let column = |expr: &Expr| ScalarExpr::new(plain(expr).clone()).as_column();
    let (column, number, side) = match (column(left), number(right)) {
        (Some(column), Some(number)) => (column, number, side),
        _ => {
            let flipped = if side == Side::Lower { Side::Upper } else { Side::Lower };
            (column(right)?, number(left)?, flipped)
        }
    };
    let tightness = if side == Side::Lower { number } else { -number };
    Some((column, side, (tightness, is_strict)))
}

/// The expression without parentheses around it.
fn plain(mut expr: &Expr) -> &Expr {
    while let Expr::Nested(inner) = expr {
        expr = inner;
    }
    expr
}

/// The value of a whole number that every numeric type of a column can be compared with exactly.
#[expect(clippy::wildcard_enum_match_arm, reason = "other expressions of SQL are no numbers")]
fn number(expr: &Expr) -> Option<i64> {
    let value = match plain(expr) {
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => number(expr)?.checked_neg()?,
        Expr::Value(value) => match &value.value {
            Value::Number(digits, false) => digits.parse().ok()?,
            _ => return None,
        },
        _ => return None,
    };
    (-EXACT..=EXACT).contains(&value).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(conjuncts: &str) -> String {
        let kept = without_implied(ScalarExpr::parse(conjuncts).unwrap().conjuncts());
        kept.iter().map(ToString::to_string).collect::<Vec<_>>().join(" AND ")
    }

    #[test]
    fn the_tightest_bound_of_each_side_of_each_column_stays() {
        for (given, kept) in [
            ("b > -1 AND b > -3 AND b > -2", "b > -1"),
            ("b > 1 AND b >= 1", "b > 1"),
            ("b >= 2 AND b > 1", "b >= 2"),
            ("b < 9 AND b <= 9 AND b < 10", "b < 9"),
            ("b < -5 AND b < -7", "b < -7"),
            ("1 < b AND b > 3", "b > 3"),
            ("3 >= b AND b < 4", "3 >= b"),
            ("b > 1 AND b < 5 AND c > 0", "b > 1 AND b < 5 AND c > 0"),
            ("c = 2 AND b > 1 AND c = 2", "c = 2 AND b > 1"),
        ] {
            assert_eq!(folded(given), kept, "{given}");
        }
    }

    #[test]
    fn what_cannot_be_compared_for_sure_stays() {
        for given in [
            "b > 1 AND b > 1.5",
            "b > 1 AND b > '2'",
            "b > 16777217 AND b > 16777218",
            "b > 1 AND \"B\" > 2",
            "b > 1 OR b > 2",
            "b <> 1 AND b <> 2",
            "b > c AND b > 1",
            "b + 1 > 1 AND b + 1 > 2",
        ] {
            assert_eq!(folded(given), given);
        }
    }
}
