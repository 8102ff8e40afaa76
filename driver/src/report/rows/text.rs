//! A table for people, which fits their terminal. The first rows tell how wide its columns are.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use ir::diag::escape_text;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::cells::for_each_row;
use super::{RowError, RowWriter};
use crate::report::Align;

/// The longest text shown in one cell, in columns of a terminal, where nobody says how wide that is.
const MAX_CELL: usize = 80;
/// Columns are made no narrower than this to make a table fit.
const MIN_CELL: usize = 6;
/// So many rows are looked at before the first is written.
const LOOKED_AT: usize = 1000;

/// Rows that are lines of one text.
pub(super) struct Lines;

impl RowWriter for Lines {
    fn write(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), RowError> {
        for_each_row(batch, "", |row| {
            let cells: Vec<_> = row.iter().map(|text| escape_text(text.unwrap_or_default())).collect();
            Ok(writeln!(out, "{}", cells.join(" "))?)
        })
    }

    fn finish(&mut self, _: &mut dyn Write) -> Result<Option<String>, RowError> {
        Ok(None)
    }
}

/// A table.
pub(super) struct Table {
    columns: Vec<Column>,
    width: Option<usize>,
    /// The first rows, until the columns have their widths.
    held: Vec<Vec<String>>,
    is_begun: bool,
}

struct Column {
    name: String,
    align: Align,
    /// Of its texts; not of what is around them.
    width: usize,
    /// Whether there is room for it.
    is_shown: bool,
}

impl Table {
    pub(super) fn new(schema: &SchemaRef, width: Option<usize>) -> Self {
        let column = |field: &arrow::datatypes::FieldRef| {
            let name = escape_text(field.name()).into_owned();
            let align = if field.data_type().is_numeric() { Align::Right } else { Align::Left };
            Column { width: name.width(), name, align, is_shown: true }
        };
        let columns = schema.fields().iter().map(column).collect();
        Self { columns, width, held: Vec::new(), is_begun: false }
    }

    fn longest(&self) -> usize {
        self.width.unwrap_or(MAX_CELL)
    }

    /// Gives the columns their widths, and writes the header and the rows that were held.
    fn begin(&mut self, out: &mut dyn Write) -> Result<(), RowError> {
        if std::mem::replace(&mut self.is_begun, true) {
            return Ok(());
        }
        let longest = self.longest();
        for row in &self.held {
            for (column, text) in self.columns.iter_mut().zip(row) {
                column.width = column.width.max(text.width());
            }
        }
        for column in &mut self.columns {
            column.width = column.width.min(longest);
        }
        if let Some(width) = self.width {
            fit(&mut self.columns, width);
        }
        let names: Vec<String> = self.columns.iter().map(|column| column.name.clone()).collect();
        self.line(&names, out)?;
        let shown = self.columns.iter().filter(|column| column.is_shown);
        let rule = shown.map(|column| column.width + 3).sum::<usize>().saturating_sub(1);
        writeln!(out, "{}", "─".repeat(rule))?;
        for row in std::mem::take(&mut self.held) {
            self.line(&row, out)?;
        }
        Ok(())
    }

    fn line(&self, texts: &[String], out: &mut dyn Write) -> Result<(), RowError> {
        let mut line = String::new();
        let shown = self.columns.iter().zip(texts).filter(|(column, _)| column.is_shown);
        for (at, (column, text)) in shown.enumerate() {
            let text = cut(text, if self.width.is_some() { column.width } else { self.longest() });
            let space = " ".repeat(column.width.saturating_sub(text.width()));
            line.push_str(if at == 0 { " " } else { "  " });
            match column.align {
                Align::Left => line.extend([text.as_str(), &space]),
                Align::Right => line.extend([space.as_str(), &text]),
            }
            line.push(' ');
        }
        Ok(writeln!(out, "{}", line.trim_end())?)
    }
}

impl RowWriter for Table {
    fn write(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), RowError> {
        for_each_row(batch, "NULL", |row| {
            let text = |cell: &Option<&str>| escape_text(cell.unwrap_or("NULL")).into_owned();
            let texts: Vec<String> = row.iter().map(text).collect();
            if self.is_begun {
                return self.line(&texts, out);
            }
            self.held.push(texts);
            if self.held.len() < LOOKED_AT { Ok(()) } else { self.begin(out) }
        })
    }

    fn finish(&mut self, out: &mut dyn Write) -> Result<Option<String>, RowError> {
        self.begin(out)?;
        let shown = self.columns.iter().filter(|column| column.is_shown).count();
        let all = self.columns.len();
        Ok((shown < all).then(|| {
            format!("{shown} of {all} columns fit; name those that you want to see, or choose another form")
        }))
    }
}

/// Makes columns narrower, the widest first, until they fit; leaves out the last ones where that is not enough.
fn fit(columns: &mut [Column], width: usize) {
    let taken = |widths: &mut dyn Iterator<Item = usize>| widths.map(|width| width + 3).sum::<usize>();
    let at_most = |columns: &[Column], most: usize| {
        taken(&mut columns.iter().map(|column| column.width.min(most))) <= width + 1
    };
    let most =
        (MIN_CELL..=width.max(MIN_CELL)).rev().find(|most| at_most(columns, *most)).unwrap_or(MIN_CELL);
    let mut used = 0;
    for (at, column) in columns.iter_mut().enumerate() {
        column.width = column.width.min(most);
        used += column.width + 3;
        column.is_shown = at == 0 || used <= width + 1;
        if at == 0 {
            column.width = column.width.min(width.saturating_sub(2).max(1));
        }
    }
}

/// A text in so many columns of a terminal.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |letter: &char| {
        used += letter.width().unwrap_or(0);
        used <= width
    };
    text.chars().take_while(fits).chain(['…']).collect()
}
