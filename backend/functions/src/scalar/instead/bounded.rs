//! Functions whose results can be far larger than what they are given.
//!
//! `repeat('x', 2000000000)` is 23 letters and two gigabytes. DataFusion computes what is constant while it plans, so a check
//! of a spec would take that memory, which no pool counts; nor does one where a run evaluates an expression. [`Bounded`] adds
//! up first what a call would make of a batch, and refuses it where that is too much.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _};
use arrow::compute::kernels::cast::cast;
use arrow::compute::kernels::length::length;
use arrow::datatypes::{DataType, FieldRef, Float64Type, IntervalMonthDayNanoType, IntervalUnit, TimeUnit};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

/// How many bytes of text a call may make of a batch.
pub const MAX_TEXT_BYTES: u64 = 1 << 28;
/// How many elements of lists a call may make of a batch.
pub const MAX_ELEMENTS: u64 = 1 << 24;
const NANOSECONDS_A_DAY: f64 = 86_400e9;

/// How a result grows with the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Growth {
    /// `f(text, n)` is `n` times the text.
    Copies,
    /// `f(text, n)` is a text of `n` characters.
    Characters,
    /// `f(value, n)` is a list of `n` elements.
    Elements,
    /// `f(stop)`, `f(start, stop)` and `f(start, stop, step)` are lists of a series.
    Series,
}

/// A function that refuses to make more than [`MAX_TEXT_BYTES`] or [`MAX_ELEMENTS`] of a batch.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Bounded {
    inner: Arc<ScalarUDF>,
    growth: Growth,
}

impl Bounded {
    /// The bounded form of a function, of the same name.
    #[must_use]
    pub fn new(inner: Arc<ScalarUDF>, growth: Growth) -> Self {
        Self { inner, growth }
    }

    fn check(&self, args: &ScalarFunctionArgs) -> Result<()> {
        // DataFusion computes once for all rows what depends on no row.
        let depends_on_rows = args.args.iter().any(|value| matches!(value, ColumnarValue::Array(_)));
        let rows = if depends_on_rows { args.number_rows } else { 1 };
        let arrays = args.args.iter().map(|value| value.to_array(rows)).collect::<Result<Vec<ArrayRef>>>()?;
        let size = self.size(&arrays)?;
        let (most, unit) = match self.growth {
            Growth::Copies | Growth::Characters => (MAX_TEXT_BYTES, "bytes"),
            Growth::Elements | Growth::Series => (MAX_ELEMENTS, "elements"),
        };
        #[expect(clippy::cast_precision_loss, reason = "the bounds are powers of two")]
        if size > most as f64 {
            return exec_err!(
                "{} would make {size:.0} {unit} of {rows} rows; {most} are possible. Make less of each row, or of fewer",
                self.name()
            );
        }
        Ok(())
    }

    /// The size of all results together; rows of which nothing is made count nothing.
    fn size(&self, args: &[ArrayRef]) -> Result<f64> {
        let sizes: Vec<f64> = match (self.growth, args) {
            (Growth::Copies, [text, count]) => {
                let (lengths, counts) = (numbers(&length(text)?)?, numbers(count)?);
                lengths.into_iter().zip(counts).map(|(length, count)| length * count).collect()
            }
            (Growth::Characters | Growth::Elements, [_, count, ..]) => numbers(count)?,
            (Growth::Series, [stop]) => numbers(stop)?,
            (Growth::Series, [start, stop, rest @ ..]) => {
                let steps = match rest {
                    [step, ..] => numbers(step)?,
                    [] => vec![1.0; start.len()],
                };
                let bounds = numbers(start)?.into_iter().zip(numbers(stop)?);
                // A step of nothing is refused by the function.
                let lengths = bounds.zip(steps).filter(|(_, step)| *step != 0.0);
                lengths.map(|((start, stop), step)| (stop - start) / step).collect()
            }
            // The function itself says how many arguments it takes.
            _ => Vec::new(),
        };
        // The larger of what is no number and 0 is 0.
        Ok(sizes.into_iter().map(|size| size.max(0.0)).sum())
    }
}

/// Values as numbers, times as nanoseconds, months as the shortest; NULL is no number.
fn numbers(values: &ArrayRef) -> Result<Vec<f64>> {
    if let DataType::Interval(IntervalUnit::MonthDayNano) = values.data_type() {
        let steps = values.as_primitive::<IntervalMonthDayNanoType>().iter();
        #[expect(clippy::cast_precision_loss, reason = "a size is compared with a bound")]
        let nanoseconds = steps.map(|step| {
            step.map_or(f64::NAN, |step| {
                let days = f64::from(step.months) * 28.0 + f64::from(step.days);
                days * NANOSECONDS_A_DAY + step.nanoseconds as f64
            })
        });
        return Ok(nanoseconds.collect());
    }
    let unit = match values.data_type() {
        DataType::Date32 => NANOSECONDS_A_DAY,
        DataType::Timestamp(TimeUnit::Second, _) => 1e9,
        DataType::Timestamp(TimeUnit::Millisecond, _) | DataType::Date64 => 1e6,
        DataType::Timestamp(TimeUnit::Microsecond, _) => 1e3,
        _ => 1.0,
    };
    let values = cast(&cast(values, &DataType::Int64)?, &DataType::Float64)?;
    Ok(values.as_primitive::<Float64Type>().iter().map(|value| value.unwrap_or(f64::NAN) * unit).collect())
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arg_types)
    }

    fn is_strict(&self) -> bool {
        self.inner.is_strict()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.check(&args)?;
        self.inner.invoke_with_args(args)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}
