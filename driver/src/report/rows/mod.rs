//! Rows in the forms that they are written in, batch by batch: what is held of them does not grow with their number.
//!
//! | form | NULL | NaN and infinities |
//! |---|---|---|
//! | text | `NULL` | as they are |
//! | csv | nothing; an empty text is `""` | `NaN`, `inf`, `-inf` |
//! | json, ndjson | `null` | the texts `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | markdown | `NULL` | as they are |
//! | parquet | NULL | as they are |

mod cells;
mod csv;
mod json;
mod markdown;
mod parquet;
mod text;

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use crate::cli::Format;
use crate::failure::Failure;
pub(crate) use cells::for_each_row;

/// How rows are written for people.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Layout {
    /// The columns of the terminal that they must fit in; any number of them if absent.
    pub(crate) width: Option<usize>,
    /// Whether rows are lines of one text, which are not cut.
    pub(crate) is_text: bool,
}

/// Writes rows in one form.
pub(crate) trait RowWriter {
    /// Writes a batch, or keeps it for later.
    fn write(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), RowError>;

    /// Writes what is left, and what ends the form. What people should know of it is given.
    fn finish(&mut self, out: &mut dyn Write) -> Result<Option<String>, RowError>;
}

/// What writes rows of these columns in a form.
pub(crate) fn row_writer(
    format: Format,
    schema: &SchemaRef,
    layout: Layout,
) -> Result<Box<dyn RowWriter>, RowError> {
    Ok(match format {
        Format::Text if layout.is_text => Box::new(text::Lines),
        Format::Text => Box::new(text::Table::new(schema, layout.width)),
        Format::Json => Box::new(json::Array::default()),
        Format::Ndjson => Box::new(json::Lines::default()),
        Format::Csv => Box::new(csv::Csv::new(schema)),
        Format::Markdown => Box::new(markdown::Markdown::new(schema)),
        Format::Parquet => Box::new(parquet::Parquet::new(schema)?),
        Format::Dot | Format::Graphml | Format::Jsonl | Format::Scip | Format::Coo => {
            return Err(RowError::Unprintable(format!("rows have no form `{}`", format.name())));
        }
    })
}

/// Why rows are not written.
#[derive(Debug)]
pub(crate) enum RowError {
    /// Values have no form.
    Unprintable(String),
    /// They cannot be written.
    Output(io::Error),
}

impl From<io::Error> for RowError {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<ArrowError> for RowError {
    fn from(error: ArrowError) -> Self {
        Self::Unprintable(error.to_string())
    }
}

impl RowError {
    /// The failure, of writing to what is named: `stdout`, a file.
    pub(crate) fn into_failure(self, place: &str) -> Failure {
        match self {
            Self::Unprintable(reason) => {
                Failure::User(format!("the result cannot be written: {reason}; cast the column to a text"))
            }
            Self::Output(error) => Failure::output(place, &error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, Int64Array, ListArray, RecordBatch, StringArray};
    use arrow::datatypes::{Float64Type, SchemaRef};

    use super::*;

    fn rows() -> RecordBatch {
        let floats = || vec![Some(f64::NAN), Some(f64::INFINITY), Some(f64::NEG_INFINITY), Some(1.0), None];
        let lists = floats().into_iter().map(|value| Some(vec![value]));
        let texts = ["", "a|b", "NULL", "é\n\"x\""];
        let columns: [(&str, ArrayRef); 4] = [
            ("f", Arc::new(Float64Array::from(floats()))),
            ("l", Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(lists))),
            ("s", Arc::new(StringArray::from_iter(texts.into_iter().map(Some).chain([None])))),
            (
                "n",
                Arc::new(Int64Array::from_iter([
                    Some(9_007_199_254_740_993),
                    None,
                    Some(1),
                    Some(2),
                    Some(3),
                ])),
            ),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    /// The rows in a form, written in two batches.
    fn written(format: Format, width: Option<usize>) -> String {
        let rows = rows();
        let mut out = Vec::new();
        let layout = Layout { width, is_text: false };
        let mut writer = row_writer(format, &rows.schema(), layout).unwrap();
        writer.write(&rows.slice(0, 2), &mut out).unwrap();
        writer.write(&rows.slice(2, 3), &mut out).unwrap();
        writer.finish(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn json_has_a_form_for_every_float() {
        let wanted = [
            r#"{"f":"NaN","l":["NaN"],"s":"","n":9007199254740993}"#,
            r#"{"f":"Infinity","l":["Infinity"],"s":"a|b","n":null}"#,
            r#"{"f":"-Infinity","l":["-Infinity"],"s":"NULL","n":1}"#,
            r#"{"f":1.0,"l":[1.0],"s":"é\n\"x\"","n":2}"#,
            r#"{"f":null,"l":[null],"s":null,"n":3}"#,
        ];
        assert_eq!(written(Format::Ndjson, None), wanted.join("\n") + "\n");
        let array = written(Format::Json, None);
        let parsed: serde_json::Value = serde_json::from_str(&array).unwrap();
        let lines: Vec<serde_json::Value> =
            wanted.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(parsed, serde_json::Value::Array(lines));
    }

    #[test]
    fn csv_tells_null_from_an_empty_text() {
        assert_eq!(
            written(Format::Csv, None),
            "f,l,s,n\nNaN,[NaN],\"\",9007199254740993\ninf,[inf],a|b,\n-inf,[-inf],NULL,1\n\
             1.0,[1.0],\"é\n\"\"x\"\"\",2\n,[null],,3\n"
        );
    }

    #[test]
    fn markdown_keeps_its_columns() {
        let text = written(Format::Markdown, None);
        assert!(text.starts_with("| f | l | s | n |\n|--:|---|---|--:|\n"), "{text}");
        assert!(text.contains("| a\\|b |") && text.contains("é<br>\"x\""), "{text}");
        assert!(text.lines().all(|line| line.replace("\\|", "").matches('|').count() == 5), "{text}");
    }

    #[test]
    fn a_table_fits_its_terminal() {
        for width in [20, 24, 30, 200] {
            let text = written(Format::Text, Some(width));
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or_default();
            assert!(widest <= width, "{width}:\n{text}");
        }
        let all = written(Format::Text, None);
        assert!(all.contains("9007199254740993") && all.contains("NULL"), "{all}");
    }

    #[test]
    fn columns_that_do_not_fit_are_counted() {
        let columns = (0..30)
            .map(|number| (format!("column {number}"), Arc::new(Int64Array::from(vec![number])) as ArrayRef));
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        let mut out = Vec::new();
        let schema: SchemaRef = rows.schema();
        let mut table = text::Table::new(&schema, Some(80));
        table.write(&rows, &mut out).unwrap();
        let said = table.finish(&mut out).unwrap().unwrap();
        assert!(said.contains("of 30 columns"), "{said}");
    }

    #[test]
    fn a_parquet_file_is_whole() {
        let rows = rows();
        let mut out = Vec::new();
        let mut writer = row_writer(Format::Parquet, &rows.schema(), Layout::default()).unwrap();
        writer.write(&rows, &mut out).unwrap();
        writer.write(&rows, &mut out).unwrap();
        writer.finish(&mut out).unwrap();
        assert_eq!((&out[..4], &out[out.len() - 4..]), (&b"PAR1"[..], &b"PAR1"[..]));
    }
}
