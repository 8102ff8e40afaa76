//! Aggregates that stand in the place of DataFusion's, which give wrong values or values that Delta tables cannot hold.

use datafusion::functions_aggregate::approx_distinct::approx_distinct_udaf;
use datafusion::functions_aggregate::regr::regr_count_udaf;
use datafusion::logical_expr::AggregateUDF;

pub mod checked_sum;
pub mod delta_types;
pub mod extremes;
pub mod framed;

/// All that are called by their names, in alphabetical order. [`framed`] is put around others where they are called.
pub(super) fn all() -> [AggregateUDF; 5] {
    [
        AggregateUDF::from(delta_types::DeltaTyped::new(approx_distinct_udaf())),
        AggregateUDF::from(extremes::Extreme::max()),
        AggregateUDF::from(extremes::Extreme::min()),
        AggregateUDF::from(delta_types::DeltaTyped::new(regr_count_udaf())),
        AggregateUDF::from(checked_sum::CheckedSum::new()),
    ]
}
