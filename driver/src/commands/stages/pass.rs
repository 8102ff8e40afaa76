//! `driver pass NAME < ir`: one pass over a graph.

use std::path::Path;

use ir::diag::SourceMap;
use pipeline::{PassOutcome, run_pass};

use super::graph::{StageText, difference, read};
use crate::cli::PassArgs;
use crate::commands::Context;
use crate::failure::Failure;
use crate::report::graph_json;

pub(in crate::commands) fn run(arguments: &PassArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let pass = passes::find(&arguments.name).map_err(|error| Failure::Usage(error.to_string()))?;
    if passes::PIPELINE.first().is_some_and(|first| first.name == pass.name) {
        return Err(Failure::Usage(format!(
            "pass `{0}` starts from a spec, not from a graph; use `driver compile SPEC --stop-after {0}`",
            pass.name
        )));
    }
    let spec = arguments.spec.as_deref();
    if [Some(arguments.graph.graph.as_path()), spec].iter().all(|path| *path == Some(Path::new("-"))) {
        let message = "the graph and the spec are both to be read from stdin; name a file for one of them";
        return Err(Failure::Usage(message.to_owned()));
    }
    let input = read(&arguments.graph.graph, context.stdin)?;
    let before = StageText { name: "before".to_owned(), text: input.text };
    let spec = spec.map(|path| context.read_spec(path)).transpose()?;
    let base = &arguments.graph.base;
    let outcome = run_pass(pass.name, input.parsed.graph, base, spec.as_ref(), context.workers()?)?;
    let PassOutcome { graph, remarks, diagnostics } = outcome;
    let failed = diagnostics.iter().any(ir::diag::Diagnostic::is_error);
    if context.console.is_json() {
        context.console.print_json(&graph_json(&graph))?;
    } else {
        let after = StageText::new(pass.stage(), &graph, &remarks);
        context.console.print(&if arguments.diff { difference(&before, &after) } else { after.text })?;
    }
    let source = spec.map_or_else(|| SourceMap::new(input.name.into(), ""), |spec| spec.map);
    if failed {
        return Err(Failure::Findings { diagnostics, source: Box::new(source) });
    }
    context.console.flush()?;
    context.console.diagnose(&diagnostics, &source);
    Ok(())
}
