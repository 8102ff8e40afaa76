//! Temporary tables, small batches, and reading back.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::util::pretty::pretty_format_batches;
use datafusion::catalog::TableProvider;
use datafusion::prelude::{SessionConfig, SessionContext};
use delta::{
    CommitOptions, Committed, DeltaError, Location, ResolvedTable, ScanOptions, TableTarget, WriteMode,
    WriteOptions, WrittenFiles,
};
use tempfile::TempDir;

/// A directory for tables that goes away with the test.
pub(crate) struct Lake {
    pub(crate) root: TempDir,
}

impl Lake {
    pub(crate) fn new() -> Self {
        Self { root: TempDir::new().unwrap() }
    }

    pub(crate) fn at(&self, name: &str) -> Location {
        Location::parse(name, self.root.path()).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }
}

/// Columns `id: Int64 NOT NULL`, `name: Utf8`.
pub(crate) fn people_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("name", DataType::Utf8, true),
    ]))
}

pub(crate) fn people(rows: &[(i64, &str)]) -> RecordBatch {
    let ids: Int64Array = rows.iter().map(|(id, _)| Some(*id)).collect();
    let names: StringArray = rows.iter().map(|(_, name)| Some(*name)).collect();
    RecordBatch::try_new(people_schema(), vec![Arc::new(ids), Arc::new(names)]).unwrap()
}

/// `count` people with ids from `from`.
pub(crate) fn crowd(from: i64, count: i64) -> RecordBatch {
    let names: Vec<_> = (from..from + count).map(|id| (id, format!("person {id}"))).collect();
    people(&names.iter().map(|(id, name)| (*id, name.as_str())).collect::<Vec<_>>())
}

pub(crate) fn append() -> WriteOptions {
    WriteOptions { mode: WriteMode::Append, ..WriteOptions::default() }
}

pub(crate) fn overwrite() -> WriteOptions {
    WriteOptions::default()
}

pub(crate) async fn files(target: &TableTarget, batches: &[RecordBatch]) -> Result<WrittenFiles, DeltaError> {
    let mut writer = target.writer();
    for batch in batches {
        writer.write(batch.clone()).await?;
    }
    writer.close().await
}

pub(crate) async fn try_write(
    location: &Location,
    batches: &[RecordBatch],
    options: WriteOptions,
) -> Result<Committed, DeltaError> {
    let target = TableTarget::prepare(location, batches[0].schema(), options).await?;
    let files = files(&target, batches).await?;
    target.commit(vec![files], &CommitOptions::default()).await
}

pub(crate) async fn write(location: &Location, batches: &[RecordBatch], options: WriteOptions) -> Committed {
    try_write(location, batches, options).await.unwrap()
}

pub(crate) async fn open(location: &Location) -> ResolvedTable {
    delta::resolve(location, None).await.unwrap()
}

pub(crate) fn session() -> SessionContext {
    SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2))
}

pub(crate) fn scan(table: &ResolvedTable) -> Arc<dyn TableProvider> {
    delta::provider(table, &ScanOptions::default()).unwrap()
}

/// The answer of a query over table `t`, drawn as a table.
pub(crate) async fn query(provider: Arc<dyn TableProvider>, sql: &str) -> String {
    let context = session();
    context.register_table("t", provider).unwrap();
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    pretty_format_batches(&batches).unwrap().to_string()
}

/// The answer of a query over the latest version of the table, drawn as a table.
pub(crate) async fn read(location: &Location, sql: &str) -> String {
    let table = open(location).await;
    query(scan(&table), sql).await
}

/// The only value of a query over the latest version, as an integer.
pub(crate) async fn number(location: &Location, sql: &str) -> i64 {
    let context = session();
    let table = open(location).await;
    context.register_table("t", scan(&table)).unwrap();
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    let value = arrow::compute::cast(batches[0].column(0), &DataType::Int64).unwrap();
    value.as_any().downcast_ref::<Int64Array>().unwrap().value(0)
}

/// Parquet files below `root`, whether the log knows them or not, sorted.
pub(crate) fn data_files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "parquet")
                && !path.components().any(|part| part.as_os_str() == "_delta_log")
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn commit_file(lake: &Lake, table: &str, version: u64) -> PathBuf {
    lake.path(table).join(format!("_delta_log/{version:020}.json"))
}

/// Rewrites a commit file line by line.
pub(crate) fn edit_commit(path: &Path, edit: impl Fn(String) -> String) {
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<_> = text.lines().map(|line| edit(line.to_owned())).collect();
    std::fs::write(path, lines.join("\n")).unwrap();
}
