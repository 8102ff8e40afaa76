//! `*` over joins with merged keys, written out.

use std::collections::BTreeSet;

use datafusion::logical_expr::JoinType;
use datafusion::sql::sqlparser::ast::{
    ExceptSelectItem, Ident, JoinConstraint, ObjectName, ReplaceSelectElement, ReplaceSelectItem, Select,
    SelectItem, SelectItemQualifiedWildcardKind, TableFactor, TableWithJoins, WildcardAdditionalOptions,
};

use super::{column, is_merging, keeps_right_rows, kind, names, shares_keys};

/// Makes `*` what it means, if all tables have names and the keys are known; false if not.
pub(super) fn write_out(select: &mut Select) -> bool {
    let Some(columns) = select.from.iter().map(starred).collect::<Option<Vec<_>>>() else { return false };
    let plain = |item: &SelectItem| match item {
        SelectItem::Wildcard(options) => *options == WildcardAdditionalOptions::default(),
        _ => true,
    };
    // Next to other tables, joins lose the keys that would be written.
    let alone = select.from.len() == 1;
    let loses = |from: &TableWithJoins| keeps_right_rows(from) || shares_keys(from);
    if !select.projection.iter().all(plain) || !alone && select.from.iter().any(loses) {
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

/// What `*` means over these joins: all columns of each table but keys that were there before. Keys of rows without a match
/// on the left take the place of the first table's.
fn starred(joins: &TableWithJoins) -> Option<Vec<SelectItem>> {
    let mut items = Vec::with_capacity(joins.joins.len());
    let (mut of_first, mut replaced) = (BTreeSet::new(), BTreeSet::new());
    for (at, join) in joins.joins.iter().enumerate() {
        let (join_type, constraint) = kind(&join.join_operator)?;
        let keys = match constraint {
            JoinConstraint::Using(names) => names.iter().map(column).collect::<Option<Vec<_>>>()?,
            JoinConstraint::Natural => return None,
            _ => Vec::new(),
        };
        let names = keys.iter().map(|key| key.value.clone());
        if at == 0 {
            of_first.extend(names.clone());
        }
        if matches!(join_type, JoinType::Right | JoinType::Full) && is_merging(constraint) {
            replaced.extend(names);
        }
        items.push(all_of(&join.relation, &keys)?);
    }
    if !replaced.is_subset(&of_first) {
        return None;
    }
    let mut first = all_of(&joins.relation, &[])?;
    if let SelectItem::QualifiedWildcard(_, options) = &mut first
        && !replaced.is_empty()
    {
        let element = |key: String| {
            let column_name = Ident::with_quote('"', key);
            let expr = names::merged(column_name.clone());
            Box::new(ReplaceSelectElement { expr, column_name, as_keyword: true })
        };
        options.opt_replace = Some(ReplaceSelectItem { items: replaced.into_iter().map(element).collect() });
    }
    items.insert(0, first);
    Some(items)
}

/// All columns of a table but the keys, if the table has a name.
fn all_of(table: &TableFactor, keys: &[Ident]) -> Option<SelectItem> {
    let mut options = WildcardAdditionalOptions::default();
    if let Some((first, more)) = keys.split_first() {
        let (first_element, additional_elements) = (first.clone(), more.to_vec());
        options.opt_except = Some(ExceptSelectItem { first_element, additional_elements });
    }
    let name = SelectItemQualifiedWildcardKind::ObjectName(name_of(table)?);
    Some(SelectItem::QualifiedWildcard(name, options))
}

/// The name by which columns of a table are named.
pub(super) fn name_of(table: &TableFactor) -> Option<ObjectName> {
    match table {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            Some(ObjectName::from(vec![alias.name.clone()]))
        }
        TableFactor::Table { name, args: None, .. } => Some(name.clone()),
        _ => None,
    }
}
