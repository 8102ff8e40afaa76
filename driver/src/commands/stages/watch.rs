//! `driver watch SPEC`: does something again whenever a spec or a table that it reads changes.

use std::path::Path;

use pipeline::editor::Watch;

use crate::cli::{CheckArgs, PreviewArgs, RunSpecArgs, WatchArgs};
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
    loop {
        context.console.clear();
        match once(arguments, context) {
            Ok(()) => {}
            Err(failure @ (Failure::Interrupted(_) | Failure::ReaderGone)) => return Err(failure),
            // It is not the end: the next change may mend it.
            Err(failure) => {
                context.console.flush()?;
                context.console.fail(&failure);
            }
        }
        context.console.flush()?;
        follow(&mut watch, arguments, context)?;
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

/// Watches what the spec reads now; the same as before while it cannot be read.
fn follow(watch: &mut Watch, arguments: &WatchArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let Ok(source) = context.read_spec_with(&arguments.spec.spec, &arguments.spec.parameters) else {
        return Ok(watch.renew()?);
    };
    let roots = context.workers()?.roots_of(&source.base_dir)?;
    Ok(watch.follow(&source, &roots)?)
}

/// What is done after every change.
fn once(arguments: &WatchArgs, context: &mut Context<'_>) -> Result<(), Failure> {
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
    super::check::run(&CheckArgs { spec: spec(), select: select() }, context)
}
