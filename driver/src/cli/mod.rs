//! The arguments.

mod arguments;

pub(crate) use arguments::*;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};

/// More threads than any machine has cores: a system refuses to start many more.
const MOST_THREADS: u64 = 1024;

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
    /// The form of results and diagnostics; `csv` is for `sql` and `preview` only
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

/// The form of results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON document where a command has one to give; diagnostics as one JSON object a line
    Json,
    /// Comma-separated values with a header (`sql` and `preview` only)
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
    /// With `--select` only the selected outputs are written, and those of selected views, with what they need.
    ///
    /// An output keeps the columns of its table. One whose columns change says so in the spec, with `schema_mode:
    /// additive` or `schema_mode: replace`.
    Run(RunSpecArgs),
    /// Report everything that is wrong with a spec
    ///
    /// What is found out about the types of a large spec is kept in `.codeanatomy/compiled` beside it, so that only what
    /// changed is typed the next time. The folder may be deleted.
    Check(CheckArgs),
    /// Show the first rows of a view, an input or an output
    ///
    /// Only what these rows need is computed: inputs that they do not read are not opened, and scans end once there are enough
    /// rows. Nothing is written, and no run is recorded. What was scanned is said on stderr.
    Preview(PreviewArgs),
    /// Check, preview or run a spec again whenever it or a table that it reads changes
    ///
    /// What one check finds out is kept for the next, so that little is checked again after a change. It waits while the spec
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
    /// Query the tables of a lake
    Sql(SqlArgs),
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
    /// Print the JSON Schema of specs
    Schema,
    /// Explain the code of a diagnostic, such as E0107, or an invariant of graphs, such as V06
    Explain(ExplainArgs),
    /// List the passes of the compiler
    Passes,
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
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
