//! What is known of the order and of the constants of rows, where DataFusion knows too much or too little.

mod first_rows;
mod grouping_sets;
mod lost;
mod outer_joins;
mod skipped;
mod zeros;

pub(crate) use first_rows::FirstRows;
pub(crate) use grouping_sets::GroupingSets;
pub(crate) use lost::LostOrders;
pub(crate) use outer_joins::OuterJoins;
pub(crate) use skipped::SkippedRows;
pub(crate) use zeros::EqualZeros;
