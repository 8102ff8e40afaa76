//! The top of an output's physical plan: passes rows on, and says how they must be distributed and sorted.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::common::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{Distribution, LexOrdering, OrderingRequirements, PhysicalExpr};
use datafusion::physical_plan::distribution_requirements::InputDistributionRequirements;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use ir::op::{Sink, SortColumn};

use crate::operators::forward::passes_rows_on;

/// The order of a sink as DataFusion has it; `None` without one. NULL counts as larger than every value.
pub(crate) fn ordering(sort_by: &[SortColumn], schema: &Schema) -> Option<LexOrdering> {
    let columns = sort_by.iter().filter_map(|sort| {
        let sort = delta::SortColumn { column: sort.column.clone(), descending: sort.descending };
        sort.expression(schema).ok()
    });
    LexOrdering::new(columns)
}

/// An order in words.
pub(super) fn sort_text(sort_by: &[SortColumn]) -> String {
    let columns = sort_by
        .iter()
        .map(|sort| if sort.descending { format!("{} desc", sort.column) } else { sort.column.clone() });
    columns.collect::<Vec<_>>().join(", ")
}

/// Gives its input's rows, with the rows of one partition of the table in one partition of the plan: otherwise
/// every partition of the plan would write a file for every partition of the table. If the table has an order, each
/// partition of the plan is sorted by it: it becomes a sorted run of files.
#[derive(Debug)]
pub struct WriteExec {
    table: String,
    partition_by: Vec<String>,
    sort_by: Vec<SortColumn>,
    input: Arc<dyn ExecutionPlan>,
}

impl WriteExec {
    /// The top of a plan whose rows are written to `table`, as `sink` says.
    #[must_use]
    pub fn new(table: &str, sink: &Sink, input: Arc<dyn ExecutionPlan>) -> Self {
        let (partition_by, sort_by) = (sink.partition_by.clone(), sink.sort_by.clone());
        Self { table: table.to_owned(), partition_by, sort_by, input }
    }

    fn over(&self, input: Arc<dyn ExecutionPlan>) -> Self {
        let (partition_by, sort_by) = (self.partition_by.clone(), self.sort_by.clone());
        Self { table: self.table.clone(), partition_by, sort_by, input }
    }
}

impl DisplayAs for WriteExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                write!(f, "WriteExec: {}", self.table)?
            }
            DisplayFormatType::TreeRender => return write!(f, "table={}", self.table),
        }
        if !self.partition_by.is_empty() {
            write!(f, " partition_by=[{}]", self.partition_by.join(", "))?;
        }
        if !self.sort_by.is_empty() {
            write!(f, " sort_by=[{}]", sort_text(&self.sort_by))?;
        }
        Ok(())
    }
}

impl ExecutionPlan for WriteExec {
    fn name(&self) -> &'static str {
        "WriteExec"
    }

    passes_rows_on!();

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        let schema = self.input.schema();
        let columns: Vec<Arc<dyn PhysicalExpr>> = self
            .partition_by
            .iter()
            .filter_map(|name| {
                Some(Arc::new(Column::new(name, schema.index_of(name).ok()?)) as Arc<dyn PhysicalExpr>)
            })
            .collect();
        let distribution = if columns.is_empty() {
            Distribution::UnspecifiedDistribution
        } else {
            Distribution::KeyPartitioned(columns)
        };
        InputDistributionRequirements::new(vec![distribution])
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        vec![ordering(&self.sort_by, &self.schema()).map(OrderingRequirements::from)]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.input.execute(partition, context)
    }
}
