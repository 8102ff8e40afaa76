//! What the log says about the values of a column, file by file, and how much of it is believed.
//!
//! | type | least and greatest value |
//! |---|---|
//! | whole numbers, dates | as they are |
//! | decimals of at most 15 digits | as they are: the log keeps decimals as JSON numbers, which most writers made of doubles, and a double holds 15 digits |
//! | longer decimals | not believed |
//! | texts | writers shorten them. The least one stays a bound; the greatest is taken for the beginning of a longer text |
//! | timestamps | writers cut them to milliseconds, or round them, so both are moved by one |
//! | floating point | not believed: NaN is left out of them, and is larger (or, with its sign, smaller) than all else |
//! | boolean, binary, nested | not used |
//! | columns whose type was widened | not believed: older files have theirs in the older type |
//!
//! Counts of NULL are not believed at all: some writers say 0 where they do not know.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, StringViewArray, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, TimestampMicrosecondType};
use datafusion::common::stats::Precision;
use datafusion::common::{Column, ColumnStatistics, DataFusionError, Result, ScalarValue};
use datafusion::functions_aggregate::min_max::{MaxAccumulator, MinAccumulator};
use datafusion::logical_expr::Accumulator;
use datafusion::physical_optimizer::pruning::PruningStatistics;

use crate::scan::pruning::Trust;
use crate::snapshot::ResolvedTable;

/// By how much a timestamp in the log may be off, in microseconds.
const MILLISECOND: i64 = 1000;

/// The least and the greatest value of a column in each file, in the column's type; NULL where a file does not tell.
#[derive(Debug)]
pub(super) struct Bounds {
    pub(super) least: ArrayRef,
    pub(super) greatest: ArrayRef,
}

/// What was asked about the columns of a table so far. Every reference to the table shares it.
#[derive(Debug, Default)]
pub(crate) struct Known {
    bounds: Mutex<HashMap<String, Option<Arc<Bounds>>>>,
    ranges: Mutex<HashMap<String, Option<(ScalarValue, ScalarValue)>>>,
    partitions: Mutex<HashMap<String, ArrayRef>>,
    empty_values: OnceLock<bool>,
}

/// The value of what is kept under `name`, found once.
fn found_once<V: Clone>(kept: &Mutex<HashMap<String, V>>, name: &str, find: impl FnOnce() -> V) -> V {
    if let Some(found) = kept.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
        return found.clone();
    }
    let found = find();
    kept.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), found.clone());
    found
}

/// The bounds of a column that is in the files, widened so that no value lies outside; `None` when the log says nothing
/// that can be believed.
pub(super) fn bounds(table: &ResolvedTable, field: &Field) -> Option<Arc<Bounds>> {
    let trust = Trust::of(field)?;
    found_once(&table.inner.known.bounds, field.name(), || {
        let log = table.inner.snapshot.try_log_data().ok()?;
        let column = Column::from_name(field.name());
        let array = |values: Option<ArrayRef>| {
            let values = values.filter(|values| values.len() == table.files());
            values.map_or_else(
                || Some(new_null_array(field.data_type(), table.files())),
                |values| cast(&values, field.data_type()).ok(),
            )
        };
        let (least, greatest) = (array(log.min_values(&column))?, array(log.max_values(&column))?);
        let (least, greatest) = match trust {
            Trust::Whole => (least, greatest),
            Trust::Prefix => (least, after_all_with_prefix(&greatest)?),
            Trust::Milliseconds => (moved(&least, -MILLISECOND)?, moved(&greatest, MILLISECOND)?),
        };
        Some(Arc::new(Bounds { least, greatest }))
    })
}

/// Texts that no text which begins with the ones given comes after.
fn after_all_with_prefix(texts: &ArrayRef) -> Option<ArrayRef> {
    let data_type = texts.data_type();
    let views = cast(texts, &DataType::Utf8View).ok()?;
    let longer = views.as_string_view().iter().map(|text| text.map(|text| format!("{text}{}", char::MAX)));
    cast(&longer.collect::<StringViewArray>(), data_type).ok()
}

fn moved(times: &ArrayRef, by: i64) -> Option<ArrayRef> {
    let moved = times.as_primitive_opt::<TimestampMicrosecondType>()?;
    // At the end of time a bound bounds nothing.
    let moved = moved.unary_opt::<_, TimestampMicrosecondType>(|time| time.checked_add(by));
    cast(&moved.with_data_type(times.data_type().clone()), times.data_type()).ok()
}

/// The values of a partition column, file by file.
pub(super) fn partition_values(table: &ResolvedTable, field: &Field) -> Result<ArrayRef> {
    let found = {
        let known = table.inner.known.partitions.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(field.name()).cloned()
    };
    if let Some(found) = found {
        return Ok(found);
    }
    let missing = || {
        DataFusionError::Execution(format!(
            "the log has no values of the partition column `{}`",
            field.name()
        ))
    };
    let values = if table.files() == 0 {
        new_null_array(field.data_type(), 0)
    } else {
        let log = table
            .inner
            .snapshot
            .try_log_data()
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        let values = log.min_values(&Column::from_name(field.name())).ok_or_else(missing)?;
        if values.len() != table.files() {
            return Err(missing());
        }
        cast(&values, field.data_type())?
    };
    let mut known = table.inner.known.partitions.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Arc::clone(known.entry(field.name().clone()).or_insert(values)))
}

/// Whether a file has an empty text for the value of a partition column that may hold one: it stands for NULL, whatever
/// the type of the column is.
pub(in crate::scan) fn has_empty_values(table: &ResolvedTable) -> bool {
    let has = || {
        let may_hold = |field: &Arc<Field>| {
            table.partition_columns().contains(field.name()) && takes_empty(field.data_type())
        };
        if !table.schema().fields().iter().any(may_hold) {
            return false;
        }
        // Without a list of files nothing is read, and nothing is wrong with being careful.
        let Ok(log) = table.inner.snapshot.try_log_data() else { return true };
        let is_empty = |value: &Option<String>| value.as_deref() == Some("");
        log.iter().any(|file| file.partition_values_map().values().any(is_empty))
    };
    *table.inner.known.empty_values.get_or_init(has)
}

/// Whether an empty text is a value of the type.
pub(in crate::scan) fn takes_empty(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8View | DataType::BinaryView | DataType::Utf8 | DataType::Binary)
}

/// What a scan of about `rows` rows knows about a column: an estimate. Only ranges whose ends are values, since the
/// planner draws conclusions from a range of one value.
pub(super) fn described(table: &ResolvedTable, field: &Field, rows: Precision<usize>) -> ColumnStatistics {
    let is_partition = table.partition_columns().contains(field.name());
    let range = (Trust::of(field) == Some(Trust::Whole))
        .then(|| {
            found_once(&table.inner.known.ranges, field.name(), || {
                if is_partition {
                    let values = partition_values(table, field).ok()?;
                    return range(&values, &values, field.data_type());
                }
                let bounds = bounds(table, field)?;
                let told = bounds.least.null_count() + bounds.greatest.null_count() == 0;
                told.then(|| range(&bounds.least, &bounds.greatest, field.data_type())).flatten()
            })
        })
        .flatten();
    let (min_value, max_value) = range.map_or((Precision::Absent, Precision::Absent), |(least, greatest)| {
        (Precision::Inexact(least), Precision::Inexact(greatest))
    });
    let byte_size = field
        .data_type()
        .primitive_width()
        .map_or(Precision::Absent, |width| rows.multiply(&Precision::Inexact(width)));
    ColumnStatistics { min_value, max_value, byte_size, ..ColumnStatistics::new_unknown() }
}

fn range(least: &ArrayRef, greatest: &ArrayRef, data_type: &DataType) -> Option<(ScalarValue, ScalarValue)> {
    let extreme = |values: &ArrayRef, accumulator: &mut dyn Accumulator| {
        accumulator.update_batch(&[Arc::clone(values)]).ok()?;
        accumulator.evaluate().ok().filter(|value| !value.is_null())
    };
    let least = extreme(least, &mut MinAccumulator::try_new(data_type).ok()?)?;
    let greatest = extreme(greatest, &mut MaxAccumulator::try_new(data_type).ok()?)?;
    Some((least, greatest))
}
