//! `date_trunc` and `date_bin` over all timestamps of Delta tables.
//!
//! DataFusion's functions of these names count in nanoseconds inside, where `9999-12-31` does not exist
//! (apache/datafusion#8336). Months and years are those of the proleptic Gregorian calendar, in UTC; the
//! conversions between days and dates are Howard Hinnant's `days_from_civil` and `civil_from_days`.

use std::sync::{Arc, LazyLock};

use arrow::array::{AsArray, PrimitiveArray};
use arrow::datatypes::{DataType, IntervalDayTimeType, IntervalMonthDayNanoType, TimestampMicrosecondType};
use datafusion::common::format::DEFAULT_CAST_OPTIONS;
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::timestamps::timestamp;
use crate::document;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// 1970-01-05, the first Monday.
const MONDAY: i64 = 4 * DAY;

/// The type the functions compute with and give for a moment of this type: a timestamp of microseconds in the
/// moment's own zone; in UTC for dates and texts.
fn moment(data_type: &DataType) -> Option<DataType> {
    match data_type {
        DataType::Timestamp(_, zone) => Some(DataType::Timestamp(
            arrow::datatypes::TimeUnit::Microsecond,
            zone.as_ref().map(|_| "UTC".into()),
        )),
        DataType::Date32
        | DataType::Date64
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Null => Some(timestamp()),
        _ => None,
    }
}

/// `date_trunc(unit, moment)`: the start of the year, quarter, month, week (Monday), day, hour, minute, second,
/// millisecond or microsecond that a moment lies in.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct DateTrunc {
    signature: Signature,
    aliases: Vec<String>,
}

impl DateTrunc {
    /// The function.
    #[must_use]
    pub fn new() -> Self {
        Self { signature: Signature::any(2, Volatility::Immutable), aliases: vec!["datetrunc".to_owned()] }
    }
}

impl Default for DateTrunc {
    fn default() -> Self {
        Self::new()
    }
}

static DATE_TRUNC_PAGE: LazyLock<Documentation> = LazyLock::new(|| {
    document::page(
        "The start of the calendar unit that a moment lies in, in UTC. Weeks begin on Monday.",
        "date_trunc(unit, moment)",
        &[
            (
                "unit",
                "Literal 'year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second', 'millisecond' or \
                 'microsecond'.",
            ),
            ("moment", "A timestamp, a date or a text."),
        ],
        "SELECT date_trunc('month', TIMESTAMP '2024-02-29 12:00:00'); -- 2024-02-01T00:00:00",
    )
});

impl ScalarUDFImpl for DateTrunc {
    fn name(&self) -> &'static str {
        "date_trunc"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DATE_TRUNC_PAGE)
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [unit, value] if is_text(unit) => match moment(value) {
                Some(data_type) => Ok(data_type),
                None => plan_err!("date_trunc takes a timestamp, a date or a text, not {value}"),
            },
            _ => plan_err!("date_trunc takes a unit like 'month' and a timestamp"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [ColumnarValue::Scalar(unit), value] = args.args.as_slice() else {
            return exec_err!("the unit of date_trunc must be a constant, like 'month'");
        };
        let unit = match unit.try_as_str() {
            Some(Some(name)) => Unit::of(name)?,
            _ => return exec_err!("the unit of date_trunc must be a text, like 'month'"),
        };
        each(value, args.return_field.data_type(), |value| unit.start(value))
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        Ok(match inputs {
            [unit, value] if unit.sort_properties == SortProperties::Singleton => value.sort_properties,
            _ => SortProperties::Unordered,
        })
    }
}

/// `date_bin(stride, moment [, origin])`: the start of the interval of length `stride` that a moment lies in, where
/// one starts at `origin`, or 1970-01-01. Times of day go to DataFusion's function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct DateBin {
    signature: Signature,
    of_times: Arc<ScalarUDF>,
}

impl DateBin {
    /// The function; `of_times` is for times of day.
    #[must_use]
    pub fn new(of_times: Arc<ScalarUDF>) -> Self {
        Self { signature: Signature::variadic_any(Volatility::Immutable), of_times }
    }
}

static DATE_BIN_PAGE: LazyLock<Documentation> = LazyLock::new(|| {
    document::page(
        "The start of the interval that a moment lies in, where intervals of one length follow each other.",
        "date_bin(stride, moment[, origin])",
        &[
            ("stride", "The length of the intervals."),
            ("moment", "A timestamp, a date, a time of day or a text."),
            ("origin", "Where one of the intervals starts; 1970-01-01 by default."),
        ],
        "SELECT date_bin(INTERVAL '15 minutes', TIMESTAMP '2024-01-01 10:20:00'); -- 2024-01-01T10:15:00",
    )
});

impl ScalarUDFImpl for DateBin {
    fn name(&self) -> &'static str {
        "date_bin"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DATE_BIN_PAGE)
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let Some((DataType::Interval(_), [value] | [value, _])) = arg_types.split_first() else {
            return plan_err!("date_bin takes an interval, a timestamp and at the most an origin");
        };
        match (moment(value), value) {
            (Some(data_type), _) => Ok(data_type),
            (None, DataType::Time32(_) | DataType::Time64(_)) => self.of_times.return_type(arg_types),
            _ => plan_err!("date_bin takes a timestamp, a date or a text, not {value}"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let wanted = args.return_field.data_type().clone();
        if !matches!(wanted, DataType::Timestamp(..)) {
            return self.of_times.invoke_with_args(args);
        }
        let (Some(ColumnarValue::Scalar(stride)), Some(value)) = (args.args.first(), args.args.get(1)) else {
            return exec_err!("the stride of date_bin must be a constant, like INTERVAL '15 minutes'");
        };
        let origin = match args.args.get(2) {
            None => 0,
            Some(ColumnarValue::Scalar(origin)) => match origin.cast_to(&wanted)? {
                ScalarValue::TimestampMicrosecond(Some(origin), _) => origin,
                _ => return Ok(ColumnarValue::Scalar(ScalarValue::try_from(&wanted)?)),
            },
            Some(ColumnarValue::Array(_)) => return exec_err!("the origin of date_bin must be a constant"),
        };
        let Some(stride) = Stride::of(stride)? else {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from(&wanted)?));
        };
        each(value, &wanted, |value| stride.start(value, origin))
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Applies a function of microseconds to every moment.
fn each(
    value: &ColumnarValue,
    wanted: &DataType,
    start: impl Fn(i64) -> Option<i64>,
) -> Result<ColumnarValue> {
    let checked = |value: i64| match start(value) {
        Some(start) => Ok(start),
        None => exec_err!("the interval that {value} microseconds since 1970 lie in has no start"),
    };
    match value.cast_to(wanted, Some(&DEFAULT_CAST_OPTIONS))? {
        ColumnarValue::Scalar(ScalarValue::TimestampMicrosecond(value, zone)) => {
            let start = value.map(checked).transpose()?;
            Ok(ColumnarValue::Scalar(ScalarValue::TimestampMicrosecond(start, zone)))
        }
        ColumnarValue::Array(array) if array.as_primitive_opt::<TimestampMicrosecondType>().is_some() => {
            let values = array.as_primitive::<TimestampMicrosecondType>();
            let starts: PrimitiveArray<TimestampMicrosecondType> = values.try_unary(checked)?;
            Ok(ColumnarValue::Array(Arc::new(starts.with_data_type(wanted.clone()))))
        }
        other => exec_err!("{} is no timestamp of microseconds", other.data_type()),
    }
}

/// What `date_trunc` goes back to the start of.
#[derive(Clone, Copy)]
enum Unit {
    /// So many microseconds, counted from a moment.
    Fixed(i64, i64),
    /// So many months, counted from the start of a year.
    Months(i64),
}

impl Unit {
    fn of(name: &str) -> Result<Self> {
        Ok(match name.to_lowercase().as_str() {
            "microsecond" | "microseconds" => Self::Fixed(1, 0),
            "millisecond" | "milliseconds" => Self::Fixed(1000, 0),
            "second" => Self::Fixed(SECOND, 0),
            "minute" => Self::Fixed(60 * SECOND, 0),
            "hour" => Self::Fixed(3600 * SECOND, 0),
            "day" => Self::Fixed(DAY, 0),
            "week" => Self::Fixed(7 * DAY, MONDAY),
            "month" => Self::Months(1),
            "quarter" => Self::Months(3),
            "year" => Self::Months(12),
            _ => {
                return exec_err!(
                    "`{name}` is no unit of date_trunc; there are year, quarter, month, week, day, hour, minute, \
                     second, millisecond and microsecond"
                );
            }
        })
    }

    fn start(self, value: i64) -> Option<i64> {
        match self {
            Self::Fixed(length, origin) => fixed(value, length, origin),
            Self::Months(length) => months(value, length, 0),
        }
    }
}

/// The length of the intervals of `date_bin`.
#[derive(Clone, Copy)]
enum Stride {
    Fixed(i64),
    Months(i64),
}

impl Stride {
    /// Nothing for NULL.
    fn of(interval: &ScalarValue) -> Result<Option<Self>> {
        let (months, days, nanoseconds) = match interval {
            ScalarValue::IntervalMonthDayNano(Some(value)) => IntervalMonthDayNanoType::to_parts(*value),
            ScalarValue::IntervalDayTime(Some(value)) => {
                let (days, milliseconds) = IntervalDayTimeType::to_parts(*value);
                (0, days, i64::from(milliseconds) * 1_000_000)
            }
            ScalarValue::IntervalYearMonth(Some(months)) => (*months, 0, 0),
            value if value.is_null() => return Ok(None),
            other => {
                return exec_err!("the stride of date_bin must be an interval, not {}", other.data_type());
            }
        };
        let microseconds =
            i64::from(days).checked_mul(DAY).and_then(|days| days.checked_add(nanoseconds / 1000));
        match (months, microseconds) {
            (1.., Some(0)) if nanoseconds == 0 => Ok(Some(Self::Months(i64::from(months)))),
            (0, Some(length)) if length > 0 && nanoseconds % 1000 == 0 => Ok(Some(Self::Fixed(length))),
            _ => exec_err!(
                "the stride of date_bin must be positive, of whole microseconds, and of months or of days and \
                 smaller units, not of both"
            ),
        }
    }

    fn start(self, value: i64, origin: i64) -> Option<i64> {
        match self {
            Self::Fixed(length) => fixed(value, length, origin),
            Self::Months(length) => months(value, length, origin),
        }
    }
}

/// The last multiple of `length` after `origin` that is not after `value`.
fn fixed(value: i64, length: i64, origin: i64) -> Option<i64> {
    let after = i128::from(value) - i128::from(origin);
    let start = after.div_euclid(i128::from(length)) * i128::from(length) + i128::from(origin);
    i64::try_from(start).ok()
}

/// The last moment a multiple of `length` months after `origin` that is not after `value`. With origin 0 intervals
/// are counted from a January, if `length` divides the year.
fn months(value: i64, length: i64, origin: i64) -> Option<i64> {
    let (origin_month, origin_day, origin_time) = civil(origin);
    let (month, _, _) = civil(value);
    let mut start = origin_month + (month - origin_month).div_euclid(length) * length;
    loop {
        let day = origin_day.min(days_in_month(start));
        let days = first_day(start) + day - 1;
        let moment = days.checked_mul(DAY)?.checked_add(origin_time)?;
        if moment <= value {
            return Some(moment);
        }
        start -= length;
    }
}

/// The month since year 0, the day of the month from 1, and the microseconds of the day.
fn civil(value: i64) -> (i64, i64, i64) {
    let (days, time) = (value.div_euclid(DAY), value.rem_euclid(DAY));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    // Years begin in March here: months 10 and 11 are January and February of the next.
    (12 * (year_of_era + era * 400) + march_month + 2, day, time)
}

/// The days since 1970 of the first day of a month since year 0.
fn first_day(month: i64) -> i64 {
    let march_months = month - 2;
    let (year, march_month) = (march_months.div_euclid(12), march_months.rem_euclid(12));
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * march_month + 2) / 5;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn days_in_month(month: i64) -> i64 {
    first_day(month + 1) - first_day(month)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::temporal_conversions::date32_to_datetime;

    /// Against the calendar of another library, over almost 10,000 years.
    #[test]
    fn months_are_those_of_the_gregorian_calendar() {
        for days in (-719_000..2_900_000).step_by(13) {
            let Some(date) = date32_to_datetime(days) else { panic!("{days} is a date") };
            let (month, day, time) = civil(i64::from(days) * DAY + 5);
            let text = format!("{:04}-{:02}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1, day);
            assert_eq!(date.format("%Y-%m-%d").to_string().trim_start_matches('+'), text);
            assert_eq!(time, 5);
            assert_eq!(first_day(month) + day - 1, i64::from(days));
        }
    }
}
