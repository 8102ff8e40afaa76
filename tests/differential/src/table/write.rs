//! Writes tables.

use std::collections::BTreeMap;
use std::fs::{File, create_dir_all};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use serde_json::{Map, Value as Json, json};

use super::log::{beginning, encoded, metadata, partition_value, statistics};
use super::{Commit, Table, WRITTEN, arrays, deletion};
use crate::plan::Column;
use crate::value::{Type, Value};

/// Writes a table as `folder/NAME`, all its versions.
///
/// # Errors
/// When the file system or the writer of Parquet fails.
pub fn write(table: &Table, folder: &Path) -> io::Result<()> {
    let home = folder.join(&table.name);
    create_dir_all(home.join("_delta_log"))?;
    let mut active: Vec<Json> = Vec::new();
    for (version, commit) in table.commits.iter().enumerate() {
        let mut actions = if version == 0 { beginning(table) } else { Vec::new() };
        if version > 0 && table.recorded_from() == Some(version) {
            actions.push(metadata(table, version));
        }
        if commit.overwrites {
            actions.extend(active.drain(..).map(removal));
        }
        for add in files(table, version, commit, &home)? {
            active.push(add.clone());
            actions.push(json!({"add": add}));
        }
        actions.push(json!({"commitInfo": {"timestamp": WRITTEN, "operation": "WRITE"}}));
        let text: String = actions.iter().map(|action| format!("{action}\n")).collect();
        std::fs::write(home.join(format!("_delta_log/{version:020}.json")), text)?;
    }
    Ok(())
}

fn removal(add: Json) -> Json {
    let mut remove = json!({"path": add["path"], "deletionTimestamp": WRITTEN, "dataChange": true,
        "extendedFileMetadata": true, "partitionValues": add["partitionValues"], "size": add["size"]});
    if !add["deletionVector"].is_null() {
        remove["deletionVector"] = add["deletionVector"].clone();
    }
    json!({"remove": remove})
}

/// Writes the files of a commit; what the log says of them.
fn files(table: &Table, version: usize, commit: &Commit, home: &Path) -> io::Result<Vec<Json>> {
    let keys = table.partition_places();
    let (mut adds, mut number) = (Vec::new(), 0);
    if version == 0 && table.empty_files() > 0 {
        let empty = home.join("empty.parquet");
        let size = write_file(table, version, &empty, &[])?;
        for number in 0..table.empty_files() {
            let path = format!("empty-{number}.parquet");
            std::fs::copy(&empty, home.join(&path))?;
            adds.push(add(table, &path, &[], &[], size, &[]));
        }
        std::fs::remove_file(empty)?;
    }
    for (file, rows) in commit.files.iter().enumerate() {
        let mut partitions: BTreeMap<Vec<Value>, Vec<(usize, &Vec<Value>)>> = BTreeMap::new();
        for row in rows {
            let values = keys.iter().map(|at| row[*at].clone()).collect();
            partitions.entry(values).or_default().push((number, row));
            number += 1;
        }
        for (part, (values, rows)) in partitions.into_iter().enumerate() {
            let mut path = String::new();
            for (key, value) in keys.iter().zip(&values) {
                path.push_str(&format!("{}={}/", table.columns[*key].0, folder_name(value)));
            }
            path.push_str(&format!("part-{version:05}-{file}-{part}-{:016x}.parquet", digest(&rows)));
            let size = write_file(table, version, &home.join(&path), &rows)?;
            let numbers: Vec<u32> = (0_u32..)
                .zip(&rows)
                .filter(|(_, (number, _))| commit.deleted.contains(number))
                .map(|(at, _)| at)
                .collect();
            adds.push(add(table, &path, &values, &rows, size, &numbers));
        }
    }
    Ok(adds)
}

fn add(
    table: &Table,
    path: &str,
    values: &[Value],
    rows: &[(usize, &Vec<Value>)],
    size: u64,
    deleted: &[u32],
) -> Json {
    let keys = table.columns.iter().filter(|(name, _)| table.partition_by.contains(name));
    let partitions: Map<String, Json> =
        keys.zip(values).map(|((name, _), value)| (name.clone(), partition_value(value))).collect();
    let spelled = if table.layout.raw_paths { path.to_owned() } else { encoded(path) };
    let mut add = json!({"path": spelled, "partitionValues": partitions, "size": size,
        "modificationTime": WRITTEN, "dataChange": true});
    let rows: Vec<&Vec<Value>> = rows.iter().map(|(_, row)| *row).collect();
    if let Some(statistics) = statistics(table, &rows) {
        add["stats"] = json!(statistics);
    }
    if !deleted.is_empty() {
        let (text, size) = deletion::inline(deleted);
        add["deletionVector"] = json!({"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": size, "cardinality": deleted.len()});
    }
    add
}

/// Other rows are in a file of another name, as where names are random: two copies of a table that go on by themselves have other
/// commits.
fn digest(rows: &[(usize, &Vec<Value>)]) -> u64 {
    let mut hasher = DefaultHasher::new();
    rows.iter().for_each(|(_, row)| format!("{row:?}").hash(&mut hasher));
    hasher.finish()
}

/// A name of a folder: the characters of the value that no file system minds.
fn folder_name(value: &Value) -> String {
    if value.is_null() {
        return "__HIVE_DEFAULT_PARTITION__".to_owned();
    }
    let keep = |letter: char| if letter.is_alphanumeric() || "-. ".contains(letter) { letter } else { '_' };
    value.to_string().chars().map(keep).collect()
}

fn write_file(table: &Table, version: usize, path: &Path, rows: &[(usize, &Vec<Value>)]) -> io::Result<u64> {
    if let Some(folder) = path.parent() {
        create_dir_all(folder)?;
    }
    let data: Vec<(usize, &Column)> = table
        .columns
        .iter()
        .enumerate()
        .filter(|(_, (name, _))| !table.partition_by.contains(name))
        .collect();
    let is_narrow = table.layout.narrow && version == 0;
    let data_type = |of: Type| match of {
        Type::Int if is_narrow => DataType::Int16,
        other => arrays::data_type(other),
    };
    let fields: Vec<Field> =
        data.iter().map(|(_, (name, of))| Field::new(name, data_type(*of), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let column = |(at, (_, of)): &(usize, &Column)| {
        let values: Vec<&Value> = rows.iter().map(|(_, row)| &row[*at]).collect();
        cast(&arrays::array(*of, &values), &data_type(*of))
    };
    let columns = data.iter().map(column).collect::<Result<_, _>>().map_err(io::Error::other)?;
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(io::Error::other)?;
    let properties =
        WriterProperties::builder().set_max_row_group_row_count(Some(table.layout.row_group)).build();
    let mut writer =
        ArrowWriter::try_new(File::create(path)?, schema, Some(properties)).map_err(io::Error::other)?;
    writer.write(&batch).map_err(io::Error::other)?;
    writer.close().map_err(io::Error::other)?;
    Ok(std::fs::metadata(path)?.len())
}
