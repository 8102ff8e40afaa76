//! The bounds of columns that a written file gets in the log: those that hold.
//!
//! The Delta library makes them of the Parquet footer. On the way some become values that are no bounds, and a reader
//! that believes them leaves out files with matching rows:
//!
//! | type | in the footer | in the log |
//! |---|---|---|
//! | decimal | exact | a double: of more than 15 digits the last ones are lost |
//! | timestamp | microseconds | cut to milliseconds: the greatest comes before the greatest value |
//! | floating point | of all values but NaN, which is larger than all of them | the same; infinite ones as `null` |
//! | date and timestamp beyond the year 9999 | exact | a text readers do not take for a date |
//!
//! [`Bounds::hold`] takes out what does not hold, and moves the greatest timestamp up by a millisecond.

use arrow::array::timezone::Tz;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::kernels::cast_utils::string_to_datetime;
use arrow::datatypes::{DataType, Field, Fields, Float16Type, Float32Type, Float64Type, SchemaRef};
use arrow::temporal_conversions::timestamp_ms_to_datetime;
use deltalake::kernel::Add;
use serde_json::{Map, Value};

/// Digits a decimal may have to be told apart from its neighbours as a double.
const DIGITS_OF_A_DOUBLE: u8 = 15;

/// What must be known of the rows of a writer to say which bounds of its files hold.
pub(super) struct Bounds {
    schema: SchemaRef,
    /// Whether a column of floating point has had a NaN, by its place.
    has_nan: Vec<bool>,
}

impl Bounds {
    pub(super) fn new(schema: SchemaRef) -> Self {
        let has_nan = vec![false; schema.fields().len()];
        Self { schema, has_nan }
    }

    /// Looks at the floating point columns of a batch.
    pub(super) fn see(&mut self, batch: &RecordBatch) {
        for (seen, column) in self.has_nan.iter_mut().zip(batch.columns()) {
            *seen = *seen || has_nan(column);
        }
    }

    /// Leaves `add` the bounds that hold.
    pub(super) fn hold(&self, add: &mut Add) {
        let Some(text) = &add.stats else { return };
        let Ok(Value::Object(mut statistics)) = serde_json::from_str(text) else {
            add.stats = None;
            return;
        };
        for (key, is_greatest) in [("minValues", false), ("maxValues", true)] {
            let Some(Value::Object(bounds)) = statistics.get_mut(key) else { continue };
            for (field, has_nan) in self.schema.fields().iter().zip(&self.has_nan) {
                let holds = !(field.data_type().is_floating() && *has_nan);
                keep(bounds, field, holds, is_greatest);
            }
        }
        add.stats = Some(Value::Object(statistics).to_string());
    }
}

/// Leaves the bound of `field` in `bounds` if it holds.
fn keep(bounds: &mut Map<String, Value>, field: &Field, holds: bool, is_greatest: bool) {
    let Some(bound) = bounds.get_mut(field.name()) else { return };
    let holds = holds
        && match (field.data_type(), &mut *bound) {
            (DataType::Struct(fields), Value::Object(inner)) => {
                keep_nested(inner, fields, is_greatest);
                !inner.is_empty()
            }
            (_, Value::Null) => false,
            (DataType::Decimal128(precision, _) | DataType::Decimal256(precision, _), _) => {
                *precision <= DIGITS_OF_A_DOUBLE
            }
            (DataType::Timestamp(_, zone), Value::String(text)) if is_greatest => {
                match after(text, zone.is_some()) {
                    Some(later) => {
                        *text = later;
                        true
                    }
                    None => false,
                }
            }
            (DataType::Date32 | DataType::Timestamp(..), Value::String(text)) => {
                !text.starts_with(['+', '-'])
            }
            (nested, _) => !nested.is_nested(),
        };
    if !holds {
        bounds.shift_remove(field.name());
    }
}

fn keep_nested(bounds: &mut Map<String, Value>, fields: &Fields, is_greatest: bool) {
    for field in fields {
        // Nobody looked for NaN in there.
        keep(bounds, field, !field.data_type().is_floating(), is_greatest);
    }
}

/// A millisecond after `text`, a timestamp as the log has it.
fn after(text: &str, has_zone: bool) -> Option<String> {
    let utc: Tz = "+00:00".parse().ok()?;
    let millis = string_to_datetime(&utc, text).ok()?.timestamp_millis();
    let later = timestamp_ms_to_datetime(millis.checked_add(1)?)?;
    let format = if has_zone { "%Y-%m-%dT%H:%M:%S%.3fZ" } else { "%Y-%m-%d %H:%M:%S%.3f" };
    Some(later.format(format).to_string()).filter(|text| !text.starts_with(['+', '-']))
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
    use std::sync::Arc;

    use arrow::array::Float64Array;
    use arrow::datatypes::{Schema, TimeUnit};

    use super::*;

    fn held(fields: Vec<Field>, statistics: &str, nan: bool) -> Value {
        let mut bounds = Bounds::new(Arc::new(Schema::new(fields)));
        if nan {
            let values = Arc::new(Float64Array::from(vec![1.0, f64::NAN]));
            bounds.see(&RecordBatch::try_from_iter([("x", values as _)]).unwrap());
        }
        let mut add = Add { stats: Some(statistics.to_owned()), ..Add::default() };
        bounds.hold(&mut add);
        serde_json::from_str(&add.stats.unwrap()).unwrap()
    }

    #[test]
    fn what_is_not_a_bound_is_left_out() {
        let utc = Some("UTC".into());
        let nested = Fields::from(vec![
            Field::new("f", DataType::Float32, true),
            Field::new("n", DataType::Int64, true),
        ]);
        let fields = vec![
            Field::new("x", DataType::Float64, true),
            Field::new("long", DataType::Decimal128(38, 18), true),
            Field::new("short", DataType::Decimal128(15, 2), true),
            Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, utc), true),
            Field::new("local", DataType::Timestamp(TimeUnit::Microsecond, None), true),
            Field::new("day", DataType::Date32, true),
            Field::new("s", DataType::Struct(nested), true),
        ];
        let statistics = r#"{"numRecords":2,
            "minValues":{"x":1.0,"long":0.5,"short":0.1,"at":"1969-12-31T23:59:59.999Z","day":"+10000-01-01","s":{"f":1.0,"n":1}},
            "maxValues":{"x":null,"long":0.5,"short":0.1,"at":"2024-01-01T00:00:00Z","local":"9999-12-31 23:59:59.999","s":{"f":2.0}},
            "nullCount":{"x":0}}"#;
        let wanted = serde_json::json!({
            "numRecords": 2,
            "minValues": {"x": 1.0, "short": 0.1, "at": "1969-12-31T23:59:59.999Z", "s": {"n": 1}},
            "maxValues": {"short": 0.1, "at": "2024-01-01T00:00:00.001Z"},
            "nullCount": {"x": 0},
        });
        assert_eq!(held(fields.clone(), statistics, false), wanted);
        let with_nan = held(fields, statistics, true);
        assert_eq!(with_nan["minValues"].get("x"), None);
    }
}
