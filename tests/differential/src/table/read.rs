//! Reads tables that the program wrote.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value as Json;

use super::{arrays, log};
use crate::plan::Column;
use crate::value::{Type, Value};

/// The rows of each file of the latest version of a table, in their order.
pub type Files = Vec<Vec<Vec<Value>>>;

/// The files of the latest version of a table, with the columns it is expected to have.
///
/// # Errors
/// When the log or a file cannot be read, or the table has other columns or partitions.
pub fn read(table: &Path, columns: &[Column], partition_by: &[String]) -> io::Result<Files> {
    let mut active: BTreeMap<String, Json> = BTreeMap::new();
    let (mut names, mut partitions) = (Vec::new(), Vec::new());
    let mut commits: Vec<_> = std::fs::read_dir(table.join("_delta_log"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    commits.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    commits.sort();
    for commit in commits {
        for line in std::fs::read_to_string(commit)?.lines() {
            let action: Json = serde_json::from_str(line)?;
            let path = |action: &Json| action["path"].as_str().unwrap_or_default().to_owned();
            if let Some(remove) = action.get("remove") {
                active.remove(&path(remove));
            }
            if let Some(add) = action.get("add") {
                active.insert(path(add), add.clone());
            }
            if let Some(metadata) = action.get("metaData") {
                let schema: Json =
                    serde_json::from_str(metadata["schemaString"].as_str().unwrap_or_default())?;
                let fields = schema["fields"].as_array().cloned().unwrap_or_default();
                let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
                names = fields.iter().map(|field| text(&field["name"])).collect();
                partitions = metadata["partitionColumns"]
                    .as_array()
                    .iter()
                    .flat_map(|all| all.iter())
                    .map(text)
                    .collect();
            }
        }
    }
    if names != columns.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>() {
        return Err(io::Error::other(format!("the table has the columns {names:?}, not {columns:?}")));
    }
    if partitions != partition_by {
        return Err(io::Error::other(format!(
            "the table is divided by {partitions:?}, not {partition_by:?}"
        )));
    }
    active
        .iter()
        .map(|(path, add)| read_file(&table.join(log::decoded(path)), &add["partitionValues"], columns))
        .collect()
}

fn read_file(path: &Path, partition: &Json, columns: &[Column]) -> io::Result<Vec<Vec<Value>>> {
    let mut rows = Vec::new();
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?).map_err(io::Error::other)?;
    for batch in reader.build().map_err(io::Error::other)? {
        let batch = batch.map_err(io::Error::other)?;
        for row in 0..batch.num_rows() {
            let value = |(name, of): &Column| match batch.column_by_name(name) {
                Some(column) => arrays::value(column.as_ref(), row).ok_or_else(|| {
                    io::Error::other(format!("the column `{name}` is {}", column.data_type()))
                }),
                None => Ok(partition_value(partition.get(name).unwrap_or(&Json::Null), *of)),
            };
            rows.push(columns.iter().map(value).collect::<io::Result<_>>()?);
        }
    }
    Ok(rows)
}

/// Outputs are divided by whole numbers and texts only.
fn partition_value(value: &Json, of: Type) -> Value {
    match (value.as_str(), of) {
        (None, _) => Value::Null,
        (Some(text), Type::Int) => text.parse().map_or(Value::Null, Value::Int),
        (Some(text), _) => Value::Text(text.to_owned()),
    }
}
