//! Rows of a query: as a table for people, as JSON, as CSV.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::json::writer::{JsonArray, WriterBuilder};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use pipeline::PipelineError;

use super::{Align, table};
use crate::failure::Failure;
use crate::terminal::Console;

/// The longest text shown in one cell of a table, in characters.
const MAX_CELL_CHARACTERS: usize = 80;

/// Rows as a table; long texts are cut.
pub(crate) fn text_table(schema: &Schema, batches: &[RecordBatch]) -> Result<String, Failure> {
    let headers: Vec<(&str, Align)> = schema
        .fields()
        .iter()
        .map(|field| {
            let align = if field.data_type().is_numeric() { Align::Right } else { Align::Left };
            (field.name().as_str(), align)
        })
        .collect();
    let mut rows = Vec::new();
    for batch in batches {
        for_each_row(batch, "NULL", |row| {
            rows.push(row.iter().map(|text| shortened(text.unwrap_or("NULL"))).collect());
            Ok(())
        })?;
    }
    Ok(table(&headers, rows))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_CELL_CHARACTERS) {
        Some(_) => text.chars().take(MAX_CELL_CHARACTERS - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

/// All rows as one JSON array of objects. NULL is `null`; integers keep all their digits.
pub(crate) fn print_json(
    console: &mut Console<'_>,
    batches: impl Iterator<Item = Result<RecordBatch, PipelineError>>,
) -> Result<(), Failure> {
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(Vec::new());
    for batch in batches {
        writer.write(&batch?).map_err(|error| unprintable(&error))?;
        let text = std::mem::take(writer.get_mut());
        console.print_bytes(&text)?;
    }
    writer.finish().map_err(|error| unprintable(&error))?;
    let rest = writer.into_inner();
    console.print_bytes(&rest)?;
    console.print("\n")
}

/// All rows as CSV ([RFC 4180](https://www.rfc-editor.org/rfc/rfc4180), line feeds only). NULL is empty, an empty
/// text is `""`.
pub(crate) fn print_csv(
    console: &mut Console<'_>,
    schema: &Schema,
    batches: impl Iterator<Item = Result<RecordBatch, PipelineError>>,
) -> Result<(), Failure> {
    let header: Vec<String> = schema.fields().iter().map(|field| quoted(field.name())).collect();
    console.print(&format!("{}\n", header.join(",")))?;
    for batch in batches {
        for_each_row(&batch?, "", |row| {
            let cells: Vec<String> = row.iter().map(|cell| cell.map_or(String::new(), quoted)).collect();
            console.print(&format!("{}\n", cells.join(",")))
        })?;
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    if text.is_empty() || text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Calls `use_row` with the texts of every row; a NULL is no text, and `null` inside of lists and the like.
fn for_each_row(
    batch: &RecordBatch,
    null: &str,
    mut use_row: impl FnMut(&[Option<&str>]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let options = FormatOptions::default().with_null(null);
    let formatters: Result<Vec<ArrayFormatter<'_>>, ArrowError> =
        batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options)).collect();
    let formatters = formatters.map_err(|error| unprintable(&error))?;
    for row in 0..batch.num_rows() {
        let mut texts = Vec::with_capacity(formatters.len());
        for (formatter, column) in formatters.iter().zip(batch.columns()) {
            let text = formatter.value(row).try_to_string().map_err(|error| unprintable(&error))?;
            texts.push((!column.is_null(row)).then_some(text));
        }
        let row: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
        use_row(&row)?;
    }
    Ok(())
}

fn unprintable(error: &ArrowError) -> Failure {
    Failure::User(format!("the result cannot be printed: {error}; cast the column to a text"))
}
