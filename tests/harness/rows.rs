//! The rows of a table as text, in an order that does not depend on how they were computed.

use std::fmt;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use ir::schema::Schema;

/// A multiset of rows. Cells are Arrow's texts, which keep every digit of a float; NULL is `NULL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) names: Vec<String>,
    /// `name Type` of every column; empty where rows come from a text.
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Rows {
    /// The rows of batches, sorted.
    pub(crate) fn of(schema: &arrow::datatypes::Schema, batches: &[RecordBatch]) -> Self {
        let options = FormatOptions::new().with_null("NULL");
        let mut rows = Vec::new();
        for batch in batches {
            let cells: Vec<ArrayFormatter<'_>> = batch
                .columns()
                .iter()
                .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).expect("a printable type"))
                .collect();
            rows.extend(
                (0..batch.num_rows())
                    .map(|row| cells.iter().map(|cell| cell.value(row).to_string()).collect()),
            );
        }
        let schema = Schema::from_arrow(schema);
        let columns =
            schema.fields().map(|field| format!("{} {}", field.name(), field.data_type())).collect();
        Self::sorted(schema.names().map(str::to_owned).collect(), columns, rows)
    }

    /// The rows of a text as they are displayed: a header and rows, cells between `|`. `#` starts a comment line.
    pub(crate) fn of_text(text: &str) -> Self {
        let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        let mut lines =
            text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).map(cells);
        let names = lines.next().expect("a header");
        Self::sorted(names, Vec::new(), lines.collect())
    }

    fn sorted(names: Vec<String>, columns: Vec<String>, mut rows: Vec<Vec<String>>) -> Self {
        rows.sort();
        Self { names, columns, rows }
    }

    /// The rows without the types of their columns.
    pub(crate) fn untyped(&self) -> Self {
        Self { columns: Vec::new(), ..self.clone() }
    }
}

/// A table with aligned columns.
impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = if self.columns.is_empty() { &self.names } else { &self.columns };
        let lines: Vec<&Vec<String>> = std::iter::once(header).chain(&self.rows).collect();
        let width = |column: usize| {
            lines
                .iter()
                .filter_map(|line| line.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..header.len()).map(width).collect();
        for line in lines {
            let cells: Vec<String> = line
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{:width$}", cell.replace('\n', "\\n")))
                .collect();
            writeln!(f, "{}", cells.join(" | ").trim_end())?;
        }
        Ok(())
    }
}
