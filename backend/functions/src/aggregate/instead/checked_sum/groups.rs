//! The sums of many groups.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{ArrowPrimitiveType, DataType, Decimal128Type, Int64Type};
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::{Narrow, too_large};
use crate::aggregate::kept;

/// The totals of all groups, by group index.
pub(super) struct Totals {
    narrow: Narrow,
    totals: Vec<i128>,
    /// Groups without a value have no sum.
    seen: Vec<bool>,
}

impl Totals {
    pub(super) fn new(narrow: Narrow) -> Self {
        Self { narrow, totals: Vec::new(), seen: Vec::new() }
    }

    /// Adds the values that are not NULL and that `filter` lets through to their groups.
    fn add<T>(&mut self, values: &ArrayRef, groups: &[usize], filter: Option<&BooleanArray>) -> Result<()>
    where
        T: ArrowPrimitiveType,
        i128: From<T::Native>,
    {
        let values = values.as_primitive::<T>();
        let mut overflow = false;
        let (totals, seen) = (&mut self.totals, &mut self.seen);
        let mut add = |row: usize| {
            let (Some(group), Some(value)) = (groups.get(row), values.values().get(row)) else { return };
            let (Some(total), Some(seen)) = (totals.get_mut(*group), seen.get_mut(*group)) else { return };
            let (sum, wrapped) = total.overflowing_add(i128::from(*value));
            overflow |= wrapped;
            *total = sum;
            *seen = true;
        };
        match kept(values.nulls(), filter) {
            None => (0..values.len()).for_each(&mut add),
            Some(kept) => kept.valid_indices().for_each(&mut add),
        }
        if overflow { too_large() } else { Ok(()) }
    }

    /// The sums of the groups that are let go of, NULL where a group has no value.
    fn take(&mut self, emit_to: EmitTo) -> (Vec<i128>, NullBuffer) {
        let totals = emit_to.take_needed(&mut self.totals);
        let seen = emit_to.take_needed(&mut self.seen);
        (totals, NullBuffer::from(seen))
    }

    fn wide(&self, values: Vec<i128>, nulls: Option<NullBuffer>) -> ArrayRef {
        Arc::new(Decimal128Array::new(values.into(), nulls).with_data_type(self.narrow.wide()))
    }
}

impl GroupsAccumulator for Totals {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let [values] = values else { return internal_err!("sum takes one column") };
        self.totals.resize(total_num_groups, 0);
        self.seen.resize(total_num_groups, false);
        match values.data_type() {
            DataType::Int64 => self.add::<Int64Type>(values, group_indices, opt_filter),
            DataType::Decimal128(..) => self.add::<Decimal128Type>(values, group_indices, opt_filter),
            other => internal_err!("sum of {} was given {other}", self.narrow.result()),
        }
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.update_batch(values, group_indices, None, total_num_groups)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let (totals, seen) = self.take(emit_to);
        for total in seen.valid_indices().filter_map(|group| totals.get(group)) {
            self.narrow.value(*total)?;
        }
        Ok(match self.narrow {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "what is not NULL was checked, the rest is zero"
            )]
            Narrow::Int64 => {
                let sums: Vec<i64> = totals.into_iter().map(|total| total as i64).collect();
                Arc::new(Int64Array::new(sums.into(), Some(seen)))
            }
            Narrow::Decimal(_) => self.wide(totals, Some(seen)),
        })
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (totals, seen) = self.take(emit_to);
        Ok(vec![self.wide(totals, Some(seen))])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let [values] = values else { return internal_err!("sum takes one column") };
        let kept = kept(values.nulls(), opt_filter);
        let wide = match values.data_type() {
            DataType::Int64 => {
                values.as_primitive::<Int64Type>().values().iter().map(|value| i128::from(*value)).collect()
            }
            DataType::Decimal128(..) => values.as_primitive::<Decimal128Type>().values().to_vec(),
            other => return internal_err!("sum of {} was given {other}", self.narrow.result()),
        };
        Ok(vec![self.wide(wide, kept)])
    }

    fn size(&self) -> usize {
        self.totals.capacity() * size_of::<i128>() + self.seen.capacity()
    }
}
