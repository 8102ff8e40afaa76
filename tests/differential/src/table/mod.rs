//! Delta tables: what is in them, how they are written, and how the rows of others are read.
//!
//! Neither the writer nor the reader here is the program's. Tables are laid out as different writers do it.

mod arrays;
mod deletion;
mod log;
mod read;
mod write;

pub use read::read;
pub use write::write;

use crate::plan::Column;
use crate::value::Value;

/// A table and how it is laid out.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name, which is that of its folder.
    pub name: String,
    /// What its log calls it: copies of a table have one id.
    pub id: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// The columns that its files are divided by.
    pub partition_by: Vec<String>,
    /// Its versions.
    pub commits: Vec<Commit>,
    /// How it is written.
    pub layout: Layout,
}

/// A version of a table.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Whether what was there before is removed.
    pub overwrites: bool,
    /// The rows of each file. With partitions, a file of each partition has them.
    pub files: Vec<Vec<Vec<Value>>>,
    /// Of the rows, in the order of files, those that a deletion vector marks as deleted.
    pub deleted: Vec<usize>,
}

/// How a table is written.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// What the log says of files.
    pub statistics: Statistics,
    /// Whether paths in the log are spelled with the characters of their names, where others write `%C3%A9`.
    pub raw_paths: bool,
    /// How many rows a row group has.
    pub row_group: usize,
}

/// What the log of a table says of its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Statistics {
    /// Nothing.
    None,
    /// How many rows there are.
    Rows,
    /// Rows, NULLs, and bounds of the first two columns.
    Some,
    /// Rows, NULLs and bounds of all columns.
    All,
}

impl Table {
    /// The rows at a version; the latest without one.
    #[must_use]
    pub fn rows(&self, version: Option<u64>) -> Vec<Vec<Value>> {
        let latest = self.commits.len().saturating_sub(1);
        let last = version.and_then(|version| usize::try_from(version).ok()).unwrap_or(latest).min(latest);
        let mut rows = Vec::new();
        for commit in &self.commits[..=last] {
            if commit.overwrites {
                rows.clear();
            }
            let all = commit.files.iter().flatten().enumerate();
            rows.extend(all.filter(|(at, _)| !commit.deleted.contains(at)).map(|(_, row)| row.clone()));
        }
        rows
    }

    /// Whether some of its rows are marked as deleted.
    #[must_use]
    pub fn has_deletion_vectors(&self) -> bool {
        self.commits.iter().any(|commit| !commit.deleted.is_empty())
    }
}
