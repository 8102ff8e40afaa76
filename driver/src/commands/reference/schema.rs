//! `driver schema`: the JSON Schema of specs, for editors.

use crate::commands::Context;
use crate::failure::Failure;

pub(in crate::commands) fn run(context: &mut Context<'_>) -> Result<(), Failure> {
    context.console.print_json(&ir::spec::json_schema())
}
