//! Locks of tables: whoever publishes to a table keeps others of this program from computing something that could not be
//! published any more.
//!
//! A lock is a lock of the system on a file, so it ends with the process that holds it, however that ends. The file is
//! `.codeanatomy/locks/NAME` beside the folder NAME of the table, at the table's one canonical place: whatever spec names
//! the table, and however it spells it, finds the same file. It says who holds the lock, for messages only, and goes when
//! the lock is let go of; one that a killed process left means nothing.
//!
//! An output that overwrites its table has it for itself; outputs that append share it. Several tables are locked in the
//! order of their places, so that nobody waits in a circle. Locks spare work and waiting. That nothing is published over
//! somebody else's version is seen to by the commits themselves, also where there are no locks: against other programs,
//! and beside tables in folders that this process may not write to.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use delta::{Access, Location, Roots};
use engine::Cancellation;
use ir::diag::{Diagnostic, codes, escape_text};
use serde_json::{Value, json};

use crate::folders::own_folder;
use crate::record::{now, timestamp};
use crate::{PipelineError, Result};

/// How often a lock that somebody else has is tried again.
const TRIED_EVERY: Duration = Duration::from_millis(50);
/// Longer texts in a lock's file were not written by this program.
const LONGEST_HOLDER: u64 = 4096;

/// How long to wait for tables that others publish to, and what ends the waiting before.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// How long altogether.
    pub timeout: Duration,
    /// Ends it at once.
    pub cancellation: Cancellation,
}

/// Locked tables. They are unlocked when this is dropped.
#[derive(Debug, Default)]
pub struct Locks(Vec<Lock>);

/// How a table is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Use {
    /// Beside others who do the same.
    Shared,
    /// By nobody else.
    Exclusive,
}

impl Locks {
    /// Locks tables for `work`; their locations count from `base_dir`. What is no location, or one that `roots` do not hold,
    /// is not locked: nothing will be written there. Nor is a table that is itself a root: its lock would lie outside.
    pub(crate) fn of_tables<'a>(
        base_dir: &Path,
        roots: &Roots,
        tables: impl IntoIterator<Item = (&'a str, Use)>,
        work: &str,
        waiting: &Waiting,
        told: &mut dyn FnMut(&str),
    ) -> Result<Self> {
        let mut places: BTreeMap<PathBuf, Use> = BTreeMap::new();
        for (text, used) in tables {
            let is_held = |folder: &Path| roots.admit(folder, Access::Write).is_ok();
            let found = Self::places(base_dir, [text]);
            for place in found.filter(|place| place.parent().is_some_and(is_held)) {
                let known = places.entry(place).or_insert(used);
                *known = used.max(*known);
            }
        }
        let begin = Instant::now();
        let mut locks = Self::default();
        for (place, used) in &places {
            locks.0.extend(Lock::wait(place, *used, work, waiting, begin, told)?);
        }
        Ok(locks)
    }

    /// The folders of tables at these locations: those that have one.
    pub(crate) fn places<'a>(
        base_dir: &Path,
        tables: impl IntoIterator<Item = &'a str>,
    ) -> impl Iterator<Item = PathBuf> {
        tables
            .into_iter()
            .filter_map(move |text| Location::parse(text, base_dir).ok().and_then(|place| place.as_path()))
    }
}

impl Drop for Locks {
    /// The last first: the first made the folders.
    fn drop(&mut self) {
        while self.0.pop().is_some() {}
    }
}

fn refused(busy: &str, waited: Duration) -> PipelineError {
    let message = format!("{busy}; waited {} s, and nothing was computed", waited.as_secs_f64());
    let help = "wait for it to end and run again, or wait longer with `--lock-timeout SECONDS`";
    PipelineError::diagnostic(Diagnostic::new(codes::TABLE_LOCKED, message).help(help), "locks")
}

fn shown(path: &Path) -> String {
    escape_text(&path.display().to_string()).into_owned()
}

/// What came of trying to take a lock.
enum Taken {
    Held(Lock),
    /// Somebody has it.
    Busy(String),
    /// The file went while it was being locked, with the lock of who had it before.
    Gone,
    /// This process may not make the file.
    Impossible,
}

/// A lock that is held.
#[derive(Debug)]
struct Lock {
    file: File,
    path: PathBuf,
    /// The folders made for it, outermost first.
    made: Vec<PathBuf>,
}

impl Lock {
    /// Takes the lock of the table in the folder `table`, waiting for it if need be. Gives none where there can be none;
    /// see the top of this module.
    fn wait(
        table: &Path,
        used: Use,
        work: &str,
        waiting: &Waiting,
        begin: Instant,
        told: &mut dyn FnMut(&str),
    ) -> Result<Option<Self>> {
        let mut is_told = false;
        loop {
            let busy = match Self::take(table, used, work)? {
                Taken::Held(lock) => return Ok(Some(lock)),
                Taken::Impossible => return Ok(None),
                Taken::Busy(holder) => Some(format!("`{}` is being written by {holder}", shown(table))),
                Taken::Gone => None,
            };
            if waiting.cancellation.is_cancelled() {
                return Err(PipelineError::interrupted());
            }
            if let Some(busy) = busy {
                if begin.elapsed() >= waiting.timeout {
                    return Err(refused(&busy, waiting.timeout));
                }
                if !std::mem::replace(&mut is_told, true) {
                    told(&busy);
                }
                std::thread::sleep(TRIED_EVERY);
            }
        }
    }

    /// Tries to take the lock of the table in the folder `table`.
    fn take(table: &Path, used: Use, work: &str) -> Result<Taken> {
        let (Some(above), Some(name)) = (table.parent(), table.file_name()) else {
            return Ok(Taken::Impossible);
        };
        let folder = own_folder(above, "locks")?;
        let path = folder.join(name);
        if fs::symlink_metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
            let path = shown(&path);
            let message = format!("`{path}` is not used: it is no file, and would be taken for a lock");
            let found = Diagnostic::new(codes::FOREIGN_FOLDER, message).help("remove it");
            return Err(PipelineError::diagnostic(found, &path));
        }
        let mut made = Vec::new();
        let opened = make_folders(&folder, &mut made).and_then(|()| open(&path));
        if opened.is_err() {
            remove_folders(&made);
        }
        let taken = opened.and_then(|file| Self { file, path: path.clone(), made }.locked(used, work));
        match taken {
            Ok(taken) => Ok(taken),
            Err(error) if is_denied(&error) => Ok(Taken::Impossible),
            // Whoever let go of the lock removed its folder right now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Taken::Gone),
            Err(error) => Err(PipelineError::file("lock", &path, error)),
        }
    }

    fn locked(mut self, used: Use, work: &str) -> io::Result<Taken> {
        let locked = match used {
            Use::Shared => self.file.try_lock_shared(),
            Use::Exclusive => self.file.try_lock(),
        };
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                // It is the other's; nothing of it is to be removed.
                self.made.clear();
                return Ok(Taken::Busy(self.holder()));
            }
            // A file system without locks.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                return Ok(Taken::Impossible);
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        if !is_at(&self.file, &self.path)? {
            return Ok(Taken::Gone);
        }
        // Only for messages: a lock without a name is a lock.
        let _ = self.sign(work);
        Ok(Taken::Held(self))
    }

    fn sign(&mut self, work: &str) -> io::Result<()> {
        let holder = json!({"work": work, "process": std::process::id(), "since": timestamp(now())});
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(format!("{holder}\n").as_bytes())
    }

    /// Who has it, by what the file says.
    fn holder(&mut self) -> String {
        let mut text = String::new();
        let read = (&self.file).take(LONGEST_HOLDER).read_to_string(&mut text);
        let holder: Value = read.ok().and_then(|_| serde_json::from_str(&text).ok()).unwrap_or_default();
        match (holder["work"].as_str(), holder["process"].as_u64(), holder["since"].as_str()) {
            (Some(work), Some(process), Some(since)) => {
                format!("{} (process {process}, since {})", escape_text(work), escape_text(since))
            }
            _ => "another process".to_owned(),
        }
    }
}

impl Drop for Lock {
    /// Removes the file while nobody else can have its lock. Who opened it before and locks it then sees that it is gone.
    fn drop(&mut self) {
        // With others beside, the last of them removes it.
        let is_alone = self.file.try_lock().is_ok();
        if is_alone && is_at(&self.file, &self.path).unwrap_or(false) {
            let _ = fs::remove_file(&self.path);
            remove_folders(&self.made);
        }
    }
}

/// Removes folders, given outermost first, as far as they are empty.
fn remove_folders(folders: &[PathBuf]) {
    for folder in folders.iter().rev() {
        let _ = fs::remove_dir(folder);
    }
}

/// Makes a folder and those above it, as far as they are missing; adds those to `made`.
fn make_folders(folder: &Path, made: &mut Vec<PathBuf>) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(above) = folder.parent() {
                make_folders(above, made)?;
            }
            match fs::create_dir(folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
                created => created?,
            }
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        created => created?,
    }
    made.push(folder.to_path_buf());
    Ok(())
}

/// Opens the file, made if need be. The lock of a file that may only be read is as good.
fn open(path: &Path) -> io::Result<File> {
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    match opened {
        Err(error) if is_denied(&error) => File::open(path).map_err(|_| error),
        opened => opened,
    }
}

fn is_denied(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, PermissionDenied, ReadOnlyFilesystem};
    // A file where a folder should be: nothing can be written there either.
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem | NotADirectory)
}

/// Whether an open file is the one that has this name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let opened = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(named) => Ok((opened.dev(), opened.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Files that are open cannot be removed here.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}
