//! `driver preview SPEC VIEW`: the first rows of a part of a spec, written nowhere.

use std::sync::Arc;

use ir::diag::escape_text;
use ir::stage::Stage;
use pipeline::{CompileRequest, Observer as _, Scanned, Scope, compile};
use serde_json::json;

use crate::cli::PreviewArgs;
use crate::commands::Context;
use crate::commands::rows::print_rows;
use crate::failure::Failure;
use crate::report::{bytes, count};

pub(in crate::commands) fn run(arguments: &PreviewArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let source = context.read_spec_with(&arguments.spec.spec, &arguments.spec.parameters)?;
    let scope = Scope::Rows { name: arguments.name.clone(), limit: Some(arguments.limit) };
    let progress = context.console.progress();
    let request = CompileRequest::new(source, context.workers()?);
    let (ruleset, memory) = (context.ruleset(), context.memory());
    let compilation = compile(CompileRequest { scope, ruleset, memory, ..request })?;
    compilation.must_be_sound()?;
    progress.stage_started(Stage::Query);
    let workers = Arc::clone(context.workers()?);
    let mut preview = compilation.preview(&workers)?;
    let schema = Arc::clone(&preview.schema);
    // The line must be gone when the first row is printed.
    let first = preview.next();
    drop(progress);
    context.console.diagnose(&compilation.diagnostics, &compilation.source.map);
    let mut batches = first.into_iter().chain(preview.by_ref());
    print_rows(context, &schema, &mut batches)?;
    context.console.flush()?;
    let scanned = preview.scanned();
    let text = if context.console.is_json() {
        format!("{}\n", json!({"preview": arguments.name, "scanned": scanned}))
    } else {
        scanned_text(&scanned)
    };
    context.console.note(&text);
    Ok(())
}

/// What was read, as a line of text.
fn scanned_text(scanned: &Scanned) -> String {
    let inputs = scanned.inputs.iter().map(|input| {
        let name = escape_text(&input.input);
        format!("{} rows ({}) of {name}", count(input.rows), bytes(input.bytes))
    });
    let inputs: Vec<String> = inputs.collect();
    let read = if inputs.is_empty() { "no rows".to_owned() } else { inputs.join(", ") };
    format!("scanned {read}; opened {} of {} inputs\n", scanned.opened, scanned.of_inputs)
}
