//! Our nodes in DataFusion's plans, and how they are planned.
//!
//! | logical node | physical operator |
//! |---|---|
//! | [`ViewReaderNode`](leaf::ViewReaderNode) | [`RowsExec`](leaf::RowsExec): the rows that the view's segment stored, or those of a part of the segment |
//! | [`SpanJoinNode`] | [`SpanJoinExec`](span_join::SpanJoinExec) |
//! | [`WriteNode`] | [`WriteExec`]: gives its rows as the table wants them distributed; execution writes them |
//! | [`OutputsNode`] | none: outputs are run one by one |
//! | `ForgottenDependencies` | none: its rows are those of its input |

mod boundary;
mod bounded_aggregate;
mod cardinality;
mod dependencies;
mod exchange;
pub(crate) mod forward;
pub mod leaf;
mod outputs;
mod planner;
mod row_widths;
mod runs;
mod sliced_projection;
pub mod span_join;
mod spill;
mod spilling_aggregate;
mod spilling_join;
mod spilling_window;
mod store;

pub(crate) use boundary::BoundaryExec;
pub use bounded_aggregate::BoundedAggregateExec;
pub(crate) use cardinality::{Cardinalities, Rows};
pub(crate) use dependencies::ForgottenDependencies;
pub use exchange::ExchangeExec;
pub(crate) use outputs::ordering;
pub use outputs::{CheckNode, OutputsNode, WriteExec, WriteNode};
pub(crate) use planner::EnginePlanner;
pub(crate) use row_widths::{RowWidths, USUAL_ROW_BYTES, narrowed};
pub use sliced_projection::SlicedProjectionExec;
pub use span_join::{SpanJoinKeys, SpanJoinMode, SpanJoinNode};
pub(crate) use spill::CompactExec;
pub(crate) use spilling_aggregate::LIST;
pub use spilling_aggregate::SpillingAggregateExec;
pub use spilling_join::SpillingHashJoinExec;
pub use spilling_window::SpillingWindowAggExec;
pub(crate) use store::{PinnedRows, RunStores};
pub use store::{SharedStore, StoreCounters};
