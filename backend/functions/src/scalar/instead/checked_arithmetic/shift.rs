//! `<<` and `>>` of whole numbers.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray, downcast_integer};
use arrow::compute::try_binary;
use arrow::datatypes::{ArrowPrimitiveType, DataType};
use arrow::error::ArrowError;
use datafusion::logical_expr::Operator;

/// Whether an operator is one of them.
pub(super) fn is(operator: Operator) -> bool {
    matches!(operator, Operator::BitwiseShiftLeft | Operator::BitwiseShiftRight)
}

/// Numbers shifted by counts, both of one type and length. A count that is negative, or not less than the number has
/// bits, is an error, and so is a shift to the left by which a number loses a bit or its sign.
pub(super) fn shifted(
    operator: Operator,
    numbers: &ArrayRef,
    counts: &ArrayRef,
) -> Result<ArrayRef, ArrowError> {
    macro_rules! of_type {
        ($t:ty) => {
            of::<$t>(operator, numbers, counts)
        };
    }
    downcast_integer! {
        numbers.data_type() => (of_type),
        DataType::Null => Ok(Arc::clone(numbers)),
        other => Err(ArrowError::InvalidArgumentError(format!("{other} has no bits to shift"))),
    }
}

fn of<T>(operator: Operator, numbers: &ArrayRef, counts: &ArrayRef) -> Result<ArrayRef, ArrowError>
where
    T: ArrowPrimitiveType,
    T::Native: TryFrom<i128>,
    i128: From<T::Native>,
{
    let Some(counts) = counts.as_primitive_opt::<T>() else {
        let message = format!("{} is shifted by {}", numbers.data_type(), counts.data_type());
        return Err(ArrowError::InvalidArgumentError(message));
    };
    let bits = 8 * size_of::<T::Native>() as i128;
    let overflow = |number, count| {
        ArrowError::ArithmeticOverflow(format!("Overflow happened on: {number:?} {operator} {count:?}"))
    };
    let shifted: PrimitiveArray<T> = try_binary(numbers.as_primitive::<T>(), counts, |number, count| {
        let by = i128::from(count);
        // 64 bits and a shift by up to 63 fit 128 bits.
        let wide = match operator {
            _ if !(0..bits).contains(&by) => None,
            Operator::BitwiseShiftLeft => Some(i128::from(number) << by),
            _ => Some(i128::from(number) >> by),
        };
        wide.and_then(|wide| T::Native::try_from(wide).ok()).ok_or_else(|| overflow(number, count))
    })?;
    Ok(Arc::new(shifted))
}
