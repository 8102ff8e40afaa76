//! `driver schema`: the JSON Schema of specs, for editors, or of events.

use crate::cli::{SchemaArgs, SchemaOf};
use crate::commands::Context;
use crate::failure::Failure;

pub(in crate::commands) fn run(arguments: &SchemaArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let schema = match arguments.of {
        SchemaOf::Spec => ir::spec::json_schema(),
        SchemaOf::Events => pipeline::event_schema(),
    };
    context.console.print_json(&schema)
}
