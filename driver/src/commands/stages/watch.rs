//! `driver watch SPEC`: does something again whenever a spec or a table that it reads changes.

use std::path::Path;
use std::time::Instant;

use pipeline::editor::{Watch, changed_views};
use pipeline::{Scope, Source};

use super::check;
use crate::cli::{PreviewArgs, RunSpecArgs, WatchArgs};
use crate::commands::{Context, data};
use crate::failure::Failure;

pub(in crate::commands) fn run(arguments: &WatchArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let path = &arguments.spec.spec;
    if path.as_os_str() == "-" {
        return Err(Failure::Usage(
            "what comes from stdin does not change; give the file of a spec".to_owned(),
        ));
    }
    let cancellation = context.workers()?.cancellation().clone();
    // Before the first check, so that no change is missed.
    let parameters: Vec<&Path> = arguments.spec.parameters.params.as_deref().into_iter().collect();
    let mut watch = Watch::of(path, &parameters)?;
    context.remember();
    let mut last = None;
    loop {
        let started = Instant::now();
        let source = context.read_spec_with(path, &arguments.spec.parameters);
        if let (Some(last), Ok(now)) = (&last, &source) {
            changes_first(last, now, started, arguments, context)?;
        }
        let now = source.as_ref().ok().cloned();
        context.console.clear();
        let done = once(arguments, source, started, context);
        told(done, context)?;
        follow(&mut watch, now.as_ref(), context)?;
        last = now;
        context.console.note(&format!("watching {} and its inputs; Ctrl-C ends\n", path.display()));
        loop {
            if !watch.changed(&cancellation)? {
                return Err(Failure::Interrupted("watching has ended".to_owned()));
            }
            // Some editors take a file away before they put another there.
            if path.exists() {
                break;
            }
            context.console.note(&format!("{} is not there; waiting for it\n", path.display()));
        }
    }
}

/// Says what failed. It is not the end: the next change may mend it.
fn told(done: Result<(), Failure>, context: &mut Context<'_>) -> Result<(), Failure> {
    context.console.flush()?;
    match done {
        Err(failure @ (Failure::Interrupted(_) | Failure::ReaderGone)) => return Err(failure),
        Err(failure) => context.console.fail(&failure),
        Ok(()) => {}
    }
    context.console.flush()
}

/// Watches what the spec reads now; the same as before while it cannot be read.
fn follow(watch: &mut Watch, source: Option<&Source>, context: &Context<'_>) -> Result<(), Failure> {
    let Some(source) = source else { return Ok(watch.renew()?) };
    let roots = context.workers()?.roots_of(&source.base_dir)?;
    Ok(watch.follow(source, &roots)?)
}

/// Where a check of a large spec is what people wait for, and few views have changed, these and what reads them are checked first.
fn changes_first(
    last: &Source,
    now: &Source,
    started: Instant,
    arguments: &WatchArgs,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let is_check = arguments.preview.is_none() && !arguments.run && arguments.select.select.is_empty();
    if !is_check || context.console.is_json() || !now.unread.is_empty() {
        return Ok(());
    }
    let Some(changed) = changed_views(&last.spec, &now.spec) else { return Ok(()) };
    context.console.clear();
    context.console.note(&format!("changed: {}\n", changed.texts().join(", ")));
    let done = check::run_of(Ok(now.clone()), started, Scope::Parts(changed), context);
    told(done, context)?;
    context.console.note("and the whole spec:\n");
    Ok(())
}

/// What is done after every change.
fn once(
    arguments: &WatchArgs,
    source: Result<Source, Failure>,
    started: Instant,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let spec = || arguments.spec.clone();
    let select = || arguments.select.clone();
    if let Some(name) = &arguments.preview {
        let preview = PreviewArgs { spec: spec(), name: name.clone(), limit: arguments.limit };
        return data::preview::run(&preview, context);
    }
    if arguments.run {
        let run = RunSpecArgs { spec: spec(), select: select(), require: None };
        return data::run::run(&run, context);
    }
    let scope = arguments.select.selection()?.map_or(Scope::Whole, Scope::Parts);
    check::run_of(source, started, scope, context)
}
