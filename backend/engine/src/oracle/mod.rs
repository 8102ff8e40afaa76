//! The answers to what the compiler asks: tables, types, functions.

mod outputs;
mod proven;
mod scans;
mod sentences;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::{DFSchema, Result};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::type_coercion::binary::{comparison_coercion, type_union_resolution};
use datafusion::logical_expr::{EmptyRelation, LogicalPlan};
use datafusion::sql::sqlparser::tokenizer::Span;
use ir::archive::Proofs;
use ir::determinism::Determinism;
use ir::diag::nearest_name;
use ir::expr::{Query, ScalarExpr};
use ir::graph::{Node, Owner};
use ir::hash::ContentHash;
use ir::op::{Evaluation, Input, Op, Read, Scan, Sink};
use ir::oracle::{ExprType, Oracle, OutputRefusal, TableError, TableFormat, TypeError, TypeErrorKind};
use ir::schema::Schema;
use ir::verify::Scheduled;

use crate::dag::PlanDag;
use crate::emit::{PlannedQueries, emit_with, expression, operation, place_of_error};
use crate::error::EngineError;
use crate::memo::Memo;
use crate::semantics::mixed::common_float;
use crate::semantics::of_plan;
use crate::session::Session;
use crate::tables::Tables;
use proven::Proven;

pub(crate) use outputs::write_options;

/// Answers from opened tables and a session. Operations are typed by emitting them, so the types the compiler
/// sees are the types of the plans that run. Every question is worked out once, or not at all where an earlier
/// compilation has proven the answer ([`Self::with_proofs`]). Clones share what was found.
#[derive(Clone)]
pub struct EngineOracle {
    session: Session,
    tables: Tables,
    found: Arc<Found>,
}

/// What was found for a compilation.
#[derive(Default)]
struct Found {
    proven: Arc<Proven>,
    operations: Arc<Memo<Operation>>,
    expressions: Arc<Memo<Result<ExprType, TypeError>>>,
    queries: Arc<PlannedQueries>,
    /// Whose operations had to be planned.
    planned: Mutex<BTreeSet<Owner>>,
    /// How many operations and expressions had to be planned.
    plannings: AtomicUsize,
}

/// What planning an operation over stand-ins for its inputs tells.
#[derive(Clone)]
struct Operation {
    schema: Result<Schema, TypeError>,
    determinism: Determinism,
}

impl std::fmt::Debug for EngineOracle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EngineOracle({:?})", self.tables)
    }
}

impl EngineOracle {
    /// An oracle over these tables.
    #[must_use]
    pub fn new(session: Session, tables: Tables) -> Self {
        Self { session, tables, found: Arc::default() }
    }

    /// The tables.
    #[must_use]
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Emits a scheduled graph over the tables of this oracle. Queries it has typed are not planned again.
    ///
    /// # Errors
    /// As [`emit()`](crate::emit()).
    pub fn emit(&self, graph: Scheduled<'_>) -> Result<PlanDag, EngineError> {
        emit_with(graph, &self.tables, &self.session, &self.found.queries)
    }

    /// An oracle that starts from what an earlier compilation has proven. Proofs made in another `envelope` are not
    /// used; the envelope is the digest of everything that decides an answer besides its question.
    #[must_use]
    pub fn with_proofs(session: Session, tables: Tables, envelope: ContentHash, proofs: &Proofs) -> Self {
        let proven = Arc::new(Proven::new(envelope, proofs));
        let found = Found { proven, ..Found::default() };
        Self { session, tables, found: Arc::new(found) }
    }

    /// An oracle over other tables that knows all this one was asked, for the next compilation in the same session: no answer
    /// depends on a table, but for those about tables.
    #[must_use]
    pub fn over(&self, tables: Tables) -> Self {
        let Found { proven, operations, expressions, queries, .. } = self.found.as_ref();
        let found = Found {
            proven: Arc::clone(proven),
            operations: Arc::clone(operations),
            expressions: Arc::clone(expressions),
            queries: Arc::clone(queries),
            ..Found::default()
        };
        Self { session: self.session.clone(), tables, found: Arc::new(found) }
    }

    /// How many answers it knows.
    #[must_use]
    pub fn known(&self) -> usize {
        let Found { operations, expressions, queries, .. } = self.found.as_ref();
        operations.answers().len() + expressions.answers().len() + queries.answers().len()
    }

    /// What this compilation has proven, or taken from proofs and used.
    #[must_use]
    pub fn proofs(&self, envelope: ContentHash) -> Proofs {
        let operations = self.found.operations.answers();
        let expressions = self.found.expressions.answers();
        proven::collect(envelope, &operations, &expressions)
    }

    /// How many operations and expressions had to be planned to answer what was asked: each at the most once.
    #[must_use]
    pub fn plannings(&self) -> usize {
        self.found.plannings.load(Ordering::Relaxed)
    }

    /// The views, inputs and outputs for which an operation had to be planned.
    #[must_use]
    pub fn planned(&self) -> BTreeSet<Owner> {
        self.found.planned.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The schema and the determinism of an operation over inputs with these schemas.
    fn operation(&self, node: &Node, inputs: &[&Schema]) -> Operation {
        self.found.operations.answer(&(&node.op, inputs), |question| {
            self.found.proven.operation(question).unwrap_or_else(|| {
                self.found.plannings.fetch_add(1, Ordering::Relaxed);
                let owner = node.owner.clone();
                self.found.planned.lock().unwrap_or_else(PoisonError::into_inner).insert(owner);
                self.plan_operation(&node.op, inputs)
            })
        })
    }

    /// What cannot be planned counts as volatile: nothing may rest on its being stable.
    fn plan_operation(&self, op: &Op, inputs: &[&Schema]) -> Operation {
        let plan = || -> Result<Arc<LogicalPlan>> {
            let inputs = inputs.iter().map(|schema| stand_in(schema)).collect::<Result<_>>()?;
            operation(self.session.state(), "node", op, inputs, &self.found.queries)
        };
        match plan() {
            Ok(plan) => Operation {
                schema: Ok(Schema::from_arrow(plan.schema().as_arrow())),
                determinism: of_plan(&plan).unwrap_or(Determinism::Volatile),
            },
            Err(error) => {
                let tree = if let Op::Query(query) = op { Tree::Query(&query.query) } else { Tree::None };
                Operation { schema: Err(self.type_error(&error, tree)), determinism: Determinism::Volatile }
            }
        }
    }

    /// What an error means, and its place in the tree of an expression or a query.
    fn type_error(&self, error: &DataFusionError, tree: Tree<'_>) -> TypeError {
        let (kind, span) = sentences::meaning(error, &self.session);
        let kind = if let TypeErrorKind::UnknownFunction { name, .. } = kind {
            TypeErrorKind::UnknownFunction { candidates: self.functions_like(&name), name }
        } else {
            kind
        };
        let span = span.or_else(|| tree.place(&kind));
        TypeError { kind: Box::new(kind), span }
    }

    /// The functions with the nearest names, nearest first, at most three.
    fn functions_like(&self, name: &str) -> Vec<String> {
        let mut names = self.session.function_names();
        let mut nearest = Vec::new();
        while nearest.len() < 3 {
            let Some(next) = nearest_name(name, names.iter().map(String::as_str)).map(str::to_owned) else {
                break;
            };
            names.retain(|name| *name != next);
            nearest.push(next);
        }
        nearest
    }
}

/// The tree that has no type.
#[derive(Clone, Copy)]
enum Tree<'t> {
    Expr(&'t ScalarExpr),
    Query(&'t Query),
    /// An operation of the graph, whose names are not in one text.
    None,
}

impl Tree<'_> {
    /// Where what is wrong is named first.
    fn place(self, kind: &TypeErrorKind) -> Option<Span> {
        match kind {
            TypeErrorKind::UnknownColumn { name, .. } | TypeErrorKind::AmbiguousColumn { name } => {
                let place = |name: &str| match self {
                    Tree::Expr(expr) => expr.place_of_column(name),
                    Tree::Query(query) => query.place_of_column(name),
                    Tree::None => None,
                };
                // It may stand with its relation.
                place(name).or_else(|| place(name.rsplit_once('.')?.1))
            }
            TypeErrorKind::UnknownFunction { name, .. }
            | TypeErrorKind::WrongArguments { function: name, .. } => match self {
                Tree::Expr(expr) => expr.place_of_function(name),
                Tree::Query(query) => query.place_of_function(name),
                Tree::None => None,
            },
            TypeErrorKind::UnknownRelation { .. }
            | TypeErrorKind::Misplaced(_)
            | TypeErrorKind::NotAWindow(_)
            | TypeErrorKind::Clause { .. }
            | TypeErrorKind::NotComputed(_)
            | TypeErrorKind::Other(_) => None,
        }
    }
}

/// A plan without rows that has these columns.
fn stand_in(schema: &Schema) -> Result<Arc<LogicalPlan>> {
    let schema = Arc::new(DFSchema::try_from(Arc::clone(schema.arrow()))?);
    Ok(Arc::new(LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema })))
}

impl Oracle for EngineOracle {
    fn table(&self, input: &Input, read: &Read) -> Result<(Scan, Schema), TableError> {
        match &input.files {
            Some(source) => scans::of_files(&self.tables, input, source, read),
            None => scans::of_table(&self.tables, input, read),
        }
    }

    fn leads_into(&self, input: &str, place: &str) -> bool {
        let place = self.tables.place(place).and_then(Result::ok);
        place.is_some_and(|place| self.tables.leads_into(input, place))
    }

    fn place(&self, location: &str) -> Option<String> {
        let files = || self.tables.place_of_files(location);
        let place = self.tables.place(location).map_or_else(files, Result::ok)?;
        Some(place.url().to_string())
    }

    fn output(&self, name: &str, sink: &Sink, rows: &Schema) -> Vec<OutputRefusal> {
        outputs::refusals(&self.tables, name, sink, rows)
    }

    fn written(&self, name: &str, sink: &Sink, rows: &Schema) -> Option<Schema> {
        outputs::columns(&self.tables, name, sink, rows)
    }

    fn format(&self, scan: &Scan) -> Option<TableFormat> {
        if scan.files.is_some() {
            return None;
        }
        let table = self.tables.table(&scan.location, Some(scan.version)).ok()?;
        let protocol = table.protocol();
        Some(TableFormat {
            min_reader_version: protocol.min_reader_version,
            min_writer_version: protocol.min_writer_version,
            column_mapping: table.column_mapping().map(str::to_owned),
        })
    }

    fn expression(
        &self,
        expr: &ScalarExpr,
        evaluation: Evaluation,
        input: &Schema,
    ) -> Result<ExprType, TypeError> {
        let typed = || -> Result<ExprType> {
            let schema = DFSchema::try_from(Arc::clone(input.arrow()))?;
            let planned = expression(self.session.state(), expr, evaluation, &schema)?;
            let (_, field) = datafusion::logical_expr::ExprSchemable::to_field(&planned, &schema)?;
            let plain = Schema::from_arrow(&arrow::datatypes::Schema::new(vec![field]));
            let field = plain.arrow().field(0);
            Ok(ExprType { data_type: field.data_type().clone(), nullable: field.is_nullable() })
        };
        let answer = self.found.expressions.answer(&(expr, evaluation, input), |question| {
            match self.found.proven.expression(question) {
                Some(proven) => Ok(proven),
                None => {
                    self.found.plannings.fetch_add(1, Ordering::Relaxed);
                    typed().map_err(|error| self.type_error(&error, Tree::Expr(expr)))
                }
            }
        });
        // An answer is kept for every expression of these tokens; places are those of this one.
        answer
            .map_err(|error| TypeError { span: Tree::Expr(expr).place(&error.kind).or(error.span), ..error })
    }

    fn schema(&self, node: &Node, inputs: &[&Schema]) -> Result<Schema, TypeError> {
        self.operation(node, inputs).schema.map_err(|error| {
            let Op::Query(query) = &node.op else { return error };
            // An answer is kept for every query of these tokens; places are those of this one.
            let schemas: Vec<SchemaRef> = inputs.iter().map(|input| Arc::clone(input.arrow())).collect();
            let told = place_of_error(self.session.state(), &query.query, &query.relations, &schemas);
            let span = told.or_else(|| Tree::Query(&query.query).place(&error.kind)).or(error.span);
            TypeError { span, ..error }
        })
    }

    fn common_type(&self, types: &[DataType]) -> Option<DataType> {
        common_float(types).or_else(|| type_union_resolution(types))
    }

    fn comparable(&self, left: &DataType, right: &DataType) -> bool {
        comparison_coercion(left, right).is_some()
    }

    /// Functions whose value depends on the time of a run, like `now()`, count as volatile. So does what cannot
    /// be planned.
    fn determinism(&self, node: &Node, inputs: &[&Schema]) -> Determinism {
        // A scan reads one version of a table, and sinks and checks pass rows on. The functions that surface operations
        // stand for are immutable.
        let is_surface = node.op.is_surface() && node.op.expressions().is_empty();
        if matches!(node.op, Op::Scan(_) | Op::Sink(_) | Op::Check(_) | Op::Written(_)) || is_surface {
            return Determinism::Deterministic;
        }
        self.operation(node, inputs).determinism
    }
}
