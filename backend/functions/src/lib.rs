//! SQL functions for stable identifiers, byte spans, text normalisation and ordered grouping, usable from any
//! DataFusion program.
//!
//! | function | meaning |
//! |---|---|
//! | `stable_hash64`, `stable_hash128` | BLAKE2b of a text |
//! | `stable_id64`, `stable_id128` | identifier of a row from a kind and any number of parts |
//! | `span_make`, `span_len`, `span_contains`, `span_overlaps` | byte spans as structs |
//! | `utf8_normalize` | Unicode normal form, case folding, white space |
//! | `count_if`, `arg_max`, `arg_min` | aggregates DataFusion does not have |
//! | `array_agg_sorted` | a list per group ordered by keys, vectorised over all groups |
//!
//! Others stand in the place of DataFusion's functions of the same names, which give wrong values or values that Delta
//! tables cannot hold:
//!
//! | function | what is different |
//! |---|---|
//! | `sum` | fails where the sum does not fit its type |
//! | `min`, `max` | of floats over groups: NaN is the largest value |
//! | `approx_distinct`, `regr_count` | BIGINT |
//! | `at_time_zone`, which `AT TIME ZONE` calls | between moments in UTC and clock times, not how one is printed |
//! | `to_timestamp` and its kin, `now`, `date_trunc`, `date_bin`, `to_char` | microseconds in UTC: years 1 to 9999 and beyond |
//! | `array_length`, `cardinality`, `array_position`, `row_number`, `rank`, `ntile` and their kin | BIGINT |
//! | `repeat`, `lpad`, `rpad`, `range`, `generate_series`, `array_repeat`, `array_resize` | refuse to make more than 256 MiB, or 16 million elements, of a batch |
//! | `lead`, `lag` | `IGNORE NULLS` with any offset and default |
//!
//! [`scalar::instead::checked_arithmetic`] has the operators that fail instead of wrapping around. [`aggregate::instead::framed`] makes
//! any aggregate right over frames of a window.
//!
//! Every function is immutable, works on whole columns, declares the argument types it accepts (so it can be
//! planned from SQL), declares whether its result can be NULL, and documents itself through DataFusion's
//! [`Documentation`](datafusion::logical_expr::Documentation).

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::logical_expr::registry::FunctionRegistry;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};

pub mod aggregate;
mod document;
pub mod scalar;
pub mod window;

/// All scalar functions of this crate, in alphabetical order of their names.
#[must_use]
pub fn scalar_functions() -> Vec<Arc<ScalarUDF>> {
    scalar::all()
}

/// All aggregate functions of this crate, in alphabetical order of their names.
#[must_use]
pub fn aggregate_functions() -> Vec<Arc<AggregateUDF>> {
    aggregate::all()
}

/// All window functions of this crate, in alphabetical order of their names.
#[must_use]
pub fn window_functions() -> Vec<Arc<WindowUDF>> {
    window::all()
}

/// Registers every function of this crate. Functions of the same names that are already registered are
/// replaced, so registering twice changes nothing.
///
/// # Errors
/// Whatever the registry answers, for instance that it does not accept new functions.
pub fn register(registry: &mut dyn FunctionRegistry) -> Result<()> {
    for function in scalar_functions() {
        registry.register_udf(function)?;
    }
    for function in aggregate_functions() {
        registry.register_udaf(function)?;
    }
    for function in window_functions() {
        registry.register_udwf(function)?;
    }
    Ok(())
}
