//! What every code property graph must satisfy, checked before it is published.
//!
//! The tables are read as they will be ([`StagedTable::preview`]): what an append keeps is part of them. Only the columns
//! of identifiers are read. A graph that is not sound is not published, and neither is anything else of the run. Assertions
//! of the spec about outputs read these tables too; they are part of the plan (`schedule`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::catalog::TableProvider;
use datafusion::error::DataFusionError;
use delta::{DeltaError, ScanOptions};
use futures::TryStreamExt as _;
use ir::diag::{Code, codes};
use ir::op::{GraphTable, Sink};

use super::RunOptions;
use super::publish::Staged;
use crate::error::{EngineError, RunError, Violation};
use crate::session::Session;

/// Violations shown of each rule.
const SHOWN_VIOLATIONS: usize = 3;
/// Bytes that grouping by an identifier takes for each of them, about: the group, its count, and its place in hash tables that
/// are half full, before and after rows are dealt out.
const BYTES_PER_ID: u64 = 64;
/// The part of the memory that identifiers may take when they are grouped.
const PART_OF_MEMORY: u64 = 2;
/// Identifiers are read so many times at most. Beyond that, aggregations spill.
const MOST_PARTS: u64 = 16;

/// A rule that was checked of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphCheck {
    /// The output.
    pub output: String,
    /// What holds.
    pub rule: &'static str,
}

/// Something that must hold of one output.
struct Check<'a> {
    output: &'a str,
    column: &'static str,
    rule: &'static str,
    code: Code,
    /// Gives a row when there may be violations, and reads much less than finding them.
    suspicion: Option<Arc<str>>,
    /// Give a row for every violation, all of them together.
    violations: Vec<String>,
}

/// The tables of the graph, by the names queries have for them.
type Relations = BTreeMap<String, Arc<dyn TableProvider>>;

/// An output that is a table of the graph: its name, what it is, and the name queries have for it.
type GraphOutput<'a> = (&'a str, GraphTable, String);

/// In how many parts, by their identifiers, the rows of each relation are grouped.
type Parts = BTreeMap<String, u64>;

/// An output as it will be: the table, and how many rows it has, if its log tells.
pub(super) type Preview = (Arc<dyn TableProvider>, Option<u64>);

/// Outputs as they will be, by name.
pub(super) type Previews = BTreeMap<String, Preview>;

/// The outputs as they will be: tables of the graph, and those that assertions read. What holds of them holds of these versions,
/// so they are published as these or not at all.
///
/// # Errors
/// When what was written cannot be read, or somebody else has changed a table meanwhile.
pub(super) async fn previews(
    staged: &mut Staged,
    sinks: &BTreeMap<String, Sink>,
    asserted: &BTreeSet<&str>,
) -> Result<Previews, RunError> {
    let mut previews = BTreeMap::new();
    let names: Vec<String> = staged.keys().cloned().collect();
    for (name, (table, _)) in staged {
        let is_graph = sinks.get(name).is_some_and(|sink| sink.graph.is_some());
        if !is_graph && !asserted.contains(name.as_str()) {
            continue;
        }
        table.fix_version();
        let failed = |source| {
            let (output, changed) = (name.clone(), matches!(source, DeltaError::ConcurrentChange { .. }));
            let source = Box::new(source);
            if !changed {
                return RunError::Write { output, source };
            }
            let uncommitted = names.iter().filter(|other| *other != name).cloned().collect();
            RunError::Commit { output, committed: Vec::new(), uncommitted, source }
        };
        let preview = table.preview().await.map_err(failed)?;
        let provider = delta::provider(&preview, &ScanOptions::default()).map_err(failed)?;
        previews.insert(name.clone(), (provider, preview.rows()));
    }
    Ok(previews)
}

/// Checks the tables of the graph among the outputs; gives what holds and what does not.
///
/// # Errors
/// Whatever keeps the rules from being checked.
pub(super) async fn check(
    session: &Session,
    previews: &Previews,
    sinks: &BTreeMap<String, Sink>,
    options: &RunOptions,
) -> Result<(Vec<GraphCheck>, Vec<Violation>), RunError> {
    let mut relations = Relations::new();
    let mut outputs: Vec<GraphOutput<'_>> = Vec::new();
    let mut rows: BTreeMap<String, u64> = BTreeMap::new();
    for (index, (name, (provider, count))) in previews.iter().enumerate() {
        let Some(kind) = sinks.get(name).and_then(|sink| sink.graph) else { continue };
        let relation = format!("output_{index}");
        // Where nobody knows, aggregations spill.
        rows.insert(relation.clone(), count.unwrap_or(0));
        relations.insert(relation.clone(), Arc::clone(provider));
        outputs.push((name, kind, relation));
    }
    let memory = u64::try_from(session.options().memory_limit_bytes).unwrap_or(u64::MAX) / PART_OF_MEMORY;
    let in_parts = |rows: u64| rows.saturating_mul(BYTES_PER_ID).div_ceil(memory.max(1)).clamp(1, MOST_PARTS);
    let parts: Parts = rows.into_iter().map(|(relation, rows)| (relation, in_parts(rows))).collect();
    let (mut held, mut broken) = (Vec::new(), Vec::new());
    let mut clear: BTreeSet<Arc<str>> = BTreeSet::new();
    for check in checks(&outputs, &relations, &parts) {
        let found = tokio::select! {
            biased;
            () = options.cancellation.cancelled() => return Err(RunError::Cancelled { committed: Vec::new() }),
            found = check.run(session, &relations, &mut clear) => found?,
        };
        match found {
            None => held.push(GraphCheck { output: check.output.to_owned(), rule: check.rule }),
            Some(violation) => broken.push(violation),
        }
    }
    Ok((held, broken))
}

/// What must hold of the outputs: identifiers are unique in a table, and edges end at nodes, if nodes are published.
fn checks<'a>(outputs: &[GraphOutput<'a>], relations: &Relations, parts: &Parts) -> Vec<Check<'a>> {
    let mut checks = Vec::new();
    for (output, kind, relation) in outputs {
        let (column, rule, named) = match kind {
            GraphTable::Nodes => ("node_id", "node ids are unique and not NULL", "nodes"),
            GraphTable::Edges => ("edge_id", "edge ids are unique and not NULL", "edges"),
        };
        if !has(relations, relation, column) {
            continue;
        }
        let parts = parts.get(relation).copied().filter(|_| is_integer(relations, relation, column));
        let violations = conditions(column, parts.unwrap_or(1)).into_iter().map(|part| {
            format!(
                "SELECT {column}, COUNT(*) AS {named} FROM {relation} WHERE {part} GROUP BY {column} \
                 HAVING COUNT(*) > 1 OR {column} IS NULL"
            )
        });
        let violations = violations.collect();
        checks.push(Check { output, column, rule, code: codes::ID_COLLISION, suspicion: None, violations });
    }
    let nodes: Vec<String> = outputs
        .iter()
        .filter(|(_, kind, relation)| *kind == GraphTable::Nodes && has(relations, relation, "node_id"))
        .map(|(_, _, relation)| format!("SELECT node_id FROM {relation}"))
        .collect();
    if !nodes.is_empty() {
        let nodes = format!("({})", nodes.join(" UNION ALL "));
        let edges = outputs.iter().filter(|(_, kind, _)| *kind == GraphTable::Edges);
        checks.extend(edges.flat_map(|edges| ends(edges, &nodes, relations)));
    }
    checks
}

/// Conditions that divide rows into so many parts by an integer, with NULL in the first: to read a column again takes less
/// than to sort what does not fit.
fn conditions(column: &str, parts: u64) -> Vec<String> {
    match parts {
        0 | 1 => vec!["true".to_owned()],
        parts => (0..parts).map(|part| format!("abs(COALESCE({column}, 0) % {parts}) = {part}")).collect(),
    }
}

/// The checks of both ends of the edges of one output.
fn ends<'a>((output, _, relation): &GraphOutput<'a>, nodes: &str, relations: &Relations) -> Vec<Check<'a>> {
    let ends = [("src_node_id", "every edge starts at a node"), ("dst_node_id", "every edge ends at a node")];
    let ends: Vec<_> = ends.into_iter().filter(|(end, _)| has(relations, relation, end)).collect();
    let both: Vec<String> =
        ends.iter().map(|(end, _)| format!("SELECT {end} AS node_id FROM {relation}")).collect();
    // Of both ends in one pass over the nodes, and only by their ids.
    let suspicion: Arc<str> = format!(
        "SELECT e.node_id FROM ({}) e WHERE NOT EXISTS (SELECT 1 FROM {nodes} n WHERE n.node_id = e.node_id) \
         LIMIT 1",
        both.join(" UNION ALL ")
    )
    .into();
    let check = |(end, rule): (&'static str, &'static str)| {
        let known =
            ["edge_id", "edge_kind", "path"].into_iter().filter(|column| has(relations, relation, column));
        let shown: Vec<String> = known.chain([end]).map(|column| format!("e.{column}")).collect();
        let violations = vec![format!(
            "SELECT {} FROM {relation} e WHERE NOT EXISTS (SELECT 1 FROM {nodes} n WHERE n.node_id = e.{end})",
            shown.join(", ")
        )];
        let suspicion = Some(Arc::clone(&suspicion));
        Check { output, column: end, rule, code: codes::DANGLING_EDGE, suspicion, violations }
    };
    ends.into_iter().map(check).collect()
}

/// Whether an output has a column: it need not publish all columns of its view.
fn has(relations: &Relations, relation: &str, column: &str) -> bool {
    relations.get(relation).is_some_and(|table| table.schema().index_of(column).is_ok())
}

/// Whether a column has integers.
fn is_integer(relations: &Relations, relation: &str, column: &str) -> bool {
    let schema = relations.get(relation).map(|table| table.schema());
    schema.is_some_and(|schema| {
        schema.field_with_name(column).is_ok_and(|field| field.data_type().is_integer())
    })
}

impl Check<'_> {
    /// What does not hold, if anything. `clear` are the suspicions known to be unfounded.
    async fn run(
        &self,
        session: &Session,
        relations: &Relations,
        clear: &mut BTreeSet<Arc<str>>,
    ) -> Result<Option<Violation>, RunError> {
        let title = format!("output {}", self.output);
        let failed = |error: EngineError| match error {
            EngineError::Plan { source, .. } => RunError::execution(&title, *source),
            EngineError::Stopped => RunError::Cancelled { committed: Vec::new() },
            other @ (EngineError::Session { .. }
            | EngineError::Table { .. }
            | EngineError::Output { .. }
            | EngineError::Physical { .. }
            | EngineError::Syntax(_)
            | EngineError::Internal { .. }) => {
                RunError::Internal { segment: title.clone(), message: other.to_string() }
            }
        };
        if let Some(suspicion) = &self.suspicion {
            if clear.contains(suspicion) {
                return Ok(None);
            }
            if rows(session, suspicion, relations).await.map_err(failed)?.0 == 0 {
                clear.insert(Arc::clone(suspicion));
                return Ok(None);
            }
        }
        let (mut count, mut shown) = (0, Vec::new());
        for violations in &self.violations {
            let (more, described) = rows(session, violations, relations).await.map_err(failed)?;
            count += more;
            shown.extend(described.into_iter().take(SHOWN_VIOLATIONS.saturating_sub(shown.len())));
        }
        Ok((count > 0).then(|| Violation {
            output: self.output.to_owned(),
            column: self.column,
            code: self.code,
            rule: self.rule,
            count,
            shown,
        }))
    }
}

/// How many rows a query gives, and the first of them as text.
async fn rows(
    session: &Session,
    query: &str,
    relations: &Relations,
) -> Result<(usize, Vec<String>), EngineError> {
    let mut batches = session.query(query, relations).await?.batches;
    let failed = |source: DataFusionError| EngineError::plan("query", source);
    let (mut count, mut shown) = (0, Vec::new());
    while let Some(batch) = batches.try_next().await.map_err(failed)? {
        count += batch.num_rows();
        for row in 0..batch.num_rows().min(SHOWN_VIOLATIONS.saturating_sub(shown.len())) {
            shown.push(describe(&batch, row).map_err(|error| failed(error.into()))?);
        }
    }
    Ok((count, shown))
}

/// A row as `column value, column value`.
fn describe(batch: &RecordBatch, row: usize) -> Result<String, ArrowError> {
    let options = FormatOptions::default().with_null("NULL");
    let mut parts = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let formatter = ArrayFormatter::try_new(column.as_ref(), &options)?;
        parts.push(format!("{} {}", field.name(), formatter.value(row).try_to_string()?));
    }
    Ok(parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SessionOptions;

    /// Each row is in one part, NULL and the smallest number among them.
    #[tokio::test]
    async fn parts_divide_all_rows() {
        let session = Session::new(SessionOptions::for_this_machine()).unwrap();
        let ids = "(VALUES (0), (1), (-1), (7), (-7), (9223372036854775807), (-9223372036854775808), (NULL)) AS t(id)";
        for parts in [0, 1, 2, 3, 7, 100] {
            let mut found = 0;
            for condition in conditions("id", parts) {
                let query = format!("SELECT id FROM {ids} WHERE {condition}");
                found += rows(&session, &query, &Relations::new()).await.unwrap().0;
            }
            assert_eq!(found, 8, "{parts} parts");
        }
    }
}
