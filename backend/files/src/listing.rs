//! Which files a location names.
//!
//! A location is a file, a folder, or a pattern. What could be meant otherwise is refused instead of guessed: a folder must
//! hold nothing but files of the format; a Delta table, and anything inside one, is read through its log; partition folders
//! (`day=2026-01-01`) would lose a column; links could lead anywhere, and make one file two.

use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use delta::{DeltaError, Location};
use glob::{MatchOptions, Pattern};
use ir::op::FileFormat;

use crate::{FileError, Result};

/// So many files a location may name.
const MOST_FILES: usize = 100_000;
/// So deep folders are looked into, below the one where a pattern begins.
const MOST_FOLDERS: usize = 64;

/// A file of a location.
#[derive(Clone, Debug)]
pub(crate) struct ListedFile {
    /// Where it is: absolute, links resolved.
    pub(crate) path: PathBuf,
    /// Its path below the location, with `/` between names; its name, where the location is the file.
    pub(crate) name: String,
    /// What messages call it: as the spec would spell it.
    pub(crate) shown: String,
    /// What it was when it was listed.
    pub(crate) stamp: Stamp,
}

/// What tells that a file was not written to in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) size: u64,
    device: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.len(),
            device: metadata.dev(),
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// How names are compared with a pattern.
const MATCHING: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// The place of a location, and what of it is a pattern.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file or folder; of a pattern, the folder above its first name with a wildcard.
    pub root: Location,
    pattern: Option<Pattern>,
}

impl Place {
    /// Reads the text of a location. Relative ones start at `base`, which must be absolute.
    ///
    /// # Errors
    /// For what is no location, and for a pattern that cannot be one.
    pub fn parse(text: &str, base: &Path) -> Result<Self> {
        let place = |text: &str| {
            Location::parse(text, base).map_err(|error: DeltaError| FileError::NoPlace(error.to_string()))
        };
        let wildcard = text.find(['*', '?', '[']);
        let Some(wildcard) = wildcard.filter(|_| !is_there(text, base)) else {
            return Ok(Self { root: place(text)?, pattern: None });
        };
        let (folder, names) = match text.get(..wildcard).and_then(|before| before.rfind('/')) {
            Some(slash) => {
                (text.get(..=slash).unwrap_or_default(), text.get(slash + 1..).unwrap_or_default())
            }
            None => ("./", text),
        };
        let refused =
            |reason: &str| FileError::NoPlace(format!("`{text}` is not a pattern of paths: {reason}"));
        if names.split('/').any(|name| name == ".." || name == ".") {
            return Err(refused("it goes up after a wildcard; write the folder out"));
        }
        let pattern = Pattern::new(names).map_err(|error| refused(error.msg))?;
        Ok(Self { root: place(folder)?, pattern: Some(pattern) })
    }

    pub(crate) fn is_pattern(&self) -> bool {
        self.pattern.is_some()
    }

    /// Whether files in folders below the root are meant as well.
    #[must_use]
    pub fn is_deep(&self) -> bool {
        self.pattern.as_ref().is_some_and(|pattern| pattern.as_str().contains('/'))
    }

    /// Whether files may be below a folder, absolute and with its links resolved.
    #[must_use]
    pub fn leads_to(&self, folder: &Path) -> bool {
        let (Some(below), Some(pattern)) = (self.below(folder), &self.pattern) else { return false };
        let below = below.to_string_lossy();
        !below.split('/').any(is_passed_over) && may_lead_to(pattern, &below)
    }

    fn below(&self, path: &Path) -> Option<PathBuf> {
        self.root.as_path().and_then(|root| path.strip_prefix(root).ok().map(Path::to_owned))
    }

    /// Whether this is a pattern for whose files a folder would be looked into: the one in which it begins, one above, or one
    /// below that it can find something in.
    pub(crate) fn leads_into(&self, folder: &Location) -> bool {
        let (Some(root), Some(folder)) = (self.root.as_path(), folder.as_path()) else { return false };
        self.is_pattern() && (root.starts_with(&folder) || self.leads_to(&folder))
    }

    /// Whether a path, absolute and with its links resolved, is among the files or would be if it were there.
    #[must_use]
    pub fn names(&self, path: &Path) -> bool {
        let Some(below) = self.below(path) else { return false };
        let mut folders = below.iter().map(|name| name.to_string_lossy());
        if folders.any(|name| is_passed_over(&name)) {
            return false;
        }
        match &self.pattern {
            None => below.iter().count() <= 1,
            Some(pattern) => pattern.matches_path_with(&below, MATCHING),
        }
    }
}

fn is_there(text: &str, base: &Path) -> bool {
    base.join(text).symlink_metadata().is_ok()
}

/// The files of a location, in the order of their names. `text` is the location as the spec gives it.
pub(crate) fn list(place: &Place, text: &str, format: FileFormat) -> Result<Vec<ListedFile>> {
    let not_found = || FileError::NotFound(text.to_owned());
    let root = place.root.as_path().ok_or_else(not_found)?;
    let metadata = match root.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Err(not_found());
        }
        Err(error) => return Err(FileError::unreadable(text, error)),
    };
    outside_of_tables(&root, text)?;
    let mut walk = Walk { place, text, format, root: &root, found: Vec::new() };
    match (&place.pattern, metadata.is_dir()) {
        (None, false) => {
            let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
            walk.add(root.clone(), name, text.to_owned(), &metadata)?;
        }
        (Some(_), false) => return Err(not_found()),
        (_, true) => walk.folder(&root, "", 0)?,
    }
    let mut found = walk.found;
    if found.is_empty() {
        let reason = match &place.pattern {
            Some(_) => "no file is found by it".to_owned(),
            None => format!("the folder has no {} file in it", format.name()),
        };
        return Err(FileError::NotFiles { location: text.to_owned(), reason });
    }
    found.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(found)
}

/// A Delta table's files are rows of one of its versions only as its log says.
fn outside_of_tables(root: &Path, text: &str) -> Result<()> {
    let table = root.ancestors().find(|folder| is_table(folder));
    let Some(table) = table else { return Ok(()) };
    let what = if table == root { "is a Delta table" } else { "lies inside of a Delta table" };
    Err(FileError::NotFiles {
        location: text.to_owned(),
        reason: format!("it {what}, whose files are read through its log; give it as `delta_location`"),
    })
}

fn is_table(folder: &Path) -> bool {
    folder.join("_delta_log").symlink_metadata().is_ok()
}

struct Walk<'a> {
    place: &'a Place,
    text: &'a str,
    format: FileFormat,
    root: &'a Path,
    found: Vec<ListedFile>,
}

impl Walk<'_> {
    fn refuse(&self, name: &str, reason: impl Into<String>) -> FileError {
        FileError::NotFiles { location: self.shown(name), reason: reason.into() }
    }

    /// A file below the location, as the spec would spell it.
    fn shown(&self, name: &str) -> String {
        let folder = match self.place.pattern {
            Some(_) => self.place.root.text(),
            None => self.text,
        };
        let folder = folder.strip_prefix("./").unwrap_or(folder);
        match folder.trim_end_matches('/') {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        }
    }

    fn folder(&mut self, folder: &Path, above: &str, depth: usize) -> Result<()> {
        if depth > MOST_FOLDERS {
            return Err(self.refuse(above, "folders lie too deep inside each other"));
        }
        let shown = if above.is_empty() { self.text.to_owned() } else { self.shown(above) };
        let entries = std::fs::read_dir(folder).map_err(|error| FileError::unreadable(&shown, error))?;
        for entry in entries {
            let entry = entry.map_err(|error| FileError::unreadable(&shown, error))?;
            let file_name = entry.file_name();
            let Some(file_name) = file_name.to_str() else {
                return Err(self.refuse(above, "it holds a file whose name is no text (UTF-8)"));
            };
            if is_passed_over(file_name) {
                continue;
            }
            let name = if above.is_empty() { file_name.to_owned() } else { format!("{above}/{file_name}") };
            let metadata =
                entry.metadata().map_err(|error| FileError::unreadable(&self.shown(&name), error))?;
            self.entry(entry.path(), name, &metadata, depth)?;
        }
        Ok(())
    }

    /// An entry of a folder: what a pattern does not find is passed over, everything else must be a file of the format.
    fn entry(&mut self, path: PathBuf, name: String, metadata: &Metadata, depth: usize) -> Result<()> {
        let pattern = self.place.pattern.as_ref();
        let is_found = pattern.is_none_or(|pattern| pattern.matches_with(&name, MATCHING));
        if metadata.is_dir() {
            return match pattern {
                None => Err(self.refuse(
                    &name,
                    "it is a folder inside of the input's folder; a pattern such as `**/*.csv` reads all below",
                )),
                Some(pattern) if !may_lead_to(pattern, &name) => Ok(()),
                Some(_) if is_table(&path) => {
                    Err(self.refuse(&name, "it is a Delta table; give it as a `delta_location`"))
                }
                Some(_) if is_partition(&path) => Err(self.refuse(
                    &name,
                    "it is the folder of a partition, whose value would be lost; write the rows to a Delta table first",
                )),
                Some(_) => self.folder(&path, &name, depth + 1),
            };
        }
        if !is_found {
            return Ok(());
        }
        let shown = self.shown(&name);
        if metadata.is_symlink() {
            return Err(self.refuse(&name, "it is a link; a location may be one, a file below it must not"));
        }
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let extensions = extensions(self.format);
        if pattern.is_none() && !extensions.iter().any(|known| extension.eq_ignore_ascii_case(known)) {
            return Err(self.refuse(
                &name,
                format!(
                    "it is not named as a {} file ({}); say which files are meant by a pattern, such as `*.{}`",
                    self.format.name(),
                    extensions.join(", "),
                    extensions.first().unwrap_or(&"*"),
                ),
            ));
        }
        self.add(path, name, shown, metadata)
    }

    fn add(&mut self, path: PathBuf, name: String, shown: String, metadata: &Metadata) -> Result<()> {
        if !metadata.is_file() {
            let reason = "it is neither a file nor a folder".to_owned();
            return Err(FileError::NotFiles { location: shown, reason });
        }
        if self.found.len() == MOST_FILES {
            return Err(self.refuse("", format!("it names more than {MOST_FILES} files")));
        }
        debug_assert!(path.starts_with(self.root), "only folders below the location are walked");
        self.found.push(ListedFile { path, name, shown, stamp: Stamp::of(metadata) });
        Ok(())
    }
}

/// Whether files and folders of this name are of no concern: other programs' notes, and what is still being written.
fn is_passed_over(name: &str) -> bool {
    name.starts_with(['_', '.'])
}

/// Whether a pattern can find something below a folder of this name.
fn may_lead_to(pattern: &Pattern, folder: &str) -> bool {
    let mut names = pattern.as_str().split('/');
    for folder in folder.split('/') {
        match names.next() {
            Some("**") => return true,
            Some(name) => {
                if !Pattern::new(name).is_ok_and(|name| name.matches(folder)) {
                    return false;
                }
            }
            None => return false,
        }
    }
    names.next().is_some()
}

/// Whether a folder is named `column=value`, as partitions are.
fn is_partition(path: &Path) -> bool {
    let name = path.components().next_back();
    matches!(name, Some(Component::Normal(name)) if name.to_string_lossy().contains('='))
}

/// How files of a format are named.
fn extensions(format: FileFormat) -> &'static [&'static str] {
    match format {
        FileFormat::Parquet => &["parquet"],
        FileFormat::Csv => &["csv", "tsv", "txt"],
        FileFormat::Ndjson => &["ndjson", "jsonl", "json"],
        FileFormat::Arrow => &["arrow", "arrows", "feather", "ipc"],
    }
}
