//! `count_if`: how many rows satisfy a condition.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{Result, ScalarValue, internal_err, not_impl_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, Documentation, EmitTo, GroupsAccumulator, Signature, Volatility,
};

use super::passing;
use crate::document;

/// `count_if(condition) -> Int64`: the number of rows where the condition is true. False and NULL do not count;
/// a group without rows gives 0, never NULL. Works in sliding windows.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct CountIf {
    signature: Signature,
}

impl CountIf {
    /// The function.
    #[must_use]
    pub fn new() -> Self {
        Self { signature: Signature::exact(vec![DataType::Boolean], Volatility::Immutable) }
    }
}

impl Default for CountIf {
    fn default() -> Self {
        Self::new()
    }
}

static PAGE: LazyLock<Documentation> = LazyLock::new(|| {
    document::page(
        "The number of rows where a condition is true. False and NULL do not count; no rows give 0.",
        "count_if(condition)",
        &[("condition", "Boolean.")],
        "SELECT path, count_if(is_public) FROM definitions GROUP BY path;",
    )
});

impl AggregateUDFImpl for CountIf {
    fn name(&self) -> &str {
        "count_if"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn default_value(&self, _data_type: &DataType) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(0)))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format_state_name(args.name, "count"), DataType::Int64, false))])
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct {
            return not_impl_err!(
                "count_if(DISTINCT ...) has no meaning; use count(DISTINCT ...) FILTER (WHERE ...)"
            );
        }
        Ok(Box::new(Count(0)))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, _args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Counts(Vec::new())))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&PAGE)
    }
}

fn condition(values: &[ArrayRef]) -> Result<&BooleanArray> {
    match values.first().and_then(|array| array.as_boolean_opt()) {
        Some(condition) => Ok(condition),
        None => internal_err!("count_if expects one boolean column"),
    }
}

fn partial_counts(values: &[ArrayRef]) -> Result<&Int64Array> {
    match values.first().and_then(|array| array.as_primitive_opt::<Int64Type>()) {
        Some(counts) => Ok(counts),
        None => internal_err!("count_if expects one column of partial counts"),
    }
}

/// The rows that count: true, and let through by the filter.
fn selected(condition: &BooleanArray, filter: Option<&BooleanArray>) -> BooleanBuffer {
    let selected = passing(condition);
    match filter {
        Some(filter) => &selected & &passing(filter),
        None => selected,
    }
}

/// The count of one group.
#[derive(Debug)]
struct Count(i64);

impl Accumulator for Count {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0 += condition(values)?.true_count() as i64;
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0 -= condition(values)?.true_count() as i64;
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(self.0)))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.0 += partial_counts(states)?.iter().flatten().sum::<i64>();
        Ok(())
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// The counts of all groups, by group index.
struct Counts(Vec<i64>);

impl Counts {
    fn add(&mut self, group: usize, count: i64) -> Result<()> {
        match self.0.get_mut(group) {
            Some(total) => *total += count,
            None => return internal_err!("count_if: group {group} was not announced"),
        }
        Ok(())
    }
}

impl GroupsAccumulator for Counts {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.0.resize(total_num_groups, 0);
        let selected = selected(condition(values)?, opt_filter);
        for (&group, counts) in group_indices.iter().zip(selected.iter()) {
            self.add(group, i64::from(counts))?;
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(Arc::new(Int64Array::from(emit_to.take_needed(&mut self.0))))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(emit_to)?])
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.0.resize(total_num_groups, 0);
        for (&group, count) in group_indices.iter().zip(partial_counts(values)?) {
            self.add(group, count.unwrap_or(0))?;
        }
        Ok(())
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let selected = selected(condition(values)?, opt_filter);
        Ok(vec![Arc::new(Int64Array::from_iter_values(selected.iter().map(i64::from)))])
    }

    fn size(&self) -> usize {
        self.0.capacity() * size_of::<i64>()
    }
}
