//! The two ends of a run: preparing the tables of the outputs, and committing to them.

use std::collections::BTreeMap;
use std::time::Instant;

use delta::{
    CommitOptions, Committed, DeltaError, PublishError, StagedTable, TableTarget, WriteOptions, WrittenFiles,
};
use ir::op::Sink;

use super::{OutputOutcome, RunOptions};
use crate::emit::{PlanDag, SegmentKind, SegmentPlan};
use crate::error::RunError;
use crate::oracle::write_options;

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

/// What is written to the table of every output, based on what it was when the inputs were opened.
pub(super) fn prepare(dag: &PlanDag, options: &RunOptions) -> Result<Targets, RunError> {
    let mut targets = Targets::new();
    for (segment, sink) in outputs(dag) {
        let name = &segment.name;
        let base = dag.bases.get(name).ok_or_else(|| RunError::Internal {
            segment: segment.title(),
            message: "its table was not opened".to_owned(),
        })?;
        let write = WriteOptions { disk: options.disk.clone(), ..write_options(name, sink) };
        let target = TableTarget::on(base, segment.schema.arrow(), write)
            .map_err(|reasons| RunError::Prepare { output: name.clone(), reasons })?;
        targets.insert(name.clone(), target);
    }
    Ok(targets)
}

/// The next version of every output, by name.
type Staged = BTreeMap<String, (StagedTable, usize)>;

/// Makes what was written the next version of every output. Nobody can see them yet.
async fn stage(
    sinks: &BTreeMap<String, Sink>,
    mut targets: Targets,
    mut written: Written,
    options: &RunOptions,
) -> Result<Staged, RunError> {
    let mut staged = Staged::new();
    for (name, sink) in sinks {
        let table = match (targets.remove(name), written.remove(name)) {
            (Some(target), Some((files, partitions))) => {
                let table = target.stage(files, &commit_options(sink, options)).await;
                table.map(|table| (table, partitions)).map_err(|source| failed(sinks, name, &[], source))
            }
            _ => Err(RunError::Internal {
                segment: format!("output {name}"),
                message: "it was never written".to_owned(),
            }),
        };
        match table {
            Ok(table) => {
                staged.insert(name.clone(), table);
            }
            Err(error) => {
                discard(written).await;
                for (table, _) in staged.into_values() {
                    table.discard().await;
                }
                return Err(error);
            }
        }
    }
    Ok(staged)
}

/// Publishes all outputs, ordered by name. Once this has begun nothing stops it.
pub(super) async fn commit(
    sinks: &BTreeMap<String, Sink>,
    targets: Targets,
    written: Written,
    options: &RunOptions,
) -> Result<Vec<OutputOutcome>, RunError> {
    let Some(_publishing) = options.cancellation.publishing() else {
        discard(written).await;
        return Err(RunError::Cancelled { committed: Vec::new() });
    };
    let started = Instant::now();
    let staged = stage(sinks, targets, written, options).await?;
    let partitions: Vec<usize> = staged.values().map(|(_, partitions)| *partitions).collect();
    let staged = staged.into_values().map(|(table, _)| table).collect();
    let (committed, failure) = match published_for_sure(staged).await {
        Ok(committed) => (committed.into_iter().enumerate().collect(), None),
        Err(PublishError::Stopped) => return Err(RunError::Cancelled { committed: Vec::new() }),
        Err(PublishError::Failed { committed, table, source, .. }) => (committed, Some((table, source))),
    };
    let outcome = |(index, commit): &(usize, Committed)| {
        let (name, sink) = sinks.iter().nth(*index)?;
        Some(OutputOutcome {
            table: name.clone(),
            location: sink.location.clone(),
            rows: commit.rows,
            files: commit.files_added,
            files_removed: commit.files_removed,
            bytes: commit.bytes,
            version: commit.version,
            partitions: partitions.get(*index).copied().unwrap_or_default(),
            commit: started.elapsed(),
        })
    };
    let outputs: Vec<OutputOutcome> = committed.iter().filter_map(outcome).collect();
    for output in &outputs {
        options.observer.output_committed(output);
    }
    let Some((table, source)) = failure else { return Ok(outputs) };
    let name = sinks.keys().nth(table).map_or("", String::as_str);
    let names: Vec<String> = outputs.into_iter().map(|output| output.table).collect();
    Err(failed(sinks, name, &names, *source))
}

/// A failure to publish the output `name` after `committed` were.
fn failed(sinks: &BTreeMap<String, Sink>, name: &str, committed: &[String], source: DeltaError) -> RunError {
    let is_left = |other: &&String| *other != name && !committed.contains(other);
    RunError::Commit {
        output: name.to_owned(),
        committed: committed.to_vec(),
        uncommitted: sinks.keys().filter(is_left).cloned().collect(),
        source: Box::new(source),
    }
}

/// Publishes in a task of its own: a run that is dropped in the middle of it must not leave it half done.
async fn published_for_sure(tables: Vec<StagedTable>) -> Result<Vec<Committed>, PublishError> {
    let location = tables.first().map(|table| table.location().to_string()).unwrap_or_default();
    let publishing = tokio::spawn(delta::publish(tables, || false));
    publishing.await.unwrap_or_else(|stopped| {
        Err(PublishError::Failed {
            committed: Vec::new(),
            not_durable: Vec::new(),
            table: 0,
            source: Box::new(DeltaError::WriterStopped { location, reason: stopped.to_string() }),
        })
    })
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
