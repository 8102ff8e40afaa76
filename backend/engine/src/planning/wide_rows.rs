//! Batches of wide rows have fewer of them.
//!
//! How many rows a batch has decides how much an operator holds at least: scans decode a batch at a time, filters fill
//! one up, a merge has one of each input. The session's number of rows is made for rows of [`USUAL_ROW_BYTES`]. Where a segment
//! reads wider ones, all its operators work with batches of fewer rows.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::source_as_provider;
use datafusion::execution::memory_pool::MemoryLimit;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;

use crate::operators::leaf::{ViewReader, ViewReaderNode};
use crate::operators::{RowWidths, RunStores, USUAL_ROW_BYTES, narrowed};

/// A batch of wide rows is meant to take this part of the memory of a partition: the operators of one hold several.
const PART_OF_PARTITION: usize = 32;

/// How many rows batches have where these optimized plans of one segment run, if fewer than usual, and what is to be found of
/// their width: for rows of so many bytes and those that they read. Without bytes they are not planned again.
///
/// # Errors
/// When the storage of a table that is to be read cannot be used.
pub(super) async fn batches_for(
    state: &SessionState,
    stores: Option<&RunStores>,
    plans: &[LogicalPlan],
    row_bytes: Option<usize>,
) -> Result<(Option<usize>, RowWidths)> {
    let mut leaves = Leaves::default();
    for plan in plans {
        plan.apply_with_subqueries(|node| leaves.add(node))?;
    }
    let mut widest = row_bytes.unwrap_or(0);
    for TableLeaf { table, columns } in &leaves.tables {
        let bytes = delta::row_bytes(state, table.as_ref(), columns.as_deref()).await?;
        widest = widest.max(bytes.unwrap_or(0));
    }
    if let Some(stores) = stores {
        let views = leaves.views.iter().filter_map(|view| stores.get(view)?.row_bytes());
        widest = views.fold(widest, usize::max);
    }
    let memory_bytes = match state.runtime_env().memory_pool.memory_limit() {
        MemoryLimit::Finite(bytes) => bytes,
        MemoryLimit::Infinite | MemoryLimit::Unknown => usize::MAX,
    };
    let rows = state.config().batch_size();
    let partition_bytes = memory_bytes / state.config().target_partitions().max(1);
    let batch_bytes = rows.saturating_mul(USUAL_ROW_BYTES).min(partition_bytes / PART_OF_PARTITION);
    let fewer = narrowed(rows, widest, batch_bytes);
    let widths = RowWidths::new(batch_bytes, memory_bytes, row_bytes.map(|_| fewer));
    Ok(((fewer < rows).then_some(fewer), widths))
}

/// What a plan reads.
#[derive(Default)]
struct Leaves {
    tables: Vec<TableLeaf>,
    views: Vec<String>,
}

/// A table, and the places of the columns that are read of it; all if absent.
struct TableLeaf {
    table: Arc<dyn TableProvider>,
    columns: Option<Vec<usize>>,
}

impl Leaves {
    fn add(&mut self, node: &LogicalPlan) -> Result<TreeNodeRecursion> {
        match node {
            LogicalPlan::TableScan(scan) => {
                // Tables that are no provider have no files.
                if let Ok(table) = source_as_provider(&scan.source) {
                    self.tables.push(TableLeaf { table, columns: scan.projection.clone() });
                }
            }
            LogicalPlan::Extension(extension) => {
                let reader = extension.node.as_any().downcast_ref::<ViewReaderNode>();
                if let Some(reader) = reader.filter(|reader| reader.kind() == ViewReader::Shared) {
                    self.views.push(reader.view().to_owned());
                }
            }
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    }
}
