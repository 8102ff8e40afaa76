//! The keys of joins with `USING` and `NATURAL`.
//!
//! `SELECT k` from `a FULL JOIN b USING (k)` means `coalesce(a.k, b.k)`, from a left join `a.k`, and `SELECT *` has the key
//! once. DataFusion knows the key by the columns it was made of, which is not enough:
//!
//! * of rows that only the right side has, it gives `a.k`, which is NULL (apache/datafusion#22881);
//! * `SELECT *` has the one of the two whose table comes first in the alphabet: NULL if that is the right one of a left
//!   join;
//! * a second join with the same key does not find it: the name is ambiguous.
//!
//! A `*` over joins of the second kind is written out here, as `a.*, b.* EXCEPT (k)`. Where that is not enough, the joins are
//! put into parentheses, and what is in parentheses is planned by [`MergedKeys`]: the key becomes a column of its own, and the
//! keys it was made of are gone. A query that names one of them (`a.k`) is then refused by the usual check of names.

mod plan;

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::logical_expr::JoinType;
use datafusion::sql::sqlparser::ast::{
    ExceptSelectItem, Ident, JoinConstraint, JoinOperator, ObjectName, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, TableFactor, TableWithJoins, VisitMut, VisitorMut,
    WildcardAdditionalOptions,
};

pub(super) use plan::MergedKeys;

/// Writes out or encloses what DataFusion would plan wrongly.
pub(super) fn enclose_merged_keys(tree: &mut impl VisitMut) {
    // It never breaks off.
    let _: ControlFlow<()> = tree.visit(&mut Enclosing);
}

struct Enclosing;

impl VisitorMut for Enclosing {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        enclose_in(&mut query.body);
        ControlFlow::Continue(())
    }
}

fn enclose_in(body: &mut SetExpr) {
    match body {
        SetExpr::Select(select) => {
            let starred = select.projection.iter().any(|item| matches!(item, SelectItem::Wildcard(_)));
            let mut written_out = !starred || !select.from.iter().any(has_keys);
            written_out = written_out || write_out_stars(select);
            for from in select.from.iter_mut().filter(|from| {
                let one_by_one = !keeps_right_rows(from) && !shares_keys(from);
                has_keys(from) && !(one_by_one && written_out)
            }) {
                let relation =
                    TableFactor::NestedJoin { table_with_joins: Box::new(from.clone()), alias: None };
                *from = TableWithJoins { relation, joins: Vec::new() };
            }
        }
        SetExpr::SetOperation { left, right, .. } => {
            enclose_in(left);
            enclose_in(right);
        }
        // Queries in parentheses are visited themselves.
        _ => {}
    }
}

/// Whether any of these joins has a merged key.
fn has_keys(joins: &TableWithJoins) -> bool {
    constraints(joins).any(is_merging)
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
    merging > 1 && constraints(joins).any(|constraint| matches!(constraint, JoinConstraint::Natural))
}

/// Makes `*` what it means, if all tables have names and the keys are known; false if not.
fn write_out_stars(select: &mut Select) -> bool {
    let Some(columns) = select.from.iter().map(starred).collect::<Option<Vec<_>>>() else { return false };
    let plain = |item: &SelectItem| match item {
        SelectItem::Wildcard(options) => *options == WildcardAdditionalOptions::default(),
        _ => true,
    };
    if !select.projection.iter().all(plain) {
        return false;
    }
    let columns: Vec<SelectItem> = columns.into_iter().flatten().collect();
    let items = std::mem::take(&mut select.projection);
    for item in items {
        match item {
            SelectItem::Wildcard(_) => select.projection.extend(columns.iter().cloned()),
            other => select.projection.push(other),
        }
    }
    true
}

/// What `*` means over these joins.
fn starred(joins: &TableWithJoins) -> Option<Vec<SelectItem>> {
    let mut items = vec![all_of(&joins.relation, &[])?];
    for join in &joins.joins {
        let keys = match kind(&join.join_operator)? {
            // A right join is enclosed, and then has its key in the place of the left one.
            (JoinType::Right | JoinType::Full, constraint) if is_merging(constraint) => return None,
            (_, JoinConstraint::Using(names)) => names.iter().map(column).collect::<Option<Vec<_>>>()?,
            (_, JoinConstraint::Natural) => return None,
            _ => Vec::new(),
        };
        items.push(all_of(&join.relation, &keys)?);
    }
    Some(items)
}

/// The name of a key, as `EXCEPT` wants it.
fn column(name: &ObjectName) -> Option<Ident> {
    let [part] = name.0.as_slice() else { return None };
    let ident = part.as_ident()?;
    Some(match ident.quote_style {
        Some(_) => ident.clone(),
        None => Ident::with_quote('"', ident.value.to_lowercase()),
    })
}

/// All columns of a table but the keys, if the table has a name.
fn all_of(table: &TableFactor, keys: &[Ident]) -> Option<SelectItem> {
    let name = match table {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            ObjectName::from(vec![alias.name.clone()])
        }
        TableFactor::Table { name, args: None, .. } => name.clone(),
        _ => return None,
    };
    let mut options = WildcardAdditionalOptions::default();
    if let Some((first, more)) = keys.split_first() {
        let (first_element, additional_elements) = (first.clone(), more.to_vec());
        options.opt_except = Some(ExceptSelectItem { first_element, additional_elements });
    }
    Some(SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options))
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
