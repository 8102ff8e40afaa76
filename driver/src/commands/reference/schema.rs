//! `driver schema`: the JSON Schema of specs, for editors, or of events.

use crate::cli::SchemaArgs;
use crate::commands::Context;
use crate::failure::Failure;

pub(in crate::commands) fn run(arguments: &SchemaArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let schema = if arguments.events { pipeline::event_schema() } else { ir::spec::json_schema() };
    context.console.print_json(&schema)
}
