//! What every row must satisfy: NOT NULL, CHECK constraints and column invariants.
//!
//! The Delta library checks these only on its own plan-based write path, so the two-phase path does it here.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::error::DataFusionError;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::{SessionConfig, SessionContext};
use deltalake::kernel::{StructType, StructTypeExt};

use super::schema::{TableSchema, conform};
use crate::error::{DeltaError, Result};
use crate::order::SortColumn;

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
    /// Whether a column is only handed on to the Parquet encoder, which takes views of texts as well as texts.
    only_encoded: Vec<bool>,
    rules: Vec<Rule>,
}

impl Checks {
    /// The rules of a table: `delta.constraints.*` of its `properties`, and the invariants in its schema.
    pub(crate) fn new(
        schema: &TableSchema,
        partition_by: &[String],
        sort_by: &[SortColumn],
        properties: &BTreeMap<String, String>,
        location: &str,
    ) -> Result<Self> {
        let mut checks = Self {
            location: location.into(),
            schema: Arc::clone(&schema.arrow),
            partition_by: partition_by.to_vec(),
            only_encoded: vec![false; schema.arrow.fields().len()],
            rules: Vec::new(),
        };
        let constraints = properties
            .iter()
            .filter_map(|(key, sql)| Some((key.strip_prefix("delta.constraints.")?.to_owned(), sql.clone())));
        let mut texts: Vec<_> = constraints.collect();
        texts.extend(invariants(&schema.delta, location)?);
        if texts.is_empty() {
            if partition_by.is_empty() {
                let is_sorted = |field: &Field| sort_by.iter().any(|sort| sort.column == *field.name());
                let fields = schema.arrow.fields().iter();
                checks.only_encoded = fields.map(|field| !is_sorted(field)).collect();
            }
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
        self.checked(batch, |_, _, _| false)
    }

    /// [`Self::apply`] for rows that are encoded at once: texts that nobody else looks at stay views, and are not copied.
    pub(crate) fn apply_for_encoding(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        self.checked(batch, |place, given, wanted| {
            let of_texts = matches!((given, wanted), (DataType::Utf8View, DataType::Utf8));
            let of_bytes = matches!((given, wanted), (DataType::BinaryView, DataType::Binary));
            (of_texts || of_bytes) && self.only_encoded.get(place) == Some(&true)
        })
    }

    /// `stays`: whether the column at a place may keep the type it is given in, although another is wanted.
    fn checked(
        &self,
        batch: &RecordBatch,
        stays: impl Fn(usize, &DataType, &DataType) -> bool,
    ) -> Result<RecordBatch> {
        for field in self.schema.fields().iter().filter(|field| !field.is_nullable()) {
            let nulls = batch.column_by_name(field.name()).map_or(0, |column| column.logical_null_count());
            if nulls > 0 {
                return Err(self.violation(field.name(), "NOT NULL", nulls));
            }
        }
        let invalid = |reason| DeltaError::InvalidData { location: self.location.clone(), reason };
        let (mut columns, mut kept) = (Vec::new(), Vec::new());
        for (place, field) in self.schema.fields().iter().enumerate() {
            let column = batch.column_by_name(field.name());
            let column =
                column.ok_or_else(|| invalid(format!("a batch lacks the column `{}`", field.name())))?;
            if stays(place, column.data_type(), field.data_type()) {
                kept.push((place, column.data_type().clone()));
                columns.push(Arc::clone(column));
            } else {
                columns.push(conform(column, field).map_err(invalid)?);
            }
        }
        let batch = RecordBatch::try_new(self.schema_with(kept), columns)
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

    /// The table's schema with other types at some places.
    fn schema_with(&self, types: Vec<(usize, DataType)>) -> SchemaRef {
        if types.is_empty() {
            return Arc::clone(&self.schema);
        }
        let mut fields = self.schema.fields().to_vec();
        for (place, data_type) in types {
            if let Some(field) = fields.get_mut(place) {
                *field = Arc::new(field.as_ref().clone().with_data_type(data_type));
            }
        }
        Arc::new(Schema::new(fields))
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
