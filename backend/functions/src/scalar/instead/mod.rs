//! Functions that stand in the place of DataFusion's functions and operators, which give wrong values or values that
//! Delta tables cannot hold.

use std::sync::Arc;

use datafusion::config::ConfigOptions;
use datafusion::functions::{datetime, string, unicode};
use datafusion::functions_nested::{cardinality, dimension, length, position, range, repeat, resize};
use datafusion::logical_expr::ScalarUDF;

use bounded::Growth;

pub mod bounded;
pub mod calendar;
pub mod checked_arithmetic;
pub mod delta_types;
pub mod time_zone;
pub mod timestamps;
pub mod to_char;

/// Those with names of functions; operators are made where an expression is planned.
pub(crate) fn all() -> Vec<Arc<ScalarUDF>> {
    let options = ConfigOptions::new();
    let mut functions = vec![
        Arc::new(ScalarUDF::from(calendar::DateBin::new(datetime::date_bin()))),
        Arc::new(ScalarUDF::from(calendar::DateTrunc::new())),
        Arc::new(ScalarUDF::from(time_zone::AtTimeZone::new())),
        Arc::new(ScalarUDF::from(timestamps::ToTimestamp::new(datetime::to_timestamp_micros(&options)))),
        Arc::new(ScalarUDF::from(to_char::ToChar::new(datetime::to_char()))),
    ];
    let converted = [
        cardinality::cardinality_udf(),
        dimension::array_ndims_udf(),
        dimension::array_dims_udf(),
        length::array_length_udf(),
        position::array_position_udf(),
        position::array_positions_udf(),
        datetime::from_unixtime(),
        datetime::now(&options),
        datetime::to_timestamp_seconds(&options),
        datetime::to_timestamp_millis(&options),
        datetime::to_timestamp_micros(&options),
        datetime::to_timestamp_nanos(&options),
    ];
    let bounded = [
        (string::repeat(), Growth::Copies),
        (unicode::lpad(), Growth::Characters),
        (unicode::rpad(), Growth::Characters),
        (repeat::array_repeat_udf(), Growth::Elements),
        (resize::array_resize_udf(), Growth::Elements),
        (range::range_udf(), Growth::Series),
        (range::gen_series_udf(), Growth::Series),
    ];
    functions.extend(
        bounded.map(|(function, growth)| Arc::new(ScalarUDF::from(bounded::Bounded::new(function, growth)))),
    );
    functions
        .extend(converted.map(|function| Arc::new(ScalarUDF::from(delta_types::DeltaTyped::new(function)))));
    functions
}
