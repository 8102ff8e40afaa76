//! `moment AT TIME ZONE 'zone'`: between moments and what clocks show.
//!
//! DataFusion gives a timestamp another zone to be printed in, which a Delta table does not keep: all of its
//! timestamps are moments in UTC, or clock times without a zone.

use std::sync::{Arc, LazyLock};

use arrow::array::timezone::Tz;
use arrow::array::{ArrayRef, AsArray, PrimitiveArray};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use chrono::offset::LocalResult;
use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, exec_err, plan_datafusion_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::timestamps::timestamp;
use crate::document;

const NAME: &str = "at_time_zone";

/// `at_time_zone(moment, zone)`: of a timestamp what clocks in the zone show then, without a zone; of a timestamp
/// without a zone the moment at which clocks in the zone show it. Where clocks are put back, the later of two moments;
/// a clock time that they skip is read as if they had not been put forward yet. So it is in PostgreSQL.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct AtTimeZone {
    signature: Signature,
}

impl AtTimeZone {
    /// The function.
    #[must_use]
    pub fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl Default for AtTimeZone {
    fn default() -> Self {
        Self::new()
    }
}

static PAGE: LazyLock<Documentation> = LazyLock::new(|| {
    document::page(
        "What clocks in a time zone show at a moment, or the moment at which they show something. \
         `moment AT TIME ZONE 'zone'` is the same.",
        "at_time_zone(moment, zone)",
        &[
            ("moment", "A timestamp, or a timestamp without time zone."),
            ("zone", "A constant: a name of the IANA data base or an offset like +02:00."),
        ],
        "SELECT TIMESTAMP '2024-07-01 10:00:00' AT TIME ZONE 'Europe/Berlin'; -- 2024-07-01T12:00:00",
    )
});

impl ScalarUDFImpl for AtTimeZone {
    fn name(&self) -> &'static str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&PAGE)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [value, zone] = arg_types else { return plan_err!("{NAME} takes a timestamp and a zone") };
        if !matches!(zone, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
            return plan_err!("the zone of {NAME} is a text, not {zone}");
        }
        let value = match value {
            DataType::Timestamp(_, Some(_)) | DataType::Null => timestamp(),
            DataType::Timestamp(_, None) => clock_time(),
            other => {
                return plan_err!(
                    "a time zone goes with a timestamp, not with {other}: convert it first, with CAST(... AS TIMESTAMP) \
                     to a moment in UTC or with CAST(... AS TIMESTAMP WITHOUT TIME ZONE) to a clock time"
                );
            }
        };
        Ok(vec![value, DataType::Utf8])
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types.first() {
            Some(DataType::Timestamp(_, None)) => Ok(timestamp()),
            _ => Ok(clock_time()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value, ColumnarValue::Scalar(ScalarValue::Utf8(zone))] = args.args.as_slice() else {
            return exec_err!("the zone of {NAME} must be a constant, like 'Europe/Berlin'");
        };
        let Some(zone) = zone else {
            let none = ScalarValue::try_new_null(args.return_type())?;
            return Ok(ColumnarValue::Scalar(none));
        };
        let tz: Tz = zone.parse().map_err(|_| {
            plan_datafusion_err!(
                "there is no time zone `{zone}`; write a name like 'Europe/Berlin' or '+02:00'"
            )
        })?;
        let is_scalar = matches!(value, ColumnarValue::Scalar(_));
        let converted = converted(&value.to_array(1)?, tz)?;
        if is_scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&converted, 0)?));
        }
        Ok(ColumnarValue::Array(converted))
    }
}

/// The type of what a clock shows.
fn clock_time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

fn converted(values: &ArrayRef, zone: Tz) -> Result<ArrayRef> {
    let Some(values) = values.as_primitive_opt::<TimestampMicrosecondType>() else {
        return exec_err!("{NAME} takes timestamps of microseconds, not {}", values.data_type());
    };
    let is_moment = values.timezone().is_some();
    let shifted: PrimitiveArray<TimestampMicrosecondType> = values.try_unary(|value| {
        let beyond =
            || exec_datafusion_err!("{value} microseconds since 1970 are no timestamp in a time zone");
        let time = DateTime::from_timestamp_micros(value).ok_or_else(beyond)?.naive_utc();
        let seconds = if is_moment {
            offset_at(zone, time)
        } else {
            -offset_of_clock(zone, time).ok_or_else(beyond)?
        };
        value.checked_add(i64::from(seconds) * 1_000_000).ok_or_else(beyond)
    })?;
    let zone = if is_moment { None } else { Some("UTC") };
    Ok(Arc::new(shifted.with_timezone_opt(zone)))
}

/// The seconds by which clocks in a zone are ahead of UTC at a moment.
fn offset_at(zone: Tz, moment: NaiveDateTime) -> i32 {
    zone.offset_from_utc_datetime(&moment).fix().local_minus_utc()
}

/// The same when they show a time.
fn offset_of_clock(zone: Tz, time: NaiveDateTime) -> Option<i32> {
    match zone.offset_from_local_datetime(&time) {
        LocalResult::Single(offset) | LocalResult::Ambiguous(_, offset) => {
            Some(offset.fix().local_minus_utc())
        }
        // No zone is a day ahead, and none is put forward twice in a day.
        LocalResult::None => Some(offset_at(zone, time.checked_sub_signed(TimeDelta::days(1))?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str], zone: &str, is_moment: bool) -> Vec<String> {
        let time = |text: &&str| text.parse::<NaiveDateTime>().unwrap().and_utc().timestamp_micros();
        let values: PrimitiveArray<TimestampMicrosecondType> =
            texts.iter().map(|text| Some(time(text))).collect();
        let values: ArrayRef = Arc::new(values.with_timezone_opt(is_moment.then_some("UTC")));
        let found = converted(&values, zone.parse().unwrap()).unwrap();
        assert_eq!(matches!(found.data_type(), DataType::Timestamp(_, Some(_))), !is_moment);
        let found = found.as_primitive::<TimestampMicrosecondType>().values();
        let text = |value: &i64| DateTime::from_timestamp_micros(*value).unwrap().naive_utc().to_string();
        found.iter().map(text).collect()
    }

    /// What PostgreSQL 15 gives.
    #[test]
    fn clocks_are_put_back_and_forward() {
        let moments =
            ["2024-01-01T23:30:00", "2024-07-01T23:30:00", "2024-10-27T00:30:00", "2024-10-27T01:30:00"];
        let shown =
            ["2024-01-02 00:30:00", "2024-07-02 01:30:00", "2024-10-27 02:30:00", "2024-10-27 02:30:00"];
        assert_eq!(of(&moments, "Europe/Berlin", true), shown);
        let clock =
            ["2024-01-02T00:30:00", "2024-07-02T01:30:00", "2024-10-27T02:30:00", "2024-03-31T02:30:00"];
        let read =
            ["2024-01-01 23:30:00", "2024-07-01 23:30:00", "2024-10-27 01:30:00", "2024-03-31 01:30:00"];
        assert_eq!(of(&clock, "Europe/Berlin", false), read);
        assert_eq!(of(&["9999-12-31T23:00:00"], "-05:30", true), ["9999-12-31 17:30:00"]);
    }
}
