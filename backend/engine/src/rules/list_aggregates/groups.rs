//! Groups of rows and the lists made of them.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::{Result, internal_datafusion_err};
use datafusion::logical_expr::EmitTo;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateInputMode, AggregateOutputMode};
use functions::aggregate::{GroupedRows, SortedLists};

use super::stored_rows::{StoredList, StoredRows, place_of, places_of, value};
use crate::operators::LIST;

/// Bytes a row needs on the way from the lists to the output, besides its columns.
const BYTES_OF_ORDERED_ROW: usize = 8;
/// The same for a group.
const BYTES_OF_ORDERED_GROUP: usize = 8;

/// The groups met so far and the rows of each.
pub(super) struct ListsOfGroups {
    /// What is grouped by.
    keys: Vec<Arc<dyn PhysicalExpr>>,
    groups: Box<dyn GroupValues>,
    held: Held,
    rows: usize,
    /// The groups of the rows of one batch.
    numbers: Vec<usize>,
}

/// What is held of the rows.
enum Held {
    /// The value and the keys of each list.
    Columns { arguments: Vec<Vec<Arc<dyn PhysicalExpr>>>, lists: Vec<SortedLists> },
    /// Places of rows that lie in memory, and the groups of these rows.
    Places { places: Vec<UInt64Array>, numbers: Vec<Vec<u32>>, lists: Vec<(Vec<DataType>, StoredList)> },
}

impl ListsOfGroups {
    /// Whether these are all the step does: raw rows in, groups by at least one column out, and for each group nothing
    /// but lists of all its rows.
    pub(super) fn can_do(general: &AggregateExec) -> bool {
        let lists = general.aggr_expr();
        matches!(general.mode().input_mode(), AggregateInputMode::Raw)
            && matches!(general.mode().output_mode(), AggregateOutputMode::Final)
            && general.group_expr().is_single()
            && !general.group_expr().is_empty()
            && general.limit_options().is_none()
            && general.filter_expr().iter().all(Option::is_none)
            && !lists.is_empty()
            && lists
                .iter()
                .all(|list| list.fun().name() == LIST && !list.is_distinct() && list.order_bys().is_empty())
    }

    /// No groups yet. Batches have the columns of the aggregation's input; with `stored` rows they have those of a
    /// [`StoredPlacesExec`](super::stored_rows::StoredPlacesExec) for the aggregation's keys.
    pub(super) fn try_new(general: &AggregateExec, stored: Option<&Arc<StoredRows>>) -> Result<Self> {
        let input = general.input().schema();
        let arguments: Vec<_> = general.aggr_expr().iter().map(|list| list.expressions()).collect();
        let types = |arguments: &Vec<Arc<dyn PhysicalExpr>>| {
            arguments.iter().map(|argument| argument.data_type(&input)).collect::<Result<Vec<_>>>()
        };
        let mut keys = general.group_expr().input_exprs();
        let held = if let Some(rows) = stored {
            let lists =
                arguments.iter().map(|arguments| Ok((types(arguments)?, StoredList::new(rows, arguments)?)));
            let lists = lists.collect::<Result<_>>()?;
            keys = (0..keys.len()).map(value).collect();
            Held::Places { places: Vec::new(), numbers: Vec::new(), lists }
        } else {
            let lists = arguments.iter().map(|arguments| Ok(SortedLists::new(types(arguments)?)));
            Held::Columns { lists: lists.collect::<Result<_>>()?, arguments }
        };
        Ok(Self {
            keys,
            groups: new_group_values(general.group_expr().group_schema(&input)?, &GroupOrdering::None)?,
            held,
            rows: 0,
            numbers: Vec::new(),
        })
    }

    /// Adds the rows of a batch; gives the columns that are now held.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let keys = evaluate(&self.keys, batch)?;
        self.groups.intern(&keys, &mut self.numbers)?;
        let many = |_| internal_datafusion_err!("{LIST}: more than 2^32 groups in one partition");
        // Collecting results would take up to twice the room, and these are held.
        let mut new = Vec::with_capacity(self.numbers.len());
        for &group in &self.numbers {
            new.push(u32::try_from(group).map_err(many)?);
        }
        self.rows += batch.num_rows();
        match &mut self.held {
            Held::Columns { arguments, lists } => {
                let mut held = Vec::new();
                for (lists, arguments) in lists.iter_mut().zip(arguments) {
                    let columns = evaluate(arguments, batch)?;
                    held.extend(columns.iter().cloned());
                    lists.reserve_groups(self.groups.len());
                    lists.push(columns, new.clone())?;
                }
                Ok(held)
            }
            Held::Places { places, numbers, .. } => {
                let read = places_of(batch)?;
                places.push(read.clone());
                numbers.push(new);
                Ok(vec![Arc::new(read)])
            }
        }
    }

    /// Memory held now besides the columns, and needed until the last batch of the output, in bytes.
    pub(super) fn size(&self) -> usize {
        let ordered = self.rows * BYTES_OF_ORDERED_ROW + self.groups.len() * BYTES_OF_ORDERED_GROUP;
        let lists = match &self.held {
            Held::Columns { lists, .. } => {
                lists.iter().map(|lists| lists.size_besides_columns() + ordered).sum::<usize>()
            }
            Held::Places { lists, .. } => self.rows * size_of::<u32>() + ordered * lists.len(),
        };
        self.groups.size() + lists
    }

    /// Ends the input.
    pub(super) fn into_output(mut self, schema: SchemaRef, batch_size: usize) -> Result<Output> {
        let count = self.groups.len();
        let keys = self.groups.emit(EmitTo::All)?;
        let lists = match self.held {
            Held::Columns { lists, .. } => lists.iter().map(SortedLists::grouped).collect::<Result<_>>()?,
            Held::Places { places, numbers, lists } => {
                let numbers: Vec<&[u32]> = numbers.iter().map(Vec::as_slice).collect();
                let place = |part: usize, row: usize| {
                    let number = places.get(part).and_then(|places| places.values().get(row));
                    place_of(number.copied().unwrap_or_default())
                };
                let grouped =
                    |(types, list)| GroupedRows::try_new(types, Box::new(list), &numbers, place, count);
                lists.into_iter().map(grouped).collect::<Result<_>>()?
            }
        };
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
