//! Physical rules that choose the sides of joins.

mod recursions;
mod sides;

pub(super) use recursions::{Recursions, keeps_table};
pub(super) use sides::JoinSides;
