//! The DataFusion side of the compiler: types for the front end, plans from a verified graph, runs of those plans.
//!
//! | module | does |
//! |---|---|
//! | session | builds the one DataFusion state everything uses |
//! | tables | opens the tables of a compilation, each once |
//! | identity | tells the rows of one table from those of every other |
//! | oracle | answers what the compiler asks ([`ir::oracle::Oracle`]) |
//! | emit | turns a graph into one DAG of logical plans, and plans into text |
//! | dag | that DAG, and the segments that are cut from it |
//! | [`planning`] | from the logical plan of a segment to its physical plan, part by part |
//! | [`operators`] | our nodes in DataFusion's plans: shared views, span joins, outputs |
//! | execute | runs a DAG: shared views once, outputs written together, commits last |
//! | sql | runs queries of users over the tables of a lake |
//!
//! A run in short:
//!
//! ```text
//! TableRequest::of_graph -> Tables::resolve -> EngineOracle -> (passes) -> emit -> execute
//! ```
//!
//! Call the engine inside the runtime that [`runtime`] makes: plans may nest deeper than the stacks of ordinary
//! worker threads allow.

// Whoever adds an operation is told every place that has to know it.
#![warn(clippy::wildcard_enum_match_arm)]

mod dag;
mod emit;
mod error;
mod execute;
mod identity;
mod memo;
pub mod operators;
mod oracle;
pub mod planning;
mod rules;
pub mod semantics;
mod session;
mod sql;
mod tables;

pub use dag::{PartPlan, PlanDag, SegmentKind, SegmentPlan};
pub use delta::ScanMeasures;
pub use emit::{Stage, emit, explain};
pub use error::{EngineError, RunError, message_of};
pub use execute::{
    Cancellation, Computed, ExecutionObserver, GraphCheck, OperatorMetrics, OutputOutcome, Publishing,
    RunOptions, RunOutcome, SegmentOutcome, Violation, compute, execute,
};
pub use identity::identity_of;
pub use operators::StoreCounters;
pub use oracle::EngineOracle;
pub use session::{MemoryHolder, MemoryUse, Session, SessionOptions, SpillUse, runtime};
pub use sql::QueryRows;
pub use tables::{TableRequest, Tables};
