//! GraphML ([the schema](http://graphml.graphdrawing.org/specification.html)): a key for every column, with its type, and the
//! values that are not NULL.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;

use super::characters::picture;
use super::target::{Output, close};
use super::writers::{GraphWriter, Holds, place, text};
use crate::report::{RowError, for_each_row};

const HEADER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
"#;

/// Columns that are attributes of elements and no data.
const STRUCTURE: [&str; 3] = ["id", "source", "target"];

/// Writes one graph.
pub(super) struct Graphml {
    out: Output,
}

impl Graphml {
    pub(super) fn new(out: Output) -> Self {
        Self { out }
    }

    /// Declares the columns of nodes or edges. Keys are named by both: nodes and edges have columns of one name.
    fn keys(&mut self, columns: &Schema, element: &str) -> Result<(), RowError> {
        for field in columns.fields().iter().filter(|field| is_data(field.name())) {
            let kind = match Holds::of(field.data_type()) {
                Holds::Truth => "boolean",
                Holds::Int => "int",
                Holds::Long => "long",
                Holds::Float => "double",
                Holds::Text => "string",
            };
            let name = field.name();
            writeln!(
                self.out,
                "  <key id=\"{element}_{name}\" for=\"{element}\" attr.name=\"{name}\" attr.type=\"{kind}\"/>"
            )?;
        }
        Ok(())
    }

    /// Writes the values of an element, and its end.
    fn data(&mut self, columns: &Schema, row: &[Option<&str>], element: &str) -> Result<(), RowError> {
        self.out.write_all(b">")?;
        for (field, cell) in columns.fields().iter().zip(row).filter(|(field, _)| is_data(field.name())) {
            if let Some(cell) = cell {
                write!(self.out, "<data key=\"{element}_{}\">{}</data>", field.name(), escaped(cell))?;
            }
        }
        Ok(writeln!(self.out, "</{element}>")?)
    }
}

impl GraphWriter for Graphml {
    fn begin(&mut self, nodes: &Schema, edges: &Schema) -> Result<(), RowError> {
        self.out.write_all(HEADER.as_bytes())?;
        self.keys(nodes, "node")?;
        self.keys(edges, "edge")?;
        Ok(self.out.write_all(b"  <graph id=\"code\" edgedefault=\"directed\">\n")?)
    }

    fn nodes(&mut self, batch: &RecordBatch) -> Result<(), RowError> {
        let columns = batch.schema();
        let id = place(&columns, "id")?;
        for_each_row(batch, "null", |row| {
            write!(self.out, "    <node id=\"{}\"", text(row, id)?)?;
            self.data(&columns, row, "node")
        })
    }

    fn edges(&mut self, batch: &RecordBatch) -> Result<(), RowError> {
        let columns = batch.schema();
        let (source, target) = (place(&columns, "source")?, place(&columns, "target")?);
        let id = columns.index_of("id").ok();
        for_each_row(batch, "null", |row| {
            self.out.write_all(b"    <edge")?;
            if let Some(id) = id {
                write!(self.out, " id=\"{}\"", text(row, id)?)?;
            }
            write!(self.out, " source=\"{}\" target=\"{}\"", text(row, source)?, text(row, target)?)?;
            self.data(&columns, row, "edge")
        })
    }

    fn finish(self: Box<Self>) -> Result<(), RowError> {
        let mut out = self.out;
        out.write_all(b"  </graph>\n</graphml>\n")?;
        Ok(close(out)?)
    }
}

fn is_data(column: &str) -> bool {
    !STRUCTURE.contains(&column)
}

/// A text between tags, with the characters of XML 1.0 (`Char`): others are seen, but are others. A carriage return that stood there
/// as it is would be read as the end of a line.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\r' => escaped.push_str("&#13;"),
            '\t' | '\n' => escaped.push(character),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push(picture(character)),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn texts_are_characters_of_xml() {
        assert_eq!(
            escaped("a<b>&\"c\"\r\n\0\u{b}\u{ffff}]]>é"),
            "a&lt;b&gt;&amp;\"c\"&#13;\n␀␋\u{fffd}]]&gt;é"
        );
    }
}
