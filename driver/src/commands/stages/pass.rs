//! `driver pass NAME < ir`: one pass over a graph.

use engine::{EngineOracle, TableRequest, Tables};
use ir::diag::SourceMap;
use ir::phase::Phase;
use passes::{Context as PassContext, PassEvent};

use super::graph::{StageText, difference, read};
use crate::cli::PassArgs;
use crate::commands::Context;
use crate::compilation::{absolute, on_deep_stack};
use crate::failure::Failure;
use crate::report::graph_json;

pub(in crate::commands) fn run(arguments: &PassArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let pass = passes::find(&arguments.name).map_err(|error| Failure::compile(&error))?;
    if passes::PIPELINE.first().is_some_and(|first| first.name == pass.name) {
        return Err(Failure::Usage(format!(
            "pass `{0}` starts from a spec, not from a graph; use `driver compile SPEC --stop-after {0}`",
            pass.name
        )));
    }
    let input = read(&arguments.graph.graph, context.stdin)?;
    let session = context.workers.session()?;
    let mut graph = input.parsed.graph;
    // Only while inputs are names are tables needed; after that schemas are in the graph.
    let tables = if graph.phase == Phase::Lowered {
        let (base, requests) = (absolute(&arguments.graph.base)?, TableRequest::of_graph(&graph));
        context.workers.run(async move { Tables::resolve(&base, &requests).await })?
    } else {
        Tables::default()
    };
    let oracle = EngineOracle::new(session, tables);
    let before = StageText { name: "before".to_owned(), text: input.text };
    let mut remarks = Vec::new();
    let (outcome, diagnostics) = on_deep_stack(|| {
        let mut observe = |event: &PassEvent<'_>| remarks = event.remarks.to_vec();
        let mut cx = PassContext::new(&oracle, None);
        let outcome = passes::run_pass(pass, &mut graph, &mut cx, true, &mut observe);
        (outcome, cx.diagnostics)
    })?;
    outcome.map_err(|error| Failure::compile(&error))?;
    let failed = diagnostics.iter().any(ir::diag::Diagnostic::is_error);
    if context.console.is_json() {
        context.console.print_json(&graph_json(&graph))?;
    } else {
        let after = StageText::new(pass.stage(), &graph, &remarks);
        context.console.print(&if arguments.diff { difference(&before, &after) } else { after.text })?;
    }
    let source = SourceMap::new(input.name.into(), "");
    if failed {
        return Err(Failure::Findings { diagnostics, source: Box::new(source) });
    }
    context.console.flush()?;
    context.console.diagnose(&diagnostics, &source);
    Ok(())
}
