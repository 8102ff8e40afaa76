//! What the log says of the values in a written file: how many rows and NULLs there are, and bounds that hold.
//!
//! A reader that believes a bound leaves out files, so what is no bound must not be written. Some values of a Parquet
//! footer are none in the log:
//!
//! | type | in the footer | in the log |
//! |---|---|---|
//! | decimal | exact | a double: beyond 15 digits the last ones would be lost, so there is none |
//! | timestamp | microseconds | milliseconds: the greatest is moved up by one |
//! | floating point | of all values but NaN, which is larger than all of them | none with NaN, none that is infinite |
//! | date and timestamp beyond the year 9999 | exact | none: readers do not take the text for a date |

use std::cmp::Ordering;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type, Schema, SchemaRef, TimeUnit};
use arrow::temporal_conversions::{date32_to_datetime, timestamp_ms_to_datetime};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;
use serde_json::{Map, Value, json};

use super::encoding::StatisticsColumns;

/// Digits a decimal may have to be told apart from its neighbours as a double.
const DIGITS_OF_A_DOUBLE: u8 = 15;

/// What must be known of the rows of a writer to say which bounds of its files hold.
pub(super) struct Bounds {
    schema: SchemaRef,
    columns: StatisticsColumns,
    /// Whether a column of floating point has had a NaN, by its place.
    has_nan: Vec<bool>,
}

impl Bounds {
    pub(super) fn new(schema: SchemaRef, columns: StatisticsColumns) -> Self {
        let has_nan = vec![false; schema.fields().len()];
        Self { schema, columns, has_nan }
    }

    /// Looks at the floating point columns of a batch.
    pub(super) fn see(&mut self, batch: &RecordBatch) {
        for (seen, column) in self.has_nan.iter_mut().zip(batch.columns()) {
            *seen = *seen || has_nan(column);
        }
    }

    /// The statistics of a file for the log, as JSON. All rows of the file have been seen.
    pub(super) fn statistics(&self, file: &ParquetMetaData) -> String {
        let (mut least, mut greatest, mut nulls) = (Map::new(), Map::new(), Map::new());
        let (mut top, mut place) = (None, 0);
        for (index, column) in file.file_metadata().schema_descr().columns().iter().enumerate() {
            let parts = column.path().parts();
            if top.is_some_and(|top| parts.first() != Some(top)) {
                place += 1;
            }
            top = parts.first();
            // What lists and maps hold has no bounds; nor have binary values, which JSON cannot hold.
            let Some(data_type) = data_type(&self.schema, parts) else { continue };
            let binary = matches!(data_type, DataType::Binary);
            if column.max_rep_level() > 0 || binary || !self.columns.has(column, place) {
                continue;
            }
            let Some(found) = ColumnBounds::of(file, index) else { continue };
            put(&mut nulls, parts, json!(found.nulls));
            if self.may_have_nan(parts, data_type) {
                continue;
            }
            let bound = |bound: Option<Raw>, is_greatest| text(&bound?, data_type, is_greatest);
            if let Some(bound) = bound(found.least, false) {
                put(&mut least, parts, bound);
            }
            if let Some(bound) = bound(found.greatest, true) {
                put(&mut greatest, parts, bound);
            }
        }
        let rows = file.file_metadata().num_rows();
        json!({ "numRecords": rows, "minValues": least, "maxValues": greatest, "nullCount": nulls })
            .to_string()
    }

    /// Whether a leaf is of floating point and has a NaN, as far as is known. Nobody looks into structs.
    fn may_have_nan(&self, parts: &[String], data_type: &DataType) -> bool {
        if !data_type.is_floating() {
            return false;
        }
        match parts {
            [name] => {
                let place = self.schema.index_of(name).ok();
                place.and_then(|place| self.has_nan.get(place)).copied().unwrap_or(true)
            }
            _ => true,
        }
    }
}

/// The type of a leaf; `None` below lists and maps.
fn data_type<'a>(schema: &'a Schema, parts: &[String]) -> Option<&'a DataType> {
    let (first, rest) = parts.split_first()?;
    let mut found = schema.field_with_name(first).ok()?.data_type();
    for part in rest {
        let DataType::Struct(fields) = found else { return None };
        found = fields.iter().find(|field| field.name() == part)?.data_type();
    }
    Some(found)
}

/// Puts `value` where `parts` lead.
fn put(object: &mut Map<String, Value>, parts: &[String], value: Value) {
    match parts {
        [] => {}
        [name] => {
            object.insert(name.clone(), value);
        }
        [name, rest @ ..] => {
            let inner = object.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// A value as a footer has it.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
enum Raw {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
}

/// What all row groups of a file together say of a column.
struct ColumnBounds {
    nulls: u64,
    least: Option<Raw>,
    greatest: Option<Raw>,
}

impl ColumnBounds {
    /// `None` when a row group says nothing. A row group that has values without bounds takes away the file's.
    fn of(file: &ParquetMetaData, column: usize) -> Option<Self> {
        let mut all = Self { nulls: 0, least: None, greatest: None };
        let mut unbounded = (false, false);
        for group in file.row_groups() {
            let group = group.columns().get(column)?;
            let statistics = group.statistics()?;
            let nulls = statistics.null_count_opt()?;
            all.nulls += nulls;
            if i64::try_from(nulls) == Ok(group.num_values()) {
                continue;
            }
            let (least, greatest) = (raw(statistics, false), raw(statistics, true));
            unbounded = (unbounded.0 || least.is_none(), unbounded.1 || greatest.is_none());
            all.least = first(all.least, least, Ordering::Less);
            all.greatest = first(all.greatest, greatest, Ordering::Greater);
        }
        all.least = all.least.filter(|_| !unbounded.0);
        all.greatest = all.greatest.filter(|_| !unbounded.1);
        Some(all)
    }
}

/// Of two values the one that compares as `order` with the other.
fn first(one: Option<Raw>, other: Option<Raw>, order: Ordering) -> Option<Raw> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if other.partial_cmp(&one) == Some(order) { other } else { one }),
        (one, other) => one.or(other),
    }
}

fn raw(statistics: &Statistics, greatest: bool) -> Option<Raw> {
    macro_rules! bound {
        ($values:expr) => {
            if greatest { $values.max_opt() } else { $values.min_opt() }
        };
    }
    Some(match statistics {
        Statistics::Boolean(values) => Raw::Boolean(*bound!(values)?),
        Statistics::Int32(values) => Raw::Integer(i64::from(*bound!(values)?)),
        Statistics::Int64(values) => Raw::Integer(*bound!(values)?),
        Statistics::Float(values) => Raw::Float(f64::from(*bound!(values)?)),
        Statistics::Double(values) => Raw::Float(*bound!(values)?),
        Statistics::ByteArray(values) => Raw::Text(String::from_utf8(bound!(values)?.data().to_vec()).ok()?),
        Statistics::Int96(_) | Statistics::FixedLenByteArray(_) => return None,
    })
}

/// A bound as the log has it, if it holds there.
fn text(bound: &Raw, data_type: &DataType, greatest: bool) -> Option<Value> {
    match (data_type, bound) {
        (DataType::Boolean, Raw::Boolean(value)) => Some(json!(value)),
        (DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64, Raw::Integer(value)) => {
            Some(json!(value))
        }
        (DataType::Float32 | DataType::Float64, Raw::Float(value)) => value.is_finite().then(|| json!(value)),
        (DataType::Utf8, Raw::Text(value)) => Some(json!(value)),
        (DataType::Date32, Raw::Integer(days)) => {
            let day = date32_to_datetime(i32::try_from(*days).ok()?)?;
            readable(day.format("%Y-%m-%d").to_string())
        }
        (DataType::Timestamp(TimeUnit::Microsecond, zone), Raw::Integer(micros)) => {
            let millis = micros.div_euclid(1000) + i64::from(greatest);
            let format = if zone.is_some() { "%Y-%m-%dT%H:%M:%S%.3fZ" } else { "%Y-%m-%d %H:%M:%S%.3f" };
            readable(timestamp_ms_to_datetime(millis)?.format(format).to_string())
        }
        (DataType::Decimal128(precision, scale), Raw::Integer(unscaled))
            if *precision <= DIGITS_OF_A_DOUBLE =>
        {
            decimal(*unscaled, *scale)
        }
        _ => None,
    }
}

/// A date that readers take for one: those after the year 9999 and before the year 0 begin with a sign.
fn readable(text: String) -> Option<Value> {
    (!text.starts_with(['+', '-'])).then_some(Value::String(text))
}

#[expect(clippy::cast_precision_loss, reason = "fifteen digits are exact in a double")]
fn decimal(unscaled: i64, scale: i8) -> Option<Value> {
    match scale {
        0 => Some(json!(unscaled)),
        1.. => Some(json!(unscaled as f64 / 10_f64.powi(i32::from(scale)))),
        _ => None,
    }
}

fn has_nan(column: &dyn Array) -> bool {
    match column.data_type() {
        DataType::Float16 => column.as_primitive::<Float16Type>().values().iter().any(|value| value.is_nan()),
        DataType::Float32 => column.as_primitive::<Float32Type>().values().iter().any(|value| value.is_nan()),
        DataType::Float64 => column.as_primitive::<Float64Type>().values().iter().any(|value| value.is_nan()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, BinaryArray, Date32Array, Decimal128Array, Float64Array, Int64Array, ListArray,
        StringArray, StructArray, TimestampMicrosecondArray,
    };
    use arrow::datatypes::{Field, Int32Type};
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;

    use super::*;

    /// The statistics of a file with row groups of two rows.
    fn statistics(batch: &RecordBatch, columns: StatisticsColumns) -> Value {
        let mut bounds = Bounds::new(batch.schema(), columns);
        bounds.see(batch);
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(2)).build();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
        writer.write(batch).unwrap();
        serde_json::from_str(&bounds.statistics(&writer.finish().unwrap())).unwrap()
    }

    fn all() -> StatisticsColumns {
        StatisticsColumns::First(usize::MAX)
    }

    fn decimals(values: [i128; 3], precision: u8, scale: i8) -> ArrayRef {
        let values = Decimal128Array::from(values.to_vec());
        Arc::new(values.with_precision_and_scale(precision, scale).unwrap())
    }

    fn times(values: [i64; 3], zone: Option<&str>) -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from(values.to_vec()).with_timezone_opt(zone.map(str::to_owned)))
    }

    #[test]
    fn all_row_groups_count() {
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("n", Arc::new(Int64Array::from(vec![Some(5), None, Some(-3)])) as ArrayRef, true),
            ("none_in_one", Arc::new(Int64Array::from(vec![None, None, Some(7)])), true),
            ("t", Arc::new(StringArray::from(vec!["b", "a", "c"])), false),
            ("nothing", Arc::new(StringArray::from(vec![None::<&str>; 3])), true),
        ]);
        assert_eq!(
            statistics(&batch.unwrap(), all()),
            json!({
                "numRecords": 3,
                "minValues": {"n": -3, "none_in_one": 7, "t": "a"},
                "maxValues": {"n": 5, "none_in_one": 7, "t": "c"},
                "nullCount": {"n": 1, "none_in_one": 2, "t": 0, "nothing": 3},
            })
        );
    }

    #[test]
    fn what_is_not_a_bound_is_left_out() {
        let floats = |values: [f64; 3]| Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
        let pair = StructArray::from(vec![
            (Arc::new(Field::new("f", DataType::Float64, true)), floats([1.0, 2.0, 3.0])),
            (
                Arc::new(Field::new("n", DataType::Int64, true)),
                Arc::new(Int64Array::from(vec![1, 2, 3])) as _,
            ),
        ]);
        // A second before the year 10000.
        let last = 253_402_300_799_999_999;
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)]), None, Some([None])]);
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("x", floats([1.0, 2.0, 0.5]), true),
            ("nan", floats([1.0, f64::NAN, 0.5]), true),
            ("endless", floats([1.0, f64::INFINITY, 0.5]), true),
            ("long", decimals([1, 2, 3], 38, 18), true),
            ("wide", decimals([1, 2, 3], 18, 2), true),
            ("short", decimals([10, 25, 30], 15, 2), true),
            ("whole", decimals([1, 2, 3], 9, 0), true),
            ("at", times([-1, 0, 1_704_067_200_000_000], Some("UTC")), true),
            ("local", times([0, 0, last], None), true),
            ("day", Arc::new(Date32Array::from(vec![0, 1, 2_932_897])), true),
            ("s", Arc::new(pair), true),
            ("list", Arc::new(list), true),
            ("bytes", Arc::new(BinaryArray::from(vec![b"a".as_slice(), b"b", b"c"])), true),
        ]);
        let found = statistics(&batch.unwrap(), all());
        assert_eq!(
            found["minValues"],
            json!({
                "x": 0.5, "endless": 0.5, "short": 0.1, "whole": 1, "at": "1969-12-31T23:59:59.999Z",
                "local": "1970-01-01 00:00:00.000", "day": "1970-01-01", "s": {"n": 1},
            })
        );
        assert_eq!(
            found["maxValues"],
            json!({"x": 2.0, "short": 0.3, "whole": 3, "at": "2024-01-01T00:00:00.001Z", "s": {"n": 3}})
        );
        assert_eq!(found["nullCount"]["s"], json!({"f": 0, "n": 0}));
        assert_eq!((found["nullCount"].get("list"), found["nullCount"].get("bytes")), (None, None));
    }

    #[test]
    fn a_table_says_which_columns_have_statistics() {
        let numbers = || Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef;
        let pair = StructArray::from(vec![
            (Arc::new(Field::new("a", DataType::Int64, true)), numbers()),
            (Arc::new(Field::new("b", DataType::Int64, true)), numbers()),
        ]);
        let batch = RecordBatch::try_from_iter([
            ("s", Arc::new(pair) as ArrayRef),
            ("m", numbers()),
            ("n", numbers()),
        ])
        .unwrap();
        let least = |key: &str, text: &str| {
            let properties = BTreeMap::from([(format!("delta.{key}"), text.to_owned())]);
            statistics(&batch, StatisticsColumns::of(&properties))["minValues"].clone()
        };
        assert_eq!(least("dataSkippingNumIndexedCols", "2"), json!({"s": {"a": 1, "b": 1}, "m": 1}));
        assert_eq!(least("dataSkippingNumIndexedCols", "0"), json!({}));
        assert_eq!(least("dataSkippingNumIndexedCols", "-1")["n"], json!(1));
        assert_eq!(least("dataSkippingStatsColumns", "n, `s`.b"), json!({"s": {"b": 1}, "n": 1}));
        assert_eq!(StatisticsColumns::of(&BTreeMap::new()), StatisticsColumns::First(32));
    }
}
