//! The text of a spec, and where in it each value is.

use std::ops::Range;

use super::{Segment, SpecPath, TextPart};

/// What a source is called in messages: a file's path as the user gave it, or `<stdin>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceName(String);

impl SourceName {
    /// A source called `name`.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for SourceName {
    fn from(name: T) -> Self {
        Self::new(name)
    }
}

/// A place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The bytes of the text.
    pub bytes: Range<usize>,
    /// The line of the first byte, counted from 1.
    pub line: usize,
    /// The column of the first byte, counted in characters from 1.
    pub column: usize,
}

/// Where a value is, and where the values inside it are. The shape of the document without its contents, so
/// that a [`SpecPath`] is found by walking down.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The bytes of the value.
    pub(crate) bytes: Range<usize>,
    /// The values inside it.
    pub(crate) inside: Inside,
}

/// The values inside a value.
#[derive(Clone, Debug)]
pub(crate) enum Inside {
    /// None: a text, a number, ...
    Nothing,
    /// None: a text written as a block, of which the bytes are the lines below `|` or `>`.
    Block,
    /// The items of a list.
    Items(Vec<Place>),
    /// The fields of a map: key, bytes of the key, value.
    Fields(Vec<(String, Range<usize>, Place)>),
}

/// How far a path could be followed.
struct Found<'a> {
    key: Option<&'a Range<usize>>,
    place: &'a Place,
    complete: bool,
}

/// The text of a spec, and the place of each value in it.
#[derive(Clone, Debug)]
pub struct SourceMap {
    name: SourceName,
    text: String,
    line_starts: Vec<usize>,
    root: Option<Place>,
}

impl SourceMap {
    /// A text of which no value's place is known yet.
    #[must_use]
    pub fn new(name: SourceName, text: impl Into<String>) -> Self {
        let text = text.into();
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { name, text, line_starts, root: None }
    }

    /// A text of which one part is the value at a path, written as it is, and nothing else is a value: a query that is no part of
    /// a file.
    #[must_use]
    pub fn of_value(name: SourceName, text: impl Into<String>, path: &SpecPath, bytes: Range<usize>) -> Self {
        let mut place = Place { bytes, inside: Inside::Block };
        for segment in path.segments().iter().rev() {
            let bytes = place.bytes.clone();
            let inside = match segment {
                Segment::Index(index) => Inside::Items(vec![place; index + 1]),
                Segment::Field(name) => Inside::Fields(vec![(name.clone(), bytes.clone(), place)]),
            };
            place = Place { bytes, inside };
        }
        Self { root: Some(place), ..Self::new(name, text) }
    }

    /// What the source is called.
    #[must_use]
    pub fn name(&self) -> &SourceName {
        &self.name
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Records where the document's values are.
    pub(crate) fn set_root(&mut self, root: Place) {
        self.root = Some(root);
    }

    /// The place of a value. If the text does not have it (a default, a missing field), the key of the
    /// nearest value around it, or the start of that value. None if the document's values are not known.
    #[must_use]
    pub fn locate(&self, path: &SpecPath) -> Option<Location> {
        let found = self.follow(path)?;
        let bytes = match (found.complete, found.key) {
            (true, _) => found.place.bytes.clone(),
            (false, Some(key)) => key.clone(),
            (false, None) => found.place.bytes.start..found.place.bytes.start,
        };
        Some(self.location(bytes))
    }

    /// The place of a part of a text value. None if there is no text at the path.
    #[must_use]
    pub fn locate_part(&self, path: &SpecPath, part: &TextPart) -> Option<Location> {
        let found = self.follow(path).filter(|found| found.complete)?;
        let Place { bytes, inside } = found.place;
        let is_block = match inside {
            Inside::Nothing => false,
            Inside::Block => true,
            Inside::Items(_) | Inside::Fields(_) => return None,
        };
        let within = part.in_source(self.text.get(bytes.clone())?, is_block);
        Some(self.location(bytes.start + within.start..bytes.start + within.end))
    }

    /// Whether a value is a text written as a block.
    pub(crate) fn is_block(&self, path: &SpecPath) -> bool {
        self.follow(path).is_some_and(|found| matches!(found.place.inside, Inside::Block))
    }

    /// The place of the key of a field; for anything else, of the value.
    #[must_use]
    pub fn locate_key(&self, path: &SpecPath) -> Option<Location> {
        match self.follow(path)? {
            Found { key: Some(key), complete: true, .. } => Some(self.location(key.clone())),
            _ => self.locate(path),
        }
    }

    /// Walks down from the root as far as the text goes.
    fn follow(&self, path: &SpecPath) -> Option<Found<'_>> {
        let mut found = Found { key: None, place: self.root.as_ref()?, complete: true };
        for segment in path.segments() {
            let next = match (segment, &found.place.inside) {
                (Segment::Index(index), Inside::Items(items)) => items.get(*index).map(|place| (None, place)),
                (Segment::Field(name), Inside::Fields(fields)) => {
                    fields.iter().find(|(key, ..)| key == name).map(|(_, key, place)| (Some(key), place))
                }
                _ => None,
            };
            match next {
                Some((key, place)) => found = Found { key, place, complete: true },
                None => return Some(Found { complete: false, ..found }),
            }
        }
        Some(found)
    }

    /// Line and column of a range of bytes. A range outside the text is moved to its end.
    #[must_use]
    pub fn location(&self, bytes: Range<usize>) -> Location {
        let start = self.boundary(bytes.start);
        let end = self.boundary(bytes.end).max(start);
        let line = self.line_starts.partition_point(|line_start| *line_start <= start).max(1);
        let line_start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(line_start..start).map_or(0, |before| before.chars().count()) + 1;
        Location { bytes: start..end, line, column }
    }

    /// A line without its line break, counted from 1, and the byte it starts at.
    #[must_use]
    pub fn line(&self, line: usize) -> Option<(usize, &str)> {
        let start = *self.line_starts.get(line.checked_sub(1)?)?;
        let end = self.line_starts.get(line).copied().unwrap_or(self.text.len());
        Some((start, self.text.get(start..end)?.trim_end_matches(['\n', '\r'])))
    }

    /// The last character boundary at or before `at`.
    fn boundary(&self, at: usize) -> usize {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}
