//! Finding the files of a repository.

use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use ignore::overrides::OverrideBuilder;

use crate::error::ExtractError;
use crate::language::Language;
use crate::languages::language_of;
use crate::options::Options;

/// A file found in the repository.
pub(crate) struct FoundFile {
    /// Path relative to the repository, POSIX.
    pub(crate) path: String,
    /// Path to open.
    pub(crate) location: PathBuf,
    /// Size in bytes when the walk saw it.
    pub(crate) size: u64,
    /// Language by extension.
    pub(crate) language: Option<&'static Language>,
}

/// A path the walk could not turn into a file.
pub(crate) struct WalkError {
    /// Path as far as known, with invalid parts replaced.
    pub(crate) path: String,
    /// Code, as in the `extract_errors` table.
    pub(crate) code: &'static str,
    /// The reason.
    pub(crate) message: String,
}

/// The result of the walk.
pub(crate) struct Walk {
    /// Files in order of their path's bytes; whoever needs another order sorts them again.
    pub(crate) files: Vec<FoundFile>,
    /// Errors in order of their path's bytes.
    pub(crate) errors: Vec<WalkError>,
}

/// Walks the repository. Only rules inside the repository count (`.gitignore`, `.ignore`, and the exclusions
/// of `options`), not those of the user or the machine, so that everyone gets the same files. Symbolic links
/// are not followed and are no files; `.git` is left out.
///
/// # Errors
/// When the root cannot be read, an exclusion is not a valid glob, or the extraction is stopped.
pub(crate) fn walk(root: &Path, options: &Options) -> Result<Walk, ExtractError> {
    let unreadable = |source| ExtractError::Root { root: root.to_path_buf(), source };
    let metadata = std::fs::metadata(root).map_err(unreadable)?;
    if !metadata.is_dir() {
        return Err(unreadable(std::io::Error::from(std::io::ErrorKind::NotADirectory)));
    }
    let mut overrides = OverrideBuilder::new(root);
    for glob in &options.exclude {
        let invalid = |source| ExtractError::ExcludeGlob { glob: glob.clone(), source };
        overrides.add(&format!("!{glob}")).map_err(invalid)?;
    }
    let overrides = overrides
        .build()
        .map_err(|source| ExtractError::ExcludeGlob { glob: options.exclude.join(", "), source })?;
    let walker = WalkBuilder::new(root)
        .hidden(false)
        .parents(false)
        .git_global(false)
        .git_exclude(false)
        .require_git(false)
        .follow_links(false)
        .overrides(overrides)
        .filter_entry(|entry| entry.file_name() != ".git")
        .build();
    let mut found = Walk { files: Vec::new(), errors: Vec::new() };
    for entry in walker {
        options.must_go_on()?;
        match entry {
            Ok(entry) => found.add(root, &entry),
            Err(error) => found.errors.push(WalkError {
                path: error_path(root, &error),
                code: "walk",
                message: error.to_string(),
            }),
        }
    }
    found.files.sort_by(|left, right| left.path.cmp(&right.path));
    found.errors.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(found)
}

impl Walk {
    fn add(&mut self, root: &Path, entry: &ignore::DirEntry) {
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            return;
        }
        let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let Some(path) = posix(relative) else {
            self.errors.push(WalkError {
                path: relative.to_string_lossy().into_owned(),
                code: "path_not_utf8",
                message: "the path is not valid UTF-8; rename the file to have it extracted".to_owned(),
            });
            return;
        };
        let size = entry.metadata().map_or(0, |metadata| metadata.len());
        let language = language_of(&path);
        self.files.push(FoundFile { path, location: entry.path().to_path_buf(), size, language });
    }
}

/// A relative path with `/` between its parts; none when a part is not UTF-8.
fn posix(path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path.components().map(|part| part.as_os_str().to_str()).collect();
    Some(parts?.join("/"))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "no other error of the walk has a path")]
fn error_path(root: &Path, error: &ignore::Error) -> String {
    match error {
        ignore::Error::WithPath { path, .. } => {
            path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
        }
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            error_path(root, err)
        }
        _ => String::new(),
    }
}
