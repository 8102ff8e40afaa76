//! Functions whose results have types that Delta tables have.
//!
//! Delta has no unsigned numbers, and timestamps in microseconds only. DataFusion's `array_length` gives a `UInt64`,
//! its `now()` nanoseconds. [`DeltaTyped`] calls such a function and converts what it gives.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::Result;
use datafusion::common::format::DEFAULT_CAST_OPTIONS;
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, cast,
};

/// The type Delta tables hold values of this type in: the signed type that holds all of them, except that `UInt64`
/// becomes `Int64`, and microseconds in UTC for every timestamp.
#[must_use]
pub fn delta_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Timestamp(..) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::List(item) => DataType::List(delta_field(item)),
        other => other.clone(),
    }
}

fn delta_field(field: &FieldRef) -> FieldRef {
    let data_type = delta_type(field.data_type());
    if data_type == *field.data_type() {
        return Arc::clone(field);
    }
    Arc::new(Field::new(field.name(), data_type, field.is_nullable()).with_metadata(field.metadata().clone()))
}

/// A function with its results converted by [`delta_type`].
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct DeltaTyped(Arc<ScalarUDF>);

impl DeltaTyped {
    /// The converted form of a function, of the same name.
    #[must_use]
    pub fn new(inner: Arc<ScalarUDF>) -> Self {
        Self(inner)
    }
}

impl ScalarUDFImpl for DeltaTyped {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn aliases(&self) -> &[String] {
        self.0.aliases()
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        self.0.schema_name(args)
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.0.schema_name(args)
    }

    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        Ok(delta_type(&self.0.return_type(arg_types)?))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(delta_field(&self.0.return_field_from_args(args)?))
    }

    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        let inner = self.0.inner().with_updated_config(config)?;
        Some(ScalarUDF::from(Self(Arc::new(inner))))
    }

    fn is_strict(&self) -> bool {
        self.0.is_strict()
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let wanted = args.return_field.data_type().clone();
        let types: Vec<FieldRef> = args.arg_fields.clone();
        let scalars: Vec<_> = args
            .args
            .iter()
            .map(|value| match value {
                ColumnarValue::Scalar(value) => Some(value),
                ColumnarValue::Array(_) => None,
            })
            .collect();
        args.return_field = self
            .0
            .return_field_from_args(ReturnFieldArgs { arg_fields: &types, scalar_arguments: &scalars })?;
        self.0.invoke_with_args(args)?.cast_to(&wanted, Some(&DEFAULT_CAST_OPTIONS))
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        Ok(match self.0.simplify(args, info)? {
            ExprSimplifyResult::Simplified(expr) => {
                let own = info.get_data_type(&expr)?;
                let wanted = delta_type(&own);
                ExprSimplifyResult::Simplified(if own == wanted { expr } else { cast(expr, wanted) })
            }
            original @ ExprSimplifyResult::Original(_) => original,
        })
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.0.coerce_types(arg_types)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.0.documentation()
    }
}
