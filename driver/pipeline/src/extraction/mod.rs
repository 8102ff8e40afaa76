//! Source code into the Delta tables of a lake: all tables are written side by side while the code is parsed, and become
//! visible when all of it has been; by themselves, or together with what is computed from them.

mod lake;
mod sink;

pub use lake::{DEFAULT_LAKE, lake_at, lake_of_repository, make_lake, no_linked_tables};

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use delta::{CommitOptions, Committed, DeltaError, PublishError, ResolvedTable, Roots, StagedTable};
use engine::Cancellation;
use extract::{ExtractError, Options, Repository, Summary, Syntax, Table};
use ir::stage::Stage;
use tokio::runtime::{Handle, Runtime};

use crate::folders::{absolute, with_folder};
use crate::locks::{Locks, Use};
use crate::observer::{Traced, staged};
use crate::record::{ExtractedRecord, now, timestamp};
use crate::{Observer, PipelineError, Result, Stages, Workers};
use sink::{LakeSink, Written};

/// What of repositories is extracted.
#[derive(Clone, Debug, Default)]
pub struct ExtractOptions {
    /// Paths to leave out, in `.gitignore` syntax.
    pub exclude: Vec<String>,
    /// Which syntax nodes are written.
    pub syntax: Syntax,
    /// The largest file that is parsed, in bytes; a default of the extraction's own if absent.
    pub max_file_bytes: Option<u64>,
    /// How long one file may be worked on; a default of the extraction's own if absent.
    pub file_time_limit: Option<Duration>,
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

impl From<&ExtractedTable> for ExtractedRecord {
    fn from(table: &ExtractedTable) -> Self {
        Self {
            location: table.location.clone(),
            rows: table.rows,
            files: table.files,
            bytes: table.bytes,
            version: table.version,
        }
    }
}

/// An extraction that is published.
#[derive(Debug)]
pub struct Extracted {
    /// What was seen.
    pub summary: Summary,
    /// The tables, in the order of [`Table::ALL`].
    pub tables: Vec<ExtractedTable>,
    /// Where the time went.
    pub stages: Stages,
}

/// An extraction whose tables are complete, and seen by nobody.
///
/// A spec can be compiled over it ([`CompileRequest::extraction`](crate::CompileRequest)), and published together with it
/// (`PublishOptions::extraction`): then both become visible, or neither. Dropping it deletes the
/// files.
#[derive(Debug)]
pub struct Extraction {
    /// What was seen.
    pub summary: Summary,
    /// Where the time went.
    pub stages: Stages,
    /// The tables with their folders below the lake, in the order of [`Table::ALL`].
    tables: Vec<(String, StagedTable)>,
    /// Where dropping it waits.
    runtime: Handle,
    _locks: Locks,
}

impl Extraction {
    /// Publishes the tables by themselves.
    ///
    /// # Errors
    /// When the workers are stopped, or a commit fails; the error says which tables are committed all the same.
    pub fn publish(mut self, workers: &Workers, observer: &dyn Observer) -> Result<Extracted> {
        let Some(_publishing) = workers.cancellation().publishing() else {
            return Err(PipelineError::interrupted());
        };
        let observer: &dyn Observer = &(Traced::extraction(), observer);
        let (names, tables): (Vec<String>, Vec<StagedTable>) = self.take_tables().into_iter().unzip();
        let runtime = workers.runtime()?;
        let committing = || commit(runtime, &names, tables);
        let committed = staged(&mut self.stages, observer, Stage::CommitExtraction, committing)?;
        let extracted = self.published(&names, &committed);
        extracted.tables.iter().for_each(|table| observer.table_extracted(table));
        Ok(extracted)
    }

    /// The tables as they will be.
    pub(crate) fn previews(&self) -> Result<Vec<ResolvedTable>> {
        let previews = self.tables.iter().map(|(_, table)| table.preview());
        let previews = self.runtime.block_on(futures::future::try_join_all(previews));
        previews.map_err(|error| {
            PipelineError::finding(ir::diag::codes::READ_FAILED, error.to_string(), "extraction")
        })
    }

    /// The tables with their names, for who publishes them. From here on nobody else deletes their files.
    pub(crate) fn take_tables(&mut self) -> Vec<(String, StagedTable)> {
        std::mem::take(&mut self.tables)
    }

    /// What the commits of the tables of these names did.
    pub(crate) fn published(mut self, names: &[String], committed: &[Committed]) -> Extracted {
        let table = |(location, committed): (&String, &Committed)| ExtractedTable {
            location: location.clone(),
            rows: committed.rows,
            files: committed.files_added,
            bytes: committed.bytes,
            version: committed.version,
        };
        Extracted {
            summary: std::mem::take(&mut self.summary),
            tables: names.iter().zip(committed).map(table).collect(),
            stages: std::mem::take(&mut self.stages),
        }
    }
}

impl Drop for Extraction {
    fn drop(&mut self) {
        let tables = self.take_tables();
        // Inside a runtime nothing may wait; there the files go in the background.
        if !tables.is_empty() && Handle::try_current().is_err() {
            self.runtime.block_on(discard_staged(tables));
        }
    }
}

/// Extracts the source code of the repositories into tables below `lake`, each in the folder `prefix` and its
/// name. They are complete when this returns, and [`Extraction::publish`] makes them visible. Until then, or until the
/// extraction is dropped, nobody else of this program writes to them.
///
/// # Errors
/// When a repository cannot be read, a table cannot be written or is being written by somebody else, or the workers are
/// stopped. No file is left then.
pub fn extract(
    repositories: &[Repository],
    lake: &Path,
    prefix: &str,
    options: &ExtractOptions,
    workers: &Workers,
    observer: &dyn Observer,
) -> Result<Extraction> {
    let observer: &dyn Observer = &(Traced::extraction(), observer);
    let lake = absolute(lake)?;
    let repositories = repositories.iter().map(|repository| without_lake(repository, &lake));
    let repositories = repositories.collect::<Result<Vec<Repository>>>()?;
    let folders: Vec<String> = Table::ALL.iter().map(|table| format!("{prefix}{}", table.name())).collect();
    no_linked_tables(&lake, folders.iter().map(String::as_str))?;
    let used = folders.iter().map(|folder| (folder.as_str(), Use::Exclusive));
    let work = format!("an extraction of {}", shown_folders(&repositories));
    let (roots, waiting) = (with_folder(&Roots::default(), &lake)?, workers.waiting());
    let locks = Locks::of_tables(&lake, &roots, used, &work, &waiting, &mut |busy| observer.waiting(busy))?;
    let options = extractor_options(options, workers);
    let (runtime, cancellation) = (workers.runtime()?, workers.cancellation());
    let extracting = || {
        let mut sink = LakeSink::open(&lake, prefix, workers, observer)?;
        let summary = match extract::extract(&repositories, &options, &mut sink) {
            Ok(summary) => summary,
            Err(error) => {
                sink.abort();
                return Err(stopped_by(error, cancellation));
            }
        };
        let written = sink.close()?;
        Ok((summary, runtime.block_on(stage(written, prefix))?))
    };
    let mut stages = Stages::default();
    let (summary, tables) = staged(&mut stages, observer, Stage::Extract, extracting)?;
    let extraction = Extraction { summary, stages, tables, runtime: runtime.handle().clone(), _locks: locks };
    workers.must_go_on()?;
    Ok(extraction)
}

/// The folders of repositories, for messages.
pub fn shown_folders(repositories: &[Repository]) -> String {
    let folders: Vec<String> =
        repositories.iter().map(|repository| repository.root.display().to_string()).collect();
    folders.join(", ")
}

/// The repository with its absolute path. The tables of a lake inside it are not part of its source code.
fn without_lake(repository: &Repository, lake: &Path) -> Result<Repository> {
    let mut repository = repository.clone();
    repository.root = absolute(&repository.root)?;
    // Both without links, so that one is found inside the other.
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let (lake, root) = (real(lake), real(&repository.root));
    let inside = lake.strip_prefix(&root).ok().filter(|inside| !inside.as_os_str().is_empty());
    repository.exclude.extend(inside.map(folder_pattern));
    Ok(repository)
}

fn extractor_options(wanted: &ExtractOptions, workers: &Workers) -> Options {
    let mut options = Options {
        exclude: wanted.exclude.clone(),
        syntax: wanted.syntax,
        stop: workers.cancellation().flag(),
        ..Options::default()
    };
    if let Some(bytes) = wanted.max_file_bytes {
        options.max_file_bytes = bytes;
    }
    if let Some(limit) = wanted.file_time_limit {
        options.file_time_limit = limit;
    }
    if let Some(threads) = std::num::NonZeroUsize::new(workers.options().session.target_partitions) {
        options.threads = threads;
    }
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

async fn discard(written: Written) {
    for (_, _, files) in written {
        files.discard().await;
    }
}

async fn discard_staged(tables: Vec<(String, StagedTable)>) {
    for (_, table) in tables {
        table.discard().await;
    }
}

/// Makes what was written the next version of every table. Nobody can see them yet.
async fn stage(written: Written, prefix: &str) -> Result<Vec<(String, StagedTable)>> {
    let options = CommitOptions {
        metadata: BTreeMap::from([
            ("codeanatomy.run_started_at".to_owned(), timestamp(now())),
            ("codeanatomy.producer".to_owned(), concat!("extract ", env!("CARGO_PKG_VERSION")).to_owned()),
        ]),
        ..CommitOptions::default()
    };
    let mut staged = Vec::new();
    let mut written = written.into_iter();
    while let Some((table, target, files)) = written.next() {
        match target.stage(vec![files], &options).await {
            Ok(next) => staged.push((format!("{prefix}{}", table.name()), next)),
            Err(error) => {
                discard_staged(staged).await;
                discard(written.collect()).await;
                let code = ir::diag::codes::WRITE_FAILED;
                return Err(PipelineError::finding(code, error.to_string(), "extraction"));
            }
        }
    }
    Ok(staged)
}

/// Publishes all tables: what has changed since it was opened stops all of them.
fn commit(runtime: &Runtime, names: &[String], staged: Vec<StagedTable>) -> Result<Vec<Committed>> {
    let (committed, error) = match runtime.block_on(delta::publish(staged, || false)) {
        Ok(committed) => return Ok(committed),
        Err(PublishError::Failed { committed, source, .. }) => (committed, source),
        Err(PublishError::Stopped) => return Err(PipelineError::interrupted()),
    };
    let committed: Vec<&str> =
        committed.iter().filter_map(|(index, _)| names.get(*index).map(String::as_str)).collect();
    let code = match *error {
        DeltaError::ConcurrentChange { .. } => ir::diag::codes::COMMIT_CONFLICT,
        _ => ir::diag::codes::COMMIT_FAILED,
    };
    let visible = match (committed.as_slice(), error.as_ref()) {
        ([], DeltaError::CommitUnknown { .. }) => "nothing else was published".to_owned(),
        ([], _) => "nothing was published".to_owned(),
        (committed, _) => format!("published all the same: {}", committed.join(", ")),
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
