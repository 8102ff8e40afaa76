//! Lakes: folders of tables that the program writes.
//!
//! A repository can come from anywhere, and can bring a folder with the name of a lake, with tables in it that would be taken
//! for the program's own. So a lake that is found inside a repository is used only if it has the mark that
//! [`lake_of_repository`] leaves. A mark can be forged; all that is won by it is that tables inside the forger's own
//! repository are overwritten.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use delta::Location;
use extract::Repository;
use ir::diag::{Diagnostic, codes};

use crate::folders::{absolute, below, foreign};
use crate::{PipelineError, Result};

/// Where a lake is inside a repository, unless another one is named.
pub const DEFAULT_LAKE: &str = ".codeanatomy/lake";
/// The file that marks a lake as made by this program.
const MARK: &str = ".codeanatomy-lake";
const MARK_TEXT: &str =
    "This folder was made by CodeAnatomy. Commands such as `driver build` overwrite the tables in it.\n";
/// Names shown of what is in a foreign lake.
const SHOWN_NAMES: usize = 5;

/// Makes the lake of a repository at [`DEFAULT_LAKE`], or finds the one that an earlier command made. Gives its absolute
/// path.
///
/// # Errors
/// When the repository brings the folder as a link or with something in it that this program did not put there, or it
/// cannot be made.
pub fn lake_of_repository(repository: &Path) -> Result<PathBuf> {
    let lake = below(&absolute(repository)?, Path::new(DEFAULT_LAKE), "name another lake with `--lake DIR`")?;
    if !is_file(&lake.join(MARK)) {
        let names = names_in(&lake)?;
        if !names.is_empty() {
            let shown: Vec<&str> = names.iter().take(SHOWN_NAMES).map(String::as_str).collect();
            let more = if names.len() > SHOWN_NAMES { ", ..." } else { "" };
            return Err(foreign(
                &lake,
                &format!(
                    "it holds {}{more} and no file `{MARK}`, so this program did not make it; the repository may have \
                     brought it",
                    shown.join(", ")
                ),
                "remove the folder if nothing in it is needed, or name another lake with `--lake DIR`",
            ));
        }
    }
    open_lake(&lake)
}

/// The place of a lake that somebody named, by the rules for locations in a spec: a path, or a `file://` URL. A path that
/// is not Unicode is taken as it is.
///
/// # Errors
/// For what is no location.
pub fn lake_at(named: &Path) -> Result<PathBuf> {
    let Some(text) = named.to_str() else { return absolute(named) };
    let here = absolute(Path::new("."))?;
    let refused = |error: delta::DeltaError| {
        PipelineError::diagnostic(Diagnostic::new(codes::OUTPUT_LOCATION, error.to_string()), "lake")
    };
    let location = Location::parse(text, &here).map_err(refused)?;
    location.as_path().map_or_else(|| absolute(named), Ok)
}

/// Makes the folder of a lake that somebody named for the tables of repositories, and tells version control and other walks
/// of a repository to leave it out. Gives its absolute path.
///
/// # Errors
/// For what is no location or a folder that a repository is in, which would be left out with it, and when the folder or
/// a file in it cannot be made.
pub fn make_lake(lake: &Path, repositories: &[Repository]) -> Result<PathBuf> {
    let lake = lake_at(lake)?;
    // A lake that is not there yet has nothing in it.
    let real = lake.canonicalize();
    let is_in_it = |repository: &&Repository| {
        let root = repository.root.canonicalize();
        matches!((&real, root), (Ok(real), Ok(root)) if root.starts_with(real))
    };
    if let Some(inside) = repositories.iter().find(is_in_it) {
        return Err(foreign(
            &lake,
            &format!(
                "the repository is in it ({}), and all of a lake is left out by version control and by later builds",
                inside.root.display()
            ),
            "name a folder of its own with `--lake DIR`",
        ));
    }
    open_lake(&lake)
}

fn open_lake(lake: &Path) -> Result<PathBuf> {
    fs::create_dir_all(lake).map_err(|error| PipelineError::file("create the folder", lake, error))?;
    put_if_absent(&lake.join(".gitignore"), "*\n")?;
    put_if_absent(&lake.join(MARK), MARK_TEXT)?;
    Ok(lake.to_owned())
}

/// Refuses to write to tables below `lake` of which one, its log, or a folder above it is a symbolic link: what it leads
/// to would be overwritten. `tables` are their folders, relative to the lake.
///
/// # Errors
/// For the first link.
pub fn no_linked_tables<'a>(lake: &Path, tables: impl IntoIterator<Item = &'a str>) -> Result<()> {
    for table in tables {
        below(lake, &Path::new(table).join("_delta_log"), "remove the link, or name another folder")?;
    }
    Ok(())
}

/// What is in a folder, but for a `.gitignore`; nothing when it is not there.
fn names_in(folder: &Path) -> Result<BTreeSet<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(PipelineError::file("list the folder", folder, error)),
    };
    let mut names = BTreeSet::new();
    for entry in entries {
        let entry = entry.map_err(|error| PipelineError::file("list the folder", folder, error))?;
        names.insert(entry.file_name().to_string_lossy().into_owned());
    }
    names.remove(".gitignore");
    Ok(names)
}

fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// Writes a file unless there is something of this name.
fn put_if_absent(path: &Path, text: &str) -> Result<()> {
    match fs::OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes()).map_err(|error| PipelineError::file("write", path, error))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(PipelineError::file("write", path, error)),
    }
}
