//! What a record says of a run, beside what is there now, part by part.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ir::hash::ContentHash;
use ir::spec::{Spec, spec_hash};
use serde::Serialize;
use serde_json::Value;

use super::{Part, Verdict};
use crate::record::{
    CaptureError, Identity, OutputIdentity, OutputRecord, Provider, ProviderIdentity, RunRecord,
    hash_of_providers,
};
use crate::{Compilation, PipelineError, Result, Workers};

/// Everything a record says that can be compared. `recorded` is its spec, `spec` the one that was compiled now.
pub(super) fn compared(
    record: &RunRecord,
    file: &Path,
    recorded: &Spec,
    spec: &Spec,
    compilation: &Compilation,
) -> Result<Vec<Part>> {
    let identity = compilation.identity()?;
    let mut parts = vec![record_itself(record, recorded)?, graph(record, file, compilation)];
    parts.push(hash("spec", record.spec_hash, spec_hash(spec), Verdict::Differs));
    parts.extend(selection(record, compilation));
    parts.extend(differences("spec", recorded, spec, Verdict::Differs)?);
    parts.extend(differences("build", &record.envelope.build, &identity.envelope.build, Verdict::Differs)?);
    parts.extend(settings(record, compilation));
    let surface = compilation.session.surface().parts().map_err(PipelineError::not_hashed)?;
    parts.extend(differences("planning surface", &record.surface_parts, &surface, Verdict::Differs)?);
    parts.extend(inputs(record, compilation, identity)?);
    // What follows covers what stands above, the commits of the inputs among it, which may be gone although their rows are
    // known to be the same.
    let otherwise = weakest(&parts);
    let is_as_recorded =
        |read: &ProviderIdentity| identity.providers.iter().any(|it| it.identity_hash == read.identity_hash);
    let of_outputs = match otherwise {
        Verdict::Allowed if record.inputs.iter().all(is_as_recorded) => Verdict::Differs,
        otherwise => otherwise,
    };
    parts.extend(outputs(record, compilation, of_outputs));
    parts.push(hash("envelope", record.envelope_hash, identity.envelope_hash, otherwise));
    parts.extend(capture(record, file));
    Ok(parts)
}

/// What can be said of what covers all these parts, where it is not the same.
fn weakest(parts: &[Part]) -> Verdict {
    let has = |verdict: Verdict| parts.iter().any(|part| part.verdict == verdict);
    if has(Verdict::Differs) {
        Verdict::Differs
    } else if has(Verdict::Unknown) {
        Verdict::Unknown
    } else {
        Verdict::Allowed
    }
}

/// What the selection of the run selects, if it has one.
fn selection(record: &RunRecord, compilation: &Compilation) -> Option<Part> {
    let recorded = &record.selection.as_ref()?.outputs;
    let found = compilation.in_scope.outputs.as_ref()?;
    let verdict = if recorded == found { Verdict::Same } else { Verdict::Differs };
    Some(part("selection", Some(recorded.join(", ")), Some(found.join(", ")), verdict))
}

/// Whether the record is the one that was written: its hashes are those of what it says.
fn record_itself(record: &RunRecord, recorded: &Spec) -> Result<Part> {
    let is_whole = is_whole(record, recorded).map_err(PipelineError::not_hashed)?;
    let verdict = if is_whole { Verdict::Same } else { Verdict::Differs };
    let found = if is_whole { "whole" } else { "its hashes are not those of what it says: it was changed" };
    Ok(part("record", Some("whole".to_owned()), Some(found.to_owned()), verdict))
}

/// Whether every hash in a record is that of what it is of, and every output of its spec, or of its selection, is there.
fn is_whole(record: &RunRecord, recorded: &Spec) -> Result<bool, serde_json::Error> {
    let mut inputs_are_whole = true;
    for input in &record.inputs {
        inputs_are_whole &= input.provider.hash()? == input.identity_hash;
    }
    let tables: BTreeSet<&String> = record.outputs.iter().map(|output| &output.table).collect();
    let wanted: BTreeSet<&String> = match &record.selection {
        Some(selection) => selection.outputs.iter().collect(),
        None => recorded.output_targets.iter().map(|output| &output.table_name).collect(),
    };
    Ok(inputs_are_whole
        && tables == wanted
        && hash_of_providers(&record.inputs)? == record.envelope.provider_identity_hash
        && record.envelope.hash()? == record.envelope_hash
        && spec_hash(recorded) == record.spec_hash)
}

/// Whether the archived graph can be read, and is that of the run.
fn graph(record: &RunRecord, file: &Path, compilation: &Compilation) -> Part {
    let path = file.parent().unwrap_or(Path::new(".")).join(&record.graph);
    let read = std::fs::read(&path).map_err(|error| error.to_string());
    let read = read.and_then(|bytes| ir::archive::read(&bytes).map_err(|error| error.to_string()));
    // The file may hold any graph: what is asked of it below is answered for sound ones only.
    let read = read.and_then(|graph| match ir::verify::verify(&graph, compilation.oracle.as_ref()) {
        Ok(_) => Ok(graph),
        Err(violations) => Err(format!("the graph in it is broken in {} places", violations.len())),
    });
    let recorded = Some(record.graph.clone());
    match read {
        Ok(graph) => {
            let found = OutputIdentity::all(&graph, compilation.oracle.as_ref());
            let is_known = |output: &OutputRecord| {
                found.get(&output.table).is_some_and(|it| it.content_hash == output.content_hash)
            };
            if record.outputs.iter().all(is_known) {
                part("graph", recorded.clone(), recorded, Verdict::Same)
            } else {
                part("graph", recorded, Some("the graph of another run".to_owned()), Verdict::Differs)
            }
        }
        Err(error) => part("graph", recorded, Some(error), Verdict::Unknown),
    }
}

/// Whether the capture is what the run wrote, if there is one.
fn capture(record: &RunRecord, file: &Path) -> Option<Part> {
    let reference = record.capture.as_ref()?;
    let recorded = Some(reference.hash.to_string());
    Some(match reference.bytes(file) {
        Ok(_) => part("capture", recorded.clone(), recorded, Verdict::Same),
        Err(error @ CaptureError::File { .. }) => {
            part("capture", recorded, Some(error.to_string()), Verdict::Unknown)
        }
        Err(error) => part("capture", recorded, Some(error.to_string()), Verdict::Differs),
    })
}

/// Settings and sizes of the session, by name. Sizes decide no row.
fn settings(record: &RunRecord, compilation: &Compilation) -> Vec<Part> {
    let now: BTreeMap<String, String> = compilation.session.describe().into_iter().collect();
    let surface = &compilation.session.surface().planning_config_keys;
    let names: BTreeSet<&String> = record.session.keys().chain(now.keys()).collect();
    let differing = names.into_iter().filter(|name| record.session.get(*name) != now.get(*name));
    differing
        .map(|name| {
            let decides_rows = surface.contains_key(name) || engine::is_planning_setting(name);
            let verdict = if decides_rows { Verdict::Differs } else { Verdict::Allowed };
            let (recorded, found) = (record.session.get(name).cloned(), now.get(name).cloned());
            part(&format!("setting {name}"), recorded, found, verdict)
        })
        .collect()
}

/// The tables that were read. A commit may have gone from the log since; then the list of files tells.
fn inputs(record: &RunRecord, compilation: &Compilation, identity: &Identity) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    for recorded in &record.inputs {
        let name = format!("input {}", recorded.input);
        let found = identity.providers.iter().find(|now| now.input == recorded.input);
        let Some(found) = found else {
            let why = why_missing(recorded, compilation);
            parts.push(part(&name, Some(recorded.identity_hash.to_string()), Some(why), Verdict::Unknown));
            continue;
        };
        let is_same = rows_agree(recorded, found);
        let rows = |identity: &ProviderIdentity| identity.rows_hash().map(|hash| hash.to_string());
        let verdict = if is_same { Verdict::Same } else { Verdict::Differs };
        parts.push(part(&format!("{name}: rows"), rows(recorded), rows(found), verdict));
        let of = |identity: &ProviderIdentity| {
            let mut provider = identity.provider.clone();
            if let Provider::Delta(table) = &mut provider {
                table.rows_hash = None;
            }
            provider
        };
        parts.extend(differences(&name, &of(recorded), &of(found), Verdict::Differs)?);
    }
    Ok(parts)
}

/// Whether the data files of the versions that were read are still there.
pub(super) fn data_files(
    record: &RunRecord,
    compilation: &Compilation,
    workers: &Workers,
) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    for recorded in &record.inputs {
        // Files have all that they are in their identity.
        let Some(version) = recorded.provider.version() else { continue };
        let version = Some(version);
        // Why a table is not open stands with the input itself.
        let Ok(table) = compilation.oracle.tables().table(&recorded.location, version) else { continue };
        let table = table.clone();
        let looked = workers.run_unless_stopped(async move { delta::missing_files(&table).await })?;
        let name = format!("input {}: data files", recorded.input);
        parts.push(match looked {
            Ok((missing, all)) => match missing.first() {
                None => part(&name, None, Some(format!("all {all} are there")), Verdict::Same),
                Some(first) => {
                    let gone = format!(
                        "{} of {all} are gone or cut, `{first}` first: were they vacuumed?",
                        missing.len()
                    );
                    part(&name, None, Some(gone), Verdict::Unknown)
                }
            },
            Err(error) => part(&name, None, Some(error.to_string()), Verdict::Unknown),
        });
    }
    Ok(parts)
}

/// Whether two sides read the same rows, by what both know.
fn rows_agree(recorded: &ProviderIdentity, found: &ProviderIdentity) -> bool {
    let agree = |left: Option<ContentHash>, right: Option<ContentHash>| Some(left? == right?);
    let commits = agree(recorded.commit_hash, found.commit_hash);
    commits.or_else(|| agree(recorded.files_hash, found.files_hash)).unwrap_or(false)
}

/// Why the table of an input is not open.
fn why_missing(recorded: &ProviderIdentity, compilation: &Compilation) -> String {
    let tables = compilation.oracle.tables();
    let error = match &recorded.provider {
        Provider::Delta(table) => tables.table(&recorded.location, Some(table.version)).err(),
        Provider::Files(files) => tables.files(&recorded.location, &files.source).err(),
    };
    error.map_or_else(|| "the spec does not read it".to_owned(), |error| error.to_string())
}

/// What the outputs are computed by.
fn outputs(record: &RunRecord, compilation: &Compilation, otherwise: Verdict) -> Vec<Part> {
    let now = compilation.output_identities();
    let compare = |recorded: &OutputRecord| {
        let name = format!("output {}", recorded.table);
        let before = recorded.content_hash;
        match now.get(&recorded.table) {
            Some(found) => hash(&name, before, found.content_hash, otherwise),
            // What does not compile comes nowhere near an output.
            None if compilation.has_errors() => part(&name, Some(before.to_string()), None, Verdict::Unknown),
            None => part(&name, Some(before.to_string()), None, Verdict::Differs),
        }
    };
    record.outputs.iter().map(compare).collect()
}

/// The leaves in which two values differ, each by its path below `name`.
fn differences(
    name: &str,
    recorded: &impl Serialize,
    found: &impl Serialize,
    verdict: Verdict,
) -> Result<Vec<Part>> {
    let json = |value: Result<Value, serde_json::Error>| value.map_err(PipelineError::not_hashed);
    let (recorded, found) = (json(serde_json::to_value(recorded))?, json(serde_json::to_value(found))?);
    let mut parts = Vec::new();
    collect(name, Some(&recorded), Some(&found), verdict, &mut parts);
    Ok(parts)
}

fn collect(
    path: &str,
    recorded: Option<&Value>,
    found: Option<&Value>,
    verdict: Verdict,
    parts: &mut Vec<Part>,
) {
    if recorded == found {
        return;
    }
    match (recorded, found) {
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for key in keys {
                collect(&format!("{path}.{key}"), left.get(key), right.get(key), verdict, parts);
            }
        }
        (Some(Value::Array(left)), Some(Value::Array(right))) => {
            for item in 0..left.len().max(right.len()) {
                collect(&format!("{path}[{item}]"), left.get(item), right.get(item), verdict, parts);
            }
        }
        _ => {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            parts.push(part(path, recorded.map(text), found.map(text), verdict));
        }
    }
}

fn hash(name: &str, recorded: ContentHash, found: ContentHash, otherwise: Verdict) -> Part {
    let verdict = if recorded == found { Verdict::Same } else { otherwise };
    part(name, Some(recorded.to_string()), Some(found.to_string()), verdict)
}

fn part(name: &str, recorded: Option<String>, found: Option<String>, verdict: Verdict) -> Part {
    Part { part: name.to_owned(), recorded, found, verdict }
}
