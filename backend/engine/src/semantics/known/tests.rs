//! Every query of the table, here and in DataFusion alone.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::catalog::MemTable;
use datafusion::common::Result;
use datafusion::physical_plan::collect;
use datafusion::prelude::SessionContext;
use ir::expr::Query;

use super::Guard::Refused;
use super::*;
use crate::emit::{self, PlannedQueries};
use crate::{Session, SessionOptions};

fn sorted_rows(batches: &[RecordBatch]) -> Vec<String> {
    let format = FormatOptions::default();
    let mut rows = Vec::new();
    for batch in batches {
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &format).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let values: Vec<String> = columns.iter().map(|column| column.value(row).to_string()).collect();
            rows.push(values.join("|"));
        }
    }
    rows.sort();
    rows
}

async fn tables() -> Vec<(&'static str, Arc<MemTable>)> {
    let context = SessionContext::new();
    let mut tables = Vec::new();
    for (name, query) in TABLES {
        let frame = context.sql(query).await.unwrap();
        let schema = Arc::new(frame.schema().as_arrow().clone());
        let batches = frame.collect().await.unwrap();
        let nullable = arrow::datatypes::Schema::new(
            schema
                .fields()
                .iter()
                .map(|field| field.as_ref().clone().with_nullable(true))
                .collect::<Vec<_>>(),
        );
        let nullable = Arc::new(nullable);
        let batches = batches
            .into_iter()
            .map(|batch| RecordBatch::try_new(Arc::clone(&nullable), batch.columns().to_vec()).unwrap())
            .collect();
        tables.push((name, Arc::new(MemTable::try_new(nullable, vec![batches]).unwrap())));
    }
    tables
}

async fn here(tables: &[(&'static str, Arc<MemTable>)], query: &str) -> Result<Vec<String>> {
    let options = SessionOptions { target_partitions: 2, ..SessionOptions::for_this_machine() };
    let session = Session::new(options).unwrap();
    let mut state = session.state().clone();
    state.mark_start_execution();
    let query = Query::parse(query).unwrap();
    let relations: Vec<String> = query.relations().into_iter().collect();
    let inputs = relations.iter().map(|name| {
        let (_, table) = tables.iter().find(|(known, _)| known == name).unwrap();
        Arc::new(emit::scan(name, Arc::clone(table) as _, None).unwrap())
    });
    let inputs: Vec<_> = inputs.collect();
    let plan = emit::query(&state, &query, &relations, &inputs, &PlannedQueries::default())?;
    let plan = state.create_physical_plan(&plan).await?;
    Ok(sorted_rows(&collect(plan, state.task_ctx()).await?))
}

async fn in_datafusion(tables: &[(&'static str, Arc<MemTable>)], query: &str) -> Result<Vec<String>> {
    let context = SessionContext::new();
    for (name, table) in tables {
        context.register_table(*name, Arc::clone(table) as _).unwrap();
    }
    Ok(sorted_rows(&context.sql(query).await?.collect().await?))
}

#[tokio::test]
async fn what_is_known_is_right_here() {
    let tables = tables().await;
    for known in KNOWN.into_iter().flatten() {
        let rows = here(&tables, known.query).await;
        match (known.guard, known.right, rows) {
            (Refused, _, Err(_)) | (_, Right::Error, Err(_)) => {}
            (_, Right::Rows(right), Ok(rows)) => {
                assert_eq!(rows, right, "{} ({:?})", known.query, known.issues);
            }
            (_, _, rows) => panic!("{}: {rows:?}", known.query),
        }
    }
}

/// How often DataFusion must be right in a row to be called right.
const TRIES: usize = 8;

#[tokio::test]
async fn what_is_known_is_still_wrong_in_datafusion() {
    let tables = tables().await;
    let mut fixed = Vec::new();
    for known in KNOWN.into_iter().flatten() {
        // Chance can make a wrong query right: a call for each of six rows gives one answer for all of them once in 32 times.
        let mut is_right = true;
        for _ in 0..TRIES {
            is_right &= match (known.right, in_datafusion(&tables, known.query).await) {
                (Right::Rows(right), Ok(rows)) => rows == right,
                (Right::Rows(_), Err(_)) => false,
                (Right::Error, rows) => rows.is_err(),
            };
            if !is_right {
                break;
            }
        }
        if is_right {
            fixed.push(known.query);
        }
    }
    assert_eq!(fixed, [""; 0], "DataFusion gets these right: see whether their guards can go");
}
