//! Recursive definitions: which forms can be planned.
//!
//! A planner knows one form, `first rows UNION [ALL] rows made of the name`, and plans the two sides of that UNION
//! and nothing else of the definition. What it would pass over is refused here.

use std::ops::ControlFlow;

use sqlparser::ast::{self, Cte, Expr, ObjectName, Query, SetExpr, SetOperator, Spanned as _};
use sqlparser::tokenizer::Span;

use super::super::meaning::{Clause, clauses};
use super::super::normalize;
use super::plain_name;

/// What is wrong with the recursive definitions of a query, with its place.
pub(super) fn refused(query: &Query) -> Vec<(&'static Clause, Span)> {
    let mut check = Check::default();
    let _ = ast::Visit::visit(query, &mut check);
    check.refused
}

/// Whether a definition names itself.
pub(super) fn reads_itself(cte: &Cte) -> bool {
    !readings(cte.query.as_ref(), &normalize(&cte.alias.name)).is_empty()
}

#[derive(Default)]
struct Check {
    refused: Vec<(&'static Clause, Span)>,
}

impl ast::Visitor for Check {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let Some(with) = query.with.as_ref().filter(|with| with.recursive) else {
            return ControlFlow::Continue(());
        };
        for (position, cte) in with.cte_tables.iter().enumerate() {
            for later in with.cte_tables.iter().skip(position + 1) {
                let forward = readings(cte.query.as_ref(), &normalize(&later.alias.name));
                self.refused.extend(forward.first().map(|read| (&clauses::RECURSIVE_FORWARD, read.span)));
            }
            if reads_itself(cte) {
                self.recursive(cte);
            }
        }
        ControlFlow::Continue(())
    }
}

impl Check {
    fn recursive(&mut self, cte: &Cte) {
        let name = normalize(&cte.alias.name);
        let Query { with, body, order_by, limit_clause, .. } = cte.query.as_ref();
        let SetExpr::SetOperation { op: SetOperator::Union, left, right, .. } = body.as_ref() else {
            self.refused.push((&clauses::RECURSIVE_FORM, cte.alias.name.span));
            return;
        };
        if with.is_some() || order_by.is_some() || limit_clause.is_some() {
            self.refused.push((&clauses::RECURSIVE_CLAUSE, cte.alias.name.span));
        }
        let first = readings(left.as_ref(), &name);
        self.refused.extend(first.first().map(|read| (&clauses::RECURSIVE_FIRST_TERM, read.span)));
        let again = readings(right.as_ref(), &name);
        let inside = again.iter().find(|read| read.in_expression);
        self.refused.extend(inside.map(|read| (&clauses::RECURSIVE_SUBQUERY, read.span)));
        self.refused.extend(again.get(1).map(|read| (&clauses::RECURSIVE_TWICE, read.span)));
    }
}

/// A place that names a relation.
struct Reading {
    span: Span,
    /// Whether it is in a subquery of an expression.
    in_expression: bool,
}

/// The places in a part of a query that name a relation, except where a definition inside takes the name.
fn readings<T: ast::Visit>(part: &T, name: &str) -> Vec<Reading> {
    let mut places = Places { name, expressions: 0, hidden: 0, found: Vec::new() };
    let _ = part.visit(&mut places);
    places.found
}

struct Places<'n> {
    name: &'n str,
    expressions: usize,
    hidden: usize,
    found: Vec<Reading>,
}

impl Places<'_> {
    fn hides(&self, query: &Query) -> bool {
        let definitions = query.with.iter().flat_map(|with| &with.cte_tables);
        definitions.into_iter().any(|cte| normalize(&cte.alias.name) == self.name)
    }
}

impl ast::Visitor for Places<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.hidden += usize::from(self.hides(query));
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.hidden -= usize::from(self.hides(query));
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.expressions += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.expressions -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
        if self.hidden == 0 && plain_name(name).is_some_and(|name| name == self.name) {
            self.found.push(Reading { span: name.span(), in_expression: self.expressions > 0 });
        }
        ControlFlow::Continue(())
    }
}
