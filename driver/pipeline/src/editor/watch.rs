//! Waiting until a spec changes, or a table that it reads.
//!
//! Editors save in many ways: they write into the file, or put another in its place, for which it may be gone for a moment. So
//! it is its folder that is watched, for its name. A table has changed when its log has a new commit.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::folders::absolute;
use crate::{Cancellation, PipelineError, Result, Source};

/// The longest time from the first sign of a change until it is told: changes come in groups.
pub const DEBOUNCE: Duration = Duration::from_millis(200);
/// A group has ended when nothing came for so long.
const QUIET: Duration = Duration::from_millis(50);
/// How often the switch is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Watches a spec and the logs of the tables that it reads.
#[derive(Debug)]
pub struct Watch {
    spec: PathBuf,
    /// The files that are the spec: it, and what it is a link to.
    files: BTreeSet<PathBuf>,
    /// The folders of logs.
    logs: BTreeSet<PathBuf>,
    watched: BTreeSet<PathBuf>,
    watcher: RecommendedWatcher,
    events: Receiver<notify::Result<Event>>,
}

impl Watch {
    /// Watches a spec from now on. It need not exist yet, but its folder must.
    ///
    /// # Errors
    /// When the folder cannot be watched.
    pub fn of(spec: &Path) -> Result<Self> {
        let spec = absolute(spec)?;
        let (send, events) = channel();
        let watcher = notify::recommended_watcher(move |event| {
            // Nobody listens any more when this fails.
            let _gone = send.send(event);
        });
        let watcher = watcher.map_err(|error| failed(&spec, error))?;
        let (files, logs, watched) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut watch = Self { spec, files, logs, watched, watcher, events };
        watch.follow(None)?;
        Ok(watch)
    }

    /// Watches the tables that the spec reads now; nothing changes about tables while it cannot be read.
    ///
    /// # Errors
    /// When the folder of the spec cannot be watched. Tables whose folders cannot be watched are passed over: reading them
    /// fails as well.
    pub fn follow(&mut self, source: Option<&Source>) -> Result<()> {
        self.files = BTreeSet::from([self.spec.clone()]);
        self.files.extend(std::fs::canonicalize(&self.spec));
        if let Some(source) = source {
            let inputs = source.spec.input_relations.iter();
            let places = inputs.filter_map(|input| {
                delta::Location::parse(&input.delta_location, &source.base_dir).ok()?.as_path()
            });
            self.logs = places.map(|table| table.join("_delta_log")).collect();
        }
        let folders = self.files.iter().filter_map(|file| file.parent());
        let mut wanted: BTreeSet<PathBuf> = folders.map(Path::to_owned).collect();
        let spec_folders = wanted.clone();
        // A table that is not there yet is made in a folder that is.
        let logs = self.logs.iter().filter_map(|log| log.ancestors().find(|folder| folder.is_dir()));
        wanted.extend(logs.map(Path::to_owned));
        for old in self.watched.difference(&wanted) {
            // It may be gone, and its watch with it.
            let _gone = self.watcher.unwatch(old);
        }
        self.watched.retain(|folder| wanted.contains(folder));
        for folder in wanted {
            if self.watched.contains(&folder) {
                continue;
            }
            match self.watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(folder);
                }
                Err(error) if spec_folders.contains(&folder) => return Err(failed(&folder, error)),
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Waits for a change, and until no more come, [`DEBOUNCE`] at the longest. False when the switch was thrown instead.
    ///
    /// # Errors
    /// When nothing more will be told of changes.
    pub fn changed(&self, cancellation: &Cancellation) -> Result<bool> {
        let mut first: Option<Instant> = None;
        loop {
            if cancellation.is_cancelled() {
                return Ok(false);
            }
            let wait = match first {
                None => LOOK,
                Some(first) => QUIET.min(DEBOUNCE.saturating_sub(first.elapsed())),
            };
            match self.events.recv_timeout(wait) {
                Ok(event) if self.is_change(&event) => {
                    first.get_or_insert_with(Instant::now);
                }
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) if first.is_some() => return Ok(true),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(failed(&self.spec, notify::Error::generic("the watcher has ended")));
                }
            }
            if first.is_some_and(|first| first.elapsed() >= DEBOUNCE) {
                return Ok(true);
            }
        }
    }

    /// Whether an event is about the spec or a log. What got lost may have been.
    fn is_change(&self, event: &notify::Result<Event>) -> bool {
        let Ok(event) = event else { return true };
        if event.need_rescan() {
            return true;
        }
        if matches!(event.kind, EventKind::Access(_)) {
            return false;
        }
        let concerns = |path: &PathBuf| {
            self.files.contains(path)
                || self.logs.iter().any(|log| path.parent() == Some(log) || log.starts_with(path))
        };
        event.paths.iter().any(concerns)
    }
}

fn failed(path: &Path, error: notify::Error) -> PipelineError {
    let error = match error.kind {
        notify::ErrorKind::Io(error) => error,
        _ => std::io::Error::other(error.to_string()),
    };
    PipelineError::file("watch", path, error)
}
