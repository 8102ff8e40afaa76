//! The runner: walks the table, verifies and observes.

use std::ops::ControlFlow;

use ir::diag::{Diagnostic, nearest_name};
use ir::graph::Graph;
use ir::oracle::Oracle;
use ir::origin::Origins;
use ir::spec::{Spec, Unread};
use ir::verify::{Violation, verify};

use crate::PIPELINE;
use crate::analysis::history::History;
use crate::context::{Context, JoinDeclaration, Reported};
use crate::parsed::ParsedQueries;
use crate::pass::{Family, Pass, Run, SpecSource};
use crate::scope::{InScope, Lowered, Scope, ScopeError};

/// What happened in one pass.
pub struct PassEvent<'a> {
    /// The pass.
    pub pass: &'static Pass,
    /// The graph after it.
    pub graph: &'a Graph,
    /// Where in the spec that graph comes from.
    pub origins: &'a Origins,
    /// What it decided.
    pub remarks: &'a [String],
    /// What it found wrong with the spec.
    pub findings: &'a [Diagnostic],
}

/// Sees the graph after every pass. Dumps, timings, traces and goldens are observers: this crate has no clock.
pub trait Observer {
    /// Called before every pass that is to run. Breaking ends the compilation with [`CompileError::Stopped`].
    fn before_pass(&mut self, _: &'static Pass) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Called after every pass that ran, also when it found mistakes in the spec.
    fn after_pass(&mut self, event: &PassEvent<'_>);
}

impl Observer for () {
    fn after_pass(&mut self, _: &PassEvent<'_>) {}
}

impl<F: FnMut(&PassEvent<'_>)> Observer for F {
    fn after_pass(&mut self, event: &PassEvent<'_>) {
        self(event);
    }
}

/// How to compile.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Whether the graph is verified after every pass, schemas derived again included.
    pub verify: bool,
    /// The pass after which to stop.
    pub stop_after: Option<&'a str>,
    /// What loading the spec found. With errors among them, compilation only looks for more: the front passes run,
    /// and nothing is verified.
    pub findings: &'a [Diagnostic],
    /// What of the spec could not be read. Nothing more is said about it and about what depends on it.
    pub unread: Option<&'a Unread>,
    /// What earlier runs counted, if the cost model is to know.
    pub history: Option<&'a History>,
    /// Queries that earlier compilations have parsed, to which those of this one are added.
    pub queries: Option<&'a ParsedQueries>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            verify: cfg!(debug_assertions),
            stop_after: None,
            findings: &[],
            unread: None,
            history: None,
            queries: None,
        }
    }
}

impl Options<'_> {
    fn last_pass(&self) -> Result<Option<&'static Pass>, CompileError> {
        self.stop_after.map(find).transpose()
    }
}

/// What became of a spec.
#[derive(Debug)]
pub struct Compiled {
    /// The graph after the last pass that ran. When there are errors it is only good for looking at.
    pub graph: Graph,
    /// Where in the spec it comes from.
    pub origins: Origins,
    /// Errors and warnings, those of loading first.
    pub diagnostics: Vec<Diagnostic>,
}

impl Compiled {
    /// Whether the spec has mistakes.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// Why a compilation did not take place. Mistakes in the spec are not among them: they are in
/// [`Compiled::diagnostics`].
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// A bug in a pass.
    #[error("pass `{pass}` broke the graph; this is a bug in CodeAnatomy:\n{}", list(.violations))]
    Broken {
        /// The pass that ran last.
        pass: &'static str,
        /// Everything that is wrong.
        violations: Vec<Violation>,
    },
    /// A pass that does not exist.
    #[error("there is no pass `{name}`{}; passes are {}", suggestion(.name), pass_names())]
    UnknownPass {
        /// The name asked for.
        name: String,
    },
    /// The observer ended the compilation.
    #[error("stopped before pass `{pass}`")]
    Stopped {
        /// The pass that was to run next.
        pass: &'static str,
    },
    /// A graph in a phase the pass cannot start from.
    #[error("pass `{pass}` starts from phase {requires}, the graph is in phase {found}")]
    WrongPhase {
        /// The pass.
        pass: &'static str,
        /// The phase it starts from.
        requires: ir::phase::Phase,
        /// The phase of the graph.
        found: ir::phase::Phase,
    },
}

fn list(violations: &[Violation]) -> String {
    violations.iter().map(|violation| format!("  {violation}")).collect::<Vec<_>>().join("\n")
}

fn pass_names() -> String {
    PIPELINE.iter().map(|pass| pass.name).collect::<Vec<_>>().join(", ")
}

fn suggestion(name: &str) -> String {
    nearest_name(name, PIPELINE.iter().map(|pass| pass.name))
        .map_or(String::new(), |near| format!(" (did you mean `{near}`?)"))
}

/// The pass with this name.
///
/// # Errors
/// When there is none.
pub fn find(name: &str) -> Result<&'static Pass, CompileError> {
    PIPELINE
        .iter()
        .find(|pass| pass.name == name || pass.stage() == name)
        .ok_or_else(|| CompileError::UnknownPass { name: name.to_owned() })
}

/// Compiles a spec: from nothing through all passes.
///
/// # Errors
/// When a pass breaks the graph, `stop_after` names no pass, or the observer ends the compilation.
pub fn compile(
    spec: &Spec,
    name: &str,
    oracle: &dyn Oracle,
    options: Options<'_>,
    observer: &mut dyn Observer,
) -> Result<Compiled, CompileError> {
    let begun = begin(spec, name, oracle, options, observer)?;
    resume(begun, oracle, options, observer)
}

/// A compilation after its first pass: the graph says which tables the spec names, and none has been asked for.
#[derive(Debug)]
pub struct Begun {
    graph: Graph,
    origins: Origins,
    diagnostics: Vec<Diagnostic>,
    reported: Reported,
    joins: Vec<JoinDeclaration>,
}

impl Begun {
    /// The graph, in phase Lowered.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Where in the spec the graph comes from.
    #[must_use]
    pub fn origins(&self) -> &Origins {
        &self.origins
    }

    /// Goes on with a part of the spec only. What was found in the other parts is forgotten; with what is given,
    /// later findings can be told apart in the same way.
    ///
    /// # Errors
    /// For a scope that the spec does not have.
    pub fn restrict(&mut self, spec: &Spec, scope: &Scope) -> Result<InScope, ScopeError> {
        let Self { graph, origins, diagnostics, reported, .. } = self;
        let found = Lowered { graph, origins, reported }.restrict(spec, scope)?;
        diagnostics.retain(|diagnostic| found.concerns(diagnostic));
        Ok(found)
    }
}

/// Runs the first pass. The oracle need not know any table.
///
/// # Errors
/// As [`compile`].
pub fn begin(
    spec: &Spec,
    name: &str,
    oracle: &dyn Oracle,
    options: Options<'_>,
    observer: &mut dyn Observer,
) -> Result<Begun, CompileError> {
    options.last_pass()?;
    let mut graph = Graph::new(name);
    let mut cx = Context::new(oracle).with_queries(options.queries);
    cx.diagnostics.extend_from_slice(options.findings);
    let all_read = Unread::default();
    let source = SpecSource { spec, unread: options.unread.unwrap_or(&all_read) };
    if let Some(first) = PIPELINE.first() {
        run_on(first, Some(&source), &mut graph, &mut cx, options.verify, observer)?;
    }
    let Context { origins, diagnostics, reported, joins, .. } = cx;
    Ok(Begun { graph, origins, diagnostics, reported, joins })
}

/// Runs the other passes.
///
/// # Errors
/// As [`compile`].
pub fn resume(
    begun: Begun,
    oracle: &dyn Oracle,
    options: Options<'_>,
    observer: &mut dyn Observer,
) -> Result<Compiled, CompileError> {
    let last = options.last_pass()?.map(|pass| pass.number);
    let Begun { mut graph, origins, diagnostics, reported, joins } = begun;
    let mut cx = Context::new(oracle).with_origins(origins).with_history(options.history);
    cx.diagnostics = diagnostics;
    cx.reported = reported;
    cx.joins = joins;
    for pass in PIPELINE.iter().skip(1) {
        let left_out = cx.has_errors() && pass.family != Family::Front;
        if left_out || last.is_some_and(|last| pass.number > last) {
            break;
        }
        run_pass(pass, &mut graph, &mut cx, options.verify, observer)?;
    }
    Ok(Compiled { graph, origins: cx.origins, diagnostics: cx.diagnostics })
}

/// Runs one pass over a graph and, on request, verifies the result. A graph of a spec with mistakes is not
/// verified: it is incomplete, and nothing but the front passes will see it. The pass that starts from a spec leaves a graph
/// as it is.
///
/// # Errors
/// When the graph is in the wrong phase, the observer ends the compilation, or the pass breaks the graph.
pub fn run_pass(
    pass: &'static Pass,
    graph: &mut Graph,
    cx: &mut Context<'_>,
    verified: bool,
    observer: &mut dyn Observer,
) -> Result<(), CompileError> {
    run_on(pass, None, graph, cx, verified, observer)
}

fn run_on(
    pass: &'static Pass,
    source: Option<&SpecSource<'_>>,
    graph: &mut Graph,
    cx: &mut Context<'_>,
    verified: bool,
    observer: &mut dyn Observer,
) -> Result<(), CompileError> {
    if graph.phase != pass.requires {
        return Err(CompileError::WrongPhase {
            pass: pass.name,
            requires: pass.requires,
            found: graph.phase,
        });
    }
    if observer.before_pass(pass).is_break() {
        return Err(CompileError::Stopped { pass: pass.name });
    }
    let before = cx.diagnostics.len();
    match (pass.run, source) {
        (Run::Graph(run), _) => run(graph, cx),
        (Run::Spec(run), Some(source)) => run(source, graph, cx),
        (Run::Spec(_), None) => {}
    }
    graph.phase = pass.ensures;
    let remarks = cx.take_remarks();
    let stage = pass.family.stage();
    cx.diagnostics.iter_mut().skip(before).for_each(|found| {
        found.stage.get_or_insert(stage);
    });
    let findings = cx.diagnostics.get(before..).unwrap_or_default();
    observer.after_pass(&PassEvent { pass, graph, origins: &cx.origins, remarks: &remarks, findings });
    if verified && !cx.has_errors() {
        verify(graph, cx.oracle)
            .map_err(|violations| CompileError::Broken { pass: pass.name, violations })?;
    }
    Ok(())
}
