//! `lead` and `lag`, which count only values where `IGNORE NULLS` asks for it.
//!
//! DataFusion's functions lose values for `IGNORE NULLS` with an offset of more than one, and take the default for a
//! NULL in the row itself (apache/datafusion#25471). With `RESPECT NULLS` they are right and are called.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::{SortOptions, interleave};
use arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::common::{Result, ScalarValue, internal_err, plan_err};
use datafusion::logical_expr::function::{ExpressionArgs, PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, LimitEffect, PartitionEvaluator, ReversedUDWF, Signature, WindowUDF,
    WindowUDFImpl,
};
use datafusion::physical_expr::PhysicalExpr;

/// `lead(value [, offset [, default]])` or `lag`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Neighbour(Arc<WindowUDF>);

impl Neighbour {
    /// The function around DataFusion's of the same name, which is `lead` or `lag`.
    #[must_use]
    pub fn new(inner: Arc<WindowUDF>) -> Self {
        Self(inner)
    }
}

impl WindowUDFImpl for Neighbour {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn expressions(&self, expr_args: ExpressionArgs<'_>) -> Vec<Arc<dyn PhysicalExpr>> {
        self.0.expressions(expr_args)
    }

    fn partition_evaluator(&self, args: PartitionEvaluatorArgs<'_>) -> Result<Box<dyn PartitionEvaluator>> {
        if !args.ignore_nulls() {
            return self.0.partition_evaluator_factory(args);
        }
        let offset = match args.input_exprs().get(1) {
            None => 1,
            Some(offset) => match constant(offset)?.cast_to(&DataType::Int64)? {
                ScalarValue::Int64(Some(offset)) => offset,
                _ => return plan_err!("the offset of {} must be a number, not NULL", self.name()),
            },
        };
        let default = args.input_exprs().get(2).map(constant).transpose()?;
        let backwards = (self.name() == "lag") != args.is_reversed();
        let forward = if backwards { offset.checked_neg() } else { Some(offset) };
        let Some(forward) = forward else { return plan_err!("the offset of {} is too large", self.name()) };
        Ok(Box::new(Values { forward, default }))
    }

    fn field(&self, field_args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        self.0.field(field_args)
    }

    fn sort_options(&self) -> Option<SortOptions> {
        self.0.sort_options()
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.0.coerce_types(arg_types)
    }

    fn reverse_expr(&self) -> ReversedUDWF {
        match self.0.reverse_expr() {
            ReversedUDWF::Reversed(other) => {
                ReversedUDWF::Reversed(Arc::new(WindowUDF::from(Self::new(other))))
            }
            other => other,
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.0.documentation()
    }

    fn limit_effect(&self, args: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        // How far a value lies ahead is not known when NULLs do not count.
        match self.name() {
            "lag" => self.0.inner().limit_effect(args),
            _ => LimitEffect::Unknown,
        }
    }
}

/// The value of an expression without columns.
fn constant(expr: &Arc<dyn PhysicalExpr>) -> Result<ScalarValue> {
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let one_row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?;
    match expr.evaluate(&one_row) {
        Ok(ColumnarValue::Scalar(value)) => Ok(value),
        Ok(ColumnarValue::Array(array)) => ScalarValue::try_from_array(&array, 0),
        Err(_) => plan_err!("the offset and the default of lead and lag must be constants, not `{expr}`"),
    }
}

/// Finds the value so many values, not rows, ahead.
#[derive(Debug)]
struct Values {
    /// How many values ahead, in the order rows come in; backwards if negative.
    forward: i64,
    default: Option<ScalarValue>,
}

impl PartitionEvaluator for Values {
    fn evaluate_all(&mut self, values: &[ArrayRef], num_rows: usize) -> Result<ArrayRef> {
        let Some(values) = values.first() else { return internal_err!("lead and lag take a value") };
        if self.forward == 0 {
            return Ok(Arc::clone(values));
        }
        let default = match &self.default {
            Some(default) => default.cast_to(values.data_type())?.to_array()?,
            None => ScalarValue::try_from(values.data_type())?.to_array()?,
        };
        let known: Vec<usize> = (0..num_rows).filter(|row| values.is_valid(*row)).collect();
        // How many of the known values lie before the row.
        let mut before = 0_usize;
        let mut places = Vec::with_capacity(num_rows);
        for row in 0..num_rows {
            let own = usize::from(known.get(before) == Some(&row));
            let found = match usize::try_from(self.forward) {
                Ok(ahead) => before.checked_add(own + ahead - 1),
                Err(_) => usize::try_from(self.forward.unsigned_abs())
                    .ok()
                    .and_then(|back| before.checked_sub(back)),
            };
            let place = found.and_then(|number| known.get(number));
            places.push(place.map_or((1, 0), |place| (0, *place)));
            before += own;
        }
        Ok(interleave(&[values.as_ref(), default.as_ref()], &places)?)
    }

    fn evaluate(&mut self, _values: &[ArrayRef], _range: &Range<usize>) -> Result<ScalarValue> {
        internal_err!("lead and lag over values need the whole partition")
    }
}
