//! The repository keeps its own rules: goldens belong to cases, documents name what there is, sources stay readable,
//! crates depend in one direction.

mod goldens;
mod sources;
mod workspace;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::Trial;

use crate::harness::{Case, entries, root, trial};

pub(crate) fn trials(cases: &[Arc<Case>]) -> Vec<Trial> {
    let mut trials = goldens::trials(cases);
    trials.extend(sources::trials());
    trials.extend(workspace::trials());
    trials
}

/// A rule: finds everything that breaks it, as lines.
fn rule(name: &str, advice: &'static str, find: impl FnOnce() -> Vec<String> + Send + 'static) -> Trial {
    trial(format!("tidy::{name}"), move || {
        let found = find();
        assert!(found.is_empty(), "{advice}:\n  {}", found.join("\n  "));
    })
}

/// A path as the repository's documents would write it.
fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// The files below a folder that a reader of the repository sees: no build output, no version control, no local
/// tools. Links are not followed.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in entries(folder) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_symlink()
            || name == "target"
            || (name.starts_with('.') && !matches!(name.as_str(), ".ci" | ".gitignore"))
        {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

/// The text of a file; of an archive, as far as it is one.
fn read(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", shown(path)));
    String::from_utf8_lossy(&bytes).into_owned()
}
