//! Values as texts, row by row.

use arrow::array::RecordBatch;
use arrow::buffer::NullBuffer;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::RowError;

/// Calls `use_row` with the texts of every row; a NULL is no text, and `null` inside of lists and the like is `null`.
pub(crate) fn for_each_row(
    batch: &RecordBatch,
    null: &str,
    mut use_row: impl FnMut(&[Option<&str>]) -> Result<(), RowError>,
) -> Result<(), RowError> {
    let options = FormatOptions::default().with_null(null);
    let formatters: Result<Vec<ArrayFormatter<'_>>, ArrowError> =
        batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options)).collect();
    let formatters = formatters?;
    // Also of columns without a type, and of what dictionaries hold.
    let nulls: Vec<Option<NullBuffer>> =
        batch.columns().iter().map(|column| column.logical_nulls()).collect();
    for row in 0..batch.num_rows() {
        let mut texts = Vec::with_capacity(formatters.len());
        for (formatter, nulls) in formatters.iter().zip(&nulls) {
            let text = formatter.value(row).try_to_string()?;
            let is_null = nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
            texts.push((!is_null).then_some(text));
        }
        let row: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
        use_row(&row)?;
    }
    Ok(())
}
