//! Queries over tables outside of any spec and graph: those of a folder, for whoever judges what runs have published, and those of
//! an output that is about to be published.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{SendableRecordBatchStream, execute_stream};
use delta::Roots;
use ir::determinism::Determinism;
use ir::expr::Query;
use ir::op::{Read, Scan};
use ir::oracle::TableError;

use crate::emit;
use crate::error::{EngineError, NotComputed};
use crate::planning::RunPlanner;
use crate::semantics::of_plan;
use crate::session::Session;
use crate::tables::{TableRequest, Tables};

/// The rows of a query, batch by batch.
pub struct QueryRows {
    /// The columns.
    pub schema: SchemaRef,
    /// The batches. Nothing is computed before the first is asked for.
    pub batches: SendableRecordBatchStream,
}

impl std::fmt::Debug for QueryRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "QueryRows({})", self.schema)
    }
}

impl Session {
    /// Plans one `SELECT` over the Delta tables directly under `lake_dir`, without a compiler's passes; a table's name is its folder's. Only
    /// the tables that the query names are opened, at their latest version. Folder and query are the user's own: a table
    /// may be a link to one elsewhere.
    ///
    /// # Errors
    /// [`EngineError::Syntax`] for anything but one `SELECT`, [`EngineError::Table`] for a table that is not
    /// there or cannot be opened, [`EngineError::Plan`] where DataFusion refuses the query.
    pub async fn sql(&self, query: &str, lake_dir: &Path) -> Result<QueryRows, EngineError> {
        let query = Query::parse(query)?;
        let names = query.relations();
        let requests: Vec<TableRequest> = names
            .iter()
            .filter(|name| is_folder_name(name))
            .map(|name| TableRequest::Read { location: name.clone(), version: None, read: Read::Rows })
            .collect();
        let tables = Tables::resolve(lake_dir, &Roots::everywhere(), &requests).await;
        let mut inputs = Vec::with_capacity(names.len());
        for name in &names {
            inputs.push(Arc::new(self.scan(name, &tables, lake_dir)?));
        }
        self.planned(&query, names.into_iter().collect(), &inputs).await
    }

    /// Plans one `SELECT` over these tables, by the names the query has for them.
    ///
    /// # Errors
    /// As [`Self::sql`].
    pub(crate) async fn query(
        &self,
        query: &str,
        tables: &BTreeMap<String, Arc<dyn TableProvider>>,
    ) -> Result<QueryRows, EngineError> {
        let query = Query::parse(query)?;
        let (mut names, mut inputs) = (Vec::new(), Vec::new());
        for name in query.relations() {
            let table = tables.get(&name).ok_or_else(|| EngineError::Table {
                node: "the query".to_owned(),
                location: name.clone(),
                source: TableError::NotFound(name.clone()),
            })?;
            let scan = emit::scan(&name, Arc::clone(table), None);
            inputs.push(Arc::new(scan.map_err(|source| EngineError::plan(&name, source))?));
            names.push(name);
        }
        self.planned(&query, names, &inputs).await
    }

    async fn planned(
        &self,
        query: &Query,
        relations: Vec<String>,
        inputs: &[Arc<LogicalPlan>],
    ) -> Result<QueryRows, EngineError> {
        let refused = |source| EngineError::plan("query", source);
        let planner = RunPlanner::of_query(self);
        let state = planner.state();
        check_parts(state, query, &relations, inputs).map_err(refused)?;
        let plan = emit::query(state, query, &relations, inputs, &emit::PlannedQueries::default())
            .map_err(refused)?;
        let plan = state.optimize(&plan).map_err(refused)?;
        let planned = planner.query(plan).await.map_err(refused)?;
        let schema = planned.operators.schema();
        let batches = execute_stream(planned.operators, planned.context).map_err(refused)?;
        Ok(QueryRows { schema, batches })
    }

    fn scan(&self, name: &str, tables: &Tables, lake_dir: &Path) -> Result<LogicalPlan, EngineError> {
        let failed = |source: TableError| EngineError::Table {
            node: format!("the query (tables here: {})", tables_in(lake_dir)),
            location: name.to_owned(),
            source,
        };
        if !is_folder_name(name) {
            return Err(failed(TableError::NotFound(name.to_owned())));
        }
        let table = tables.table(name, None).map_err(failed)?;
        let scan = Scan {
            location: name.to_owned(),
            version: table.version(),
            identity: None,
            read: Read::Rows,
            files: None,
            lineage: None,
            partitioned_by: Vec::new(),
            columns: None,
            rows: ir::estimate::Estimate::unknown(0),
        };
        let provider = tables.provider(&scan).map_err(failed)?;
        emit::scan(name, provider, None).map_err(|source| EngineError::plan(name, source))
    }
}

/// Refuses a query with a part that has to be computed more than once and may give other rows each time. A spec can make
/// such a part a view of its own; the compiler does it for queries in specs.
fn check_parts(
    state: &SessionState,
    query: &Query,
    relations: &[String],
    inputs: &[Arc<LogicalPlan>],
) -> Result<(), DataFusionError> {
    for part in query.repeated_parts() {
        let level = match &part.alone {
            Some(alone) => {
                let own: Vec<String> = alone.relations().into_iter().collect();
                let read = own.iter().filter_map(|name| relations.iter().position(|other| other == name));
                let read: Vec<_> = read.filter_map(|at| inputs.get(at).cloned()).collect();
                emit::query(state, alone, &own, &read, &emit::PlannedQueries::default())
                    .and_then(|plan| of_plan(&plan))
            }
            None => Ok(Determinism::Volatile),
        };
        let what = match (part.definition, level) {
            (Some(name), Ok(level)) if level >= Determinism::OrderDependent => format!("`{name}`"),
            (None, Ok(level)) if level >= Determinism::OrderDependent => {
                "the subquery of IN, ANY or ALL".to_owned()
            }
            // What cannot be planned alone depends on the query around it, or is wrong by itself.
            _ => continue,
        };
        return NotComputed::error(format!(
            "{what} gives other rows each time it is computed (random(), LIMIT without a total order, ...), and has to be \
             computed more than once here; in a spec, where it is computed once, the query is possible"
        ));
    }
    Ok(())
}

/// Whether a name is that of a folder directly in another: no way out, no way down.
fn is_folder_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\\', ':', '\0'])
}

/// The names of the Delta tables in a folder, for messages; at most twenty.
fn tables_in(lake_dir: &Path) -> String {
    let names: BTreeSet<String> = std::fs::read_dir(lake_dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().join("_delta_log").is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    match names.len() {
        0 => "none".to_owned(),
        1..=20 => names.into_iter().collect::<Vec<_>>().join(", "),
        count => {
            format!("{}, and {} more", names.into_iter().take(20).collect::<Vec<_>>().join(", "), count - 20)
        }
    }
}
