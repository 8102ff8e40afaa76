//! Source code to extraction tables: files, syntax nodes, scopes, definitions, references, calls, imports,
//! decorators and documentation of a repository, as Arrow batches.
//!
//! [`extract`] walks the repository, parses every file of a known language once with tree-sitter, and
//! streams rows to a [`TableSink`] in the order of file identifiers with bounded memory. Spans are half-open byte ranges; paths
//! are relative to the repository, with `/`; every row's identifier is a hash of kind, path, span and
//! ordinal, so that equal input gives equal tables. [`Table`] lists the tables and their columns.
//!
//! Names resolve by spans alone, for any language: a reference is looked up in the scopes of its file whose
//! span contains its lookup span, innermost first. See `lexical::resolve` for the rule and its proof
//! obligation, which every extraction checks.
//!
//! A language is a folder of `languages` and a row of the table there; nothing else knows one.

// Whoever adds a kind of scope, definition or use is told every place that has to know it.
#![warn(clippy::wildcard_enum_match_arm)]

mod error;
mod file;
mod language;
mod languages;
mod lexical;
mod linking;
mod modules;
mod options;
mod pipeline;
mod symbols;
mod tables;
#[cfg(test)]
mod tests;
mod tree;
mod walk;

use std::path::Path;

pub use error::ExtractError;
pub use options::{Options, Summary, Syntax};
pub use tables::{Column, SortKey, Table, TableSink};

/// Extracts the repository at `root` into `sink`.
///
/// # Errors
/// When the root cannot be read, an exclusion is not a pattern, the sink fails, two identifiers collide, or it is stopped.
/// Rows handed over before an error are incomplete and must not be published.
pub fn extract(root: &Path, options: &Options, sink: &mut dyn TableSink) -> Result<Summary, ExtractError> {
    let mut found = walk::walk(root, options)?;
    // Tables that are joined by file are then in the order of their key as they come.
    found.files.sort_by_cached_key(|file| tables::file_id(&file.path));
    pipeline::run(&found, options, sink)
}
