//! Compiling a spec, with every stage kept.

use std::path::Path;
use std::sync::Mutex;

use arrow::datatypes::DataType;
use engine::{EngineOracle, Session, Tables};
use ir::determinism::Determinism;
use ir::diag::{Diagnostic, SourceMap, SourceName};
use ir::expr::ScalarExpr;
use ir::graph::{Graph, Node};
use ir::op::{Evaluation, Input, Read, Scan, Sink};
use ir::oracle::{ExprType, Oracle, OutputRefusal, TableError, TableFormat, TypeError};
use ir::origin::Origins;
use ir::schema::Schema;
use passes::{Pass, PassEvent};
use pipeline::{CompileRequest, Observer, PipelineError, Ruleset, Source};

use super::workers;

/// The engine's answers, without what tells tables apart: ids and digests would be other ones in every run of the suite.
#[derive(Clone)]
pub(crate) struct CaseOracle {
    engine: EngineOracle,
    /// Where given, the tables there are, instead of the opened ones.
    fixtures: Option<Vec<(Scan, Schema)>>,
}

impl CaseOracle {
    pub(crate) fn new(session: &Session, tables: Tables) -> Self {
        Self { engine: EngineOracle::new(session.clone(), tables), fixtures: None }
    }

    /// The engine's answers about types, and a list of all there is to be read from tables.
    pub(crate) fn with_fixtures(session: &Session, fixtures: Vec<(Scan, Schema)>) -> Self {
        Self { fixtures: Some(fixtures), ..Self::new(session, Tables::default()) }
    }
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

impl Oracle for CaseOracle {
    fn table(&self, input: &Input, read: &Read) -> Result<(Scan, Schema), TableError> {
        if let Some(fixtures) = &self.fixtures {
            return fixture(fixtures, input, read);
        }
        let (scan, schema) = self.engine.table(input, read)?;
        Ok((Scan { identity: None, ..scan }, schema))
    }

    fn format(&self, scan: &Scan) -> Option<TableFormat> {
        self.engine.format(scan)
    }

    fn place(&self, location: &str) -> Option<String> {
        self.engine.place(location)
    }

    fn output(&self, name: &str, sink: &Sink, rows: &Schema) -> Vec<OutputRefusal> {
        self.engine.output(name, sink, rows)
    }

    fn expression(
        &self,
        expr: &ScalarExpr,
        evaluation: Evaluation,
        input: &Schema,
    ) -> Result<ExprType, TypeError> {
        self.engine.expression(expr, evaluation, input)
    }

    fn schema(&self, node: &Node, inputs: &[&Schema]) -> Result<Schema, TypeError> {
        self.engine.schema(node, inputs)
    }

    fn common_type(&self, types: &[DataType]) -> Option<DataType> {
        self.engine.common_type(types)
    }

    fn comparable(&self, left: &DataType, right: &DataType) -> bool {
        self.engine.comparable(left, right)
    }

    fn determinism(&self, node: &Node, inputs: &[&Schema]) -> Determinism {
        self.engine.determinism(node, inputs)
    }
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
        oracle: Some(|oracle| Box::new(CaseOracle { engine: oracle, fixtures: None })),
        ..CompileRequest::new(source, workers())
    };
    let mut compiled = pipeline::compile(request).unwrap_or_else(|error| panic!("{error}"));
    compiled.plan_for_mistakes(workers()).unwrap_or_else(|error| panic!("{error}"));
    let stages = recorder.0.into_inner().expect("no observer panicked");
    CompiledText { stages, source: compiled.source.map, diagnostics: compiled.diagnostics }
}
