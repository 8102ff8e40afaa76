//! What every row must satisfy: NOT NULL, CHECK constraints and column invariants.
//!
//! The Delta library checks these only on its own plan-based write path, so the two-phase path does it here.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::error::DataFusionError;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::{SessionConfig, SessionContext};
use deltalake::kernel::{StructType, StructTypeExt};

use super::schema::{TableSchema, conform};
use crate::error::{DeltaError, Result};

/// A condition that must be true (not false, not NULL) for every row.
struct Rule {
    name: String,
    expression: String,
    condition: Arc<dyn PhysicalExpr>,
}

/// The partition value that rows with NULL are kept under: a text that says the same would share their files.
const FOLDER_OF_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// Brings batches to a table's schema and refuses those with rows the table forbids.
pub(crate) struct Checks {
    location: String,
    schema: SchemaRef,
    partition_by: Vec<String>,
    rules: Vec<Rule>,
}

impl Checks {
    /// The rules of a table: `delta.constraints.*` of its `properties`, and the invariants in its schema.
    pub(crate) fn new(
        schema: &TableSchema,
        partition_by: &[String],
        properties: &BTreeMap<String, String>,
        location: &str,
    ) -> Result<Self> {
        let mut checks = Self {
            location: location.into(),
            schema: Arc::clone(&schema.arrow),
            partition_by: partition_by.to_vec(),
            rules: Vec::new(),
        };
        let constraints = properties
            .iter()
            .filter_map(|(key, sql)| Some((key.strip_prefix("delta.constraints.")?.to_owned(), sql.clone())));
        let mut texts: Vec<_> = constraints.collect();
        texts.extend(invariants(&schema.delta, location)?);
        if texts.is_empty() {
            return Ok(checks);
        }
        // Delta resolves column names as they are written, so nothing is lower-cased.
        let config = SessionConfig::new().set_bool("datafusion.sql_parser.enable_ident_normalization", false);
        let session = SessionContext::new_with_config(config);
        let columns = DFSchema::try_from(Arc::clone(&schema.arrow))
            .map_err(|error| DeltaError::engine(location, "reading the constraints", error))?;
        for (name, expression) in texts {
            let rule =
                rule(&session, &columns, &expression).map_err(|reason| DeltaError::UnusableConstraint {
                    location: location.into(),
                    name: name.clone(),
                    expression: expression.clone(),
                    reason,
                })?;
            checks.rules.push(Rule { name, expression, condition: rule });
        }
        Ok(checks)
    }

    /// `batch` with the table's columns, order and types, if every row may be written.
    pub(crate) fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        for field in self.schema.fields().iter().filter(|field| !field.is_nullable()) {
            let nulls = batch.column_by_name(field.name()).map_or(0, |column| column.logical_null_count());
            if nulls > 0 {
                return Err(self.violation(field.name(), "NOT NULL", nulls));
            }
        }
        let invalid = |reason| DeltaError::InvalidData { location: self.location.clone(), reason };
        let columns = self.schema.fields().iter().map(|field| {
            let column = batch
                .column_by_name(field.name())
                .ok_or_else(|| format!("a batch lacks the column `{}`", field.name()))?;
            conform(column, field)
        });
        let columns = columns.collect::<Result<Vec<_>, _>>().map_err(invalid)?;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|error| invalid(error.to_string()))?;
        for name in &self.partition_by {
            let column = batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
            if column.is_some_and(|column| column.iter().any(|value| value == Some(""))) {
                return Err(invalid(format!(
                    "partition column `{name}` has an empty string, which Delta readers take for NULL: write \
                     NULL or another text"
                )));
            }
            if column.is_some_and(|column| column.iter().any(|value| value == Some(FOLDER_OF_NULL))) {
                return Err(invalid(format!(
                    "partition column `{name}` has the text `{FOLDER_OF_NULL}`, which names the folder of NULL: write \
                     NULL or another text"
                )));
            }
        }
        for rule in &self.rules {
            let holds = rule
                .condition
                .evaluate(&batch)
                .and_then(|value| value.into_array(batch.num_rows()))
                .map_err(|error| DeltaError::engine(&self.location, "evaluating a constraint", error))?;
            let holding = holds.as_boolean_opt().map_or(0, |holds| holds.true_count());
            if holding < batch.num_rows() {
                return Err(self.violation(&rule.name, &rule.expression, batch.num_rows() - holding));
            }
        }
        Ok(batch)
    }

    fn violation(&self, name: &str, expression: &str, rows: usize) -> DeltaError {
        DeltaError::ConstraintViolation {
            location: self.location.clone(),
            name: name.into(),
            expression: expression.into(),
            rows,
        }
    }
}

fn invariants(schema: &StructType, location: &str) -> Result<Vec<(String, String)>> {
    let invariants = schema.get_invariants().map_err(|error| DeltaError::InvalidSchema {
        location: location.into(),
        reason: error.to_string(),
    })?;
    Ok(invariants.into_iter().map(|rule| (rule.field_name, rule.invariant_sql)).collect())
}

fn rule(session: &SessionContext, columns: &DFSchema, sql: &str) -> Result<Arc<dyn PhysicalExpr>, String> {
    let text = |error: DataFusionError| error.strip_backtrace();
    let expression = session.parse_sql_expr(sql, columns).map_err(text)?;
    let condition = session.create_physical_expr(expression, columns).map_err(text)?;
    match condition.data_type(columns.as_arrow()).map_err(text)? {
        DataType::Boolean => Ok(condition),
        other => Err(format!("it is {other}, not Boolean")),
    }
}
