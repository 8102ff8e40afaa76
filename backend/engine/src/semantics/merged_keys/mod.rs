//! The keys of joins with `USING` and `NATURAL`.
//!
//! `SELECT k` from `a FULL JOIN b USING (k)` means `coalesce(a.k, b.k)`, from a left join `a.k`, and `SELECT *` has the key
//! once. DataFusion knows the key by the columns it was made of, which is not enough:
//!
//! * of rows that only the right side has, it gives `a.k`, which is NULL (apache/datafusion#22881);
//! * `SELECT *` has the one of the two whose table comes first in the alphabet: NULL if that is the right one of a left
//!   join;
//! * a second join with the same key, a condition of a later join and `WHERE` do not find it: the name is ambiguous.
//!
//! What DataFusion would get wrong is put into parentheses, and what is in parentheses is planned by [`MergedKeys`], which
//! makes the key a column of its own. A `*` is written out before, as `a.*, b.* EXCEPT (k)`.
//!
//! * Where all keys are named by `USING`, that column is `k` of a table [`MERGED`], next to `a.k` and `b.k`; names
//!   without a table are rewritten to it.
//! * Where the names are not known before the columns of the tables are (`NATURAL`, a `*` that cannot be written out), the
//!   column is `k`, and those it was made of are gone: a query that names one of them is refused by the usual check of
//!   names, and one with `a.*` here.

mod names;
mod plan;
mod stars;

use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;

use datafusion::common::Result;
use datafusion::logical_expr::JoinType;
use datafusion::sql::sqlparser::ast::{
    Ident, JoinConstraint, JoinOperator, ObjectName, OrderBy, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, TableAlias, TableFactor, TableWithJoins, VisitMut, VisitorMut,
};
use ir::expr::{normalize, walk};

use crate::error::NotComputed;

pub(super) use plan::MergedKeys;

/// The table that merged keys belong to, and the alias that joins in parentheses have whose own keys stay.
const MERGED: &str = "__merged_keys";

/// Writes out or encloses what DataFusion would plan wrongly.
///
/// # Errors
/// [`NotComputed`] for `a.*` where `a` would lose its keys.
pub(super) fn enclose_merged_keys(tree: &mut impl VisitMut) -> Result<()> {
    let mut enclosing = Enclosing { result: Ok(()) };
    let _ = walk::visit_mut(tree, &mut enclosing);
    enclosing.result
}

struct Enclosing {
    result: Result<()>,
}

impl VisitorMut for Enclosing {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        self.result = enclose_in(&mut query.body, query.order_by.as_mut());
        if self.result.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn enclose_in(body: &mut SetExpr, order: Option<&mut OrderBy>) -> Result<()> {
    match body {
        SetExpr::Select(select) => enclose_in_select(select, order),
        // Its order is one of its columns.
        SetExpr::SetOperation { left, right, .. } => {
            enclose_in(left, None)?;
            enclose_in(right, None)
        }
        // Queries in parentheses are visited themselves.
        _ => Ok(()),
    }
}

fn enclose_in_select(select: &mut Select, order: Option<&mut OrderBy>) -> Result<()> {
    for from in &mut select.from {
        without_parentheses(from);
    }
    if !select.from.iter().any(has_keys) {
        return Ok(());
    }
    let of_a_table = select.projection.iter().find(|item| is_all_of_a_table(item)).map(ToString::to_string);
    let starred = select.projection.iter().any(|item| matches!(item, SelectItem::Wildcard(_)));
    let written_out = !starred || stars::write_out(select);
    if written_out && let Some(keys) = known_keys(&select.from) {
        if needs_columns(select, &keys) {
            names::rename_in_select(select, order, &keys);
            for from in &mut select.from {
                enclose(from, true);
            }
        }
        return Ok(());
    }
    let mut enclosed = false;
    let names_keys = !names::unqualified(&select.selection).is_empty();
    let tables = names::tables(&select.selection);
    for from in select.from.iter_mut().filter(|from| has_keys(from)) {
        let is_needed = keeps_right_rows(from)
            || shares_keys(from)
            || !written_out
            || is_natural(from) && names_keys && !names_right(&tables, from);
        if is_needed {
            enclose(from, false);
            enclosed = true;
        }
    }
    match of_a_table.filter(|_| enclosed) {
        Some(item) => NotComputed::error(format!(
            "`{item}` over a join with NATURAL, or next to `*` or other tables over a join with USING, would not have \
             the keys of the join; name the columns"
        )),
        None => Ok(()),
    }
}

/// Whether a select item is `table.*`.
fn is_all_of_a_table(item: &SelectItem) -> bool {
    matches!(item, SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(_), _))
}

/// `(a JOIN b USING (k))` is `a JOIN b USING (k)`.
fn without_parentheses(from: &mut TableWithJoins) {
    while from.joins.is_empty()
        && let TableFactor::NestedJoin { table_with_joins, alias: None } = &mut from.relation
    {
        let inner = std::mem::replace(
            table_with_joins.as_mut(),
            TableWithJoins { relation: nothing(), joins: Vec::new() },
        );
        *from = inner;
    }
}

/// Stands where something was taken from.
pub(super) fn nothing() -> TableFactor {
    TableFactor::TableFunction {
        expr: datafusion::sql::sqlparser::ast::Expr::Identifier(Ident::new("")),
        alias: None,
    }
}

/// Puts joins in parentheses.
fn enclose(from: &mut TableWithJoins, keep_own_keys: bool) {
    let joins = std::mem::replace(from, TableWithJoins { relation: nothing(), joins: Vec::new() });
    let alias = keep_own_keys.then(|| TableAlias {
        explicit: false,
        name: Ident::with_quote('"', MERGED),
        columns: Vec::new(),
        at: None,
    });
    from.relation = TableFactor::NestedJoin { table_with_joins: Box::new(joins), alias };
}

/// The keys of joins of one query, in small letters unless quoted, where all are named.
fn known_keys(from: &[TableWithJoins]) -> Option<BTreeSet<String>> {
    let [joins] = from else { return None };
    let mut keys = BTreeSet::new();
    for constraint in constraints(joins).filter(|constraint| is_merging(constraint)) {
        let JoinConstraint::Using(names) = constraint else { return None };
        for name in names {
            keys.insert(column(name)?.value);
        }
    }
    Some(keys)
}

/// Whether keys have to be columns of their own.
fn needs_columns(select: &Select, keys: &BTreeSet<String>) -> bool {
    let named = |names: BTreeSet<String>| !names.is_disjoint(keys);
    select.from.iter().any(|from| {
        keeps_right_rows(from)
            || shares_keys(from)
            || constraints(from)
                .any(|on| matches!(on, JoinConstraint::On(_)) && named(names::unqualified(on)))
    }) || named(names::unqualified(&select.selection))
}

/// Whether any of these joins has a merged key.
fn has_keys(joins: &TableWithJoins) -> bool {
    constraints(joins).any(is_merging)
}

fn is_natural(joins: &TableWithJoins) -> bool {
    constraints(joins).any(|constraint| matches!(constraint, JoinConstraint::Natural))
}

/// Whether one of these tables is one that is joined to others.
fn names_right(tables: &BTreeSet<String>, joins: &TableWithJoins) -> bool {
    joins.joins.iter().filter_map(|join| stars::name_of(&join.relation)).any(|name| {
        let last = name.0.last().and_then(|part| part.as_ident());
        last.is_some_and(|last| tables.contains(&normalize(last)))
    })
}

fn is_merging(constraint: &JoinConstraint) -> bool {
    matches!(constraint, JoinConstraint::Using(_) | JoinConstraint::Natural)
}

fn constraints(joins: &TableWithJoins) -> impl Iterator<Item = &JoinConstraint> {
    joins.joins.iter().filter_map(|join| kind(&join.join_operator)).map(|(_, constraint)| constraint)
}

/// Whether a key of these joins is one that rows without a match on the left have too.
fn keeps_right_rows(joins: &TableWithJoins) -> bool {
    joins.joins.iter().any(|join| match kind(&join.join_operator) {
        Some((JoinType::Right | JoinType::Full, constraint)) => is_merging(constraint),
        _ => false,
    })
}

/// Whether two of these joins may have a key in common.
fn shares_keys(joins: &TableWithJoins) -> bool {
    let mut seen = HashSet::new();
    let mut merging = 0;
    for constraint in constraints(joins).filter(|constraint| is_merging(constraint)) {
        merging += 1;
        let JoinConstraint::Using(names) = constraint else { continue };
        if !names.iter().all(|name| seen.insert(name.to_string().to_lowercase())) {
            return true;
        }
    }
    merging > 1 && is_natural(joins)
}

/// The name of a key as its column has it, quoted.
fn column(name: &ObjectName) -> Option<Ident> {
    let [part] = name.0.as_slice() else { return None };
    Some(Ident::with_quote('"', normalize(part.as_ident()?)))
}

fn kind(operator: &JoinOperator) -> Option<(JoinType, &JoinConstraint)> {
    Some(match operator {
        JoinOperator::Join(on) | JoinOperator::Inner(on) | JoinOperator::CrossJoin(on) => {
            (JoinType::Inner, on)
        }
        JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => (JoinType::Left, on),
        JoinOperator::Right(on) | JoinOperator::RightOuter(on) => (JoinType::Right, on),
        JoinOperator::FullOuter(on) => (JoinType::Full, on),
        _ => return None,
    })
}
