//! A table of Markdown, as GitHub and others read it.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use ir::diag::escape_text;

use super::cells::for_each_row;
use super::{RowError, RowWriter};

/// Writes a table.
pub(super) struct Markdown {
    /// Not written yet.
    header: Option<String>,
}

impl Markdown {
    pub(super) fn new(schema: &SchemaRef) -> Self {
        let names = schema.fields().iter().map(|field| cell(field.name()));
        let rule = |is_number: bool| if is_number { "--:" } else { "---" };
        let rules = schema.fields().iter().map(|field| rule(field.data_type().is_numeric()));
        let (names, rules): (Vec<String>, Vec<&str>) = (names.collect(), rules.collect());
        Self { header: Some(format!("{}|{}|\n", line(&names), rules.join("|"))) }
    }

    fn write_header(&mut self, out: &mut dyn Write) -> Result<(), RowError> {
        let header = self.header.take().unwrap_or_default();
        Ok(out.write_all(header.as_bytes())?)
    }
}

impl RowWriter for Markdown {
    fn write(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), RowError> {
        self.write_header(out)?;
        for_each_row(batch, "NULL", |row| {
            let cells: Vec<String> = row.iter().map(|text| cell(text.unwrap_or("NULL"))).collect();
            Ok(out.write_all(line(&cells).as_bytes())?)
        })
    }

    fn finish(&mut self, out: &mut dyn Write) -> Result<Option<String>, RowError> {
        self.write_header(out)?;
        Ok(None)
    }
}

fn line(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// A text in one cell: it has no bar and no line break of its own.
fn cell(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| escape_text(line).replace('|', "\\|")).collect();
    lines.join("<br>")
}
