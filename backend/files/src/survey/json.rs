//! The lines of an NDJSON file, and the columns that its objects have.
//!
//! All rows tell what the columns are: a field that only the last row has is a column. Integers and floats together are
//! floats; texts that are all dates or timestamps are those; anything else that is twofold, a text here and a number there,
//! is an error and not a text.

mod shape;

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef};

use super::text::{self, Pieces, Syntax};
use super::{FileColumns, Piece, SurveyedFile};
use crate::error::Position;
use crate::listing::ListedFile;
use crate::{FileError, Result};
pub(crate) use shape::Shape;

/// So many columns that are not wanted are told of, and looked at.
const SHOWN_NAMES: usize = 20;
const MOST_NAMES: usize = 1000;

/// So long a row may be.
const LONGEST_ROW: usize = 256 << 20;

/// Looks at an NDJSON file: for the columns that are wanted, or for what its columns are.
pub(crate) fn survey(file: &ListedFile, wanted: Option<&[Field]>) -> Result<SurveyedFile> {
    let wanted = wanted.map(|wanted| wanted.iter().cloned().map(Arc::new).collect::<Vec<FieldRef>>());
    let mut rows = Rows {
        file,
        wanted: wanted.as_deref(),
        line: 1,
        text: Vec::new(),
        is_blank: true,
        count: 0,
        rows: Pieces::default(),
        pieces: Vec::new(),
        shape: Shape::Null,
        lacking: wanted.iter().flatten().map(|field| field.name().clone()).collect(),
        others: BTreeSet::new(),
    };
    let content = text::read(file, &mut rows)?;
    let columns = match rows.wanted {
        Some(_) => FileColumns::Wanted {
            lacking: rows.lacking,
            others: rows.others.into_iter().take(SHOWN_NAMES).collect(),
        },
        None => {
            let fields = rows.shape.columns().unwrap_or_default();
            if fields.is_empty() {
                let reason =
                    "no row has a column, so that nobody knows what they are; give the input a `schema`";
                return Err(FileError::content(&file.shown, Position::File, reason));
            }
            FileColumns::Shaped { shape: rows.shape, fields }
        }
    };
    Ok(SurveyedFile { file: file.clone(), content, rows: Some(rows.count), pieces: rows.pieces, columns })
}

/// Finds the rows of a text.
struct Rows<'a> {
    file: &'a ListedFile,
    /// The columns, if they are known.
    wanted: Option<&'a [FieldRef]>,
    line: u64,
    /// What there is of the line so far.
    text: Vec<u8>,
    is_blank: bool,
    count: u64,
    rows: Pieces,
    /// Once the text has ended.
    pieces: Vec<Piece>,
    /// The columns so far, if they are not known.
    shape: Shape,
    /// Columns that are wanted and were in no row so far; as long as there are some, the columns that were not wanted.
    lacking: Vec<String>,
    others: BTreeSet<String>,
}

impl Rows<'_> {
    fn add(&mut self, bytes: &[u8]) -> Result<()> {
        self.is_blank &= bytes.iter().all(u8::is_ascii_whitespace);
        if self.text.len() + bytes.len() > LONGEST_ROW {
            return Err(self.wrong(format!("the row is longer than {} MiB", LONGEST_ROW >> 20)));
        }
        self.text.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self) -> Result<()> {
        if !self.is_blank {
            self.count += 1;
            self.row()?;
        }
        self.text.clear();
        self.is_blank = true;
        self.line += 1;
        Ok(())
    }

    /// Looks into a row.
    fn row(&mut self) -> Result<()> {
        let row = serde_json::from_slice::<Shape>(&self.text)
            .map_err(|error| self.wrong(format!("it is no row of JSON: {}", in_line(&error))))?;
        if !matches!(row, Shape::Object(_)) {
            return Err(self.wrong(format!("a row is an object, and here is {}", row.name())));
        }
        if let Some(wanted) = self.wanted {
            self.note(&row);
            return row.misfit(wanted.iter()).map_or(Ok(()), |reason| Err(self.wrong(reason)));
        }
        if let Some(path) = row.huge() {
            let path = path.trim_start_matches('.');
            return Err(self.wrong(format!(
                "`{path}` is larger than an integer of 64 bits can be; give the input a `schema` with a Decimal128(38, 0), \
                 or write it as a text"
            )));
        }
        let before = std::mem::replace(&mut self.shape, Shape::Null);
        self.shape = before.joined(row).map_err(|conflict| self.wrong(conflict.to_string()))?;
        Ok(())
    }

    /// Notes which columns a row has.
    fn note(&mut self, row: &Shape) {
        if self.lacking.is_empty() {
            return;
        }
        self.lacking.retain(|name| row.field(name).is_none());
        let wanted = self.wanted.unwrap_or_default();
        for name in row.names() {
            if self.others.len() < MOST_NAMES && !wanted.iter().any(|field| field.name() == name) {
                self.others.insert(name.to_owned());
            }
        }
    }

    fn wrong(&self, reason: String) -> FileError {
        FileError::content(&self.file.shown, Position::Line(self.line), reason)
    }
}

/// What is wrong with a line, without the number of the line, which is always the first.
fn in_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    if error.is_eof() {
        return format!("{what}; is the file cut?");
    }
    format!("{what} (column {})", error.column())
}

impl Syntax for Rows<'_> {
    fn feed(&mut self, bytes: &[u8], at: u64) -> Result<()> {
        let mut place = at;
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            let begins = self.text.is_empty() && self.is_blank;
            if begins {
                self.rows.row(place, self.line);
            }
            let (text, ends) = match part.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (part, false),
            };
            self.add(text)?;
            if ends {
                self.end_line()?;
            }
            place += part.len() as u64;
        }
        Ok(())
    }

    fn end(&mut self, at: u64) -> Result<()> {
        self.end_line()?;
        self.pieces = self.rows.end(at);
        Ok(())
    }
}
