//! What texts mean as values: the types that they look like, and their values in a type, exactly.
//!
//! Arrow's parsers read more than a type holds and change what does not fit: digits behind the point of a decimal are cut off,
//! a time of day is dropped from a date, a number too large for a float becomes infinity. Here such a text is no value of the
//! type ([`Misfit`]).

mod numbers;
mod times;

use arrow::datatypes::{DataType, TimeUnit};

pub(crate) use numbers::{decimal, float, integer};
pub(crate) use times::{date, moment};

/// Why a text is no value of a type, where the type's name alone does not say it: behind "`1.239` is no Decimal128(5, 2)".
/// Empty, where it does.
pub(crate) type Misfit = &'static str;

/// What texts look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No text was seen.
    Unknown,
    Boolean,
    Integer,
    Float,
    Date,
    /// A timestamp without a time zone.
    Moment,
    /// A timestamp with one.
    Instant,
    Text,
}

impl Kind {
    /// What a value of a CSV file looks like.
    pub(crate) fn of(text: &str) -> Self {
        if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
            return Self::Boolean;
        }
        match Self::of_number(text) {
            Self::Text => Self::of_time(text),
            number => number,
        }
    }

    fn of_number(text: &str) -> Self {
        if matches!(text, "NaN" | "nan" | "inf" | "-inf") {
            return Self::Float;
        }
        let is_number =
            text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
        if !is_number || is_code(text) {
            return Self::Text;
        }
        let digits = text.strip_prefix('-').unwrap_or(text);
        match digits.bytes().all(|byte| byte.is_ascii_digit()) {
            true if text.parse::<i64>().is_ok() => Self::Integer,
            false if text.parse::<f64>().is_ok() => Self::Float,
            // What has more digits than an integer of 64 bits keeps them all as a text.
            _ => Self::Text,
        }
    }

    /// What a text looks like that is no number: a date and a timestamp are written as in ISO 8601, with all digits.
    pub(crate) fn of_time(text: &str) -> Self {
        const SHAPE: &[u8] = b"dddd-dd-ddTdd:dd:dd";
        let bytes = text.as_bytes();
        let looks_so = |shape: &[u8]| {
            bytes.len() >= shape.len()
                && bytes.iter().zip(shape).all(|(byte, wanted)| match wanted {
                    b'd' => byte.is_ascii_digit(),
                    b'T' => matches!(byte, b'T' | b' '),
                    _ => byte == wanted,
                })
        };
        if bytes.len() == 10 {
            let is_date = looks_so(SHAPE.get(..10).unwrap_or_default()) && date(text).is_ok();
            return if is_date { Self::Date } else { Self::Text };
        }
        match moment(text) {
            // What no timestamp holds exactly is kept as a text.
            Ok(moment) if looks_so(SHAPE) => {
                if moment.has_zone {
                    Self::Instant
                } else {
                    Self::Moment
                }
            }
            _ => Self::Text,
        }
    }

    /// What texts look like that look like this or like `other`.
    pub(crate) fn joined(self, other: Self) -> Self {
        match (self, other) {
            _ if self == other => self,
            (Self::Unknown, known) | (known, Self::Unknown) => known,
            (Self::Integer, Self::Float) | (Self::Float, Self::Integer) => Self::Float,
            (Self::Date, Self::Moment) | (Self::Moment, Self::Date) => Self::Moment,
            _ => Self::Text,
        }
    }

    /// The type of such values.
    pub(crate) fn data_type(self) -> DataType {
        match self {
            Self::Unknown => DataType::Null,
            Self::Boolean => DataType::Boolean,
            Self::Integer => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Date => DataType::Date32,
            Self::Moment => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Text => DataType::Utf8View,
        }
    }
}

/// Whether digits are a code and no number: a postal code, an account. As a number it would lose zeros, or its sign.
pub(crate) fn is_code(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    matches!(digits.as_bytes(), [b'0', b'0'..=b'9', ..] | [b'+', ..])
}

/// Whether a column is of numbers, which may be mistaken for codes.
pub(crate) fn is_number(data_type: &DataType) -> bool {
    data_type.is_integer() || data_type.is_floating()
}
