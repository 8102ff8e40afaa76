//! Names of columns in a query: which it has, and keys among them made columns of [`MERGED`].

use std::collections::BTreeSet;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, JoinConstraint, OrderBy, Select, SelectItem, TableWithJoins, Visit, VisitMut,
};
use ir::expr::{normalize, walk};

use super::{MERGED, column, is_merging, kind};

/// The column of a merged key.
pub(super) fn merged(key: Ident) -> Expr {
    Expr::CompoundIdentifier(vec![Ident::with_quote('"', MERGED), key])
}

/// The columns that a part of a query names without a table.
pub(super) fn unqualified(part: &impl Visit) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    walk::own_expressions(part, |expr| {
        if let Expr::Identifier(name) = expr {
            names.insert(normalize(name));
        }
    });
    names
}

/// The tables whose columns a part of a query names, its subqueries included.
pub(super) fn tables(part: &impl Visit) -> BTreeSet<String> {
    let mut tables = BTreeSet::new();
    walk::expressions(part, |expr| {
        if let Expr::CompoundIdentifier(names) = expr {
            tables.extend(names.first().map(normalize));
        }
    });
    tables
}

/// Names the merged keys wherever a query over one chain of joins names a key without a table.
pub(super) fn rename_in_select(select: &mut Select, order: Option<&mut OrderBy>, keys: &BTreeSet<String>) {
    let mut from = std::mem::take(&mut select.from);
    for joins in &mut from {
        rename_in_conditions(joins);
    }
    for item in &mut select.projection {
        rename_in_item(item, keys);
    }
    let projection = std::mem::take(&mut select.projection);
    rename(select, keys);
    if let Some(order) = order {
        // What an item is called goes before what it is made of.
        let mut keys = keys.clone();
        for item in &projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item {
                keys.remove(&normalize(alias));
            }
        }
        rename(order, &keys);
    }
    select.projection = projection;
    select.from = from;
}

/// An item keeps the name that it was written with.
fn rename_in_item(item: &mut SelectItem, keys: &BTreeSet<String>) {
    let written = match item {
        SelectItem::UnnamedExpr(Expr::Identifier(_)) => None,
        SelectItem::UnnamedExpr(expr) => Some(expr.clone()),
        _ => None,
    };
    rename(item, keys);
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
    let mut keys = BTreeSet::new();
    for join in &mut joins.joins {
        match kind(&join.join_operator) {
            Some((_, JoinConstraint::Using(own))) => {
                keys.extend(own.iter().filter_map(column).map(|key| key.value));
            }
            Some((_, constraint)) if !is_merging(constraint) => rename(&mut join.join_operator, &keys),
            _ => {}
        }
    }
}

fn rename(part: &mut impl VisitMut, keys: &BTreeSet<String>) {
    walk::own_expressions_mut(part, |expr| {
        if let Expr::Identifier(name) = expr
            && let key = normalize(name)
            && keys.contains(&key)
        {
            *expr = merged(Ident::with_quote('"', key));
        }
    });
}
