//! Joins: by equal keys, and by spans.

use serde::{Deserialize, Serialize};

use crate::lexer::{take_word, word};

/// Which rows of two sides a join gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JoinType {
    /// The pairs that match.
    Inner,
    /// The pairs that match, and left rows without a match.
    Left,
    /// The pairs that match, and right rows without a match.
    Right,
    /// The pairs that match, and rows of both sides without a match.
    Full,
    /// Left rows with a match, once, without the right columns.
    Semi,
    /// Left rows without a match.
    Anti,
}

impl JoinType {
    /// Whether the output has columns of the right side.
    #[must_use]
    pub fn keeps_right(self) -> bool {
        !matches!(self, Self::Semi | Self::Anti)
    }
}

/// A side of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Port 0.
    Left,
    /// Port 1.
    Right,
}

/// One output column of a join. The text form is `name: left.column`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct JoinColumn {
    /// The name in the output.
    pub name: String,
    /// The side it comes from.
    pub from: Side,
    /// The name of the column on that side.
    pub column: String,
}

impl JoinColumn {
    /// A column of one side under its own name.
    #[must_use]
    pub fn of(from: Side, column: &str) -> Self {
        Self { name: column.to_owned(), from, column: column.to_owned() }
    }
}

impl Serialize for JoinColumn {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let side = match self.from {
            Side::Left => "left",
            Side::Right => "right",
        };
        let column = word(&self.column);
        if self.name == self.column {
            serializer.collect_str(&format_args!("{side}.{column}"))
        } else {
            serializer.collect_str(&format_args!("{side}.{column} as {}", word(&self.name)))
        }
    }
}

impl<'de> Deserialize<'de> for JoinColumn {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parse = || {
            let (from, rest) = match text.split_once('.')? {
                ("left", rest) => (Side::Left, rest),
                ("right", rest) => (Side::Right, rest),
                _ => return None,
            };
            let (column, rest) = take_word(rest)?;
            let name = match rest.strip_prefix(" as ") {
                Some(alias) => take_word(alias).filter(|(_, rest)| rest.is_empty())?.0,
                None if rest.is_empty() => column.clone(),
                None => return None,
            };
            Some(Self { name, from, column })
        };
        parse().ok_or_else(|| {
            serde::de::Error::custom(format!("`{text}` is not `left.column` or `right.column as name`"))
        })
    }
}

/// A join by equal keys. NULL keys match nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// Which rows are kept.
    pub join_type: JoinType,
    /// Pairs of columns (left, right) that must be equal.
    pub on: Vec<(String, String)>,
    /// The output columns.
    pub columns: Vec<JoinColumn>,
}

/// What the left span is to the right span. Spans are half-open intervals `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanRelation {
    /// Left contains right: `l.start <= r.start AND r.end <= l.end`.
    Contains,
    /// Left lies within right: `r.start <= l.start AND l.end <= r.end`.
    Within,
    /// They share at least one position: `l.start < r.end AND r.start < l.end`.
    Overlaps,
    /// Same start and same end.
    Equals,
}

impl SpanRelation {
    /// The relation seen from the other side.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Self::Contains => Self::Within,
            Self::Within => Self::Contains,
            Self::Overlaps | Self::Equals => self,
        }
    }
}

/// A join by spans and, optionally, equal keys. NULL keys and bounds match nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpanJoin {
    /// Which rows are kept; never `right` or `full`.
    pub join_type: JoinType,
    /// What the left span is to the right one.
    pub relation: SpanRelation,
    /// Pairs of columns (left, right) that must be equal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<(String, String)>,
    /// The start and end columns of the left side.
    pub left: [String; 2],
    /// The start and end columns of the right side.
    pub right: [String; 2],
    /// Whether only the tightest container of each contained row is kept: the shortest; of several the one that starts last;
    /// of several with equal spans the greatest by all columns of its side.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub innermost: bool,
    /// The output columns.
    pub columns: Vec<JoinColumn>,
}

impl SpanJoin {
    /// The input whose spans contain those of the other.
    #[must_use]
    pub fn container(&self) -> Option<usize> {
        match self.relation {
            SpanRelation::Contains => Some(0),
            SpanRelation::Within => Some(1),
            SpanRelation::Overlaps | SpanRelation::Equals => None,
        }
    }
}
