//! From the text of a spec to a graph: reading, opening the tables it names, running the passes.

mod governance;
mod graphs;
mod memory;
mod mistakes;
mod plans;
mod proofs;
mod request;
mod response;
mod source;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use delta::Roots;
use engine::planning::PlannedSegments;
use engine::{EngineOracle, Session, TableRequest, Tables};
use ir::archive::Proofs;
use ir::diag::Diagnostic;
use ir::graph::{Graph, Owner};
use ir::hash::ContentHash;
use ir::oracle::Oracle;
use ir::origin::Origins;
use ir::spec::{Spec, spec_hash};
use ir::stage::Stage;
use passes::{Begun, InScope, Pass, PassEvent, Scope};

pub use governance::listing_findings;
pub use graphs::{PassOutcome, run_pass, verify_graph};
pub use memory::Memory;
pub use plans::{Plans, Written};
pub use request::{CompileRequest, OracleView, Ruleset, SessionFactory, setting_findings};
pub use response::{CompileResponse, CompileWarning, RESPONSE_FORMAT, Task, TaskSchedule};
pub use source::{Source, read_parameters};

use crate::costs::Remembered;
use crate::folders::with_folder;
use crate::observer::{Traced, staged};
use crate::record::{Identity, IdentityReport, OutputIdentity};
use crate::testing::TestedGraph;
use crate::{Extraction, Observer, PipelineError, Result, Stages, Workers, on_deep_stack};
use mistakes::too_weak;
use proofs::KnownProofs;
use request::session_of;

/// A spec after the passes that ran.
#[derive(Debug)]
pub struct Compilation {
    /// The spec.
    pub source: Source,
    /// The graph after the last pass that ran.
    pub graph: Graph,
    /// Where in the spec it comes from.
    pub origins: Origins,
    /// Everything found, by reading and by compiling.
    pub diagnostics: Vec<Diagnostic>,
    /// The session.
    pub session: Session,
    /// The opened tables, and what the engine was asked about them.
    pub oracle: Arc<EngineOracle>,
    /// Which part of the spec was compiled, and what for.
    pub scope: Scope,
    /// What of the spec that is.
    pub in_scope: InScope,
    /// Views for which nothing had to be planned, because an earlier compilation had proven their types; nothing when
    /// there was none.
    pub reused: Option<usize>,
    /// Why what an earlier compilation kept was of no use: the format, the program or its settings were others.
    pub outdated_proofs: Option<String>,
    /// Where the time went.
    pub stages: Stages,
    /// What earlier runs counted, as far as the cost model knew.
    pub(crate) remembered: Remembered,
    /// See [`Self::identity`].
    identity: OnceLock<Identity>,
    /// The segments that are known to have a physical plan.
    planned: Arc<PlannedSegments>,
    /// The digest under which what it has proven holds.
    envelope: ContentHash,
}

/// Compiles a spec. Its mistakes are in [`Compilation::diagnostics`], not in the error.
///
/// The first pass says which tables the spec names; they are opened before the others run, because passes do not wait
/// for input and output. A spec that must not use the extensions that it uses gets no further. What earlier compilations
/// proved is taken from the source's file of proofs, and kept there. The first pass lowers the whole spec; the others see what is
/// in scope, and only tables of that are opened.
///
/// # Errors
/// For a scope that the spec does not have; when a pass breaks the graph, the ruleset stops after a pass that is none, the
/// session cannot start, or the workers are stopped.
pub fn compile(request: CompileRequest<'_>) -> Result<Compilation> {
    let CompileRequest { source, workers, scope, ruleset, tracing, extraction, .. } = request;
    let roots = with_folder(request.roots, &source.base_dir)?;
    let observer: &dyn Observer = &(Traced::compilation(&source.name), tracing);
    let kept = request.memory.and_then(|memory| memory.kept(&source.spec));
    let mut stages = loaded(&source, observer);
    let make = || session_of(&source.spec, request.session_factory, kept.as_ref(), workers);
    let (session, refused) = staged(&mut stages, observer, Stage::Session, make)?;
    let remembered = Remembered::for_spec(&source, &mut stages, observer);
    let (compiling, before_passes) = (Instant::now(), stages.total());
    let mut clock = PassClock::of(&mut stages, observer, workers);
    let pass_options = pass_options(&source, ruleset, &remembered, request.memory);
    let spec = &source.spec;
    let (begun, in_scope) = lowered(spec, &source.name, &scope, &session, pass_options, &mut clock)?;
    clock.tests = in_scope.tested(spec).then(|| TestedGraph::of(begun.graph()));
    let governed = governance::extension_findings(spec, &session, begun.graph(), begun.origins());
    let pass_options = passes::Options { stop_after: last_pass(&governed, ruleset), ..pass_options };
    let find = || KnownProofs::find(request.proofs, source.proofs.as_deref(), kept.as_ref(), &session);
    let known = staged(clock.stages, observer, Stage::Proofs, find);
    let open = || open_tables(begun.graph(), &source, roots, workers, pass_options.stop_after, extraction);
    let tables = staged(clock.stages, observer, Stage::Resolve, open)?;
    let oracle = Arc::new(known.oracle(session.clone(), tables));
    let seen = request.oracle.map(|view| view(oracle.as_ref().clone()));
    let seen: &(dyn Oracle + Send + Sync) = seen.as_deref().unwrap_or(oracle.as_ref());
    let compiled = on_deep_stack(|| passes::resume(begun, seen, pass_options, &mut clock))?;
    let passes::Compiled { graph, origins, mut diagnostics } = compiled.map_err(PipelineError::compile)?;
    diagnostics.extend(clock.misfits(&source, &in_scope, &oracle, &diagnostics)?);
    if ruleset.verify_passes {
        // Passes are timed one by one; what is left is what lies between them.
        let timed_stages = stages.total().saturating_sub(before_passes);
        stages.add(Stage::Verify, compiling.elapsed().saturating_sub(timed_stages));
    }
    staged(&mut stages, observer, Stage::Proofs, || known.write(&oracle, scope == Scope::Whole));
    let reused = known.are_of_use().then(|| unplanned(&oracle, spec, &in_scope));
    let envelope = known.envelope();
    let found = known.warning.into_iter().chain(refused).chain(governed).chain(remembered.unread.clone());
    diagnostics.extend(found.chain(too_weak(request.require, &graph, seen, &origins)));
    diagnostics.retain(|found| in_scope.concerns(found));
    let planned = request.memory.map(|it| it.keep(&source.spec, &session, &oracle)).unwrap_or_default();
    let compilation = Compilation {
        source,
        scope,
        in_scope,
        graph,
        origins,
        diagnostics,
        session,
        oracle,
        reused,
        outdated_proofs: known.outdated,
        stages,
        remembered,
        identity: OnceLock::new(),
        planned,
        envelope,
    };
    observer.compiled(&compilation);
    observer.found(&compilation.diagnostics, &compilation.source.map);
    Ok(compilation)
}

/// The stages of a spec that has been read already.
fn loaded(source: &Source, observer: &dyn Observer) -> Stages {
    let mut stages = Stages::default();
    observer.stage_started(Stage::Load);
    stages.add(Stage::Load, source.load);
    observer.stage_finished(Stage::Load, source.load);
    stages
}

/// A spec after the first pass, without what is not in scope. No table is opened.
fn lowered(
    spec: &Spec,
    name: &str,
    scope: &Scope,
    session: &Session,
    options: passes::Options<'_>,
    observer: &mut (dyn passes::Observer + Send),
) -> Result<(Begun, InScope)> {
    let bare = EngineOracle::new(session.clone(), Tables::default());
    let begun = on_deep_stack(|| passes::begin(spec, name, &bare, options, observer))?;
    let mut begun = begun.map_err(PipelineError::compile)?;
    let in_scope = begun.restrict(spec, scope)?;
    Ok((begun, in_scope))
}

/// How many views of those in scope nothing had to be planned for.
fn unplanned(oracle: &EngineOracle, spec: &Spec, in_scope: &InScope) -> usize {
    let planned = oracle.planned();
    let views = spec.view_definitions.iter().map(|view| Owner::View(view.name.clone()));
    views.filter(|view| in_scope.has(view) && !planned.contains(view)).count()
}

/// The pass after which to stop: of what the spec does not allow, nothing is asked beyond the first.
fn last_pass<'a>(governed: &[Diagnostic], ruleset: Ruleset<'a>) -> Option<&'a str> {
    let first = passes::PIPELINE.first().map(|pass| pass.name);
    if governed.iter().any(Diagnostic::is_error) { first } else { ruleset.stop_after }
}

/// How the passes run over a spec.
fn pass_options<'a>(
    source: &'a Source,
    ruleset: Ruleset<'a>,
    remembered: &'a Remembered,
    memory: Option<&'a Memory>,
) -> passes::Options<'a> {
    passes::Options {
        verify: ruleset.verify_passes,
        stop_after: ruleset.stop_after,
        findings: &source.findings,
        unread: Some(&source.unread),
        history: remembered.history.as_ref(),
        queries: memory.map(|memory| &memory.queries),
    }
}

/// Opens every table the graph names, unless compilation stops before it asks for them.
fn open_tables(
    graph: &Graph,
    source: &Source,
    roots: Roots,
    workers: &Workers,
    stop_after: Option<&str>,
    extraction: Option<&Extraction>,
) -> Result<Tables> {
    let first = passes::PIPELINE.first();
    let last = stop_after.map(passes::find).transpose().map_err(PipelineError::compile)?;
    let requests = TableRequest::of_graph(graph);
    if requests.is_empty() || last.map(|pass| pass.name) == first.map(|pass| pass.name) {
        return Ok(Tables::default());
    }
    let base_dir = source.base_dir.clone();
    let open = extraction.map_or_else(|| Ok(Vec::new()), Extraction::previews)?;
    workers.run_unless_stopped(async move { Tables::resolve_with(&base_dir, &roots, &requests, &open).await })
}

/// Times passes by family, passes events on, and stops between two passes.
struct PassClock<'a> {
    stages: &'a mut Stages,
    started: Instant,
    observer: &'a dyn Observer,
    workers: &'a Workers,
    /// What tests are checked with, if there are any.
    tests: Option<TestedGraph>,
}

impl<'a> PassClock<'a> {
    fn of(stages: &'a mut Stages, observer: &'a dyn Observer, workers: &'a Workers) -> Self {
        Self { stages, started: Instant::now(), observer, workers, tests: None }
    }

    /// What is wrong with the tests of the spec, which is looked for as long as a pass that checks.
    fn misfits(
        self,
        source: &Source,
        in_scope: &InScope,
        oracle: &EngineOracle,
        found: &[Diagnostic],
    ) -> Result<Vec<Diagnostic>> {
        let Some(tests) = self.tests else { return Ok(Vec::new()) };
        let started = Instant::now();
        let misfits = tests.misfits(source, in_scope, oracle, found);
        self.stages.add(Stage::FrontPasses, started.elapsed());
        misfits
    }
}

impl passes::Observer for PassClock<'_> {
    fn before_pass(&mut self, pass: &'static Pass) -> ControlFlow<()> {
        self.observer.pass_started(pass);
        if self.workers.cancellation().is_cancelled() {
            return ControlFlow::Break(());
        }
        self.started = Instant::now();
        ControlFlow::Continue(())
    }

    fn after_pass(&mut self, event: &PassEvent<'_>) {
        self.stages.add(event.pass.family.stage(), self.started.elapsed());
        if let Some(tests) = &mut self.tests {
            tests.see(event);
        }
        self.observer.pass_finished(event);
    }
}

impl Compilation {
    /// Whether the spec has mistakes.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// What is computed: the hash of the spec; nothing for a spec that could be read in part only.
    #[must_use]
    pub fn spec_hash(&self) -> Option<ContentHash> {
        self.source.unread.is_empty().then(|| spec_hash(&self.source.spec))
    }

    /// What tells a run of it from runs of other specs, over other tables, or by other rules. It is made when it is asked for
    /// first: the list of files of every table that is read has a part in it.
    ///
    /// # Errors
    /// Never: the error of hashing is passed on instead of hidden.
    pub(crate) fn identity(&self) -> Result<&Identity> {
        if let Some(identity) = self.identity.get() {
            return Ok(identity);
        }
        let identity = Identity::of(&self.source.spec, &self.graph, self.oracle.tables(), &self.session);
        let identity = identity.map_err(PipelineError::not_hashed)?;
        Ok(self.identity.get_or_init(|| identity))
    }

    /// What identifies it, with what each hash covers.
    ///
    /// # Errors
    /// Never: the error of hashing is passed on instead of hidden.
    pub fn identity_report(&self) -> Result<IdentityReport> {
        let identity = self.identity()?;
        Ok(IdentityReport::of(identity, &self.graph, self.oracle.as_ref(), &self.session))
    }

    /// What identifies the rows of its outputs, by the names of their tables; nothing of a graph that is not scheduled.
    #[must_use]
    pub fn output_identities(&self) -> BTreeMap<String, OutputIdentity> {
        OutputIdentity::all(&self.graph, self.oracle.as_ref())
    }

    /// What was found out, as data.
    ///
    /// # Errors
    /// Never: the error of hashing is passed on instead of hidden.
    pub fn response(&self) -> Result<CompileResponse> {
        CompileResponse::of(self)
    }

    /// Everything found, as an error.
    #[must_use]
    pub fn findings(&self) -> PipelineError {
        PipelineError::Findings {
            diagnostics: self.diagnostics.clone(),
            map: Box::new(self.source.map.clone()),
        }
    }

    /// Fails if the spec has mistakes.
    ///
    /// # Errors
    /// [`PipelineError::Findings`] with everything found.
    pub fn must_be_sound(&self) -> Result<()> {
        if self.has_errors() { Err(self.findings()) } else { Ok(()) }
    }

    /// Fails if it cannot be published: for a spec with mistakes, those of reading it outside of the scope among them, since a
    /// record has the whole spec; and for a scope that publishes nothing.
    ///
    /// # Errors
    /// [`PipelineError::Findings`] with what was found, or [`PipelineError::OtherScope`].
    pub(crate) fn must_be_publishable(&self) -> Result<()> {
        self.must_be_sound()?;
        let findings = &self.source.findings;
        if findings.iter().any(Diagnostic::is_error) {
            return Err(self.with_findings(findings.clone()));
        }
        match self.scope {
            Scope::Whole | Scope::Outputs(_) => Ok(()),
            Scope::Parts(_) | Scope::Rows { .. } => Err(PipelineError::OtherScope(
                "what was compiled to be looked at cannot be published; compile it with `Scope::Whole` or `Scope::Outputs`",
            )),
        }
    }

    /// What this compilation has proven, or taken from proofs and used.
    #[must_use]
    pub fn proofs(&self) -> Proofs {
        self.oracle.proofs(self.envelope)
    }

    /// The graph as plans. It must be scheduled and without mistakes.
    ///
    /// # Errors
    /// [`PipelineError::Findings`] for a spec with mistakes, or where the engine refuses a node.
    pub fn plan(&self, workers: &Workers) -> Result<Plans> {
        self.must_be_sound()?;
        match self.try_plan(workers)? {
            Ok(plans) => Ok(plans),
            Err(error) => Err(self.with_findings(vec![self.refused(error)?])),
        }
    }
}
