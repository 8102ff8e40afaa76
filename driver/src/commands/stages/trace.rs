//! `driver trace SPEC -o DIR`: every stage of a compilation as files, written as they come, so that a compilation
//! that fails leaves everything up to its failure.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ir::diag::{RenderOptions, SourceMap, render};
use passes::PassEvent;
use pipeline::{Compilation, CompileRequest, Observer, Ruleset, Stage, compile};
use serde_json::{Value, json};

use super::graph::{StageText, difference};
use crate::cli::TraceArgs;
use crate::commands::Context;
use crate::failure::Failure;
use crate::report::json_text;

/// The list of a trace's files: it marks a folder as that of a trace.
const INDEX: &str = "trace.json";

pub(in crate::commands) fn run(arguments: &TraceArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let mut folder = Folder::open(&arguments.output)?;
    let outcome = trace(arguments, context, &mut folder);
    if let Err(Failure::Findings { diagnostics, source }) = &outcome {
        folder.diagnostics(diagnostics, source);
    }
    if let Err(Failure::Bug(message)) = &outcome {
        folder.put("bug.txt", message);
    }
    let finished = folder.finish(outcome.is_ok());
    outcome?;
    let files = finished?;
    if context.console.is_json() {
        return context
            .console
            .print_json(&json!({"folder": arguments.output.display().to_string(), "files": files}));
    }
    let list: Vec<String> =
        files.iter().map(|file| format!("{}\n", arguments.output.join(file).display())).collect();
    context.console.print(&list.concat())
}

fn trace(arguments: &TraceArgs, context: &mut Context<'_>, folder: &mut Folder) -> Result<(), Failure> {
    let source = context.read_spec_with(&arguments.spec.spec, &arguments.spec.parameters)?;
    // Of a spec that was read in part there is no whole.
    if source.unread.is_empty()
        && let Ok(spec) = serde_json::to_value(&source.spec)
    {
        folder.put("00-spec.json", &json_text(&spec));
    }
    // A trace is for finding mistakes: passes are always verified.
    let ruleset = Ruleset { verify_passes: true, ..Ruleset::default() };
    let stages = Tracer(Mutex::new(Stages { folder: &mut *folder, last: StageText::nothing() }));
    let watching = (&stages, context.telemetry.observer());
    let request = CompileRequest::new(source, context.workers()?);
    let compilation = compile(CompileRequest { ruleset, tracing: Some(&watching), ..request })?;
    folder.put("90-graph.dot", &ir::text::dot(&compilation.graph));
    folder.put("stages.json", &json_text(&serde_json::json!(compilation.stages)));
    compilation.must_be_sound()?;
    folder.diagnostics(&compilation.diagnostics, &compilation.source.map);
    plans(&compilation, context, folder)?;
    context.console.diagnose(&compilation.diagnostics, &compilation.source.map);
    Ok(())
}

/// Writes every stage as it comes.
struct Stages<'a> {
    folder: &'a mut Folder,
    last: StageText,
}

/// [`Stages`] as an observer, which is called from any thread.
struct Tracer<'a>(Mutex<Stages<'a>>);

impl Observer for Tracer<'_> {
    fn pass_finished(&self, event: &PassEvent<'_>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stage = StageText::new(event.pass.stage(), event.graph, event.remarks);
        seen.folder.put(&format!("{}.ir", stage.name), &stage.text);
        if event.pass.number > passes::PIPELINE.first().map_or(0, |first| first.number) {
            let text = difference(&seen.last, &stage);
            seen.folder.put(&format!("{}.diff", stage.name), &text);
        }
        seen.last = stage;
    }
}

fn plans(compilation: &Compilation, context: &Context<'_>, folder: &mut Folder) -> Result<(), Failure> {
    let workers = context.workers()?;
    let plans = compilation.plan(workers)?;
    let stages = [
        (Stage::Plan, "91-plan.txt"),
        (Stage::Optimized, "92-optimized.txt"),
        (Stage::Physical, "93-physical.txt"),
    ];
    for (stage, file) in stages {
        folder.put(file, &plans.explain(stage, workers)?);
    }
    Ok(())
}

/// The folder of a trace. A file that cannot be written is reported at the end: the others are still of use.
struct Folder {
    path: PathBuf,
    files: Vec<String>,
    failure: Option<Failure>,
}

impl Folder {
    /// Makes the folder, or empties that of an earlier trace. Anything else in the way is left alone.
    fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error| Failure::file("use the folder", path, &error);
        fs::create_dir_all(path).map_err(failed)?;
        let index = path.join(INDEX);
        let earlier: Option<Value> =
            fs::read(&index).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let files = earlier.as_ref().and_then(|value| value.get("files")).and_then(Value::as_array);
        let names = files.into_iter().flatten().filter_map(Value::as_str);
        // Only names of this folder: an index may have been tampered with.
        for name in names.filter(|name| !name.contains(['/', '\\']) && !name.starts_with('.')) {
            let _missing_is_fine = fs::remove_file(path.join(name));
        }
        let _missing_is_fine = fs::remove_file(&index);
        if fs::read_dir(path).map_err(failed)?.next().is_some() {
            return Err(Failure::User(format!(
                "the folder `{}` has files that are not an earlier trace; give a new or empty folder",
                path.display()
            )));
        }
        Ok(Self { path: path.to_owned(), files: Vec::new(), failure: None })
    }

    fn put(&mut self, name: &str, text: &str) {
        let path = self.path.join(name);
        match fs::write(&path, text) {
            Ok(()) => self.files.push(name.to_owned()),
            Err(error) => {
                self.failure.get_or_insert(Failure::file("write", &path, &error));
            }
        }
    }

    fn diagnostics(&mut self, diagnostics: &[ir::diag::Diagnostic], source: &SourceMap) {
        if !diagnostics.is_empty() {
            self.put("diagnostics.txt", &render(diagnostics, source, RenderOptions::default()));
        }
    }

    /// Writes the index; gives the files in order of their names.
    fn finish(mut self, complete: bool) -> Result<Vec<String>, Failure> {
        self.files.sort();
        let files = self.files.clone();
        let index = json!({"version": env!("CARGO_PKG_VERSION"), "complete": complete, "files": files});
        self.put(INDEX, &json_text(&index));
        self.failure.map_or(Ok(files), Err)
    }
}
