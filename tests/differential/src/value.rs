//! Values, and what the program says of them: how they are ordered, when they are equal, how they are written in SQL.

use std::cmp::Ordering;
use std::fmt;

/// Digits after the point of every decimal.
pub const SCALE: u32 = 2;
/// Digits of the decimals in tables; sums have ten more.
pub const PRECISION: u8 = 12;

/// A type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Type {
    /// `Int64`.
    Int,
    /// `Float64`.
    Float,
    /// `Utf8`.
    Text,
    /// `Boolean`.
    Bool,
    /// `Decimal128` with [`SCALE`].
    Decimal,
    /// `Date32`.
    Date,
    /// Microseconds in UTC.
    Timestamp,
    /// A list of `Int64`.
    Ints,
    /// A list of `Utf8`.
    Texts,
    /// A struct of `a: Int64` and `b: Utf8`.
    Pair,
    /// `Utf8` that is another text in every run, and never twice in one: of a text nothing is known but where it occurs again.
    Token,
}

impl Type {
    /// All types that tables have.
    pub const ALL: [Self; 10] = [
        Self::Int,
        Self::Float,
        Self::Text,
        Self::Bool,
        Self::Decimal,
        Self::Date,
        Self::Timestamp,
        Self::Ints,
        Self::Texts,
        Self::Pair,
    ];

    /// The letter that names of columns of this type begin with. Columns of one name have one type everywhere, so that
    /// any two views can be put together by name.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Int => 'i',
            Self::Float => 'f',
            Self::Text => 't',
            Self::Bool => 'b',
            Self::Decimal => 'm',
            Self::Date => 'd',
            Self::Timestamp => 's',
            Self::Ints => 'l',
            Self::Texts => 'w',
            Self::Pair => 'p',
            Self::Token => 'u',
        }
    }

    /// Whether values can be ordered and be keys.
    #[must_use]
    pub fn is_scalar(self) -> bool {
        !matches!(self, Self::Ints | Self::Texts | Self::Pair | Self::Token)
    }

    /// The type of the elements of a list.
    #[must_use]
    pub fn element(self) -> Option<Self> {
        match self {
            Self::Ints => Some(Self::Int),
            Self::Texts => Some(Self::Text),
            _ => None,
        }
    }

    /// The type in SQL, where it can be cast to.
    #[must_use]
    pub fn sql(self) -> &'static str {
        match self {
            Self::Int => "BIGINT",
            Self::Float => "DOUBLE",
            Self::Text | Self::Token => "VARCHAR",
            Self::Bool => "BOOLEAN",
            Self::Decimal => "DECIMAL(12, 2)",
            Self::Date => "DATE",
            Self::Timestamp => "TIMESTAMP",
            Self::Ints => "BIGINT[]",
            Self::Texts => "VARCHAR[]",
            Self::Pair => "STRUCT",
        }
    }
}

/// A value or NULL.
#[derive(Clone, Debug)]
pub enum Value {
    /// NULL of any type.
    Null,
    /// See [`Type`].
    Int(i64),
    /// See [`Type`].
    Float(f64),
    /// See [`Type`].
    Text(String),
    /// See [`Type`].
    Bool(bool),
    /// Hundredths.
    Decimal(i128),
    /// Days since 1970.
    Date(i32),
    /// Microseconds since 1970.
    Timestamp(i64),
    /// The elements.
    List(Vec<Value>),
    /// The fields in their order.
    Pair(Box<[Value; 2]>),
}

impl Value {
    /// Whether it is NULL.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// A field of a struct, which of no struct is NULL.
    #[must_use]
    pub fn field(&self, index: usize) -> &Self {
        match self {
            Self::Pair(fields) => &fields[index],
            _ => &Self::Null,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Int(_) => 0,
            Self::Float(_) => 1,
            Self::Text(_) => 2,
            Self::Bool(_) => 3,
            Self::Decimal(_) => 4,
            Self::Date(_) => 5,
            Self::Timestamp(_) => 6,
            Self::List(_) => 7,
            Self::Pair(_) => 8,
            Self::Null => 9,
        }
    }

    /// The order of the program: NULL after everything, NaN after all numbers (the program has a NaN of another sign, before them:
    /// a known fault), zero and minus zero equal, texts by their
    /// bytes.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) | (Self::Timestamp(a), Self::Timestamp(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => floats(*a, *b),
            (Self::Text(a), Self::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Decimal(a), Self::Decimal(b)) => a.cmp(b),
            (Self::Date(a), Self::Date(b)) => a.cmp(b),
            (Self::List(a), Self::List(b)) => rows(a, b),
            (Self::Pair(a), Self::Pair(b)) => rows(a.as_slice(), b.as_slice()),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    /// The value as a literal of SQL.
    #[must_use]
    pub fn sql(&self, of: Type) -> String {
        match self {
            Self::Null => format!("CAST(NULL AS {})", of.sql()),
            Self::Int(value) => format!("{value}"),
            Self::Float(value) if value.is_finite() => format!("CAST({value:?} AS DOUBLE)"),
            Self::Float(value) => format!("CAST('{value}' AS DOUBLE)"),
            Self::Text(value) => format!("'{}'", value.replace('\'', "''")),
            Self::Bool(value) => format!("{value}").to_uppercase(),
            Self::Decimal(value) => format!("CAST({} AS DECIMAL(12, 2))", hundredths(*value)),
            Self::Date(value) => format!("DATE '{}'", date(i64::from(*value))),
            Self::Timestamp(value) => format!("TIMESTAMP '{}'", moment(*value, ' ', 6)),
            Self::List(values) => {
                let of = of.element().unwrap_or(Type::Int);
                let values: Vec<String> = values.iter().map(|value| value.sql(of)).collect();
                format!("[{}]", values.join(", "))
            }
            Self::Pair(fields) => {
                format!("named_struct('a', {}, 'b', {})", fields[0].sql(Type::Int), fields[1].sql(Type::Text))
            }
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.order(other).is_eq()
    }
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order(other)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Int(value) => write!(f, "{value}"),
            // One of the two zeros, which are one number.
            Self::Float(value) if *value == 0.0 => f.write_str("0.0"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(value) => f.write_str(value),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Decimal(value) => f.write_str(&hundredths(*value)),
            Self::Date(value) => f.write_str(&date(i64::from(*value))),
            Self::Timestamp(value) => f.write_str(&moment(*value, ' ', 6)),
            Self::List(values) => {
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", values.join(", "))
            }
            Self::Pair(fields) => write!(f, "{{a: {}, b: {}}}", fields[0], fields[1]),
        }
    }
}

/// The order of two rows by all their values.
#[must_use]
pub fn rows(a: &[Value], b: &[Value]) -> Ordering {
    let unequal = a.iter().zip(b).map(|(a, b)| a.order(b)).find(|order| order.is_ne());
    unequal.unwrap_or_else(|| a.len().cmp(&b.len()))
}

fn floats(a: f64, b: f64) -> Ordering {
    // NaN is one number, the largest.
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

fn hundredths(value: i128) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let value = value.unsigned_abs();
    format!("{sign}{}.{:02}", value / 100, value % 100)
}

/// The date so many days after 1970 began (Hinnant, *chrono-compatible low-level date algorithms*).
#[must_use]
pub fn date(days: i64) -> String {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The moment so many microseconds after 1970 began, with so many digits of a second; what is beyond them is cut off.
#[must_use]
pub fn moment(micros: i64, between: char, digits: usize) -> String {
    const DAY: i64 = 86_400_000_000;
    let (days, rest) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    let (seconds, micros) = (rest / 1_000_000, format!("{:06}", rest % 1_000_000));
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{}{between}{hours:02}:{minutes:02}:{seconds:02}.{}", date(days), &micros[..digits.min(6)])
}
