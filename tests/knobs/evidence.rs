//! What is seen of a knob: its spec compiled, planned and run with it and without.

use std::path::Path;
use std::sync::Arc;

use delta::RowsDigest;
use engine::{EffectiveSetting, Origin, RunOptions, RunOutcome, Session};
use ir::diag::SourceName;
use ir::spec::{RuntimeProfileSpec, SessionSpec};
use pipeline::{
    Compilation, CompileRequest, PipelineError, Plans, Roots, SessionFactory, Source, Stage, Workers,
};
use tempfile::TempDir;

use super::counters::counter;
use super::spec::{Counter, Direction, Entry, Evidence, Registry, Texts};
use super::storage::CountedStorage;
use crate::harness::workers;

/// The spec of an entry, compiled.
struct Side {
    compilation: Compilation,
    storage: Arc<CountedStorage>,
    home: TempDir,
}

/// What a run gave.
struct Run {
    outcome: RunOutcome,
    digests: Vec<(String, RowsDigest)>,
    /// How often files of tables were read.
    reads: u64,
}

/// What was seen of an entry, in a few words.
///
/// # Errors
/// When it is not what the entry says, or rows are others.
pub(super) fn of(registry: &Registry, entry: &Entry, tables: &Path) -> Result<String, String> {
    let side = |with_knob| Side::of(&registry.spec(entry, with_knob, tables));
    let run = |with_knob| side(with_knob).and_then(|side| side.run());
    match &entry.evidence {
        Evidence::Refused(text) => {
            run(false).map_err(|error| format!("refused without the knob too: {error}"))?;
            refused(text, run(true).err())
        }
        Evidence::Accepted(text) => {
            run(true).map_err(|error| format!("refused with the knob too: {error}"))?;
            refused(text, run(false).err())
        }
        _ => {
            let (without, with) = (side(false)?, side(true)?);
            set_by_the_spec(entry, &with.compilation.session)?;
            differ(entry, &without, &with)
        }
    }
}

/// How what two sides do differs. Both run, and give the same rows.
fn differ(entry: &Entry, without: &Side, with: &Side) -> Result<String, String> {
    let (before, after) = (without.run()?, with.run()?);
    if before.digests != after.digests {
        return Err(format!("other rows: {:?}, not {:?}", after.digests, before.digests));
    }
    let plans = |stage| Ok::<_, String>((without.plans(stage)?, with.plans(stage)?));
    match &entry.evidence {
        Evidence::Plan(texts) => texts.differ(&plans(Stage::Physical)?),
        Evidence::Optimized(texts) => texts.differ(&plans(Stage::Optimized)?),
        Evidence::Counter(wanted) => wanted.differ(&before, &after),
        Evidence::Setting(key) => {
            let (before, after) = (setting(without, key)?, setting(with, key)?);
            let wanted = entry.value.as_str().map_or_else(|| entry.value.to_string(), str::to_owned);
            let seen = format!("{before} -> {after}");
            if before != after && after == wanted { Ok(seen) } else { Err(seen) }
        }
        Evidence::Refused(_) | Evidence::Accepted(_) => Err("it has no plans".to_owned()),
    }
}

/// What an error that should be there says.
fn refused(text: &str, error: Option<String>) -> Result<String, String> {
    match error {
        Some(error) if error.contains(text) => Ok(format!("\"{text}\"")),
        Some(error) => Err(format!("refused otherwise: {error}")),
        None => Err("not refused".to_owned()),
    }
}

/// Whether the session says that it has the value of a field or a setting from the spec.
fn set_by_the_spec(entry: &Entry, session: &Session) -> Result<(), String> {
    let origin = match (&entry.field, &entry.setting) {
        (Some(_), _) => Origin::RuntimeProfile,
        (_, Some(_)) => Origin::SessionConfig,
        _ => return Ok(()),
    };
    let (name, effective) = (entry.name(), session.effective());
    let is_it = |setting: &&EffectiveSetting| match &entry.field {
        Some(field) => setting.field == Some(field),
        None => setting.key == name,
    };
    let found = effective.iter().find(is_it);
    match found {
        Some(setting) if setting.origin == origin => Ok(()),
        other => Err(format!("the session has it from elsewhere: {other:?}")),
    }
}

/// A setting of the session that runs.
fn setting(side: &Side, key: &str) -> Result<String, String> {
    let entries = side.compilation.session.state().config_options().entries();
    let found = entries.into_iter().find(|entry| entry.key == key);
    found.and_then(|entry| entry.value).ok_or_else(|| format!("no setting `{key}`"))
}

impl Texts {
    /// How two plans differ.
    fn differ(&self, (before, after): &(String, String)) -> Result<String, String> {
        let both = || format!("without:\n{before}\nwith:\n{after}");
        if before == after {
            return Err(format!("the plans are equal:\n{after}"));
        }
        let only_in = |text: &str, plan: &str, other: &str| plan.contains(text) && !other.contains(text);
        if let Some(text) = self.contains.as_ref().filter(|text| !only_in(text, after, before)) {
            return Err(format!("`{text}` is not in the plan with the knob alone\n{}", both()));
        }
        if let Some(text) = self.lacks.as_ref().filter(|text| !only_in(text, before, after)) {
            return Err(format!("`{text}` is not in the plan without the knob alone\n{}", both()));
        }
        let with = self.contains.iter().map(|text| format!("with: {text}"));
        let seen: Vec<String> =
            with.chain(self.lacks.iter().map(|text| format!("without: {text}"))).collect();
        Ok(if seen.is_empty() { "other plans".to_owned() } else { seen.join("; ") })
    }
}

impl Counter {
    /// How a number of two runs differs.
    fn differ(&self, before: &Run, after: &Run) -> Result<String, String> {
        let (before, after) = (before.counter(&self.name), after.counter(&self.name));
        let seen = format!("{before} -> {after}");
        let is_so = match self.is {
            Direction::More => after > before,
            Direction::Less => after < before,
        };
        if is_so { Ok(seen) } else { Err(format!("{} is not {:?}: {seen}", self.name, self.is)) }
    }
}

impl Run {
    fn counter(&self, name: &str) -> u64 {
        counter(name, &self.outcome, self.reads)
    }
}

impl Side {
    /// Compiles a spec in a folder of its own. Its session is made of what the spec says, and reads tables through a storage
    /// that counts.
    fn of(text: &str) -> Result<Self, String> {
        let home = tempfile::tempdir().expect("a folder is made");
        let source = Source::from_bytes(text.as_bytes(), SourceName::new("knobs.json"), "knobs", home.path());
        let source = source.map_err(|error| text_of(&error))?;
        let storage = Arc::new(CountedStorage::default());
        let factory = Watched { workers: workers(), storage: &storage };
        // The tables lie elsewhere, and are the same for all.
        let roots = Roots::everywhere();
        let request = CompileRequest::new(source, workers());
        let request = CompileRequest { session_factory: &factory, roots: &roots, ..request };
        let compilation = pipeline::compile(request).map_err(|error| text_of(&error))?;
        compilation.must_be_sound().map_err(|error| text_of(&error))?;
        Ok(Self { compilation, storage, home })
    }

    fn planned(&self) -> Result<Plans, String> {
        self.compilation.plan(workers()).map_err(|error| text_of(&error))
    }

    fn plans(&self, stage: Stage) -> Result<String, String> {
        self.planned()?.explain(stage, workers()).map_err(|error| text_of(&error))
    }

    fn run(&self) -> Result<Run, String> {
        let plans = self.planned()?;
        let before = self.storage.reads();
        let written = plans.write(RunOptions::new(self.home.path(), "knobs"), workers());
        let written = written.map_err(|error| text_of(&error))?;
        let (digests, reads) = (written.digests(), self.storage.reads() - before);
        let outcome = written.commit(workers()).map_err(|error| text_of(&error))?;
        Ok(Run { outcome, digests, reads })
    }
}

/// Makes the session as the workers do, and counts what it reads.
struct Watched<'a> {
    workers: &'a Workers,
    storage: &'a Arc<CountedStorage>,
}

impl SessionFactory for Watched<'_> {
    fn session(
        &self,
        profile: Option<&RuntimeProfileSpec>,
        session: &SessionSpec,
    ) -> pipeline::Result<Session> {
        let session = self.workers.session_of(profile, session)?;
        self.storage.register(session.state());
        Ok(session)
    }
}

/// An error with all that was found.
fn text_of(error: &PipelineError) -> String {
    match error {
        PipelineError::Findings { diagnostics, .. } => {
            let errors = diagnostics.iter().filter(|found| found.is_error()).map(ToString::to_string);
            errors.collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}
