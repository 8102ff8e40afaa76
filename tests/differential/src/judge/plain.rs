//! DataFusion by itself as a judge of the evaluator: every view as one query over tables in memory.
//!
//! Where the two differ, one of them is wrong, and often it is DataFusion (`engine::semantics` lists what is known); so a
//! difference is shown and not counted as a fault of the program.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Field, Schema};
use datafusion::datasource::MemTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::SessionContext;

use crate::evaluate::{Relation, Round};
use crate::plan::{Op, Plan, View, portable_query};
use crate::table::{array, data_type, value};

/// What DataFusion says of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The rows of the evaluator.
    Equal,
    /// Other rows, or an error; with the query.
    Different(String),
    /// The view is not one that it has a query for.
    NotAsked,
}

/// Asks DataFusion for the rows of a view.
///
/// # Errors
/// When the tables cannot be made.
pub async fn ask(plan: &Plan, view: &View, right: &Round) -> Result<Answer> {
    // The forms of these are DuckDB's.
    let is_common = !matches!(view.op, Op::Unnest { .. });
    let Some(query) = portable_query(plan, view).filter(|_| is_common) else { return Ok(Answer::NotAsked) };
    let query = query.replace(" SEMI JOIN", " LEFT SEMI JOIN").replace(" ANTI JOIN", " LEFT ANTI JOIN");
    let Some(expected) = right.relations.get(&view.name) else { return Ok(Answer::NotAsked) };
    let context = SessionContext::new();
    for (name, relation) in &right.relations {
        context.register_table(name.as_str(), Arc::new(in_memory(relation)?))?;
    }
    let columns: Vec<&str> = expected.columns.iter().map(|(name, _)| name.as_str()).collect();
    let query = format!("SELECT {} FROM ({query}) AS answer", columns.join(", "));
    let batches = match context.sql(&query).await {
        Ok(frame) => frame.collect().await,
        Err(error) => Err(error),
    };
    let found = batches.and_then(|batches| rows(&batches, expected));
    Ok(match found {
        Ok(found) if found.clone().sorted().rows == expected.clone().sorted().rows => Answer::Equal,
        Ok(found) => {
            let (found, right) = (found.rows.len(), expected.rows.len());
            Answer::Different(format!("{found} rows, the evaluator has {right}, or others: {query}"))
        }
        Err(error) => Answer::Different(format!("{}: {query}", error.strip_backtrace())),
    })
}

fn in_memory(relation: &Relation) -> Result<MemTable> {
    let fields: Vec<Field> =
        relation.columns.iter().map(|(name, of)| Field::new(name, data_type(*of), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let columns: Vec<ArrayRef> = relation
        .columns
        .iter()
        .enumerate()
        .map(|(at, (_, of))| array(*of, &relation.rows.iter().map(|row| &row[at]).collect::<Vec<_>>()))
        .collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    MemTable::try_new(schema, vec![vec![batch]])
}

fn rows(batches: &[RecordBatch], expected: &Relation) -> Result<Relation> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let values = batch.columns().iter().map(|column| value(column.as_ref(), row));
            let values: Option<Vec<_>> = values.collect();
            rows.push(
                values.ok_or_else(|| DataFusionError::Execution("a column of another type".to_owned()))?,
            );
        }
    }
    Ok(Relation { columns: expected.columns.clone(), rows })
}
