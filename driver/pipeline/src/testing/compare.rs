//! Expected and actual rows, and what differs between them.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use ir::spec::ViewTest;

use super::plan::decode;

/// The rows in which a view differs from what is expected of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowDiff {
    /// The columns that are compared.
    pub columns: Vec<String>,
    /// The rows that differ. Where one was expected and one given that have most in common, they follow each other.
    pub lines: Vec<DiffLine>,
    /// How many rows are as expected.
    pub equal: usize,
}

/// A row of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffLine {
    /// Whether it is expected and missing; else it is given and not expected.
    pub is_expected: bool,
    /// The values; NULL is nothing.
    pub cells: Vec<Option<String>>,
    /// Which of them differ from the row beside it; none where it stands alone.
    pub changed: Vec<bool>,
}

type Cells = Vec<Option<String>>;

/// What differs between the rows of a view and those that a test expects; nothing where they are the same, in any order.
///
/// # Errors
/// When expected rows have a column that the view has not, or a value of another type.
pub(super) fn difference(
    test: &ViewTest,
    schema: &SchemaRef,
    batches: &[RecordBatch],
) -> Result<Option<RowDiff>, String> {
    // Those that are named, in the order of the view; all of them where no row is expected.
    let is_named = |field: &&Arc<Field>| {
        test.expect.is_empty() || test.expect.iter().any(|row| row.contains_key(field.name()))
    };
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .filter(is_named)
        .map(|field| Field::new(field.name(), field.data_type().clone(), true))
        .collect();
    let floats: Vec<bool> = fields.iter().map(|field| field.data_type().is_numeric()).collect();
    let compared = SchemaRef::new(Schema::new(fields));
    let expected = decode(&compared, &test.expect).map_err(|why| format!("the expected rows: {why}"))?;
    let shown = |error: ArrowError| format!("the rows cannot be compared: {error}");
    let mut missing = cells(&expected, &compared).map_err(shown)?;
    let mut unexpected: Vec<Cells> = Vec::new();
    let mut equal = 0;
    for batch in batches {
        for row in cells(batch, &compared).map_err(shown)? {
            let same = |other: &Cells| is_same(&row, other, &floats, test.tolerance);
            match missing.iter().position(same) {
                Some(at) => {
                    missing.remove(at);
                    equal += 1;
                }
                None => unexpected.push(row),
            }
        }
    }
    if missing.is_empty() && unexpected.is_empty() {
        return Ok(None);
    }
    let columns = compared.fields().iter().map(|field| field.name().clone()).collect();
    Ok(Some(RowDiff { columns, lines: paired(missing, unexpected), equal }))
}

/// The values of these columns, row by row.
fn cells(batch: &RecordBatch, columns: &Schema) -> Result<Vec<Cells>, ArrowError> {
    let options = FormatOptions::default();
    let mut rows: Vec<Cells> = vec![Vec::new(); batch.num_rows()];
    for field in columns.fields() {
        let column = batch.column(batch.schema().index_of(field.name())?);
        let formatter = ArrayFormatter::try_new(column.as_ref(), &options)?;
        for (row, cells) in rows.iter_mut().enumerate() {
            let is_null = column.is_null(row);
            let text = (!is_null).then(|| formatter.value(row).try_to_string()).transpose()?;
            cells.push(text);
        }
    }
    Ok(rows)
}

/// Whether rows have the same values, numbers within the tolerance.
fn is_same(row: &Cells, other: &Cells, numbers: &[bool], tolerance: Option<f64>) -> bool {
    row.iter().zip(other).zip(numbers).all(|((one, other), is_number)| {
        let near = || {
            let number = |cell: &Option<String>| cell.as_deref().and_then(|text| text.parse::<f64>().ok());
            let (tolerance, one, other) = (tolerance?, number(one)?, number(other)?);
            Some((one - other).abs() <= tolerance)
        };
        one == other || *is_number && near().unwrap_or(false)
    })
}

/// Rows that are missing, each followed by the one that was given in its place, if one has a value in common with it; then
/// the other rows that were given.
fn paired(missing: Vec<Cells>, mut unexpected: Vec<Cells>) -> Vec<DiffLine> {
    let line = |is_expected, cells: Cells, changed| DiffLine { is_expected, cells, changed };
    let mut lines = Vec::new();
    for row in missing {
        let common = |other: &Cells| row.iter().zip(other).filter(|(one, other)| one == other).count();
        let best =
            unexpected.iter().enumerate().max_by_key(|(at, other)| (common(other), std::cmp::Reverse(*at)));
        let best = best.filter(|(_, other)| common(other) > 0 || row.len() == 1).map(|(at, _)| at);
        let Some(at) = best else {
            let unchanged = vec![false; row.len()];
            lines.push(line(true, row, unchanged));
            continue;
        };
        let given = unexpected.remove(at);
        let changed: Vec<bool> = row.iter().zip(&given).map(|(one, other)| one != other).collect();
        lines.push(line(true, row, changed.clone()));
        lines.push(line(false, given, changed));
    }
    lines.extend(unexpected.into_iter().map(|row| {
        let unchanged = vec![false; row.len()];
        line(false, row, unchanged)
    }));
    lines
}
