//! Calls that fail whatever the rows are, because of what is written in them.
//!
//! `split_part(path, '/', 0)` fails for every text. DataFusion finds out with the first row; a query is refused here, before
//! anything runs. A call whose arguments are all written is computed. Of others, the functions whose written arguments
//! decide whether they work are computed for a row of empty texts and zeros, which they all take.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr::{AggregateFunction, Cast, ScalarFunction};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable as _, ReturnFieldArgs, ScalarFunctionArgs, Volatility,
};

use crate::error::NotComputed;
use crate::error::message_of;

/// Functions, with the argument that decides.
const DECIDED_BY: &[(&str, usize)] = &[
    ("at_time_zone", 1),
    ("date_bin", 0),
    ("date_trunc", 0),
    ("digest", 1),
    ("encode", 1),
    ("regexp_count", 1),
    ("regexp_instr", 1),
    ("regexp_like", 1),
    ("regexp_match", 1),
    ("regexp_replace", 1),
    ("split_part", 2),
    ("substr", 2),
];

/// Refuses a call of a function that always fails.
pub(super) fn check_function(call: &ScalarFunction, schema: &DFSchema) -> Result<()> {
    if call.args.is_empty() || call.func.signature().volatility != Volatility::Immutable {
        return Ok(());
    }
    let written: Vec<Option<ScalarValue>> = call.args.iter().map(literal).collect();
    let decides = DECIDED_BY.iter().find(|(name, _)| *name == call.name());
    let decided = decides.is_some_and(|(_, at)| written.get(*at).is_some_and(Option::is_some));
    if !decided && !written.iter().all(Option::is_some) {
        return Ok(());
    }
    let mut fields = Vec::with_capacity(call.args.len());
    let mut values = Vec::with_capacity(call.args.len());
    for (argument, written) in call.args.iter().zip(&written) {
        let data_type = argument.get_type(schema)?;
        let value = match written {
            Some(value) => value.clone(),
            // A type without such a value is not checked.
            None => match ScalarValue::new_default(&data_type) {
                Ok(value) => value,
                Err(_) => return Ok(()),
            },
        };
        fields.push(Arc::new(Field::new("", data_type, true)));
        values.push(value);
    }
    let scalars: Vec<Option<&ScalarValue>> = written.iter().map(Option::as_ref).collect();
    let of_fields = ReturnFieldArgs { arg_fields: &fields, scalar_arguments: &scalars };
    let return_field = call.func.return_field_from_args(of_fields)?;
    let args = ScalarFunctionArgs {
        args: values.into_iter().map(ColumnarValue::Scalar).collect(),
        arg_fields: fields,
        number_rows: 1,
        return_field,
        config_options: Arc::new(ConfigOptions::default()),
    };
    match call.func.invoke_with_args(args) {
        Ok(_) => Ok(()),
        // Some functions, such as arrow_cast, are not computed themselves: the optimizer puts something in their place.
        Err(error)
            if matches!(
                error.find_root(),
                DataFusionError::Internal(_) | DataFusionError::NotImplemented(_)
            ) =>
        {
            Ok(())
        }
        Err(error) => NotComputed::error(format!("{}: {}", call.name(), message_of(&error))),
    }
}

/// Refuses a call of an aggregate that always fails.
pub(super) fn check_aggregate(call: &AggregateFunction) -> Result<()> {
    let argument = |at: usize| call.params.args.get(at).map(literal);
    let name = call.func.name();
    match name {
        "string_agg" if matches!(argument(1), Some(None)) => {
            NotComputed::error("the separator of string_agg must be a text, not an expression")
        }
        "approx_percentile_cont" | "percentile_cont" => check_share(name, argument(1)),
        "approx_percentile_cont_with_weight" => check_share(name, argument(2)),
        _ => Ok(()),
    }
}

fn check_share(name: &str, share: Option<Option<ScalarValue>>) -> Result<()> {
    let Some(Some(share)) = share else { return Ok(()) };
    match share.cast_to(&DataType::Float64) {
        Ok(ScalarValue::Float64(Some(value))) if !(0.0..=1.0).contains(&value) => {
            NotComputed::error(format!("the percentile of {name} is between 0 and 1, not {value}"))
        }
        _ => Ok(()),
    }
}

/// The value of a literal, converted or not.
pub(super) fn literal(expr: &Expr) -> Option<ScalarValue> {
    match expr {
        Expr::Literal(value, _) => Some(value.clone()),
        Expr::Cast(Cast { expr, field }) => literal(expr)?.cast_to(field.data_type()).ok(),
        _ => None,
    }
}
