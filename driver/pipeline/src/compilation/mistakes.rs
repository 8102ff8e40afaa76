//! What the engine finds wrong with a spec beyond its types, as diagnostics with their places.

use engine::{AssertionOutcome, EngineError, RunError, Violation};
use ir::determinism::ResultClass;
use ir::diag::{Diagnostic, codes};
use ir::graph::{Graph, Owner};
use ir::op::Sink;
use ir::oracle::Oracle;
use ir::origin::{Origins, SpecField};
use ir::stage::Stage;

use super::{Compilation, Plans};
use crate::record::OutputIdentity;
use crate::{PipelineError, Result, Workers, on_deep_stack};

impl Compilation {
    /// Makes all plans that a run makes, the physical ones included, and adds what cannot be planned to the diagnostics.
    /// Does nothing for a spec with mistakes, and for a graph whose passes were stopped before the last.
    ///
    /// # Errors
    /// When the workers are stopped.
    pub fn plan_for_mistakes(&mut self, workers: &Workers) -> Result<()> {
        if self.has_errors() || self.graph.schedule.is_none() {
            return Ok(());
        }
        let mistakes = match self.try_plan(workers)? {
            Ok(plans) => self.unplannable(&plans, workers)?,
            Err(error) => vec![self.refused(error)?],
        };
        self.diagnostics.extend(mistakes.into_iter().map(|found| found.in_stage(Stage::Emit)));
        Ok(())
    }

    /// The graph as plans, or why the engine refuses it.
    pub(super) fn try_plan(&self, workers: &Workers) -> Result<Result<Plans, EngineError>> {
        Plans::emit(&self.graph, &self.oracle, &self.session, self.source.map.name().as_str(), workers)
    }

    /// What of the plans cannot be planned physically: by node where nodes fail by themselves, else by segment.
    fn unplannable(&self, plans: &Plans, workers: &Workers) -> Result<Vec<Diagnostic>> {
        let mut found = Vec::new();
        for (index, error) in plans.plan_all(&self.planned, workers)? {
            let segments = self.graph.schedule.iter().flat_map(|schedule| &schedule.segments);
            let root = segments.map(|segment| segment.root.as_str()).nth(index).unwrap_or_default();
            let runtime = workers.runtime()?;
            let alone = engine::planning::unplannable_nodes(&self.graph, root, &self.session);
            let alone = on_deep_stack(|| runtime.block_on(alone))?;
            let alone = alone.map_err(|error| PipelineError::engine(error, ""))?;
            if alone.is_empty() {
                found.push(self.placed(error.diagnostic(), root));
            }
            found.extend(alone.iter().map(|node| self.placed(node.error.diagnostic(), &node.node)));
        }
        // A node that is computed again in several segments fails in each.
        let mut seen = Vec::new();
        found.retain(|finding| {
            !seen.contains(finding) && {
                seen.push(finding.clone());
                true
            }
        });
        Ok(found)
    }

    /// The finding for a node that the engine refuses, with its place; a bug of ours is an error of its own.
    pub(super) fn refused(&self, error: EngineError) -> Result<Diagnostic> {
        match &error {
            EngineError::Table { node, .. }
            | EngineError::Plan { node, .. }
            | EngineError::Physical { node, .. } => {
                let finding = error.diagnostic();
                Ok(self.placed(finding, node))
            }
            _ => Err(PipelineError::engine(error, self.source.map.name().as_str())),
        }
    }

    /// The error of a run that did not publish everything, with the place of what failed.
    pub(crate) fn failed(&self, error: &RunError, workers: &Workers) -> PipelineError {
        if matches!(error, RunError::Plan { .. })
            && let Ok(Ok(plans)) = self.try_plan(workers)
            && let Ok(mistakes) = self.unplannable(&plans, workers)
            && !mistakes.is_empty()
        {
            return self.with_findings(mistakes);
        }
        if let RunError::Unsound { violations, assertions } = error {
            let place = |violation: &Violation| match self.root_of(&format!("output {}", violation.output)) {
                Some(root) => self.placed(violation.diagnostic(), root),
                None => violation.diagnostic(),
            };
            let mut found: Vec<Diagnostic> = violations.iter().map(place).collect();
            found.extend(self.failed_assertions(assertions));
            return self.with_findings(found);
        }
        match PipelineError::run(error, self.source.map.name().as_str()) {
            PipelineError::Findings { diagnostics, .. } => {
                let root = error.segment().and_then(|title| self.root_of(&title));
                let place = |finding| match root {
                    Some(root) => self.placed(finding, root),
                    None => finding,
                };
                self.with_findings(diagnostics.into_iter().map(place).collect())
            }
            other => other,
        }
    }

    /// What is told of the assertions that do not hold, each at its place.
    pub(crate) fn failed_assertions(&self, assertions: &[AssertionOutcome]) -> Vec<Diagnostic> {
        let placed = |outcome: &AssertionOutcome| Some(self.placed(outcome.diagnostic()?, &outcome.check));
        assertions.iter().filter_map(placed).map(|found| found.in_stage(Stage::Check)).collect()
    }

    /// The root of the segment that is called `view x`, `output x`, `rows x` or `check x`.
    fn root_of(&self, title: &str) -> Option<&str> {
        let (kind, name) = title.split_once(' ')?;
        let mut segments = self.graph.schedule.iter().flat_map(|schedule| &schedule.segments);
        let root =
            segments.find(|segment| match self.graph.find(&segment.root).map(|id| &self.graph[id]) {
                Some(node) if node.is_sink() => match kind {
                    "output" => node.owner.name() == name,
                    "rows" => node.owner.name().strip_suffix(Sink::ROWS).unwrap_or(node.owner.name()) == name,
                    _ => false,
                },
                Some(node) if node.is_check() => kind == "check" && node.name == name,
                Some(node) => kind == "view" && node.name == name,
                None => false,
            })?;
        Some(&root.root)
    }

    /// A finding at the place of the view, input or output a node belongs to.
    fn placed(&self, finding: Diagnostic, node: &str) -> Diagnostic {
        let Some(id) = self.graph.find(node) else { return finding };
        let place = self.origins.place(&self.graph[id].owner, SpecField::Transform).path;
        if place.is_root() { finding } else { finding.at(place) }
    }

    pub(super) fn with_findings(&self, diagnostics: Vec<Diagnostic>) -> PipelineError {
        PipelineError::Findings { diagnostics, map: Box::new(self.source.map.clone()) }
    }
}

/// The outputs whose rows are not the same as far as is required.
pub(super) fn too_weak(
    require: Option<ResultClass>,
    graph: &Graph,
    oracle: &dyn Oracle,
    origins: &Origins,
) -> Vec<Diagnostic> {
    let Some(require) = require else { return Vec::new() };
    let outputs = OutputIdentity::all(graph, oracle);
    let weak = outputs.into_iter().filter(|(_, output)| !output.class.reaches(require));
    weak.map(|(table, output)| {
        let reasons = output.class_reasons.iter().map(|(name, level)| format!("`{name}` is {level}"));
        let message = format!(
            "the rows of output `{table}` are not {} but {}: {}",
            require.name(),
            output.class.name(),
            reasons.collect::<Vec<_>>().join(", ")
        );
        let place = origins.place(&Owner::Output(table.clone()), SpecField::Definition).path;
        let found = Diagnostic::new(codes::RESULT_CLASS, message).at(place).about("table", table);
        found.in_stage(Stage::PlanPasses)
    })
    .collect()
}
