//! `driver check SPEC`: everything that is wrong with a spec, all at once.

use std::time::Instant;

use ir::diag::resolve;
use pipeline::{Compilation, CompileRequest, Observer as _, Ruleset, Scope, Source, compile};
use serde_json::json;

use crate::cli::CheckArgs;
use crate::commands::Context;
use crate::failure::Failure;
use crate::report::{parts_in_scope, reuse_text, seconds};

pub(in crate::commands) fn run(arguments: &CheckArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let started = Instant::now();
    let scope = arguments.select.selection()?.map_or(Scope::Whole, Scope::Parts);
    let source = context.read_spec_with(&arguments.spec.spec, &arguments.spec.parameters);
    run_of(source, started, scope, context)
}

/// Checks a spec that has been read since `started`, or says why it could not be.
pub(super) fn run_of(
    source: Result<Source, Failure>,
    started: Instant,
    scope: Scope,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    // Checking must be quick; the graph is verified before it is planned.
    let ruleset = Ruleset { verify_passes: context.verify_on_request(), ..Ruleset::default() };
    let compiled = source.and_then(|source| checked(source, scope, ruleset, context));
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
    let counted =
        |number: usize, noun: &str| format!("{number} {noun}{}", if number == 1 { "" } else { "s" });
    let [inputs, views, outputs] = parts_in_scope(&compilation);
    let reused = compilation
        .reused
        .map_or(String::new(), |reused| format!("reused {reused} of {}, ", counted(views, "view")));
    context.console.print(&format!(
        "ok: {}, {}, {}; {reused}checked in {} s\n",
        counted(inputs, "input"),
        counted(views, "view"),
        counted(outputs, "output"),
        seconds(elapsed)
    ))
}

/// Compiles a spec and makes the plans of a run.
fn checked(
    source: Source,
    scope: Scope,
    ruleset: Ruleset<'_>,
    context: &Context<'_>,
) -> Result<Compilation, Failure> {
    let workers = context.workers()?;
    let observer = context.telemetry.observer();
    let asked = CompileRequest::new(source, workers);
    let request =
        CompileRequest { scope, ruleset, tracing: Some(&observer), memory: context.memory(), ..asked };
    let mut compilation = compile(request)?;
    compilation.plan_for_mistakes(workers)?;
    observer.found(&compilation.diagnostics, &compilation.source.map);
    Ok(compilation)
}
