//! Source code to extraction tables: files, syntax nodes, scopes, definitions, references, calls, imports,
//! decorators and documentation of repositories, as Arrow batches.
//!
//! [`extract`] walks the repositories, parses every file of a known language once with tree-sitter, and
//! streams rows to a [`TableSink`] in the order of file identifiers with bounded memory. Spans are half-open byte ranges; paths
//! are relative to the repository, or begin with its name where there are several, with `/`; every row's identifier is a hash of kind, path, span and
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
mod repository;
mod symbols;
mod tables;
#[cfg(test)]
mod tests;
mod tree;
mod walk;

pub use error::ExtractError;
pub use options::{Options, Summary, Syntax};
pub use repository::Repository;
pub use tables::{Column, SortKey, Table, TableSink};

/// Extracts the repositories into `sink`.
///
/// # Errors
/// When a root cannot be read, the names of several do not tell them apart, an exclusion is not a pattern, the sink fails, two identifiers collide, or it is stopped.
/// Rows handed over before an error are incomplete and must not be published.
pub fn extract(
    repositories: &[Repository],
    options: &Options,
    sink: &mut dyn TableSink,
) -> Result<Summary, ExtractError> {
    let mut found = repository::walk_all(repositories, options)?;
    // Tables that are joined by file are then in the order of their key as they come.
    found.files.sort_by_cached_key(|file| tables::file_id(&file.path));
    pipeline::run(&found, options, sink)
}
