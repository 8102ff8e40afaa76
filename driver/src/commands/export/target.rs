//! The file or folder that is written: beside its place, and moved there when it is whole.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The file with the nodes of a folder.
pub(super) const NODES: &str = "nodes.parquet";
/// The file with the edges of a folder.
pub(super) const EDGES: &str = "edges.parquet";

/// What is being written.
#[derive(Debug)]
pub(super) struct Target {
    path: PathBuf,
    unfinished: PathBuf,
    is_folder: bool,
}

/// A file that is being written.
pub(super) type Output = BufWriter<File>;

impl Target {
    /// A target at a place where nothing is, or nothing but what an earlier export has written, if that may be replaced.
    pub(super) fn new(path: &Path, is_folder: bool, overwrite: bool) -> Result<Self, Failure> {
        if let Ok(found) = fs::symlink_metadata(path) {
            may_be_replaced(path, &found, is_folder, overwrite)?;
        }
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".unfinished");
        let target = Self { path: path.to_owned(), unfinished: PathBuf::from(unfinished), is_folder };
        if is_folder {
            fs::create_dir_all(&target.unfinished).map_err(|error| target.failed(&error))?;
        }
        Ok(target)
    }

    /// The file.
    pub(super) fn file(&self) -> Result<Output, Failure> {
        self.created(&self.unfinished)
    }

    /// A file of the folder.
    pub(super) fn file_in(&self, name: &str) -> Result<Output, Failure> {
        self.created(&self.unfinished.join(name))
    }

    fn created(&self, path: &Path) -> Result<Output, Failure> {
        Ok(BufWriter::with_capacity(1 << 16, File::create(path).map_err(|error| self.failed(&error))?))
    }

    fn failed(&self, error: &io::Error) -> Failure {
        Failure::file("write", &self.path, error)
    }

    /// Moves what is written to its place. A folder that is replaced is beside it for a moment.
    pub(super) fn publish(self) -> Result<(), Failure> {
        if !self.is_folder || !self.path.exists() {
            return fs::rename(&self.unfinished, &self.path).map_err(|error| self.failed(&error));
        }
        let mut former = self.path.as_os_str().to_owned();
        former.push(".former");
        let former = PathBuf::from(former);
        fs::rename(&self.path, &former).map_err(|error| self.failed(&error))?;
        if let Err(error) = fs::rename(&self.unfinished, &self.path) {
            // What is said is why the new one is not there.
            let _ = fs::rename(&former, &self.path);
            return Err(self.failed(&error));
        }
        fs::remove_dir_all(&former).map_err(|error| Failure::file("remove", &former, &error))
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // Nothing is there when it was moved; and what is said is why it was not.
        let _ = if self.is_folder {
            fs::remove_dir_all(&self.unfinished)
        } else {
            fs::remove_file(&self.unfinished)
        };
    }
}

/// Refuses to replace what nobody said may be, and what no export has written.
fn may_be_replaced(
    path: &Path,
    found: &fs::Metadata,
    is_folder: bool,
    overwrite: bool,
) -> Result<(), Failure> {
    let place = path.display();
    if !overwrite {
        return Err(Failure::User(format!("`{place}` is there already; `--overwrite` replaces it")));
    }
    if found.is_dir() != is_folder {
        let kinds = if is_folder { ["no folder", "a folder"] } else { ["a folder", "a file"] };
        return Err(Failure::User(format!("`{place}` is {}, and {} would be written", kinds[0], kinds[1])));
    }
    if is_folder {
        let entries = fs::read_dir(path).map_err(|error| Failure::file("read", path, &error))?;
        for entry in entries {
            let name = entry.map_err(|error| Failure::file("read", path, &error))?.file_name();
            if name != NODES && name != EDGES {
                return Err(Failure::User(format!(
                    "the folder `{place}` has `{}`, which no export has written; name another folder",
                    name.display()
                )));
            }
        }
    }
    Ok(())
}

/// Brings a file to the disk.
pub(super) fn close(file: Output) -> io::Result<()> {
    let mut file = file;
    file.flush()?;
    file.get_ref().sync_all()
}
