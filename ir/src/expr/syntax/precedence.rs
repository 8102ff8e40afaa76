//! How strongly `IS DISTINCT FROM` binds, and where one sign ends and the next begins.
//!
//! The parser takes everything behind `IS [NOT] DISTINCT FROM` for its right operand, so that `a IS DISTINCT FROM b AND c`
//! becomes `a IS DISTINCT FROM (b AND c)`. In SQL the operator binds more strongly than `NOT`, `AND` and `OR`, and as
//! strongly as `IS NULL`, which stands to the right of it. What somebody put into parentheses is a node of its own in the
//! tree, so an `OR` directly below an `AND` can only come from this fault, and the tree can be put right.

use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value, VisitMut, VisitorMut};

use super::super::walk;

/// Gives `IS DISTINCT FROM` the operands that it has in SQL.
pub(super) fn mend(tree: &mut impl VisitMut) {
    // It never breaks off.
    let _ = walk::visit_mut(tree, &mut Operands);
}

struct Operands;

impl VisitorMut for Operands {
    type Break = ();

    /// Operands are put right before what they are operands of.
    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        enclose_sign(expr);
        let strength = match expr {
            Expr::IsDistinctFrom(..) | Expr::IsNotDistinctFrom(..) => Strength::Is,
            Expr::UnaryOp { op: UnaryOperator::Not, .. } => Strength::Not,
            Expr::BinaryOp { op: BinaryOperator::And, .. } => Strength::And,
            _ => return ControlFlow::Continue(()),
        };
        if right_operand(expr).is_some_and(|operand| below(strength, operand)) {
            pull(expr, strength);
        }
        ControlFlow::Continue(())
    }
}

/// Two minus signs in a row, which are printed without a space and then begin a comment, get parentheses between them.
fn enclose_sign(expr: &mut Expr) {
    let Expr::UnaryOp { op: UnaryOperator::Minus, expr: operand } = expr else { return };
    if matches!(operand.as_ref(), Expr::UnaryOp { op: UnaryOperator::Minus, .. }) {
        let inner = std::mem::replace(operand.as_mut(), Expr::Value(Value::Null.into()));
        **operand = Expr::Nested(Box::new(inner));
    }
}

/// How strongly an operator binds, the weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    And,
    Not,
    Is,
}

/// Whether an expression is an operator that cannot be the right operand of one of this strength without parentheses.
fn below(strength: Strength, operand: &Expr) -> bool {
    match operand {
        Expr::BinaryOp { op: BinaryOperator::Or, .. } => true,
        Expr::BinaryOp { op: BinaryOperator::And, .. } => strength > Strength::And,
        Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotUnknown(_)
        | Expr::IsDistinctFrom(..)
        | Expr::IsNotDistinctFrom(..) => strength == Strength::Is,
        _ => false,
    }
}

/// The right operand of an operator, or its only one.
fn right_operand(expr: &mut Expr) -> Option<&mut Expr> {
    match expr {
        Expr::IsDistinctFrom(_, right) | Expr::IsNotDistinctFrom(_, right) => Some(right),
        Expr::UnaryOp { expr: operand, .. } => Some(operand),
        Expr::BinaryOp { right, .. } => Some(right),
        _ => None,
    }
}

/// The first operand of an operator.
fn first_operand(expr: &mut Expr) -> Option<&mut Expr> {
    match expr {
        Expr::BinaryOp { left, .. } => Some(left),
        Expr::IsDistinctFrom(left, _) | Expr::IsNotDistinctFrom(left, _) => Some(left),
        Expr::IsNull(operand)
        | Expr::IsNotNull(operand)
        | Expr::IsTrue(operand)
        | Expr::IsNotTrue(operand)
        | Expr::IsFalse(operand)
        | Expr::IsNotFalse(operand)
        | Expr::IsUnknown(operand)
        | Expr::IsNotUnknown(operand) => Some(operand),
        _ => None,
    }
}

/// `x ∘ (y • z)` becomes `(x ∘ y) • z`: the operator is put in the place of the first operand, however deep, that can be its
/// right operand.
fn pull(expr: &mut Expr, strength: Strength) {
    let nothing = || Expr::Value(Value::Null.into());
    let mut operator = std::mem::replace(expr, nothing());
    let Some(operand) = right_operand(&mut operator) else {
        *expr = operator;
        return;
    };
    *expr = std::mem::replace(operand, nothing());
    let mut place = &mut *expr;
    while below(strength, place) {
        // All that is `below` has a first operand.
        let Some(first) = first_operand(place) else { return };
        place = first;
    }
    let own = std::mem::replace(place, nothing());
    if let Some(operand) = right_operand(&mut operator) {
        *operand = own;
    }
    *place = operator;
}

#[cfg(test)]
mod tests {
    use super::super::super::ScalarExpr;

    /// The same without and with the parentheses that say what is meant.
    #[test]
    fn operators_bind_as_in_sql() {
        for (written, meant) in [
            ("a IS DISTINCT FROM b AND c", "(a IS DISTINCT FROM b) AND c"),
            ("a IS NOT DISTINCT FROM b OR c", "(a IS NOT DISTINCT FROM b) OR c"),
            ("x AND a IS DISTINCT FROM b OR c", "(x AND (a IS DISTINCT FROM b)) OR c"),
            (
                "a IS DISTINCT FROM b AND c IS DISTINCT FROM d OR e AND f",
                "((a IS DISTINCT FROM b) AND (c IS DISTINCT FROM d)) OR (e AND f)",
            ),
            ("NOT a IS DISTINCT FROM b AND c", "(NOT (a IS DISTINCT FROM b)) AND c"),
            ("a IS DISTINCT FROM NOT b AND c", "(a IS DISTINCT FROM (NOT b)) AND c"),
            ("a IS DISTINCT FROM b IS NULL", "(a IS DISTINCT FROM b) IS NULL"),
            ("a IS DISTINCT FROM b IS NOT DISTINCT FROM c", "(a IS DISTINCT FROM b) IS NOT DISTINCT FROM c"),
            ("a IS DISTINCT FROM b + 1 OR c", "(a IS DISTINCT FROM (b + 1)) OR c"),
            ("a IS DISTINCT FROM (b OR c)", "a IS DISTINCT FROM (b OR c)"),
            ("x AND (y OR z)", "x AND (y OR z)"),
        ] {
            let bare = |text: &str| {
                let mut tree = ScalarExpr::parse(text).unwrap().ast().clone();
                grouped(&mut tree);
                tree.to_string()
            };
            assert_eq!(bare(written), bare(meant), "{written}");
        }
    }

    #[test]
    fn two_minus_signs_are_no_comment() {
        for (written, printed) in [
            ("- -a", "-(-a)"),
            ("-(-a)", "-(-a)"),
            ("b - - - a", "b - -(-a)"),
            ("- - - - 1 + 2", "-(-(-(-1))) + 2"),
            ("+ - a", "+-a"),
        ] {
            let parsed = ScalarExpr::parse(written).unwrap();
            assert_eq!(parsed.to_string(), printed);
            assert_eq!(ScalarExpr::parse(printed).unwrap(), parsed);
        }
        // What would nest too deeply when it is read again is refused now.
        assert!(ScalarExpr::parse(&format!("{}a", "- ".repeat(50))).is_err());
    }

    /// Parentheses around every operator, and no others.
    fn grouped(tree: &mut sqlparser::ast::Expr) {
        use sqlparser::ast::{Expr, VisitorMut};
        struct Grouping;
        impl VisitorMut for Grouping {
            type Break = ();
            fn post_visit_expr(&mut self, expr: &mut Expr) -> std::ops::ControlFlow<()> {
                if let Expr::Nested(inner) = expr {
                    *expr = inner.as_ref().clone();
                } else if !matches!(expr, Expr::Identifier(_) | Expr::Value(_)) {
                    *expr = Expr::Nested(Box::new(expr.clone()));
                }
                std::ops::ControlFlow::Continue(())
            }
        }
        let _ = crate::expr::walk::visit_mut(tree, &mut Grouping);
    }
}
