//! The one step of a write that others can see.
//!
//! The commit is written through the log store's put-if-absent, not through the Delta library's commit
//! builder. The builder rebases a stale overwrite over compactions (resurrecting deleted rows), lets two
//! writers create the same table, and may report an error for a commit that landed, because it goes on to
//! read the table, write checkpoints and clean the log. Here a commit is one file, at one version.

use std::collections::{BTreeMap, HashMap};

use deltalake::kernel::Action;
use deltalake::kernel::transaction::CommitData;
use deltalake::logstore::CommitOrBytes;
use deltalake::protocol::{DeltaOperation, SaveMode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::files::WrittenFiles;
use super::target::{TableTarget, Target, WriteMode};
use crate::durable;
use crate::error::{DeltaError, Result};
use crate::log::{ACTION_COUNT, COMMIT_ID, commit_id, read_actions};

/// Keys of commit metadata that Delta gives a meaning of its own.
const RESERVED: [&str; 14] = [
    "clientVersion",
    "engineInfo",
    "inCommitTimestamp",
    "isBlindAppend",
    "isolationLevel",
    "operation",
    "operationMetrics",
    "operationParameters",
    "readVersion",
    "timestamp",
    "txnId",
    "userId",
    "userMetadata",
    "userName",
];

/// How to commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitOptions {
    /// Recorded in the commit. `codeanatomy.commit_id` and `codeanatomy.action_count` are added.
    pub metadata: BTreeMap<String, String>,
    /// How many times an append may lose the race for a version to another append. Overwrites and
    /// creations never try again.
    pub max_retries: usize,
}

impl Default for CommitOptions {
    fn default() -> Self {
        Self { metadata: BTreeMap::new(), max_retries: 15 }
    }
}

/// What one commit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The version it made.
    pub version: u64,
    /// Data files it added.
    pub files_added: usize,
    /// Data files it removed.
    pub files_removed: usize,
    /// Rows it added.
    pub rows: u64,
    /// Bytes of the data files it added.
    pub bytes: u64,
}

/// A commit ready to be written at any version.
struct Prepared {
    id: String,
    actions: CommitData,
    summary: Committed,
}

/// What an attempt at a version came to.
enum Attempt {
    Landed,
    Taken(Vec<Action>),
}

impl TableTarget {
    /// Publishes `files` as the table's next version; creates the table if it does not exist, in the same
    /// commit. With no files an overwrite empties the table and an append records its metadata.
    ///
    /// Neither writes a checkpoint nor cleans the log. When it fails for certain, the files are deleted;
    /// after [`DeltaError::CommitUnknown`], and when this future is dropped before it ends, they are kept.
    ///
    /// # Errors
    /// [`DeltaError::ConcurrentChange`], [`DeltaError::CommitUnknown`], [`DeltaError::UnsupportedProperty`]
    /// for metadata keys Delta reserves, [`DeltaError::InvalidData`] for files of another table,
    /// [`DeltaError::Delta`].
    pub async fn commit(self, files: Vec<WrittenFiles>, options: &CommitOptions) -> Result<Committed> {
        // If this future is dropped halfway, the commit may have landed: nothing may delete the files then.
        let kept: Vec<_> = files.iter().map(|files| files.uncommitted.release()).collect();
        let outcome = self.inner.try_commit(&files, options).await;
        if let Err(error) = &outcome
            && !matches!(error, DeltaError::CommitUnknown { .. })
        {
            for (files, paths) in files.into_iter().zip(kept) {
                files.uncommitted.reclaim(paths);
                files.discard().await;
            }
        }
        outcome
    }
}

impl Target {
    async fn try_commit(&self, files: &[WrittenFiles], options: &CommitOptions) -> Result<Committed> {
        let mut prepared = self.prepared(files, options)?;
        let paths = files.iter().flat_map(|files| &files.adds).map(|add| add.path.clone());
        durable::force(&self.location, paths.collect()).await?;

        let base = self.base.as_ref().map(|snapshot| snapshot.version());
        let mut version = base.map_or(0, |base| base + 1);
        let mut retries = 0;
        loop {
            match self.attempt(&prepared, version).await? {
                Attempt::Landed => break,
                Attempt::Taken(actions) => {
                    let rebases = self.mode == WriteMode::Append && base.is_some();
                    if !rebases || retries >= options.max_retries {
                        return Err(self.changed(version, &actions));
                    }
                    retries += 1;
                    version = self.after(version, actions).await?;
                }
            }
        }
        prepared.summary.version = version;
        let log = format!("_delta_log/{version:020}.json");
        // The version is public whatever comes of this; failing the call would invite a second commit.
        let _ = durable::force(&self.location, vec![log]).await;
        Ok(prepared.summary)
    }

    fn prepared(&self, files: &[WrittenFiles], options: &CommitOptions) -> Result<Prepared> {
        let location = self.location.text();
        if let Some(key) = options.metadata.keys().find(|key| RESERVED.contains(&key.as_str())) {
            return Err(DeltaError::UnsupportedProperty {
                location: location.into(),
                key: key.clone(),
                reason: "Delta gives this key of commit metadata a meaning of its own: choose another".into(),
            });
        }
        if files.iter().any(|files| files.table != *self.location.url()) {
            return Err(DeltaError::InvalidData {
                location: location.into(),
                reason: "the files were written for another table".into(),
            });
        }
        let mut actions = self.prelude.clone();
        actions.extend(files.iter().flat_map(|files| &files.adds).cloned().map(Action::Add));
        let added = actions.len() - self.prelude.len();
        let mut removed = 0;
        if let (WriteMode::Overwrite, Some(snapshot)) = (self.mode, &self.base) {
            let data = snapshot
                .try_log_data()
                .map_err(|error| DeltaError::delta(location, "reading the file list", error))?;
            actions.extend(data.iter().map(|file| Action::Remove(file.remove_action(true))));
            removed = actions.len() - self.prelude.len() - added;
        }
        let summary = Committed {
            version: 0,
            files_added: added,
            files_removed: removed,
            rows: files.iter().map(WrittenFiles::rows).sum(),
            bytes: files.iter().map(WrittenFiles::bytes).sum(),
        };
        let id = Uuid::new_v4().to_string();
        let metadata = self.metadata(&id, actions.len() + 1, &summary, options);
        let operation = DeltaOperation::Write {
            mode: match self.mode {
                WriteMode::Append => SaveMode::Append,
                WriteMode::Overwrite => SaveMode::Overwrite,
            },
            partition_by: (!self.partition_by.is_empty()).then(|| self.partition_by.clone()),
            predicate: None,
        };
        Ok(Prepared { id, actions: CommitData::new(actions, operation, metadata, Vec::new()), summary })
    }

    fn metadata(
        &self,
        id: &str,
        action_count: usize,
        summary: &Committed,
        options: &CommitOptions,
    ) -> HashMap<String, Value> {
        let given = options.metadata.iter().map(|(key, value)| (key.clone(), json!(value)));
        let mut metadata: HashMap<_, _> = given.collect();
        metadata.insert(COMMIT_ID.into(), json!(id));
        metadata.insert(ACTION_COUNT.into(), json!(action_count));
        metadata.insert(
            "operationMetrics".into(),
            json!({
                "numFiles": summary.files_added.to_string(),
                "numRemovedFiles": summary.files_removed.to_string(),
                "numOutputRows": summary.rows.to_string(),
                "numOutputBytes": summary.bytes.to_string(),
            }),
        );
        metadata.insert("isBlindAppend".into(), json!(self.mode == WriteMode::Append));
        if let Some(snapshot) = &self.base {
            metadata.insert("readVersion".into(), json!(snapshot.version()));
        }
        metadata
    }

    /// Writes the commit at `version`, and reads back what happened if that fails.
    async fn attempt(&self, prepared: &Prepared, version: u64) -> Result<Attempt> {
        let location = self.location.text();
        let bytes = prepared
            .actions
            .get_bytes()
            .map_err(|error| DeltaError::delta(location, "writing the commit down", error))?;
        let written =
            self.store.write_commit_entry(version, CommitOrBytes::LogBytes(bytes), Uuid::new_v4()).await;
        let Err(error) = written else { return Ok(Attempt::Landed) };
        // An error does not say that nothing happened: the answer may have been lost, and a retry inside
        // the store may have met its own first attempt.
        let found = match read_actions(&self.store, version, location).await {
            Ok(found) => found,
            Err(_) => {
                return Err(DeltaError::CommitUnknown {
                    location: location.into(),
                    version,
                    commit_id: prepared.id.clone(),
                    source: Box::new(error.into()),
                });
            }
        };
        match found {
            Some(actions) if commit_id(&actions) == Some(&prepared.id) => Ok(Attempt::Landed),
            Some(actions) => Ok(Attempt::Taken(actions)),
            None => Err(DeltaError::delta(location, "committing (nothing was committed)", error)),
        }
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
