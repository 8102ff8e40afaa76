//! The records of a CSV file: where they begin and end, and whether each has as many values as the others.
//!
//! The grammar is that of `csv-core`, which reads the values later, without its leniency: RFC 4180 with any of the bytes
//! replaced by options, empty lines passed over, unless rows have one column: there, an empty line behind the first row is a row
//! without a value. A quoted value that is never closed, and text behind one that is, are errors:
//! both are what is left of a file that was cut or put together.

mod blank;

use std::io::{Seek as _, SeekFrom};
use std::sync::Arc;

use arrow::array::AsArray as _;
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::error::ArrowError;
use arrow_csv::ReaderBuilder;

use super::text::{self, Pieces, Syntax};
use super::{FileColumns, Piece, SurveyedFile, open};
use crate::error::Position;
use crate::listing::ListedFile;
use crate::options::CsvForm;
use crate::values::Kind;
use crate::{FileError, Result};
pub(crate) use blank::BlankRows;

/// Looks at a CSV file. Its types are inferred from its first records, if they are `wanted`.
pub(crate) fn survey(file: &ListedFile, form: &CsvForm, wanted: bool) -> Result<SurveyedFile> {
    let mut records = Records::new(file, form);
    let content = text::read(file, &mut records)?;
    let Some(width) = records.width else {
        let what = if form.has_header { "not even a header" } else { "no row" };
        let reason = format!("it is empty: there is {what}, so that nobody knows its columns");
        return Err(FileError::content(&file.shown, Position::File, reason));
    };
    let fields = sample(file, form, width, if wanted { form.infer_from } else { 0 })?;
    let rows = records.count - u64::from(form.has_header);
    let columns = if form.has_header { FileColumns::Sampled(fields) } else { FileColumns::Unnamed(fields) };
    Ok(SurveyedFile { file: file.clone(), content, rows: Some(rows), pieces: records.pieces, columns })
}

/// The names of the columns, and what the first records say of their types.
fn sample(file: &ListedFile, form: &CsvForm, width: usize, records: usize) -> Result<Vec<FieldRef>> {
    let mut opened = open(file)?;
    let start = first_byte(file, &mut opened)?;
    opened.seek(SeekFrom::Start(start)).map_err(|error| FileError::unreadable(&file.shown, error))?;
    let wrong = |error: ArrowError| {
        FileError::content(&file.shown, Position::File, format!("its first rows: {error}"))
    };
    // Of no rows: the reader's own types are those of numbers, where digits are codes.
    let (schema, _) = form.format().infer_schema(opened, Some(0)).map_err(wrong)?;
    let kinds = kinds(file, form, start, schema.fields().len(), records).map_err(wrong)?;
    let mut names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    names.sort_unstable();
    let misnamed = |reason: String| Err(FileError::content(&file.shown, Position::Line(1), reason));
    if let Some(twice) = names.windows(2).find(|pair| pair.first() == pair.last()) {
        return misnamed(format!("its header names a column `{}` twice", twice.first().unwrap_or(&"")));
    }
    if names.first().is_some_and(|name| name.is_empty()) {
        return misnamed(format!("its header has {width} columns, and one of them has no name"));
    }
    let fields = schema.fields().iter().zip(kinds);
    Ok(fields.map(|(field, kind)| Arc::new(Field::new(field.name(), kind.data_type(), true))).collect())
}

/// What the values of the first records look like, column by column.
fn kinds(
    file: &ListedFile,
    form: &CsvForm,
    start: u64,
    width: usize,
    records: usize,
) -> Result<Vec<Kind>, ArrowError> {
    let mut kinds = vec![Kind::Unknown; width];
    if records == 0 {
        return Ok(kinds);
    }
    let texts = (0..width).map(|place| Field::new(place.to_string(), DataType::Utf8View, true));
    let mut opened = open(file).map_err(|error| ArrowError::from_external_error(Box::new(error)))?;
    opened.seek(SeekFrom::Start(start))?;
    let reader = ReaderBuilder::new(Arc::new(Schema::new(texts.collect::<Vec<_>>())))
        .with_format(form.format())
        .with_bounds(0, records)
        .build(opened)?;
    for batch in reader {
        for (kind, column) in kinds.iter_mut().zip(batch?.columns()) {
            let texts = column.as_string_view_opt().into_iter().flatten().flatten();
            *kind = texts.map(Kind::of).fold(*kind, Kind::joined);
        }
    }
    Ok(kinds)
}

/// Where the text of a file begins.
pub(crate) fn first_byte(file: &ListedFile, opened: &mut std::fs::File) -> Result<u64> {
    let mut beginning = Vec::new();
    let mut taken = std::io::Read::take(&mut *opened, 3);
    std::io::Read::read_to_end(&mut taken, &mut beginning)
        .map_err(|error| FileError::unreadable(&file.shown, error))?;
    Ok(text::mark(&beginning))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between two records.
    Start,
    Comment,
    /// At the beginning of a value.
    Value,
    Plain,
    Quoted,
    /// Behind the escape character in a quoted value.
    Escaped,
    /// Behind a quote in a quoted value, which closes it unless another follows.
    Quote,
}

/// What a byte is to the rows of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A row without a value: an empty line, which this byte ends.
    BlankRow,
    Other,
}

/// Finds the records of a text, and counts their values.
pub(crate) struct Records {
    /// The file, as messages call it.
    shown: String,
    form: CsvForm,
    state: State,
    line: u64,
    /// The line in which the record begins; the line and byte in which its last quoted value does.
    record_line: u64,
    quoted_at: (u64, u64),
    values: usize,
    /// How many values the first record has.
    width: Option<usize>,
    /// Whether the byte before was the first of the two that end a line of Windows.
    is_in_line_end: bool,
    count: u64,
    rows: Pieces,
    /// Once the text has ended.
    pieces: Vec<Piece>,
    /// The record whose line is looked for, counted from 0, and its line.
    wanted: Option<u64>,
    pub(crate) found: Option<u64>,
}

impl Records {
    fn new(file: &ListedFile, form: &CsvForm) -> Self {
        Self {
            shown: file.shown.clone(),
            form: form.clone(),
            state: State::Start,
            line: 1,
            record_line: 1,
            quoted_at: (1, 0),
            values: 0,
            width: None,
            is_in_line_end: false,
            count: 0,
            rows: Pieces::default(),
            pieces: Vec::new(),
            wanted: None,
            found: None,
        }
    }

    /// For a piece of a file whose first row has so many values. It begins in a line of the file; the line in which a row of it
    /// begins may be `wanted`.
    pub(crate) fn of_piece(
        file: &ListedFile,
        form: &CsvForm,
        width: usize,
        line: u64,
        wanted: Option<u64>,
    ) -> Self {
        Self { wanted, line, width: Some(width), ..Self::new(file, form) }
    }

    fn ends_record(&self, byte: u8) -> bool {
        match self.form.terminator {
            Some(terminator) => byte == terminator,
            None => byte == b'\n' || byte == b'\r',
        }
    }

    fn begin_record(&mut self, at: u64) {
        self.record_line = self.line;
        self.values = 0;
        if self.wanted == Some(self.count) {
            self.found = Some(self.line);
        }
        self.rows.row(at, self.line);
    }

    fn end_value(&mut self) {
        self.values += 1;
        self.state = State::Value;
    }

    /// A record ends, with this byte or with the text.
    fn end_record(&mut self, byte: u8) -> Result<()> {
        self.is_in_line_end = byte == b'\r' && self.form.terminator.is_none();
        self.values += 1;
        self.count += 1;
        self.state = State::Start;
        let (found, width) = (self.values, *self.width.get_or_insert(self.values));
        let fits = found == width || (found < width && self.form.truncated_rows);
        if fits {
            return Ok(());
        }
        let what = if self.form.has_header { "the header" } else { "the first row" };
        let plural = if found == 1 { "" } else { "s" };
        let mut reason = format!("the row has {found} value{plural}, and {what} has {width}");
        if found < width {
            reason.push_str("; is the file cut? Rows may lack values with `options: {truncated_rows: true}`");
        }
        Err(FileError::content(&self.shown, Position::Line(self.record_line), reason))
    }

    fn step(&mut self, byte: u8, at: u64) -> Result<Step> {
        let is_second = std::mem::take(&mut self.is_in_line_end) && byte == b'\n';
        if self.state == State::Start {
            if self.ends_record(byte) {
                if is_second || self.width != Some(1) {
                    return Ok(Step::Other);
                }
                self.begin_record(at);
                self.end_record(byte)?;
                return Ok(Step::BlankRow);
            }
            if self.form.comment == Some(byte) {
                self.state = State::Comment;
                return Ok(Step::Other);
            }
            self.begin_record(at);
            self.state = State::Value;
        }
        let is_quote = byte == self.form.quote;
        match self.state {
            State::Comment => {
                // Whatever ends a record.
                if byte == b'\n' {
                    self.state = State::Start;
                }
            }
            State::Quoted if self.form.escape == Some(byte) => self.state = State::Escaped,
            State::Quoted if is_quote => self.state = State::Quote,
            State::Quoted => {}
            State::Escaped => self.state = State::Quoted,
            State::Quote if is_quote => self.state = State::Quoted,
            State::Value if is_quote => {
                self.state = State::Quoted;
                self.quoted_at = (self.line, at);
            }
            State::Start | State::Value | State::Plain | State::Quote => {
                if byte == self.form.delimiter {
                    self.end_value();
                } else if self.ends_record(byte) {
                    self.end_record(byte)?;
                } else if self.state == State::Quote {
                    let reason = "there is text behind a quoted value; a quote in a value is written twice";
                    let position = Position::LineAndByte(self.line, at);
                    return Err(FileError::content(&self.shown, position, reason));
                } else {
                    self.state = State::Plain;
                }
            }
        }
        Ok(Step::Other)
    }
}

impl Syntax for Records {
    fn feed(&mut self, bytes: &[u8], at: u64) -> Result<()> {
        for (place, &byte) in (at..).zip(bytes) {
            self.step(byte, place)?;
            self.line += u64::from(byte == b'\n');
        }
        Ok(())
    }

    fn end(&mut self, at: u64) -> Result<()> {
        match self.state {
            State::Start | State::Comment => {}
            State::Quoted | State::Escaped => {
                let (line, byte) = self.quoted_at;
                let reason = "the quoted value that begins here is never closed; is the file cut?";
                return Err(FileError::content(&self.shown, Position::LineAndByte(line, byte), reason));
            }
            State::Value | State::Plain | State::Quote => self.end_record(b'\n')?,
        }
        self.pieces = self.rows.end(at);
        Ok(())
    }
}

impl CsvForm {
    /// As the reader takes it.
    pub(crate) fn format(&self) -> arrow_csv::reader::Format {
        let mut format = arrow_csv::reader::Format::default()
            .with_header(self.has_header)
            .with_delimiter(self.delimiter)
            .with_quote(self.quote)
            .with_truncated_rows(self.truncated_rows);
        if let Some(escape) = self.escape {
            format = format.with_escape(escape);
        }
        if let Some(comment) = self.comment {
            format = format.with_comment(comment);
        }
        if let Some(terminator) = self.terminator {
            format = format.with_terminator(terminator);
        }
        if let Some(null_regex) = &self.null_regex {
            format = format.with_null_regex(null_regex.clone());
        }
        format
    }
}
