//! What a compilation found out, as data: the hashes that identify what would run, and the schedule in numbers.

mod tasks;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ir::diag::{Diagnostic, ResolvedDiagnostic, codes, resolve};
use ir::estimate::Quality;
use ir::graph::{Graph, Node};
use ir::hash::ContentHash;
use ir::op::{Op, Scan};
use ir::origin::{Origins, SpecField};
use ir::stage::Stage;
use serde::Serialize;

pub use tasks::{Task, TaskSchedule};

use super::Compilation;
use crate::Result;
use crate::record::{FindingRecord, ProviderIdentity};
use tasks::Times;

/// The version of [`CompileResponse`]'s form: raised when a field goes or means something else, not when one is added.
pub const RESPONSE_FORMAT: u32 = 1;

/// What a compilation gives ([`Compilation::response`]). Hashes are those that a run of it records.
///
/// Fields about tasks are empty for a graph that is not scheduled, because its passes were stopped or its spec has mistakes
/// ([`Compilation::diagnostics`]).
#[derive(Debug, Serialize)]
pub struct CompileResponse {
    /// [`RESPONSE_FORMAT`].
    pub format: u32,
    /// What is computed: the hash of the spec; nothing for a spec that could be read in part only.
    pub spec_hash: Option<ContentHash>,
    /// The engine's rules, in order; a part of the planning surface.
    pub rulepack_fingerprint: ContentHash,
    /// The hash of everything else that decides a row ([`Envelope`](crate::Envelope)).
    pub envelope_hash: ContentHash,
    /// What plans are made with: the engine's version, its rules, settings that are not sizes, and functions.
    pub planning_surface_hash: ContentHash,
    /// What is read: all of [`Self::provider_identities`].
    pub provider_identity_hash: ContentHash,
    /// The tables that are read, in the order of the inputs of the spec.
    pub provider_identities: Vec<ProviderIdentity>,
    /// The order of execution.
    pub task_schedule: Option<TaskSchedule>,
    /// How far the numbers of rows can be trusted that scans begin with, by the names of the scans: those of the inputs.
    /// Nothing before tables are looked up.
    pub stats_quality: Option<BTreeMap<String, Quality>>,
    /// What each task costs by itself, in units of one row passing one simple operator.
    pub task_costs: BTreeMap<String, u64>,
    /// What each task costs together with the costliest chain of tasks that wait for it.
    pub bottom_level_costs: BTreeMap<String, u64>,
    /// How much later than possible each task may start without making the whole longer. A task with none lies on a
    /// critical path.
    pub slack_by_task: BTreeMap<String, u64>,
    /// The tasks each task depends on.
    pub dependency_map: BTreeMap<String, Vec<String>>,
    /// What the costliest chain of tasks costs.
    pub critical_path_length: u64,
    /// What was found that does not stop a run.
    pub warnings: Vec<CompileWarning>,
}

/// Something to know about a compilation that has no mistakes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompileWarning {
    /// The name of its code, such as `cost-model-stats-fallback`.
    pub name: String,
    /// What was found, and where.
    #[serde(flatten)]
    pub finding: FindingRecord,
}

impl From<ResolvedDiagnostic> for CompileWarning {
    fn from(found: ResolvedDiagnostic) -> Self {
        // Of a graph that is compiled, and whose plans nobody has made.
        Self { name: found.slug.to_owned(), finding: FindingRecord::of(found, Stage::PlanPasses) }
    }
}

impl CompileResponse {
    pub(super) fn of(compilation: &Compilation) -> Result<Self> {
        let Compilation { source, graph, origins, diagnostics, .. } = compilation;
        let identity = compilation.identity()?;
        let schedule = graph.schedule.as_ref();
        let times = schedule.map(Times::of).unwrap_or_default();
        let mut warnings: Vec<Diagnostic> =
            diagnostics.iter().filter(|found| !found.is_error()).cloned().collect();
        warnings.extend(missing_statistics(graph, origins));
        Ok(Self {
            format: RESPONSE_FORMAT,
            spec_hash: compilation.spec_hash(),
            rulepack_fingerprint: identity.rulepack_fingerprint,
            envelope_hash: identity.envelope_hash,
            planning_surface_hash: identity.envelope.planning_surface_hash,
            provider_identity_hash: identity.envelope.provider_identity_hash,
            provider_identities: identity.providers.clone(),
            task_schedule: schedule.map(TaskSchedule::of),
            stats_quality: stats_quality(graph),
            task_costs: times.costs,
            bottom_level_costs: times.bottom_levels,
            slack_by_task: times.slack,
            dependency_map: times.dependencies,
            critical_path_length: times.critical_path_length,
            warnings: resolve(&warnings, &source.map).into_iter().map(CompileWarning::from).collect(),
        })
    }
}

/// The scans of a graph, each with its node.
fn scans(graph: &Graph) -> impl Iterator<Item = (&Node, &Scan)> {
    graph.ids().map(|id| &graph[id]).filter_map(|node| match &node.op {
        Op::Scan(scan) => Some((node, scan)),
        _ => None,
    })
}

fn stats_quality(graph: &Graph) -> Option<BTreeMap<String, Quality>> {
    let is_resolved = graph.phase >= ir::phase::Phase::Resolved;
    is_resolved.then(|| scans(graph).map(|(node, scan)| (node.name.clone(), scan.rows.quality)).collect())
}

/// The inputs of which nobody knows how many rows they have: what is decided by costs above them is guesswork. It changes no
/// row and a spec can do nothing about it, so runs do not speak of it.
fn missing_statistics(graph: &Graph, origins: &Origins) -> Vec<Diagnostic> {
    let unknown = scans(graph).filter(|(_, scan)| scan.rows.quality == Quality::Unknown);
    let warning = |(node, scan): (&Node, &Scan)| {
        let message = format!(
            "it is not known how many rows `{}` has; costs are estimated as if there were {}",
            node.name, scan.rows.rows
        );
        let found = Diagnostic::new(codes::COST_MODEL_STATS_FALLBACK, message);
        let found = found.at(origins.place(&node.owner, SpecField::Definition).path);
        found.in_stage(Stage::Resolve).about("input", &node.name).about("rows", scan.rows.rows.to_string())
    };
    unknown.map(warning).collect()
}
