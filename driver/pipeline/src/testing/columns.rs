//! The columns of what a test gives, and of the view that it tests, without a table: the compiler is told of columns, and
//! types the views above them.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;
use engine::EngineOracle;
use ir::determinism::Determinism;
use ir::diag::Diagnostic;
use ir::estimate::Estimate;
use ir::expr::ScalarExpr;
use ir::graph::{Graph, Node};
use ir::op::{Evaluation, Input, Read, Scan, Sink};
use ir::oracle::{ExprType, Oracle, OutputRefusal, TableError, TableFormat, TypeError};
use ir::schema::Schema;
use ir::spec::{InputRelation, Spec, ViewTest};

use super::plan;
use crate::{PipelineError, Result, on_deep_stack};

/// What is known of the columns of a relation that a test gives.
pub(super) enum Known {
    /// These.
    Columns(Schema),
    /// The spec says a type of one of them that is none.
    NoType {
        /// The column.
        column: String,
        /// What stands for its type.
        found: String,
    },
    /// Nothing: its table is not there, or it is a view of which the spec does not tell.
    Nothing,
}

/// The columns of a relation that a test gives: those that it says, else those of the spec's `schema`, else those that it has.
pub(super) fn of_given(spec: &Spec, test: &ViewTest, name: &str, typed: Option<&Graph>) -> Known {
    let said = test.given.get(name).and_then(|given| given.schema());
    if let Some(said) = said {
        return of_texts(said.iter().map(|(name, text)| (name, text, true)));
    }
    let input = spec.input_relations.iter().find(|input| input.logical_name == name);
    let lineage = input.and_then(InputRelation::lineage);
    if let Some(declared) = input.and_then(declared) {
        return declared;
    }
    let found = typed.and_then(|graph| graph[graph.find(name)?].schema.as_ref());
    let Some(found) = found else { return Known::Nothing };
    // Rows that a test gives come from no file.
    let nullable = |name: &str, is_nullable| is_nullable || lineage.as_deref() == Some(name);
    let columns = found.fields().map(|field| {
        (field.name().clone(), field.data_type().clone(), nullable(field.name(), field.is_nullable()))
    });
    Known::Columns(Schema::new(columns))
}

/// Whether the spec says of an input which columns it has.
pub(super) fn is_declared(spec: &Spec, name: &str) -> bool {
    let mut inputs = spec.input_relations.iter();
    inputs.any(|input| input.logical_name == name && input.schema.is_some())
}

/// The columns that the spec says of an input.
fn declared(input: &InputRelation) -> Option<Known> {
    let columns = &input.schema.as_ref()?.0;
    let known = of_texts(columns.iter().map(|column| (&column.name, &column.data_type, column.nullable)));
    Some(match (known, input.lineage()) {
        (Known::Columns(columns), Some(lineage)) => {
            let all = columns
                .fields()
                .map(|field| (field.name().clone(), field.data_type().clone(), field.is_nullable()));
            Known::Columns(Schema::new(all.chain([(lineage, DataType::Utf8, true)])))
        }
        (known, _) => known,
    })
}

fn of_texts<'t>(columns: impl Iterator<Item = (&'t String, &'t String, bool)>) -> Known {
    let mut known = Vec::new();
    for (name, text, is_nullable) in columns {
        match text.parse::<DataType>() {
            Ok(data_type) => known.push((name.clone(), data_type, is_nullable)),
            Err(_) => return Known::NoType { column: name.clone(), found: text.clone() },
        }
    }
    Known::Columns(Schema::new(known))
}

/// The columns of the view that a test tests, over tables with these columns.
///
/// # Errors
/// What the compiler finds, in the spec of the test.
pub(super) fn of_view(
    own: &Spec,
    test: &ViewTest,
    tables: &GivenTables<'_>,
) -> Result<Result<Schema, Vec<Diagnostic>>> {
    let last = passes::Options { stop_after: Some("validate"), ..passes::Options::default() };
    let compiled = on_deep_stack(|| {
        let mut begun = passes::begin(own, &test.name, tables, last, &mut ())?;
        begun.restrict(own, &plan::scope(test)).map(|_| ()).map_err(Stopped::Scope)?;
        passes::resume(begun, tables, last, &mut ()).map_err(Stopped::Compile)
    })?;
    let compiled = match compiled {
        Ok(compiled) => compiled,
        Err(Stopped::Compile(error)) => return Err(PipelineError::compile(error)),
        Err(Stopped::Scope(error)) => return Err(error.into()),
    };
    let schema = compiled.graph.find(&test.view).and_then(|id| compiled.graph[id].schema.clone());
    match schema.filter(|_| !compiled.has_errors()) {
        Some(schema) => Ok(Ok(schema)),
        None => Ok(Err(compiled.diagnostics.into_iter().filter(Diagnostic::is_error).collect())),
    }
}

/// Why the compiler did not come to its end.
enum Stopped {
    Compile(passes::CompileError),
    Scope(passes::ScopeError),
}

impl From<passes::CompileError> for Stopped {
    fn from(error: passes::CompileError) -> Self {
        Self::Compile(error)
    }
}

/// The engine, and tables of which only the columns are there.
pub(super) struct GivenTables<'a> {
    /// The engine, which knows no table.
    pub(super) engine: &'a EngineOracle,
    /// The columns of tables by their locations.
    pub(super) columns: BTreeMap<String, Schema>,
}

impl Oracle for GivenTables<'_> {
    fn table(&self, input: &Input, read: &Read) -> Result<(Scan, Schema), TableError> {
        let schema = self.columns.get(&input.location).filter(|_| *read == Read::Rows);
        let schema = schema.ok_or_else(|| TableError::NotFound(input.location.clone()))?;
        let scan = Scan {
            location: input.location.clone(),
            version: 0,
            identity: None,
            read: Read::Rows,
            files: None,
            lineage: None,
            partitioned_by: Vec::new(),
            columns: None,
            rows: Estimate::unknown(0),
        };
        Ok((scan, schema.clone()))
    }

    fn place(&self, location: &str) -> Option<String> {
        self.columns.contains_key(location).then(|| location.to_owned())
    }

    /// No file is listed for a test.
    fn leads_into(&self, _: &str, _: &str) -> bool {
        false
    }

    fn output(&self, name: &str, sink: &Sink, rows: &Schema) -> Vec<OutputRefusal> {
        self.engine.output(name, sink, rows)
    }

    fn written(&self, name: &str, sink: &Sink, rows: &Schema) -> Option<Schema> {
        self.engine.written(name, sink, rows)
    }

    fn format(&self, _: &Scan) -> Option<TableFormat> {
        None
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
