//! Dates and timestamps.

use arrow::compute::kernels::cast_utils::{Parser as _, string_to_datetime};
use arrow::datatypes::Date32Type;
use chrono::Utc;

use super::Misfit;

/// A moment: on a clock somewhere, or in UTC if its text has a time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Since 1970, in microseconds.
    pub(crate) micros: i64,
    pub(crate) has_zone: bool,
}

/// Where the time of day begins in a timestamp.
const TIME: usize = 11;

/// The day of a date, counted from 1970. A time of day must be midnight.
pub(crate) fn date(text: &str) -> Result<i32, Misfit> {
    let is_day = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+'));
    let day = match text.split_once(['T', 't', ' ']) {
        None => text,
        Some((day, time)) => {
            moment(text)?;
            if !time.bytes().all(|byte| matches!(byte, b'0' | b':' | b'.')) {
                return Err("it has a time of day");
            }
            day
        }
    };
    if !is_day(day) {
        return Err("");
    }
    Date32Type::parse(day).ok_or("")
}

/// The moment of a timestamp, or of the midnight of a date.
pub(crate) fn moment(text: &str) -> Result<Moment, Misfit> {
    let read = string_to_datetime(&Utc, text).map_err(|_| "")?;
    let time = text.as_bytes().get(TIME..).unwrap_or_default();
    // The parser takes nine digits of a fraction and no notice of more.
    let fraction = time.iter().skip_while(|byte| **byte != b'.').skip(1);
    let fraction = fraction.take_while(|byte| byte.is_ascii_digit());
    if fraction.skip(6).any(|digit| *digit != b'0') {
        return Err("timestamps are microseconds");
    }
    // The parser counts a leap second to the next minute.
    if read.timestamp_subsec_nanos() >= 1_000_000_000 {
        return Err("there are no leap seconds");
    }
    let has_zone = time.iter().any(|byte| !matches!(byte, b'0'..=b'9' | b':' | b'.'));
    Ok(Moment { micros: read.timestamp_micros(), has_zone })
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    #[test]
    fn times_are_exact_or_none() {
        let micros = |text| moment(text).map(|moment| (moment.micros, moment.has_zone));
        assert_eq!(micros("1970-01-01T00:00:01"), Ok((1_000_000, false)));
        assert_eq!(micros("1970-01-01 00:00:00.0000010000001"), Err("timestamps are microseconds"));
        assert_eq!(micros("1970-01-01 00:00:00.00000100000"), Ok((1, false)));
        assert_eq!(micros("1970-01-01 00:00:00.123456789"), Err("timestamps are microseconds"));
        assert_eq!(micros("1970-01-01T02:00:00+02:00"), Ok((0, true)));
        assert_eq!(micros("1970-01-01T00:00:00Z"), Ok((0, true)));
        assert_eq!(micros("2026-01-01T23:59:60"), Err("there are no leap seconds"));
        assert_eq!(micros("1700000000"), Err(""));
        assert_eq!(date("1970-01-02"), Ok(1));
        assert_eq!(date("1970-01-02T00:00:00"), Ok(1));
        assert_eq!(date("1970-01-02 00:00:00.000"), Ok(1));
        assert_eq!(date("1970-01-02T10:00:00"), Err("it has a time of day"));
        assert_eq!(date("1970-01-02T00:00:00Z"), Err("it has a time of day"));
        for text in ["2026-02-30", "2026-02-30T00:00:00", "x", "", "1970-01-02 x", "é"] {
            assert_eq!(date(text), Err(""), "{text}");
        }
    }

    #[test]
    fn kinds_of_texts() {
        for (text, wanted) in [
            ("TRUE", Kind::Boolean),
            ("-12", Kind::Integer),
            ("0", Kind::Integer),
            ("-0", Kind::Integer),
            ("00", Kind::Text),
            ("-01", Kind::Text),
            ("007.5", Kind::Text),
            ("+5", Kind::Text),
            ("9223372036854775808", Kind::Text),
            ("0.5", Kind::Float),
            (".5", Kind::Float),
            ("5.", Kind::Float),
            ("1e400", Kind::Float),
            ("-inf", Kind::Float),
            ("Infinity", Kind::Text),
            ("-", Kind::Text),
            ("1e", Kind::Text),
            ("2026-02-28", Kind::Date),
            ("2026-02-30", Kind::Text),
            ("20260228", Kind::Integer),
            ("2026-02-28 10:00:00", Kind::Moment),
            ("2026-02-28T10:00:00.5", Kind::Moment),
            ("2026-02-28T10:00:00Z", Kind::Instant),
            ("2026-02-28T10:00:00+02:00", Kind::Instant),
            ("2026-02-28T10:00:00.123456789", Kind::Text),
            ("2026-02-28T10:00:00 hello", Kind::Text),
            ("2026-02-28T25:00:00", Kind::Text),
            ("2026-02-28日", Kind::Text),
            ("", Kind::Text),
        ] {
            assert_eq!(Kind::of(text), wanted, "{text}");
        }
    }
}
