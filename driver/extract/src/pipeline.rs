//! Files in parallel, rows in the order of files, memory bounded.
//!
//! The sorted files are cut into groups of about a megabyte. Workers take groups in order; the calling
//! thread hands finished groups to the sink in order. A worker does not start a group that is more than a
//! few groups ahead of the sink, so that a slow sink holds the workers back instead of filling memory.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc};

use arrow::array::{Array, Int64Array, RecordBatch};

use crate::error::ExtractError;
use crate::file::{FileExtractor, report};
use crate::languages::{Linkers, language_of, linkers, markers};
use crate::linking::Work;
use crate::modules::SourceLayout;
use crate::options::{Options, Summary};
use crate::repository::names_of_repositories;
use crate::tables::{FileKey, Table, TableBuilders, TableSink, file_id};
use crate::walk::{FoundFile, Walk};

/// Source bytes in a group; one group is at least one file.
const GROUP_BYTES: u64 = 1 << 20;
/// Files in a group at most.
const GROUP_FILES: usize = 256;
/// Groups a worker may be ahead of the sink, per worker.
const GROUPS_AHEAD: usize = 2;

/// One group's rows.
struct Finished {
    group: usize,
    batches: Vec<(Table, RecordBatch)>,
    summary: Summary,
}

/// Progress of the sink, which holds the workers back.
struct Progress {
    state: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Progress {
    fn lock(&self) -> MutexGuard<'_, (usize, bool)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `group` may start; false when the run was stopped.
    fn wait_for(&self, group: usize, ahead: usize) -> bool {
        let mut state = self.lock();
        while !state.1 && group >= state.0 + ahead {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        !state.1
    }

    fn advance(&self) {
        self.lock().0 += 1;
        self.changed.notify_all();
    }

    fn stop(&self) {
        self.lock().1 = true;
        self.changed.notify_all();
    }
}

/// Stops the run when dropped without having been disarmed: a worker that panics does not leave the others
/// waiting.
struct StopOnPanic<'p>(&'p Progress);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}

/// Extracts all files of `walk` into `sink`.
pub(crate) fn run(walk: &Walk, options: &Options, sink: &mut dyn TableSink) -> Result<Summary, ExtractError> {
    let layout = SourceLayout::new(walk.files.iter().map(|file| file.path.as_str()), markers(), |path| {
        language_of(path).is_some_and(|language| language.modules.is_some())
    })
    .of_repositories(names_of_repositories(&walk.files));
    let linkers = linkers(&walk.files);
    let groups = group(&walk.files);
    let workers = options.threads.get().min(groups.len().max(1));
    let ahead = workers * GROUPS_AHEAD;
    let next = AtomicUsize::new(0);
    let progress = Progress { state: Mutex::new((0, false)), changed: Condvar::new() };
    let (send, receive) = mpsc::channel();
    let mut ids = Vec::new();
    let mut summary = std::thread::scope(|scope| {
        for _ in 0..workers {
            let send = send.clone();
            let (layout, linkers, groups, next, progress) = (&layout, &linkers, &groups, &next, &progress);
            scope.spawn(move || {
                let _guard = StopOnPanic(progress);
                let mut extractor = FileExtractor::new(options, layout, linkers);
                loop {
                    let group = next.fetch_add(1, Ordering::Relaxed);
                    let Some(range) = groups.get(group) else { return };
                    if !progress.wait_for(group, ahead) {
                        return;
                    }
                    let files = walk.files.get(range.clone()).unwrap_or_default();
                    if send.send(extract_group(group, files, &mut extractor, options)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let collected = collect(&receive, &progress, sink, &mut ids);
        progress.stop();
        collected
    })?;
    link(&linkers, walk.files.len(), options, sink)?;
    summary.add(&left_out(walk, sink)?);
    check_unique(ids)?;
    Ok(summary)
}

/// Cuts the files into groups of bounded size.
fn group(files: &[FoundFile]) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let mut start = 0;
    let mut bytes = 0;
    for (index, file) in files.iter().enumerate() {
        bytes += if file.language.is_some() { file.size } else { 0 };
        if bytes >= GROUP_BYTES || index + 1 - start >= GROUP_FILES {
            groups.push(start..index + 1);
            start = index + 1;
            bytes = 0;
        }
    }
    if start < files.len() {
        groups.push(start..files.len());
    }
    groups
}

fn extract_group(
    group: usize,
    files: &[FoundFile],
    extractor: &mut FileExtractor<'_>,
    options: &Options,
) -> Result<Finished, ExtractError> {
    let mut builders = TableBuilders::default();
    let mut summary = Summary::default();
    for file in files {
        options.must_go_on()?;
        summary.add(&extractor.extract(file, &mut builders)?);
    }
    Ok(Finished { group, batches: builders.finish()?, summary })
}

/// Hands groups to the sink in order, until all workers are done.
fn collect(
    receive: &mpsc::Receiver<Result<Finished, ExtractError>>,
    progress: &Progress,
    sink: &mut dyn TableSink,
    ids: &mut Vec<i64>,
) -> Result<Summary, ExtractError> {
    let mut early: BTreeMap<usize, Finished> = BTreeMap::new();
    let mut summary = Summary::default();
    let mut expected = 0;
    for finished in receive {
        let finished = finished?;
        early.insert(finished.group, finished);
        while let Some(current) = early.remove(&expected) {
            summary.add(&current.summary);
            for (table, batch) in current.batches {
                note_ids(table, &batch, ids);
                append(sink, table, batch)?;
            }
            expected += 1;
            progress.advance();
        }
    }
    Ok(summary)
}

fn append(sink: &mut dyn TableSink, table: Table, batch: RecordBatch) -> Result<(), ExtractError> {
    sink.append(table, batch).map_err(|source| ExtractError::Sink { table: table.name(), source })
}

/// Writes what the files of each language, of so many files, mean to each other.
fn link(
    linkers: &Linkers,
    files: usize,
    options: &Options,
    sink: &mut dyn TableSink,
) -> Result<(), ExtractError> {
    for linker in linkers.values() {
        linker.link(&Work::new(&options.stop, files), &mut |builders| {
            options.must_go_on()?;
            builders.finish()?.into_iter().try_for_each(|(table, batch)| append(sink, table, batch))
        })?;
    }
    Ok(())
}

/// Writes what the walk left out, which belongs to no group.
fn left_out(walk: &Walk, sink: &mut dyn TableSink) -> Result<Summary, ExtractError> {
    let mut builders = TableBuilders::default();
    let mut summary = Summary::default();
    for left_out in &walk.left_out {
        let file = FileKey { file_id: file_id(&left_out.path), path: &left_out.path };
        report(&mut builders, &file, left_out.code, &left_out.message);
        if left_out.is_failure {
            summary.extract_errors += 1;
        } else {
            summary.passed_over += 1;
        }
    }
    for (table, batch) in builders.finish()? {
        append(sink, table, batch)?;
    }
    Ok(summary)
}

/// Keeps the identifiers that a batch introduces.
fn note_ids(table: Table, batch: &RecordBatch, ids: &mut Vec<i64>) {
    let Some(name) = table.row_id() else { return };
    let column = batch.column_by_name(name).and_then(|column| column.as_any().downcast_ref::<Int64Array>());
    if let Some(column) = column {
        ids.extend_from_slice(column.values());
    }
}

/// All identifiers of all tables share one space; two equal ones are a collision.
fn check_unique(mut ids: Vec<i64>) -> Result<(), ExtractError> {
    ids.sort_unstable();
    match ids.windows(2).find(|pair| matches!(pair, [left, right] if left == right)) {
        Some(pair) => Err(ExtractError::IdCollision { id: pair.first().copied().unwrap_or_default() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_identifiers_are_found_wherever_they_are() {
        assert!(check_unique(vec![3, 1, 2]).is_ok());
        assert!(matches!(check_unique(vec![3, 1, 2, 1]), Err(ExtractError::IdCollision { id: 1 })));
    }
}
