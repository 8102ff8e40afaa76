//! Our nodes in DataFusion's plans, and how they are planned.
//!
//! | logical node | physical operator |
//! |---|---|
//! | [`SharedViewNode`] | [`SharedViewExec`]: reads what the view's segment stored |
//! | [`SpanJoinNode`] | [`SpanJoinExec`](span_join::SpanJoinExec) |
//! | [`WriteNode`], [`OutputsNode`] | none: outputs are run segment by segment |

mod outputs;
mod planner;
mod shared_view;
pub mod span_join;
mod span_join_node;
mod store;

pub use outputs::{OutputsNode, WriteNode};
pub(crate) use planner::OperatorPlanner;
pub use shared_view::{SharedViewExec, SharedViewNode};
pub use span_join_node::{SpanJoinKeys, SpanJoinNode};
pub use store::{SharedStore, StoreCounters};
pub(crate) use store::RunStores;
