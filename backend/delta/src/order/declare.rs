//! Declaring an order: what can be one, and where a table keeps it.

use std::collections::BTreeMap;

use arrow::datatypes::Schema;
use serde_json::{Map, Value};

use super::{ORDER, SortColumn, to_text};
use crate::error::{DeltaError, Result};

/// Refuses an order that rows of `schema` cannot have.
pub(crate) fn check_order(schema: &Schema, order: &[SortColumn], location: &str) -> Result<()> {
    let refuse = |reason: String| Err(DeltaError::InvalidOrder { location: location.into(), reason });
    for (index, sort) in order.iter().enumerate() {
        let column = &sort.column;
        let Ok(field) = schema.field_with_name(column) else {
            return refuse(format!("there is no column `{column}`"));
        };
        if field.data_type().is_nested() {
            return refuse(format!("column `{column}` is {}, which has no order", field.data_type()));
        }
        if order.iter().take(index).any(|earlier| earlier.column == *column) {
            return refuse(format!("column `{column}` is given twice"));
        }
    }
    Ok(())
}

/// Refuses to append rows sorted by `order` to a table that records another one.
pub(crate) fn check_appended_order(
    properties: &BTreeMap<String, String>,
    order: &[SortColumn],
    location: &str,
) -> Result<()> {
    if order.is_empty() || same_order(properties, order) {
        return Ok(());
    }
    let recorded = properties.get(ORDER).map_or("no order", String::as_str);
    Err(DeltaError::InvalidOrder {
        location: location.into(),
        reason: format!(
            "the table records {recorded}, the rows to append would be sorted by {}: append without an order, \
             or overwrite the table",
            to_text(order)
        ),
    })
}

/// Whether a table with `properties` records exactly this order, or none if it is empty.
pub(crate) fn same_order(properties: &BTreeMap<String, String>, order: &[SortColumn]) -> bool {
    match properties.get(ORDER) {
        Some(recorded) => *recorded == to_text(order),
        None => order.is_empty(),
    }
}

/// Records an order in the configuration of a table, or removes what it says.
pub(crate) fn record_order(configuration: &mut Map<String, Value>, order: &[SortColumn]) {
    if order.is_empty() {
        configuration.remove(ORDER);
    } else {
        configuration.insert(ORDER.into(), to_text(order).into());
    }
}
