//! Compiling a spec, with every stage kept.

use std::path::Path;
use std::sync::Mutex;

use engine::{EngineOracle, Session, Tables};
use fuzz::oracle::TablesFrom;
use ir::diag::{Diagnostic, SourceMap, SourceName};
use ir::graph::Graph;
use ir::op::{Input, Read, Scan};
use ir::oracle::{Oracle, TableError};
use ir::origin::Origins;
use ir::schema::Schema;
use passes::{Pass, PassEvent};
use pipeline::{CompileRequest, Observer, PipelineError, Ruleset, Source};

use super::workers;

/// The engine's answers, without what tells tables apart: ids and digests would be other ones in every run of the suite.
pub(crate) fn case_oracle(session: &Session, tables: Tables) -> impl Oracle + use<> {
    without_identities(EngineOracle::new(session.clone(), tables))
}

fn without_identities(engine: EngineOracle) -> impl Oracle {
    let table = |engine: &EngineOracle, input: &Input, read: &Read| {
        let (scan, schema) = engine.table(input, read)?;
        Ok((Scan { identity: None, ..scan }, schema))
    };
    TablesFrom { engine, table }
}

/// The engine's answers about types, and a list of all there is to be read from tables.
pub(crate) fn fixture_oracle(session: &Session, fixtures: Vec<(Scan, Schema)>) -> impl Oracle + use<> {
    let table = move |_: &EngineOracle, input: &Input, read: &Read| fixture(&fixtures, input, read);
    TablesFrom { engine: EngineOracle::new(session.clone(), Tables::default()), table }
}

/// The table an input names, from a list of the latest versions of tables.
fn fixture(fixtures: &[(Scan, Schema)], input: &Input, read: &Read) -> Result<(Scan, Schema), TableError> {
    let mut at_location = fixtures.iter().filter(|(scan, _)| scan.location == input.location).peekable();
    let (latest, _) = at_location.peek().ok_or_else(|| TableError::NotFound(input.location.clone()))?;
    let latest = latest.version;
    let wanted = input.version.unwrap_or(latest);
    if wanted > latest {
        return Err(TableError::NoVersion { wanted, latest });
    }
    let found = at_location.find(|(scan, _)| scan.read == *read && scan.lineage == input.lineage);
    let (scan, schema) = found.cloned().ok_or(match read {
        Read::Changes(_) => TableError::NoChangeFeed,
        _ => TableError::Unreadable("the test has no such table".to_owned()),
    })?;
    Ok((Scan { version: wanted, ..scan }, schema))
}

/// The graph after a pass, where it comes from, and what the pass decided and found.
pub(crate) struct Stage {
    pub(crate) pass: &'static Pass,
    pub(crate) graph: Graph,
    pub(crate) origins: Origins,
    pub(crate) remarks: Vec<String>,
    pub(crate) findings: Vec<Diagnostic>,
}

/// Keeps every stage.
#[derive(Default)]
struct Recorder(Mutex<Vec<Stage>>);

impl Observer for Recorder {
    fn pass_finished(&self, event: &PassEvent<'_>) {
        let stage = Stage {
            pass: event.pass,
            graph: event.graph.clone(),
            origins: event.origins.clone(),
            remarks: event.remarks.to_vec(),
            findings: event.findings.to_vec(),
        };
        self.0.lock().expect("no observer panicked").push(stage);
    }
}

/// What became of a text.
pub(crate) struct CompiledText {
    pub(crate) stages: Vec<Stage>,
    pub(crate) source: SourceMap,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Loads, compiles and plans a spec as far as its mistakes allow. Relative locations count from `home`. A pass that breaks the
/// graph is a failure.
pub(crate) fn compile_text(
    text: &str,
    file: &str,
    name: &str,
    home: &Path,
    session: &Session,
) -> CompiledText {
    let source = match Source::from_bytes(text.as_bytes(), SourceName::new(file), name, home) {
        Ok(source) => source,
        Err(PipelineError::Findings { diagnostics, map }) => {
            return CompiledText { stages: Vec::new(), source: *map, diagnostics };
        }
        Err(error) => panic!("{error}"),
    };
    let recorder = Recorder::default();
    let request = CompileRequest {
        session_factory: session,
        ruleset: Ruleset { verify_passes: true, stop_after: None },
        tracing: Some(&recorder),
        oracle: Some(|engine| Box::new(without_identities(engine))),
        ..CompileRequest::new(source, workers())
    };
    let mut compiled = pipeline::compile(request).unwrap_or_else(|error| panic!("{error}"));
    compiled.plan_for_mistakes(workers()).unwrap_or_else(|error| panic!("{error}"));
    let stages = recorder.0.into_inner().expect("no observer panicked");
    CompiledText { stages, source: compiled.source.map, diagnostics: compiled.diagnostics }
}
