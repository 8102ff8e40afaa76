//! Arguments of commands that answer questions about the tables of a lake.

use std::path::PathBuf;

use clap::Args;

use super::ParameterArgs;

/// Where the tables of questions are, and how rows are shown.
#[derive(Clone, Debug, Args)]
pub(crate) struct AnswerArgs {
    /// The folder with the tables [default: that of the configuration, or .codeanatomy/lake]
    #[arg(long, value_name = "DIR")]
    pub(crate) lake: Option<PathBuf>,
    /// Rows shown, or `all` [default: 1000 on a terminal, all elsewhere]
    #[arg(long, value_name = "N", value_parser = parse_rows)]
    pub(crate) max_rows: Option<MaxRows>,
    /// Write the rows to this file; those of the last statement stay
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Show everything at once: neither pages nor PAGER
    #[arg(long)]
    pub(crate) no_pager: bool,
}

/// Arguments of `sql`.
#[derive(Debug, Args)]
pub(crate) struct SqlArgs {
    /// Statements, with semicolons between them; `-` reads stdin. Without them, a shell on a terminal, or else stdin
    #[arg(value_name = "QUERY", conflicts_with_all = ["command", "file"])]
    pub(crate) query: Option<String>,
    /// Statements, as QUERY
    #[arg(short, long, value_name = "QUERY", conflicts_with = "file")]
    pub(crate) command: Option<String>,
    /// A file with statements
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) answers: AnswerArgs,
    /// Values for `$1`, `$2`, ...: numbers, truth values, and texts for everything else
    #[command(flatten)]
    pub(crate) parameters: ParameterArgs,
    /// Say how long each statement took
    #[arg(long)]
    pub(crate) timing: bool,
}

/// How many rows are shown; all of them if absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MaxRows(pub(crate) Option<usize>);

/// Reads a number of rows, or `all`.
pub(crate) fn parse_rows(text: &str) -> Result<MaxRows, String> {
    match text {
        "all" => Ok(MaxRows(None)),
        number => number
            .parse()
            .map(|rows| MaxRows(Some(rows)))
            .map_err(|_| "write a number of rows, or `all`".to_owned()),
    }
}
