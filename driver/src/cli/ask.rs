//! The arguments of `driver ask`.

use clap::{Args, ValueEnum};

use super::AnswerArgs;

/// A question about a code graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Question {
    /// Who calls NAME
    Callers,
    /// Whom NAME calls
    Callees,
    /// Where NAME is used: read, written, called, imported
    References,
    /// What derives from NAME, or has it as a trait
    Subclasses,
    /// What may behave differently when NAME changes: all that reach it by calls
    Impact,
    /// How NAME comes to call TO: all shortest ways
    Path,
    /// Functions, methods and classes that nothing in the repository uses
    Unused,
    /// Files that import each other in circles when they are loaded
    Cycles,
    /// Which methods take the place of NAME, and whose place it takes
    Overrides,
    /// Which tests reach NAME by calls
    Tests,
}

/// What is asked of a code graph.
#[derive(Debug, Args)]
pub(crate) struct AskArgs {
    /// The question
    #[arg(value_enum, value_name = "QUESTION")]
    pub(crate) question: Question,
    /// A name, or the end of a qualified one: `scaled`, `Shape.area`, `pkg.shapes.Shape.area`
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Where the way leads to, for `path`
    #[arg(value_name = "TO")]
    pub(crate) to: Option<String>,
    /// How many calls or bases are followed [default: 1 for callers and callees, 3 for tests, 12 for path, 64 for the others]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) depth: Option<u32>,
    /// Print the query instead of asking it; `$1` is NAME, `$2` the depth, `$3` TO
    #[arg(long)]
    pub(crate) show_query: bool,
    #[command(flatten)]
    pub(crate) answers: AnswerArgs,
}
