//! The operator for rows that come from elsewhere than from operators below it.
//!
//! | [`RowSource`] | where the rows are |
//! |---|---|
//! | [`StoredView`] | in the store of a shared view |
//! | `PlannedPart` | in the plan of a part of the segment, which runs in the place of the leaf |
//! | `Once` | in streams that are read already, or are read once |
//!
//! No rule of planning looks through a leaf. Whoever asks what runs does: `seen` and `inputs` are the way past a leaf that
//! stands for a plan, for measures, for what is shown, and for the watchdog.

mod node;
mod once;
mod part;
mod rows;
mod stored_view;
mod written;

pub use node::{ViewReader, ViewReaderNode};
pub(crate) use once::{Once, once, once_each};
pub(crate) use part::{PlannedPart, PlannedParts};
pub use rows::{RowSource, RowsExec};
pub(crate) use rows::{behind, inputs, seen, source_of};
pub use stored_view::StoredView;
pub(crate) use written::WrittenNode;
