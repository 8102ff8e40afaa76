//! What commands are told on the command line.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ir::spec::GivenParameter;

use pipeline::Selection;

use super::parse_parameter;
use crate::failure::Failure;

/// A spec.
#[derive(Clone, Debug, Args)]
pub(crate) struct SpecArgs {
    /// The spec, YAML or JSON; `-` reads stdin. Relative locations in it count from its folder
    #[arg(value_name = "SPEC")]
    pub(crate) spec: PathBuf,
    #[command(flatten)]
    pub(crate) parameters: ParameterArgs,
}

/// Values for the parameters of a spec.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ParameterArgs {
    /// A value for the parameter of this label, read as one of its type; may be given several times
    #[arg(long, value_name = "LABEL=VALUE", value_parser = parse_parameter)]
    pub(crate) param: Vec<GivenParameter>,
    /// A file with values for parameters, YAML or JSON: a map from their labels to the values. `--param` goes before them
    #[arg(long, value_name = "FILE")]
    pub(crate) params: Option<PathBuf>,
}

/// A part of a spec.
#[derive(Clone, Debug, Args)]
pub(crate) struct SelectArgs {
    /// Only these parts of the spec: inputs, views and outputs by name. `+NAME` is with all that it reads, `NAME+` with all that
    /// read it, `2+NAME` with two steps; `*` and `?` stand for letters, `@NAME` for the output alone. Several with commas or
    /// several times
    #[arg(short, long, value_name = "SELECTOR")]
    pub(crate) select: Vec<String>,
}

impl SelectArgs {
    /// What is selected; nothing when the whole spec is meant.
    pub(crate) fn selection(&self) -> Result<Option<Selection>, Failure> {
        if self.select.is_empty() {
            return Ok(None);
        }
        let selection = Selection::parse(&self.select).map_err(|error| Failure::Usage(error.to_string()))?;
        Ok(Some(selection))
    }
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) spec: SpecArgs,
    #[command(flatten)]
    pub(crate) select: SelectArgs,
}

/// Arguments of `preview`.
#[derive(Debug, Args)]
pub(crate) struct PreviewArgs {
    #[command(flatten)]
    pub(crate) spec: SpecArgs,
    /// The view, input or output; `@NAME` for the output where a view has the same name
    #[arg(value_name = "VIEW")]
    pub(crate) name: String,
    /// Rows to compute and show
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
}

/// Arguments of `watch`.
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    pub(crate) spec: SpecArgs,
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// Show the first rows of this view, input or output each time
    #[arg(long, value_name = "VIEW", conflicts_with_all = ["run", "select"])]
    pub(crate) preview: Option<String>,
    /// Rows to show
    #[arg(long, value_name = "N", default_value_t = 20, requires = "preview")]
    pub(crate) limit: usize,
    /// Run the spec each time, and publish its outputs
    #[arg(long)]
    pub(crate) run: bool,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunSpecArgs {
    #[command(flatten)]
    pub(crate) spec: SpecArgs,
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// Refuse outputs whose rows may differ when they are computed again from the same tables: `bitwise` allows no
    /// difference, `logical` choices that depend on the order of rows
    #[arg(long, value_name = "CLASS", value_enum)]
    pub(crate) require: Option<Require>,
}

/// How far rows must be the same whenever they are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Require {
    /// The digests of all outputs are the same
    Bitwise,
    /// They are the same but for choices that depend on the order of rows
    Logical,
}

/// Arguments of `runs`.
#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// The folder of a spec or a lake, of which all runs are listed; or the file of one record, which is shown in full
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) path: PathBuf,
}

/// Arguments of `session`.
#[derive(Debug, Args)]
pub(crate) struct SessionArgs {
    /// The spec; without one, the session is that of a spec that says nothing of it
    #[arg(value_name = "SPEC")]
    pub(crate) spec: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) parameters: ParameterArgs,
}

/// A recorded run.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The file of its record, the beginning of its id, or `latest`
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// The folder of its spec or its lake: where its id is looked for, and what relative locations count from [default: that
    /// of the record, or the current folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) base: Option<PathBuf>,
}

/// Arguments of `show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) run: RunArgs,
    /// Print how the run was planned: the plans that ran, what the rules changed in them, and which filters scans were
    /// offered. Kept for specs that say `runtime: {compliance_capture: true}`
    #[arg(long)]
    pub(crate) capture: bool,
}

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    pub(crate) run: RunArgs,
    /// Compute the outputs again, and compare the digests of their rows
    #[arg(long)]
    pub(crate) execute: bool,
    /// Compile this spec and not the recorded one: what is different in it is named
    #[arg(long, value_name = "SPEC")]
    pub(crate) spec: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) parameters: ParameterArgs,
}

/// Arguments of `compile`.
#[derive(Debug, Args)]
pub(crate) struct CompileArgs {
    #[command(flatten)]
    pub(crate) spec: SpecArgs,
    #[command(flatten)]
    pub(crate) select: SelectArgs,
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
    /// What identifies the result, as JSON: every hash with what it covers
    Identity,
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

/// Where `build` puts tables and `sql` finds them, relative to the repository.
pub(crate) const DEFAULT_LAKE: &str = pipeline::DEFAULT_LAKE;

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// What the schema is of
    #[arg(value_enum, default_value_t, value_name = "WHAT")]
    pub(crate) of: SchemaOf,
}

/// What there is a schema of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// Specs
    #[default]
    Spec,
    /// The lines that `--events` writes
    Events,
}

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

/// Arguments of `test`.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    #[command(flatten)]
    pub(crate) spec: SpecArgs,
    /// Run this test alone
    #[arg(long, value_name = "NAME")]
    pub(crate) test: Option<String>,
}
