//! Batches of wide rows have fewer of them.
//!
//! How many rows a batch has decides how much an operator holds at least: scans decode a batch at a time, filters fill
//! one up, a merge has one of each input. The session's number of rows is made for rows of [`ROW_BYTES`]. Where a segment
//! reads wider ones, all its operators work with batches of fewer rows.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::source_as_provider;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;

use crate::operators::{RunStores, SharedViewNode};
use crate::session::with_rows_per_batch;

/// The width of rows for which batches have the number of rows that the session says, in bytes.
const ROW_BYTES: usize = 1024;

/// The state to plan and run optimized plans with that belong to one segment: `state`, or one with fewer rows in a batch.
///
/// # Errors
/// When the storage of a table that is to be read cannot be used.
pub(crate) async fn with_batches_for(mut state: SessionState, plans: &[LogicalPlan]) -> Result<SessionState> {
    let mut leaves = Leaves::default();
    for plan in plans {
        plan.apply_with_subqueries(|node| leaves.add(node))?;
    }
    let mut widest = 0;
    for TableLeaf { table, columns } in &leaves.tables {
        let bytes = delta::row_bytes(&state, table.as_ref(), columns.as_deref()).await?;
        widest = widest.max(bytes.unwrap_or(0));
    }
    if let Some(stores) = state.config().get_extension::<RunStores>() {
        let views = leaves.views.iter().filter_map(|view| stores.get(view)?.row_bytes());
        widest = views.fold(widest, usize::max);
    }
    let rows = state.config().batch_size();
    let fewer = narrowed(rows, widest);
    if fewer < rows {
        let config = state.config_mut();
        *config = with_rows_per_batch(config.clone(), fewer);
    }
    Ok(state)
}

/// How many rows of this width a batch has that would have `rows` of usual width.
fn narrowed(rows: usize, row_bytes: usize) -> usize {
    (rows.saturating_mul(ROW_BYTES) / row_bytes.max(ROW_BYTES)).max(1)
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
                if let Some(reader) = extension.node.as_any().downcast_ref::<SharedViewNode>() {
                    self.views.push(reader.view().to_owned());
                }
            }
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    }
}

#[cfg(test)]
mod tests {
    use super::narrowed;

    #[test]
    fn batches_of_wide_rows_take_the_same_bytes() {
        assert_eq!(narrowed(8192, 0), 8192);
        assert_eq!(narrowed(8192, 1024), 8192);
        assert_eq!(narrowed(8192, 100 << 10), 81);
        assert_eq!(narrowed(256, 100 << 10), 2);
        assert_eq!(narrowed(256, 1 << 30), 1);
    }
}
