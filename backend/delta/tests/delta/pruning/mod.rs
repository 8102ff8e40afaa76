//! Row groups and pages that a scan skips: that it does, and that no row is lost by it.
//!
//! The files are written here as other programs write them: small row groups and pages, older or no statistics, other
//! types than the table's, indexes that are wrong. Answers are compared with those over the rows in memory.

mod footers;
mod measured;
mod rows;
mod tables;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use datafusion::catalog::TableProvider;
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::SessionContext;
use delta::{Location, ScanMeasures, WriteOptions};
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::{
    ColumnChunkMetaDataBuilder, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader,
    ParquetMetaDataWriter,
};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::file::writer::TrackedWrite;
use serde_json::Value;

use crate::claims::Judged;
use crate::fixtures::{Lake, commit_file, data_files, edit_commit, open, overwrite, scan, session, write};

/// Row groups and pages of so many rows.
pub(crate) fn small(row_group: usize, page: usize) -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_max_row_group_row_count(Some(row_group))
        .set_data_page_row_count_limit(page)
        .set_write_batch_size(page)
        .set_dictionary_enabled(false)
}

/// The bytes of a file with these rows.
pub(crate) fn parquet(rows: &RecordBatch, properties: WriterProperties) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), Some(properties)).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
    bytes
}

/// The table `t` with rows like `rows`, and `bytes` for its only file.
pub(crate) async fn table(
    lake: &Lake,
    rows: &RecordBatch,
    bytes: Vec<u8>,
    options: WriteOptions,
) -> Location {
    let location = lake.at("t");
    write(&location, std::slice::from_ref(rows), options).await;
    replace(lake, bytes);
    location
}

/// A table whose file is written with `properties`.
pub(crate) async fn written(lake: &Lake, rows: &RecordBatch, properties: WriterProperties) -> Location {
    table(lake, rows, parquet(rows, properties), overwrite()).await
}

/// Puts `bytes` into the only file of `t`, about which the log then says nothing.
pub(crate) fn replace(lake: &Lake, bytes: Vec<u8>) {
    let size = bytes.len();
    std::fs::write(file(lake), bytes).unwrap();
    edit_commit(&commit_file(lake, "t", 0), |line| {
        let mut action: Value = serde_json::from_str(&line).unwrap();
        if let Some(add) = action.get_mut("add").and_then(Value::as_object_mut) {
            add.insert("size".into(), size.into());
            add.remove("stats");
        }
        action.to_string()
    });
}

fn file(lake: &Lake) -> PathBuf {
    data_files(&lake.path("t")).remove(0)
}

/// `file` with another footer, and with the page index of the footer.
pub(crate) fn with_footer(file: &[u8], change: impl FnOnce(ParquetMetaData) -> ParquetMetaData) -> Vec<u8> {
    let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
    let metadata = change(reader.parse_and_finish(&Bytes::copy_from_slice(file)).unwrap());
    let mut changed = Vec::new();
    // Places count from the beginning of the file.
    let mut written = TrackedWrite::new(&mut changed);
    written.write_all(file).unwrap();
    ParquetMetaDataWriter::new_with_tracked(written, &metadata).finish().unwrap();
    changed
}

/// `file` with other entries for the columns of its row groups, which are changed by name.
pub(crate) fn with_columns(
    file: &[u8],
    change: impl Fn(&str, ColumnChunkMetaDataBuilder) -> ColumnChunkMetaDataBuilder,
) -> Vec<u8> {
    with_footer(file, |metadata| columns_changed(metadata, change))
}

/// `file` without a page index.
pub(crate) fn without_pages(file: &[u8]) -> Vec<u8> {
    with_footer(file, |metadata| {
        let metadata = metadata.into_builder().set_column_index(None).set_offset_index(None).build();
        columns_changed(metadata, |_, column| {
            let column = column.set_column_index_offset(None).set_column_index_length(None);
            column.set_offset_index_offset(None).set_offset_index_length(None)
        })
    })
}

fn columns_changed(
    metadata: ParquetMetaData,
    change: impl Fn(&str, ColumnChunkMetaDataBuilder) -> ColumnChunkMetaDataBuilder,
) -> ParquetMetaData {
    let mut builder = metadata.into_builder();
    let mut groups = builder.take_row_groups();
    for column in groups.iter_mut().flat_map(|group| group.columns_mut()) {
        let name = column.column_path().string();
        *column = change(&name, column.clone().into_builder()).build().unwrap();
    }
    builder.set_row_groups(groups).build()
}

/// What the scans of a query have read and skipped.
pub(crate) async fn measures(location: &Location, sql: &str) -> ScanMeasures {
    measures_in(&session(), scan(&open(location).await), sql).await
}

pub(crate) async fn measures_in(
    context: &SessionContext,
    provider: Arc<dyn TableProvider>,
    sql: &str,
) -> ScanMeasures {
    context.register_table("t", provider).unwrap();
    let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
    collect(Arc::clone(&plan), context.task_ctx()).await.unwrap();
    let mut found = ScanMeasures::default();
    add(&plan, &mut found);
    found
}

fn add(plan: &Arc<dyn ExecutionPlan>, found: &mut ScanMeasures) {
    if let Some(scan) = ScanMeasures::of(plan.as_ref()) {
        found.bytes += scan.bytes;
        found.row_groups += scan.row_groups;
        found.skipped_by_bounds += scan.skipped_by_bounds;
        found.skipped_by_bloom_filters += scan.skipped_by_bloom_filters;
        found.pages += scan.pages;
        found.skipped_pages += scan.skipped_pages;
    }
    plan.children().into_iter().chain(delta::hidden_input(plan.as_ref())).for_each(|input| add(input, found));
}

/// Asks for the rows that fulfil each condition, over the table and over its rows in memory.
pub(crate) async fn same_rows(location: &Location, columns: &str, conditions: &[String]) {
    let judged = Judged::open(location).await;
    let mut wrong = Vec::new();
    for condition in conditions {
        let query = format!("SELECT {columns} FROM t WHERE {condition} ORDER BY {columns}");
        wrong.extend(judged.wrong(&query).await);
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
