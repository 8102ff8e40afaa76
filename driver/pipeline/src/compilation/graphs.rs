//! Graphs that were not compiled here: one pass over one of them, and its invariants.

use std::path::Path;

use engine::{EngineOracle, TableRequest, Tables};
use ir::diag::Diagnostic;
use ir::graph::Graph;
use ir::origin::Origins;
use ir::phase::Phase;
use ir::verify::{Violation, verify};
use passes::{Context, PassEvent};

use super::Source;
use crate::folders::absolute;
use crate::{PipelineError, Result, Workers, on_deep_stack};

/// What a pass did to a graph.
#[derive(Debug)]
pub struct PassOutcome {
    /// The graph after it.
    pub graph: Graph,
    /// What it decided.
    pub remarks: Vec<String>,
    /// What it found wrong.
    pub diagnostics: Vec<Diagnostic>,
}

/// Runs the pass called `name` over a graph and verifies the result. Relative locations of tables count from `base`, and lead
/// nowhere but below it and to where specs of these workers may go. With the spec that the graph comes from, what the pass finds has places in it.
///
/// # Errors
/// When there is no such pass, the graph is in another phase than it starts from, or the pass breaks the graph.
pub fn run_pass(
    name: &str,
    mut graph: Graph,
    base: &Path,
    spec: Option<&Source>,
    workers: &Workers,
) -> Result<PassOutcome> {
    let pass = passes::find(name).map_err(PipelineError::compile)?;
    let session = workers.session()?;
    // Only while inputs are names are tables needed; after that schemas are in the graph.
    let tables = if graph.phase == Phase::Lowered {
        let (base, requests) = (absolute(base)?, TableRequest::of_graph(&graph));
        let roots = workers.roots_of(&base)?;
        workers.run_unless_stopped(async move { Tables::resolve(&base, &roots, &requests).await })?
    } else {
        Tables::default()
    };
    let oracle = EngineOracle::new(session, tables);
    let origins = spec.map(|spec| origins(spec, &oracle)).transpose()?.unwrap_or_default();
    let mut remarks = Vec::new();
    let (outcome, diagnostics) = on_deep_stack(|| {
        let mut observe = |event: &PassEvent<'_>| remarks = event.remarks.to_vec();
        let mut cx = Context::new(&oracle).with_origins(origins);
        let outcome = passes::run_pass(pass, &mut graph, &mut cx, true, &mut observe);
        (outcome, cx.diagnostics)
    })?;
    outcome.map_err(PipelineError::compile)?;
    Ok(PassOutcome { graph, remarks, diagnostics })
}

/// Where the parts of a spec stand that become nodes.
fn origins(spec: &Source, oracle: &EngineOracle) -> Result<Origins> {
    let options = passes::Options { unread: Some(&spec.unread), ..passes::Options::default() };
    let begun = on_deep_stack(|| passes::begin(&spec.spec, &spec.name, oracle, options, &mut ()))?;
    Ok(begun.map_err(PipelineError::compile)?.origins().clone())
}

/// Everything that is wrong with a graph, types included; nothing when it is sound.
///
/// # Errors
/// When the session cannot start.
pub fn verify_graph(graph: &Graph, workers: &Workers) -> Result<Vec<Violation>> {
    let oracle = EngineOracle::new(workers.session()?, Tables::default());
    on_deep_stack(|| verify(graph, &oracle).err().unwrap_or_default())
}
