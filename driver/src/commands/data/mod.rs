//! Commands that make tables, or tell of it.

pub(super) mod build;
pub(super) mod extract;
pub(super) mod preview;
pub(super) mod replay;
pub(super) mod run;
pub(super) mod runs;
pub(super) mod test;

use std::sync::Arc;

use pipeline::{Compilation, Outcome, PublishOptions, publish};

use super::Context;
use crate::failure::Failure;

/// Publishes what was compiled and shows how it goes. Says what was found meanwhile, and where a run that failed cannot be
/// recorded.
fn published(
    compilation: Compilation,
    options: PublishOptions,
    context: &mut Context<'_>,
) -> Result<Outcome, Failure> {
    let progress = Arc::new(context.console.progress());
    let map = compilation.source.map.clone();
    let observer = Arc::new((Arc::clone(&progress), context.telemetry.observer()));
    let options = PublishOptions { run_id: Some(context.telemetry.run_id().to_owned()), ..options };
    let outcome = publish(compilation, context.workers()?, options, observer);
    context.console.diagnose(&progress.warnings(), &map);
    if let Some(reason) = progress.not_recorded() {
        context.console.fail(&Failure::User(format!("the run cannot be recorded in {reason}")));
    }
    Ok(outcome?)
}
