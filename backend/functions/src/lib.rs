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
//! | `c3_linearize` | the order in which members of classes are looked up |
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

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::logical_expr::registry::FunctionRegistry;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};

pub mod aggregate;
mod document;
pub mod scalar;
pub mod window;

/// The kinds of functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FunctionKind {
    /// A value of each row.
    Scalar,
    /// A value of many rows.
    Aggregate,
    /// A value of each row and the rows around it.
    Window,
}

impl FunctionKind {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Aggregate => "aggregate",
            Self::Window => "window",
        }
    }
}

/// Functions whose values have changed since they were first published, with how often. Whoever changes what a function of this
/// crate gives for some arguments raises its number here: what was computed before is not taken for what it gives now.
const CHANGED: [(FunctionKind, &str, u32); 0] = [];

/// The version of the implementation of every function of this crate, by all its names: 1 for what has never changed.
#[must_use]
pub fn implementations() -> BTreeMap<(FunctionKind, String), u32> {
    let scalar =
        scalar_functions().into_iter().map(|it| (FunctionKind::Scalar, names(it.name(), it.aliases())));
    let aggregate =
        aggregate_functions().into_iter().map(|it| (FunctionKind::Aggregate, names(it.name(), it.aliases())));
    let window =
        window_functions().into_iter().map(|it| (FunctionKind::Window, names(it.name(), it.aliases())));
    let version = |kind: FunctionKind, names: &[String]| {
        let changed = CHANGED.iter().find(|(of, name, _)| *of == kind && names.iter().any(|it| it == name));
        changed.map_or(1, |(_, _, times)| 1 + times)
    };
    let all = scalar.chain(aggregate).chain(window);
    all.flat_map(|(kind, names)| {
        let version = version(kind, &names);
        names.into_iter().map(move |name| ((kind, name), version))
    })
    .collect()
}

fn names(name: &str, aliases: &[String]) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(aliases.iter().cloned()).collect()
}

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
