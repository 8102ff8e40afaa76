//! Running SQL with the functions of this crate.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};

/// A session with all functions registered, `partitions` wide.
pub(crate) fn session(partitions: usize) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(partitions).with_batch_size(64);
    let mut context = SessionContext::new_with_config(config);
    functions::register(&mut context).unwrap();
    context
}

/// Registers a table, spread over `parts` partitions.
pub(crate) fn table(context: &SessionContext, name: &str, columns: Vec<(&str, ArrayRef)>, parts: usize) {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap();
    let size = batch.num_rows().div_ceil(parts).max(1);
    let slices = (0..parts).map(|part| {
        let from = (part * size).min(batch.num_rows());
        vec![batch.slice(from, size.min(batch.num_rows() - from))]
    });
    let table = MemTable::try_new(batch.schema(), slices.collect()).unwrap();
    context.register_table(name, Arc::new(table)).unwrap();
}

/// Registers the rows of a query as a table that declares to be sorted by `column`, NULL last.
#[allow(dead_code, reason = "each test binary uses a part of this module")]
pub(crate) async fn sorted_table(context: &SessionContext, name: &str, sql: &str, column: &str) {
    let batch = query(context, sql).await;
    let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap();
    let order = vec![vec![datafusion::prelude::col(column).sort(true, false)]];
    context.register_table(name, Arc::new(table.with_sort_order(order))).unwrap();
}

/// All rows of a query as one batch.
pub(crate) async fn query(context: &SessionContext, sql: &str) -> RecordBatch {
    let frame = context.sql(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let schema = Arc::new(frame.schema().as_arrow().clone());
    let batches = frame.collect().await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let schema = batches.first().map_or(schema, |batch| batch.schema());
    concat_batches(&schema, &batches).unwrap()
}

/// All rows as text, one string per row, columns separated by `|`, NULL spelled `NULL`.
pub(crate) async fn rows(context: &SessionContext, sql: &str) -> Vec<String> {
    let batch = query(context, sql).await;
    let cell = |column: &ArrayRef, row| {
        if column.is_null(row) { "NULL".to_owned() } else { array_value_to_string(column, row).unwrap() }
    };
    (0..batch.num_rows())
        .map(|row| batch.columns().iter().map(|column| cell(column, row)).collect::<Vec<_>>().join("|"))
        .collect()
}

/// The single value of a query without a table.
pub(crate) async fn value(sql: &str) -> String {
    rows(&session(1), sql).await.join(";")
}

/// The error of a query, from planning or running it.
pub(crate) async fn error(sql: &str) -> String {
    let context = session(1);
    match context.sql(sql).await {
        Err(error) => error.to_string(),
        Ok(frame) => match frame.collect().await {
            Err(error) => error.to_string(),
            Ok(batches) => panic!("{sql} succeeded: {batches:?}"),
        },
    }
}
