//! Modules: their names, and the folders these come from.

use std::collections::{HashMap, HashSet};

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

/// The folders of the repository that hold a file by which a language names its modules.
#[derive(Debug, Default)]
pub(crate) struct SourceLayout {
    folders: HashMap<&'static str, HashSet<String>>,
}

impl SourceLayout {
    /// The layout seen in the repository's paths, of the files named in `markers`.
    pub(crate) fn new<'p>(
        paths: impl Iterator<Item = &'p str>,
        markers: impl Iterator<Item = &'static str>,
    ) -> Self {
        let mut folders: HashMap<&'static str, HashSet<String>> =
            markers.map(|marker| (marker, HashSet::new())).collect();
        for path in paths {
            let (folder, name) = split(path);
            if let Some(marked) = folders.get_mut(name) {
                marked.insert(folder.to_owned());
            }
        }
        Self { folders }
    }

    /// Whether `folder` holds a file of this name, one of the language's markers.
    pub(crate) fn marks(&self, marker: &str, folder: &str) -> bool {
        self.folders.get(marker).is_some_and(|marked| marked.contains(folder))
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
