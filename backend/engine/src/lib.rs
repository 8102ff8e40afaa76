//! The DataFusion side of the compiler: types for the front end, plans from a verified graph, runs of those plans.
//!
//! | module | does |
//! |---|---|
//! | resources | the memory of a session, and its temporary files |
//! | stop | the switch that stops work, and planning that looks at it |
//! | session | builds the one DataFusion state everything uses |
//! | tables | opens the tables of a compilation, each once |
//! | identity | tells the rows of one table from those of every other |
//! | oracle | answers what the compiler asks ([`ir::oracle::Oracle`]) |
//! | emit | turns a graph into one DAG of logical plans |
//! | dag | that DAG, and the segments that are cut from it |
//! | [`semantics`] | what SQL means here, where DataFusion computes something else |
//! | [`planning`] | from the logical plan of a segment to its physical plan, part by part, and to text |
//! | rules | our rules of DataFusion's optimizers, and the order of all |
//! | [`operators`] | our nodes in DataFusion's plans: shared views, span joins, outputs |
//! | execute | runs a DAG: shared views once, outputs written together, commits last |
//! | capture | how the segments of a run were planned, kept for its audit |
//! | memo | answers that are asked for again |
//! | error | what can go wrong, in words for people |
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

mod capture;
mod dag;
mod emit;
mod error;
mod execute;
mod identity;
mod memo;
pub mod operators;
mod oracle;
pub mod planning;
mod resources;
mod rules;
pub mod semantics;
mod session;
mod sql;
mod stop;
mod tables;

pub use capture::{
    CaptureUse, FilterAnswer, OfferedFilter, PlanCapture, RuleImpact, RulePhase, RuleRun, RunCapture,
    ScanCapture, SegmentCapture,
};
pub use dag::{PartPlan, PlanDag, SegmentKind, SegmentPlan};
/// The version of DataFusion.
pub use datafusion::DATAFUSION_VERSION;
/// What operators fail with.
pub use datafusion::error::DataFusionError;
pub use delta::{ScanMeasures, ScannedTable};
pub use emit::emit;
pub use error::{EngineError, RunError, Violation, message_of};
pub use execute::{
    AssertionOutcome, Computed, ExecutionObserver, FailingRows, GraphCheck, OperatorKind, OperatorMetrics,
    OutputOutcome, RanOperators, ReturnedRows, RunOptions, RunOutcome, SegmentOutcome, compute, execute,
    returned_rows,
};
pub use files::{FileIdentity, FileTable, Place as PlaceOfFiles, is_in_a_reader};
pub use operators::StoreCounters;
pub use oracle::EngineOracle;
pub use planning::{Stage, explain};
pub use resources::{CacheUse, MemoryHolder, SpillUse};
pub use session::{
    EffectiveSetting, Extension, FormatPolicy, FunctionCall, FunctionPart, KNOBS, Knob, MANIFEST_VERSION,
    MemoryUse, Origin, Part, PlanningSurface, PlanningSurfaceBuilder, PlanningSurfaceSpec, Provider, SIZES,
    SURFACE_VERSION, Session, SessionManifest, SessionOptions, SettingRefusal, Size, SurfaceSpecError, Turns,
    TypedPolicy, is_planning_setting, runtime, setting_refusals,
};
pub use sql::QueryRows;
pub use stop::{Cancellation, Publishing};
pub use tables::{TableRequest, Tables};
