//! Names of columns in a query: which it has, and keys among them made columns of [`MERGED`].

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, JoinConstraint, JoinOperator, OrderBy, Query, Select, SelectItem, TableWithJoins, Visit,
    VisitMut, Visitor, VisitorMut,
};

use super::{MERGED, column, is_merging, kind};

/// The name that an identifier stands for.
pub(super) fn normalized(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    }
}

/// The column of a merged key.
pub(super) fn merged(key: Ident) -> Expr {
    Expr::CompoundIdentifier(vec![Ident::with_quote('"', MERGED), key])
}

/// The names in a part of a query.
#[derive(Default)]
pub(super) struct Names {
    /// Columns that are named without a table, outside of subqueries: these have their own.
    pub(super) unqualified: BTreeSet<String>,
    /// The tables of all others.
    pub(super) tables: BTreeSet<String>,
    depth: usize,
}

impl Names {
    pub(super) fn of(part: &impl Visit) -> Self {
        let mut names = Self::default();
        let ControlFlow::Continue(()) = part.visit(&mut names);
        names
    }
}

impl Visitor for Names {
    type Break = Infallible;

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<Infallible> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<Infallible> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Infallible> {
        match expr {
            Expr::Identifier(name) if self.depth == 0 => {
                self.unqualified.insert(normalized(name));
            }
            Expr::CompoundIdentifier(names) => self.tables.extend(names.first().map(normalized)),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Names the merged keys wherever a query over one chain of joins names a key without a table.
pub(super) fn rename_in_select(select: &mut Select, order: Option<&mut OrderBy>, keys: &BTreeSet<String>) {
    let mut from = std::mem::take(&mut select.from);
    for joins in &mut from {
        rename_in_conditions(joins);
    }
    let mut names = Renaming { keys: keys.clone(), depth: 0 };
    for item in &mut select.projection {
        rename_in_item(item, &mut names);
    }
    let projection = std::mem::take(&mut select.projection);
    rename(select, &mut names);
    if let Some(order) = order {
        // What an item is called goes before what it is made of.
        for item in &projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item {
                names.keys.remove(&normalized(alias));
            }
        }
        rename(order, &mut names);
    }
    select.projection = projection;
    select.from = from;
}

/// An item keeps the name that it was written with.
fn rename_in_item(item: &mut SelectItem, names: &mut Renaming) {
    let written = match item {
        SelectItem::UnnamedExpr(Expr::Identifier(_)) => None,
        SelectItem::UnnamedExpr(expr) => Some(expr.clone()),
        _ => None,
    };
    rename(item, names);
    if let Some(written) = written
        && let SelectItem::UnnamedExpr(expr) = item
        && *expr != written
    {
        let alias = Ident::with_quote('"', written.to_string());
        *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
    }
}

/// A condition names the keys of the joins before it.
fn rename_in_conditions(joins: &mut TableWithJoins) {
    let mut names = Renaming { keys: BTreeSet::new(), depth: 0 };
    for join in &mut joins.joins {
        match kind(&join.join_operator) {
            Some((_, JoinConstraint::Using(keys))) => {
                names.keys.extend(keys.iter().filter_map(column).map(|key| key.value));
            }
            Some((_, constraint)) if !is_merging(constraint) => {
                rename::<JoinOperator>(&mut join.join_operator, &mut names);
            }
            _ => {}
        }
    }
}

fn rename<Part: VisitMut>(part: &mut Part, names: &mut Renaming) {
    let ControlFlow::Continue(()) = part.visit(names);
}

struct Renaming {
    keys: BTreeSet<String>,
    depth: usize,
}

impl VisitorMut for Renaming {
    type Break = Infallible;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<Infallible> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Infallible> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Infallible> {
        if let Expr::Identifier(name) = expr
            && self.depth == 0
        {
            let key = normalized(name);
            if self.keys.contains(&key) {
                *expr = merged(Ident::with_quote('"', key));
            }
        }
        ControlFlow::Continue(())
    }
}
