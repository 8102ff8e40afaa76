//! The commit of a table's next version: its bytes, made before anybody can see it.
//!
//! Commits are made here, not by the Delta library's commit builder. The builder rebases a stale overwrite over
//! compactions (resurrecting deleted rows), lets two writers create the same table, and may report an error for a
//! commit that landed, because it goes on to read the table, write checkpoints and clean the log. Here a commit is one
//! file, at one version.

use std::collections::{BTreeMap, HashMap};

use deltalake::kernel::Action;
use deltalake::kernel::transaction::CommitData;
use deltalake::protocol::{DeltaOperation, SaveMode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::files::WrittenFiles;
use super::super::target::{Target, WriteMode};
use super::remove::removals;
use crate::error::{DeltaError, Result};
use crate::log::{ACTION_COUNT, COMMIT_ID};
use crate::rows::{ROWS, RowsDigest};

/// Keys of commit metadata that writers and readers of Delta tables give a meaning of their own: the fields of
/// `commitInfo` in the protocol, in Spark and in the Delta libraries. Many of them are no texts there.
const RESERVED: [&str; 21] = [
    "clientVersion",
    "clusterId",
    "engineInfo",
    "inCommitTimestamp",
    "isBlindAppend",
    "isolationLevel",
    "job",
    "kernelVersion",
    "notebook",
    "operation",
    "operationMetrics",
    "operationParameters",
    "predicate",
    "readVersion",
    "tags",
    "timestamp",
    "txnId",
    "userId",
    "userMetadata",
    "userName",
    "version",
];

/// Whether Delta gives a key of commit metadata a meaning of its own; in any case, as some readers ignore it.
#[must_use]
pub fn is_reserved(key: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(key))
}

/// How to commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitOptions {
    /// Recorded in the commit. `codeanatomy.commit_id`, `codeanatomy.action_count` and `codeanatomy.rows` are added.
    pub metadata: BTreeMap<String, String>,
    /// How many times an append to an existing table may lose the race for a version to another append. Overwrites and
    /// creations never try again: what they were computed from has changed.
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
    /// The digest of the rows it added.
    pub digest: RowsDigest,
}

/// A commit ready to be written at any version.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// No other commit has it.
    pub(crate) id: String,
    pub(crate) bytes: Vec<u8>,
    /// What it will have done, but for the version.
    pub(crate) summary: Committed,
}

impl Target {
    /// Writes down the commit that adds `files`.
    pub(crate) fn prepared(&self, files: &[WrittenFiles], options: &CommitOptions) -> Result<Prepared> {
        let location = self.location.text();
        if let Some(key) = options.metadata.keys().find(|key| is_reserved(key)) {
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
        let removals = match (self.mode, &self.base) {
            (WriteMode::Overwrite, Some(snapshot)) => removals(snapshot, location)?,
            _ => Vec::new(),
        };
        let summary = Committed {
            version: 0,
            files_added: actions.len() - self.prelude.len(),
            files_removed: removals.len(),
            rows: files.iter().map(WrittenFiles::rows).sum(),
            bytes: files.iter().map(WrittenFiles::bytes).sum(),
            digest: files.iter().map(WrittenFiles::digest).sum(),
        };
        let id = Uuid::new_v4().to_string();
        let metadata = self.metadata(&id, actions.len() + removals.len() + 1, &summary, options);
        let operation = DeltaOperation::Write {
            mode: match self.mode {
                WriteMode::Append => SaveMode::Append,
                WriteMode::Overwrite => SaveMode::Overwrite,
            },
            partition_by: (!self.partition_by.is_empty()).then(|| self.partition_by.clone()),
            predicate: None,
        };
        let lines = CommitData::new(actions, operation, metadata, Vec::new()).get_bytes();
        let lines = lines.map_err(|error| DeltaError::delta(location, "writing the commit down", error))?;
        let mut bytes = lines.to_vec();
        for line in removals {
            bytes.push(b'\n');
            bytes.extend(line.into_bytes());
        }
        Ok(Prepared { id, bytes, summary })
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
        metadata.insert(ROWS.into(), json!(summary.digest.to_string()));
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
}
