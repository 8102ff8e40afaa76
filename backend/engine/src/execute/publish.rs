//! The two ends of a run: opening the tables of the outputs, and committing to them.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Instant;

use delta::{
    CommitOptions, Committed, DeltaError, Location, SortColumn, TableTarget, WriteMode, WriteOptions,
    WrittenFiles,
};
use ir::op::{Sink, SinkMode};

use super::{OutputOutcome, RunOptions};
use crate::emit::{PlanDag, SegmentKind, SegmentPlan};
use crate::error::RunError;

/// The key the id of a run is committed under.
const RUN_ID: &str = "codeanatomy.run_id";

/// The tables of the outputs, by name.
pub(super) type Targets = BTreeMap<String, TableTarget>;

/// What the outputs have written, by name: the files, and the partitions they came from.
pub(super) type Written = BTreeMap<String, (Vec<WrittenFiles>, usize)>;

/// The segments that write, with what they write to.
pub(super) fn outputs(dag: &PlanDag) -> impl Iterator<Item = (&SegmentPlan, &Sink)> {
    dag.segments.iter().filter_map(|segment| match &segment.kind {
        SegmentKind::Output(sink) => Some((segment, sink)),
        SegmentKind::SharedView(_) => None,
    })
}

/// Opens the table of every output, or plans its creation.
pub(super) async fn prepare(dag: &PlanDag, options: &RunOptions) -> Result<Targets, RunError> {
    let mut targets = Targets::new();
    for (segment, sink) in outputs(dag) {
        let refused =
            |source: DeltaError| RunError::Prepare { output: segment.name.clone(), source: Box::new(source) };
        let location = Location::parse(&sink.location, &options.base_dir).map_err(refused)?;
        let write = WriteOptions {
            mode: match sink.mode {
                SinkMode::Append => WriteMode::Append,
                SinkMode::Overwrite => WriteMode::Overwrite,
            },
            partition_by: sink.partition_by.clone(),
            sort_by: sink
                .sort_by
                .iter()
                .map(|sort| SortColumn { column: sort.column.clone(), descending: sort.descending })
                .collect(),
            target_file_size: sink.target_file_size.and_then(NonZeroU64::new),
            allow_schema_change: options.allow_schema_change,
            name: Some(segment.name.clone()),
            ..WriteOptions::default()
        };
        let target = TableTarget::prepare(&location, Arc::clone(segment.schema.arrow()), write)
            .await
            .map_err(refused)?;
        targets.insert(segment.name.clone(), target);
    }
    Ok(targets)
}

/// Commits all outputs, ordered by name. Between the first and the last nothing is asked that could stop it.
pub(super) async fn commit(
    sinks: &BTreeMap<String, Sink>,
    mut targets: Targets,
    mut written: Written,
    options: &RunOptions,
) -> Result<Vec<OutputOutcome>, RunError> {
    let Some(_publishing) = options.cancellation.publishing() else {
        discard(written).await;
        return Err(RunError::Cancelled { committed: Vec::new() });
    };
    let mut committed: Vec<OutputOutcome> = Vec::new();
    for (name, sink) in sinks {
        let names =
            |committed: &[OutputOutcome]| committed.iter().map(|output| output.table.clone()).collect();
        let (Some(target), Some((files, partitions))) = (targets.remove(name), written.remove(name)) else {
            discard(written).await;
            return Err(RunError::Internal {
                segment: format!("output {name}"),
                message: "it was never written".to_owned(),
            });
        };
        let started = Instant::now();
        match committed_for_sure(target, files, commit_options(sink, options)).await {
            Ok(commit) => {
                let outcome = OutputOutcome {
                    table: name.clone(),
                    location: sink.location.clone(),
                    rows: commit.rows,
                    files: commit.files_added,
                    files_removed: commit.files_removed,
                    bytes: commit.bytes,
                    version: commit.version,
                    partitions,
                    commit: started.elapsed(),
                };
                options.observer.output_committed(&outcome);
                committed.push(outcome);
            }
            Err(source) => {
                discard(written).await;
                let committed = names(&committed);
                return Err(RunError::Commit { output: name.clone(), committed, source: Box::new(source) });
            }
        }
    }
    Ok(committed)
}

/// A commit that, once begun, ends: a run that is dropped in the middle of it must not leave it half done.
async fn committed_for_sure(
    target: TableTarget,
    files: Vec<WrittenFiles>,
    options: CommitOptions,
) -> Result<Committed, DeltaError> {
    let location = target.location().to_string();
    let commit = tokio::spawn(async move { target.commit(files, &options).await });
    match commit.await {
        Ok(outcome) => outcome,
        Err(stopped) => Err(DeltaError::WriterStopped { location, reason: stopped.to_string() }),
    }
}

fn commit_options(sink: &Sink, options: &RunOptions) -> CommitOptions {
    let mut metadata = sink.metadata.clone();
    metadata.extend(options.metadata.clone());
    metadata.insert(RUN_ID.to_owned(), options.run_id.clone());
    let default = CommitOptions::default();
    let max_retries = sink.max_commit_retries.and_then(|retries| usize::try_from(retries).ok());
    CommitOptions { metadata, max_retries: max_retries.unwrap_or(default.max_retries) }
}

/// Deletes files that will not be committed. What cannot be deleted stays invisible.
pub(super) async fn discard(written: Written) {
    for (files, _) in written.into_values() {
        for files in files {
            files.discard().await;
        }
    }
}
