//! CSV ([RFC 4180](https://www.rfc-editor.org/rfc/rfc4180), line feeds only). NULL is empty, an empty text is `""`.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::cells::for_each_row;
use super::{RowError, RowWriter};

/// Writes CSV with a header.
pub(super) struct Csv {
    /// Not written yet.
    header: Option<String>,
}

impl Csv {
    pub(super) fn new(schema: &SchemaRef) -> Self {
        let names: Vec<String> = schema.fields().iter().map(|field| quoted(field.name())).collect();
        Self { header: Some(names.join(",") + "\n") }
    }

    fn write_header(&mut self, out: &mut dyn Write) -> Result<(), RowError> {
        let header = self.header.take().unwrap_or_default();
        Ok(out.write_all(header.as_bytes())?)
    }
}

impl RowWriter for Csv {
    fn write(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), RowError> {
        self.write_header(out)?;
        for_each_row(batch, "null", |row| {
            let cells: Vec<String> = row.iter().map(|cell| cell.map_or(String::new(), quoted)).collect();
            Ok(writeln!(out, "{}", cells.join(","))?)
        })
    }

    fn finish(&mut self, out: &mut dyn Write) -> Result<Option<String>, RowError> {
        self.write_header(out)?;
        Ok(None)
    }
}

fn quoted(text: &str) -> String {
    if text.is_empty() || text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
