//! `+`, `-`, `*`, `<<`, `>>` and unary minus that fail where the result does not fit its type.
//!
//! DataFusion's own operators wrap around (`9223372036854775807 + 1` is the smallest number, apache/datafusion#3520,
//! #17539), shift by the count modulo the number of bits, and let a decimal of 38 digits grow a 39th. These functions
//! stand in their place in a plan. They print like the operators, so that a column made of one keeps its name.

mod shift;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Datum};
use arrow::compute::kernels::numeric;
use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Field, FieldRef};
use arrow::error::ArrowError;
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err, internal_err};
use datafusion::logical_expr::interval_arithmetic::Interval;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    ColumnarValue, Expr, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

/// An operation on whole columns.
type Kernel = fn(&dyn Datum, &dyn Datum) -> Result<ArrayRef, ArrowError>;

/// Two operands and one result, all of whole numbers, decimals, intervals or durations. The operands have the types
/// that DataFusion's operator would be given: conversions are made before.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct CheckedArithmetic {
    operator: Operator,
    signature: Signature,
}

impl CheckedArithmetic {
    /// The checked form of an operator, where there is one: of `+`, `-`, `*`, `<<` and `>>`.
    #[must_use]
    pub fn of(operator: Operator) -> Option<Self> {
        let known =
            matches!(operator, Operator::Plus | Operator::Minus | Operator::Multiply) || shift::is(operator);
        known.then(|| Self { operator, signature: Signature::any(2, Volatility::Immutable) })
    }

    /// The operator it stands for.
    #[must_use]
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// Whether DataFusion's operator over operands of these types can give a wrong value.
    #[must_use]
    pub fn is_needed(operator: Operator, left: &DataType, right: &DataType) -> bool {
        use DataType::{Decimal128, Duration, Interval, Timestamp};
        match (left, right) {
            _ if Self::of(operator).is_none() => false,
            (left, right) if left.is_integer() && right.is_integer() => true,
            _ if shift::is(operator) => false,
            // The type of the result holds every result, unless it is the widest there is.
            (Decimal128(..), Decimal128(..)) => matches!(
                BinaryTypeCoercer::new(left, &operator, right).get_result_type(),
                Ok(Decimal128(DECIMAL128_MAX_PRECISION, _))
            ),
            (Interval(left), Interval(right)) => left == right && operator != Operator::Multiply,
            (Duration(left), Duration(right)) => left == right && operator != Operator::Multiply,
            (Timestamp(left, _), Timestamp(right, _)) => left == right && operator == Operator::Minus,
            _ => false,
        }
    }
}

impl CheckedArithmetic {
    /// The result of an operator that arrow has a kernel for.
    fn computed(&self, left: &ColumnarValue, right: &ColumnarValue) -> Result<Result<ArrayRef, ArrowError>> {
        let kernel: Kernel = match self.operator {
            Operator::Plus => numeric::add,
            Operator::Minus => numeric::sub,
            _ => numeric::mul,
        };
        Ok(match (left, right) {
            (ColumnarValue::Array(left), ColumnarValue::Array(right)) => kernel(left, right),
            (ColumnarValue::Array(left), ColumnarValue::Scalar(right)) => kernel(left, &right.to_scalar()?),
            (ColumnarValue::Scalar(left), ColumnarValue::Array(right)) => kernel(&left.to_scalar()?, right),
            (ColumnarValue::Scalar(left), ColumnarValue::Scalar(right)) => {
                kernel(&left.to_scalar()?, &right.to_scalar()?)
            }
        })
    }
}

impl ScalarUDFImpl for CheckedArithmetic {
    fn name(&self) -> &str {
        match self.operator {
            Operator::Plus => "checked_add",
            Operator::Minus => "checked_subtract",
            Operator::BitwiseShiftLeft => "checked_shift_left",
            Operator::BitwiseShiftRight => "checked_shift_right",
            _ => "checked_multiply",
        }
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        let [left, right] = args else { return internal_err!("{} takes two operands", self.name()) };
        Ok(format!("{} {} {}", operand(left), self.operator, operand(right)))
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let [left, right] = args else { return internal_err!("{} takes two operands", self.name()) };
        Ok(format!("{} {} {}", left.schema_name(), self.operator, right.schema_name()))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let [left, right] = arg_types else { return internal_err!("{} takes two operands", self.name()) };
        if left == right && left.is_integer() {
            // What DataFusion would say after it has computed with two empty columns. It asks again and again.
            return Ok(left.clone());
        }
        BinaryTypeCoercer::new(left, &self.operator, right).get_result_type()
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), self.return_type(&types)?, nullable)))
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = args.args.as_slice() else {
            return internal_err!("{} takes two operands", self.name());
        };
        let scalars = matches!((left, right), (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)));
        let result = if shift::is(self.operator) {
            let operands = ColumnarValue::values_to_arrays(&args.args)?;
            let [numbers, counts] = operands.as_slice() else {
                return internal_err!("{} takes two operands", self.name());
            };
            shift::shifted(self.operator, numbers, counts)
        } else {
            self.computed(left, right)?
        }
        .map_err(overflow)?;
        fits(result.as_ref())?;
        if scalars {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }

    fn evaluate_bounds(&self, inputs: &[&Interval]) -> Result<Interval> {
        let [left, right] = inputs else { return internal_err!("{} takes two operands", self.name()) };
        if shift::is(self.operator) {
            return Interval::make_unbounded(&left.data_type());
        }
        let unbounded = |side: &Interval| side.lower().is_null() && side.upper().is_null();
        if self.operator != Operator::Multiply && (unbounded(left) || unbounded(right)) {
            return Interval::make_unbounded(&self.return_type(&[left.data_type(), right.data_type()])?);
        }
        datafusion::logical_expr::interval_arithmetic::apply_operator(&self.operator, left, right)
    }

    /// Sums keep an order, because they never wrap.
    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        let [left, right] = inputs else { return internal_err!("{} takes two operands", self.name()) };
        Ok(match self.operator {
            Operator::Plus => left.sort_properties.add(&right.sort_properties),
            Operator::Minus => left.sort_properties.sub(&right.sort_properties),
            _ => SortProperties::Unordered,
        })
    }
}

/// Unary minus of a whole number: the smallest one of a type has no opposite.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct CheckedNegation {
    signature: Signature,
}

impl CheckedNegation {
    /// The function.
    #[must_use]
    pub fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl Default for CheckedNegation {
    fn default() -> Self {
        Self::new()
    }
}

impl ScalarUDFImpl for CheckedNegation {
    fn name(&self) -> &'static str {
        "checked_negate"
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        let [value] = args else { return internal_err!("a negation takes one operand") };
        Ok(format!("(- {value})"))
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let [value] = args else { return internal_err!("a negation takes one operand") };
        Ok(format!("(- {})", value.schema_name()))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [value] => Ok(value.clone()),
            _ => internal_err!("a negation takes one operand"),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        match args.arg_fields {
            [value] => Ok(Arc::new(Field::new(self.name(), value.data_type().clone(), value.is_nullable()))),
            _ => internal_err!("a negation takes one operand"),
        }
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(array)] => {
                Ok(ColumnarValue::Array(numeric::neg(array.as_ref()).map_err(overflow)?))
            }
            [ColumnarValue::Scalar(value)] => {
                let negated = numeric::neg(value.to_array()?.as_ref()).map_err(overflow)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&negated, 0)?))
            }
            _ => internal_err!("a negation takes one operand"),
        }
    }
}

/// How an operand prints within an operation: what is itself one, in parentheses.
fn operand(expr: &Expr) -> String {
    match expr {
        Expr::BinaryExpr(_) => format!("({expr})"),
        Expr::ScalarFunction(call) if call.func.inner().is::<CheckedArithmetic>() => format!("({expr})"),
        _ => expr.to_string(),
    }
}

/// The error of a result that does not fit.
fn overflow(error: ArrowError) -> DataFusionError {
    match error {
        ArrowError::ArithmeticOverflow(what) => DataFusionError::Execution(format!(
            "a number overflows its type ({what}); convert an operand to a wider type first, for example with \
             CAST(x AS DECIMAL(38, 0))"
        )),
        other => DataFusionError::from(other),
    }
}

/// Refuses decimals of more digits than their type has.
fn fits(array: &dyn Array) -> Result<()> {
    let DataType::Decimal128(DECIMAL128_MAX_PRECISION, _) = array.data_type() else { return Ok(()) };
    const LIMIT: u128 = 10_u128.pow(DECIMAL128_MAX_PRECISION as u32);
    let decimals = array.as_primitive::<Decimal128Type>();
    // Values below NULL are whatever they are; looking closer is for when something is too large.
    if decimals.values().iter().all(|value| value.unsigned_abs() < LIMIT) {
        return Ok(());
    }
    match decimals.iter().flatten().any(|value| value.unsigned_abs() >= LIMIT) {
        true => exec_err!("a decimal overflows its type: the result has more than 38 digits"),
        false => Ok(()),
    }
}
