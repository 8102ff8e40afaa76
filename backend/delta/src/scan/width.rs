//! How wide the rows of a table are once they are decoded.

use std::collections::HashSet;

use arrow::datatypes::Schema;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use super::direct::{files_of, footers, store_url};
use super::provider::Scan;

/// How many files are looked at: the largest ones.
const FILES: usize = 4;

/// About how many bytes a row of these columns takes in memory, by the footers of the largest files; of all columns without
/// a projection. Values that repeat take what they take once they are copied, if the footer tells. Nothing for what is no
/// table of this crate, for a change feed, and for a table without rows.
///
/// A file that cannot be read tells nothing: a filter may leave it out, and if not, its scan says what is wrong with it.
///
/// # Errors
/// When the storage of the table cannot be used.
pub async fn row_bytes(
    session: &dyn Session,
    provider: &dyn TableProvider,
    projection: Option<&[usize]>,
) -> Result<Option<usize>> {
    let Some(scan) = provider.downcast_ref::<Scan>().filter(|scan| !scan.is_change_feed()) else {
        return Ok(None);
    };
    let table = scan.table();
    let mut files: Vec<(&str, u64)> = table.inner.files.iter().map(|file| (&*file.path, file.size)).collect();
    files.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    files.truncate(FILES);
    scan.register_store(session)?;
    let footers = footers(session, &store_url(table)?, table, files_of(table, files.into_iter())?).await?;
    let schema = provider.schema();
    // In files with mapped columns they have other names.
    let is_named = table.column_mapping().is_none();
    let columns = projection.filter(|_| is_named).map(|projection| names(&schema, projection));
    Ok(footers.iter().filter_map(|footer| row_bytes_of(footer, columns.as_ref())).max())
}

fn names<'a>(schema: &'a Schema, projection: &[usize]) -> HashSet<&'a str> {
    projection
        .iter()
        .filter_map(|&index| schema.fields().get(index))
        .map(|field| field.name().as_str())
        .collect()
}

/// The widest rows of a file: those of the row group where they are widest on average.
fn row_bytes_of(footer: &ParquetMetaData, columns: Option<&HashSet<&str>>) -> Option<usize> {
    let is_read = |path: &[String]| match (columns, path.first()) {
        (Some(columns), Some(root)) => columns.contains(root.as_str()),
        _ => true,
    };
    let of_row_group = footer.row_groups().iter().filter_map(|group| {
        let read = group.columns().iter().filter(|column| is_read(column.column_path().parts()));
        let bytes = read.map(full_bytes).fold(0, i64::saturating_add);
        usize::try_from(bytes.checked_div(group.num_rows())?).ok()
    });
    of_row_group.max()
}

/// The bytes of a column when each of its values stands for itself: a dictionary has every text once.
fn full_bytes(column: &ColumnChunkMetaData) -> i64 {
    let texts = column.unencoded_byte_array_data_bytes().unwrap_or(0);
    column.uncompressed_size().max(texts).max(0)
}
