//! Finding the files of a repository.

use std::collections::{BTreeSet, HashSet};
use std::fs::FileType;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use gix_index::entry::Mode;
use ignore::WalkBuilder;
use ignore::overrides::{Override, OverrideBuilder};

use crate::error::ExtractError;
use crate::language::Language;
use crate::languages::language_of;
use crate::options::Options;
use crate::repository::Repository;

/// A file found in the repository.
pub(crate) struct FoundFile {
    /// Path relative to the repository, POSIX; after its name where it has one.
    pub(crate) path: String,
    /// Name of the repository, where it has one.
    pub(crate) repository: Option<Arc<str>>,
    /// Path to open.
    pub(crate) location: PathBuf,
    /// Size in bytes when the walk saw it.
    pub(crate) size: u64,
    /// Language by extension.
    pub(crate) language: Option<&'static Language>,
}

/// A path that is not in the graph.
pub(crate) struct LeftOut {
    /// Path as far as known, with bytes that are not UTF-8 as `\xff`; that of a folder ends in a slash.
    pub(crate) path: String,
    /// Code, as in the `extract_errors` table.
    pub(crate) code: &'static str,
    /// The reason.
    pub(crate) message: String,
    /// Whether it was meant to be read.
    pub(crate) is_failure: bool,
}

impl LeftOut {
    fn failure(path: String, code: &'static str, message: impl Into<String>) -> Self {
        Self { path, code, message: message.into(), is_failure: true }
    }

    fn on_purpose(path: String, code: &'static str, message: impl Into<String>) -> Self {
        Self { path, code, message: message.into(), is_failure: false }
    }
}

/// The result of the walk.
pub(crate) struct Walk {
    /// Files in order of their path's bytes within each repository; whoever needs another order sorts them again.
    pub(crate) files: Vec<FoundFile>,
    /// Everything else, in order of its path's bytes: a folder that was not walked is one of these, with all that is in it.
    pub(crate) left_out: Vec<LeftOut>,
}

/// Walks a repository. Only rules inside the repository count (`.gitignore`, `.ignore`, and the exclusions
/// of `options`), not those of the user or the machine, so that everyone gets the same files. What Git tracks is read
/// though a rule names it. Symbolic links are not followed and are no files; `.git` is left out.
///
/// # Errors
/// When the root cannot be read, an exclusion is not a valid glob, or the extraction is stopped.
pub(crate) fn walk(repository: &Repository, options: &Options) -> Result<Walk, ExtractError> {
    let root = repository.root.as_path();
    let unreadable = |source| ExtractError::Root { root: root.to_path_buf(), source };
    let metadata = std::fs::metadata(root).map_err(unreadable)?;
    if !metadata.is_dir() {
        return Err(unreadable(std::io::Error::from(std::io::ErrorKind::NotADirectory)));
    }
    let overrides = exclusions(repository, options)?;
    let walker = WalkBuilder::new(root)
        .hidden(false)
        .parents(false)
        .git_global(false)
        .git_exclude(false)
        .require_git(false)
        .follow_links(false)
        .overrides(overrides.clone())
        .filter_entry(|entry| entry.file_name() != GIT_FOLDER)
        .build();
    let mut found = Walk { files: Vec::new(), left_out: Vec::new() };
    let (mut folders, mut seen) = (Vec::new(), HashSet::new());
    for entry in walker {
        options.must_go_on()?;
        match entry {
            Ok(entry) => {
                found.add(root, entry.path(), entry.file_type());
                if entry.file_type().is_some_and(|kind| kind.is_dir()) {
                    folders.push(entry.path().to_owned());
                }
                seen.insert(entry.into_path());
            }
            Err(error) => {
                let failure = LeftOut::failure(error_path(root, &error), "walk", error.to_string());
                found.left_out.push(failure);
            }
        }
    }
    let passed_over = PassedOver { root, overrides: &overrides, seen: &seen };
    let tracked = match tracked_files(root) {
        Ok(tracked) => tracked,
        Err(reason) => {
            found.left_out.push(LeftOut::failure(".git/index".to_owned(), "index_unreadable", reason));
            BTreeSet::new()
        }
    };
    passed_over.add_tracked(&tracked, &mut found);
    for folder in &folders {
        options.must_go_on()?;
        passed_over.add(folder, &tracked, &mut found);
    }
    found.files.sort_by(|left, right| left.path.cmp(&right.path));
    found.left_out.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(found)
}

fn exclusions(repository: &Repository, options: &Options) -> Result<Override, ExtractError> {
    let mut overrides = OverrideBuilder::new(&repository.root);
    for glob in options.exclude.iter().chain(&repository.exclude) {
        let invalid = |source| ExtractError::ExcludeGlob { glob: glob.clone(), source };
        overrides.add(&format!("!{glob}")).map_err(invalid)?;
    }
    let invalid = |source| ExtractError::ExcludeGlob { glob: options.exclude.join(", "), source };
    overrides.build().map_err(invalid)
}

impl Walk {
    /// Adds what the walk met, unless it is a folder.
    fn add(&mut self, root: &Path, location: &Path, kind: Option<FileType>) {
        let Some(kind) = kind.filter(|kind| !kind.is_dir()) else { return };
        let relative = location.strip_prefix(root).unwrap_or(location);
        let Some(path) = posix(relative) else {
            self.left_out.push(LeftOut::failure(
                shown(relative),
                "path_not_utf8",
                "the path is not valid UTF-8; rename the file to have it extracted",
            ));
            return;
        };
        if kind.is_symlink() {
            let target =
                std::fs::read_link(location).map_or(String::new(), |target| target.display().to_string());
            let message = format!(
                "it is a link to `{target}`; what it leads to is read where it lies, if it is in the repository"
            );
            self.left_out.push(LeftOut::on_purpose(path, "link", message));
        } else if kind.is_file() {
            let size = location.symlink_metadata().map_or(0, |metadata| metadata.len());
            let language = language_of(&path);
            let location = location.to_path_buf();
            self.files.push(FoundFile { path, repository: None, location, size, language });
        } else {
            let message = "it is a pipe, a socket or a device, which has no content of its own";
            self.left_out.push(LeftOut::on_purpose(path, "special", message));
        }
    }
}

/// What the walk passes over in silence.
struct PassedOver<'w> {
    root: &'w Path,
    overrides: &'w Override,
    /// What the walk met.
    seen: &'w HashSet<PathBuf>,
}

impl PassedOver<'_> {
    /// Adds what is in a folder that was walked and was not met there.
    fn add(&self, folder: &Path, tracked: &BTreeSet<PathBuf>, found: &mut Walk) {
        // A folder that cannot be read is an error of the walk already.
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            let location = entry.path();
            let relative = location.strip_prefix(self.root).unwrap_or(&location);
            if self.seen.contains(&location) || tracked.contains(relative) {
                continue;
            }
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let slash = if is_folder { "/" } else { "" };
            let path = format!("{}{slash}", shown(relative));
            found.left_out.push(if entry.file_name() == GIT_FOLDER {
                LeftOut::on_purpose(path, "version_control", "it is Git's own")
            } else if self.overrides.matched(&location, is_folder).is_ignore() {
                LeftOut::on_purpose(path, "excluded", "the command line excludes it")
            } else {
                let message = "a rule of `.gitignore` or `.ignore` names it, and Git does not track it";
                LeftOut::on_purpose(path, "ignored", message)
            });
        }
    }

    /// Adds files that Git tracks, though a rule names them or a folder they are in.
    fn add_tracked(&self, tracked: &BTreeSet<PathBuf>, found: &mut Walk) {
        for relative in tracked {
            let location = self.root.join(relative);
            if self.seen.contains(&location) || self.is_excluded(relative) {
                continue;
            }
            // One that is gone from the disk is no file; one that is behind a link is somewhere else.
            let is_here = relative
                .ancestors()
                .skip(1)
                .all(|folder| self.root.join(folder).symlink_metadata().is_ok_and(|folder| folder.is_dir()));
            if let Some(metadata) = location.symlink_metadata().ok().filter(|_| is_here) {
                found.add(self.root, &location, Some(metadata.file_type()));
            }
        }
    }

    /// Whether the command line excludes a file or a folder that it is in.
    fn is_excluded(&self, relative: &Path) -> bool {
        let mut above = relative.ancestors().filter(|path| !path.as_os_str().is_empty());
        above.any(|path| self.overrides.matched(self.root.join(path), path != relative).is_ignore())
    }
}

/// The folder in which Git keeps what it knows.
const GIT_FOLDER: &str = ".git";
/// The most bytes that a list in Git's index may take.
const INDEX_BYTES: usize = 1 << 30;

/// The files that Git tracks, relative to the root; none where it is no repository of its own. The error is a reason.
fn tracked_files(root: &Path) -> Result<BTreeSet<PathBuf>, String> {
    let index = root.join(GIT_FOLDER).join("index");
    // Whoever is not looking for it has no index; a link or a pipe is none either.
    let is_file = |path: &Path| path.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
    if !root.join(GIT_FOLDER).symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) || !is_file(&index) {
        return Ok(BTreeSet::new());
    }
    let options = gix_index::decode::Options {
        thread_limit: Some(1),
        alloc_limit_bytes: Some(INDEX_BYTES),
        ..gix_index::decode::Options::default()
    };
    let read = gix_index::File::at(&index, gix_index::hash::Kind::Sha1, false, options);
    let read = read.map_err(|error| {
        format!("Git's list of files cannot be read: {error}; tracked files that are ignored are left out")
    })?;
    let files = read.entries().iter().filter(|entry| entry.mode != Mode::COMMIT && entry.mode != Mode::DIR);
    let paths = files.filter_map(|entry| std::str::from_utf8(entry.path(&read)).ok());
    let is_inside = |path: &PathBuf| path.components().all(|part| matches!(part, Component::Normal(_)));
    Ok(paths.map(PathBuf::from).filter(is_inside).collect())
}

/// A relative path with `/` between its parts; none when a part is not UTF-8.
fn posix(path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path.components().map(|part| part.as_os_str().to_str()).collect();
    Some(parts?.join("/"))
}

/// A path for people: bytes that are not UTF-8 are written as `\xff`, so that different paths stay different.
fn shown(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

#[expect(clippy::wildcard_enum_match_arm, reason = "no other error of the walk has a path")]
fn error_path(root: &Path, error: &ignore::Error) -> String {
    match error {
        ignore::Error::WithPath { path, .. } => shown(path.strip_prefix(root).unwrap_or(path)),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            error_path(root, err)
        }
        _ => String::new(),
    }
}
