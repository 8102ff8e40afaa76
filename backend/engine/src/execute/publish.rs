//! The two ends of a run: preparing the tables of the outputs, and making their next versions, which nobody sees before
//! they are committed.

use std::collections::BTreeMap;
use std::time::Instant;

use delta::{
    CommitOptions, Committed, DeltaError, PublishError, StagedTable, TableTarget, WriteOptions, WrittenFiles,
};
use ir::op::Sink;

use super::{OutputOutcome, RunOptions};
use crate::dag::{PlanDag, SegmentKind, SegmentPlan};
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
        SegmentKind::SharedView(_) | SegmentKind::Check(_) => None,
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

/// The next version of every output, and the partitions it came from, by name.
pub(super) type Staged = BTreeMap<String, (StagedTable, usize)>;

/// Makes what was written the next version of every output. Nobody can see them yet.
pub(super) async fn stage(
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
                table
                    .map(|table| (table, partitions))
                    .map_err(|source| RunError::Write { output: name.clone(), source: Box::new(source) })
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
                discard_staged(staged).await;
                return Err(error);
            }
        }
    }
    Ok(staged)
}

/// Publishes the tables in `before`, each with its name, in their order, then all outputs, ordered by name. Once this has
/// begun nothing stops it.
pub(super) async fn commit(
    sinks: &BTreeMap<String, Sink>,
    before: Vec<(String, StagedTable)>,
    staged: Staged,
    options: &RunOptions,
) -> Result<(Vec<Committed>, Vec<OutputOutcome>), RunError> {
    let Some(_publishing) = options.cancellation.publishing() else {
        discard_staged(staged).await;
        for (_, table) in before {
            table.discard().await;
        }
        return Err(RunError::Cancelled { committed: Vec::new() });
    };
    let started = Instant::now();
    let firsts = before.len();
    let partitions: BTreeMap<&String, usize> =
        sinks.keys().zip(staged.values().map(|(_, partitions)| *partitions)).collect();
    let (mut names, mut tables): (Vec<String>, Vec<StagedTable>) = before.into_iter().unzip();
    names.extend(staged.keys().cloned());
    tables.extend(staged.into_values().map(|(table, _)| table));
    let (committed, failure) = match published_for_sure(tables).await {
        Ok(committed) => (committed.into_iter().enumerate().collect(), None),
        Err(PublishError::Stopped) => return Err(RunError::Cancelled { committed: Vec::new() }),
        Err(PublishError::Failed { committed, table, source, .. }) => (committed, Some((table, source))),
    };
    let outcome = |(index, commit): &(usize, Committed)| {
        let name = names.get(*index)?;
        Some(OutputOutcome {
            table: name.clone(),
            location: sinks.get(name)?.location.clone(),
            rows: commit.rows,
            files: commit.files_added,
            files_removed: commit.files_removed,
            bytes: commit.bytes,
            digest: commit.digest,
            version: commit.version,
            partitions: partitions.get(name).copied().unwrap_or_default(),
            commit: started.elapsed(),
        })
    };
    let (first, rest): (Vec<_>, Vec<_>) = committed.into_iter().partition(|(index, _)| *index < firsts);
    let outputs: Vec<OutputOutcome> = rest.iter().filter_map(outcome).collect();
    for output in &outputs {
        options.observer.output_committed(output);
    }
    let Some((failed, source)) = failure else {
        return Ok((first.into_iter().map(|(_, committed)| committed).collect(), outputs));
    };
    let published: Vec<usize> = first.iter().chain(&rest).map(|(index, _)| *index).collect();
    let named = |index: &usize| names.get(*index).cloned();
    Err(RunError::Commit {
        output: named(&failed).unwrap_or_default(),
        committed: published.iter().filter_map(named).collect(),
        uncommitted: (0..names.len())
            .filter(|index| *index != failed && !published.contains(index))
            .filter_map(|index| named(&index))
            .collect(),
        source,
    })
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

/// As [`discard`], of versions that are complete.
pub(super) async fn discard_staged(staged: Staged) {
    for (table, _) in staged.into_values() {
        table.discard().await;
    }
}
