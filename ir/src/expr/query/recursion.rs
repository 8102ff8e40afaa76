//! Recursive definitions: which forms can be planned.
//!
//! A planner knows one form, `first rows UNION [ALL] rows made of the name`, and plans the two sides of that UNION
//! and nothing else of the definition. What it would pass over is refused here.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use sqlparser::ast::{self, Cte, Expr, ObjectName, Query, SetExpr, SetOperator, Spanned as _};
use sqlparser::tokenizer::Span;

use super::super::clauses::{self, Clause};
use super::super::{normalize, walk};
use super::plain_name;

/// What is wrong with the recursive definitions of a query, with its place.
pub(super) fn refused(query: &Query) -> Vec<(&'static Clause, Span)> {
    let mut check = Check::default();
    let _ = walk::visit(query, &mut check);
    check.refused
}

/// Whether a definition names itself.
pub(super) fn reads_itself(cte: &Cte) -> bool {
    readings(cte.query.as_ref()).contains_key(&normalize(&cte.alias.name))
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
        let names = with.cte_tables.iter().enumerate();
        let positions: HashMap<String, usize> =
            names.map(|(position, cte)| (normalize(&cte.alias.name), position)).collect();
        for (position, cte) in with.cte_tables.iter().enumerate() {
            let reads = readings(cte.query.as_ref());
            let is_later = |name: &String| positions.get(name).is_some_and(|other| *other > position);
            let forward = reads.iter().find(|(name, _)| is_later(name)).and_then(|(_, reads)| reads.first());
            self.refused.extend(forward.map(|read| (&clauses::RECURSIVE_FORWARD, read.span)));
            if reads.contains_key(&normalize(&cte.alias.name)) {
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
        let of = |side: &SetExpr| readings(side).remove(&name).unwrap_or_default();
        let first = of(left);
        self.refused.extend(first.first().map(|read| (&clauses::RECURSIVE_FIRST_TERM, read.span)));
        let again = of(right);
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

/// The places in a part of a query that name relations, by name, except those that mean a definition inside.
fn readings<T: ast::Visit>(part: &T) -> BTreeMap<String, Vec<Reading>> {
    let mut places = Places::default();
    let _ = walk::visit(part, &mut places);
    places.found
}

#[derive(Default)]
struct Places {
    /// How many expressions the visit is inside of.
    expressions: usize,
    /// How many queries around the place define each name.
    hidden: HashMap<String, usize>,
    found: BTreeMap<String, Vec<Reading>>,
}

/// The names a query defines.
fn defined(query: &Query) -> impl Iterator<Item = String> {
    let definitions = query.with.iter().flat_map(|with| &with.cte_tables);
    definitions.map(|cte| normalize(&cte.alias.name))
}

impl ast::Visitor for Places {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        defined(query).for_each(|name| *self.hidden.entry(name).or_default() += 1);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for name in defined(query) {
            if let Some(queries) = self.hidden.get_mut(&name) {
                *queries -= 1;
            }
        }
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
        let span = name.span();
        if let Some(name) = plain_name(name)
            && self.hidden.get(&name).is_none_or(|queries| *queries == 0)
        {
            let reading = Reading { span, in_expression: self.expressions > 0 };
            self.found.entry(name).or_default().push(reading);
        }
        ControlFlow::Continue(())
    }
}
