//! What tells the rows of a table from the rows of every other table.
//!
//! A table's id and version do not: a copy of a table's folder keeps the id, and when both are written to, both reach the
//! same version with other rows. The commit of the version tells them apart, since every commit names files of its own;
//! its digest costs one more look at the file that was read last. It does not tell everything: a log may be cleaned up
//! until only a checkpoint has the version, and two copies that went different ways may end with the same commit, written
//! by hand. The digest of the list of active files holds in both cases, and survives checkpoints and clean-up; it takes
//! one walk over the list and is made when it is asked for.

use deltalake::kernel::LogicalFileView;
use hash::ContentHash;
use hash::canonical::Encoder;

use crate::error::{DeltaError, Result};
use crate::snapshot::ResolvedTable;

/// The domains of the digests: a table's list of files, one of them, and a stretch of its commits.
const FILES: &str = "codeanatomy files 1";
const FILE: &str = "codeanatomy file 1";
const HISTORY: &str = "codeanatomy history 1";

impl ResolvedTable {
    /// The digest of the bytes of the commit that made the version; `None` when it is no longer in the log.
    #[must_use]
    pub fn commit_digest(&self) -> Option<ContentHash> {
        self.inner.commit
    }

    /// The digest of the table's metadata and of its active files in the order of their paths: path, size, time,
    /// partition values and deletion vector of each. It does not depend on where the table lies and on how its log
    /// stores the list. The first call walks over the list; clones share the result.
    ///
    /// # Errors
    /// [`DeltaError::Delta`] if the snapshot has no file list.
    pub fn files_digest(&self) -> Result<ContentHash> {
        if let Some(digest) = self.inner.files_digest.get() {
            return Ok(*digest);
        }
        let digest = self.digest_files()?;
        Ok(*self.inner.files_digest.get_or_init(|| digest))
    }

    fn digest_files(&self) -> Result<ContentHash> {
        let snapshot = &self.inner.snapshot;
        let files = snapshot
            .try_log_data()
            .map_err(|error| DeltaError::delta(self.location().text(), "reading the file list", error))?;
        let mut digests: Vec<ContentHash> = files.iter().map(|file| digest_file(&file)).collect();
        // No two files share a path, so no two digests are equal and their order is as good as that of the paths.
        digests.sort_unstable();
        let metadata = snapshot.metadata();
        let mut encoder = Encoder::new(FILES);
        encoder.map(5).text("files").list(digests.len());
        for digest in &digests {
            encoder.hash(digest);
        }
        encoder.text("partition_columns").list(metadata.partition_columns().len());
        for column in metadata.partition_columns() {
            encoder.text(column);
        }
        let properties = self.properties();
        encoder.text("properties").map(properties.len());
        for (key, value) in &properties {
            encoder.text(key).text(value);
        }
        encoder.text("schema").text(metadata.schema_string()).text("table_id").text(metadata.id());
        Ok(encoder.finish())
    }

    /// The digest of the commits from version `first` to version `last`, both included, up to the first that the log does
    /// not have: what decides the rows of a change feed.
    ///
    /// # Errors
    /// [`DeltaError::Delta`] when a commit cannot be read.
    pub async fn history_digest(&self, first: u64, last: u64) -> Result<ContentHash> {
        let store = self.inner.table.log_store();
        let mut commits = Vec::new();
        for version in first..=last.min(self.version()) {
            let bytes = store.read_commit_entry(version).await;
            let bytes = bytes
                .map_err(|error| DeltaError::delta(self.location().text(), "reading a commit", error))?;
            // A checkpoint may claim any version; what is behind a gap is no part of a change feed.
            let Some(bytes) = bytes else { break };
            commits.push((version, ContentHash::of(&bytes)));
        }
        let mut encoder = Encoder::new(HISTORY);
        encoder.list(commits.len());
        for (version, commit) in &commits {
            encoder.list(2).integer(*version).hash(commit);
        }
        Ok(encoder.finish())
    }
}

/// A file with everything that decides its rows.
fn digest_file(file: &LogicalFileView) -> ContentHash {
    let mut encoder = Encoder::new(FILE);
    encoder.map(5).text("deletion_vector");
    match file.deletion_vector_descriptor() {
        Some(vector) => {
            encoder.list(4).text(vector.storage_type.as_ref()).text(&vector.path_or_inline_dv);
            encoder.integer(vector.offset.unwrap_or(-1)).integer(vector.cardinality);
        }
        None => {
            encoder.null();
        }
    }
    encoder.text("modification_time").integer(file.modification_time());
    let mut values: Vec<(String, Option<String>)> = file.partition_values_map().into_iter().collect();
    values.sort_unstable();
    encoder.text("partition_values").map(values.len());
    for (column, value) in &values {
        encoder.text(column).optional_text(value.as_deref());
    }
    encoder.text("path").text(&file.path()).text("size").integer(file.size());
    encoder.finish()
}
