//! Groups, and aggregates of their rows.

use std::collections::BTreeMap;

use super::TooLarge;
use super::expressions::Scope;
use crate::plan::{Aggregate, Group, Measure, SortKey};
use crate::value::Value;

/// A row for each group; one for all rows without keys.
pub(super) fn grouped(group: &Group, rows: &[Scope<'_>]) -> Result<Vec<Vec<Value>>, TooLarge> {
    let mut groups: BTreeMap<Vec<Value>, Vec<&Scope<'_>>> = BTreeMap::new();
    if group.keys.is_empty() {
        groups.insert(Vec::new(), Vec::new());
    }
    for row in rows {
        let key = group.keys.iter().map(|(_, key)| row.value(key)).collect();
        groups.entry(key).or_default().push(row);
    }
    let mut made = Vec::new();
    for (mut values, rows) in groups {
        if group.more_rows_than.is_some_and(|least| rows.len() <= least) {
            continue;
        }
        for (_, measure) in &group.measures {
            values.push(measured(measure, &rows)?);
        }
        made.push(values);
    }
    Ok(made)
}

/// An aggregate of some rows.
pub(super) fn measured(measure: &Measure, rows: &[&Scope<'_>]) -> Result<Value, TooLarge> {
    let taking_part =
        rows.iter().filter(|row| measure.filter.as_ref().is_none_or(|filter| row.is_true(filter)));
    let mut rows: Vec<&Scope<'_>> = taking_part.copied().collect();
    rows.sort_by(|a, b| {
        ordered(&measure.order, |key| (a.column(None, &key.column), b.column(None, &key.column)))
    });
    let Some(argument) = &measure.argument else { return Ok(Value::Int(rows.len() as i64)) };
    let mut values: Vec<Value> = rows.iter().map(|row| row.value(argument)).collect();
    if measure.function.makes_lists() {
        return Ok(if values.is_empty() { Value::Null } else { Value::List(values) });
    }
    values.retain(|value| !value.is_null());
    if measure.distinct {
        values.sort();
        values.dedup();
    }
    of_values(measure.function, &values)
}

/// An aggregate of values that are not NULL.
pub(super) fn of_values(function: Aggregate, values: &[Value]) -> Result<Value, TooLarge> {
    if function == Aggregate::Count {
        return Ok(Value::Int(values.len() as i64));
    }
    if values.is_empty() {
        return Ok(Value::Null);
    }
    let all = |wanted: bool| values.iter().all(|value| *value == Value::Bool(wanted));
    Ok(match function {
        Aggregate::Count | Aggregate::ArrayAgg | Aggregate::ArrayAggSorted => Value::Null,
        Aggregate::Min => values.iter().min().cloned().unwrap_or(Value::Null),
        Aggregate::Max => values.iter().max().cloned().unwrap_or(Value::Null),
        Aggregate::BoolAnd => Value::Bool(all(true)),
        Aggregate::BoolOr => Value::Bool(!all(false)),
        Aggregate::Sum => sum(values)?,
        Aggregate::Avg => match sum(values)? {
            Value::Int(sum) => Value::Float(sum as f64 / values.len() as f64),
            Value::Float(sum) => Value::Float(sum / values.len() as f64),
            other => other,
        },
    })
}

/// The numbers of the tables are halves and quarters, so that sums of floats are exact in any order.
fn sum(values: &[Value]) -> Result<Value, TooLarge> {
    let mut whole: i128 = 0;
    let mut float: Option<f64> = None;
    let mut is_decimal = false;
    for value in values {
        match value {
            Value::Int(value) => whole += i128::from(*value),
            Value::Decimal(value) => {
                whole += value;
                is_decimal = true;
            }
            Value::Float(value) => float = Some(float.unwrap_or(0.0) + value),
            _ => {}
        }
    }
    Ok(match float {
        Some(sum) => Value::Float(sum),
        None if is_decimal => Value::Decimal(whole),
        None => Value::Int(i64::try_from(whole).map_err(|_| TooLarge)?),
    })
}

/// The order of two rows by keys, given the values of both for a key.
pub(super) fn ordered(order: &[SortKey], values: impl Fn(&SortKey) -> (Value, Value)) -> std::cmp::Ordering {
    use std::cmp::Ordering;
    let by = |key: &SortKey| {
        let (a, b) = values(key);
        match (a.is_null(), b.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) if key.nulls_first => Ordering::Less,
            (true, false) => Ordering::Greater,
            (false, true) if key.nulls_first => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) if key.descending => b.order(&a),
            (false, false) => a.order(&b),
        }
    };
    order.iter().map(by).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}
