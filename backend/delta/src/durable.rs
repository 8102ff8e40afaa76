//! Surviving a power cut on the local file system, whose object store never asks for it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{DeltaError, Result};
use crate::location::Location;

/// Forces the files at `paths` (relative to the table, as stored on disk) and the directories that name
/// them to disk. Does nothing for tables that are not on the local file system.
///
/// Data files are forced before the commit that names them, the commit before it is reported, so a
/// version that was reported survives, and a version that survives has its files.
pub(crate) async fn force(location: &Location, paths: Vec<String>) -> Result<()> {
    let Some(root) = location.as_path() else { return Ok(()) };
    let forced = tokio::task::spawn_blocking(move || force_files(&root, &paths)).await;
    let outcome = forced.unwrap_or_else(|stopped| Err(io::Error::other(stopped)));
    outcome.map_err(|error| DeltaError::delta(location.text(), "forcing files to disk", error))
}

fn force_files(root: &Path, paths: &[String]) -> io::Result<()> {
    let mut directories = BTreeSet::<PathBuf>::new();
    for path in paths {
        let file = root.join(path);
        File::open(&file)?.sync_all()?;
        let parents = file.ancestors().skip(1).take_while(|directory| directory.starts_with(root));
        directories.extend(parents.map(Path::to_path_buf));
    }
    for directory in directories {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}
