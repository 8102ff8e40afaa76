//! The values of window functions for whole windows in memory.
//!
//! Where windows are small (`count(*) OVER (PARTITION BY order_id)`), a call for each costs more than its rows. So an
//! aggregate that has one value for a window is computed for all windows of a batch by the accumulator that `GROUP BY`
//! uses, with the number of its window as the group of a row. Other functions are computed window by window, as
//! DataFusion's `WindowAggExec` computes them.

use std::iter::repeat_n;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt64Array};
use arrow::compute::{concat, take};
use datafusion::common::Result;
use datafusion::common::utils::evaluate_partition_ranges;
use datafusion::logical_expr::EmitTo;
use datafusion::physical_expr::PhysicalSortExpr;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::window::{PlainAggregateWindowExpr, WindowExpr};
use datafusion::physical_plan::windows::WindowAggExec;

use super::long_window::is_constant;

/// Window functions, and what partitions their windows.
#[derive(Debug)]
pub(super) struct Functions {
    functions: Vec<Function>,
    keys: Vec<PhysicalSortExpr>,
}

/// How the values of a function are found.
#[derive(Debug)]
enum Function {
    /// One for each window, for all windows at once.
    Grouped { expr: Arc<dyn WindowExpr>, aggregate: Box<AggregateFunctionExpr> },
    /// Window by window.
    Each(Arc<dyn WindowExpr>),
}

/// Windows that follow each other.
struct Windows {
    ranges: Vec<Range<usize>>,
    /// For each row, the number of its window.
    numbers: Vec<usize>,
}

impl Functions {
    /// The functions of an operator.
    ///
    /// # Errors
    /// When its input is not ordered by the keys of the windows.
    pub(super) fn of(planned: &WindowAggExec) -> Result<Self> {
        let functions = planned.window_expr().iter().map(Function::new).collect();
        Ok(Self { functions, keys: planned.partition_by_sort_keys()? })
    }

    /// The values of each function for rows that are whole windows.
    ///
    /// # Errors
    /// What a function fails with.
    pub(super) fn values(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let keys =
            self.keys.iter().map(|key| key.evaluate_to_sort_column(rows)).collect::<Result<Vec<_>>>()?;
        let windows = Windows::new(evaluate_partition_ranges(rows.num_rows(), &keys)?);
        self.functions.iter().map(|function| function.values(rows, &windows)).collect()
    }
}

impl Windows {
    fn new(ranges: Vec<Range<usize>>) -> Self {
        let numbers = ranges.iter().enumerate().flat_map(|(number, range)| repeat_n(number, range.len()));
        Self { numbers: numbers.collect(), ranges }
    }
}

impl Function {
    fn new(expr: &Arc<dyn WindowExpr>) -> Self {
        let expr = Arc::clone(expr);
        match expr.as_any().downcast_ref::<PlainAggregateWindowExpr>() {
            Some(aggregate) if is_grouped(aggregate) => {
                Self::Grouped { aggregate: Box::new(aggregate.get_aggregate_expr().clone()), expr }
            }
            _ => Self::Each(expr),
        }
    }

    fn values(&self, rows: &RecordBatch, windows: &Windows) -> Result<ArrayRef> {
        match self {
            Self::Grouped { expr, aggregate } => {
                let mut accumulator = aggregate.create_groups_accumulator()?;
                let arguments = expr.evaluate_args(rows)?;
                accumulator.update_batch(&arguments, &windows.numbers, None, windows.ranges.len())?;
                let values = accumulator.evaluate(EmitTo::All)?;
                let numbers = windows.numbers.iter().map(|number| *number as u64);
                Ok(take(&values, &UInt64Array::from_iter_values(numbers), None)?)
            }
            Self::Each(expr) => {
                let of_window =
                    |window: &Range<usize>| expr.evaluate(&rows.slice(window.start, window.len()));
                let values = windows.ranges.iter().map(of_window).collect::<Result<Vec<_>>>()?;
                let values: Vec<&dyn Array> = values.iter().map(AsRef::as_ref).collect();
                Ok(concat(&values)?)
            }
        }
    }
}

/// Whether the values can be found for all windows at once. Sums of floats depend on the order in which they are added up:
/// an accumulator of groups adds in another one.
fn is_grouped(aggregate: &PlainAggregateWindowExpr) -> bool {
    let function = aggregate.get_aggregate_expr();
    is_constant(aggregate)
        && function.groups_accumulator_supported()
        && !function.field().data_type().is_floating()
}
