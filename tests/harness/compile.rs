//! Compiling a spec, with every stage kept.

use std::path::Path;

use arrow::datatypes::DataType;
use engine::{EngineOracle, Session, TableRequest, Tables};
use ir::diag::{Diagnostic, SourceMap, SourceName};
use ir::expr::ScalarExpr;
use ir::graph::{Graph, Node};
use ir::op::{Evaluation, Input, Read, Scan};
use ir::oracle::{ExprType, Oracle, TableError, TypeError};
use ir::schema::Schema;
use ir::spec::Spec;
use passes::{Observer, Options, Pass, PassEvent};

use super::runtime;

/// The engine's answers, without the random ids of tables: they would be other ones in every run of the suite.
#[derive(Clone)]
pub(crate) struct CaseOracle(EngineOracle);

impl CaseOracle {
    pub(crate) fn new(session: &Session, tables: Tables) -> Self {
        Self(EngineOracle::new(session.clone(), tables))
    }
}

impl Oracle for CaseOracle {
    fn table(&self, input: &Input, read: &Read) -> Result<(Scan, Schema), TableError> {
        let (scan, schema) = self.0.table(input, read)?;
        Ok((Scan { table_id: None, ..scan }, schema))
    }

    fn expression(
        &self,
        expr: &ScalarExpr,
        evaluation: Evaluation,
        input: &Schema,
    ) -> Result<ExprType, TypeError> {
        self.0.expression(expr, evaluation, input)
    }

    fn schema(&self, node: &Node, inputs: &[&Schema]) -> Result<Schema, TypeError> {
        self.0.schema(node, inputs)
    }

    fn common_type(&self, types: &[DataType]) -> Option<DataType> {
        self.0.common_type(types)
    }

    fn comparable(&self, left: &DataType, right: &DataType) -> bool {
        self.0.comparable(left, right)
    }

    fn is_volatile(&self, node: &Node, inputs: &[&Schema]) -> bool {
        self.0.is_volatile(node, inputs)
    }
}

/// The graph after a pass, and what the pass decided.
pub(crate) struct Stage {
    pub(crate) pass: &'static Pass,
    pub(crate) graph: Graph,
    pub(crate) remarks: Vec<String>,
}

/// Keeps every stage.
#[derive(Default)]
pub(crate) struct Recorder(Vec<Stage>);

impl Observer for Recorder {
    fn after_pass(&mut self, event: &PassEvent<'_>) {
        self.0.push(Stage { pass: event.pass, graph: event.graph.clone(), remarks: event.remarks.to_vec() });
    }
}

/// What became of a text.
pub(crate) struct CompiledText {
    pub(crate) stages: Vec<Stage>,
    pub(crate) source: SourceMap,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Loads and compiles a spec as far as its mistakes allow. Relative locations count from `home`.
pub(crate) fn compile_text(
    text: &str,
    file: &str,
    name: &str,
    home: &Path,
    session: &Session,
) -> CompiledText {
    let loaded = ir::spec::load(text, SourceName::new(file));
    let Some(spec) = &loaded.spec else {
        return CompiledText { stages: Vec::new(), source: loaded.source, diagnostics: loaded.diagnostics };
    };
    let options = Options { verify: true, stop_after: None, findings: &loaded.diagnostics };
    let (stages, diagnostics) = stages_of(spec, name, home, session, options);
    CompiledText { stages, source: loaded.source, diagnostics }
}

/// The stages of a spec and everything found wrong with it. A pass that breaks the graph is a failure.
fn stages_of(
    spec: &Spec,
    name: &str,
    home: &Path,
    session: &Session,
    options: Options<'_>,
) -> (Vec<Stage>, Vec<Diagnostic>) {
    let no_tables = CaseOracle::new(session, Tables::default());
    let first = Options { verify: false, stop_after: Some("lower"), ..Options::default() };
    let lowered = passes::compile(spec, name, &no_tables, first, &mut ()).expect("lowering never fails");
    let requests = TableRequest::of_graph(&lowered.graph);
    let tables = runtime().block_on(Tables::resolve(home, &requests));
    let oracle = CaseOracle::new(session, tables);
    let mut recorder = Recorder::default();
    let compiled = passes::compile(spec, name, &oracle, options, &mut recorder)
        .unwrap_or_else(|error| panic!("{error}"));
    (recorder.0, compiled.diagnostics)
}
