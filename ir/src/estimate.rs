//! Estimates of sizes, with where they come from.

use serde::{Deserialize, Serialize};

/// How far a number can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Counted: the Delta log says so.
    Exact,
    /// Derived from counts by rules of thumb.
    Estimated,
    /// A constant stands in for missing statistics.
    Unknown,
}

/// A number of rows. The text form is `12`, `~12` (estimated) or `?12` (a stand-in).
#[derive(Clone, Copy, PartialEq, Eq, Hash, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct Estimate {
    /// The rows.
    pub rows: u64,
    /// Where the number comes from.
    pub quality: Quality,
}

impl Estimate {
    /// A counted number of rows.
    #[must_use]
    pub fn exact(rows: u64) -> Self {
        Self { rows, quality: Quality::Exact }
    }

    /// A stand-in where nothing is known.
    #[must_use]
    pub fn unknown(rows: u64) -> Self {
        Self { rows, quality: Quality::Unknown }
    }

    /// The same rows multiplied by a factor; no longer exact.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate needs no more than 52 bits, and a float cast saturates"
    )]
    pub fn scaled(self, factor: f64) -> Self {
        Self {
            rows: (self.rows as f64 * factor).ceil() as u64,
            quality: self.quality.max(Quality::Estimated),
        }
    }

    /// The number of rows of both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { rows: self.rows.saturating_add(other.rows), quality: self.quality.max(other.quality) }
    }

    fn parse(text: &str) -> Option<Self> {
        let (quality, digits) = match text.split_at_checked(1)? {
            ("~", rest) => (Quality::Estimated, rest),
            ("?", rest) => (Quality::Unknown, rest),
            _ => (Quality::Exact, text),
        };
        digits.parse().ok().map(|rows| Self { rows, quality })
    }
}

impl std::fmt::Display for Estimate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mark = match self.quality {
            Quality::Exact => "",
            Quality::Estimated => "~",
            Quality::Unknown => "?",
        };
        write!(f, "{mark}{}", self.rows)
    }
}

impl std::fmt::Debug for Estimate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Estimate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.quality {
            Quality::Exact => serializer.serialize_u64(self.rows),
            Quality::Estimated | Quality::Unknown => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Estimate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum CountOrText {
            Count(u64),
            Text(String),
        }
        match CountOrText::deserialize(deserializer)? {
            CountOrText::Count(rows) => Ok(Self::exact(rows)),
            CountOrText::Text(text) => Self::parse(&text).ok_or_else(|| {
                serde::de::Error::custom(format!("`{text}` is not a row estimate like 12, ~12 or ?12"))
            }),
        }
    }
}
