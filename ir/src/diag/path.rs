//! A place in a spec, independent of how the file is formatted.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// One step from a value to a value inside it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// The field of a map.
    Field(String),
    /// The item of a list, counted from 0.
    Index(usize),
}

/// The way from the root of a spec to a value in it, as in `view_definitions[3].transform.predicate`.
///
/// A field that is not made of letters, digits, `_` and `-` is written in quotes: `output_schema.columns["a
/// b"]`. The text form parses back to the same path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpecPath(Vec<Segment>);

impl SpecPath {
    /// The root of the spec.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// The field `name` of this value.
    #[must_use]
    pub fn field(&self, name: impl Into<String>) -> Self {
        self.with(Segment::Field(name.into()))
    }

    /// The item `index` of this value, counted from 0.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    fn with(&self, segment: Segment) -> Self {
        let mut segments = Vec::with_capacity(self.0.len() + 1);
        segments.extend_from_slice(&self.0);
        segments.push(segment);
        Self(segments)
    }

    /// Goes one step further, in place.
    pub fn push(&mut self, segment: Segment) {
        self.0.push(segment);
    }

    /// Goes one step back, in place. The root has no step back.
    pub fn pop(&mut self) -> Option<Segment> {
        self.0.pop()
    }

    /// The value this one is in; none for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.split_last().map(|(_, rest)| Self(rest.to_vec()))
    }

    /// The steps from the root.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Whether this is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<Segment>> for SpecPath {
    fn from(segments: Vec<Segment>) -> Self {
        Self(segments)
    }
}

/// Whether a field is written without quotes.
fn is_plain(field: &str) -> bool {
    !field.is_empty() && field.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

impl fmt::Display for SpecPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Field(name) if is_plain(name) => {
                    write!(f, "{}{name}", if position == 0 { "" } else { "." })?;
                }
                Segment::Field(name) => {
                    f.write_str("[\"")?;
                    for character in name.chars() {
                        if matches!(character, '"' | '\\') {
                            f.write_str("\\")?;
                        }
                        write!(f, "{character}")?;
                    }
                    f.write_str("\"]")?;
                }
            }
        }
        Ok(())
    }
}

impl Serialize for SpecPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text that is not a spec path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a spec path: {problem} at byte {at}; write it like `view_definitions[3].transform.predicate`"
)]
pub struct ParsePathError {
    /// The whole text.
    pub text: String,
    /// What is wrong.
    pub problem: &'static str,
    /// Where, counted in bytes from 0.
    pub at: usize,
}

impl FromStr for SpecPath {
    type Err = ParsePathError;

    fn from_str(text: &str) -> Result<Self, ParsePathError> {
        let mut segments = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let failed =
                |problem| ParsePathError { text: text.to_owned(), problem, at: text.len() - rest.len() };
            if let Some(quoted) = rest.strip_prefix("[\"") {
                let (name, after) =
                    read_quoted(quoted).ok_or_else(|| failed("a quoted field that does not end"))?;
                segments.push(Segment::Field(name));
                rest = after;
            } else if let Some(bracketed) = rest.strip_prefix('[') {
                let (digits, after) = bracketed.split_once(']').ok_or_else(|| failed("`[` without `]`"))?;
                let is_number = digits.bytes().all(|b| b.is_ascii_digit());
                let index =
                    digits.parse().ok().filter(|_| is_number).ok_or_else(|| failed("not an index"))?;
                segments.push(Segment::Index(index));
                rest = after;
            } else {
                let dotted = rest.strip_prefix('.').filter(|_| !segments.is_empty());
                let name = match (dotted, segments.is_empty()) {
                    (Some(name), _) => name,
                    (None, true) => rest,
                    (None, false) => return Err(failed("expected `.` or `[`")),
                };
                let end = name.find(['.', '[']).unwrap_or(name.len());
                let (field, after) = name.split_at(end);
                if !is_plain(field) {
                    return Err(failed("not a field name"));
                }
                segments.push(Segment::Field(field.to_owned()));
                rest = after;
            }
        }
        Ok(Self(segments))
    }
}

/// Reads up to the closing `"]`, undoing escapes; returns the text and what follows.
fn read_quoted(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => name.push(characters.next()?.1),
            '"' => return text.get(at..)?.strip_prefix("\"]").map(|after| (name, after)),
            other => name.push(other),
        }
    }
    None
}
