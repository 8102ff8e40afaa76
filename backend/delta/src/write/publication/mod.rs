//! Making versions of several tables visible, together as far as Delta can.
//!
//! 1. All data files of all tables, all commit files, and every folder on the way to them become durable.
//! 2. Each commit gets its name, one after the other, by a link that fails if somebody else has the version. Before the
//!    first of them all are looked at, so that a table that has changed stops all. Nothing else happens in between: no
//!    file is written, nobody is asked, and dropping the future does not stop it.
//! 3. The names become durable. Only then is anything reported.

mod commit;
mod remove;
mod stage;

pub use commit::{CommitOptions, Committed, is_reserved};
pub use stage::StagedTable;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use deltalake::kernel::Action;

use super::files::Uncommitted;
use super::target::{Target, WriteMode};
use crate::durable::{Disk, Surviving, without_links};
use crate::error::{DeltaError, Result};
use crate::log::{commit_id, read_actions};

/// Why not everything was published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// It was stopped before the first commit. Nothing was published, and the files are deleted.
    #[error("publishing was stopped before the first commit")]
    Stopped,
    /// One table failed.
    #[error("{source}")]
    Failed {
        /// The tables that are committed all the same, by their index, in the order of their commits. If the failure is
        /// that a commit is [not durable](DeltaError::CommitNotDurable), this includes it.
        committed: Vec<(usize, Committed)>,
        /// Those of them of which it is not certain that they survive a crash of the machine.
        not_durable: Vec<usize>,
        /// The index of the table that failed.
        table: usize,
        /// Why.
        source: Box<DeltaError>,
    },
}

/// Publishes the next versions of `tables`, in this order; gives what each commit did. `stopped` is asked once, right
/// before the first commit.
///
/// # Errors
/// The files of what is not committed for certain are deleted. Several tables cannot be committed at once: after a
/// failure between two commits the first stand, and the error says which.
pub async fn publish(
    tables: Vec<StagedTable>,
    stopped: impl FnOnce() -> bool + Send,
) -> Result<Vec<Committed>, PublishError> {
    let failed = |committed, not_durable, (table, source): Failure| PublishError::Failed {
        committed,
        not_durable,
        table,
        source: Box::new(source),
    };
    let (tables, failure) = harden(tables).await;
    if let Some(failure) = failure {
        discard(tables).await;
        return Err(failed(Vec::new(), Vec::new(), failure));
    }
    if stopped() {
        discard(tables).await;
        return Err(PublishError::Stopped);
    }
    let (linked, failure) = link(tables).await;
    let lost = keep_names(&linked).await;
    let not_durable = lost.iter().map(|(table, _)| *table).collect();
    let committed: Vec<_> = linked.into_iter().map(|linked| (linked.table, linked.committed)).collect();
    match failure.or_else(|| lost.into_iter().next()) {
        None => Ok(committed.into_iter().map(|(_, committed)| committed).collect()),
        Some(failure) => Err(failed(committed, not_durable, failure)),
    }
}

/// The table that failed, and why.
type Failure = (usize, DeltaError);

async fn discard(tables: Vec<StagedTable>) {
    for table in tables {
        table.discard().await;
    }
}

/// Writes the commits under names nobody reads, and makes everything durable that they will need.
async fn harden(tables: Vec<StagedTable>) -> (Vec<StagedTable>, Option<Failure>) {
    let failed = |tables: &[StagedTable], index: usize, error: io::Error| {
        let location = tables.get(index).map_or("", |table| table.location().text());
        (index, DeltaError::delta(location, "making its files durable", error))
    };
    let tables = Arc::new(tables);
    let shared = Arc::clone(&tables);
    let written = tokio::task::spawn_blocking(move || write_commits(&shared)).await;
    // The task is done with it, however it ended.
    let tables = Arc::into_inner(tables).unwrap_or_default();
    let disks = match written {
        Ok(Ok(disks)) => disks,
        Ok(Err((index, error))) => {
            let failure = failed(&tables, index, error);
            return (tables, Some(failure));
        }
        Err(stopped) => {
            let failure = failed(&tables, 0, io::Error::other(stopped));
            return (tables, Some(failure));
        }
    };
    for (disk, surviving) in disks {
        if let Err(error) = disk.sync(surviving).await {
            let root = |table: &StagedTable| table.target.root.clone();
            let on_the_way = |table: &StagedTable| {
                error.path.starts_with(root(table)) || root(table).starts_with(&error.path)
            };
            let index = tables.iter().position(on_the_way).unwrap_or(0);
            let failure = failed(&tables, index, error.into());
            return (tables, Some(failure));
        }
    }
    (tables, None)
}

/// Writes the commits of all tables. Gives what has to survive before they may be seen, by disk.
fn write_commits(tables: &[StagedTable]) -> Result<Vec<(Disk, Surviving)>, (usize, io::Error)> {
    let mut disks: Vec<(Disk, Surviving)> = Vec::new();
    for (index, table) in tables.iter().enumerate() {
        let disk = &table.target.disk;
        let mut surviving = Surviving::default();
        write_commit(table, &mut surviving).map_err(|error| (index, error))?;
        match disks.iter_mut().find(|(known, _)| known.is(disk)) {
            Some((_, all)) => all.extend(surviving),
            None => disks.push((disk.clone(), surviving)),
        }
    }
    Ok(disks)
}

fn write_commit(table: &StagedTable, surviving: &mut Surviving) -> io::Result<()> {
    let target = &table.target;
    let staged = table.staged_path();
    table.staged_commit.guard(staged.clone());
    without_links(&staged)?;
    target.disk.write(&staged, &table.commit.bytes)?;
    surviving.content(staged);
    for file in table.files.iter().flat_map(|files| &files.adds) {
        let file = target.root.join(&file.path);
        surviving.folders_below(&target.root, &file);
        surviving.file(file);
    }
    if target.base.is_none() {
        // The folder of its log is new, its own most often, and perhaps others above it.
        target.disk.settle(&target.log_folder(), surviving)?;
    }
    Ok(())
}

/// A commit that is visible.
struct Linked {
    table: usize,
    committed: Committed,
    target: Arc<Target>,
}

/// Gives the commits their names. Returns those that have one, and what stopped the others.
async fn link(tables: Vec<StagedTable>) -> (Vec<Linked>, Option<Failure>) {
    // If this future is dropped halfway, the commits may have landed: nothing may delete the files then.
    let kept: Vec<Vec<Vec<PathBuf>>> =
        tables.iter().map(|table| table.guards().map(Uncommitted::release).collect()).collect();
    let mut versions: Vec<u64> = tables.iter().map(StagedTable::version).collect();
    let mut lost_races = 0;
    let mut done = 0;
    let tables = Arc::new(tables);
    let failure = loop {
        let (shared, wanted) = (Arc::clone(&tables), versions.clone());
        let attempt = tokio::task::spawn_blocking(move || link_from(&shared, &wanted, done)).await;
        let failed = match attempt {
            Ok((linked, failed)) => {
                if linked > done {
                    lost_races = 0;
                }
                done = linked;
                failed
            }
            Err(stopped) => Some((done, io::Error::other(stopped))),
        };
        let Some((index, error)) = failed else { break None };
        let (Some(table), Some(version)) = (tables.get(index), versions.get_mut(index)) else { break None };
        match table.after_failure(*version, error, lost_races).await {
            Ok(None) => done = index + 1,
            Ok(Some(next)) => {
                lost_races += 1;
                *version = next;
            }
            Err(error) => break Some((index, error)),
        }
    };
    let mut linked = Vec::new();
    let tables = Arc::into_inner(tables).unwrap_or_default();
    for (index, ((table, kept), version)) in tables.into_iter().zip(kept).zip(versions).enumerate() {
        if index < done {
            let committed = Committed { version, ..table.commit.summary };
            linked.push(Linked { table: index, committed, target: Arc::clone(&table.target) });
        } else if !matches!(&failure, Some((failed, DeltaError::CommitUnknown { .. })) if *failed == index) {
            for (guard, files) in table.guards().zip(kept) {
                guard.reclaim(files);
            }
            table.discard().await;
        }
    }
    (linked, failure)
}

/// Gives the commits from the index `from` on their names, as long as that works. Returns the index of the first that
/// has none, and which table is the reason: a later one, if it has changed and nothing is committed yet.
fn link_from(tables: &[StagedTable], versions: &[u64], from: usize) -> (usize, Option<(usize, io::Error)>) {
    let all = || tables.iter().zip(versions).enumerate();
    if from == 0 {
        for (index, (table, version)) in all() {
            let target = &table.target;
            if !table.rebases() && matches!(target.disk.exists(&target.commit_path(*version)), Ok(true)) {
                return (from, Some((index, io::ErrorKind::AlreadyExists.into())));
            }
        }
    }
    for (index, (table, version)) in all().skip(from) {
        let (target, staged) = (&table.target, table.staged_path());
        if let Err(error) = target.disk.link(&staged, &target.commit_path(*version)) {
            return (index, Some((index, error)));
        }
        // Its other name means nothing to anybody; a failure to remove it neither.
        let _ = target.disk.unlink(&staged);
    }
    (tables.len(), None)
}

impl StagedTable {
    /// What to do after its commit did not get the name of `version`: nothing, because it has it after all (`None`), or
    /// try another version.
    ///
    /// # Errors
    /// When there is nothing more to try.
    async fn after_failure(&self, version: u64, error: io::Error, lost_races: usize) -> Result<Option<u64>> {
        let target = &self.target;
        let location = target.location.text();
        // An error does not say that nothing happened: the answer may have been lost, and a retry inside the file
        // system may have met its own first attempt.
        let found = match read_actions(&target.store, version, location).await {
            Ok(found) => found,
            Err(_) => {
                return Err(DeltaError::CommitUnknown {
                    location: location.into(),
                    version,
                    commit_id: self.commit.id.clone(),
                    source: Box::new(error.into()),
                });
            }
        };
        match found {
            Some(actions) if commit_id(&actions) == Some(&self.commit.id) => Ok(None),
            Some(actions) if self.rebases() && lost_races < self.max_retries => {
                target.after(version, actions).await.map(Some)
            }
            Some(actions) => Err(target.changed(version, &actions)),
            None => Err(DeltaError::delta(location, "committing (nothing was committed)", error)),
        }
    }
}

impl Target {
    /// Whether its commit may come after versions it was not based on.
    fn rebases(&self) -> bool {
        self.mode == WriteMode::Append && self.base.is_some()
    }

    /// The first free version after `taken`, if every version up to it only appends.
    async fn after(&self, taken: u64, actions: Vec<Action>) -> Result<u64> {
        let mut version = taken;
        let mut next = Some(actions);
        while let Some(actions) = next {
            let appends = actions
                .iter()
                .all(|action| matches!(action, Action::Add(_) | Action::CommitInfo(_) | Action::Txn(_)));
            if !appends {
                return Err(self.changed(version, &actions));
            }
            version += 1;
            next = read_actions(&self.store, version, self.location.text()).await?;
        }
        Ok(version)
    }

    fn changed(&self, found: u64, actions: &[Action]) -> DeltaError {
        let operation = actions.iter().find_map(|action| match action {
            Action::CommitInfo(info) => info.operation.clone(),
            _ => None,
        });
        DeltaError::ConcurrentChange {
            location: self.location.to_string(),
            base: self.base.as_ref().map(|snapshot| snapshot.version()),
            found,
            change: operation.unwrap_or_else(|| "an unnamed operation".into()),
        }
    }
}

/// Makes the names of commits durable. Gives those of which that is not certain.
async fn keep_names(linked: &[Linked]) -> Vec<Failure> {
    let keep = |linked: &Linked| {
        let (table, target, version) = (linked.table, Arc::clone(&linked.target), linked.committed.version);
        async move {
            let mut names = Surviving::default();
            names.name(target.commit_path(version));
            let error = target.disk.sync(names).await.err()?;
            let location = target.location.to_string();
            Some((table, DeltaError::CommitNotDurable { location, version, source: error.into() }))
        }
    };
    futures::future::join_all(linked.iter().map(keep)).await.into_iter().flatten().collect()
}
