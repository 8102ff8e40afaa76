//! Batches of wide rows have fewer of them.
//!
//! How many rows a batch has decides how much an operator holds at least: scans decode a batch at a time, filters fill
//! one up, a merge has one of each input. The session's number of rows is made for rows of [`ROW_BYTES`]. Where a segment
//! reads wider ones, all its operators work with batches of fewer rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, resources_err};
use datafusion::datasource::source_as_provider;
use datafusion::execution::memory_pool::MemoryLimit;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;

use crate::operators::RunStores;
use crate::operators::leaf::{ViewReader, ViewReaderNode};
use crate::session::with_rows_per_batch;

/// The width of rows for which batches have the number of rows that the session says, in bytes.
const ROW_BYTES: usize = 1024;
/// Batches may take so many times the bytes they are meant to take, or this part of the memory, before it is worth to plan
/// again.
const TOO_WIDE: usize = 4;
const PART_OF_MEMORY: usize = 32;
/// A batch of wide rows is meant to take this part of the memory of a partition: the operators of one hold several.
const PART_OF_PARTITION: usize = 32;
/// Fewer rows than these say nothing about those to come.
const TELLING_ROWS: usize = 16;

/// What the operators of a segment find of the width of its rows; an extension of the configuration it runs with.
#[derive(Debug)]
pub(crate) struct RowWidths {
    /// What a batch is meant to take, in bytes.
    batch_bytes: usize,
    /// What a batch may take before the plan is made again, in bytes.
    most_bytes: usize,
    /// The rows of a batch; nothing where the plan is not made again.
    rows: Option<usize>,
    /// The bytes of a row that is too wide for these batches; 0 without any.
    too_wide: AtomicUsize,
}

impl RowWidths {
    /// Batches of so many rows are meant to take so many bytes of this memory; without rows the plan is not made again.
    pub(crate) fn new(batch_bytes: usize, memory_bytes: usize, rows: Option<usize>) -> Self {
        let most_bytes = batch_bytes.saturating_mul(TOO_WIDE).max(memory_bytes / PART_OF_MEMORY);
        Self { batch_bytes, most_bytes, rows, too_wide: AtomicUsize::new(0) }
    }

    /// What a batch is meant to take, in bytes.
    pub(crate) fn batch_bytes(&self) -> usize {
        self.batch_bytes
    }

    /// Ends the plan if so many rows, which are some of one stream, take so many bytes that batches of rows like them are too
    /// large.
    ///
    /// # Errors
    /// [`DataFusionError::ResourcesExhausted`](datafusion::error::DataFusionError::ResourcesExhausted) where the segment is
    /// planned again.
    pub(crate) fn check(&self, rows: usize, bytes: usize) -> Result<()> {
        let Some(rows_of_batch) = self.rows.filter(|rows| *rows > 1) else { return Ok(()) };
        let row_bytes = bytes / rows.max(1);
        let tells = rows >= TELLING_ROWS && bytes >= self.batch_bytes;
        // Planned again, batches must have fewer rows.
        let helps = narrowed(rows_of_batch, row_bytes, self.batch_bytes) < rows_of_batch;
        if !tells || !helps || row_bytes.saturating_mul(rows_of_batch) <= self.most_bytes {
            return Ok(());
        }
        self.too_wide.fetch_max(row_bytes, Ordering::Relaxed);
        resources_err!("rows take {row_bytes} bytes, and batches of {rows_of_batch} of them are too large")
    }

    /// The bytes of rows for which the segment must be planned again.
    pub(crate) fn too_wide(&self) -> Option<usize> {
        Some(self.too_wide.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0)
    }
}

/// The state to plan and run optimized plans with that belong to one segment: `state`, with [`RowWidths`] and perhaps with
/// fewer rows in a batch, for rows of so many bytes and those that it reads. Without bytes it is not planned again.
///
/// # Errors
/// When the storage of a table that is to be read cannot be used.
pub(crate) async fn with_batches_for(
    mut state: SessionState,
    plans: &[LogicalPlan],
    row_bytes: Option<usize>,
) -> Result<(SessionState, Arc<RowWidths>)> {
    let mut leaves = Leaves::default();
    for plan in plans {
        plan.apply_with_subqueries(|node| leaves.add(node))?;
    }
    let mut widest = row_bytes.unwrap_or(0);
    for TableLeaf { table, columns } in &leaves.tables {
        let bytes = delta::row_bytes(&state, table.as_ref(), columns.as_deref()).await?;
        widest = widest.max(bytes.unwrap_or(0));
    }
    if let Some(stores) = state.config().get_extension::<RunStores>() {
        let views = leaves.views.iter().filter_map(|view| stores.get(view)?.row_bytes());
        widest = views.fold(widest, usize::max);
    }
    let memory_bytes = match state.runtime_env().memory_pool.memory_limit() {
        MemoryLimit::Finite(bytes) => bytes,
        MemoryLimit::Infinite | MemoryLimit::Unknown => usize::MAX,
    };
    let rows = state.config().batch_size();
    let partition_bytes = memory_bytes / state.config().target_partitions().max(1);
    let batch_bytes = rows.saturating_mul(ROW_BYTES).min(partition_bytes / PART_OF_PARTITION);
    let fewer = narrowed(rows, widest, batch_bytes);
    let widths = RowWidths::new(batch_bytes, memory_bytes, row_bytes.map(|_| fewer));
    let widths = Arc::new(widths);
    let config = state.config_mut();
    if fewer < rows {
        *config = with_rows_per_batch(config.clone(), fewer);
    }
    config.set_extension(Arc::clone(&widths));
    Ok((state, widths))
}

/// How many rows of this width a batch of so many bytes has that has `rows` of usual width.
fn narrowed(rows: usize, row_bytes: usize, batch_bytes: usize) -> usize {
    if row_bytes <= ROW_BYTES { rows } else { (batch_bytes / row_bytes).clamp(1, rows.max(1)) }
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

#[cfg(test)]
mod tests {
    use super::{RowWidths, narrowed};

    #[test]
    fn batches_of_wide_rows_take_the_same_bytes() {
        assert_eq!(narrowed(8192, 0, 8192 << 10), 8192);
        assert_eq!(narrowed(8192, 1024, 8192 << 10), 8192);
        assert_eq!(narrowed(8192, 100 << 10, 8192 << 10), 81);
        assert_eq!(narrowed(256, 100 << 10, 256 << 10), 2);
        assert_eq!(narrowed(256, 1 << 30, 256 << 10), 1);
        assert_eq!(narrowed(8192, 2048, 1 << 20), 512);
    }

    /// With 1 MiB of memory, rows of 800 bytes are too many for a batch and not wide.
    #[test]
    fn a_plan_is_not_made_again_where_it_would_be_the_same() {
        let widths = RowWidths::new(32 << 10, 1 << 20, Some(256));
        widths.check(256, 256 * 800).unwrap();
        assert_eq!(widths.too_wide(), None);
        widths.check(256, 256 * 2000).unwrap_err();
        assert_eq!(widths.too_wide(), Some(2000));
    }
}
