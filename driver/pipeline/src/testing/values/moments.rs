//! Days, times and moments, in one form each, so that no reader has to guess or cut.

use arrow::datatypes::TimeUnit;
use chrono::{NaiveDate, NaiveTime};

/// A day; or why a text is none.
pub(super) fn day(text: &str) -> Result<String, &'static str> {
    match divided(text) {
        (date, None) if is_day(date) => Ok(date.to_owned()),
        (date, Some(_)) if is_day(date) => Err("is a moment, and the column has days"),
        _ => Err("is no day, as in `2026-01-31`"),
    }
}

/// A moment, or the midnight that a day begins with; or why a text is none. With a zone only where the column has one.
pub(super) fn moment(text: &str, unit: TimeUnit, has_zone: bool) -> Result<String, &'static str> {
    const FORM: &str = "is no moment, as in `2026-01-31T12:30:00`";
    let (date, rest) = divided(text);
    if !is_day(date) {
        return Err(FORM);
    }
    let Some(rest) = rest else { return Ok(format!("{date}T00:00:00")) };
    let (clock, zone) = rest.split_at(rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len()));
    if !is_zone(zone) {
        return Err(FORM);
    }
    if !zone.is_empty() && !has_zone {
        return Err("has a zone, and the column has moments without one");
    }
    Ok(format!("{date}T{}{}", time(clock, unit, FORM)?, zone.to_ascii_uppercase()))
}

/// A time of day; or why a text is none.
pub(super) fn time_of_day(text: &str, unit: TimeUnit) -> Result<String, &'static str> {
    time(text, unit, "is no time, as in `12:30:00`")
}

/// The part before `T` or a space, and the part behind it.
fn divided(text: &str) -> (&str, Option<&str>) {
    match text.split_once(['T', 't', ' ']) {
        Some((date, rest)) => (date, Some(rest)),
        None => (text, None),
    }
}

fn is_day(text: &str) -> bool {
    let digits = |part: &str, length: usize| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
    let mut parts = text.split('-');
    let has_form = [4, 2, 2].into_iter().all(|length| parts.next().is_some_and(|part| digits(part, length)));
    has_form && parts.next().is_none() && text.parse::<NaiveDate>().is_ok()
}

/// `Z`, or an offset such as `+02:00`; nothing is no zone, which is well-formed too.
fn is_zone(text: &str) -> bool {
    let Some(offset) = text.strip_prefix(['+', '-']) else { return matches!(text, "" | "Z" | "z") };
    let Some((hours, minutes)) = offset.split_once(':') else { return false };
    let below = |part: &str, limit: u8| part.len() == 2 && part.parse::<u8>().is_ok_and(|it| it < limit);
    below(hours, 24) && below(minutes, 60)
}

/// `HH:MM:SS` with no more digits of a second than the unit has.
fn time(text: &str, unit: TimeUnit, form: &'static str) -> Result<String, &'static str> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut numbers = clock.split(':').map(|part| {
        let is_number = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse::<u32>().ok()).flatten()
    });
    let (Some(Some(hour)), Some(Some(minute)), Some(Some(second)), None) =
        (numbers.next(), numbers.next(), numbers.next(), numbers.next())
    else {
        return Err(form);
    };
    let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if NaiveTime::from_hms_opt(hour, minute, second).is_none() || !is_fraction {
        return Err(form);
    }
    let fraction = fraction.trim_end_matches('0');
    let digits = match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    };
    if fraction.len() > digits {
        return Err("has more digits of a second than the column");
    }
    Ok(if fraction.is_empty() { clock.to_owned() } else { format!("{clock}.{fraction}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_no_moments() {
        assert_eq!(day("2026-02-28").unwrap(), "2026-02-28");
        for text in ["2026-02-28T23:00:00", "2026-02-28 00:00:00"] {
            assert!(day(text).unwrap_err().contains("moment"), "{text}");
        }
        for text in ["2026-02-29", "26-02-28", "2026-2-28", "-2026-02-28", "2026-02-28-", "x", "", "20260228"]
        {
            assert!(day(text).unwrap_err().contains("no day"), "{text}");
        }
    }

    #[test]
    fn moments_lose_nothing() {
        let micros = |text| moment(text, TimeUnit::Microsecond, false);
        assert_eq!(micros("2026-02-28").unwrap(), "2026-02-28T00:00:00");
        assert_eq!(micros("2026-02-28 10:00:00.120").unwrap(), "2026-02-28T10:00:00.12");
        assert!(micros("2026-02-28T10:00:00.1234567").unwrap_err().contains("digits"));
        assert!(micros("2026-02-28T10:00:00Z").unwrap_err().contains("zone"));
        for text in [
            "2026-02-28T24:00:00",
            "2026-02-28T23:59:60",
            "2026-02-28T10:00",
            "2026-02-28T10:00:00.",
            "2026-02-28T",
            "2026-02-30T10:00:00",
            "2026-02-28T10:00:00+2",
        ] {
            assert!(micros(text).is_err(), "{text}");
        }
        let zoned = |text| moment(text, TimeUnit::Second, true);
        assert_eq!(zoned("2026-02-28T10:00:00+02:00").unwrap(), "2026-02-28T10:00:00+02:00");
        assert_eq!(zoned("2026-02-28T10:00:00z").unwrap(), "2026-02-28T10:00:00Z");
        assert_eq!(time_of_day("10:00:00.500", TimeUnit::Millisecond).unwrap(), "10:00:00.5");
        assert!(time_of_day("10:00:00.5", TimeUnit::Second).is_err());
    }
}
