//! The transaction log as files: which versions exist, and whether its tail is whole.
//!
//! The Delta library accepts a commit file of zero bytes as "no change" and never looks at how many
//! actions a commit was meant to have, so a crash of the machine can silently lose the rows of the last
//! commit, and the next append makes the loss permanent. [`Log::check`] finds that before anything is read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use deltalake::Path as StorePath;
use deltalake::kernel::Action;
use deltalake::logstore::{LogStoreRef, get_actions};
use futures::TryStreamExt;
use serde_json::Value;

use crate::error::{DeltaError, Result};
use crate::location::Location;

/// Key of commit metadata: how many actions (lines) the commit has, itself included.
pub(crate) const ACTION_COUNT: &str = "codeanatomy.action_count";
/// Key of commit metadata: a token no other commit has.
pub(crate) const COMMIT_ID: &str = "codeanatomy.commit_id";

/// A file of a log, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFile {
    /// The commit of a version.
    Commit { version: u64 },
    /// A checkpoint of a version, or one of its parts.
    Checkpoint {
        version: u64,
        /// Which part of how many.
        part: (u32, u32),
    },
}

impl LogFile {
    /// What a name stands for; `None` for what is neither.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let (digits, rest) = name.split_at_checked(20)?;
        // Versions are signed in the protocol; a larger number is no version.
        let version: i64 =
            digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())??;
        let version = version.unsigned_abs();
        if rest == ".json" {
            return Some(Self::Commit { version });
        }
        let whole = Some(Self::Checkpoint { version, part: (1, 1) });
        let parts: Vec<&str> = rest.strip_prefix(".checkpoint.")?.split('.').collect();
        match parts.as_slice() {
            ["parquet"] | [_, "parquet" | "json"] => whole,
            [part, of, "parquet"] => {
                Some(Self::Checkpoint { version, part: (part.parse().ok()?, of.parse().ok()?) })
            }
            _ => None,
        }
    }
}

/// The parts of a checkpoint that are there, by how many there should be.
type Parts = BTreeMap<u32, BTreeSet<u32>>;

/// The versions a log has files for.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// Version to size in bytes, of `N.json`.
    commits: BTreeMap<u64, u64>,
    /// Versions with at least one checkpoint file.
    checkpoints: BTreeMap<u64, Parts>,
}

impl Log {
    /// Lists `_delta_log`. Empty when there is none.
    pub(crate) async fn list(store: &LogStoreRef, location: &str) -> Result<Self> {
        let folder = StorePath::from("_delta_log");
        let mut log = Self::default();
        let objects = store.object_store(None);
        let mut files = objects.list(Some(&folder));
        while let Some(file) =
            files.try_next().await.map_err(|error| DeltaError::delta(location, "listing the log", error))?
        {
            let direct = file.location.prefix_match(&folder).is_some_and(|mut rest| {
                rest.next();
                rest.next().is_none()
            });
            if let (true, Some(name)) = (direct, file.location.filename()) {
                log.add(name, file.size);
            }
        }
        Ok(log)
    }

    fn add(&mut self, name: &str, size: u64) {
        match LogFile::of(name) {
            Some(LogFile::Commit { version }) => {
                self.commits.insert(version, size);
            }
            Some(LogFile::Checkpoint { version, part: (part, of) }) => {
                self.checkpoints.entry(version).or_default().entry(of).or_default().insert(part);
            }
            None => {}
        }
    }

    /// The versions with a checkpoint that has all of its parts, the newest last.
    fn checkpoints(&self) -> impl DoubleEndedIterator<Item = u64> {
        let is_whole =
            |parts: &Parts| parts.iter().any(|(of, seen)| (1..=*of).all(|part| seen.contains(&part)));
        self.checkpoints.iter().filter(move |(_, parts)| is_whole(parts)).map(|(version, _)| *version)
    }

    pub(crate) fn latest(&self) -> Option<u64> {
        self.commits.keys().copied().max().max(self.checkpoints().next_back())
    }

    /// The oldest version that can be reconstructed.
    fn earliest(&self) -> Option<u64> {
        if self.commits.contains_key(&0) { Some(0) } else { self.checkpoints().next() }
    }

    /// The version to read: `pin`, or the latest.
    pub(crate) fn choose(&self, pin: Option<u64>, location: &str) -> Result<u64> {
        let Some(latest) = self.latest() else {
            return Err(DeltaError::NotATable { location: location.into() });
        };
        let Some(earliest) = self.earliest() else {
            return Err(DeltaError::CorruptLog {
                location: location.into(),
                version: None,
                reason: "version 0 and every checkpoint are missing".into(),
            });
        };
        let version = pin.unwrap_or(latest);
        let readable = (earliest..=latest).contains(&version);
        if readable {
            return Ok(version);
        }
        Err(DeltaError::VersionMissing { location: location.into(), requested: version, earliest, latest })
    }

    /// The newest checkpoint that is older than `below` and not newer than `version`.
    pub(crate) fn checkpoint(&self, version: u64, below: Option<u64>) -> Option<u64> {
        let usable =
            |checkpoint: &u64| *checkpoint <= version && below.is_none_or(|below| *checkpoint < below);
        self.checkpoints().rev().find(usable)
    }

    /// Checks what is replayed to reach `version` from `checkpoint`, or from the beginning: no commit is missing, and
    /// none is empty or cut.
    pub(crate) async fn check(
        &self,
        location: &Location,
        checkpoint: Option<u64>,
        version: u64,
    ) -> Result<()> {
        let corrupt = |version, reason: String| DeltaError::CorruptLog {
            location: location.text().into(),
            version: Some(version),
            reason,
        };
        let first = checkpoint.map_or(0, |checkpoint| checkpoint + 1);
        for needed in first..=version {
            match self.commits.get(&needed) {
                None => return Err(corrupt(needed, "its commit file is missing".into())),
                Some(0) => return Err(corrupt(needed, "its commit file is empty".into())),
                Some(_) => {}
            }
        }
        let Some(root) = location.as_path() else { return Ok(()) };
        let replayed: Vec<u64> =
            self.commits.range(first.min(version)..=version).map(|(&version, _)| version).collect();
        let cut = tokio::task::spawn_blocking(move || {
            let cut = |version: &u64| {
                let path = root.join(format!("_delta_log/{version:020}.json"));
                let complete =
                    File::open(path).map_err(|error| format!("its commit file cannot be read: {error}"));
                complete.and_then(is_complete).err().map(|reason| (*version, reason))
            };
            replayed.iter().rev().find_map(cut)
        });
        match cut.await {
            Ok(None) => Ok(()),
            Ok(Some((version, reason))) => Err(corrupt(version, reason)),
            Err(stopped) => Err(corrupt(version, format!("its commit file cannot be read: {stopped}"))),
        }
    }
}

/// How much of a commit is read at its ends: more than the line that describes a commit, or adds a file, has.
const LOG_END: u64 = 64 * 1024;

/// Whether a commit has all its lines: the last one is whole, and there are as many as it declares. Only its ends are
/// read, unless it declares how many there are.
fn is_complete(mut file: File) -> Result<(), String> {
    let unreadable = |error: io::Error| format!("its commit file cannot be read: {error}");
    let size = file.metadata().map_err(unreadable)?.len();
    let mut bytes = Vec::new();
    if size > 2 * LOG_END {
        let mut head = vec![0; usize::try_from(LOG_END).unwrap_or_default()];
        let mut tail = head.clone();
        file.read_exact(&mut head).map_err(unreadable)?;
        file.seek(SeekFrom::Start(size - LOG_END)).map_err(unreadable)?;
        file.read_exact(&mut tail).map_err(unreadable)?;
        let ends = |bytes: &[u8]| bytes.trim_ascii_end().contains(&b'\n');
        if ends(&head) && ends(&tail) && declared_lines(&head).is_none() {
            return last_line(&tail);
        }
        file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    }
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    last_line(&bytes)?;
    let Some(declared) = declared_lines(&bytes) else { return Ok(()) };
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
    if u64::try_from(lines).is_ok_and(|lines| lines == declared) {
        return Ok(());
    }
    Err(format!("its commit file has {lines} of {declared} actions"))
}

/// Whether the last line of a commit is whole.
fn last_line(bytes: &[u8]) -> Result<(), String> {
    let bytes = bytes.trim_ascii_end();
    if bytes.is_empty() {
        return Err("its commit file is empty".into());
    }
    let line = bytes.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    match serde_json::from_slice::<serde::de::IgnoredAny>(line) {
        Ok(_) => Ok(()),
        Err(_) => Err("its commit file ends in the middle of a line".into()),
    }
}

/// How many lines a commit says it has, in the line that describes it: the first, in commits that say so.
fn declared_lines(bytes: &[u8]) -> Option<u64> {
    let line = bytes.split(|byte| *byte == b'\n').next()?.trim_ascii();
    if !line.starts_with(b"{\"commitInfo\"") {
        return None;
    }
    let action: Value = serde_json::from_slice(line).ok()?;
    action.get("commitInfo")?.get(ACTION_COUNT)?.as_u64()
}

/// The actions of a commit, or `None` when the version does not exist.
pub(crate) async fn read_actions(
    store: &LogStoreRef,
    version: u64,
    location: &str,
) -> Result<Option<Vec<Action>>> {
    let bytes = store
        .read_commit_entry(version)
        .await
        .map_err(|error| DeltaError::delta(location, "reading a commit", error))?;
    bytes
        .map(|bytes| get_actions(version, &bytes))
        .transpose()
        .map_err(|error| DeltaError::delta(location, "parsing a commit", error))
}

/// The commit id a list of actions carries, if this program wrote it.
pub(crate) fn commit_id(actions: &[Action]) -> Option<&str> {
    actions.iter().find_map(|action| match action {
        Action::CommitInfo(info) => info.info.get(COMMIT_ID).and_then(Value::as_str),
        _ => None,
    })
}
