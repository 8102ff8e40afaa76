//! The shape of an expression: its depth, its conjuncts, what it negates.

use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Visitor};

use super::{ScalarExpr, walk};

impl ScalarExpr {
    /// How many expressions lie within each other at the most, parentheses included; 1 for a column or a literal.
    #[must_use]
    pub fn depth(&self) -> usize {
        let mut depth = Depth::default();
        let _ = walk::visit(self.ast(), &mut depth);
        depth.deepest
    }

    /// The operands of a chain of `AND`, left to right, parentheses removed.
    #[must_use]
    pub fn conjuncts(&self) -> Vec<Self> {
        let mut open = vec![self.ast()];
        let mut found = Vec::new();
        while let Some(expr) = open.pop() {
            match expr {
                Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                    open.push(right);
                    open.push(left);
                }
                Expr::Nested(inner) => open.push(inner),
                other => found.push(Self::new(other.clone())),
            }
        }
        found
    }

    /// What is negated, parentheses removed, if it is `NOT` of something.
    #[must_use]
    pub fn negated(&self) -> Option<Self> {
        let Expr::UnaryOp { op: UnaryOperator::Not, expr } = self.ast() else { return None };
        let mut negated = expr.as_ref();
        while let Expr::Nested(inner) = negated {
            negated = inner;
        }
        Some(Self::new(negated.clone()))
    }
}

#[derive(Default)]
struct Depth {
    open: usize,
    deepest: usize,
}

impl Visitor for Depth {
    type Break = ();

    fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.open += 1;
        self.deepest = self.deepest.max(self.open);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.open -= 1;
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::ScalarExpr;

    #[test]
    fn parentheses_calls_and_operators_nest() {
        for (text, depth) in [("a", 1), ("a + 1", 2), ("(a + 1) * b", 4), ("abs(a + (b))", 4)] {
            assert_eq!(ScalarExpr::parse(text).unwrap().depth(), depth, "{text}");
        }
    }

    #[test]
    fn conjuncts_come_left_to_right() {
        let parts: Vec<String> = ScalarExpr::parse("a AND (b AND c) AND d")
            .unwrap()
            .conjuncts()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(parts, ["a", "b", "c", "d"]);
    }
}
