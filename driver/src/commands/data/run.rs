//! `driver run SPEC`: computes the outputs of a spec and publishes them.

use std::sync::{Mutex, PoisonError};

use ir::determinism::ResultClass;
use passes::PassEvent;
use pipeline::{CompileRequest, Observer, PublishOptions, Scope, compile};

use super::published;
use crate::cli::{Require, RunSpecArgs};
use crate::commands::Context;
use crate::failure::Failure;
use crate::report::{RunReport, reuse_text};

pub(in crate::commands) fn run(arguments: &RunSpecArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    context.describe_session()?;
    let source = context.read_spec_with(&arguments.spec.spec, &arguments.spec.parameters)?;
    let (roots, waiting) = (context.workers()?.options().roots.clone(), context.workers()?.waiting());
    let work = format!("a run of {}", source.map.name().as_str());
    let scope = arguments.select.selection()?.map_or(Scope::Whole, Scope::Outputs);
    let in_scope = source.in_scope(&scope, context.workers()?)?;
    let observer = context.telemetry.observer();
    let locks = source.lock_outputs(&in_scope, &work, &roots, &waiting, &mut |busy| {
        observer.waiting(busy);
        context.console.waits(busy);
    })?;
    let decisions = Decisions::default();
    let request = CompileRequest::new(source, context.workers()?);
    let require = arguments.require.map(|require| match require {
        Require::Bitwise => ResultClass::Bitwise,
        Require::Logical => ResultClass::Logical,
    });
    let ruleset = context.ruleset();
    let watching = (&decisions, observer);
    let request = CompileRequest { scope, ruleset, tracing: Some(&watching), require, ..request };
    let compilation = compile(request)?;
    if context.console.is_verbose() {
        context.console.note(&decisions.text());
        context.console.note(&reuse_text(&compilation));
    }
    compilation.must_be_sound()?;
    context.console.diagnose(&compilation.diagnostics, &compilation.source.map);
    let options = PublishOptions { locks: Some(locks), ..PublishOptions::default() };
    let outcome = published(compilation, options, context)?;
    let report = RunReport { record: &outcome.record, file: &outcome.record_file };
    if context.console.is_json() {
        return context.console.print_json(&report.json()?);
    }
    let text = report.text(context.console.is_verbose());
    context.console.print(&text)
}

/// What the passes decided, a line each.
#[derive(Default)]
struct Decisions(Mutex<String>);

impl Decisions {
    fn text(self) -> String {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Decisions {
    fn pass_finished(&self, event: &PassEvent<'_>) {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for remark in event.remarks {
            text.push_str(&format!("{}: {}\n", event.pass.stage(), ir::diag::escape_text(remark)));
        }
    }
}
