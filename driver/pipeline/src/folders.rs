//! Folders the program writes to beside what others wrote.
//!
//! A repository, or the folder of a spec, can come from anywhere, and can bring folders of these names as symbolic links, so
//! that whatever they lead to would be overwritten. So no link is followed from where the user pointed to what is written.

use std::fs;
use std::path::{Path, PathBuf};

use delta::{Access, DeltaError, Roots};
use ir::diag::{Diagnostic, codes};

use crate::{PipelineError, Result};

/// The folder beside a spec, and in a lake, for what the program keeps.
pub(crate) const OWN_FOLDER: &str = ".codeanatomy";

/// The folder `name` of those the program keeps beside a spec or in a lake. It need not exist.
///
/// # Errors
/// When it, or the folder around it, is a symbolic link.
pub(crate) fn own_folder(base: &Path, name: &str) -> Result<PathBuf> {
    below(base, &Path::new(OWN_FOLDER).join(name), "remove the link, or move the spec to a folder of its own")
}

/// `base` and `path`, none of whose parts below `base` is a link.
///
/// # Errors
/// For the first link, with `help`, and for a file where a folder belongs.
pub(crate) fn below(base: &Path, path: &Path, help: &str) -> Result<PathBuf> {
    let mut whole = base.to_owned();
    for part in path.components() {
        whole.push(part);
        no_link(&whole, help)?;
    }
    Ok(whole)
}

fn no_link(path: &Path, help: &str) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => {
            Err(foreign(path, "it is a symbolic link, and what it leads to would be written to", help))
        }
        Ok(metadata) if !metadata.is_dir() => {
            Err(foreign(path, "it is a file, where a folder belongs", "move the file away"))
        }
        _ => Ok(()),
    }
}

/// The error for a folder that may be somebody else's.
pub(crate) fn foreign(path: &Path, reason: &str, help: &str) -> PipelineError {
    let shown = path.display().to_string();
    let message = format!("`{shown}` is not used: {reason}");
    PipelineError::diagnostic(Diagnostic::new(codes::FOREIGN_FOLDER, message).help(help), &shown)
}

/// What a spec in `folder`, which is absolute, may read and write: its own folder, and `roots`.
pub(crate) fn with_folder(roots: &Roots, folder: &Path) -> Result<Roots> {
    let about = folder.display().to_string();
    let outside = |error: DeltaError| PipelineError::finding(codes::OUTSIDE_ROOTS, error.to_string(), &about);
    roots.clone().with(folder, Access::Write).map_err(outside)
}

/// The absolute form of a path that need not exist.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| PipelineError::file("find the absolute path of", path, error))
}
