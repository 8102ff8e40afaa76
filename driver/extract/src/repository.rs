//! The repositories of one extraction. One alone has paths that begin at its root; of several, and of one that has a name,
//! they begin with the name, as if the repositories lay side by side in one folder. What a name leads to over them is
//! then the same question as within one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::ExtractError;
use crate::options::Options;
use crate::walk::{FoundFile, Walk, walk};

/// A folder with source code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// What its paths begin with; none for the only one of an extraction, whose paths begin at its root.
    pub name: Option<String>,
    /// Its folder.
    pub root: PathBuf,
    /// Paths to leave out of this one, beside those of [`Options::exclude`], as `.gitignore` patterns relative to it.
    pub exclude: Vec<String>,
}

impl From<&Path> for Repository {
    fn from(root: &Path) -> Self {
        Self { name: None, root: root.to_owned(), exclude: Vec::new() }
    }
}

/// Walks all repositories.
///
/// # Errors
/// When the names do not tell them apart, and those of [`walk`].
pub(crate) fn walk_all(repositories: &[Repository], options: &Options) -> Result<Walk, ExtractError> {
    must_be_told_apart(repositories)?;
    let mut all = Walk { files: Vec::new(), left_out: Vec::new() };
    for repository in repositories {
        let mut found = walk(repository, options)?;
        if let Some(name) = &repository.name {
            let shared: Arc<str> = name.as_str().into();
            for file in &mut found.files {
                file.path = format!("{name}/{}", file.path);
                file.repository = Some(Arc::clone(&shared));
            }
            for left_out in &mut found.left_out {
                left_out.path = format!("{name}/{}", left_out.path);
            }
        }
        all.files.append(&mut found.files);
        all.left_out.append(&mut found.left_out);
    }
    all.left_out.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(all)
}

/// The names of the repositories that these files are in.
pub(crate) fn names_of_repositories(files: &[FoundFile]) -> BTreeSet<String> {
    files.iter().filter_map(|file| file.repository.as_deref()).map(str::to_owned).collect()
}

fn must_be_told_apart(repositories: &[Repository]) -> Result<(), ExtractError> {
    let mut names = BTreeSet::new();
    for repository in repositories {
        let refused = |reason| Err(ExtractError::Name { root: repository.root.clone(), reason });
        match repository.name.as_deref() {
            None if repositories.len() == 1 => {}
            None => return refused("it has no name, and is not the only one".to_owned()),
            Some(name @ ("" | "." | "..")) => return refused(format!("`{name}` is no name")),
            Some(name) if name.contains(['/', '\\']) => {
                return refused(format!("its name `{}` has a slash", name.escape_debug()));
            }
            Some(name) if !names.insert(name) => {
                return refused(format!("another one is called `{}` too", name.escape_debug()));
            }
            Some(_) => {}
        }
    }
    Ok(())
}
