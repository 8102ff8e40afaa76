//! Rules about projections in logical plans.

mod merged;
mod unused_columns;

pub(crate) use merged::MergedProjections;
pub(crate) use unused_columns::UnusedColumns;
