//! The arguments.

mod answers;
mod arguments;
mod ask;
mod detail;
mod export;
mod format;
mod repositories;

pub(crate) use answers::*;
pub(crate) use arguments::*;
pub(crate) use ask::{AskArgs, Question};
pub(crate) use detail::Detail;
pub(crate) use export::ExportArgs;
pub(crate) use format::Format;
pub(crate) use repositories::{BuildArgs, ExtractArgs, SourceArgs};

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use ir::spec::{GivenParameter, GivenValue};
use pipeline::configuration::{MOST_THREADS, parse_size};

/// Compiles specs of Delta tables into one plan and runs it; builds code property graphs.
#[derive(Debug, Parser)]
#[command(name = "driver", version, after_help = EXIT_CODES, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Results go to stdout, diagnostics and progress to stderr.\n\
    RUST_LOG shows a log on stderr: `info`, `debug`, or `codeanatomy=LEVEL` among those of other programs.\n\
    Exit codes: 0 done, 1 an error in what was given, 2 a wrong command line, 70 a bug, 130 stopped.";

/// Options of all commands.
#[derive(Debug, Args)]
pub(crate) struct Globals {
    /// The form of results and diagnostics; `csv`, `ndjson`, `markdown` and `parquet` are for rows: of `sql`, `ask` and `preview`;
    /// `dot`, `graphml`, `jsonl`, `scip`, `parquet` and `coo` are for `export`
    #[arg(long, global = true, value_enum, default_value_t, help_heading = "Output")]
    pub(crate) format: Format,
    /// When to use colours; NO_COLOR turns `auto` off
    #[arg(long, global = true, value_enum, default_value_t, help_heading = "Output")]
    pub(crate) color: ColorChoice,
    /// Say more: the session's settings, decisions of passes, operators
    #[arg(short, long, global = true, conflicts_with = "quiet", help_heading = "Output")]
    pub(crate) verbose: bool,
    /// Say nothing but results and errors
    #[arg(short, long, global = true, help_heading = "Output")]
    pub(crate) quiet: bool,
    /// Let specs read and write this folder, too; may be given several times [default: the spec's folder, and the lake]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Configuration")]
    pub(crate) allow: Vec<PathBuf>,
    /// Let specs read this folder, too; may be given several times
    #[arg(long, global = true, value_name = "DIR", help_heading = "Configuration")]
    pub(crate) allow_read: Vec<PathBuf>,
    /// The configuration [default: CODEANATOMY_CONFIG, or codeanatomy/codeanatomy.toml in the user's folder for
    /// configuration; never one beside a spec]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Configuration")]
    pub(crate) config: Option<PathBuf>,
    /// The profile of the session: how much of the machine it uses [default: that of the spec, or auto: what the machine
    /// has]
    #[arg(long, global = true, value_name = "NAME", value_enum, help_heading = "Resources")]
    pub(crate) profile: Option<Profile>,
    /// Threads to work with [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = value_parser!(u64).range(1..=MOST_THREADS), help_heading = "Resources")]
    pub(crate) threads: Option<u64>,
    /// Memory for operators, shared views and writers, such as 500M or 4GiB [default: 1GiB for each core, 2GiB at
    /// least, but no more than 60% of what is free]
    #[arg(long, global = true, value_name = "SIZE", value_parser = parse_size, help_heading = "Resources")]
    pub(crate) memory_limit: Option<u64>,
    /// The folder for temporary files [default: the system's]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Resources")]
    pub(crate) spill_dir: Option<PathBuf>,
    /// Disk for temporary files, such as 20GiB [default: 80% of what is free in their folder]
    #[arg(long, global = true, value_name = "SIZE", value_parser = parse_size, help_heading = "Resources")]
    pub(crate) spill_limit: Option<u64>,
    /// Seconds without any progress after which a run is ended as hung; 0 waits for ever
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 30, help_heading = "Resources")]
    pub(crate) no_progress_timeout: u32,
    /// Seconds to wait for tables that another build or run is writing; 0 refuses at once
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 600, help_heading = "Resources")]
    pub(crate) lock_timeout: u32,
    /// Add what happens to a file, a line of JSON for every event; `driver schema events` prints the schema of the lines (build,
    /// check, compile, extract, replay, run and trace)
    #[arg(long, global = true, value_name = "FILE", help_heading = "Telemetry")]
    pub(crate) events: Option<PathBuf>,
    /// Add what a run reads and writes, and which columns come from which, to a file: a line of JSON for each event of
    /// OpenLineage (`run` and `build`)
    #[arg(long, global = true, value_name = "FILE", help_heading = "Telemetry")]
    pub(crate) lineage: Option<PathBuf>,
    /// Send traces of `run` and `build` to the collector at this address, as OTLP over HTTP; specs cannot send them elsewhere
    /// [default: OTEL_EXPORTER_OTLP_ENDPOINT, for specs that ask for traces]
    #[cfg(feature = "otel")]
    #[arg(long, global = true, value_name = "URL", help_heading = "Telemetry")]
    pub(crate) otlp_endpoint: Option<String>,
    /// Verify the graph after every pass (in debug builds always, but for `check`)
    #[arg(long, global = true, help_heading = "Resources")]
    pub(crate) verify_passes: bool,
}

/// The profiles that ship with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// Sized from the machine: all cores, 1GiB of memory for each, most of the free disk
    Auto,
    /// 4 partitions, 256MiB of memory, 1GiB of disk
    Small,
    /// 8 partitions, 1GiB of memory, 10GiB of disk
    Medium,
    /// 16 partitions, 4GiB of memory, 100GiB of disk
    Large,
}

impl Profile {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }
}

/// When colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl ColorChoice {
    /// Whether a stream gets colours.
    pub(crate) fn is_on(self, terminal: bool, no_color: bool) -> bool {
        match self {
            Self::Auto => terminal && !no_color,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build the code property graph of a repository
    ///
    /// The tables extracted from the source code and those of the graph computed from them are published together. The
    /// graph is checked before: ids are unique, edges end at nodes. When anything fails until then, all tables stay as the
    /// build before left them. Delta has no commit over several tables: a build that is killed in the milliseconds between
    /// its first commit and its last leaves some tables of this build beside others of the one before, and building again
    /// mends it.
    Build(BuildArgs),
    /// Run a spec: compute its outputs and publish them
    ///
    /// With `--select` only the selected outputs are written, and those of selected views, with what they need.
    ///
    /// When anything fails before the first commit, all tables stay as they were. Delta has no commit over several tables: a
    /// run that is killed in the milliseconds between its first commit and its last leaves some tables of this run beside
    /// others of the one before, and running again mends it.
    ///
    /// An output keeps the columns of its table. One whose columns change says so in the spec, with `schema_mode:
    /// additive` or `schema_mode: replace`.
    Run(RunSpecArgs),
    /// Report everything that is wrong with a spec
    ///
    /// What is found out about the types of a large spec is kept in `.codeanatomy/compiled` beside it, so that only what
    /// changed is typed the next time. The folder may be deleted.
    Check(CheckArgs),
    /// Run the tests of a spec: views over the rows that the tests give, compared with those that they expect
    ///
    /// Nothing of the spec is written, and its tables are only asked for the columns of what is given without saying them.
    /// Rows that differ are shown, `-` for those that are missing and `+` for those that were not expected, with `*` around
    /// values that changed. Exit status 1 when a test fails.
    Test(TestArgs),
    /// Show the first rows of a view, an input or an output
    ///
    /// Only what these rows need is computed: inputs that they do not read are not opened, and scans end once there are enough
    /// rows. Nothing is written, and no run is recorded. What was scanned is said on stderr.
    Preview(PreviewArgs),
    /// Check, preview or run a spec again whenever it or a table that it reads changes
    ///
    /// What one check finds out is kept for the next, so that little is checked again after a change. Of a spec with many views
    /// those that have changed are checked first, with what reads them, and then the whole. It waits while the spec
    /// has mistakes or is not there, until Ctrl-C.
    Watch(WatchArgs),
    /// Speak the Language Server Protocol over stdin and stdout, for editors
    ///
    /// Findings are those of `check`, a moment after each change. There are completions of names, columns, functions, fields
    /// and values, what is known of a view, definitions, and the list of what a spec defines.
    Lsp,
    /// Show a spec at any stage of its compilation
    Compile(CompileArgs),
    /// Run one pass over a graph read from a file or stdin
    Pass(PassArgs),
    /// Check the invariants of a graph read from a file or stdin
    Verify(GraphArgs),
    /// Write every stage of a compilation to files, also of one that fails
    Trace(TraceArgs),
    /// Query the tables of a lake; without a query, a shell for it
    ///
    /// Statements are SELECT, WITH, VALUES, EXPLAIN [ANALYZE] [VERBOSE], DESCRIBE, SHOW TABLES and SHOW FUNCTIONS, with semicolons
    /// between them. A table's name is that of its folder; those in a folder of the lake are in a schema, as in `extract.files`.
    /// `information_schema` has tables, columns, schemata and routines. Mistakes are those that a spec would have.
    ///
    /// JSON writes NaN and infinities as the texts "NaN", "Infinity" and "-Infinity".
    Sql(SqlArgs),
    /// Ask a famous question about a code graph that `build` has made: who calls it, what uses it, which tests reach it
    ///
    /// Each question is one query over the tables `symbols`, `calls`, `references`, `imports`, `inherits` and `overrides`;
    /// `--show-query` prints it. A name may be the end of a qualified one, so that `Shape.area` finds `pkg.shapes.Shape.area`.
    Ask(AskArgs),
    /// Write a code graph that `build` has made for other programs: `--format dot|graphml|jsonl|scip|parquet|coo`
    ///
    /// `dot` (Graphviz), `graphml` and `jsonl` (an object a line, `"type": "node"` or `"edge"`) are files with all nodes first,
    /// then all edges. `parquet` is a folder with `nodes.parquet` and `edges.parquet`, a row each. `coo` is a folder for learning
    /// on graphs: `nodes.parquet` numbers nodes (`index`, from 0), and `edges.parquet` has `src_index`, `dst_index` and
    /// `edge_kind` of every edge, the edges of a kind together. `scip` is an index for code search and editors, of symbols and
    /// where they are used.
    ///
    /// Nodes and edges are those of `cpg_nodes` and `cpg_edges`; with `--symbols` those of the tables that people ask for. The
    /// same lake gives the same bytes. The output is there when it is whole, or not at all.
    Export(ExportArgs),
    /// Show what is recorded of runs, also of those that failed
    ///
    /// A run leaves a record in `.codeanatomy/runs` beside its spec, those of `build` in the lake: what identifies it, what
    /// it read and wrote, where its time went, and what went wrong.
    Runs(RunsArgs),
    /// Show what is recorded of one run in full
    Show(ShowArgs),
    /// Look at a recorded run again: is everything that decided its rows as it was, and do they come out the same?
    ///
    /// The spec in the record is compiled over the versions of the tables that the run has read. Every part that is not as it
    /// was is named: of the spec, the program, its settings, the tables. With `--execute` the outputs are computed again, into
    /// temporary files that no table sees, and the digests of their rows are compared. Other threads, memory and sizes of
    /// batches decide no row. Exit status 1 when something that decides rows differs or cannot be told.
    Replay(ReplayArgs),
    /// Extract the source code of a repository into Delta tables
    Extract(ExtractArgs),
    /// Show the session that a spec runs in: every setting with where it comes from, every extension with whether the spec
    /// allows it
    Session(SessionArgs),
    /// Show what may be used and what is preferred, and who says so
    ///
    /// The command line goes before the environment, the environment before codeanatomy.toml. Folders that specs may use
    /// add up.
    Config,
    /// Print the JSON Schema of specs, or of events
    Schema(SchemaArgs),
    /// Explain the code of a diagnostic, such as E0107, or an invariant of graphs, such as V06
    Explain(ExplainArgs),
    /// List the passes of the compiler
    Passes,
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
}

/// A value for a parameter: its label, `=`, and everything behind it.
fn parse_parameter(text: &str) -> Result<GivenParameter, String> {
    match text.split_once('=') {
        Some((label, value)) if !label.is_empty() => {
            Ok(GivenParameter { label: label.to_owned(), value: GivenValue::Text(value.to_owned()) })
        }
        _ => Err("write the label of a parameter, `=` and the value".to_owned()),
    }
}

/// A time that is not zero, in seconds.
fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|time| !time.is_zero()).ok_or_else(|| "write a number of seconds above zero".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
