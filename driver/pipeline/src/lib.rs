//! From a spec to published tables, as a library: what stands between a program and the compiler's crates.
//!
//! ```text
//! Source::open -> CompileRequest -> compile -> Compilation -> publish -> Outcome
//!                                                  |-> response -> CompileResponse: hashes, the schedule in numbers
//!                                                  `-> plan -> Plans: explain, write -> Written: commit
//! extract: source code -> Extraction: publish, or compile over it and publish both together
//!                                                  `-> preview -> Preview: the first rows of a view
//! Lake::ask: a statement about published tables -> Answer: rows
//! ```
//!
//! | module | does |
//! |---|---|
//! | [`configuration`] | what a user allows and prefers, with where each value comes from |
//! | workers | the threads, what they may use, and the switch that stops them |
//! | compilation | spec -> graph, with the tables it reads opened once and what earlier compilations proved |
//! | execution | graph -> plans -> published tables |
//! | costs | what each view cost in a run |
//! | [`editor`] | a check again after every change, and answers about places of a text |
//! | extraction | source code -> Delta tables |
//! | query | statements of SQL about the tables of a lake, and the rows of a view of a spec |
//! | locks | one publisher a table at a time |
//! | provenance | one run: what tells it apart, its commit metadata, its record |
//! | [`record`] | what is kept of a run, written and read; what identifies a compilation |
//! | [`replay`] | a recorded run, looked at and computed again |
//! | [`testing`] | the tests of a spec, run over rows that they give |
//! | folders | folders of the program's own, beside what others wrote |
//! | observer | what a program is told while this works |
//! | events | what happens, as lines of JSON |
//! | otel | traces as OpenTelemetry has them, with the feature `otel` |
//! | openlineage | what runs read and write, and which columns come from which |
//! | error | why something did not come to its end |
//!
//! This crate prints nothing, reads no arguments and no environment, and installs no signal handlers. A program that
//! wants to stop what it started throws the [`Cancellation`] it gave to [`Workers::new`]. What is wrong with a spec is
//! a value ([`PipelineError::Findings`]), as is everything else that can fail.
//!
//! No other crate runs passes and emits plans: whoever needs a compiled or a running spec calls this one.

mod compilation;
pub mod configuration;
mod costs;
pub mod editor;
mod error;
mod events;
mod execution;
mod extraction;
mod folders;
mod locks;
mod observer;
mod openlineage;
#[cfg(feature = "otel")]
pub mod otel;
mod provenance;
mod query;
pub mod record;
pub mod replay;
pub mod testing;
#[cfg(test)]
mod tests;
mod workers;

pub use ::delta::{SchemaDiff, cast_alignment, schema_hash};
pub use ::extract::{Repository, Summary, Syntax};
pub use compilation::{
    Compilation, CompileRequest, CompileResponse, CompileWarning, Memory, OracleView, PassOutcome, Plans,
    RESPONSE_FORMAT, Ruleset, SessionFactory, Source, Task, TaskSchedule, Written, compile, listing_findings,
    read_parameters, run_pass, setting_findings, verify_graph,
};
pub use delta::{Access, Roots};
pub use engine::{Cancellation, Stage, is_in_a_reader};
pub use error::PipelineError;
pub use events::{EVENT_SCHEMA_VERSION, EndStatus, EventLog, event_schema, events_made};
pub use execution::{Outcome, PublishOptions, new_run_id, publish};
pub use extraction::{
    DEFAULT_LAKE, ExtractOptions, Extracted, ExtractedTable, Extraction, extract, lake_at,
    lake_of_repository, make_lake, no_linked_tables, shown_folders,
};
pub use locks::{Locks, Waiting};
pub use observer::{Observer, RunStart, TRACING_TARGET};
pub use openlineage::{LineageLog, OPENLINEAGE_VERSION};
pub use passes::{InScope, Scope, ScopeError, Selection};
pub use query::{
    Answer, AnswerRows, Asking, Lake, LakeTable, MAIN_SCHEMA, Preview, Scanned, ScannedInput, Statement,
};
pub use record::{Envelope, IdentityReport, ProviderIdentity, Stages};
pub use workers::{WorkerOptions, Workers, on_deep_stack};

/// What this crate's functions give.
pub type Result<T, E = PipelineError> = std::result::Result<T, E>;
