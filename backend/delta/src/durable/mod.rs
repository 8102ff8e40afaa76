//! Surviving a power cut: what a run writes, in which order it reaches the disk, and who may believe what.
//!
//! A file system keeps what was written in memory for a while. After a power cut a file has for certain only the bytes
//! it had when it was last synced ([`FileSystem::sync_file`]), and a folder only the names it had when *it* was last
//! synced ([`FileSystem::sync_folder`]); the name of a new folder is one of its parent's names. So
//!
//! 1. data files, the commit files that will name them, and every folder on the way to them are synced,
//! 2. then commits are made visible by a link, which either happens or not,
//! 3. then the folders of the logs are synced, and only then is anything reported.
//!
//! A version that was reported survives, and a version that survives has its files. Everything that publication does
//! to the storage goes through one [`FileSystem`], so that a test can record it and cut the power after every step.
//!
//! Syncing is mostly waiting for the device, and a journal makes many changes durable at once. So each step syncs all
//! it has at the same time, and remembers which folders are known to be there to stay.

mod keep;
mod local;

pub use local::LocalFiles;

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures::{StreamExt, TryStreamExt};

use crate::location::canonical;

/// How many files and folders are synced at a time.
const SYNCED_AT_ONCE: usize = 32;

/// What publication does to a file system. All paths are absolute.
pub trait FileSystem: fmt::Debug + Send + Sync {
    /// Creates an empty file.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] when the name is taken, [`io::ErrorKind::NotFound`] without the folder.
    fn create(&self, file: &Path) -> io::Result<Box<dyn NewFile>>;

    /// Creates a folder in one that exists.
    ///
    /// # Errors
    /// As [`Self::create`].
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// Gives a file a second name, at once and only if that name is free.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] when it is taken.
    fn link(&self, file: &Path, name: &Path) -> io::Result<()>;

    /// Removes a name of a file.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when there is none.
    fn remove_file(&self, file: &Path) -> io::Result<()>;

    /// Removes an empty folder.
    ///
    /// # Errors
    /// [`io::ErrorKind::DirectoryNotEmpty`] when it is not.
    fn remove_folder(&self, folder: &Path) -> io::Result<()>;

    /// Makes the present content of a file durable; not its name.
    ///
    /// # Errors
    /// When the device reports that it is not.
    fn sync_file(&self, file: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable; not its own.
    ///
    /// # Errors
    /// When the device reports that they are not.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Whether there is anything with this name.
    ///
    /// # Errors
    /// When that cannot be told.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// Whether the folder is where a file system begins: its name is not in the folder above it.
    ///
    /// # Errors
    /// When that cannot be told.
    fn is_mount_point(&self, folder: &Path) -> io::Result<bool>;
}

/// A file that is being written.
pub trait NewFile: fmt::Debug + Send + Sync {
    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// Those of the device: no room, most often.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
}

/// A file system, and what is known of its folders. Clones share both; a run uses one for everything it publishes.
#[derive(Clone)]
pub struct Disk {
    files: Arc<dyn FileSystem>,
    folders: Arc<Mutex<Folders>>,
}

#[derive(Default)]
struct Folders {
    /// Those made here: they go when what they were made for is discarded.
    made: HashSet<PathBuf>,
    /// Those in which a name was made here.
    changed: HashSet<PathBuf>,
    /// Those whose own names, and the names of all folders above them that might be new, are durable.
    settled: HashSet<PathBuf>,
}

impl Default for Disk {
    fn default() -> Self {
        Self::new(Arc::new(LocalFiles))
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Disk({:?})", self.files)
    }
}

/// What has to survive.
#[derive(Debug, Default)]
pub(crate) struct Surviving {
    contents: BTreeSet<PathBuf>,
    /// Names of files.
    names: BTreeSet<PathBuf>,
    /// Names of folders.
    folders: BTreeSet<PathBuf>,
}

impl Surviving {
    /// Everything in `other`, too.
    pub(crate) fn extend(&mut self, other: Self) {
        self.contents.extend(other.contents);
        self.names.extend(other.names);
        self.folders.extend(other.folders);
    }

    /// The content of a file and its name.
    pub(crate) fn file(&mut self, file: PathBuf) {
        self.names.insert(file.clone());
        self.contents.insert(file);
    }

    /// The content of a file whose present name may go.
    pub(crate) fn content(&mut self, file: PathBuf) {
        self.contents.insert(file);
    }

    /// The name of a file.
    pub(crate) fn name(&mut self, file: PathBuf) {
        self.names.insert(file);
    }

    /// The names of the folders from that of `file` up to `root`, without `root`'s own.
    pub(crate) fn folders_below(&mut self, root: &Path, file: &Path) {
        let below = |folder: &&Path| folder.starts_with(root) && *folder != root;
        self.folders.extend(file.ancestors().skip(1).take_while(below).map(Path::to_path_buf));
    }
}

impl Disk {
    /// A disk behind another implementation of the file system.
    #[must_use]
    pub fn new(files: Arc<dyn FileSystem>) -> Self {
        Self { files, folders: Arc::default() }
    }

    /// Whether both are the same one.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.folders, &other.folders)
    }

    fn folders(&self) -> std::sync::MutexGuard<'_, Folders> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Creates a file that must not exist, and the folders it needs.
    pub(crate) fn create(&self, file: &Path) -> io::Result<Box<dyn NewFile>> {
        // Whoever discards the last file of a folder removes it, perhaps right now.
        const ATTEMPTS: usize = 10;
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.files.create(file) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && attempt < ATTEMPTS => {
                    if let Some(folder) = file.parent() {
                        self.create_folders(folder)?;
                    }
                }
                created => {
                    if created.is_ok()
                        && let Some(folder) = file.parent()
                    {
                        self.folders().changed.insert(folder.to_path_buf());
                    }
                    return created;
                }
            }
        }
    }

    /// Creates a folder and those above it, as far as they are missing.
    pub(crate) fn create_folders(&self, folder: &Path) -> io::Result<()> {
        let made = match self.files.create_folder(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(above) = folder.parent() {
                    self.create_folders(above)?;
                }
                self.files.create_folder(folder)
            }
            made => made,
        };
        match made {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            made => made?,
        }
        let mut folders = self.folders();
        folders.made.insert(folder.to_path_buf());
        folders.settled.remove(folder);
        folders.changed.extend(folder.parent().map(Path::to_path_buf));
        Ok(())
    }

    pub(crate) fn exists(&self, path: &Path) -> io::Result<bool> {
        self.files.exists(path)
    }

    /// Gives a file a second name, unless that is taken.
    pub(crate) fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        self.files.link(file, name)?;
        self.folders().changed.extend(name.parent().map(Path::to_path_buf));
        Ok(())
    }

    /// Removes a file, and the folders above it that were made for it and are empty now.
    pub(crate) fn remove(&self, file: &Path) -> io::Result<()> {
        self.files.remove_file(file)?;
        self.remove_folders(file);
        Ok(())
    }

    /// Removes a name of a file and keeps its folder.
    pub(crate) fn unlink(&self, file: &Path) -> io::Result<()> {
        self.files.remove_file(file)
    }

    /// Removes the folders above `path` that were made here and are empty. Another writer that needs one makes it again.
    pub(crate) fn remove_folders(&self, path: &Path) {
        for folder in path.ancestors().skip(1) {
            if !self.folders().made.contains(folder) || self.files.remove_folder(folder).is_err() {
                break;
            }
            let mut folders = self.folders();
            folders.made.remove(folder);
            folders.settled.remove(folder);
        }
    }

    /// Writes a file that must not exist, all of it. Its content and its name have yet to be made durable.
    pub(crate) fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        let written = self.create(file)?.write_at(0, bytes);
        if written.is_err() {
            // The first error is the one to tell.
            let _ = self.remove(file);
        }
        written
    }

    /// Adds the names of all folders from `folder` upwards that are not known to be durable: a folder that is there may
    /// have been made a moment ago by somebody who was killed before it was synced.
    pub(crate) fn settle(&self, folder: &Path, surviving: &mut Surviving) -> io::Result<()> {
        for folder in folder.ancestors() {
            if self.folders().settled.contains(folder) || self.files.is_mount_point(folder)? {
                break;
            }
            surviving.folders.insert(folder.to_path_buf());
        }
        Ok(())
    }

    /// Makes everything in `surviving` durable, all at the same time.
    ///
    /// # Errors
    /// The first failure. What is durable then is unknown.
    pub(crate) async fn sync(&self, surviving: Surviving) -> Result<(), NotDurable> {
        let folders: Vec<PathBuf> = {
            let known = self.folders();
            surviving.folders.into_iter().filter(|folder| !known.settled.contains(folder)).collect()
        };
        let named = surviving.names.iter().chain(&folders);
        let parents: BTreeSet<PathBuf> =
            named.filter_map(|name| name.parent().map(Path::to_path_buf)).collect();
        let contents = surviving.contents.into_iter().map(|file| (file, false));
        let syncs = contents.chain(parents.into_iter().map(|folder| (folder, true)));
        futures::stream::iter(syncs.map(|(path, is_folder)| {
            let (disk, synced) = (self.clone(), path.clone());
            async move {
                let sync = tokio::task::spawn_blocking(move || match is_folder {
                    true => disk.sync_folder(&synced),
                    false => disk.files.sync_file(&synced),
                });
                let done = sync.await.unwrap_or_else(|stopped| Err(io::Error::other(stopped)));
                done.map_err(|source| NotDurable { path, source })
            }
        }))
        .buffer_unordered(SYNCED_AT_ONCE)
        .try_collect::<()>()
        .await?;
        self.folders().settled.extend(folders);
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        match self.files.sync_folder(folder) {
            // Somebody else's folder far above, which may be passed through and not opened: nothing in it is new.
            Err(error)
                if error.kind() == io::ErrorKind::PermissionDenied
                    && !self.folders().changed.contains(folder) =>
            {
                Ok(())
            }
            synced => synced,
        }
    }
}

/// Fails when a symbolic link is on the way to what is to be made for a table, whose place was canonical when the table was
/// opened: somebody has put it there since, or it leads from the table's own folder elsewhere.
pub(crate) fn without_links(path: &Path) -> io::Result<()> {
    let place = canonical(path).map_err(io::Error::other)?;
    if place == path {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "a symbolic link leads `{}` to `{}`; remove the link",
        path.display(),
        place.display()
    )))
}

/// Something that may not survive.
#[derive(Debug)]
pub(crate) struct NotDurable {
    /// What was synced.
    pub(crate) path: PathBuf,
    source: io::Error,
}

impl From<NotDurable> for io::Error {
    /// The system does not tell which path its error is about.
    fn from(NotDurable { path, source }: NotDurable) -> Self {
        Self::new(source.kind(), format!("`{}`: {source}", path.display()))
    }
}
