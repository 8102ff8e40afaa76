//! Functions of time whose results are timestamps as Delta tables hold them: microseconds, in UTC.
//!
//! DataFusion's functions of these names count nanoseconds, which end in 2262; `9999-12-31`, the usual end of an open
//! interval, is an error or wraps (apache/datafusion#8336).

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, PrimitiveArray};
use arrow::compute::CastOptions;
use arrow::datatypes::{DataType, Float64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::format::DEFAULT_CAST_OPTIONS;
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::document;

/// The type of a timestamp.
#[must_use]
pub fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// `to_timestamp(value)`: a text in ISO 8601, a number of seconds since 1970, a date or a timestamp. With formats
/// (`to_timestamp(text, format, ...)`) a text is read by the first that fits, as `to_timestamp_micros` does.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ToTimestamp {
    signature: Signature,
    with_formats: Arc<ScalarUDF>,
}

impl ToTimestamp {
    /// The function. `with_formats` reads texts by formats.
    #[must_use]
    pub fn new(with_formats: Arc<ScalarUDF>) -> Self {
        Self { signature: Signature::variadic_any(Volatility::Immutable), with_formats }
    }
}

static PAGE: LazyLock<Documentation> = LazyLock::new(|| {
    document::page(
        "A timestamp of microseconds in UTC, as Delta tables hold them.",
        "to_timestamp(value[, format, ...])",
        &[
            ("value", "A text, a number of seconds since 1970-01-01, a date or a timestamp."),
            ("format", "Of a text: formats in the notation of chrono, the first that fits is taken."),
        ],
        "SELECT to_timestamp('9999-12-31'); -- 9999-12-31T00:00:00Z",
    )
});

impl ScalarUDFImpl for ToTimestamp {
    fn name(&self) -> &'static str {
        "to_timestamp"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&PAGE)
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        use DataType::{Date32, Date64, LargeUtf8, Null, Timestamp, Utf8, Utf8View};
        match arg_types {
            [] => plan_err!("to_timestamp takes a value"),
            [Utf8 | LargeUtf8 | Utf8View, ..] => Ok(timestamp()),
            [Null | Date32 | Date64 | Timestamp(..)] => Ok(timestamp()),
            [number] if number.is_numeric() => Ok(timestamp()),
            _ => {
                plan_err!("to_timestamp takes a text, a number, a date or a timestamp; formats go with texts")
            }
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if args.args.len() > 1 {
            let inner = self.with_formats.invoke_with_args(args)?;
            return inner.cast_to(&timestamp(), Some(&DEFAULT_CAST_OPTIONS));
        }
        let Some(value) = args.args.first() else { return plan_err!("to_timestamp takes a value") };
        // Errors name the value; NULL is for NULL only.
        let strict: CastOptions<'static> = DEFAULT_CAST_OPTIONS;
        match value.data_type() {
            number if number.is_integer() => {
                let seconds = DataType::Timestamp(TimeUnit::Second, Some("UTC".into()));
                let seconds = value.cast_to(&DataType::Int64, Some(&strict))?.cast_to(&seconds, None)?;
                seconds.cast_to(&timestamp(), Some(&strict))
            }
            number if number.is_numeric() => {
                let seconds = value.cast_to(&DataType::Float64, Some(&strict))?;
                let is_scalar = matches!(seconds, ColumnarValue::Scalar(_));
                let array = microseconds(&seconds.into_array(1)?)?;
                if is_scalar {
                    let value = datafusion::common::ScalarValue::try_from_array(&array, 0)?;
                    return Ok(ColumnarValue::Scalar(value));
                }
                Ok(ColumnarValue::Array(array))
            }
            _ => value.cast_to(&timestamp(), Some(&strict)),
        }
    }
}

/// Seconds with fractions as timestamps.
fn microseconds(seconds: &ArrayRef) -> Result<ArrayRef> {
    const LIMIT: f64 = 9_223_372_036_854_774_784.0;
    let seconds = seconds.as_primitive::<Float64Type>();
    let mut result = PrimitiveArray::<TimestampMicrosecondType>::builder(seconds.len());
    for value in seconds {
        let Some(value) = value else {
            result.append_null();
            continue;
        };
        let microseconds = (value * 1e6).round();
        if microseconds.is_nan() || microseconds.abs() > LIMIT {
            return exec_err!("{value} seconds since 1970 are no timestamp");
        }
        #[expect(clippy::cast_possible_truncation, reason = "it was rounded and is in range")]
        result.append_value(microseconds as i64);
    }
    Ok(Arc::new(result.finish().with_timezone("UTC")))
}
