//! The DOT language of Graphviz: a statement a line. Columns are attributes; what is NULL is none. A node is labelled with its
//! name, or else its kind, an edge with its kind. There is no attribute `name`: pydot cannot read it.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;

use super::characters::picture;
use super::target::{Output, close};
use super::writers::{GraphWriter, place, text};
use crate::report::{RowError, for_each_row};

/// Writes one graph.
pub(super) struct Dot {
    out: Output,
}

impl Dot {
    pub(super) fn new(out: Output) -> Self {
        Self { out }
    }
}

impl GraphWriter for Dot {
    fn begin(&mut self, _: &Schema, _: &Schema) -> Result<(), RowError> {
        Ok(self.out.write_all(b"digraph code {\n")?)
    }

    fn nodes(&mut self, batch: &RecordBatch) -> Result<(), RowError> {
        let columns = batch.schema();
        let (id, kind, name) = (place(&columns, "id")?, place(&columns, "kind")?, place(&columns, "name")?);
        for_each_row(batch, "null", |row| {
            write!(self.out, "  {} [", quoted(text(row, id)?))?;
            let label = row.get(name).copied().flatten().map_or_else(|| text(row, kind), Ok)?;
            attributes(&mut self.out, &columns, row, label, &[id, name])
        })
    }

    fn edges(&mut self, batch: &RecordBatch) -> Result<(), RowError> {
        let columns = batch.schema();
        let (source, target, kind) =
            (place(&columns, "source")?, place(&columns, "target")?, place(&columns, "kind")?);
        for_each_row(batch, "null", |row| {
            write!(self.out, "  {} -> {} [", quoted(text(row, source)?), quoted(text(row, target)?))?;
            attributes(&mut self.out, &columns, row, text(row, kind)?, &[source, target])
        })
    }

    fn finish(self: Box<Self>) -> Result<(), RowError> {
        let mut out = self.out;
        out.write_all(b"}\n")?;
        Ok(close(out)?)
    }
}

/// Writes the attributes of a node or edge, and the end of its line.
fn attributes(
    out: &mut Output,
    columns: &Schema,
    row: &[Option<&str>],
    label: &str,
    left_out: &[usize],
) -> Result<(), RowError> {
    // In labels `&lt;` is a `<`.
    write!(out, "label={}", quoted(&label.replace('&', "&amp;")))?;
    let cells = columns.fields().iter().zip(row).enumerate();
    for (_, (field, cell)) in cells.filter(|(at, _)| !left_out.contains(at)) {
        if let Some(cell) = cell {
            write!(out, ", {}={}", field.name(), quoted(cell))?;
        }
    }
    let ended: io::Result<()> = out.write_all(b"];\n");
    Ok(ended?)
}

/// A text in quotes. A backslash begins an escape in labels and stands before a quote that ends nothing, so it is doubled.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push('\t'),
            control if control.is_control() => quoted.push(picture(control)),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn texts_end_where_they_end() {
        let cases = [
            ("a\"b", r#""a\"b""#),
            ("ends with \\", r#""ends with \\""#),
            ("a\nb\0\r", "\"a\\nb␀␍\""),
            ("<b>&lt;", "\"<b>&lt;\""),
        ];
        for (text, wanted) in cases {
            assert_eq!(quoted(text), wanted);
        }
    }
}
