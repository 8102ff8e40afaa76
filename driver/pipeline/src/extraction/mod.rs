//! Source code into the Delta tables of a lake: all tables are written side by side while the code is parsed, and
//! committed when all of it has been.

mod lake;

pub(crate) use lake::own_folder;
pub use lake::{DEFAULT_LAKE, lake_at, lake_of_repository, make_lake, no_linked_tables};

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

use arrow::array::RecordBatch;
use delta::{
    CommitOptions, Committed, DeltaError, Disk, Location, PublishError, SchemaMode, SortColumn, TableTarget,
    TableWriter, WriteMode, WriteOptions, WrittenFiles, sorted,
};
use engine::Cancellation;
use extract::{ExtractError, Options, Summary, Table, TableSink};
use tokio::runtime::Runtime;

use crate::compilation::absolute;
use crate::provenance::{now, timestamp};
use crate::{Observer, PipelineError, Result, Stages, Workers};

/// What of a repository is extracted.
#[derive(Clone, Debug, Default)]
pub struct ExtractOptions {
    /// Paths to leave out, in `.gitignore` syntax.
    pub exclude: Vec<String>,
    /// The largest file that is parsed, in bytes; a default of the extraction's own if absent.
    pub max_file_bytes: Option<u64>,
}

/// A table that extraction wrote.
#[derive(Clone, Debug)]
pub struct ExtractedTable {
    /// Its folder below the lake.
    pub location: String,
    /// Rows that the commit added.
    pub rows: u64,
    /// Data files that it added.
    pub files: usize,
    /// Bytes of these files.
    pub bytes: u64,
    /// The version it made.
    pub version: u64,
}

/// An extraction that is committed.
#[derive(Debug)]
pub struct Extracted {
    /// What was seen.
    pub summary: Summary,
    /// The tables, in the order of [`Table::ALL`].
    pub tables: Vec<ExtractedTable>,
    /// Where the time went.
    pub stages: Stages,
}

/// Extracts the source code in the folder `repository` into tables below `lake`, each in the folder `prefix` and its
/// name, and commits them.
///
/// # Errors
/// When the repository cannot be read, a table cannot be written or committed, or the workers are stopped. An error of
/// a commit says which tables are committed all the same.
pub fn extract(
    repository: &Path,
    lake: &Path,
    prefix: &str,
    options: &ExtractOptions,
    workers: &Workers,
    observer: &dyn Observer,
) -> Result<Extracted> {
    let (repository, lake) = (absolute(repository)?, absolute(lake)?);
    let folders: Vec<String> = Table::ALL.iter().map(|table| format!("{prefix}{}", table.name())).collect();
    no_linked_tables(&lake, folders.iter().map(String::as_str))?;
    let options = extractor_options(&repository, &lake, options, workers);
    let (runtime, cancellation) = (workers.runtime()?, workers.cancellation());
    let started = Instant::now();
    observer.stage_started("extract");
    let mut sink = LakeSink::open(&lake, prefix, runtime, cancellation.clone(), observer)?;
    let summary = match extract::extract(&repository, &options, &mut sink) {
        Ok(summary) => summary,
        Err(error) => {
            sink.abort();
            return Err(stopped_by(error, cancellation));
        }
    };
    let written = sink.close()?;
    let mut stages = Stages::default();
    stages.add("extract", started.elapsed());
    let Some(_publishing) = cancellation.publishing() else {
        runtime.block_on(discard(written));
        return Err(PipelineError::interrupted());
    };
    observer.stage_started("commit extraction");
    let committing = Instant::now();
    let tables = commit(runtime, written, prefix)?;
    stages.add("commit extraction", committing.elapsed());
    Ok(Extracted { summary, tables, stages })
}

/// The tables of a lake inside the repository are not part of its source code.
fn extractor_options(repository: &Path, lake: &Path, wanted: &ExtractOptions, workers: &Workers) -> Options {
    let mut options = Options {
        exclude: wanted.exclude.clone(),
        stop: workers.cancellation().flag(),
        ..Options::default()
    };
    if let Some(bytes) = wanted.max_file_bytes {
        options.max_file_bytes = bytes;
    }
    if let Some(threads) = std::num::NonZeroUsize::new(workers.options().session.target_partitions) {
        options.threads = threads;
    }
    // Both without links, so that one is found inside the other.
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let (lake, repository) = (real(lake), real(repository));
    let inside = lake.strip_prefix(&repository).ok().filter(|inside| !inside.as_os_str().is_empty());
    options.exclude.extend(inside.map(folder_pattern));
    // Lakes and run records of earlier commands.
    options.exclude.push("/.codeanatomy/".to_owned());
    options
}

/// The `.gitignore` pattern of exactly this folder.
fn folder_pattern(folder: &Path) -> String {
    let mut pattern = String::new();
    for part in folder.components() {
        pattern.push('/');
        for character in part.as_os_str().to_string_lossy().chars() {
            if matches!(character, '*' | '?' | '[' | ']' | '{' | '}' | '\\' | '!' | '#' | ' ') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
    }
    pattern.push('/');
    pattern
}

fn stopped_by(error: ExtractError, cancellation: &Cancellation) -> PipelineError {
    match error {
        _ if cancellation.is_cancelled() => PipelineError::interrupted(),
        ExtractError::Grammar { .. } | ExtractError::Arrow(_) => PipelineError::Bug(error.to_string()),
        ExtractError::IdCollision { .. } => {
            PipelineError::finding(ir::diag::codes::ID_COLLISION, error.to_string(), "extraction")
        }
        ExtractError::Sink { .. } => {
            PipelineError::finding(ir::diag::codes::WRITE_FAILED, error.to_string(), "extraction")
        }
        _ => PipelineError::Extract(error),
    }
}

/// Writes extracted rows to Delta tables that nobody can see yet.
struct LakeSink<'a> {
    runtime: &'a Runtime,
    cancellation: Cancellation,
    observer: &'a dyn Observer,
    rows: u64,
    tables: BTreeMap<Table, (TableTarget, TableWriter)>,
}

/// The written tables, ready to commit.
type Written = Vec<(Table, TableTarget, WrittenFiles)>;

impl<'a> LakeSink<'a> {
    fn open(
        lake: &Path,
        prefix: &str,
        runtime: &'a Runtime,
        cancellation: Cancellation,
        observer: &'a dyn Observer,
    ) -> Result<Self> {
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
            let writer = target.writer();
            tables.insert(*table, (target, writer));
        }
        Ok(Self { runtime, cancellation, observer, rows: 0, tables })
    }

    /// Finishes all files. When one table fails, the files of all are deleted.
    fn close(self) -> Result<Written> {
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
    fn abort(self) {
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

/// What the rows of a table are sorted by: tables that are joined by spans by file and span, outermost first, so
/// that the joins do not sort them. Files come in order; a batch holds whole files and is sorted on its own.
fn order(table: Table) -> Vec<SortColumn> {
    let columns: &[(&str, bool)] = match table {
        Table::SyntaxNodes | Table::Scopes => &[("file_id", false), ("bstart", false), ("bend", true)],
        Table::Refs => &[("file_id", false), ("lookup_start", false)],
        _ => &[],
    };
    let sort = |(column, descending): &(&str, bool)| SortColumn {
        column: (*column).to_owned(),
        descending: *descending,
    };
    columns.iter().map(sort).collect()
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

async fn discard(written: Written) {
    for (_, _, files) in written {
        files.discard().await;
    }
}

/// Publishes all tables: what has changed since it was opened stops all of them.
fn commit(runtime: &Runtime, written: Written, prefix: &str) -> Result<Vec<ExtractedTable>> {
    let options = CommitOptions {
        metadata: BTreeMap::from([
            ("codeanatomy.run_started_at".to_owned(), timestamp(now())),
            ("codeanatomy.producer".to_owned(), concat!("extract ", env!("CARGO_PKG_VERSION")).to_owned()),
        ]),
        ..CommitOptions::default()
    };
    let names: Vec<String> =
        written.iter().map(|(table, _, _)| format!("{prefix}{}", table.name())).collect();
    let extracted = |(location, committed): (&String, &Committed)| ExtractedTable {
        location: location.clone(),
        rows: committed.rows,
        files: committed.files_added,
        bytes: committed.bytes,
        version: committed.version,
    };
    let published = runtime.block_on(async {
        let mut staged = Vec::new();
        for (_, target, files) in written {
            // What was staged or written before goes with the failure.
            let table = target.stage(vec![files], &options).await;
            staged.push(table.map_err(|error| (Vec::new(), Box::new(error)))?);
        }
        match delta::publish(staged, || false).await {
            Ok(committed) => Ok(committed),
            Err(PublishError::Failed { committed, source, .. }) => Err((committed, source)),
            Err(PublishError::Stopped) => Ok(Vec::new()),
        }
    });
    let (committed, error) = match published {
        Ok(committed) => return Ok(names.iter().zip(&committed).map(extracted).collect()),
        Err(failed) => failed,
    };
    let committed: Vec<&str> =
        committed.iter().filter_map(|(index, _)| names.get(*index).map(String::as_str)).collect();
    let code = match *error {
        DeltaError::ConcurrentChange { .. } => ir::diag::codes::COMMIT_CONFLICT,
        _ => ir::diag::codes::COMMIT_FAILED,
    };
    let visible = match committed.as_slice() {
        [] => "nothing was published".to_owned(),
        committed => format!("published all the same: {}", committed.join(", ")),
    };
    Err(PipelineError::finding(code, format!("{error}; {visible}"), "extraction"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_pattern_matches_only_that_folder() {
        assert_eq!(folder_pattern(Path::new("a b/x[1]*")), "/a\\ b/x\\[1\\]\\*/");
    }
}
