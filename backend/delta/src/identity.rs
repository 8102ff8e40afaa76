//! What tells the rows of a table from the rows of every other table.
//!
//! A table's id and version do not: a copy of a table's folder keeps the id, and when both are written to, both reach the
//! same version with other rows. The commit of the version tells them apart, since every commit names files of its own;
//! its digest costs one more look at the file that was read last. It does not tell everything: a log may be cleaned up
//! until only a checkpoint has the version, and two copies that went different ways may end with the same commit, written
//! by hand. The digest of the list of active files holds in both cases, and survives checkpoints and clean-up; it takes
//! one walk over the list and is made when it is asked for.

use deltalake::kernel::LogicalFileView;

use crate::digest::{Digest, Fields};
use crate::error::{DeltaError, Result};
use crate::snapshot::ResolvedTable;

impl ResolvedTable {
    /// The digest of the bytes of the commit that made the version; `None` when it is no longer in the log.
    #[must_use]
    pub fn commit_digest(&self) -> Option<Digest> {
        self.inner.commit
    }

    /// The digest of the table's metadata and of its active files in the order of their paths: path, size, time,
    /// partition values and deletion vector of each. It does not depend on where the table lies and on how its log
    /// stores the list. The first call walks over the list; clones share the result.
    ///
    /// # Errors
    /// [`DeltaError::Delta`] if the snapshot has no file list.
    pub fn files_digest(&self) -> Result<Digest> {
        if let Some(digest) = self.inner.files_digest.get() {
            return Ok(*digest);
        }
        let digest = self.digest_files()?;
        Ok(*self.inner.files_digest.get_or_init(|| digest))
    }

    fn digest_files(&self) -> Result<Digest> {
        let snapshot = &self.inner.snapshot;
        let files = snapshot
            .try_log_data()
            .map_err(|error| DeltaError::delta(self.location().text(), "reading the file list", error))?;
        let mut digests: Vec<Digest> = files.iter().map(|file| digest_file(&file)).collect();
        // The path comes first in what is digested, and no two files share one: the order is as good as that of paths.
        digests.sort_unstable();
        let metadata = snapshot.metadata();
        let mut fields = Fields::default();
        fields.add(metadata.id().as_bytes());
        fields.add(metadata.schema_string().as_bytes());
        for column in metadata.partition_columns() {
            fields.add(column.as_bytes());
        }
        for (key, value) in self.properties() {
            fields.add(key.as_bytes());
            fields.add(value.as_bytes());
        }
        for digest in &digests {
            fields.add(digest.as_bytes());
        }
        Ok(fields.finish())
    }

    /// The digest of the commits from version `first` to version `last`, both included, up to the first that the log does
    /// not have: what decides the rows of a change feed.
    ///
    /// # Errors
    /// [`DeltaError::Delta`] when a commit cannot be read.
    pub async fn history_digest(&self, first: u64, last: u64) -> Result<Digest> {
        let store = self.inner.table.log_store();
        let mut fields = Fields::default();
        for version in first..=last.min(self.version()) {
            let bytes = store.read_commit_entry(version).await;
            let bytes = bytes
                .map_err(|error| DeltaError::delta(self.location().text(), "reading a commit", error))?;
            // A checkpoint may claim any version; what is behind a gap is no part of a change feed.
            let Some(bytes) = bytes else { break };
            fields.add(&version.to_le_bytes());
            fields.add(&bytes);
        }
        Ok(fields.finish())
    }
}

/// A file with everything that decides its rows.
fn digest_file(file: &LogicalFileView) -> Digest {
    let mut fields = Fields::default();
    fields.add(file.path().as_bytes());
    fields.add(&file.size().to_le_bytes());
    fields.add(&file.modification_time().to_le_bytes());
    let mut values: Vec<(String, Option<String>)> = file.partition_values_map().into_iter().collect();
    values.sort_unstable();
    for (column, value) in &values {
        fields.add(column.as_bytes());
        fields.add(&[u8::from(value.is_some())]);
        fields.add(value.as_deref().unwrap_or_default().as_bytes());
    }
    if let Some(vector) = file.deletion_vector_descriptor() {
        fields.add(vector.storage_type.to_string().as_bytes());
        fields.add(vector.path_or_inline_dv.as_bytes());
        fields.add(&vector.offset.unwrap_or(-1).to_le_bytes());
        fields.add(&vector.cardinality.to_le_bytes());
    }
    fields.finish()
}
