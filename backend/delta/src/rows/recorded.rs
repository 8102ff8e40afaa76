//! Digests in the log of a table: what writers leave there, and what it says of a version.

use deltalake::kernel::Add;

use super::{RowHasher, RowsDigest};
use crate::error::{DeltaError, Result};
use crate::snapshot::ResolvedTable;

/// The tag of a file, and the key in the metadata of a commit, that has the digest of its rows.
pub(crate) const ROWS: &str = "codeanatomy.rows";
/// The tag of a file that has the seed of its columns, as 16 hexadecimal digits.
pub(crate) const ROWS_SCHEMA: &str = "codeanatomy.rows_schema";

/// Gives a file the digest of its rows, made with this seed. Returns the bytes that the tags take.
pub(crate) fn tag(add: &mut Add, digest: RowsDigest, seed: u64) -> usize {
    let tags = add.tags.get_or_insert_default();
    let mut bytes = 0;
    for (key, value) in [(ROWS, digest.to_string()), (ROWS_SCHEMA, seed_text(seed))] {
        bytes += size_of::<(String, Option<String>)>() + key.len() + value.len();
        tags.insert(key.into(), Some(value));
    }
    bytes
}

fn seed_text(seed: u64) -> String {
    format!("{seed:016x}")
}

/// The digest of a file whose columns have this seed.
fn recorded(add: &Add, seed: &str) -> Option<RowsDigest> {
    let tags = add.tags.as_ref()?;
    let tag = |key: &str| tags.get(key)?.as_deref();
    tag(ROWS)?.parse().ok().filter(|_| tag(ROWS_SCHEMA) == Some(seed))
}

impl ResolvedTable {
    /// The digest of the rows of this version by what its log says: the sum of the digests that writers left with the
    /// active files. It is what [`RowHasher`] makes of a scan of the whole table, if the writers told the truth and nobody
    /// has damaged a file.
    ///
    /// `None` if a file has no digest; if a file has a deletion vector; if a file was written when the table had other
    /// columns, whose rows are others today; and for tables that map their columns, where a column may have got the name of
    /// one that was dropped. The first call walks over the list of files; clones share the result.
    ///
    /// # Errors
    /// [`DeltaError::Delta`] if the snapshot has no file list.
    pub fn rows_digest(&self) -> Result<Option<RowsDigest>> {
        if let Some(digest) = self.inner.rows_digest.get() {
            return Ok(*digest);
        }
        let digest = self.sum_digests()?;
        Ok(*self.inner.rows_digest.get_or_init(|| digest))
    }

    fn sum_digests(&self) -> Result<Option<RowsDigest>> {
        if self.inner.files.has_deletion_vectors() || self.column_mapping().is_some() {
            return Ok(None);
        }
        let Ok(hasher) = RowHasher::new(self.schema()) else { return Ok(None) };
        let seed = seed_text(hasher.seed());
        let files = self.inner.snapshot.try_log_data();
        let files = files
            .map_err(|error| DeltaError::delta(self.location().text(), "reading the file list", error))?;
        #[expect(deprecated, reason = "nothing else gives the tags of a file")]
        let adds = files.iter().map(|file| file.add_action());
        Ok(adds.map(|add| recorded(&add, &seed)).sum())
    }
}
