//! The rows of a frame as a queue that is aggregated without taking anything out.
//!
//! This is the queue of two stacks of Tangwongsan, Hirzel, Schneider and Wu, "General Incremental Sliding-Window
//! Aggregation", VLDB 2015, after Okasaki. New rows go to the back. When a row has to leave and the front is empty, the
//! rows of the back become the front, and states are computed of all that is left of it when its oldest rows are gone.
//! A frame is the front's state merged with the back's, in the order of the rows. A row is added to two states in all, so
//! that it costs the same for frames of any length.
//!
//! States cost more than rows, so there is one only every [`BLOCK`] rows: what is before the first of them in the front,
//! and behind the back's, is added as rows. A short frame has no states, so its value is that of the aggregate over its
//! rows to the last bit. Aggregates that keep all their values, like `array_agg`, have no states here: what they give is as
//! long as the frame, and the states of a front would be as long as its square.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;
use arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{Accumulator, AggregateUDF};
use datafusion::physical_expr::{PhysicalExpr, PhysicalSortExpr};

use super::state_fields;

/// The number of rows from one state to the next.
pub(super) const BLOCK: usize = 64;

/// Columns of rows, or of a state, which has one row.
type Columns = Vec<ArrayRef>;

/// How an aggregate is called: what [`AccumulatorArgs`] refers to.
#[derive(Debug)]
pub(super) struct Call {
    function: Arc<AggregateUDF>,
    return_field: FieldRef,
    schema: Schema,
    ignore_nulls: bool,
    order_bys: Vec<PhysicalSortExpr>,
    is_reversed: bool,
    name: String,
    is_distinct: bool,
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    expr_fields: Vec<FieldRef>,
    /// Whether what is kept of rows has the same size however many they are.
    has_short_states: bool,
}

impl Call {
    pub(super) fn new(function: Arc<AggregateUDF>, args: &AccumulatorArgs<'_>) -> Result<Self> {
        if args.exprs.is_empty() {
            return internal_err!("{} over a frame has no arguments to count rows by", args.name);
        }
        let is_short = |kind: &DataType| kind.is_primitive() || *kind == DataType::Boolean;
        let has_short_states = args.order_bys.is_empty()
            && state_fields(&function, args)?.iter().all(|field| is_short(field.data_type()));
        Ok(Self {
            function,
            return_field: Arc::clone(&args.return_field),
            schema: args.schema.clone(),
            ignore_nulls: args.ignore_nulls,
            order_bys: args.order_bys.to_vec(),
            is_reversed: args.is_reversed,
            name: args.name.to_owned(),
            is_distinct: args.is_distinct,
            exprs: args.exprs.to_vec(),
            expr_fields: args.expr_fields.to_vec(),
            has_short_states,
        })
    }

    /// An accumulator of no rows.
    fn accumulator(&self) -> Result<Box<dyn Accumulator>> {
        self.function.accumulator(AccumulatorArgs {
            return_field: Arc::clone(&self.return_field),
            schema: &self.schema,
            ignore_nulls: self.ignore_nulls,
            order_bys: &self.order_bys,
            is_reversed: self.is_reversed,
            name: &self.name,
            is_distinct: self.is_distinct,
            exprs: &self.exprs,
            expr_fields: &self.expr_fields,
        })
    }
}

/// The accumulator of a frame.
#[derive(Debug)]
pub(super) struct Queue {
    call: Call,
    front: Front,
    back: Back,
}

/// The oldest rows. Without states, because they are few or because the aggregate has none, they are all rows.
#[derive(Debug, Default)]
struct Front {
    rows: Columns,
    len: usize,
    /// States of the last block, of the last two, and so on.
    suffixes: Vec<Columns>,
}

/// The rows that were added since the front was made.
#[derive(Debug, Default)]
struct Back {
    /// The rows that are in the state, in pieces.
    closed: Vec<Columns>,
    state: Option<Columns>,
    /// The rows after them, fewer than a block.
    open: Columns,
}

impl Back {
    fn is_empty(&self) -> bool {
        self.closed.is_empty() && self.open.is_empty()
    }
}

impl Queue {
    pub(super) fn new(call: Call) -> Self {
        Self { call, front: Front::default(), back: Back::default() }
    }

    /// An accumulator of all rows.
    fn of_all(&self) -> Result<Box<dyn Accumulator>> {
        let mut all = self.call.accumulator()?;
        let has_states = self.back.state.is_some() || !self.front.suffixes.is_empty();
        if !has_states && self.front.len > 0 && len(&self.back.open) > 0 {
            // At once, because the last bits of a sum depend on where it is cut.
            all.update_batch(&joined(&[self.front.rows.clone(), self.back.open.clone()])?)?;
            return Ok(all);
        }
        let before_states = self.front.len - self.front.suffixes.len() * BLOCK;
        if before_states > 0 {
            all.update_batch(&slice(&self.front.rows, 0, before_states))?;
        }
        for state in self.front.suffixes.last().into_iter().chain(&self.back.state) {
            all.merge_batch(state)?;
        }
        if len(&self.back.open) > 0 {
            all.update_batch(&self.back.open)?;
        }
        Ok(all)
    }

    /// Makes the rows of the back the front, without so many of the oldest.
    fn turn(&mut self, without: usize) -> Result<()> {
        let Back { mut closed, open, .. } = std::mem::take(&mut self.back);
        closed.push(open);
        let rows = joined(&closed)?;
        let Some(left) = len(&rows).checked_sub(without) else {
            return internal_err!("{without} of {} rows leave a frame", len(&rows));
        };
        let rows = slice(&rows, without, left);
        let mut suffixes: Vec<Columns> = Vec::new();
        let blocks = if self.call.has_short_states { left / BLOCK } else { 0 };
        for block in 1..=blocks {
            let mut suffix = self.call.accumulator()?;
            suffix.update_batch(&slice(&rows, left - block * BLOCK, BLOCK))?;
            if let Some(later) = suffixes.last() {
                suffix.merge_batch(later)?;
            }
            suffixes.push(state(suffix)?);
        }
        self.front = Front { rows, len: left, suffixes };
        Ok(())
    }
}

impl Accumulator for Queue {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        if len(values) == 0 {
            return Ok(());
        }
        let together = self.front.len + len(values);
        if self.back.is_empty() && (!self.call.has_short_states || together < BLOCK) {
            let front = std::mem::take(&mut self.front.rows);
            self.front.rows =
                if self.front.len == 0 { values.to_vec() } else { joined(&[front, values.to_vec()])? };
            self.front.len = together;
            return Ok(());
        }
        let open = std::mem::take(&mut self.back.open);
        let open = if open.is_empty() { values.to_vec() } else { joined(&[open, values.to_vec()])? };
        if len(&open) < BLOCK {
            self.back.open = open;
            return Ok(());
        }
        let mut all = self.call.accumulator()?;
        if let Some(earlier) = &self.back.state {
            all.merge_batch(earlier)?;
        }
        all.update_batch(&open)?;
        self.back.state = Some(state(all)?);
        self.back.closed.push(open);
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let leaving = len(values);
        match self.front.len.checked_sub(leaving) {
            None => self.turn(leaving - self.front.len),
            Some(left) => {
                self.front.rows = slice(&self.front.rows, leaving, left);
                self.front.len = left;
                self.front.suffixes.truncate(left / BLOCK);
                Ok(())
            }
        }
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.of_all()?.evaluate()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.of_all()?.state()
    }

    fn merge_batch(&mut self, _states: &[ArrayRef]) -> Result<()> {
        internal_err!("{} over a frame is computed from rows, not from states", self.call.name)
    }

    fn size(&self) -> usize {
        let states = self.front.suffixes.iter().chain(&self.back.state);
        let rows = self.back.closed.iter().chain([&self.front.rows, &self.back.open]);
        let arrays = states.chain(rows).flatten();
        size_of_val(self)
            + arrays.map(|array| size_of::<ArrayRef>() + array.get_array_memory_size()).sum::<usize>()
    }
}

/// The state of an accumulator that is needed no more.
fn state(mut accumulator: Box<dyn Accumulator>) -> Result<Columns> {
    accumulator.state()?.iter().map(ScalarValue::to_array).collect()
}

/// The number of rows.
fn len(columns: &[ArrayRef]) -> usize {
    columns.first().map_or(0, Array::len)
}

fn slice(columns: &[ArrayRef], offset: usize, length: usize) -> Columns {
    columns.iter().map(|column| column.slice(offset, length)).collect()
}

/// The rows of all pieces.
fn joined(pieces: &[Columns]) -> Result<Columns> {
    let pieces: Vec<&Columns> = pieces.iter().filter(|piece| !piece.is_empty()).collect();
    let columns = pieces.first().map_or(0, |piece| piece.len());
    (0..columns)
        .map(|column| {
            let parts: Vec<&dyn Array> =
                pieces.iter().filter_map(|piece| piece.get(column)).map(|part| part.as_ref()).collect();
            Ok(concat(&parts)?)
        })
        .collect()
}
