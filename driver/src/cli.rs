//! The arguments.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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
    Exit codes: 0 done, 1 an error in what was given, 2 a wrong command line, 70 a bug, 130 stopped.";

/// Options of all commands.
#[derive(Debug, Args)]
pub(crate) struct Globals {
    /// The form of results and diagnostics; `csv` is for `sql` only
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
    /// Threads to work with [default: all cores]
    #[arg(long, global = true, value_name = "N", help_heading = "Resources")]
    pub(crate) threads: Option<NonZeroUsize>,
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
    /// Verify the graph after every pass (in debug builds always, but for `check`)
    #[arg(long, global = true, help_heading = "Resources")]
    pub(crate) verify_passes: bool,
}

/// The form of results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON document where a command has one to give; diagnostics as one JSON object a line
    Json,
    /// Comma-separated values with a header (`sql` only)
    Csv,
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
    /// An output keeps the columns of its table. One whose columns change says so in the spec, with `schema_mode:
    /// additive` or `schema_mode: replace`.
    Run(SpecArgs),
    /// Report everything that is wrong with a spec
    ///
    /// What is found out about the types of a large spec is kept in `.codeanatomy/compiled` beside it, so that only what
    /// changed is typed the next time. The folder may be deleted.
    Check(SpecArgs),
    /// Show a spec at any stage of its compilation
    Compile(CompileArgs),
    /// Run one pass over a graph read from a file or stdin
    Pass(PassArgs),
    /// Check the invariants of a graph read from a file or stdin
    Verify(GraphArgs),
    /// Write every stage of a compilation to files, also of one that fails
    Trace(TraceArgs),
    /// Query the tables of a lake
    Sql(SqlArgs),
    /// Show what is recorded of runs, also of those that failed
    ///
    /// A run leaves a record in `.codeanatomy/runs` beside its spec, those of `build` in the lake: what identifies it, what
    /// it read and wrote, where its time went, and what went wrong.
    Runs(RunsArgs),
    /// Extract the source code of a repository into Delta tables
    Extract(ExtractArgs),
    /// Print the JSON Schema of specs
    Schema,
    /// Explain the code of a diagnostic, such as E0107, or an invariant of graphs, such as V06
    Explain(ExplainArgs),
    /// List the passes of the compiler
    Passes,
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
}

/// A spec.
#[derive(Debug, Args)]
pub(crate) struct SpecArgs {
    /// The spec, YAML or JSON; `-` reads stdin. Relative locations in it count from its folder
    #[arg(value_name = "SPEC")]
    pub(crate) spec: PathBuf,
}

/// Arguments of `build`.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// The repository's folder
    #[arg(value_name = "REPO")]
    pub(crate) repository: PathBuf,
    /// The folder for the tables [default: REPO/.codeanatomy/lake]
    #[arg(long, value_name = "DIR")]
    pub(crate) lake: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

/// Arguments of `runs`.
#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// The folder of a spec or a lake, of which all runs are listed; or the file of one record, which is shown in full
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) path: PathBuf,
}

/// Arguments of `extract`.
#[derive(Debug, Args)]
pub(crate) struct ExtractArgs {
    /// The repository's folder
    #[arg(value_name = "REPO")]
    pub(crate) repository: PathBuf,
    /// The folder for the tables
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

/// Which source code is read.
#[derive(Debug, Args)]
pub(crate) struct SourceArgs {
    /// Paths to leave out, in .gitignore syntax; may be given several times
    #[arg(long, value_name = "PATTERN")]
    pub(crate) exclude: Vec<String>,
    /// The largest file that is parsed [default: 8MiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) max_file_size: Option<u64>,
}

/// Arguments of `compile`.
#[derive(Debug, Args)]
pub(crate) struct CompileArgs {
    #[command(flatten)]
    pub(crate) spec: SpecArgs,
    /// What to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    pub(crate) emit: Emit,
    /// Print the graph as it is after this pass, or after each (`all`)
    #[arg(long, value_name = "PASS")]
    pub(crate) after: Option<String>,
    /// Print the difference to the stage before
    #[arg(long)]
    pub(crate) diff: bool,
    /// Run no pass after this one
    #[arg(long, value_name = "PASS")]
    pub(crate) stop_after: Option<String>,
    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// A form of a compilation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Emit {
    /// The spec as JSON, with all defaults filled in
    Spec,
    /// The graph in its text form, which `pass` and `verify` read
    #[default]
    Ir,
    /// The logical plans, as emitted
    Plan,
    /// The logical plans after DataFusion's optimizer
    Optimized,
    /// The physical plans
    Physical,
    /// The graph as a picture, in the DOT language
    Dot,
    /// The graph as JSON, for programs
    Json,
    /// The graph in its archived form, which `pass` and `verify` read too
    Archive,
}

/// Arguments of `pass`.
#[derive(Debug, Args)]
pub(crate) struct PassArgs {
    /// The pass, by name; `driver passes` lists them
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) graph: GraphArgs,
    /// The spec the graph comes from: what the pass finds is shown where it was written
    #[arg(long, value_name = "SPEC")]
    pub(crate) spec: Option<PathBuf>,
    /// Print the difference the pass makes
    #[arg(long)]
    pub(crate) diff: bool,
}

/// A graph.
#[derive(Debug, Args)]
pub(crate) struct GraphArgs {
    /// The graph, in text or archived form
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) graph: PathBuf,
    /// The folder relative locations of tables count from
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) base: PathBuf,
}

/// Arguments of `trace`.
#[derive(Debug, Args)]
pub(crate) struct TraceArgs {
    #[command(flatten)]
    pub(crate) spec: SpecArgs,
    /// The folder to write to; new, empty, or that of an earlier trace
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
}

/// Arguments of `sql`.
#[derive(Debug, Args)]
pub(crate) struct SqlArgs {
    /// One SELECT; a table's name is the name of its folder. `-` reads stdin
    #[arg(value_name = "QUERY")]
    pub(crate) query: String,
    /// The folder with the tables
    #[arg(long, value_name = "DIR", default_value = crate::cli::DEFAULT_LAKE)]
    pub(crate) lake: PathBuf,
    /// Rows shown as text; other forms print all
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) max_rows: usize,
}

/// Where `build` puts tables and `sql` finds them, relative to the repository.
pub(crate) const DEFAULT_LAKE: &str = pipeline::DEFAULT_LAKE;

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The code or its name, such as E0107 or unknown-source; or the number of an invariant of graphs, such as V06
    #[arg(value_name = "CODE")]
    pub(crate) code: String,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

/// A number of bytes: digits, optionally with a fraction, and a unit. `K`, `M`, `G`, `T` and their forms with `iB`
/// are powers of 1024, those with `B` powers of 1000.
fn parse_size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        other => return Err(format!("`{other}` is not a unit; write K, M, G, T, or KB, MiB and so on")),
    };
    let wrong = || format!("`{number}` is not a number of bytes; write like 500M or 1.5GiB");
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let fraction: f64 = format!("0.{fraction}").parse().map_err(|_| wrong())?;
    // Below one unit, so that it fits; bytes of a fraction need no more precision than a double has.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "see above"
    )]
    let part = (fraction * factor as f64) as u64;
    let bytes = whole.checked_mul(factor).and_then(|bytes| bytes.checked_add(part)).ok_or_else(wrong)?;
    if bytes == 0 { Err("it must be more than 0".to_owned()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_have_binary_and_decimal_units() {
        assert_eq!(parse_size("1500"), Ok(1500));
        assert_eq!(parse_size("2GiB"), Ok(2 << 30));
        assert_eq!(parse_size("2g"), Ok(2 << 30));
        assert_eq!(parse_size("2GB"), Ok(2_000_000_000));
        assert_eq!(parse_size("1.5K"), Ok(1536));
        for wrong in ["", "GiB", "-1", "1.2.3M", "5 parsec", "0", "99999999999T"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }
}
