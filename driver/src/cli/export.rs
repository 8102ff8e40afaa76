//! The arguments of `driver export`.

use std::path::PathBuf;

use clap::Args;

/// What is written of a code graph, and where.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The folder with the tables [default: that of the configuration, or .codeanatomy/lake]
    #[arg(long, value_name = "DIR")]
    pub(crate) lake: Option<PathBuf>,
    /// The file to write; the folder for `parquet` and `coo`
    #[arg(short, long, value_name = "PATH")]
    pub(crate) output: PathBuf,
    /// Replace what is there
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Functions, classes and other symbols as nodes, and between them CALLS, CONTAINS, IMPORTS, INHERITS, OVERRIDES, REFERS_TO
    /// and TESTS; instead of files, the syntax and its edges
    #[arg(long)]
    pub(crate) symbols: bool,
    /// Only edges of these kinds, such as CALLS,INHERITS, and the nodes at their ends
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub(crate) kinds: Vec<String>,
    /// The folder of the repository, which paths in an index of `scip` count from [default: where `.codeanatomy/lake` is, if that is
    /// the lake, or else the current folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
}
