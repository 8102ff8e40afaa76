//! Walks over syntax trees.
//!
//! The walk that `sqlparser` derives is generic over its visitor, and so is compiled anew for each: some 400 types. Here every visitor is behind one pointer, and a crate holds the walk once. Clippy refuses the
//! other way (`clippy.toml`).

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, ObjectName, Query, Select, Statement, TableFactor, ValueWithSpan, Visit, VisitMut, Visitor,
    VisitorMut,
};

/// Shows a tree to a visitor; `Break` where the visitor broke off.
#[expect(clippy::disallowed_methods, reason = "the one place")]
pub fn visit(tree: &impl Visit, visitor: &mut dyn Visitor<Break = ()>) -> ControlFlow<()> {
    tree.visit(&mut Shared(visitor))
}

/// Gives a tree to a visitor that changes it; `Break` where the visitor broke off.
#[expect(clippy::disallowed_methods, reason = "the one place")]
pub fn visit_mut(tree: &mut impl VisitMut, visitor: &mut dyn VisitorMut<Break = ()>) -> ControlFlow<()> {
    tree.visit(&mut Exclusive(visitor))
}

/// Shows all expressions of a tree, its subqueries included, each before its operands.
pub fn expressions(tree: &impl Visit, mut act: impl FnMut(&Expr)) {
    let _ = visit(
        tree,
        &mut Expressions(|expr: &Expr| {
            act(expr);
            ControlFlow::Continue(())
        }),
    );
}

/// Whether an expression of a tree, its subqueries included, is such a one.
pub fn any_expression(tree: &impl Visit, mut is_one: impl FnMut(&Expr) -> bool) -> bool {
    let one = |expr: &Expr| if is_one(expr) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    visit(tree, &mut Expressions(one)).is_break()
}

/// What `find` makes of the first expression of a tree, its subqueries included, of which it makes something.
pub fn find_expression<T>(tree: &impl Visit, mut find: impl FnMut(&Expr) -> Option<T>) -> Option<T> {
    let mut found = None;
    any_expression(tree, |expr| {
        found = find(expr);
        found.is_some()
    });
    found
}

/// Gives all expressions of a tree to be changed, its subqueries included, each after its operands.
pub fn expressions_mut(tree: &mut impl VisitMut, act: impl FnMut(&mut Expr)) {
    let _ = visit_mut(tree, &mut ChangedExpressions(act));
}

/// Shows all expressions of a tree but those of the queries in it, which have names of their own; each before its operands.
pub fn own_expressions(tree: &impl Visit, act: impl FnMut(&Expr)) {
    let _ = visit(tree, &mut OwnExpressions { act, queries: 0 });
}

/// Gives all expressions of a tree to be changed but those of the queries in it, each after its operands. What is put there is
/// not visited.
pub fn own_expressions_mut(tree: &mut impl VisitMut, act: impl FnMut(&mut Expr)) {
    let _ = visit_mut(tree, &mut OwnExpressions { act, queries: 0 });
}

struct Expressions<Act>(Act);

impl<Act: FnMut(&Expr) -> ControlFlow<()>> Visitor for Expressions<Act> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        (self.0)(expr)
    }
}

struct ChangedExpressions<Act>(Act);

impl<Act: FnMut(&mut Expr)> VisitorMut for ChangedExpressions<Act> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        (self.0)(expr);
        ControlFlow::Continue(())
    }
}

struct OwnExpressions<Act> {
    act: Act,
    /// How many queries the visit is inside of.
    queries: usize,
}

impl<Act: FnMut(&Expr)> Visitor for OwnExpressions<Act> {
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

impl<Act: FnMut(&mut Expr)> VisitorMut for OwnExpressions<Act> {
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

struct Shared<'v>(&'v mut dyn Visitor<Break = ()>);

struct Exclusive<'v>(&'v mut dyn VisitorMut<Break = ()>);

/// Hands every call to the visitor behind the pointer.
macro_rules! forwards {
    ($($node:ident: $before:ident $after:ident;)*) => {
        impl Visitor for Shared<'_> {
            type Break = ();
            $(
                fn $before(&mut self, node: &$node) -> ControlFlow<()> {
                    self.0.$before(node)
                }
                fn $after(&mut self, node: &$node) -> ControlFlow<()> {
                    self.0.$after(node)
                }
            )*
        }

        impl VisitorMut for Exclusive<'_> {
            type Break = ();
            $(
                fn $before(&mut self, node: &mut $node) -> ControlFlow<()> {
                    self.0.$before(node)
                }
                fn $after(&mut self, node: &mut $node) -> ControlFlow<()> {
                    self.0.$after(node)
                }
            )*
        }
    };
}

forwards! {
    Expr: pre_visit_expr post_visit_expr;
    ObjectName: pre_visit_relation post_visit_relation;
    Query: pre_visit_query post_visit_query;
    Select: pre_visit_select post_visit_select;
    Statement: pre_visit_statement post_visit_statement;
    TableFactor: pre_visit_table_factor post_visit_table_factor;
    ValueWithSpan: pre_visit_value post_visit_value;
}
