//! Waiting until a spec changes, or a table that it reads.
//!
//! Editors save in many ways: they write into the file, or put another in its place, for which it may be gone for a moment. So
//! it is its folder that is watched, for its name. A table has changed when its log has a new commit, an input of files when a
//! path that it names has. What the system does not tell, since it happens above a folder or to a link on the way to it, is
//! looked for every now and then ([`POLL`]): a place is another one then.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use delta::{Access, Roots};
use engine::PlaceOfFiles;
use ir::spec::InputRelation;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::folders::absolute;
use crate::{Cancellation, PipelineError, Result, Source};

/// The longest time from the first sign of a change until it is told: changes come in groups.
pub const DEBOUNCE: Duration = Duration::from_millis(200);
/// A group has ended when nothing came for so long.
const QUIET: Duration = Duration::from_millis(50);
/// How often the switch is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How often it is looked whether the places of inputs are still the same.
const POLL: Duration = Duration::from_secs(2);

/// Watches a spec, and the tables that it reads.
#[derive(Debug)]
pub struct Watch {
    spec: PathBuf,
    /// The spec, and files that say something of how it is read: values of parameters.
    named: Vec<PathBuf>,
    /// Those files, and what they are links to.
    files: BTreeSet<PathBuf>,
    inputs: Vec<Watched>,
    /// The places of inputs as the spec spells them, with what is there.
    places: BTreeMap<PathBuf, Option<Inode>>,
    watched: BTreeMap<PathBuf, Watching>,
    watcher: RecommendedWatcher,
    events: Receiver<notify::Result<Event>>,
}

/// How a folder is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Watching {
    /// With the folders below it.
    is_deep: bool,
    inode: Option<Inode>,
}

/// What tells a file or folder from another that has come in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Inode {
    device: u64,
    number: u64,
}

impl Inode {
    /// That of what a path leads to, through links.
    fn at(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self { device: metadata.dev(), number: metadata.ino() })
    }
}

impl Watching {
    fn of(folder: &Path, is_deep: bool) -> Self {
        Self { is_deep, inode: Inode::at(folder) }
    }
}

/// What is watched of an input.
#[derive(Debug)]
enum Watched {
    /// The folder of the log of a Delta table.
    Log(PathBuf),
    /// The root of files, and which of those below it are meant.
    Files(PathBuf, PlaceOfFiles),
}

impl Watched {
    /// With the place as the spec spells it. Nothing for what cannot be watched, or must not be read.
    fn of(input: &InputRelation, base: &Path, roots: &Roots) -> Option<(PathBuf, Self)> {
        let text = input.place()?;
        if input.format.is_some() {
            let place = PlaceOfFiles::parse(text, base).ok()?;
            roots.check(&place.root, Access::Read).ok()?;
            let root = place.root.as_path()?;
            return Some((base.join(place.root.text()), Self::Files(root, place)));
        }
        let place = delta::Location::parse(text, base).ok()?;
        roots.check(&place, Access::Read).ok()?;
        Some((base.join(place.text()), Self::Log(place.as_path()?.join("_delta_log"))))
    }

    fn root(&self) -> &Path {
        match self {
            Self::Log(root) | Self::Files(root, _) => root,
        }
    }

    /// The folder to watch, and whether what is below its folders matters. What is not there yet is made in a folder that is.
    fn folder(&self) -> Option<(PathBuf, bool)> {
        let folder = self.root().ancestors().find(|folder| folder.is_dir())?;
        let is_deep = matches!(self, Self::Files(root, place) if folder == root && place.is_deep());
        Some((folder.to_owned(), is_deep))
    }

    /// Whether a change of this path is one of the table.
    fn concerns(&self, path: &Path) -> bool {
        self.root().starts_with(path)
            || match self {
                Self::Log(log) => path.parent() == Some(log),
                // A folder that comes with files in it comes alone: nothing is told of them.
                Self::Files(_, place) => place.names(path) || (path.is_dir() && place.leads_to(path)),
            }
    }
}

impl Watch {
    /// Watches a spec from now on, and other files that are read with it. They need not exist yet, but their folders must.
    ///
    /// # Errors
    /// When a folder cannot be watched.
    pub fn of(spec: &Path, others: &[&Path]) -> Result<Self> {
        let spec = absolute(spec)?;
        let others = others.iter().map(|file| absolute(file));
        let named = std::iter::once(Ok(spec.clone())).chain(others).collect::<Result<_>>()?;
        let (send, events) = channel();
        let watcher = notify::recommended_watcher(move |event| {
            // Nobody listens any more when this fails.
            let _gone = send.send(event);
        });
        let watcher = watcher.map_err(|error| failed(&spec, error))?;
        let (files, inputs) = (BTreeSet::new(), Vec::new());
        let (places, watched) = (BTreeMap::new(), BTreeMap::new());
        let mut watch = Self { spec, named, files, inputs, places, watched, watcher, events };
        watch.renew()?;
        Ok(watch)
    }

    /// Watches what the spec reads now, of what `roots` hold.
    ///
    /// # Errors
    /// When the folder of the spec cannot be watched. Tables whose folders cannot be watched are passed over: reading them
    /// fails as well.
    pub fn follow(&mut self, source: &Source, roots: &Roots) -> Result<()> {
        let inputs = source.spec.input_relations.iter();
        let inputs = inputs.filter_map(|input| Watched::of(input, &source.base_dir, roots));
        let (places, inputs): (Vec<PathBuf>, Vec<Watched>) = inputs.unzip();
        self.places = places.into_iter().map(|place| (place, None)).collect();
        self.inputs = inputs;
        self.renew()
    }

    /// Watches the folders in which the files and the tables are now.
    ///
    /// # Errors
    /// As [`Self::follow`].
    pub fn renew(&mut self) -> Result<()> {
        let linked = self.named.iter().filter_map(|file| std::fs::canonicalize(file).ok());
        self.files = self.named.iter().cloned().chain(linked).collect();
        self.places.iter_mut().for_each(|(place, inode)| *inode = Inode::at(place));
        let folders = self.files.iter().filter_map(|file| file.parent());
        let of_files: BTreeSet<PathBuf> = folders.map(Path::to_owned).collect();
        let mut wanted: BTreeMap<PathBuf, bool> =
            of_files.iter().map(|folder| (folder.clone(), false)).collect();
        for (folder, is_deep) in self.inputs.iter().filter_map(Watched::folder) {
            *wanted.entry(folder).or_default() |= is_deep;
        }
        let wanted = wanted.into_iter().map(|(folder, is_deep)| {
            let watching = Watching::of(&folder, is_deep);
            (folder, watching)
        });
        let wanted: BTreeMap<PathBuf, Watching> = wanted.collect();
        self.end_others(&wanted);
        for (folder, watching) in wanted {
            if self.watched.contains_key(&folder) {
                continue;
            }
            let mode = if watching.is_deep { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            match self.watcher.watch(&folder, mode) {
                Ok(()) => drop(self.watched.insert(folder, watching)),
                Err(error) if of_files.contains(&folder) => return Err(failed(&folder, error)),
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Ends the watches of all folders but these.
    fn end_others(&mut self, wanted: &BTreeMap<PathBuf, Watching>) {
        let ended = self.watched.iter().filter(|(folder, watching)| wanted.get(*folder) != Some(*watching));
        let ended: Vec<(PathBuf, bool)> =
            ended.map(|(folder, watching)| (folder.clone(), watching.is_deep)).collect();
        for (old, is_deep) in ended {
            // It may be gone, and its watch with it.
            let _gone = self.watcher.unwatch(&old);
            // The watches of folders below it end as well.
            self.watched.retain(|folder, _| !(*folder == old || is_deep && folder.starts_with(&old)));
        }
    }

    /// Waits for a change, and until no more come, [`DEBOUNCE`] at the longest. False when the switch was thrown instead.
    ///
    /// # Errors
    /// When nothing more will be told of changes.
    pub fn changed(&self, cancellation: &Cancellation) -> Result<bool> {
        let mut first: Option<Instant> = None;
        let mut polled = Instant::now();
        loop {
            if cancellation.is_cancelled() {
                return Ok(false);
            }
            if first.is_none() && polled.elapsed() >= POLL {
                if self.places.iter().any(|(place, inode)| Inode::at(place) != *inode) {
                    return Ok(true);
                }
                polled = Instant::now();
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
                // Whoever writes a file anew empties it first.
                Err(RecvTimeoutError::Timeout) if first.is_some() && !self.is_empty() => return Ok(true),
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

    fn is_empty(&self) -> bool {
        std::fs::metadata(&self.spec).is_ok_and(|spec| spec.len() == 0)
    }

    /// Whether an event is about the spec or a table. What got lost may have been.
    fn is_change(&self, event: &notify::Result<Event>) -> bool {
        let Ok(event) = event else { return true };
        if event.need_rescan() {
            return true;
        }
        if matches!(event.kind, EventKind::Access(_)) {
            return false;
        }
        let concerns = |path: &PathBuf| {
            self.files.contains(path) || self.inputs.iter().any(|input| input.concerns(path))
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
