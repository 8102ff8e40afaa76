//! Functions from one row to one value.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

mod canonical;
pub mod instead;
pub mod span;
pub mod stable_hash;
pub mod stable_id;
mod text_column;
pub mod utf8_normalize;

/// Every scalar function: those of this crate in alphabetical order of the names, then those that stand in the place
/// of DataFusion's.
pub(crate) fn all() -> Vec<Arc<ScalarUDF>> {
    let own = [
        ScalarUDF::from(span::SpanPredicate::contains()),
        ScalarUDF::from(span::SpanLen::new()),
        ScalarUDF::from(span::SpanMake::new()),
        ScalarUDF::from(span::SpanPredicate::overlaps()),
        ScalarUDF::from(stable_hash::StableHash::wide()),
        ScalarUDF::from(stable_hash::StableHash::narrow()),
        ScalarUDF::from(stable_id::StableId::wide()),
        ScalarUDF::from(stable_id::StableId::narrow()),
        ScalarUDF::from(utf8_normalize::Utf8Normalize::new()),
    ]
    .map(Arc::new);
    own.into_iter().chain(instead::all()).collect()
}
