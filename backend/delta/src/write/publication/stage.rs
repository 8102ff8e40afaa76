//! A version that is complete and that nobody can see.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use deltalake::DeltaTable;
use hash::ContentHash;

use super::super::files::{Uncommitted, WrittenFiles};
use super::super::target::{TableTarget, Target};
use super::commit::{CommitOptions, Committed, Prepared};
use super::{PublishError, publish};
use crate::durable::without_links;
use crate::error::{DeltaError, Result};
use crate::location::Location;
use crate::log::read_actions;
use crate::overlay;
use crate::rows::RowsDigest;
use crate::snapshot::{ResolvedTable, load};

/// A table's next version: its data files are written, its commit is made up, and nobody can see it yet.
///
/// [`publish`] makes it visible. Otherwise its files are deleted: at once by [`StagedTable::discard`], in the background
/// when dropped inside a tokio runtime.
#[must_use = "what is not published is deleted"]
pub struct StagedTable {
    pub(super) target: Arc<Target>,
    pub(super) files: Vec<WrittenFiles>,
    pub(super) commit: Prepared,
    pub(super) max_retries: usize,
    /// Whether it is this version or none, see [`Self::fix_version`].
    pub(super) is_fixed: bool,
    /// The commit's file until it has its name.
    pub(super) staged_commit: Uncommitted,
}

impl TableTarget {
    /// Makes `files` the content of the table's next version, without showing it to anybody. With no files an overwrite
    /// will empty the table and an append record its metadata.
    ///
    /// # Errors
    /// [`DeltaError::UnsupportedProperty`] for metadata keys Delta reserves, [`DeltaError::InvalidData`] for files of
    /// another table, [`DeltaError::Delta`]. The files are deleted then.
    pub async fn stage(self, files: Vec<WrittenFiles>, options: &CommitOptions) -> Result<StagedTable> {
        match self.inner.prepared(&files, options) {
            Ok(commit) => {
                let staged_commit = Uncommitted::new(self.inner.disk.clone());
                let max_retries = options.max_retries;
                Ok(StagedTable {
                    target: self.inner,
                    files,
                    commit,
                    max_retries,
                    is_fixed: false,
                    staged_commit,
                })
            }
            Err(error) => {
                for files in files {
                    files.discard().await;
                }
                Err(error)
            }
        }
    }

    /// Stages `files` and publishes them at once, for who has one table only.
    ///
    /// Neither writes a checkpoint nor cleans the log. When it fails for certain, the files are deleted;
    /// after [`DeltaError::CommitUnknown`], and when this future is dropped while it commits, they are kept.
    ///
    /// # Errors
    /// As [`TableTarget::stage`]; [`DeltaError::ConcurrentChange`], [`DeltaError::CommitUnknown`],
    /// [`DeltaError::CommitNotDurable`], [`DeltaError::Delta`].
    pub async fn commit(self, files: Vec<WrittenFiles>, options: &CommitOptions) -> Result<Committed> {
        let location = self.location().clone();
        let staged = self.stage(files, options).await?;
        let nothing = || DeltaError::WriterStopped {
            location: location.to_string(),
            reason: "it was stopped before the commit".into(),
        };
        match publish(vec![staged], || false).await {
            Ok(committed) => committed.into_iter().next().ok_or_else(nothing),
            Err(PublishError::Failed { source, .. }) => Err(*source),
            Err(PublishError::Stopped) => Err(nothing()),
        }
    }
}

impl StagedTable {
    /// Where the table is.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.target.location
    }

    /// The version it will be, if nobody else commits before.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.target.next_version()
    }

    /// Rows it adds.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.commit.summary.rows
    }

    /// The digest of the rows it adds.
    #[must_use]
    pub fn digest(&self) -> RowsDigest {
        self.commit.summary.digest
    }

    /// Makes it the version that it is now, or none: when somebody else commits before, publishing it fails, also for an
    /// append. For who looks at the table as it will be, and publishes it for what was seen there.
    pub fn fix_version(&mut self) {
        self.is_fixed = true;
    }

    /// Whether its commit may come after versions that it was not based on.
    pub(super) fn rebases(&self) -> bool {
        !self.is_fixed && self.target.rebases()
    }

    /// The table as it will be: to check what is about to be published, and to compute from it.
    ///
    /// It reads the data files where they are, so it can be used until this is dropped or published, and after that if
    /// it was published.
    ///
    /// # Errors
    /// [`DeltaError::ConcurrentChange`] when somebody else has made the version; as [`resolve`](crate::resolve).
    pub async fn preview(&self) -> Result<ResolvedTable> {
        let preview = self.read_as_published().await;
        // Asked afterwards: with a version of somebody else in the log, what was read is a mixture, or fails for that.
        let location = self.target.location.text();
        match read_actions(&self.target.store, self.version(), location).await? {
            Some(actions) => Err(self.target.changed(self.version(), &actions)),
            None => preview,
        }
    }

    async fn read_as_published(&self) -> Result<ResolvedTable> {
        let location = &self.target.location;
        if self.target.base.is_none() {
            self.make_folder()
                .await
                .map_err(|error| DeltaError::delta(location.text(), "making the folder of its log", error))?;
        }
        let bytes = self.commit.bytes.clone();
        let commit = ContentHash::of(&bytes);
        let store = overlay::with_commit(location, &self.target.store, self.version(), bytes).await?;
        let mut table = DeltaTable::new(store);
        load(&mut table, self.version(), location).await?;
        // The commit will have these bytes, so what is recorded of the table now is what its readers will find.
        ResolvedTable::new(location.clone(), table, Some(commit))
    }

    /// Makes the folders of a table that is not there yet: without files it has none, and nothing opens a table without a
    /// folder. They go with the commit's file.
    async fn make_folder(&self) -> io::Result<()> {
        self.staged_commit.guard(self.staged_path());
        let (disk, folder) = (self.target.disk.clone(), self.target.log_folder());
        let make = move || without_links(&folder).and_then(|()| disk.create_folders(&folder));
        let made = tokio::task::spawn_blocking(make).await;
        made.unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
    }

    /// Deletes its files. Returns how many could not be deleted.
    pub async fn discard(mut self) -> usize {
        let mut remaining = self.staged_commit.delete().await;
        for files in self.files {
            remaining += files.discard().await;
        }
        remaining
    }

    /// Where the commit is written before it has its name. Readers ignore such names in a log, ours and others'.
    pub(super) fn staged_path(&self) -> PathBuf {
        self.target.log_folder().join(format!("_commit_{}.json.tmp", self.commit.id))
    }

    /// The guards of everything it has written.
    pub(super) fn guards(&self) -> impl Iterator<Item = &Uncommitted> {
        self.files.iter().map(|files| &files.uncommitted).chain([&self.staged_commit])
    }
}

impl fmt::Debug for StagedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StagedTable({:?} version {}, {:?})", self.location(), self.version(), self.files)
    }
}
