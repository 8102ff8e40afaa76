//! `min` and `max` of floats over groups, in the order in which `ORDER BY` puts them: NaN is the largest value.
//!
//! DataFusion's accumulators of many groups take the newer value when one of two is NaN, so that what a group gives depends on
//! the order of its rows, and start from the largest finite value, which infinity does not beat. Without groups, and for all
//! other types, DataFusion's functions are right, and stay.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, FieldRef, Float32Type, Float64Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::functions_aggregate::min_max::{Max, Min};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, Documentation, EmitTo, GroupsAccumulator, ReversedUDAF, SetMonotonicity,
    Signature, StatisticsArgs,
};

use crate::aggregate::kept;

/// `min(value)` or `max(value)`: `F` is DataFusion's function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Extreme<F> {
    general: F,
    /// What a value must be beside the one that is held to take its place.
    wins: Ordering,
}

impl Extreme<Min> {
    /// `min`.
    #[must_use]
    pub fn min() -> Self {
        Self { general: Min::new(), wins: Ordering::Less }
    }
}

impl Extreme<Max> {
    /// `max`.
    #[must_use]
    pub fn max() -> Self {
        Self { general: Max::new(), wins: Ordering::Greater }
    }
}

impl<F: AggregateUDFImpl + Eq + std::hash::Hash> AggregateUDFImpl for Extreme<F> {
    fn name(&self) -> &str {
        self.general.name()
    }

    fn signature(&self) -> &Signature {
        self.general.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.general.return_type(arg_types)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.general.coerce_types(arg_types)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.general.state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.general.accumulator(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.general.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        match args.return_field.data_type() {
            DataType::Float32 => Ok(Box::new(Extremes::<Float32Type>::new(self.wins, f32::total_cmp))),
            DataType::Float64 => Ok(Box::new(Extremes::<Float64Type>::new(self.wins, f64::total_cmp))),
            _ => self.general.create_groups_accumulator(args),
        }
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.general.create_sliding_accumulator(args)
    }

    fn is_descending(&self) -> Option<bool> {
        self.general.is_descending()
    }

    fn value_from_stats(&self, args: &StatisticsArgs<'_>) -> Option<ScalarValue> {
        self.general.value_from_stats(args)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.general.reverse_expr()
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.general.order_sensitivity()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.general.documentation()
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.general.set_monotonicity(data_type)
    }
}

/// The extremes of all groups, by group index.
struct Extremes<T: ArrowPrimitiveType> {
    wins: Ordering,
    order: fn(&T::Native, &T::Native) -> Ordering,
    values: Vec<T::Native>,
    /// Groups without a value have no extreme.
    seen: Vec<bool>,
}

impl<T: ArrowPrimitiveType> Extremes<T> {
    fn new(wins: Ordering, order: fn(&T::Native, &T::Native) -> Ordering) -> Self {
        Self { wins, order, values: Vec::new(), seen: Vec::new() }
    }

    fn take(&mut self, emit_to: EmitTo) -> ArrayRef {
        let values = emit_to.take_needed(&mut self.values);
        let seen = emit_to.take_needed(&mut self.seen);
        Arc::new(PrimitiveArray::<T>::new(values.into(), Some(NullBuffer::from(seen))))
    }
}

impl<T: ArrowPrimitiveType> GroupsAccumulator for Extremes<T> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let [values] = values else { return internal_err!("min and max take one column") };
        let Some(values) = values.as_primitive_opt::<T>() else {
            return internal_err!("min or max of {} was given {}", T::DATA_TYPE, values.data_type());
        };
        self.values.resize(total_num_groups, T::default_value());
        self.seen.resize(total_num_groups, false);
        let (wins, order) = (self.wins, self.order);
        let (held, seen) = (&mut self.values, &mut self.seen);
        let mut offer = |row: usize| {
            let (Some(group), Some(value)) = (group_indices.get(row), values.values().get(row)) else {
                return;
            };
            let (Some(held), Some(seen)) = (held.get_mut(*group), seen.get_mut(*group)) else { return };
            if !*seen || order(value, held) == wins {
                *held = *value;
                *seen = true;
            }
        };
        match kept(values.nulls(), opt_filter) {
            None => (0..values.len()).for_each(&mut offer),
            Some(kept) => kept.valid_indices().for_each(&mut offer),
        }
        Ok(())
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
        Ok(self.take(emit_to))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.take(emit_to)])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let [values] = values else { return internal_err!("min and max take one column") };
        let Some(values) = values.as_primitive_opt::<T>() else {
            return internal_err!("min or max of {} was given {}", T::DATA_TYPE, values.data_type());
        };
        let kept = kept(values.nulls(), opt_filter);
        Ok(vec![Arc::new(PrimitiveArray::<T>::new(values.values().clone(), kept))])
    }

    fn size(&self) -> usize {
        self.values.capacity() * size_of::<T::Native>() + self.seen.capacity()
    }
}
