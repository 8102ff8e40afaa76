//! `driver compile SPEC`: any stage of a compilation, as text.

use std::sync::{Mutex, PoisonError};

use passes::PassEvent;
use pipeline::{Compilation, CompileRequest, Observer, Ruleset, Scope, Stage, compile};

use super::graph::{StageText, difference};
use crate::cli::{CompileArgs, Emit};
use crate::commands::Context;
use crate::failure::Failure;
use crate::report::{compilation_json, json_text, reuse_text};

pub(in crate::commands) fn run(arguments: &CompileArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let request = Request::of(arguments, context.console.is_json())?;
    let source = context.read_spec_with(&arguments.spec.spec, &arguments.spec.parameters)?;
    if request.emit == Emit::Spec {
        if source.findings.iter().any(ir::diag::Diagnostic::is_error) {
            return Err(Failure::Findings { diagnostics: source.findings, source: Box::new(source.map) });
        }
        let spec = serde_json::to_value(&source.spec);
        let spec = spec.map_err(|error| Failure::Bug(format!("the spec has no JSON form: {error}")))?;
        context.console.diagnose(&source.findings, &source.map);
        return write(json_text(&spec).as_bytes(), arguments, context);
    }
    let seen = Seen { wanted: request.after, stages: Vec::new(), last: StageText::nothing() };
    let seen = Recorder(Mutex::new(seen));
    let ruleset = Ruleset { stop_after: request.last_pass(), ..context.ruleset() };
    let scope = arguments.select.selection()?.map_or(Scope::Whole, Scope::Parts);
    let asked = CompileRequest::new(source, context.workers()?);
    let watching = (&seen, context.telemetry.observer());
    let compilation = &compile(CompileRequest { scope, ruleset, tracing: Some(&watching), ..asked })?;
    let seen = seen.0.into_inner().unwrap_or_else(PoisonError::into_inner);
    if context.console.is_verbose() {
        context.console.note(&reuse_text(compilation));
    }
    let result = match request.after {
        Some(_) => seen.text(arguments.diff).into_bytes(),
        None if arguments.diff => return Err(Failure::Bug("`--diff` without a stage".to_owned())),
        None => {
            compilation.must_be_sound()?;
            form(compilation, request.emit, context)?
        }
    };
    write(&result, arguments, context)?;
    context.console.flush()?;
    compilation.must_be_sound()?;
    context.console.diagnose(&compilation.diagnostics, &compilation.source.map);
    Ok(())
}

/// What is asked for, checked.
struct Request<'a> {
    emit: Emit,
    /// The stage to show, or all; none for the end of the compilation.
    after: Option<&'a str>,
    stop_after: Option<&'a str>,
}

/// All stages, as the value of `--after`.
const ALL: &str = "all";

impl<'a> Request<'a> {
    fn of(arguments: &'a CompileArgs, json: bool) -> Result<Self, Failure> {
        let known = |name: &str| passes::find(name).map_err(|error| Failure::Usage(error.to_string()));
        let stop_after = arguments.stop_after.as_deref().map(known).transpose()?;
        // A difference needs stages; without one named, all are shown.
        let after = arguments.after.as_deref().or(arguments.diff.then_some(ALL));
        if let Some(name) = after.filter(|name| *name != ALL) {
            let pass = known(name)?;
            if let Some(stop) = stop_after.filter(|stop| stop.number < pass.number) {
                return Err(Failure::Usage(format!(
                    "pass `{}` does not run: `--stop-after {}` stops before it",
                    pass.name, stop.name
                )));
            }
        }
        let emit = match arguments.emit {
            Emit::Ir if json && after.is_none() => Emit::Json,
            emit => emit,
        };
        if after.is_some() && emit != Emit::Ir {
            return Err(Failure::Usage(
                "`--after` and `--diff` show the text form; leave `--emit` out, or use `--stop-after`"
                    .to_owned(),
            ));
        }
        if emit == Emit::Spec && !arguments.select.select.is_empty() {
            return Err(Failure::Usage(
                "`--emit spec` shows the whole spec; leave `--select` out, or emit ir".to_owned(),
            ));
        }
        if let Some(pass) =
            stop_after.filter(|_| matches!(emit, Emit::Plan | Emit::Optimized | Emit::Physical))
        {
            return Err(Failure::Usage(format!(
                "plans need all passes; leave `--stop-after {}` out, or emit ir, dot, json or archive",
                pass.name
            )));
        }
        Ok(Self { emit, after, stop_after: stop_after.map(|pass| pass.name) })
    }

    /// No pass is run whose graph nobody will see.
    fn last_pass(&self) -> Option<&'a str> {
        self.after.filter(|name| *name != ALL).or(self.stop_after)
    }
}

/// The stages that were asked for.
struct Seen<'a> {
    wanted: Option<&'a str>,
    /// Each with the one before it.
    stages: Vec<(StageText, StageText)>,
    last: StageText,
}

/// Keeps the stages as they come.
struct Recorder<'a>(Mutex<Seen<'a>>);

impl Observer for Recorder<'_> {
    fn pass_finished(&self, event: &PassEvent<'_>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).add(event);
    }
}

impl Seen<'_> {
    fn add(&mut self, event: &PassEvent<'_>) {
        let Some(wanted) = self.wanted else { return };
        let stage = StageText::new(event.pass.stage(), event.graph, event.remarks);
        let before = std::mem::replace(
            &mut self.last,
            StageText { name: stage.name.clone(), text: stage.text.clone() },
        );
        if wanted == ALL || passes::find(wanted).is_ok_and(|pass| pass.name == event.pass.name) {
            self.stages.push((before, stage));
        }
    }

    fn text(&self, as_difference: bool) -> String {
        let headed = self.stages.len() > 1;
        let mut text = String::new();
        for (before, stage) in &self.stages {
            if headed && !as_difference {
                text.push_str(&format!("# {}\n", stage.name));
            }
            if !as_difference {
                text.push_str(&stage.text);
            } else if before.text == stage.text {
                text.push_str(&format!("# {}: nothing changed\n", stage.name));
            } else {
                text.push_str(&difference(before, stage));
            }
            if headed {
                text.push('\n');
            }
        }
        text
    }
}

/// The result of a compilation without mistakes, in a form.
fn form(compilation: &Compilation, emit: Emit, context: &Context<'_>) -> Result<Vec<u8>, Failure> {
    let explained = |stage| -> Result<Vec<u8>, Failure> {
        let workers = context.workers()?;
        Ok(compilation.plan(workers)?.explain(stage, workers)?.into_bytes())
    };
    match emit {
        Emit::Ir | Emit::Spec => Ok(ir::text::print(&compilation.graph).into_bytes()),
        Emit::Dot => Ok(ir::text::dot(&compilation.graph).into_bytes()),
        Emit::Json => Ok(json_text(&compilation_json(compilation)?).into_bytes()),
        Emit::Archive => {
            ir::archive::write(&compilation.graph).map_err(|error| Failure::User(error.to_string()))
        }
        Emit::Identity => {
            let report = serde_json::to_value(compilation.identity_report()?)
                .map_err(|error| Failure::Bug(format!("an identity has no JSON form: {error}")))?;
            Ok(json_text(&report).into_bytes())
        }
        Emit::Plan => explained(Stage::Plan),
        Emit::Optimized => explained(Stage::Optimized),
        Emit::Physical => explained(Stage::Physical),
    }
}

fn write(bytes: &[u8], arguments: &CompileArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    match &arguments.output {
        Some(path) => std::fs::write(path, bytes).map_err(|error| Failure::file("write", path, &error)),
        None => context.console.print_bytes(bytes),
    }
}
