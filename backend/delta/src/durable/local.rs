//! The file system of this machine.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::{FileSystem, NewFile};

/// The file system of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalFiles;

#[derive(Debug)]
struct LocalFile(Mutex<File>);

impl NewFile for LocalFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)
    }
}

impl FileSystem for LocalFiles {
    fn create(&self, file: &Path) -> io::Result<Box<dyn NewFile>> {
        let file = OpenOptions::new().write(true).create_new(true).open(file)?;
        Ok(Box::new(LocalFile(Mutex::new(file))))
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir(folder)
    }

    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        fs::hard_link(file, name)
    }

    fn remove_file(&self, file: &Path) -> io::Result<()> {
        fs::remove_file(file)
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        fs::remove_dir(folder)
    }

    fn sync_file(&self, file: &Path) -> io::Result<()> {
        File::open(file)?.sync_all()
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        match fs::symlink_metadata(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    #[cfg(unix)]
    fn is_mount_point(&self, folder: &Path) -> io::Result<bool> {
        use std::os::unix::fs::MetadataExt as _;
        let Some(above) = folder.parent() else { return Ok(true) };
        Ok(fs::metadata(folder)?.dev() != fs::metadata(above)?.dev())
    }

    #[cfg(not(unix))]
    fn is_mount_point(&self, folder: &Path) -> io::Result<bool> {
        Ok(folder.parent().is_none())
    }
}
