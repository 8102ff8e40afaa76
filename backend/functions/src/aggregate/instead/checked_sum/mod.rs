//! `sum` of whole numbers and of decimals, with an error where the sum does not fit its type.
//!
//! DataFusion's sum wraps around (apache/datafusion#17539). Here totals are kept in 128 bits while rows come in, so an
//! error depends on the sum and not on the order of the rows, and is asked for once a group. Sums that cannot leave
//! their type within ten thousand million rows, such as those of decimals of up to 28 digits, and sums of floats are
//! left to DataFusion.

mod distinct;
mod groups;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Field, FieldRef, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_err, internal_err};
use datafusion::functions_aggregate::sum::Sum;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, Documentation, GroupsAccumulator, ReversedUDAF, SetMonotonicity, Signature,
};

use distinct::DistinctTotal;
use groups::Totals;

/// `sum(value)`, by the rules of types of DataFusion's function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct CheckedSum {
    general: Sum,
}

impl CheckedSum {
    /// The function.
    #[must_use]
    pub fn new() -> Self {
        Self { general: Sum::new() }
    }
}

impl Default for CheckedSum {
    fn default() -> Self {
        Self::new()
    }
}

/// A type of results that a sum can leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Narrow {
    Int64,
    /// Of 38 digits, with this scale.
    Decimal(i8),
}

impl Narrow {
    fn of(result: &DataType) -> Option<Self> {
        match result {
            DataType::Int64 => Some(Self::Int64),
            DataType::Decimal128(DECIMAL128_MAX_PRECISION, scale) => Some(Self::Decimal(*scale)),
            _ => None,
        }
    }

    /// The type of partial sums.
    fn wide(self) -> DataType {
        let scale = match self {
            Self::Int64 => 0,
            Self::Decimal(scale) => scale,
        };
        DataType::Decimal128(DECIMAL128_MAX_PRECISION, scale)
    }

    fn result(self) -> DataType {
        match self {
            Self::Int64 => DataType::Int64,
            Self::Decimal(_) => self.wide(),
        }
    }

    /// The total as a value of the result's type.
    fn value(self, total: i128) -> Result<ScalarValue> {
        const LIMIT: u128 = 10_u128.pow(DECIMAL128_MAX_PRECISION as u32);
        match self {
            Self::Int64 => match i64::try_from(total) {
                Ok(total) => Ok(ScalarValue::Int64(Some(total))),
                Err(_) => exec_err!(
                    "sum overflows: {total} is no BIGINT; sum a wider type, for example CAST(x AS DECIMAL(38, 0))"
                ),
            },
            Self::Decimal(_) if total.unsigned_abs() >= LIMIT => too_large(),
            Self::Decimal(scale) => Ok(ScalarValue::Decimal128(Some(total), DECIMAL128_MAX_PRECISION, scale)),
        }
    }

    /// The values to add up, or partial sums of them.
    fn values(self, array: &ArrayRef) -> Result<impl Iterator<Item = Option<i128>> + '_> {
        let whole = array.as_primitive_opt::<Int64Type>();
        let decimal = array.as_primitive_opt::<Decimal128Type>();
        if whole.is_none() && decimal.is_none() {
            return internal_err!("sum of {} was given {}", self.result(), array.data_type());
        }
        let whole = whole.into_iter().flatten().map(|value| value.map(i128::from));
        Ok(whole.chain(decimal.into_iter().flatten()))
    }

    /// The sum of the values that are not NULL, and how many they are.
    fn total(self, array: &ArrayRef) -> Result<(i128, u64)> {
        let Some(whole) = array.as_primitive_opt::<Int64Type>() else {
            let mut totals = (0_i128, 0);
            for value in self.values(array)?.flatten() {
                let Some(total) = totals.0.checked_add(value) else { return too_large() };
                totals = (total, totals.1 + 1);
            }
            return Ok(totals);
        };
        // No array has so many whole numbers that 128 bits do not hold their sum.
        let values = whole.values();
        let total = match whole.nulls() {
            None => values.iter().map(|value| i128::from(*value)).sum(),
            Some(nulls) => {
                nulls.valid_indices().filter_map(|row| values.get(row)).map(|value| i128::from(*value)).sum()
            }
        };
        Ok((total, (whole.len() - whole.null_count()) as u64))
    }
}

fn too_large<T>() -> Result<T> {
    exec_err!("sum overflows: it has more than 38 digits")
}

impl AggregateUDFImpl for CheckedSum {
    fn name(&self) -> &str {
        self.general.name()
    }

    fn signature(&self) -> &Signature {
        self.general.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.general.return_type(arg_types)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        match Narrow::of(args.return_type()) {
            Some(narrow) if !args.is_distinct => {
                let name = format_state_name(args.name, "sum");
                Ok(vec![Arc::new(Field::new(name, narrow.wide(), true))])
            }
            _ => self.general.state_fields(args),
        }
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match Narrow::of(args.return_field.data_type()) {
            Some(narrow) if args.is_distinct => Ok(Box::new(DistinctTotal::new(narrow))),
            Some(narrow) => Ok(Box::new(Total { narrow, rows: 0, total: 0 })),
            None => self.general.accumulator(args),
        }
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.general.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        match Narrow::of(args.return_field.data_type()) {
            Some(narrow) => Ok(Box::new(Totals::new(narrow))),
            None => self.general.create_groups_accumulator(args),
        }
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match Narrow::of(args.return_field.data_type()) {
            Some(_) => self.accumulator(args),
            None => self.general.create_sliding_accumulator(args),
        }
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.general.documentation()
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.general.set_monotonicity(data_type)
    }
}

/// The sum of one group or of a window.
#[derive(Debug)]
struct Total {
    narrow: Narrow,
    /// How many values are in the total: without any, the sum is NULL.
    rows: u64,
    total: i128,
}

impl Accumulator for Total {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else { return internal_err!("sum takes one column") };
        let (added, rows) = self.narrow.total(values)?;
        let Some(total) = self.total.checked_add(added) else { return too_large() };
        self.total = total;
        self.rows += rows;
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else { return internal_err!("sum takes one column") };
        let (removed, rows) = self.narrow.total(values)?;
        let Some(total) = self.total.checked_sub(removed) else { return too_large() };
        self.total = total;
        self.rows -= rows;
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        match self.rows {
            0 => ScalarValue::try_from(&self.narrow.result()),
            _ => self.narrow.value(self.total),
        }
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let DataType::Decimal128(precision, scale) = self.narrow.wide() else {
            return internal_err!("partial sums are decimals");
        };
        let total = (self.rows > 0).then_some(self.total);
        Ok(vec![ScalarValue::Decimal128(total, precision, scale)])
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}
