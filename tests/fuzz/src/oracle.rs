//! The engine's answers over tables that are not opened.

use arrow::datatypes::DataType;
use engine::EngineOracle;
use ir::determinism::Determinism;
use ir::expr::ScalarExpr;
use ir::graph::Node;
use ir::op::{Evaluation, Input, Read, Scan, Sink};
use ir::oracle::{ExprType, Oracle, OutputRefusal, TableError, TableFormat, TypeError};
use ir::schema::Schema;

/// The engine's answers, but for what is to be read from an input, which `table` says.
pub struct TablesFrom<T> {
    /// Who answers everything else.
    pub engine: EngineOracle,
    /// The scan of an input and its columns.
    pub table: T,
}

impl<T: Fn(&EngineOracle, &Input, &Read) -> Result<(Scan, Schema), TableError>> Oracle for TablesFrom<T> {
    fn table(&self, input: &Input, read: &Read) -> Result<(Scan, Schema), TableError> {
        (self.table)(&self.engine, input, read)
    }

    fn format(&self, scan: &Scan) -> Option<TableFormat> {
        self.engine.format(scan)
    }

    fn place(&self, location: &str) -> Option<String> {
        self.engine.place(location)
    }

    fn leads_into(&self, input: &str, place: &str) -> bool {
        self.engine.leads_into(input, place)
    }

    fn output(&self, name: &str, sink: &Sink, rows: &Schema) -> Vec<OutputRefusal> {
        self.engine.output(name, sink, rows)
    }

    fn written(&self, name: &str, sink: &Sink, rows: &Schema) -> Option<Schema> {
        self.engine.written(name, sink, rows)
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
