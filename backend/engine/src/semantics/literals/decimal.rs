//! Numbers as they were written: digits and a place of the point.

use arrow::datatypes::DECIMAL128_MAX_PRECISION;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::BinaryOperator;

/// `digits` over ten to the power of `scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: i128,
    scale: u32,
}

impl Decimal {
    /// The number a double was written as, if it has at most 38 digits: the shortest text that reads as that double.
    pub(super) fn of(value: f64) -> Option<Self> {
        let text = value.to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let scale = u32::try_from(fraction.len()).ok()?;
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        let decimal = Self { digits, scale };
        (decimal.precision() <= u32::from(DECIMAL128_MAX_PRECISION)).then_some(decimal)
    }

    /// The sum, difference or product of two numbers as a double.
    pub(super) fn combined(op: &BinaryOperator, left: f64, right: f64) -> Option<f64> {
        let (left, right) = (Self::of(left)?, Self::of(right)?);
        let scale = left.scale.max(right.scale);
        let scaled = |number: Self| number.digits.checked_mul(10_i128.checked_pow(scale - number.scale)?);
        let (digits, scale) = match op {
            BinaryOperator::Plus => (scaled(left)?.checked_add(scaled(right)?)?, scale),
            BinaryOperator::Minus => (scaled(left)?.checked_sub(scaled(right)?)?, scale),
            BinaryOperator::Multiply => (left.digits.checked_mul(right.digits)?, left.scale + right.scale),
            _ => return None,
        };
        // Reading a text is exact where a division would round twice.
        format!("{digits}e-{scale}").parse().ok()
    }

    /// The literal of a decimal type with just these digits.
    pub(super) fn literal(self) -> ScalarValue {
        let (precision, scale) = (self.precision(), self.scale);
        match (u8::try_from(precision), i8::try_from(scale)) {
            (Ok(precision), Ok(scale)) => ScalarValue::Decimal128(Some(self.digits), precision, scale),
            // Both are at most 38.
            _ => ScalarValue::Null,
        }
    }

    fn precision(self) -> u32 {
        let digits = self.digits.unsigned_abs().checked_ilog10().map_or(1, |log| log + 1);
        digits.max(self.scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        assert_eq!(Decimal::of(500.2), Some(Decimal { digits: 5002, scale: 1 }));
        assert_eq!(Decimal::of(-0.05), Some(Decimal { digits: -5, scale: 2 }));
        assert_eq!(Decimal::of(1e300), None);
        assert_eq!(Decimal::of(0.05).map(Decimal::literal), Some(ScalarValue::Decimal128(Some(5), 2, 2)));
    }

    #[test]
    fn numbers_are_added_as_they_are_written() {
        assert_eq!(Decimal::combined(&BinaryOperator::Plus, 0.1, 0.2), Some(0.3));
        assert_eq!(Decimal::combined(&BinaryOperator::Multiply, 1.1, 1.1), Some(1.21));
        assert_eq!(Decimal::combined(&BinaryOperator::Minus, 1.0, 0.9), Some(0.1));
    }
}
