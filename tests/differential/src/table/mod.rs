//! Delta tables: what is in them, how they are written, and how the rows of others are read.
//!
//! Neither the writer nor the reader here is the program's. Tables are laid out as different writers do it.

mod arrays;
mod deletion;
mod log;
mod read;
mod write;

pub(crate) use arrays::{array, data_type, value};
pub use read::{Files, read};
pub use write::write;

use std::collections::BTreeMap;

use crate::evaluate::Relation;
use crate::plan::{Column, LogRead};
use crate::value::{Type, Value};

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

impl Commit {
    /// The rows that it adds.
    fn rows(&self) -> impl Iterator<Item = &Vec<Value>> {
        let all = self.files.iter().flatten().enumerate();
        all.filter(|(at, _)| !self.deleted.contains(at)).map(|(_, row)| row)
    }
}

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// What the log says of files.
    pub statistics: Statistics,
    /// Whether paths in the log are spelled with the characters of their names, where others write `%C3%A9`.
    pub raw_paths: bool,
    /// How many rows a row group has.
    pub row_group: usize,
    /// Whether its changes can be read.
    pub feed: bool,
    /// Whether those of the first version cannot.
    pub late_feed: bool,
    /// How many files without rows the first version has besides; none of a table that is divided.
    pub empty_files: usize,
    /// Whether whole numbers of the first version are of 16 bits in its files, as if columns were widened after it.
    pub narrow: bool,
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

/// When everything is written: milliseconds since 1970.
const WRITTEN: i64 = 1_700_000_000_000;

impl Table {
    /// The rows at a version; the latest without one.
    #[must_use]
    pub fn rows(&self, version: Option<u64>) -> Vec<Vec<Value>> {
        let mut rows = Vec::new();
        for commit in self.commits_until(version) {
            if commit.overwrites {
                rows.clear();
            }
            rows.extend(commit.rows().cloned());
        }
        rows
    }

    /// The version that is read, where one is asked for.
    fn version(&self, version: Option<u64>) -> usize {
        let latest = self.commits.len().saturating_sub(1);
        version.and_then(|version| usize::try_from(version).ok()).unwrap_or(latest).min(latest)
    }

    fn commits_until(&self, version: Option<u64>) -> &[Commit] {
        &self.commits[..=self.version(version)]
    }

    /// What the log says at a version: the columns and rows of it.
    #[must_use]
    pub fn log(&self, version: Option<u64>, read: &LogRead) -> Relation {
        let numbers = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), Type::Int)).collect();
        match read {
            LogRead::Version => {
                let version = i64::try_from(self.version(version)).unwrap_or(i64::MAX);
                Relation { columns: numbers(&["i0"]), rows: vec![vec![Value::Int(version)]] }
            }
            LogRead::Files => Relation { columns: numbers(&["i0", "i1"]), rows: self.files(version) },
            LogRead::Changes { .. } => {
                let own = [
                    ("_change_type", Type::Text),
                    ("_commit_version", Type::Int),
                    ("_commit_timestamp", Type::Timestamp),
                ];
                let own = own.map(|(name, of)| (name.to_owned(), of));
                let columns = self.columns.iter().cloned().chain(own).collect();
                Relation { columns, rows: self.changes(version) }
            }
        }
    }

    /// All rows that came and went.
    fn changes(&self, until: Option<u64>) -> Vec<Vec<Value>> {
        let (mut live, mut changes): (Vec<Vec<Value>>, _) = (Vec::new(), Vec::new());
        for (version, commit) in (0_i64..).zip(self.commits_until(until)) {
            let mut change = |row: &[Value], word: &str| {
                let own =
                    [Value::Text(word.to_owned()), Value::Int(version), Value::Timestamp(WRITTEN * 1000)];
                changes.push([row, &own].concat());
            };
            if commit.overwrites {
                live.drain(..).for_each(|row| change(&row, "delete"));
            }
            for row in commit.rows() {
                change(row, "insert");
                live.push(row.clone());
            }
        }
        changes
    }

    /// How many rows each file has, where the log says it, and how many are deleted.
    fn files(&self, until: Option<u64>) -> Vec<Vec<Value>> {
        let keys = self.partition_places();
        let is_known = self.layout.statistics != Statistics::None;
        let known = |rows: i64| if is_known { Value::Int(rows) } else { Value::Null };
        let mut files = vec![vec![known(0), Value::Int(0)]; self.empty_files()];
        for commit in self.commits_until(until) {
            if commit.overwrites {
                files.clear();
            }
            let mut number = 0;
            for rows in &commit.files {
                let mut partitions: BTreeMap<Vec<&Value>, [i64; 2]> = BTreeMap::new();
                for row in rows {
                    let of = partitions.entry(keys.iter().map(|at| &row[*at]).collect()).or_default();
                    of[usize::from(commit.deleted.contains(&number))] += 1;
                    number += 1;
                }
                let counted = partitions.into_values();
                files.extend(counted.map(|[live, deleted]| vec![known(live), Value::Int(deleted)]));
            }
        }
        files
    }

    /// The first version whose changes can be read, if there is one.
    pub(crate) fn recorded_from(&self) -> Option<usize> {
        let first = usize::from(self.layout.late_feed && self.commits.len() > 1);
        self.layout.feed.then_some(first)
    }

    /// How many files without rows it begins with.
    fn empty_files(&self) -> usize {
        if self.partition_by.is_empty() { self.layout.empty_files } else { 0 }
    }

    /// The places of the partition columns.
    fn partition_places(&self) -> Vec<usize> {
        (0..self.columns.len()).filter(|at| self.partition_by.contains(&self.columns[*at].0)).collect()
    }

    /// Whether some of its rows are marked as deleted.
    #[must_use]
    pub fn has_deletion_vectors(&self) -> bool {
        self.commits.iter().any(|commit| !commit.deleted.is_empty())
    }
}
