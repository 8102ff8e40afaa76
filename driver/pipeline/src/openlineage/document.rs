//! The shape of events of OpenLineage.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::OPENLINEAGE_VERSION;

/// Who makes the events.
const PRODUCER: &str = concat!("urn:codeanatomy:", env!("CARGO_PKG_VERSION"));
/// Where the schemas of OpenLineage are.
const SCHEMAS: &str = "https://openlineage.io/spec";
/// The namespace of jobs.
const JOBS: &str = "codeanatomy";

/// What happened to a run.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum EventType {
    /// It begins.
    Start,
    /// It has published everything.
    Complete,
    /// It was stopped from outside.
    Abort,
    /// Something went wrong.
    Fail,
}

/// An event of a run.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunEvent<'a> {
    event_time: &'a str,
    event_type: EventType,
    producer: &'static str,
    #[serde(rename = "schemaURL")]
    schema_url: String,
    run: Run<'a>,
    job: &'a Job,
    inputs: Vec<Value>,
    outputs: Vec<Value>,
}

impl<'a> RunEvent<'a> {
    pub(super) fn new(
        event_type: EventType,
        event_time: &'a str,
        run: Run<'a>,
        job: &'a Job,
        inputs: Vec<Value>,
        outputs: Vec<Value>,
    ) -> Self {
        let schema_url = format!("{SCHEMAS}/{OPENLINEAGE_VERSION}/OpenLineage.json#/$defs/RunEvent");
        Self { event_time, event_type, producer: PRODUCER, schema_url, run, job, inputs, outputs }
    }
}

/// A run.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Run<'a> {
    run_id: &'a str,
    facets: Value,
}

impl<'a> Run<'a> {
    pub(super) fn new(run_id: &'a str, facets: Value) -> Self {
        Self { run_id, facets }
    }
}

/// What runs: a spec.
#[derive(Serialize)]
pub(super) struct Job {
    namespace: &'static str,
    name: String,
    facets: Value,
}

impl Job {
    /// The spec of this name in a folder.
    pub(super) fn of(folder: &Path, name: &str) -> Self {
        let name = folder.join(name).to_string_lossy().into_owned();
        let kind = json!({"processingType": "BATCH", "integration": "CODEANATOMY", "jobType": "JOB"});
        let kind = facet("2-0-4", "JobTypeJobFacet", kind);
        Self { namespace: JOBS, name, facets: facets([("jobType", Some(kind))]) }
    }
}

/// A facet of this version and name.
pub(super) fn facet(version: &str, name: &str, content: Value) -> Value {
    let schema = format!("{SCHEMAS}/facets/{version}/{name}.json#/$defs/{name}");
    let mut facet = json!({"_producer": PRODUCER, "_schemaURL": schema});
    if let (Some(facet), Value::Object(content)) = (facet.as_object_mut(), content) {
        facet.extend(content);
    }
    facet
}

/// The facets that there are, by their names.
pub(super) fn facets<'a>(all: impl IntoIterator<Item = (&'a str, Option<Value>)>) -> Value {
    let present = all.into_iter().filter_map(|(name, facet)| Some((name.to_owned(), facet?)));
    Value::Object(present.collect::<Map<String, Value>>())
}
