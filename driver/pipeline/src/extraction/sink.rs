//! Where extracted rows go: the writers of all tables, side by side.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use arrow::array::RecordBatch;
use delta::{
    Disk, Location, SchemaMode, SortColumn, TableTarget, TableWriter, WriteMode, WriteOptions, WrittenFiles,
    sorted,
};
use engine::{Cancellation, Session};
use extract::{SortKey, Table, TableSink};
use tokio::runtime::Runtime;

use super::discard;
use crate::{Observer, PipelineError, Result, Workers};

/// Writes extracted rows to Delta tables that nobody can see yet.
pub(super) struct LakeSink<'a> {
    runtime: &'a Runtime,
    cancellation: Cancellation,
    observer: &'a dyn Observer,
    rows: u64,
    tables: BTreeMap<Table, (TableTarget, TableWriter)>,
}

/// The written tables, ready to commit.
pub(super) type Written = Vec<(Table, TableTarget, WrittenFiles)>;

impl<'a> LakeSink<'a> {
    pub(super) fn open(
        lake: &Path,
        prefix: &str,
        workers: &'a Workers,
        observer: &'a dyn Observer,
    ) -> Result<Self> {
        let (runtime, cancellation) = (workers.runtime()?, workers.cancellation().clone());
        // All writers together have half of the memory. The other half is for syntax trees and rows on their way, which nobody
        // counts.
        let mut half = workers.options().session.clone();
        half.memory_limit_bytes /= 2;
        let session = Session::new(half).map_err(|error| PipelineError::engine(error, "session"))?;
        let memory = session.state().runtime_env();
        // Writers start their tasks in the runtime.
        let _entered = runtime.enter();
        let disk = Disk::default();
        let mut tables = BTreeMap::new();
        for table in Table::ALL {
            if cancellation.is_cancelled() {
                return Err(PipelineError::interrupted());
            }
            let target = runtime
                .block_on(prepare(*table, &format!("{prefix}{}", table.name()), lake, &disk))
                .map_err(|error| {
                    PipelineError::finding(ir::diag::codes::WRITE_FAILED, error.to_string(), "extraction")
                })?;
            let writer = target.writer_within(memory, table.name());
            tables.insert(*table, (target, writer));
        }
        Ok(Self { runtime, cancellation, observer, rows: 0, tables })
    }

    /// Finishes all files. When one table fails, the files of all are deleted.
    pub(super) fn close(self) -> Result<Written> {
        let Self { runtime, tables, .. } = self;
        runtime.block_on(async {
            let mut written = Written::new();
            let mut failure = None;
            for (table, (target, writer)) in tables {
                if failure.is_some() {
                    writer.abort().await;
                    continue;
                }
                match writer.close().await {
                    Ok(files) => written.push((table, target, files)),
                    Err(error) => failure = Some(error),
                }
            }
            let Some(error) = failure else { return Ok(written) };
            discard(written).await;
            Err(PipelineError::finding(ir::diag::codes::WRITE_FAILED, error.to_string(), "extraction"))
        })
    }

    /// Deletes all files.
    pub(super) fn abort(self) {
        let Self { runtime, tables, .. } = self;
        runtime.block_on(async {
            for (_, writer) in tables.into_values() {
                writer.abort().await;
            }
        });
    }
}

impl TableSink for LakeSink<'_> {
    fn append(&mut self, table: Table, batch: RecordBatch) -> Result<(), Box<dyn Error + Send + Sync>> {
        if self.cancellation.is_cancelled() {
            return Err("the extraction was stopped".into());
        }
        let Some((_, writer)) = self.tables.get_mut(&table) else {
            return Err(format!("there is no table `{}`", table.name()).into());
        };
        self.rows += u64::try_from(batch.num_rows()).unwrap_or(0);
        self.observer.rows_extracted(self.rows);
        let batch = sorted(batch, &order(table))?;
        Ok(self.runtime.block_on(writer.write(batch))?)
    }
}

/// What the rows of a table are sorted by. Files come in order; a batch holds whole files and is sorted on its own.
fn order(table: Table) -> Vec<SortColumn> {
    let sort = |key: &SortKey| SortColumn { column: key.column.to_owned(), descending: key.descending };
    table.order().iter().map(sort).collect()
}

/// Extraction's tables are remade as a whole, and their columns belong to the program.
async fn prepare(table: Table, folder: &str, lake: &Path, disk: &Disk) -> delta::Result<TableTarget> {
    let options = WriteOptions {
        mode: WriteMode::Overwrite,
        sort_by: order(table),
        name: Some(table.name().to_owned()),
        description: Some(table.description().to_owned()),
        schema_mode: SchemaMode::Replace,
        disk: disk.clone(),
        ..WriteOptions::default()
    };
    TableTarget::prepare(&Location::parse(folder, lake)?, table.schema(), options).await
}
