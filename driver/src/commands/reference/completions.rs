//! `driver completions SHELL`: a completion script.

use clap::CommandFactory as _;

use crate::cli::{Cli, CompletionsArgs};
use crate::commands::Context;
use crate::failure::Failure;

pub(in crate::commands) fn run(
    arguments: &CompletionsArgs,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "driver", &mut script);
    context.console.print_bytes(&script)
}
