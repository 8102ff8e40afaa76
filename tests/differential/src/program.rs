//! The program under test, in one process: compiled as users compile, and run in many ways that must not matter.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex};

use engine::{EngineOracle, RunOptions, Session, SessionOptions, Tables};
use ir::diag::SourceName;
use ir::graph::{CachePolicy, Graph};
use ir::phase::Phase;
use passes::{Context, Family, PIPELINE, Pass, PassEvent, find, run_pass};
use pipeline::{
    Cancellation, CompileRequest, Observer, PipelineError, Plans, Source, WorkerOptions, Workers,
};

/// The passes that change a graph of core operations, each of which can be left out, in their order.
pub fn rewrites() -> impl Iterator<Item = &'static str> {
    let is_rewrite = |pass: &&Pass| pass.family == Family::Rewrite && pass.requires == Phase::Core;
    PIPELINE.iter().filter(is_rewrite).map(|pass| pass.name)
}

/// Settings of DataFusion that decide how rows are computed: keys, and values that are not the program's.
pub const SETTINGS: [(&str, &str); 16] = [
    ("datafusion.optimizer.repartition_joins", "false"),
    ("datafusion.optimizer.repartition_aggregations", "false"),
    ("datafusion.optimizer.repartition_windows", "false"),
    ("datafusion.optimizer.repartition_sorts", "false"),
    ("datafusion.optimizer.repartition_file_scans", "false"),
    ("datafusion.optimizer.enable_round_robin_repartition", "false"),
    ("datafusion.optimizer.prefer_existing_union", "true"),
    ("datafusion.optimizer.repartition_file_min_size", "1"),
    ("datafusion.optimizer.enable_dynamic_filter_pushdown", "true"),
    ("datafusion.optimizer.filter_null_join_keys", "true"),
    ("datafusion.execution.collect_statistics", "false"),
    ("datafusion.execution.planning_concurrency", "1"),
    ("datafusion.execution.parquet.pruning", "false"),
    ("datafusion.execution.parquet.enable_page_index", "false"),
    ("datafusion.execution.parquet.pushdown_filters", "true"),
    ("datafusion.execution.parquet.max_predicate_cache_size", "0"),
];

/// A way to run a graph. None of it may change a row.
#[derive(Clone, Debug)]
pub struct Setting {
    /// How many partitions operators have.
    pub partitions: usize,
    /// How many rows a batch has.
    pub batch: usize,
    /// The limit of memory in MiB.
    pub memory: usize,
    /// Which of the [`rewrites`] run.
    pub rewrites: Vec<&'static str>,
    /// Which views are shared.
    pub sharing: Sharing,
    /// Which of [`SETTINGS`] hold.
    pub settings: Vec<(&'static str, &'static str)>,
}

/// Which views are shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Those that the compiler chooses.
    Chosen,
    /// None that may be computed again.
    None,
    /// All with several readers.
    All,
}

impl Setting {
    /// As users run it.
    #[must_use]
    pub fn usual() -> Self {
        Self {
            partitions: 2,
            batch: 8192,
            memory: 256,
            rewrites: rewrites().collect(),
            sharing: Sharing::Chosen,
            settings: Vec::new(),
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partitions, batch, memory, rewrites, sharing, settings } = self;
        write!(
            f,
            "{partitions} partitions, batches of {batch}, {memory} MiB, rewrites {rewrites:?}, sharing {sharing:?}, {settings:?}"
        )
    }
}

/// A spec that was compiled, before its graph was rewritten and after.
pub struct Program {
    core: Graph,
    finished: Graph,
    warnings: Vec<String>,
}

/// Why a spec did not come to its end.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The compiler found mistakes.
    Refused(String),
    /// The run failed.
    Failed(String),
}

#[derive(Default)]
struct Core(Mutex<Option<Graph>>);

impl Observer for Core {
    fn pass_finished(&self, event: &PassEvent<'_>) {
        if event.pass.name == "desugar"
            && let Ok(mut graph) = self.0.lock()
        {
            *graph = Some(event.graph.clone());
        }
    }
}

static SPILLED: AtomicU64 = AtomicU64::new(0);

/// How many runs of this process spilled rows.
pub fn runs_that_spilled() -> u64 {
    SPILLED.load(Ordering::Relaxed)
}

/// The threads that everything runs on.
pub fn workers() -> &'static Workers {
    static WORKERS: LazyLock<Workers> = LazyLock::new(|| {
        let options = WorkerOptions { session: options(&Setting::usual()), ..WorkerOptions::default() };
        Workers::new(options, Cancellation::new())
    });
    &WORKERS
}

fn options(setting: &Setting) -> SessionOptions {
    SessionOptions {
        target_partitions: setting.partitions,
        memory_limit_bytes: setting.memory << 20,
        spill_limit_bytes: Some(1 << 30),
        batch_size: setting.batch,
        settings: setting
            .settings
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        ..SessionOptions::for_this_machine()
    }
}

fn session(setting: &Setting) -> Result<Session, Failure> {
    Session::new(options(setting)).map_err(|error| Failure::Failed(error.to_string()))
}

/// An error with all that it found.
fn text_of(error: &PipelineError) -> String {
    match error {
        PipelineError::Findings { diagnostics, .. } => {
            let errors = diagnostics.iter().filter(|found| found.is_error()).map(ToString::to_string);
            errors.collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

impl Program {
    /// Compiles a spec whose locations count from a folder, for which `{home}` stands too.
    ///
    /// # Errors
    /// When the compiler refuses it.
    pub fn compile(text: &str, home: &Path) -> Result<Self, Failure> {
        let refused = |error: PipelineError| Failure::Refused(text_of(&error));
        let text = text.replace("{home}", &home.to_string_lossy());
        let source = Source::from_bytes(text.as_bytes(), SourceName::new("spec.yaml"), "differential", home)
            .map_err(refused)?;
        let core = Core::default();
        let request = CompileRequest {
            session_factory: &session(&Setting::usual())?,
            tracing: Some(&core),
            ..CompileRequest::new(source, workers())
        };
        let compiled = pipeline::compile(request).map_err(refused)?;
        let errors: Vec<String> =
            compiled.diagnostics.iter().filter(|found| found.is_error()).map(ToString::to_string).collect();
        if !errors.is_empty() {
            return Err(Failure::Refused(errors.join("; ")));
        }
        let core = core.0.into_inner().ok().flatten();
        let core = core.ok_or_else(|| Failure::Refused("the pass `desugar` did not run".to_owned()))?;
        let warnings = compiled.diagnostics.iter().map(ToString::to_string).collect();
        Ok(Self { core, finished: compiled.graph, warnings })
    }

    /// What became of the wishes of a spec about sharing: each view is shared, or not shared, as the spec says, is part of
    /// another view, or the compiler has warned of it.
    ///
    /// # Errors
    /// The first of which none is true.
    pub fn heard(&self, wishes: &[Vec<String>; 2]) -> Result<(), String> {
        let is_warned_of = |name: &String| {
            self.warnings
                .iter()
                .any(|text| text.contains("has no effect") && text.contains(&format!("`{name}`")))
        };
        let kept = [&self.finished.cache.force, &self.finished.cache.never];
        for ((spec, kept), is_forced) in wishes.iter().zip(kept).zip([true, false]) {
            let is_lost = |name: &&String| {
                !kept.contains(name) && !is_warned_of(name) && self.finished.find(name).is_some()
            };
            let is_denied = |name: &&String| {
                let view = self.finished.find(name).map(|id| &self.finished[id]);
                view.is_none_or(|view| view.is_shared() != is_forced)
            };
            let unheard = spec.iter().find(is_lost).or_else(|| kept.iter().find(is_denied));
            if let Some(name) = unheard {
                let word = if is_forced { "ForceCache" } else { "NeverCache" };
                return Err(format!("{word} of `{name}` has no effect, and nobody is told"));
            }
        }
        Ok(())
    }

    /// Runs it; the outputs are written to the folder.
    ///
    /// # Errors
    /// When it cannot be planned or fails.
    pub fn run(&self, setting: &Setting, home: &Path) -> Result<(), Failure> {
        let session = session(setting)?;
        let usual = setting.rewrites.iter().copied().eq(rewrites()) && setting.sharing == Sharing::Chosen;
        let graph = if usual { self.finished.clone() } else { self.planned(setting, &session)? };
        let failed = |error: PipelineError| Failure::Failed(text_of(&error));
        let plans = Plans::of_graph(&graph, home, &session, workers()).map_err(failed)?;
        plans.run(RunOptions::new(home, "differential"), workers()).map_err(failed)?;
        if session.spill_use().written_bytes > 0 {
            SPILLED.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The graph with other passes and another sharing.
    fn planned(&self, setting: &Setting, session: &Session) -> Result<Graph, Failure> {
        let mut graph = self.core.clone();
        graph.remove_unreachable();
        let several: Vec<String> =
            graph.ids().filter(|id| graph.reads(*id) >= 2).map(|id| graph.name_of(id).to_owned()).collect();
        match setting.sharing {
            Sharing::Chosen => {}
            Sharing::None => graph.cache = CachePolicy { never: several, ..CachePolicy::default() },
            Sharing::All => graph.cache = CachePolicy { force: several, ..CachePolicy::default() },
        }
        let oracle = EngineOracle::new(session.clone(), Tables::default());
        let mut cx = Context::new(&oracle);
        for name in setting.rewrites.iter().copied().chain(["place", "schedule"]) {
            let pass = find(name).map_err(|error| Failure::Failed(error.to_string()))?;
            run_pass(pass, &mut graph, &mut cx, true, &mut ())
                .map_err(|error| Failure::Failed(error.to_string()))?;
        }
        Ok(graph)
    }
}
