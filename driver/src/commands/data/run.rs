//! `driver run SPEC`: computes the outputs of a spec and publishes them.

use crate::cli::SpecArgs;
use crate::commands::Context;
use crate::compilation::{Source, compile};
use crate::execution::{describe_session, publish};
use crate::failure::Failure;
use crate::report::Stages;

pub(in crate::commands) fn run(arguments: &SpecArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    describe_session(context)?;
    let source = Source::read(&arguments.spec, context.stdin)?;
    let verify = context.workers.verify_passes();
    let mut decisions = String::new();
    let mut observe = |event: &passes::PassEvent<'_>| {
        for remark in event.remarks {
            decisions.push_str(&format!("{}: {}\n", event.pass.stage(), ir::diag::escape_text(remark)));
        }
    };
    let compilation = compile(source, &context.workers, None, verify, &mut observe)?;
    if context.console.is_verbose() {
        context.console.note(&decisions);
        context.console.note(&compilation.reuse_text().unwrap_or_default());
    }
    let report = publish(compilation, context, Stages::default(), false)?;
    if context.console.is_json() {
        return context.console.print_json(&report.json());
    }
    let text = report.text(context.console.is_verbose());
    context.console.print(&text)
}
