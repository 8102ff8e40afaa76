//! Tests over files in a temporary folder. Pieces are small here: most files are divided.

mod bad;
mod damaged;
mod exact;
mod inferred;
mod listing;
mod rows;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use arrow::util::display::array_value_to_string;
use datafusion::prelude::{SessionConfig, SessionContext};
use ir::op::{FileColumn, FileFormat, FileSource};

use crate::{FileTable, provider, resolve};

/// A folder with these files.
pub(super) fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    folder
}

pub(super) fn source(format: FileFormat) -> FileSource {
    FileSource { format, options: BTreeMap::new(), union_by_name: false, columns: None }
}

/// A source with options, as `key=value`, and columns, as `name type`, with `!` for those that are never NULL.
pub(super) fn source_with(format: FileFormat, options: &[&str], columns: &[&str]) -> FileSource {
    let option = |text: &&str| text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    let column = |text: &&str| {
        let (name, data_type) = text.split_once(' ')?;
        let (data_type, nullable) = match data_type.strip_suffix('!') {
            Some(data_type) => (data_type, false),
            None => (data_type, true),
        };
        Some(FileColumn { name: name.to_owned(), data_type: data_type.to_owned(), nullable })
    };
    let columns: Vec<FileColumn> = columns.iter().filter_map(column).collect();
    FileSource {
        format,
        options: options.iter().filter_map(option).collect(),
        union_by_name: false,
        columns: (!columns.is_empty()).then_some(columns),
    }
}

/// All rows of a table, `partitions` at a time.
pub(super) async fn batch(table: &FileTable, partitions: usize) -> Result<RecordBatch, String> {
    let config = SessionConfig::new().with_target_partitions(partitions).with_batch_size(3);
    let session = SessionContext::new_with_config(config);
    let provider = provider(table, None).map_err(|error| error.to_string())?;
    let read = session.read_table(provider).map_err(|error| error.to_string())?;
    let schema = Arc::clone(read.schema().inner());
    let batches = read.collect().await.map_err(|error| match error {
        datafusion::error::DataFusionError::External(inner) => inner.to_string(),
        other => other.to_string(),
    })?;
    concat_batches(&schema, &batches).map_err(|error| error.to_string())
}

/// The rows of a location, each as its values between bars, sorted; or what is wrong.
pub(super) async fn rows(folder: &Path, location: &str, source: &FileSource) -> Result<Vec<String>, String> {
    let table = resolve(location, source, folder, &delta::Roots::everywhere())
        .await
        .map_err(|error| error.to_string())?;
    let one = shown(&batch(&table, 1).await?);
    let several = shown(&batch(&table, 4).await?);
    assert_eq!(one, several, "partitions do not matter");
    Ok(one)
}

pub(super) fn shown(batch: &RecordBatch) -> Vec<String> {
    let value = |column: &ArrayRef, row: usize| match column.is_null(row) {
        true => "NULL".to_owned(),
        false => array_value_to_string(column, row).unwrap(),
    };
    let row =
        |row: usize| batch.columns().iter().map(|column| value(column, row)).collect::<Vec<_>>().join("|");
    let mut rows: Vec<String> = (0..batch.num_rows()).map(row).collect();
    rows.sort();
    rows
}
