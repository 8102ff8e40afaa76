//! Aggregates over frames of a window, which give for each frame what the aggregate gives for the rows of the frame.
//!
//! Where the start of a frame moves, DataFusion takes the rows that leave out of what it has added up. Floats do not
//! come back: NaN and infinity stay for ever, 1e20 swallows what is added to it, and variances drift. `bit_xor` does not
//! know when the last value has left, and many aggregates have no such way back, and fail when they run. [`Framed`]
//! leaves an aggregate to DataFusion where taking out is exact, and keeps the rows of the frame otherwise (`queue`).
//!
//! DataFusion also computes windows backwards to save a sort. The aggregates whose values depend on the order of rows then
//! have theirs in the wrong order, so they are not reversed here.

mod queue;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams, WindowFunctionParams};
use datafusion::logical_expr::function::{AccumulatorArgs, AggregateFunctionSimplification, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, Expr, GroupsAccumulator, Operator,
    ReversedUDAF, SetMonotonicity, Signature, StatisticsArgs,
};

use queue::{Call, Queue};

/// An aggregate that is right over any frame. In everything else it is the one that it is made of.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Framed(Arc<AggregateUDF>);

impl Framed {
    /// The aggregate for frames, unless it is one already.
    #[must_use]
    pub fn of(inner: Arc<AggregateUDF>) -> Arc<AggregateUDF> {
        if inner.inner().is::<Self>() {
            return inner;
        }
        Arc::new(AggregateUDF::from(Self(inner)))
    }

    /// Whether rows that are taken out of the aggregate's own accumulator leave no trace.
    fn retracts_exactly(&self, args: &AccumulatorArgs<'_>) -> Result<bool> {
        // Extremes do not add up: they keep the rows that can become the extreme.
        if self.0.is_descending().is_some() {
            return Ok(true);
        }
        // A list of floats keeps the values.
        let adds_up_floats = state_fields(&self.0, args)?.iter().any(|field| field.data_type().is_floating());
        Ok(!adds_up_floats && self.0.name() != "bit_xor")
    }
}

/// What an aggregate keeps of the rows it was given.
fn state_fields(function: &AggregateUDF, args: &AccumulatorArgs<'_>) -> Result<Vec<FieldRef>> {
    function.state_fields(StateFieldsArgs {
        name: args.name,
        input_fields: args.expr_fields,
        return_field: Arc::clone(&args.return_field),
        ordering_fields: &[],
        is_distinct: args.is_distinct,
    })
}

#[warn(clippy::missing_trait_methods)] // All but what is said above is the inner function's.
impl AggregateUDFImpl for Framed {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn aliases(&self) -> &[String] {
        self.0.aliases()
    }

    fn schema_name(&self, params: &AggregateFunctionParams) -> Result<String> {
        self.0.schema_name(params)
    }

    fn human_display(&self, params: &AggregateFunctionParams) -> Result<String> {
        self.0.human_display(params)
    }

    fn window_function_schema_name(&self, params: &WindowFunctionParams) -> Result<String> {
        self.0.window_function_schema_name(params)
    }

    fn display_name(&self, params: &AggregateFunctionParams) -> Result<String> {
        self.0.display_name(params)
    }

    fn window_function_display_name(&self, params: &WindowFunctionParams) -> Result<String> {
        self.0.window_function_display_name(params)
    }

    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.0.return_type(arg_types)
    }

    fn return_field(&self, arg_fields: &[FieldRef]) -> Result<FieldRef> {
        self.0.return_field(arg_fields)
    }

    fn is_nullable(&self) -> bool {
        self.0.is_nullable()
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.0.accumulator(args)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.0.state_fields(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.0.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        self.0.create_groups_accumulator(args)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        // An error says that the aggregate has no accumulator for frames, or none for these types.
        if let Ok(own) = self.0.create_sliding_accumulator(args.clone())
            && own.supports_retract_batch()
            && self.retracts_exactly(&args)?
        {
            return Ok(own);
        }
        Ok(Box::new(Queue::new(Call::new(Arc::clone(&self.0), &args)?)))
    }

    fn with_beneficial_ordering(
        self: Arc<Self>,
        beneficial_ordering: bool,
    ) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        let inner = self.0.as_ref().clone().with_beneficial_ordering(beneficial_ordering)?;
        Ok(inner.map(|inner| Arc::new(Self(Arc::new(inner))) as Arc<dyn AggregateUDFImpl>))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.0.order_sensitivity()
    }

    fn simplify(&self) -> Option<AggregateFunctionSimplification> {
        self.0.simplify()
    }

    fn simplify_expr_op_literal(
        &self,
        agg_function: &AggregateFunction,
        arg: &Expr,
        op: Operator,
        lit: &Expr,
        arg_is_left: bool,
    ) -> Result<Option<Expr>> {
        self.0.simplify_expr_op_literal(agg_function, arg, op, lit, arg_is_left)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        match self.0.reverse_udf() {
            ReversedUDAF::Identical => ReversedUDAF::Identical,
            // array_agg and string_agg call themselves their reverse, also where they have no order of their own.
            ReversedUDAF::Reversed(_) | ReversedUDAF::NotSupported => ReversedUDAF::NotSupported,
        }
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.0.coerce_types(arg_types)
    }

    fn is_descending(&self) -> Option<bool> {
        self.0.is_descending()
    }

    fn value_from_stats(&self, statistics_args: &StatisticsArgs<'_>) -> Option<ScalarValue> {
        self.0.value_from_stats(statistics_args)
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.0.default_value(data_type)
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.0.supports_null_handling_clause()
    }

    fn supports_within_group_clause(&self) -> bool {
        self.0.supports_within_group_clause()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.0.documentation()
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.0.inner().set_monotonicity(data_type)
    }
}
