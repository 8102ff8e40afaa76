//! `to_char` for timestamps of microseconds.
//!
//! DataFusion's function asks for nanoseconds, which end in 2262, where it is given microseconds with a time zone.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// `to_char(time, format)`, with the formats of DataFusion's function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ToChar {
    signature: Signature,
    general: Arc<ScalarUDF>,
}

impl ToChar {
    /// The function. `general` formats.
    #[must_use]
    pub fn new(general: Arc<ScalarUDF>) -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable), general }
    }
}

impl ScalarUDFImpl for ToChar {
    fn name(&self) -> &str {
        self.general.name()
    }

    fn aliases(&self) -> &[String] {
        self.general.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        use DataType::{
            Date32, Date64, Duration, LargeUtf8, Null, Time32, Time64, Timestamp, Utf8, Utf8View,
        };
        let [time, Utf8 | LargeUtf8 | Utf8View | Null] = arg_types else {
            return plan_err!("{} takes a date or time and a format", self.name());
        };
        let time = match time {
            Date32 | Date64 | Duration(_) | Time32(_) | Time64(_) => time.clone(),
            Timestamp(_, zone) => Timestamp(TimeUnit::Microsecond, zone.clone()),
            Utf8 | LargeUtf8 | Utf8View => Timestamp(TimeUnit::Microsecond, None),
            Null => Date32,
            other => return plan_err!("{} takes a date or time, not {other}", self.name()),
        };
        Ok(vec![time, Utf8])
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.general.return_type(arg_types)
    }

    fn is_strict(&self) -> bool {
        self.general.is_strict()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.general.invoke_with_args(args)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.general.documentation()
    }
}
