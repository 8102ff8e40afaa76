//! Window functions: for every row, a look at all others.

use super::aggregates::{of_values, ordered};
use super::{Relation, TooLarge};
use crate::plan::{Aggregate, WindowCall, WindowFunction};
use crate::value::Value;

/// The rows, each with the values of these calls.
pub(super) fn with(source: &Relation, calls: &[&WindowCall]) -> Result<Vec<Vec<Value>>, TooLarge> {
    let mut rows = source.rows.clone();
    for call in calls {
        let values = values_of(source, call)?;
        rows.iter_mut().zip(values).for_each(|(row, value)| row.push(value));
    }
    Ok(rows)
}

/// The value of a call for each row, in the order of the rows.
fn values_of(source: &Relation, call: &WindowCall) -> Result<Vec<Value>, TooLarge> {
    let partition = source.positions(&call.partition);
    let argument = call.argument.as_ref().map(|name| source.position(name));
    let order = |a: usize, b: usize| {
        ordered(&call.order, |key| {
            let at = source.position(&key.column);
            (source.rows[a][at].clone(), source.rows[b][at].clone())
        })
    };
    let mut values = Vec::with_capacity(source.rows.len());
    for current in 0..source.rows.len() {
        let same =
            |other: &usize| partition.iter().all(|at| source.rows[*other][*at] == source.rows[current][*at]);
        let mut window: Vec<usize> = (0..source.rows.len()).filter(same).collect();
        window.sort_by(|a, b| order(*a, *b));
        let at = window.iter().position(|row| *row == current).unwrap_or(0);
        let value = |place: Option<usize>| match (place.and_then(|place| window.get(place)), argument) {
            (Some(row), Some(argument)) => source.rows[*row][argument].clone(),
            _ => Value::Null,
        };
        let frame = match call.frame {
            Some([before, after]) => at.saturating_sub(before)..window.len().min(at + after + 1),
            None => 0..window.len(),
        };
        let in_frame = || {
            frame.clone().map(|place| value(Some(place))).filter(|value| !value.is_null()).collect::<Vec<_>>()
        };
        let smaller = window.iter().filter(|row| order(**row, current).is_lt());
        values.push(match call.function {
            WindowFunction::RowNumber => Value::Int(at as i64 + 1),
            WindowFunction::Rank => Value::Int(smaller.count() as i64 + 1),
            WindowFunction::DenseRank => {
                let mut smaller: Vec<usize> = smaller.copied().collect();
                smaller.dedup_by(|a, b| order(*a, *b).is_eq());
                Value::Int(smaller.len() as i64 + 1)
            }
            WindowFunction::Lag => value(at.checked_sub(1)),
            WindowFunction::Lead => value(Some(at + 1)),
            WindowFunction::FirstValue => value(Some(frame.start)),
            WindowFunction::LastValue => value(frame.end.checked_sub(1)),
            WindowFunction::Count => match argument {
                Some(_) => Value::Int(in_frame().len() as i64),
                None => Value::Int(frame.len() as i64),
            },
            WindowFunction::Sum => of_values(Aggregate::Sum, &in_frame())?,
            WindowFunction::Min => of_values(Aggregate::Min, &in_frame())?,
            WindowFunction::Max => of_values(Aggregate::Max, &in_frame())?,
        });
    }
    Ok(values)
}
