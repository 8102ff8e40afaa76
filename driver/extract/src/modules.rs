//! Modules: their names, and the folders these come from.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::OnceLock;

/// The module a file defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModuleName {
    /// Full name, as the language writes it.
    pub(crate) name: String,
    /// Whether relative names start at the module itself, rather than at the one that contains it.
    pub(crate) is_package: bool,
    /// The folder names are relative to; empty for the repository's root.
    pub(crate) source_root: String,
}

/// Where the source files of the repository are, and the folders that hold a file by which a language names its modules.
#[derive(Debug, Default)]
pub(crate) struct SourceLayout {
    folders: HashMap<&'static str, BTreeSet<String>>,
    /// Paths of source files.
    files: HashSet<String>,
    /// Folders with source files in or below them, each with the first of these.
    inhabited: HashMap<String, String>,
    /// The folders that are repositories with names; none when all paths begin at the root of the only one.
    repositories: BTreeSet<String>,
    /// Found when it is first asked for.
    installable: OnceLock<HashMap<String, Vec<String>>>,
}

impl SourceLayout {
    /// The layout seen in the paths, of the files named in `markers` and of those that `is_source` accepts.
    pub(crate) fn new<'p>(
        paths: impl Iterator<Item = &'p str>,
        markers: impl Iterator<Item = &'static str>,
        is_source: impl Fn(&str) -> bool,
    ) -> Self {
        let mut folders: HashMap<&'static str, BTreeSet<String>> =
            markers.map(|marker| (marker, BTreeSet::new())).collect();
        let mut files = HashSet::new();
        let mut inhabited = HashMap::new();
        for path in paths {
            let (folder, name) = split(path);
            if let Some(marked) = folders.get_mut(name) {
                marked.insert(folder.to_owned());
            }
            if is_source(path) {
                files.insert(path.to_owned());
                inhabit(&mut inhabited, path);
            }
        }
        Self { folders, files, inhabited, repositories: BTreeSet::new(), installable: OnceLock::new() }
    }

    /// The same with the names of the repositories with which paths begin.
    pub(crate) fn of_repositories(self, names: BTreeSet<String>) -> Self {
        Self { repositories: names, ..self }
    }

    /// The folders that are repositories with names.
    pub(crate) fn repositories(&self) -> &BTreeSet<String> {
        &self.repositories
    }

    /// The folders that hold a file of this name, one of the language's markers, in order.
    pub(crate) fn marked(&self, marker: &str) -> impl Iterator<Item = &str> {
        self.folders.get(marker).into_iter().flatten().map(String::as_str)
    }

    /// Paths of all source files, in no order.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// The folders from which modules may be installed, by the names of these; `find` finds them.
    pub(crate) fn installable(
        &self,
        find: impl FnOnce(&Self) -> HashMap<String, Vec<String>>,
    ) -> &HashMap<String, Vec<String>> {
        self.installable.get_or_init(|| find(self))
    }

    /// Whether there is a source file at `path`.
    pub(crate) fn has_file(&self, path: &str) -> bool {
        self.files.contains(path)
    }

    /// The first source file in or below `folder`, by the order of paths.
    pub(crate) fn first_below(&self, folder: &str) -> Option<&str> {
        self.inhabited.get(folder).map(String::as_str)
    }

    /// Whether `folder` holds a file of this name, one of the language's markers.
    pub(crate) fn marks(&self, marker: &str, folder: &str) -> bool {
        self.folders.get(marker).is_some_and(|marked| marked.contains(folder))
    }
}

/// Notes the file at `path` in all folders above it.
fn inhabit(inhabited: &mut HashMap<String, String>, path: &str) {
    let (mut folder, _) = split(path);
    while !folder.is_empty() {
        match inhabited.get_mut(folder) {
            Some(first) if first.as_str() <= path => return,
            Some(first) => path.clone_into(first),
            None => {
                inhabited.insert(folder.to_owned(), path.to_owned());
            }
        }
        folder = split(folder).0;
    }
}

/// Folder and file name of a POSIX path.
pub(crate) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// The name before the last dot.
pub(crate) fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}
