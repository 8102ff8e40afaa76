//! What a compilation is asked for.

use delta::Roots;
use engine::{EngineOracle, Session};
use ir::archive::Proofs;
use ir::determinism::ResultClass;
use ir::diag::{Diagnostic, SpecPath, codes};
use ir::oracle::Oracle;
use ir::spec::{RuntimeProfileSpec, SessionSpec, Spec};
use ir::stage::Stage;
use passes::Scope;

use super::memory::Kept;
use super::{Memory, Source};
use crate::{Extraction, Observer, Result, Workers};

/// What the passes are told instead of the engine's own answers. Tests hide by it what differs from run to run.
pub type OracleView = fn(EngineOracle) -> Box<dyn Oracle + Send + Sync>;

/// A spec to compile, and how. Compiling executes nothing and writes to no table.
pub struct CompileRequest<'a> {
    /// The spec.
    pub source: Source,
    /// The threads; throwing their switch stops the compilation.
    pub workers: &'a Workers,
    /// What makes the session to compile and run in.
    pub session_factory: &'a dyn SessionFactory,
    /// Which part of the spec is compiled, and what for.
    pub scope: Scope,
    /// Which passes run.
    pub ruleset: Ruleset<'a>,
    /// Who is told of stages and passes while they run; nobody if absent.
    pub tracing: Option<&'a dyn Observer>,
    /// What is known to be proven, in place of what the source's file keeps. Nothing is kept then.
    pub proofs: Option<&'a Proofs>,
    /// What earlier compilations of this process have left, and where this one leaves what it finds; nothing if absent. For
    /// compilations with the same workers and session factory, and not for runs: what a session counts, a record tells as
    /// that of one run.
    pub memory: Option<&'a Memory>,
    /// An extraction that is not published yet: inputs at the places of its tables are these.
    pub extraction: Option<&'a Extraction>,
    /// What the passes see of the engine; all of it if absent.
    pub oracle: Option<OracleView>,
    /// What the spec may read and write, besides its own folder.
    pub roots: &'a Roots,
    /// How far the rows of every output must be the same whenever it is computed; not at all if absent.
    pub require: Option<ResultClass>,
}

impl<'a> CompileRequest<'a> {
    /// Everything, in a session with the workers' resources, and within their roots.
    #[must_use]
    pub fn new(source: Source, workers: &'a Workers) -> Self {
        Self {
            source,
            workers,
            session_factory: workers,
            scope: Scope::default(),
            ruleset: Ruleset::default(),
            tracing: None,
            proofs: None,
            memory: None,
            extraction: None,
            oracle: None,
            roots: &workers.options().roots,
            require: None,
        }
    }
}

/// The rules of a compilation: which passes of [`passes::PIPELINE`] run, and whether they are trusted. The engine's rules
/// come with the session; [`CompileResponse::rulepack_fingerprint`](crate::CompileResponse) tells them apart.
#[derive(Clone, Copy, Debug)]
pub struct Ruleset<'a> {
    /// Whether the graph is verified after every pass, schemas derived again included.
    pub verify_passes: bool,
    /// The pass after which to stop; none stops after the last.
    pub stop_after: Option<&'a str>,
}

impl Default for Ruleset<'_> {
    /// All passes, verified in debug builds.
    fn default() -> Self {
        Self { verify_passes: cfg!(debug_assertions), stop_after: None }
    }
}

/// Makes the session that a compilation asks, and that its plans run in.
pub trait SessionFactory {
    /// The session of a spec that says this of it. What of it is refused was found before and is left out.
    ///
    /// # Errors
    /// When it cannot start.
    fn session(&self, profile: Option<&RuntimeProfileSpec>, session: &SessionSpec) -> Result<Session>;
}

impl SessionFactory for Workers {
    /// A new session with the workers' resources, but for what the spec says.
    fn session(&self, profile: Option<&RuntimeProfileSpec>, session: &SessionSpec) -> Result<Session> {
        self.session_of(profile, session)
    }
}

impl SessionFactory for Session {
    /// This one, whatever the spec says.
    fn session(&self, _: Option<&RuntimeProfileSpec>, _: &SessionSpec) -> Result<Session> {
        Ok(self.clone())
    }
}

/// The session of a spec, and what it says of it that cannot be: without that, the session is made all the same, so that the
/// spec's other mistakes are found as well.
pub(super) fn session_of(
    spec: &Spec,
    factory: &dyn SessionFactory,
    kept: Option<&Kept>,
    workers: &Workers,
) -> Result<(Session, Vec<Diagnostic>)> {
    let refused = setting_findings(&spec.session);
    if let Some(kept) = kept {
        return Ok((kept.session.clone(), refused));
    }
    let none = SessionSpec::default();
    let settings = if refused.is_empty() { &spec.session } else { &none };
    let session = factory.session(spec.runtime_profile.as_ref(), settings)?;
    Ok((session.stopped_by(workers.cancellation()), refused))
}

/// What a spec says of its session that cannot be, each with its place.
#[must_use]
pub fn setting_findings(session: &SessionSpec) -> Vec<Diagnostic> {
    let findings = engine::setting_refusals(session).into_iter().map(|refusal| {
        let path = SpecPath::root().field("session").field("config").field(&refusal.key);
        let found = Diagnostic::new(codes::SESSION_SETTING, refusal.to_string()).at(path);
        let found = found.in_stage(Stage::Session).about("key", &refusal.key);
        match &refusal.nearest {
            Some(nearest) => found.help(format!("did you mean `{nearest}`?")),
            None => found
                .help("leave it out, or see `driver session --verbose` for all settings and their values"),
        }
    });
    findings.collect()
}
