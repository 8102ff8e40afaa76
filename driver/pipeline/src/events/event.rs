//! What an event says: the one source of the lines and of their JSON Schema.

use ir::diag::{ResolvedDiagnostic, Severity};
use ir::stage::Stage;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use engine::{OutputOutcome, SegmentOutcome};

use crate::replay::Report;
use crate::{Compilation, ExtractedTable};

/// The version of the format of events. Fields and events may be added within a version; a field that goes, or means something
/// else, makes a new one.
pub const EVENT_SCHEMA_VERSION: u32 = 1;

/// The JSON Schema of a line of a file of events, derived from the types that lines are written from.
#[must_use]
pub fn event_schema() -> serde_json::Value {
    // As lines are written: every field is there.
    let settings = SchemaSettings::default().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Event<'static>>().to_value();
    if let Some(properties) = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut) {
        properties.insert("schema_version".to_owned(), serde_json::json!({"const": EVENT_SCHEMA_VERSION}));
    }
    schema
}

/// A line of a file of events.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Event of CodeAnatomy", inline)]
pub(super) struct Event<'a> {
    /// The version of this format.
    pub(super) schema_version: u32,
    /// The run that it belongs to, as a UUID: that in the record of a run that publishes.
    #[schemars(extend("format" = "uuid"))]
    pub(super) run_id: &'a str,
    /// Its place among the events of the run, counted from 0 without gaps.
    pub(super) sequence: u64,
    /// When it happened: RFC 3339, UTC, to the microsecond.
    #[schemars(extend("format" = "date-time"))]
    pub(super) time: &'a str,
    /// What happened.
    #[serde(flatten)]
    pub(super) kind: EventKind,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndStatus {
    /// It did what it was asked for.
    Succeeded,
    /// Something is wrong.
    Failed,
    /// It was stopped from outside.
    Cancelled,
}

/// What happened.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum EventKind {
    /// The first event: a command begins, and nothing is read yet.
    RunStarted {
        /// The command, such as `run`.
        command: String,
        /// The version of the program.
        program_version: String,
    },
    /// A stage begins.
    StageStarted {
        /// The stage.
        stage: Stage,
    },
    /// A stage has ended, whatever came of it.
    StageFinished {
        /// The stage.
        stage: Stage,
        /// How long it took.
        seconds: f64,
    },
    /// A pass of the compiler ran.
    PassFinished {
        /// The pass.
        pass: String,
        /// The stage that its time counts for.
        stage: Stage,
        /// How long it took, verification included.
        seconds: f64,
        /// The nodes of the graph after it.
        nodes: usize,
        /// How many findings it made.
        findings: usize,
    },
    /// A spec is compiled, perhaps with mistakes.
    Compiled {
        /// The name of the spec.
        spec: String,
        /// The hash of the spec; null for one that could be read in part only.
        spec_hash: Option<String>,
        /// The tables that are read.
        inputs: Vec<InputTable>,
        /// The nodes of its graph.
        nodes: usize,
        /// The segments of its schedule; 0 where it got no schedule.
        segments: usize,
        /// The views that an earlier compilation had proven; null where there was none.
        reused_views: Option<usize>,
    },
    /// Something was found. Each finding is told once.
    Found(Finding),
    /// Somebody else publishes to a table, and this waits for it.
    Waiting {
        /// Who and where, as a sentence.
        reason: String,
    },
    /// The run of a spec begins.
    ExecutionStarted {
        /// The hash of everything besides the spec that decides its rows.
        envelope_hash: String,
        /// The tables that it will publish.
        outputs: Vec<String>,
    },
    /// A segment begins to run.
    SegmentStarted {
        /// `view x` or `output x`.
        segment: String,
    },
    /// A segment is done. The files of an output are written, and nobody sees them yet.
    SegmentFinished {
        /// `view x` or `output x`.
        segment: String,
        /// The table it writes; null for a shared view.
        output: Option<String>,
        /// Its level in the schedule.
        level: u32,
        /// The rows it produced.
        rows: u64,
        /// The partitions of its plan.
        partitions: usize,
        /// The time to plan it.
        plan_seconds: f64,
        /// The time to run it.
        run_seconds: f64,
    },
    /// A table is published.
    OutputPublished(Published),
    /// A spec was run to its end, well or not.
    ExecutionFinished {
        /// How it ended.
        status: EndStatus,
        /// The tables that it published.
        outputs: usize,
        /// The sum of its stages.
        seconds: f64,
    },
    /// A recorded run was looked at again.
    Replayed {
        /// The recorded run.
        recorded_run_id: String,
        /// Whether its rows would be the same now.
        same: bool,
        /// What differs and decides rows, or cannot be told.
        differing: Vec<String>,
    },
    /// The last event: the command has ended.
    RunFinished {
        /// How it ended.
        status: EndStatus,
        /// The findings that are errors.
        errors: u64,
        /// The findings that are warnings.
        warnings: u64,
        /// What went wrong where no finding says it; null otherwise.
        message: Option<String>,
        /// How long the command took.
        seconds: f64,
    },
}

/// A table that is read.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct InputTable {
    /// The name of the input.
    input: String,
    /// Its location as the spec gives it.
    location: String,
    /// Its version; null for files, which have none, and where it could not be opened.
    version: Option<u64>,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub(super) struct Finding {
    /// The code, such as `E0707`.
    pub(super) code: String,
    /// How grave it is.
    pub(super) severity: Severity,
    /// The stage in which it was found; null where it does not say.
    pub(super) stage: Option<Stage>,
    /// What is wrong.
    pub(super) message: String,
    /// The place as a path from the root of the spec.
    pub(super) path: Option<String>,
    /// The line, counted from 1.
    pub(super) line: Option<usize>,
    /// The column in characters, counted from 1.
    pub(super) column: Option<usize>,
    /// What to do next.
    pub(super) help: Option<String>,
}

impl From<ResolvedDiagnostic> for Finding {
    fn from(found: ResolvedDiagnostic) -> Self {
        Self {
            code: found.code.id().to_owned(),
            severity: found.severity,
            stage: found.stage,
            message: found.message,
            path: found.path.map(|path| path.to_string()),
            line: found.line,
            column: found.column,
            help: found.help,
        }
    }
}

/// A table that is published.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Published {
    /// The table.
    table: String,
    /// Its location as the spec gives it, or below the lake.
    location: String,
    /// The version that was made.
    version: u64,
    /// Rows added.
    rows: u64,
    /// Data files added.
    files: usize,
    /// Data files removed: those of the rows that were replaced; null for a table of an extraction.
    files_removed: Option<usize>,
    /// Bytes of the data files added.
    bytes: u64,
    /// The digest of the rows added, as in the commit; null for a table of an extraction.
    digest: Option<String>,
}

impl From<&OutputOutcome> for Published {
    fn from(output: &OutputOutcome) -> Self {
        Self {
            table: output.table.clone(),
            location: output.location.clone(),
            version: output.version,
            rows: output.rows,
            files: output.files,
            files_removed: Some(output.files_removed),
            bytes: output.bytes,
            digest: Some(output.digest.to_string()),
        }
    }
}

impl From<&ExtractedTable> for Published {
    fn from(table: &ExtractedTable) -> Self {
        let name = table.location.rsplit('/').next().unwrap_or(&table.location);
        Self {
            table: name.to_owned(),
            location: table.location.clone(),
            version: table.version,
            rows: table.rows,
            files: table.files,
            files_removed: None,
            bytes: table.bytes,
            digest: None,
        }
    }
}

impl EventKind {
    pub(super) fn compiled(compilation: &Compilation) -> Self {
        let tables = compilation.oracle.tables();
        let input = |input: &ir::spec::InputRelation| InputTable {
            input: input.logical_name.clone(),
            location: ir::diag::without_secrets(input.place().unwrap_or_default()).into_owned(),
            version: input
                .delta_location
                .as_ref()
                .and_then(|location| Some(tables.table(location, input.version_pin).ok()?.version())),
        };
        Self::Compiled {
            spec: compilation.source.name.clone(),
            spec_hash: compilation.spec_hash().map(|hash| hash.to_string()),
            inputs: compilation.source.spec.input_relations.iter().map(input).collect(),
            nodes: compilation.graph.len(),
            segments: compilation.graph.schedule.as_ref().map_or(0, |schedule| schedule.segments.len()),
            reused_views: compilation.reused,
        }
    }

    pub(super) fn segment(outcome: &SegmentOutcome) -> Self {
        Self::SegmentFinished {
            segment: outcome.segment.clone(),
            output: outcome.output.clone(),
            level: outcome.level,
            rows: outcome.rows,
            partitions: outcome.partitions,
            plan_seconds: outcome.plan.as_secs_f64(),
            run_seconds: outcome.run.as_secs_f64(),
        }
    }

    pub(super) fn replayed(report: &Report) -> Self {
        Self::Replayed {
            recorded_run_id: report.run_id.clone(),
            same: report.is_same(),
            differing: report.differing().into_iter().map(str::to_owned).collect(),
        }
    }
}
