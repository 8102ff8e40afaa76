//! `driver check SPEC`: everything that is wrong with a spec, all at once.

use std::time::Instant;

use ir::diag::resolve;
use pipeline::{Compilation, CompileRequest, Observer as _, Ruleset, Source, compile};
use serde_json::json;

use crate::cli::SpecArgs;
use crate::commands::Context;
use crate::failure::Failure;
use crate::report::{reuse_text, seconds};

pub(in crate::commands) fn run(arguments: &SpecArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let started = Instant::now();
    // Checking must be quick; the graph is verified before it is planned.
    let verify_passes = context.verify_on_request();
    let source = context.read_spec_with(&arguments.spec, &arguments.parameters);
    let ruleset = Ruleset { verify_passes, ..Ruleset::default() };
    let compiled = source.and_then(|source| checked(source, ruleset, context));
    let elapsed = started.elapsed();
    if context.console.is_json() {
        // Here the findings are the result.
        let (diagnostics, source) = match &compiled {
            Ok(compilation) => (&compilation.diagnostics, &compilation.source.map),
            Err(Failure::Findings { diagnostics, source }) => {
                context.telemetry.observer().found(diagnostics, source);
                (diagnostics, source.as_ref())
            }
            Err(_) => return compiled.map(|_| ()),
        };
        let is_ok = !diagnostics.iter().any(ir::diag::Diagnostic::is_error);
        context.console.print_json(&json!({
            "ok": is_ok,
            "spec_hash": compiled.as_ref().ok().and_then(Compilation::spec_hash),
            "diagnostics": resolve(diagnostics, source),
            "reused_views": compiled.as_ref().ok().and_then(|compilation| compilation.reused),
            "seconds": elapsed.as_secs_f64(),
            "stages": compiled.as_ref().ok().map(|compilation| &compilation.stages),
        }))?;
        return if is_ok { Ok(()) } else { Err(Failure::Reported) };
    }
    let compilation = compiled?;
    if context.console.is_verbose() {
        context.console.note(&reuse_text(&compilation));
    }
    compilation.must_be_sound()?;
    context.console.diagnose(&compilation.diagnostics, &compilation.source.map);
    let spec = &compilation.source.spec;
    let counted =
        |number: usize, noun: &str| format!("{number} {noun}{}", if number == 1 { "" } else { "s" });
    let reused = compilation.reused.map_or(String::new(), |reused| {
        format!("reused {reused} of {}, ", counted(spec.view_definitions.len(), "view"))
    });
    context.console.print(&format!(
        "ok: {}, {}, {}; {reused}checked in {} s\n",
        counted(spec.input_relations.len(), "input"),
        counted(spec.view_definitions.len(), "view"),
        counted(spec.output_targets.len(), "output"),
        seconds(elapsed)
    ))
}

/// Compiles a spec and makes the plans of a run.
fn checked(source: Source, ruleset: Ruleset<'_>, context: &Context<'_>) -> Result<Compilation, Failure> {
    let workers = context.workers()?;
    let observer = context.telemetry.observer();
    let request = CompileRequest::new(source, workers);
    let mut compilation = compile(CompileRequest { ruleset, tracing: Some(&observer), ..request })?;
    compilation.plan_for_mistakes(workers)?;
    observer.found(&compilation.diagnostics, &compilation.source.map);
    Ok(compilation)
}
