//! From the logical plan of a segment to its physical plan.
//!
//! DataFusion's planner takes more than linear time in the depth of a plan: joins ask for the statistics of
//! everything below them, chains of filters become one conjunction whose analysis takes the fourth power of its
//! length. So a long segment is planned in parts ([`SegmentPlan::parts`](crate::SegmentPlan::parts)). To the part that reads
//! it, a part is a leaf ([`ViewReader::Part`](crate::operators::leaf::ViewReader)): no rule looks through it, and planning
//! takes time linear in the number of parts. Nothing is stored between two parts; rows stream through the leaf.
//!
//! Names that the optimizer makes up are counted per segment, so a segment has the same plan whatever is planned
//! beside it.

#![expect(clippy::wildcard_enum_match_arm, reason = "plans of DataFusion, of which few nodes are meant")]

mod check;
mod explain;
mod needed;
mod run;
mod segment;
mod segment_session;
mod sharing;
mod wide_rows;

pub use check::{PlannedSegments, Unplannable, plan_all, unplannable_nodes};
pub use explain::{Stage, explain};
pub(crate) use explain::{logical_block, optimized_block, physical_block};
pub(crate) use run::{Planned, RunPlanner};
pub(crate) use sharing::{ONE_WRITER_BYTES, Sharing, with_writers};
