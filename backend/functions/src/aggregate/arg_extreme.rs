//! `arg_max` and `arg_min`: the value that belongs to the largest or smallest key.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::nullif;
use arrow::datatypes::{DataType, Field, FieldRef};
use arrow::row::{RowConverter, SortField};
use datafusion::common::{Result, ScalarValue, internal_err, not_impl_err, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, Documentation, EmitTo, GroupsAccumulator, Signature, Volatility,
};

use super::best_rows::{BestRows, known_rows};
use crate::document;

/// `arg_max(value, key)` and `arg_min(value, key)`: the value of the row with the largest (smallest) key. Rows
/// whose value or key is NULL are skipped; no rows left give NULL. Of several values with the same key the
/// smallest is taken, so the result does not depend on the order of the rows. Value and key may have any type
/// that can be ordered (floats by IEEE 754 total order); the result has the value's type.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ArgExtreme {
    largest: bool,
    signature: Signature,
}

impl ArgExtreme {
    /// `arg_max`.
    #[must_use]
    pub fn max() -> Self {
        Self { largest: true, signature: Signature::user_defined(Volatility::Immutable) }
    }

    /// `arg_min`.
    #[must_use]
    pub fn min() -> Self {
        Self { largest: false, signature: Signature::user_defined(Volatility::Immutable) }
    }

    fn best_rows(&self, args: &AccumulatorArgs) -> Result<BestRows> {
        if args.is_distinct || !args.order_bys.is_empty() {
            return not_impl_err!(
                "{} takes neither DISTINCT nor ORDER BY: neither could change it",
                self.name()
            );
        }
        let [value, key] = args.expr_fields else {
            return internal_err!("{} takes a value and a key", self.name());
        };
        BestRows::try_new(value.data_type().clone(), key.data_type().clone(), self.largest)
    }
}

const ARGUMENTS: [(&str, &str); 2] =
    [("value", "What to return; any type."), ("key", "What decides; any type that can be ordered.")];

static MAX_PAGE: LazyLock<Documentation> = LazyLock::new(|| {
    document::page(
        "The value of the row with the largest key; of several the smallest value. NULL values and keys are skipped.",
        "arg_max(value, key)",
        &ARGUMENTS,
        "SELECT path, arg_max(name, bend - bstart) FROM definitions GROUP BY path;",
    )
});

static MIN_PAGE: LazyLock<Documentation> = LazyLock::new(|| {
    document::page(
        "The value of the row with the smallest key; of several the smallest value. NULL values and keys are skipped.",
        "arg_min(value, key)",
        &ARGUMENTS,
        "SELECT path, arg_min(name, bstart) FROM definitions GROUP BY path;",
    )
});

impl AggregateUDFImpl for ArgExtreme {
    fn name(&self) -> &str {
        if self.largest { "arg_max" } else { "arg_min" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [value, _] => Ok(value.clone()),
            other => plan_err!("{} takes a value and a key, found {} arguments", self.name(), other.len()),
        }
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [_, _] = arg_types else {
            return plan_err!("{} takes a value and a key, found {} arguments", self.name(), arg_types.len());
        };
        for found in arg_types {
            if !RowConverter::supports_fields(&[SortField::new(found.clone())]) {
                return plan_err!("{}: values of type {found} have no order", self.name());
            }
        }
        Ok(arg_types.to_vec())
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let [value, key] = args.input_fields else {
            return internal_err!("{} takes a value and a key", self.name());
        };
        Ok([("value", value), ("key", key)]
            .map(|(name, field)| {
                Arc::new(Field::new(format_state_name(args.name, name), field.data_type().clone(), true))
            })
            .to_vec())
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let mut best = self.best_rows(&args)?;
        best.reserve_groups(1);
        Ok(Box::new(BestRow(best)))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(BestRowOfGroups(self.best_rows(&args)?)))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(if self.largest { &MAX_PAGE } else { &MIN_PAGE })
    }
}

fn value_and_key(columns: &[ArrayRef]) -> Result<(&ArrayRef, &ArrayRef)> {
    match columns {
        [value, key] => Ok((value, key)),
        other => internal_err!("expected a value and a key column, found {}", other.len()),
    }
}

/// One group. The partial state has the same shape as the input, so merging is updating.
#[derive(Debug)]
struct BestRow(BestRows);

impl Accumulator for BestRow {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (value, key) = value_and_key(values)?;
        self.0.offer(value, key, None, |_| 0)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&self.0.columns(1)?.0, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let (value, key) = self.0.columns(1)?;
        Ok(vec![ScalarValue::try_from_array(&value, 0)?, ScalarValue::try_from_array(&key, 0)?])
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.0.size()
    }
}

/// All groups of a hash aggregation.
struct BestRowOfGroups(BestRows);

impl BestRowOfGroups {
    fn emit(&mut self, emit_to: EmitTo) -> Result<(ArrayRef, ArrayRef)> {
        match emit_to {
            EmitTo::All => {
                let columns = self.0.columns(self.0.groups())?;
                self.0.clear();
                Ok(columns)
            }
            EmitTo::First(groups) => {
                let columns = self.0.columns(groups)?;
                self.0.forget_first(groups);
                Ok(columns)
            }
        }
    }
}

impl GroupsAccumulator for BestRowOfGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let (value, key) = value_and_key(values)?;
        self.0.reserve_groups(total_num_groups);
        self.0.offer(value, key, opt_filter, |row| group_indices.get(row).copied().unwrap_or(usize::MAX))
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(self.emit(emit_to)?.0)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (value, key) = self.emit(emit_to)?;
        Ok(vec![value, key])
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.update_batch(values, group_indices, None, total_num_groups)
    }

    /// A row that cannot win becomes a NULL key.
    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let (value, key) = value_and_key(values)?;
        let key = match known_rows(value, key, opt_filter) {
            Some(known) => nullif(key, &BooleanArray::new(!known.inner(), None))?,
            None => ArrayRef::clone(key),
        };
        Ok(vec![ArrayRef::clone(value), key])
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}
