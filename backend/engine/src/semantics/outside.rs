//! The expressions of a part of a query that are not in its subqueries, which have names of their own.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Query, Visit, VisitMut, Visitor, VisitorMut};
use ir::expr::walk;

/// Calls `act` with every expression, before its operands.
pub(super) fn each(part: &impl Visit, act: impl FnMut(&Expr)) {
    let _ = walk::visit(part, &mut Outside { act, queries: 0 });
}

/// Calls `act` with every expression, after its operands. What it puts there is not visited.
pub(super) fn each_mut(part: &mut impl VisitMut, act: impl FnMut(&mut Expr)) {
    let _ = walk::visit_mut(part, &mut Outside { act, queries: 0 });
}

struct Outside<Act> {
    act: Act,
    /// How many queries the visit is inside of.
    queries: usize,
}

impl<Act: FnMut(&Expr)> Visitor for Outside<Act> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if self.queries == 0 {
            (self.act)(expr);
        }
        ControlFlow::Continue(())
    }
}

impl<Act: FnMut(&mut Expr)> VisitorMut for Outside<Act> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.queries == 0 {
            (self.act)(expr);
        }
        ControlFlow::Continue(())
    }
}
