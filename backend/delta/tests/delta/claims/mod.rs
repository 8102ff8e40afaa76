//! What a scan claims, against the rows it gives when nothing is pushed into it.
//!
//! The judge is DataFusion over the same rows in memory: the whole table is read once, without filter, projection or
//! limit, and every query is asked of both.

mod foreign;
mod hostile;
mod limits;
mod pipes;
pub(crate) mod types;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::util::pretty::pretty_format_batches;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use delta::{Location, WriteOptions};

use crate::fixtures::{append, open, scan, session, write};

/// A column of values to compare, and literals of its type.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) values: ArrayRef,
    pub(crate) literals: Vec<&'static str>,
}

/// The comparisons among [`conditions`] that bounds of a file could refute.
pub(crate) fn comparisons(one: &str, two: &str) -> Vec<String> {
    let ops = ["=", "<>", "<", "<=", ">", ">=", "IS NOT DISTINCT FROM"];
    let ops = ops.iter().map(|op| format!("c {op} {one}"));
    let more = [
        format!("NOT (c < {one})"),
        format!("c IN ({two}, {one})"),
        format!("c NOT IN ({one}, {two})"),
        format!("c BETWEEN {one} AND {two}"),
        format!("c NOT BETWEEN {one} AND {two}"),
        "c IS NULL".into(),
        "c IS NOT NULL".into(),
    ];
    ops.chain(more).collect()
}

/// Conditions over column `c` with two literals of its type; `v` is a BIGINT column beside it.
pub(crate) fn conditions(one: &str, two: &str) -> Vec<String> {
    let mut found = Vec::new();
    for op in ["=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"] {
        found.push(format!("c {op} {one}"));
        found.push(format!("NOT (c {op} {one})"));
    }
    for op in ["=", "<", ">="] {
        found.push(format!("{one} {op} c"));
    }
    let more = [
        format!("c IN ({one}, {two})"),
        format!("c NOT IN ({one}, {two})"),
        format!("c IN ({one}, NULL)"),
        format!("c NOT IN ({one}, NULL)"),
        format!("c BETWEEN {one} AND {two}"),
        format!("c BETWEEN {two} AND {one}"),
        format!("c NOT BETWEEN {one} AND {two}"),
        "c IS NULL".into(),
        "c IS NOT NULL".into(),
        "c = NULL".into(),
        "c = c".into(),
        "c <> c".into(),
        format!("c = {one} OR c IS NULL"),
        format!("c = {one} OR v = 2"),
        format!("c > {one} AND v >= 1"),
        format!("NOT (c = {one} OR v = 2)"),
        format!("NOT (c < {one} AND c < {two})"),
        format!("(c = {one}) IS NOT TRUE"),
        format!("(c < {two}) IS UNKNOWN"),
        format!("coalesce(c, {one}) = {one}"),
        format!("CASE WHEN c = {one} THEN true ELSE c > {two} END"),
        format!("nullif(c, {one}) IS NULL"),
        "v % 2 = 0 AND c IS NOT NULL".into(),
    ];
    found.extend(more);
    found
}

/// A table `t` in which each value of `kind` is a row of a file of its own, `c`, with its number `v`; a partition each
/// if `partitioned`.
pub(crate) async fn table(location: &Location, kind: &Kind, partitioned: bool) {
    let partition_by = if partitioned { vec!["c".to_owned()] } else { Vec::new() };
    for row in 0..kind.values.len() {
        let number: ArrayRef = Arc::new(Int64Array::from(vec![i64::try_from(row).unwrap()]));
        let columns = [("c", kind.values.slice(row, 1), true), ("v", number, true)];
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        write(location, &[batch], WriteOptions { partition_by: partition_by.clone(), ..append() }).await;
    }
}

/// The table as it is read, and its rows in memory.
pub(crate) struct Judged {
    read: SessionContext,
    in_memory: SessionContext,
}

impl Judged {
    pub(crate) async fn open(location: &Location) -> Self {
        let provider = scan(&open(location).await);
        let context = session();
        let rows = context.read_table(Arc::clone(&provider)).unwrap().collect().await.unwrap();
        let rows = MemTable::try_new(provider.schema(), vec![rows]).unwrap();
        let of = |provider: Arc<dyn TableProvider>| {
            let context = session();
            context.register_table("t", provider).unwrap();
            context
        };
        Self { read: of(provider), in_memory: of(Arc::new(rows)) }
    }

    /// What is wrong with the answer to a query, if anything is.
    pub(crate) async fn wrong(&self, query: &str) -> Option<String> {
        let (given, wanted) = (answer(&self.read, query).await, answer(&self.in_memory, query).await);
        (given != wanted).then(|| format!("{query}\n{given}\ninstead of\n{wanted}"))
    }

    /// The plan of a query, one operator a line.
    pub(crate) async fn plan(&self, query: &str) -> String {
        let plan = self.read.sql(query).await.unwrap().create_physical_plan().await.unwrap();
        datafusion::physical_plan::displayable(plan.as_ref()).indent(false).to_string()
    }
}

async fn answer(context: &SessionContext, query: &str) -> String {
    let rows = match context.sql(query).await {
        Ok(frame) => frame.collect().await,
        Err(error) => Err(error),
    };
    match rows {
        Ok(rows) => pretty_format_batches(&rows).unwrap().to_string(),
        // Both sides must refuse; what they say may name different things.
        Err(_) => "an error".to_owned(),
    }
}
