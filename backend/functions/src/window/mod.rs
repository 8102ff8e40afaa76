//! Functions of a row and its neighbours.

use std::sync::Arc;

use datafusion::logical_expr::WindowUDF;

pub mod delta_types;
pub mod neighbours;

/// Every window function of this crate, in alphabetical order of the names.
pub(crate) fn all() -> Vec<Arc<WindowUDF>> {
    use datafusion::functions_window::{lead_lag, ntile, rank, row_number};
    [
        WindowUDF::from(delta_types::DeltaTyped::new(rank::dense_rank_udwf())),
        WindowUDF::from(neighbours::Neighbour::new(lead_lag::lag_udwf())),
        WindowUDF::from(neighbours::Neighbour::new(lead_lag::lead_udwf())),
        WindowUDF::from(delta_types::DeltaTyped::new(ntile::ntile_udwf())),
        WindowUDF::from(delta_types::DeltaTyped::new(rank::rank_udwf())),
        WindowUDF::from(delta_types::DeltaTyped::new(row_number::row_number_udwf())),
    ]
    .map(Arc::new)
    .to_vec()
}
