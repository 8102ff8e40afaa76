//! Groups of rows and the lists made of them.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use datafusion::common::{Result, internal_datafusion_err};
use datafusion::logical_expr::EmitTo;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::InputOrderMode;
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateInputMode, AggregateOutputMode};
use functions::aggregate::{GroupedRows, SortedLists};

use crate::operators::LIST;

/// Bytes a row needs on the way from the lists to the output, besides its columns.
const BYTES_OF_ORDERED_ROW: usize = 8;
/// The same for a group.
const BYTES_OF_ORDERED_GROUP: usize = 8;

/// The groups met so far and the rows of each.
pub(super) struct ListsOfGroups {
    /// What is grouped by.
    keys: Vec<Arc<dyn PhysicalExpr>>,
    /// The value and the keys of each list.
    arguments: Vec<Vec<Arc<dyn PhysicalExpr>>>,
    groups: Box<dyn GroupValues>,
    lists: Vec<SortedLists>,
    rows: usize,
    /// The groups of the rows of one batch.
    numbers: Vec<usize>,
}

impl ListsOfGroups {
    /// Whether these are all the step does: raw rows in, groups by at least one column out, and for each group nothing
    /// but lists of all its rows.
    pub(super) fn can_do(general: &AggregateExec) -> bool {
        let lists = general.aggr_expr();
        matches!(general.mode().input_mode(), AggregateInputMode::Raw)
            && matches!(general.mode().output_mode(), AggregateOutputMode::Final)
            && matches!(general.input_order_mode(), InputOrderMode::Linear)
            && general.group_expr().is_single()
            && !general.group_expr().is_empty()
            && general.limit_options().is_none()
            && general.filter_expr().iter().all(Option::is_none)
            && !lists.is_empty()
            && lists
                .iter()
                .all(|list| list.fun().name() == LIST && !list.is_distinct() && list.order_bys().is_empty())
    }

    /// No groups yet.
    pub(super) fn try_new(general: &AggregateExec) -> Result<Self> {
        let input = general.input().schema();
        let arguments: Vec<_> = general.aggr_expr().iter().map(|list| list.expressions()).collect();
        let types = |arguments: &Vec<Arc<dyn PhysicalExpr>>| {
            arguments.iter().map(|argument| argument.data_type(&input)).collect::<Result<Vec<_>>>()
        };
        let lists = arguments.iter().map(|arguments| Ok(SortedLists::new(types(arguments)?)));
        Ok(Self {
            keys: general.group_expr().input_exprs(),
            groups: new_group_values(general.group_expr().group_schema(&input)?, &GroupOrdering::None)?,
            lists: lists.collect::<Result<_>>()?,
            arguments,
            rows: 0,
            numbers: Vec::new(),
        })
    }

    /// Adds the rows of a batch; gives the columns that are now held.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let keys = evaluate(&self.keys, batch)?;
        self.groups.intern(&keys, &mut self.numbers)?;
        let narrow = self.numbers.iter().map(|&group| u32::try_from(group));
        let numbers: Vec<u32> = narrow
            .collect::<Result<_, _>>()
            .map_err(|_| internal_datafusion_err!("{LIST}: more than 2^32 groups in one partition"))?;
        let mut held = Vec::new();
        for (lists, arguments) in self.lists.iter_mut().zip(&self.arguments) {
            let columns = evaluate(arguments, batch)?;
            held.extend(columns.iter().cloned());
            lists.reserve_groups(self.groups.len());
            lists.push(columns, numbers.clone())?;
        }
        self.rows += batch.num_rows();
        Ok(held)
    }

    /// Memory held now besides the columns, and needed until the last batch of the output, in bytes.
    pub(super) fn size(&self) -> usize {
        let ordered = self.rows * BYTES_OF_ORDERED_ROW + self.groups.len() * BYTES_OF_ORDERED_GROUP;
        let lists: usize = self.lists.iter().map(|lists| lists.size_besides_columns() + ordered).sum();
        self.groups.size() + lists
    }

    /// Ends the input.
    pub(super) fn into_output(mut self, schema: SchemaRef, batch_size: usize) -> Result<Output> {
        let count = self.groups.len();
        let keys = self.groups.emit(EmitTo::All)?;
        let lists = self.lists.iter().map(SortedLists::grouped).collect::<Result<_>>()?;
        Ok(Output { schema, keys, lists, groups: count, next: 0, batch_size: batch_size.max(1) })
    }
}

/// The groups on their way out.
pub(super) struct Output {
    schema: SchemaRef,
    keys: Vec<ArrayRef>,
    lists: Vec<GroupedRows>,
    groups: usize,
    next: usize,
    batch_size: usize,
}

impl Output {
    /// The next groups; none after the last.
    pub(super) fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        if self.next >= self.groups {
            return Ok(None);
        }
        let groups = self.next..self.groups.min(self.next + self.batch_size);
        self.next = groups.end;
        let mut columns: Vec<ArrayRef> =
            self.keys.iter().map(|keys| keys.slice(groups.start, groups.len())).collect();
        for lists in &mut self.lists {
            columns.push(Arc::new(lists.ordered(groups.clone())?));
        }
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
    }
}

fn evaluate(expressions: &[Arc<dyn PhysicalExpr>], batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
    let values = expressions
        .iter()
        .map(|expression| expression.evaluate(batch).and_then(|value| value.into_array(batch.num_rows())));
    values.collect()
}
