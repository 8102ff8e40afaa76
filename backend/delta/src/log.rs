//! The transaction log as files: which versions exist, and whether its tail is whole.
//!
//! The Delta library accepts a commit file of zero bytes as "no change" and never looks at how many
//! actions a commit was meant to have, so a crash of the machine can silently lose the rows of the last
//! commit, and the next append makes the loss permanent. [`Log::check`] finds that before anything is read.

use std::collections::{BTreeMap, BTreeSet};

use deltalake::Path as StorePath;
use deltalake::kernel::Action;
use deltalake::logstore::{LogStoreRef, get_actions};
use futures::TryStreamExt;
use serde_json::Value;

use crate::error::{DeltaError, Result};

/// Key of commit metadata: how many actions (lines) the commit has, itself included.
pub(crate) const ACTION_COUNT: &str = "codeanatomy.action_count";
/// Key of commit metadata: a token no other commit has.
pub(crate) const COMMIT_ID: &str = "codeanatomy.commit_id";

/// The versions a log has files for.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// Version to size in bytes, of `N.json`.
    commits: BTreeMap<u64, u64>,
    /// Versions with at least one checkpoint file.
    checkpoints: BTreeSet<u64>,
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
        let Some((digits, rest)) = name.split_at_checked(20) else { return };
        let Ok(version) = digits.parse() else { return };
        if rest == ".json" {
            self.commits.insert(version, size);
        } else if rest.starts_with(".checkpoint.") {
            self.checkpoints.insert(version);
        }
    }

    pub(crate) fn latest(&self) -> Option<u64> {
        self.commits.keys().chain(&self.checkpoints).max().copied()
    }

    /// The oldest version that can be reconstructed.
    fn earliest(&self) -> Option<u64> {
        match (self.commits.contains_key(&0), self.checkpoints.first()) {
            (true, _) => Some(0),
            (false, checkpoint) => checkpoint.copied(),
        }
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

    /// Checks what is replayed to reach `version`: no commit after the last checkpoint is missing or
    /// empty, and the commit of `version` itself is complete.
    pub(crate) async fn check(&self, store: &LogStoreRef, version: u64, location: &str) -> Result<()> {
        let corrupt = |version, reason: &str| DeltaError::CorruptLog {
            location: location.into(),
            version: Some(version),
            reason: reason.into(),
        };
        let checkpoint = self.checkpoints.range(..=version).next_back();
        for needed in checkpoint.map_or(0, |checkpoint| checkpoint + 1)..=version {
            match self.commits.get(&needed) {
                None => return Err(corrupt(needed, "its commit file is missing")),
                Some(0) => return Err(corrupt(needed, "its commit file is empty")),
                Some(_) => {}
            }
        }
        if !self.commits.contains_key(&version) {
            return Ok(());
        }
        let bytes = store
            .read_commit_entry(version)
            .await
            .map_err(|error| DeltaError::delta(location, "reading the last commit", error))?
            .ok_or_else(|| corrupt(version, "its commit file vanished while being read"))?;
        complete(&bytes).map_err(|reason| corrupt(version, &reason))
    }
}

/// Whether a commit has all its lines: the last one is whole, and there are as many as it declares.
fn complete(bytes: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "its commit file is not UTF-8")?;
    let mut lines = 0u64;
    let mut declared = None;
    let mut last = "";
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        lines += 1;
        last = line;
        if line.contains("\"commitInfo\"")
            && let Ok(action) = serde_json::from_str::<Value>(line)
            && let Some(info) = action.get("commitInfo")
        {
            declared = info.get(ACTION_COUNT).and_then(Value::as_u64);
        }
    }
    if serde_json::from_str::<Value>(last).is_err() {
        return Err("its commit file ends in the middle of a line".into());
    }
    match declared {
        Some(declared) if declared != lines => {
            Err(format!("its commit file has {lines} of {declared} actions"))
        }
        Some(_) | None => Ok(()),
    }
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

/// Refuses `path`, the path of an action as the log has it after one decoding, when it leads out of the
/// table's directory: an absolute path, a URL of another place, or a parent segment however encoded (URL
/// joining takes `%2E%2E` for `..`).
pub(crate) fn guard_path(path: &str, root: &url::Url, location: &str) -> Result<()> {
    let inside = match url::Url::parse(path) {
        Ok(url) => {
            let same =
                (url.scheme(), url.host_str(), url.port()) == (root.scheme(), root.host_str(), root.port());
            same && url.path().starts_with(root.path())
        }
        Err(_) => !path.starts_with(['/', '\\']) && !path.is_empty(),
    };
    if inside && !path.split(['/', '\\']).any(is_parent) {
        return Ok(());
    }
    Err(DeltaError::PathEscape { location: location.into(), path: path.into() })
}

fn is_parent(segment: &str) -> bool {
    let decoded = decoded(segment);
    decoded == ".." || (decoded != segment && is_parent(&decoded))
}

/// `text` with `%XX` decoded once; malformed escapes stay as they are.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut result = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        if *first == b'%'
            && let [high, low, after @ ..] = tail
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            result.push(high * 16 + low);
            rest = after;
        } else {
            result.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&result).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
