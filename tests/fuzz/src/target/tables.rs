//! Delta tables to begin with: written by the program, and as other writers leave them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::array::{Decimal128Array, StructArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef};
use arrow_json::ReaderBuilder;
use delta::{CommitOptions, Location, TableTarget, WriteMode, WriteOptions};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};

use super::Program;

/// The files of a folder: paths below it, with slashes, and contents.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The first commit of a table.
pub(super) const FIRST: &str = "_delta_log/00000000000000000000.json";

/// Rows of some types.
fn rows(from: i64) -> Result<RecordBatch, String> {
    let texts = StringArray::from(vec![Some("a"), None, Some("é, a longer one that is no view of its own")]);
    let prices = Decimal128Array::from(vec![Some(100), Some(-1), None]).with_precision_and_scale(10, 2);
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([
        Some(vec![Some(1), None]),
        None,
        Some(Vec::new()),
    ]);
    let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(0), Some(20_000), None]));
    let inner =
        StructArray::from(vec![(Arc::new(Field::new("day", DataType::Date32, true)), Arc::clone(&days))]);
    let times = TimestampMicrosecondArray::from(vec![Some(0), None, Some(1_700_000_000_000_000)]);
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("id", Arc::new(Int64Array::from(vec![from, from + 1, from + 2])), false),
        ("name", Arc::new(texts), true),
        ("price", Arc::new(prices.map_err(|error| error.to_string())?), true),
        ("tags", Arc::new(lists), true),
        ("day", days, true),
        ("inner", Arc::new(inner), true),
        ("at", Arc::new(times.with_timezone("UTC")), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).map_err(|error| error.to_string())
}

/// The tables.
///
/// # Errors
/// What could not be written.
pub fn valid_tables(program: &Program) -> Result<Vec<Files>, String> {
    let text = |error: std::io::Error| error.to_string();
    let home = tempfile::tempdir().map_err(text)?;
    let folder = home.path().to_owned();
    let written = program.workers.run(async move { write_tables(&folder).await });
    written.map_err(|error| error.to_string())??;
    let mut tables = Vec::new();
    for name in ["plain", "parts", "changes"] {
        let mut files = Files::new();
        read_folder(&home.path().join(name), "", &mut files).map_err(text)?;
        tables.push(files);
    }
    let changed = tables.first().into_iter().flat_map(|plain| [deleted(plain), mapped(plain)]);
    let changed: Vec<Files> = changed.collect();
    tables.extend(changed);
    Ok(tables)
}

async fn write_tables(folder: &Path) -> Result<(), String> {
    let changes = [("delta.enableChangeDataFeed".to_owned(), "true".to_owned())].into();
    let append = WriteOptions { mode: WriteMode::Append, ..WriteOptions::default() };
    let parts = vec!["name".to_owned(), "day".to_owned()];
    for (name, options) in [
        ("plain", append.clone()),
        ("parts", WriteOptions { partition_by: parts, ..append.clone() }),
        ("changes", WriteOptions { properties: changes, ..append }),
    ] {
        let location = Location::parse(name, folder).map_err(|error| error.to_string())?;
        for from in [0, 10] {
            write(&location, rows(from)?, options.clone()).await.map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

async fn write(location: &Location, rows: RecordBatch, options: WriteOptions) -> delta::Result<()> {
    let target = TableTarget::prepare(location, rows.schema(), options).await?;
    let mut writer = target.writer();
    writer.write(rows).await?;
    let files = writer.close().await?;
    target.commit(vec![files], &CommitOptions::default()).await.map(|_| ())
}

fn read_folder(folder: &Path, prefix: &str, files: &mut Files) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read_folder(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.insert(name, fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// The actions of a commit.
pub(super) fn actions(commit: &[u8]) -> Vec<Value> {
    let lines = commit.split(|byte| *byte == b'\n');
    lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// A commit of actions.
pub(super) fn commit(actions: &[Value]) -> Vec<u8> {
    actions.iter().flat_map(|action| format!("{action}\n").into_bytes()).collect()
}

/// A checkpoint of actions as a Parquet file; nothing for actions that have not the types of a checkpoint.
pub(super) fn checkpoint(actions: &[Value]) -> Vec<u8> {
    let lines = commit(actions);
    let mut decoder = match ReaderBuilder::new(checkpoint_schema()).with_batch_size(1024).build_decoder() {
        Ok(decoder) => decoder,
        Err(_) => return Vec::new(),
    };
    let rows = decoder.decode(&lines).and_then(|_| decoder.flush());
    let Ok(Some(rows)) = rows else { return Vec::new() };
    let written = ArrowWriter::try_new(Vec::new(), rows.schema(), None).and_then(|mut writer| {
        writer.write(&rows)?;
        writer.into_inner()
    });
    written.unwrap_or_default()
}

fn checkpoint_schema() -> SchemaRef {
    let field = |name: &str, kind: DataType| Field::new(name, kind, true);
    let group = |name: &str, fields: Vec<Field>| field(name, DataType::Struct(fields.into()));
    let text = |name: &str| field(name, DataType::Utf8);
    let long = |name: &str| field(name, DataType::Int64);
    let list =
        |name: &str| field(name, DataType::List(Arc::new(Field::new("element", DataType::Utf8, true))));
    let map = |name: &str| {
        let entry = vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Utf8, true)];
        let entries = Field::new("key_value", DataType::Struct(entry.into()), false);
        field(name, DataType::Map(Arc::new(entries), false))
    };
    let vector = || {
        let sizes =
            [field("offset", DataType::Int32), field("sizeInBytes", DataType::Int32), long("cardinality")];
        let fields = [text("storageType"), text("pathOrInlineDv")].into_iter().chain(sizes);
        group("deletionVector", fields.collect())
    };
    let flag = |name: &str| field(name, DataType::Boolean);
    let file = || vec![text("path"), map("partitionValues"), long("size"), flag("dataChange"), vector()];
    let add = [long("modificationTime"), text("stats"), map("tags")];
    let remove = [long("deletionTimestamp"), flag("extendedFileMetadata")];
    let format = group("format", vec![text("provider"), map("options")]);
    let about = vec![text("id"), text("name"), format, text("schemaString"), list("partitionColumns")];
    let versions = ["minReaderVersion", "minWriterVersion"].map(|name| field(name, DataType::Int32));
    let features = ["readerFeatures", "writerFeatures"].map(list);
    Arc::new(Schema::new(vec![
        group("txn", vec![text("appId"), long("version"), long("lastUpdated")]),
        group("add", file().into_iter().chain(add).collect()),
        group("remove", file().into_iter().chain(remove).collect()),
        group("metaData", about.into_iter().chain([map("configuration"), long("createdTime")]).collect()),
        group("protocol", versions.into_iter().chain(features).collect()),
        group("sidecar", vec![text("path"), long("sizeInBytes"), long("modificationTime"), map("tags")]),
    ]))
}

/// A table with each action of its first commit changed, and without the counts of actions that ours have.
fn with_actions(table: &Files, mut change: impl FnMut(&str, &mut Value)) -> Files {
    let mut table = table.clone();
    if let Some(bytes) = table.get_mut(FIRST) {
        let mut all = actions(bytes);
        all.retain(|action| action.get("commitInfo").is_none());
        for action in &mut all {
            action.as_object_mut().into_iter().flatten().for_each(|(kind, fields)| change(kind, fields));
        }
        *bytes = commit(&all);
    }
    table
}

/// A table with a deletion vector.
fn deleted(table: &Files) -> Files {
    with_actions(table, |kind, fields| match kind {
        "protocol" => {
            *fields = json!({"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"],
                "writerFeatures": ["deletionVectors"]});
        }
        "add" => {
            fields["deletionVector"] = json!({"storageType": "i", "sizeInBytes": 44, "cardinality": 6,
                "pathOrInlineDv": "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L"});
        }
        _ => {}
    })
}

/// A table whose columns have other names in its files: those that they had, while the table's are changed.
fn mapped(table: &Files) -> Files {
    with_actions(table, |kind, fields| match kind {
        "protocol" => {
            *fields = json!({"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["columnMapping"],
                "writerFeatures": ["columnMapping"]});
        }
        "metaData" => {
            let text = fields["schemaString"].as_str().unwrap_or_default();
            let mut schema: Value = serde_json::from_str(text).unwrap_or_default();
            for (id, field) in (1..).zip(schema["fields"].as_array_mut().into_iter().flatten()) {
                let name = field["name"].clone();
                field["metadata"] =
                    json!({"delta.columnMapping.id": id, "delta.columnMapping.physicalName": name});
                field["name"] = json!(format!("column {id}"));
            }
            fields["schemaString"] = Value::from(schema.to_string());
            fields["configuration"] =
                json!({"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "7"});
        }
        _ => {}
    })
}
