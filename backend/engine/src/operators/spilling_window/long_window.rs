//! A window of more rows than fit in memory.
//!
//! The rows are written to a file, and read again when the values are known. Until then, a function that has one value for
//! the whole window needs an accumulator, and any other one the columns it reads, or all of them if it has a `FILTER`. Those
//! are all that must fit.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::logical_expr::Accumulator;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::window::{PlainAggregateWindowExpr, StandardWindowExpr, WindowExpr};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::windows::WindowAggExec;
use datafusion::physical_plan::{ExecutionPlan as _, SpillManager};
use futures::StreamExt as _;

use super::VALUE_BYTES;
use crate::operators::spill::{Splitter, held_while, used_bytes};

/// Who writes rows here, for messages.
const OWNER: &str = "window functions";

/// See the module documentation.
pub(super) struct LongWindow {
    /// With the columns of the values.
    schema: SchemaRef,
    functions: Vec<Function>,
    file: Splitter,
    spills: SpillManager,
    /// The columns that functions read which are no accumulators; columns of nothing stand for the others.
    columns: Columns,
    kept: Vec<RecordBatch>,
    /// For what is kept, and for the accumulators.
    reservation: MemoryReservation,
    reserved_for_kept: usize,
}

/// How the values of a function are found.
enum Function {
    /// One value for all rows.
    Constant { expr: Arc<dyn WindowExpr>, accumulator: Box<dyn Accumulator> },
    /// When all rows are known.
    AtTheEnd(Arc<dyn WindowExpr>),
}

enum Values {
    Constant(ScalarValue),
    Each(ArrayRef),
}

impl LongWindow {
    /// A window without rows; what is kept of them is reserved in `reservation`.
    ///
    /// # Errors
    /// When a function has no accumulator.
    pub(super) fn new(
        planned: &WindowAggExec,
        spills: SpillManager,
        reservation: MemoryReservation,
    ) -> Result<Self> {
        let functions: Result<Vec<Function>> = planned.window_expr().iter().map(Function::new).collect();
        let functions = functions?;
        let columns = Columns::of(&functions, planned.input().schema().as_ref());
        let file = Splitter::whole(OWNER, spills.clone());
        let schema = planned.schema();
        Ok(Self {
            schema,
            functions,
            file,
            spills,
            columns,
            kept: Vec::new(),
            reservation,
            reserved_for_kept: 0,
        })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// When what functions need does not fit in memory, or the rows do not fit on the disk, or a function fails.
    pub(super) fn add(&mut self, rows: &RecordBatch) -> Result<()> {
        self.file.add(rows)?;
        let mut accumulated = 0;
        let mut at_the_end = 0;
        for function in &mut self.functions {
            match function {
                Function::Constant { expr, accumulator } => {
                    accumulator.update_batch(&expr.evaluate_args(rows)?)?;
                    accumulated += accumulator.size();
                }
                Function::AtTheEnd(_) => at_the_end += 1,
            }
        }
        if at_the_end > 0 {
            let rows = self.columns.of_rows(rows)?;
            // They are put together when all are known.
            self.reserved_for_kept += 2 * used_bytes(&rows) + rows.num_rows() * VALUE_BYTES * at_the_end;
            self.kept.push(rows);
        }
        self.reservation.try_resize(self.reserved_for_kept + accumulated)
    }

    /// All rows with their values.
    ///
    /// # Errors
    /// When a function fails, or the file cannot be read.
    pub(super) fn finish(mut self) -> Result<SendableRecordBatchStream> {
        let rows = concat_batches(&self.columns.schema, &self.kept)?;
        self.kept.clear();
        let values = self.functions.iter_mut().map(|function| function.values(&rows));
        let values = values.collect::<Result<Vec<_>>>()?;
        let file = self.file.finish_whole()?;
        let (schema, mut begin) = (Arc::clone(&self.schema), 0);
        let rows = file.read(&self.spills)?.map(move |rows| {
            let rows = rows?;
            let mut columns = rows.columns().to_vec();
            for values in &values {
                columns.push(match values {
                    Values::Constant(value) => value.to_array_of_size(rows.num_rows())?,
                    Values::Each(values) => values.slice(begin, rows.num_rows()),
                });
            }
            begin += rows.num_rows();
            Ok(RecordBatch::try_new(Arc::clone(&schema), columns)?)
        });
        let rows = RecordBatchStreamAdapter::new(self.schema, rows);
        Ok(held_while(Box::pin(rows), (file, self.reservation)))
    }
}

impl Function {
    fn new(expr: &Arc<dyn WindowExpr>) -> Result<Self> {
        match expr.as_any().downcast_ref::<PlainAggregateWindowExpr>() {
            Some(aggregate) if is_constant(aggregate) => {
                let accumulator = aggregate.get_aggregate_expr().create_accumulator()?;
                Ok(Self::Constant { expr: Arc::clone(expr), accumulator })
            }
            _ => Ok(Self::AtTheEnd(Arc::clone(expr))),
        }
    }

    /// Its values when all rows are known; `rows` has the columns that it reads if it is no accumulator.
    fn values(&mut self, rows: &RecordBatch) -> Result<Values> {
        match self {
            Self::Constant { accumulator, .. } => accumulator.evaluate().map(Values::Constant),
            Self::AtTheEnd(expr) => expr.evaluate(rows).map(Values::Each),
        }
    }
}

/// Whether a function has one value for the whole window, and looks at all rows.
pub(super) fn is_constant(aggregate: &PlainAggregateWindowExpr) -> bool {
    let frame = aggregate.get_window_frame();
    frame.start_bound.is_unbounded() && frame.end_bound.is_unbounded() && !may_filter(aggregate)
}

/// Whether a function may have a `FILTER`. Only the debug form of an aggregate tells; where that is not what it is in
/// DataFusion 55.2, the answer is yes, and more columns are kept than need be.
fn may_filter(expr: &dyn WindowExpr) -> bool {
    !expr.as_any().is::<StandardWindowExpr>() && !format!("{expr:?}").ends_with("filter: None }")
}

/// Some columns of rows, in their places.
struct Columns {
    chosen: HashSet<usize>,
    schema: SchemaRef,
}

impl Columns {
    /// What functions read that are no accumulators.
    fn of(functions: &[Function], schema: &Schema) -> Self {
        let mut chosen = HashSet::new();
        for function in functions {
            let Function::AtTheEnd(expr) = function else { continue };
            if may_filter(expr.as_ref()) {
                chosen.extend(0..schema.fields().len());
                break;
            }
            let read = expr.all_expressions();
            let read = read.args.iter().chain(&read.order_by_exprs);
            chosen.extend(read.flat_map(collect_columns).map(|column| column.index()));
        }
        let fields = schema.fields().iter().enumerate().map(|(number, field)| {
            if chosen.contains(&number) {
                Arc::clone(field)
            } else {
                Arc::new(Field::new(field.name(), DataType::Null, true))
            }
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Self { chosen, schema }
    }

    fn of_rows(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let columns = rows.columns().iter().enumerate().map(|(number, column)| {
            if self.chosen.contains(&number) {
                Arc::clone(column)
            } else {
                new_null_array(&DataType::Null, rows.num_rows())
            }
        });
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns.collect(), &options)?)
    }
}
