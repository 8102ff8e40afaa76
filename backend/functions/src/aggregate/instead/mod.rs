//! Aggregates that stand in the place of DataFusion's, which give wrong values or values that Delta tables cannot hold.

use datafusion::functions_aggregate::approx_distinct::approx_distinct_udaf;
use datafusion::functions_aggregate::regr::regr_count_udaf;
use datafusion::logical_expr::AggregateUDF;

pub mod checked_sum;
pub mod delta_types;
pub mod extremes;

/// All of them, in alphabetical order of their names.
pub(super) fn all() -> [AggregateUDF; 5] {
    [
        AggregateUDF::from(delta_types::DeltaTyped::new(approx_distinct_udaf())),
        AggregateUDF::from(extremes::Extreme::max()),
        AggregateUDF::from(extremes::Extreme::min()),
        AggregateUDF::from(delta_types::DeltaTyped::new(regr_count_udaf())),
        AggregateUDF::from(checked_sum::CheckedSum::new()),
    ]
}
