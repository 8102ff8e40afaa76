//! Functions from one row to one value.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

mod canonical;
pub mod span;
pub mod stable_hash;
pub mod stable_id;
mod text_column;
pub mod utf8_normalize;

/// Every scalar function, in alphabetical order of the names.
pub(crate) fn all() -> Vec<Arc<ScalarUDF>> {
    [
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
    .map(Arc::new)
    .to_vec()
}
