//! From the text of a spec to a graph: reading, opening the tables it names, running the passes, planning.

mod proofs;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::{EngineOracle, PlanDag, Session, Stage, TableRequest, Tables};
use ir::diag::{Diagnostic, SourceMap, SourceName, codes};
use ir::graph::Graph;
use ir::hash::ContentHash;
use ir::spec::{MAX_SPEC_BYTES, Spec, load_bytes, spec_hash};
use ir::verify::verify;
use passes::{Observer, Options, Pass, PassEvent};

use crate::commands::Workers;
use crate::failure::Failure;
use crate::report::Stages;
use proofs::KeptProofs;

/// The stack of the thread that compiles. Expressions and queries nest as deep as their authors like.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// A spec that has the shape of one; it may still have errors.
#[derive(Debug)]
pub(crate) struct Source {
    /// The spec.
    pub(crate) spec: Spec,
    /// Its text, for messages.
    pub(crate) map: SourceMap,
    /// What reading it found.
    pub(crate) findings: Vec<Diagnostic>,
    /// The name of its graph.
    pub(crate) name: String,
    /// The folder relative locations count from; absolute.
    pub(crate) base_dir: PathBuf,
    /// Where what is proven about it is kept; nowhere for a spec without a file.
    pub(crate) proofs: Option<PathBuf>,
    /// How long reading took.
    load: Duration,
}

impl Source {
    /// Reads a spec from a file, or from `stdin` for `-`.
    pub(crate) fn read(path: &Path, stdin: &mut dyn Read) -> Result<Self, Failure> {
        let shown = path.display().to_string();
        let is_stdin = shown == "-";
        let origin = if is_stdin { "<stdin>".to_owned() } else { shown };
        let bytes = read_bytes(path, stdin).map_err(|error| {
            Failure::finding(codes::SPEC_UNREADABLE, format!("the spec cannot be read: {error}"), &origin)
        })?;
        let (name, folder) = if is_stdin {
            ("spec".to_owned(), None)
        } else {
            (
                path.file_stem().map_or("spec".into(), |stem| stem.to_string_lossy().into_owned()),
                path.parent(),
            )
        };
        let folder = folder.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let source = Self::from_bytes(&bytes, origin.into(), name, folder)?;
        Ok(Self { proofs: source.proofs.filter(|_| !is_stdin), ..source })
    }

    /// Reads a spec that is called `origin` in messages; relative locations in it count from `folder`.
    pub(crate) fn from_bytes(
        bytes: &[u8],
        origin: SourceName,
        name: String,
        folder: &Path,
    ) -> Result<Self, Failure> {
        let started = Instant::now();
        let base_dir = absolute(folder)?;
        let loaded = load_bytes(bytes, origin);
        let Some(spec) = loaded.spec else {
            return Err(Failure::Findings {
                diagnostics: loaded.diagnostics,
                source: Box::new(loaded.source),
            });
        };
        let (map, findings) = (loaded.source, loaded.diagnostics);
        let proofs = Some(proofs::path(&base_dir, &name));
        Ok(Self { spec, map, findings, name, base_dir, proofs, load: started.elapsed() })
    }
}

/// The bytes of a file, or of `stdin` for `-`. No more is read than a spec may have, and one byte to see that it has
/// more.
fn read_bytes(path: &Path, stdin: &mut dyn Read) -> std::io::Result<Vec<u8>> {
    let limit = u64::try_from(MAX_SPEC_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        stdin.take(limit).read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// The absolute form of a path that need not exist.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::file("find the absolute path of", path, &error))
}

/// A spec after the passes that ran.
#[derive(Debug)]
pub(crate) struct Compilation {
    /// The spec.
    pub(crate) source: Source,
    /// Its hash.
    pub(crate) spec_hash: ContentHash,
    /// The graph after the last pass that ran.
    pub(crate) graph: Graph,
    /// Everything found, by reading and by compiling.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// The session.
    pub(crate) session: Session,
    /// The tables.
    pub(crate) oracle: Arc<EngineOracle>,
    /// Views for which nothing had to be planned, because an earlier compilation had proven their types; nothing when
    /// there was none.
    pub(crate) reused: Option<usize>,
    /// Where the time went.
    pub(crate) stages: Stages,
}

/// Compiles a spec; `observe` sees the graph after every pass.
///
/// The first pass says which tables the spec names; they are opened before the others run, because passes do not wait
/// for input and output. What earlier compilations proved is taken from [`proofs`], and kept there.
pub(crate) fn compile(
    source: Source,
    workers: &Workers,
    stop_after: Option<&str>,
    verify_passes: bool,
    observe: &mut (dyn FnMut(&PassEvent<'_>) + Send),
) -> Result<Compilation, Failure> {
    let mut stages = Stages::default();
    stages.add("load", source.load);
    let session = timed(&mut stages, "session", || workers.session())?;
    let compiling = Instant::now();
    let before_passes = stages.total();
    let mut watch = PassClock { stages: &mut stages, started: Instant::now(), observe };
    let options = Options { verify: verify_passes, stop_after, findings: &source.findings };
    let (spec, name) = (&source.spec, source.name.as_str());
    let bare = EngineOracle::new(session.clone(), Tables::default());
    let begun = on_deep_stack(|| passes::begin(spec, name, &bare, options, &mut watch))?;
    let begun = begun.map_err(|error| Failure::compile(&error))?;
    let kept = timed(watch.stages, "proofs", || KeptProofs::read(source.proofs.as_deref(), &session));
    let tables = timed(watch.stages, "resolve", || open_tables(begun.graph(), &source, workers, stop_after))?;
    let oracle = Arc::new(kept.oracle(session.clone(), tables));
    let compiled = on_deep_stack(|| passes::resume(begun, spec, oracle.as_ref(), options, &mut watch))?;
    let passes::Compiled { graph, mut diagnostics } = compiled.map_err(|error| Failure::compile(&error))?;
    // Passes are timed one by one; what is left is what lies between them.
    let timed_stages = stages.total().saturating_sub(before_passes);
    if verify_passes {
        stages.add("verify", compiling.elapsed().saturating_sub(timed_stages));
    }
    timed(&mut stages, "proofs", || kept.write(&oracle));
    let reused = kept.reused(&oracle, spec);
    diagnostics.extend(kept.warning);
    let spec_hash = spec_hash(&source.spec);
    Ok(Compilation { source, spec_hash, graph, diagnostics, session, oracle, reused, stages })
}

/// Opens every table the graph names, unless compilation stops before it asks for them.
fn open_tables(
    graph: &Graph,
    source: &Source,
    workers: &Workers,
    stop_after: Option<&str>,
) -> Result<Tables, Failure> {
    let first = passes::PIPELINE.first();
    let last = stop_after.map(passes::find).transpose().map_err(|error| Failure::compile(&error))?;
    let requests = TableRequest::of_graph(graph);
    if requests.is_empty() || last.map(|pass| pass.name) == first.map(|pass| pass.name) {
        return Ok(Tables::default());
    }
    let base_dir = source.base_dir.clone();
    workers.run(async move { Tables::resolve(&base_dir, &requests).await })
}

/// Runs `work` and adds its time to a stage.
pub(crate) fn timed<T>(stages: &mut Stages, stage: &str, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = work();
    stages.add(stage, started.elapsed());
    result
}

/// Runs `work` on a thread with a deep stack. A panic goes on in the caller.
pub(crate) fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, Failure> {
    let builder = std::thread::Builder::new().name("compiler".to_owned()).stack_size(STACK_BYTES);
    std::thread::scope(|scope| match builder.spawn_scoped(scope, work) {
        Ok(thread) => thread.join().map_or_else(|payload| std::panic::resume_unwind(payload), Ok),
        Err(error) => Err(Failure::User(format!("cannot start a thread: {error}"))),
    })
}

/// Times passes by family, and passes events on.
struct PassClock<'a> {
    stages: &'a mut Stages,
    started: Instant,
    observe: &'a mut (dyn FnMut(&PassEvent<'_>) + Send),
}

impl Observer for PassClock<'_> {
    fn before_pass(&mut self, _: &'static Pass) {
        self.started = Instant::now();
    }

    fn after_pass(&mut self, event: &PassEvent<'_>) {
        self.stages.add(&format!("{} passes", event.pass.family.name()), self.started.elapsed());
        (self.observe)(event);
    }
}

impl Compilation {
    /// Whether the spec has mistakes.
    pub(crate) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// How much an earlier compilation had proven, as a line of text.
    pub(crate) fn reuse_text(&self) -> Option<String> {
        let views = self.source.spec.view_definitions.len();
        self.reused.map(|reused| format!("reused {reused} of {views} views\n"))
    }

    /// Everything found, as a failure.
    pub(crate) fn findings(&self) -> Failure {
        Failure::Findings { diagnostics: self.diagnostics.clone(), source: Box::new(self.source.map.clone()) }
    }

    /// Fails if the spec has mistakes.
    pub(crate) fn must_be_sound(&self) -> Result<(), Failure> {
        if self.has_errors() { Err(self.findings()) } else { Ok(()) }
    }

    /// The graph as plans. It must be scheduled and without mistakes.
    pub(crate) fn emit(&self, workers: &Workers) -> Result<PlanDag, Failure> {
        let (runtime, _) = workers.started()?;
        on_deep_stack(|| {
            // Table providers look for the runtime they are made in.
            let _entered = runtime.enter();
            let verified = verify(&self.graph, Some(self.oracle.as_ref())).map_err(|violations| {
                let list: Vec<String> =
                    violations.iter().map(|violation| format!("\n  {violation}")).collect();
                Failure::Bug(format!("the compiled graph is broken:{}", list.concat()))
            })?;
            self.oracle
                .emit(verified)
                .map_err(|error| Failure::engine(&error, self.source.map.name().as_str()))
        })?
    }

    /// The plans of a DAG as text.
    pub(crate) fn explain(&self, dag: &PlanDag, stage: Stage, workers: &Workers) -> Result<String, Failure> {
        let (dag, session) = (dag.clone(), self.session.clone());
        let text = workers.run(async move { engine::explain(&dag, &session, stage).await })?;
        text.map_err(|error| Failure::engine(&error, self.source.map.name().as_str()))
    }
}
