//! What can be known of a test before it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Schema as ArrowSchema, SchemaRef};
use engine::EngineOracle;
use ir::diag::{Diagnostic, SpecPath, codes};
use ir::expr::Query;
use ir::graph::Graph;
use ir::op::Op;
use ir::schema::Schema;
use ir::spec::{GivenParameter, GivenValue, Spec, TestRow, Transform, ViewTest};
use ir::stage::Stage;
use serde_json::Number;

use super::cells::Tolerance;
use super::columns::{self, GivenTables, Known};
use super::plan;
use super::values::{Exact, Reader};
use crate::{PipelineError, Result, Source};

/// What tests are checked with.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// The spec.
    pub(super) source: &'a Source,
    /// Its graph as it was lowered.
    pub(super) lowered: &'a Graph,
    /// Its graph with the columns of everything, if somebody has asked the tables.
    pub(super) typed: Option<&'a Graph>,
    /// The engine.
    pub(super) engine: &'a EngineOracle,
    /// Whether the spec has mistakes that are told otherwise. What cannot be known for these is left at that.
    pub(super) has_errors: bool,
}

/// A test that can run.
pub(super) struct Runnable {
    /// Its spec.
    pub(super) spec: Spec,
    /// The rows of what it gives.
    pub(super) given: Vec<(String, RecordBatch)>,
    /// The rows that it expects: of the columns that are compared, with the types that these have.
    pub(super) expected: RecordBatch,
    /// How far numbers may be apart.
    pub(super) tolerance: Option<Tolerance>,
}

/// What is wrong with the tests of a spec, those whose view is `wanted`.
///
/// # Errors
/// When the compiler breaks its own rules.
pub(super) fn misfits(around: Surroundings<'_>, wanted: impl Fn(&str) -> bool) -> Result<Vec<Diagnostic>> {
    let mut findings = Vec::new();
    for (index, test) in around.source.spec.tests.iter().enumerate() {
        if wanted(&test.view)
            && let Err(found) = Examination::of(around, test, index).result()?
        {
            findings.extend(found);
        }
    }
    Ok(findings.into_iter().map(|found| found.in_stage(Stage::FrontPasses)).collect())
}

/// A test, looked at part by part.
pub(super) struct Examination<'a> {
    around: Surroundings<'a>,
    test: &'a ViewTest,
    place: SpecPath,
    reader: Reader<'a>,
}

impl<'a> Examination<'a> {
    pub(super) fn of(around: Surroundings<'a>, test: &'a ViewTest, index: usize) -> Self {
        let place = SpecPath::root().field("tests").index(index);
        Self { around, test, place, reader: Reader { map: &around.source.map, findings: Vec::new() } }
    }

    fn find(&mut self, message: impl Into<String>, place: SpecPath) {
        self.reader.findings.push(Diagnostic::new(codes::TEST_MISFIT, message).at(place));
    }

    /// The test, ready to run; or all that is wrong with it.
    ///
    /// # Errors
    /// When the compiler breaks its own rules, or a batch cannot be made of rows that fit.
    pub(super) fn result(mut self) -> Result<Result<Runnable, Vec<Diagnostic>>> {
        if self.around.lowered.find(&self.test.view).is_none() {
            // What is no view is told where names are, and what cannot be read where it stands.
            return Ok(Err(Vec::new()));
        }
        let needed = plan::needed(self.test, self.around.lowered);
        self.relations(&needed);
        self.order();
        let tolerance = self.tolerance();
        let spec = self.with_parameters();
        let given = self.given(&needed)?;
        let Some(given) = given.filter(|_| self.reader.findings.is_empty()) else {
            return Ok(Err(self.reader.findings));
        };
        let columns = given.iter().map(|(name, rows)| (name.clone(), Schema::from_arrow(rows.schema_ref())));
        let columns: BTreeMap<String, Schema> = columns.collect();
        let Some(stored) = self.stored(&columns) else { return Ok(Err(self.reader.findings)) };
        let own = plan::spec_of(&spec, self.test, &needed, &columns);
        let tables = stored.into_iter().map(|(name, schema)| (plan::location(&name), schema)).collect();
        let tables = GivenTables { engine: self.around.engine, columns: tables };
        let expected = match columns::of_view(&own, self.test, &tables)? {
            Ok(view) => self.expected(&view)?,
            Err(found) => {
                self.not_computed(&found);
                None
            }
        };
        Ok(match expected.filter(|_| self.reader.findings.is_empty()) {
            Some(expected) => Ok(Runnable { spec: own, given, expected, tolerance }),
            None => Err(self.reader.findings),
        })
    }

    /// Everything that the view needs is given, and nothing else.
    fn relations(&mut self, needed: &BTreeSet<String>) {
        let (test, place, lowered) = (self.test, self.place.clone(), self.around.lowered);
        let view = &test.view;
        let is_there = |name: &str| lowered.find(name).is_some();
        let given = place.field("given");
        let unknown: Vec<&String> = test.given.keys().filter(|name| !is_there(name)).collect();
        if test.given.contains_key(view) {
            self.find(format!("the view `{view}` is given and tested"), given.field(view));
            return;
        }
        let node = |name: &String| lowered.find(name).map(|id| &lowered[id].op);
        let is_missing =
            |name: &&String| !test.given.contains_key(*name) && matches!(node(name), Some(Op::Input(_)));
        let missing: Vec<&str> = needed.iter().filter(is_missing).map(String::as_str).collect();
        let reads_log = |name: &&String| {
            let op = node(name).filter(|_| !test.given.contains_key(*name));
            matches!(op, Some(Op::ChangeFeed(_) | Op::TableMetadata(_) | Op::FileManifest(_)))
        };
        let logs: Vec<String> = needed.iter().filter(reads_log).cloned().collect();
        if !missing.is_empty() && unknown.is_empty() {
            let message = format!(
                "`{view}` needs {}, which the test does not give; add it under `given`",
                missing.join(", ")
            );
            self.find(message, place.clone());
        }
        for name in logs {
            let message = format!(
                "`{name}` reads the log of a table, and a test has rows and no log; give the rows of `{name}` to a view above it"
            );
            self.find(message, place.field("view"));
        }
        let idle: Vec<&String> =
            test.given.keys().filter(|name| !needed.contains(*name) && is_there(name)).collect();
        if unknown.is_empty() {
            for name in idle {
                self.find(format!("`{view}` does not read `{name}`, which is given"), given.field(name));
            }
        }
    }

    /// Rows have an order only where a query ends in one.
    fn order(&mut self) {
        let (source, test) = (self.around.source, self.test);
        let mut views = source.spec.view_definitions.iter();
        let Some(view) = views.find(|view| test.ordered && view.name == test.view) else { return };
        let is_ordered = match &view.transform {
            Transform::Sql(sql) => Query::parse(&sql.query).map_or(true, |it| it.ast().order_by.is_some()),
            _ => false,
        };
        if !is_ordered {
            let message =
                format!("the rows of `{}` have no order: it is no query with ORDER BY at its end", view.name);
            self.find(message, self.place.field("ordered"));
        }
    }

    fn tolerance(&mut self) -> Option<Tolerance> {
        let (float, place) = (self.test.tolerance?, self.place.field("tolerance"));
        if float < 0.0 || !float.is_finite() {
            self.find("no number is so near to another: the tolerance is below zero", place);
            return None;
        }
        let exact = Number::from_f64(float).and_then(|number| self.reader.number(&number, &place));
        exact.or_else(|| Exact::parse("0")).map(|exact| Tolerance { exact, float })
    }

    /// The spec with the values that the test gives to parameters.
    fn with_parameters(&mut self) -> Spec {
        let mut spec = Spec { tests: Vec::new(), ..self.around.source.spec.clone() };
        let place = self.place.field("parameters");
        for (label, value) in &self.test.parameters {
            let given = GivenParameter { label: label.clone(), value: GivenValue::Typed(value.clone()) };
            for found in spec.give(&[given]) {
                self.reader.findings.push(found.at(place.field(label)));
            }
        }
        spec
    }

    /// The rows of everything that is given; nothing where the columns of one are not known.
    fn given(&mut self, needed: &BTreeSet<String>) -> Result<Option<Vec<(String, RecordBatch)>>> {
        let test = self.test;
        let mut batches = Vec::new();
        let mut complete = true;
        for (name, given) in test.given.iter().filter(|(name, _)| needed.contains(*name)) {
            let place = self.place.field("given").field(name);
            match columns::of_given(&self.around.source.spec, test, name, self.around.typed) {
                Known::Columns(columns) => {
                    let rows = if given.schema().is_some() { place.field("rows") } else { place };
                    let columns = match given.schema() {
                        Some(_) => SchemaRef::clone(columns.arrow()),
                        None => named_by(given.rows(), columns.arrow()),
                    };
                    let batch = self.reader.batch(&columns, given.rows(), &rows);
                    let batch = batch.map_err(|error| unread(test, &error.to_string()))?;
                    batches.extend(batch.map(|batch| (name.clone(), batch)));
                }
                Known::NoType { column, found } => {
                    complete = false;
                    let message = format!("`{column}` of `{name}` is `{found}`, which is no type");
                    let at =
                        if given.schema().is_some() { place.field("schema").field(&column) } else { place };
                    self.find(message, at);
                }
                Known::Nothing => {
                    complete = false;
                    if !self.around.has_errors {
                        let message = format!(
                            "the columns of `{name}` are not known, since its table cannot be asked; give \
                             `{{schema: {{column: Int64}}, rows: [...]}}`"
                        );
                        self.find(message, place);
                    }
                }
            }
        }
        Ok(complete.then_some(batches))
    }

    /// The columns as the tables of what is given have them; nothing where one is of a type that no table has.
    fn stored(&mut self, columns: &BTreeMap<String, Schema>) -> Option<BTreeMap<String, Schema>> {
        let mut stored = BTreeMap::new();
        for (name, schema) in columns {
            match delta::table_schema(schema.arrow(), name) {
                Ok(schema) => drop(stored.insert(name.clone(), Schema::from_arrow(&schema))),
                Err(error) => {
                    let message = format!("the rows of `{name}` cannot be given: {error}");
                    self.find(message, self.place.field("given").field(name));
                }
            }
        }
        (stored.len() == columns.len()).then_some(stored)
    }

    /// The view does not fit what is given.
    fn not_computed(&mut self, found: &[Diagnostic]) {
        if self.around.has_errors {
            return;
        }
        let said: Vec<String> = found.iter().map(|it| format!("{} ({})", it.message, it.code)).collect();
        let said = if said.is_empty() { "its columns are not known".to_owned() } else { said.join("; ") };
        let view = &self.test.view;
        self.find(
            format!("over what is given, `{view}` cannot be computed: {said}"),
            self.place.field("view"),
        );
    }

    /// The expected rows, of the columns that are compared: those that the rows name, all if there is no row.
    fn expected(&mut self, view: &Schema) -> Result<Option<RecordBatch>> {
        let (rows, place) = (&self.test.expect, self.place.field("expect"));
        let named: BTreeSet<&String> = rows.iter().flat_map(|row| row.keys()).collect();
        let known: Vec<&str> = view.names().collect();
        let is_compared = |field: &&Field| rows.is_empty() || named.contains(field.name());
        let fields: Vec<Field> = view.fields().filter(is_compared).map(plain).collect();
        for (index, row) in rows.iter().enumerate() {
            let absent = fields.iter().filter(|field| !row.contains_key(field.name()));
            let absent: Vec<String> = absent.map(|field| format!("`{}`", field.name())).collect();
            if !absent.is_empty() {
                let message = format!(
                    "this row says nothing of {}, which other rows name: write the value, or NULL",
                    absent.join(", ")
                );
                self.find(message, place.index(index));
            }
            for column in row.keys().filter(|column| !known.contains(&column.as_str())) {
                let found = Diagnostic::new(codes::TEST_MISFIT, format!("there is no column `{column}`"));
                let found = found.at(place.index(index).field(column)).found(column);
                self.reader.findings.push(found.allowed(known.iter().copied()).suggest_nearest());
            }
        }
        let schema = SchemaRef::new(ArrowSchema::new(fields));
        let has_them = |row: &TestRow| schema.fields().iter().all(|field| row.contains_key(field.name()));
        if !rows.iter().all(has_them) || named.iter().any(|name| !known.contains(&name.as_str())) {
            return Ok(None);
        }
        self.reader.batch(&schema, rows, &place).map_err(|error| unread(self.test, &error.to_string()))
    }
}

/// The columns of a table, of which tests give those that matter to them: what no row names is NULL in all of them.
fn named_by(rows: &[TestRow], columns: &ArrowSchema) -> SchemaRef {
    let is_named = |name: &String| rows.iter().any(|row| row.contains_key(name));
    let field = |field: &FieldRef| match is_named(field.name()) {
        true => FieldRef::clone(field),
        false => Arc::new(field.as_ref().clone().with_nullable(true)),
    };
    SchemaRef::new(ArrowSchema::new(columns.fields().iter().map(field).collect::<Vec<_>>()))
}

/// A column with the type that its values are read as.
fn plain(field: &Field) -> Field {
    let data_type = match field.data_type() {
        DataType::Dictionary(_, values) => values.as_ref().clone(),
        DataType::RunEndEncoded(_, values) => values.data_type().clone(),
        other => other.clone(),
    };
    Field::new(field.name(), data_type, field.is_nullable())
}

fn unread(test: &ViewTest, why: &str) -> PipelineError {
    let message = format!("the rows cannot be read: {why}");
    PipelineError::finding(codes::TEST_NOT_RUN, message, &format!("test {}", test.name))
}
