//! That nothing of the format is left out: every field of `runtime_profile` turns something and is tried, or is reserved and
//! warned of; the named profiles have their sizes.

use std::collections::BTreeSet;

use engine::KNOBS;
use ir::diag::{Diagnostic, SourceName, codes};
use ir::spec::json_schema;
use ir::spec::unsupported::RESERVED;
use pipeline::{Compilation, CompileRequest, Source};
use serde_json::{Value, json};

use super::spec::Registry;
use crate::harness::workers;

/// The field that names a profile, and turns nothing by itself.
const NAME: &str = "profile_name";
/// Where the definition of `runtime_profile` is in the schema.
const DEFINITION: &str = "/$defs/RuntimeProfileSpec/properties";
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The profiles: partitions, rows of a batch, bytes of memory and of disk.
const PROFILES: [(&str, [u64; 4]); 3] = [
    ("small", [4, 4_096, 256 * MIB, GIB]),
    ("medium", [8, 8_192, GIB, 10 * GIB]),
    ("large", [16, 16_384, 4 * GIB, 100 * GIB]),
];

/// What is in none of the tables it belongs to, or in too many.
pub(super) fn incomplete(registry: &Registry) -> Vec<String> {
    let tried: Vec<&str> = registry.knobs.iter().filter_map(|entry| entry.field.as_deref()).collect();
    let reserved: BTreeSet<String> = reserved_names().into_iter().collect();
    let knobs: Vec<&str> = KNOBS.iter().map(|knob| knob.field).collect();
    let mut wrong = Vec::new();
    for field in fields() {
        let count = tried.iter().filter(|name| **name == field).count();
        let is_knob = knobs.contains(&field.as_str());
        match (reserved.contains(&field), is_knob, count) {
            (true, false, 0) | (false, true, 1) => {}
            (is_reserved, ..) => wrong.push(format!(
                "`{field}`: reserved {is_reserved}, in KNOBS {is_knob}, {count} times in knobs.yaml"
            )),
        }
    }
    let known: BTreeSet<String> = fields().into_iter().collect();
    let named = tried.iter().chain(&knobs).map(|name| (*name).to_owned()).chain(reserved);
    wrong.extend(named.filter(|name| !known.contains(name)).map(|name| format!("`{name}` is no field")));
    let names: Vec<String> = registry.knobs.iter().map(super::Entry::name).collect();
    let distinct: BTreeSet<&String> = names.iter().collect();
    if distinct.len() < names.len() {
        wrong.push("a knob is twice in knobs.yaml".to_owned());
    }
    wrong
}

/// The fields of `runtime_profile`, by its schema.
fn fields() -> Vec<String> {
    let schema = json_schema();
    let fields = schema.pointer(DEFINITION).and_then(Value::as_object).expect("the schema has profiles");
    fields.keys().filter(|name| *name != NAME).cloned().collect()
}

fn reserved_names() -> Vec<String> {
    let names = RESERVED.iter().map(|row| row.path.strip_prefix("runtime_profile."));
    names.map(|name| name.expect("only profiles have reserved fields").to_owned()).collect()
}

/// A reserved field is marked in the schema, no other one is, and who sets one is warned.
pub(super) fn reserved_fields() {
    let schema = json_schema();
    let reserved: BTreeSet<String> = reserved_names().into_iter().collect();
    let is_marked =
        |name: &String| schema.pointer(&format!("{DEFINITION}/{name}/x-status")) == Some(&json!("reserved"));
    let marked: BTreeSet<String> = fields().into_iter().filter(is_marked).collect();
    assert_eq!(marked, reserved);
    for name in &reserved {
        let field = schema.pointer(&format!("{DEFINITION}/{name}")).expect("it is a field");
        let found = compiled(&json!({name: value_of(field)})).diagnostics;
        let is_about_it = |found: &&Diagnostic| {
            found.code == codes::RESERVED_PROFILE_KNOB
                && found.message.contains(&format!("`runtime_profile.{name}`"))
        };
        assert_eq!(found.iter().filter(is_about_it).count(), 1, "{name}: {found:?}");
    }
    let found = compiled(&json!({"target_partitions": 3})).diagnostics;
    assert!(found.iter().all(|found| found.code != codes::RESERVED_PROFILE_KNOB), "{found:?}");
}

/// A value of the type that the schema has for a field.
fn value_of(field: &Value) -> Value {
    let types = field.get("type").map(Value::to_string).unwrap_or_default();
    if types.contains("boolean") {
        json!(false)
    } else if types.contains("string") {
        json!("5m")
    } else {
        json!(7)
    }
}

/// A profile that a spec names gives the session its sizes.
pub(super) fn profiles() {
    for (name, sizes) in PROFILES {
        let session = compiled(&json!({NAME: name})).session;
        let effective = session.effective();
        let size = |key: &str| {
            let found = effective.iter().find(|setting| setting.key == key);
            found.and_then(|setting| setting.value.parse::<u64>().ok()).expect("a session has its sizes")
        };
        let found = ["target_partitions", "batch_size", "memory_limit_bytes", "spill_limit_bytes"].map(size);
        assert_eq!(found, sizes, "{name}");
        let execution = &session.state().config_options().execution;
        assert_eq!(u64::try_from(execution.target_partitions), Ok(sizes[0]), "{name}");
        assert_eq!(u64::try_from(execution.batch_size.get()), Ok(sizes[1]), "{name}");
        assert_eq!(session.spill_use().limit_bytes, sizes[3], "{name}");
    }
}

/// A small spec with a profile, compiled.
fn compiled(profile: &Value) -> Compilation {
    let spec = json!({
        "version": ir::spec::SPEC_VERSION,
        "input_relations": [],
        "view_definitions": [{"name": "one", "transform": {"kind": "Sql", "query": "SELECT 1 AS one"}}],
        "output_targets": [{"table_name": "one_out", "source_view": "one"}],
        "runtime_profile": profile,
    });
    let home = tempfile::tempdir().expect("a folder is made");
    let text = spec.to_string();
    let source = Source::from_bytes(text.as_bytes(), SourceName::new("knobs.json"), "knobs", home.path());
    let source = source.unwrap_or_else(|error| panic!("{error:?}"));
    let compiled = pipeline::compile(CompileRequest::new(source, workers()));
    let compiled = compiled.unwrap_or_else(|error| panic!("{error:?}"));
    compiled.must_be_sound().unwrap_or_else(|error| panic!("{error:?}"));
    compiled
}
