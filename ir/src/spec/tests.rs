//! Tests of the spec's types, hash and schema. The loader's own tests are in `load/tests.rs`.

#![expect(clippy::wildcard_enum_match_arm, reason = "values of JSON of which few are meant")]

use serde_json::{Value, json};

use super::*;

pub(super) const FULL: &str = include_str!("testdata/full.yaml");

fn spec(text: &str) -> Spec {
    let loaded = load(text, "test".into());
    assert_eq!(loaded.diagnostics, Vec::new(), "{text}");
    loaded.spec.unwrap()
}

const SMALL: &str = "\
version: 4
input_relations: [{logical_name: raw, delta_location: lake/raw}]
view_definitions: [{name: v, transform: {kind: Project, source: raw}}]
output_targets: [{table_name: t, source_view: v}]
";

#[test]
fn a_full_spec_means_what_it_says() {
    let spec = spec(FULL);
    let kinds: Vec<&str> = spec.view_definitions.iter().map(|view| view.transform.kind()).collect();
    for kind in Transform::KINDS {
        assert!(kinds.contains(kind), "the sample lacks {kind}");
    }
    let Transform::Relate(relate) = &spec.view_definitions[1].transform else { panic!("not a Relate") };
    assert_eq!(
        relate.on,
        [
            JoinKey { left: "file_id".into(), right: "file_id".into() },
            JoinKey { left: "lang".into(), right: "language".into() },
        ]
    );
    assert_eq!(
        relate.select,
        [
            SelectEntry::All(Side::Left),
            SelectEntry::Column { from: Side::Right, column: "name".into(), name: Some("ref_name".into()) },
            SelectEntry::Column { from: Side::Right, column: "a.b".into(), name: Some("ab".into()) },
        ]
    );
    assert_eq!(relate.suffix, Some(NameSuffix { left: "_def".into(), right: "_ref".into() }));
    let Transform::Filter(filter) = &spec.view_definitions[4].transform else { panic!("not a Filter") };
    assert_eq!(filter.predicate, "size > $1\n  AND size < 1000");
    assert_eq!(spec.typed_parameters[0].value, ParameterValue::Int64(9_007_199_254_740_993));
    assert_eq!(spec.typed_parameters[1].value, ParameterValue::Null { data_type: "utf8".into() });
}

#[test]
fn defaults_are_those_of_the_format() {
    let spec = spec(SMALL);
    assert_eq!(spec.output_targets[0].materialization_mode, MaterializationMode::Overwrite);
    assert!(spec.runtime.tracing.record_metrics);
    let partial: TracingConfig = serde_json::from_value(json!({"enabled": true})).unwrap();
    assert!(partial.record_metrics, "leaving a field out gives the same as the default value");
    assert_eq!(serde_json::from_value::<CachePlacementPolicy>(json!({})).unwrap().min_fanout, 2);
    let vacuum: VacuumPolicy = serde_json::from_value(json!({"retention_hours": 1})).unwrap();
    assert!(vacuum.require_protocol_check);
}

/// The hash of `SMALL` with one piece of text replaced by another.
fn hash_with(from: &str, to: &str) -> ContentHash {
    assert!(SMALL.contains(from));
    spec_hash(&spec(&SMALL.replace(from, to)))
}

#[test]
fn hash_is_equal_for_equal_specs() {
    let full = spec(FULL);
    let as_json = serde_json::to_string(&full).unwrap();
    assert_eq!(spec(&as_json), full, "the JSON form loads to the same spec");
    assert_eq!(spec_hash(&spec(&as_json)), spec_hash(&full));

    let small = spec_hash(&spec(SMALL));
    for (from, to) in [
        ("version: 4\n", "# a comment\nversion:   4\n\n"),
        ("logical_name: raw, delta_location: lake/raw", "delta_location: lake/raw, logical_name: raw"),
        ("kind: Project, source: raw", "source: raw, columns: [], kind: Project"),
        (
            "source_view: v",
            "source_view: v, materialization_mode: Overwrite, partition_by: [], delta_location: null",
        ),
        ("version: 4", "runtime: {tracing: {preview_max_width: 96}}\nversion: 4"),
        ("version: 4", "rule_overlay: null\nversion: 4"),
    ] {
        assert_eq!(hash_with(from, to), small, "{to}");
    }
    let pair =
        |on| hash_with("kind: Project, source: raw", &format!("kind: Relate, left: raw, right: raw, {on}"));
    let files = |schema| {
        let input = format!("logical_name: raw, location: raw.csv, format: csv, schema: {schema}");
        hash_with("logical_name: raw, delta_location: lake/raw", &input)
    };
    let map = files("{b: Int64, a: Utf8!}");
    assert_eq!(map, files("[{name: b, type: Int64}, {name: a, type: Utf8, nullable: false}]"));
    assert_ne!(map, files("{a: Utf8!, b: Int64}"), "the order of columns is that of files without a header");
    assert_eq!(pair("on: [a]"), pair("on: [{left: a, right: a}]"));
    assert_eq!(pair("suffix: _r"), pair("suffix: ['', _r]"));
    assert_eq!(pair("select: [left.a]"), pair("select: [{from: left, column: a, name: a}]"));
}

#[test]
fn hash_differs_for_different_specs() {
    let parameter = |value| {
        hash_with(
            "version: 4",
            &format!(
                "version: 4\ntyped_parameters: [{{target: {{kind: PlaceholderPos, position: 1}}, value: {value}}}]"
            ),
        )
    };
    let hashes = [
        spec_hash(&spec(SMALL)),
        hash_with("lake/raw", "lake/raw2"),
        hash_with("{kind: Project, source: raw}", "{kind: Project, source: raw, columns: [a, b]}"),
        hash_with("{kind: Project, source: raw}", "{kind: Project, source: raw, columns: [b, a]}"),
        // Doubles cannot tell these apart, canonical JSON writes doubles.
        parameter("{type: Int64, value: 9007199254740992}"),
        parameter("{type: Int64, value: 9007199254740993}"),
        parameter("{type: Int64, value: -9007199254740993}"),
        parameter("{type: Float64, value: 9007199254740992}"),
        parameter("{type: Utf8, value: '9007199254740993'}"),
    ];
    for (at, hash) in hashes.iter().enumerate() {
        assert!(!hashes[..at].contains(hash), "hash {at} is not new");
    }
}

/// The value with the keys of every map in order, which for plain ASCII keys and small integers is all that
/// canonical JSON asks for.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> = fields.into_iter().collect();
            fields.sort_by(|(left, _), (right, _)| left.cmp(right));
            Value::Object(fields.into_iter().map(|(key, value)| (key, sorted(value))).collect())
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

#[test]
fn hash_is_blake3_of_canonical_json() {
    let spec = spec(SMALL);
    let canonical = sorted(serde_json::to_value(&spec).unwrap()).to_string();
    assert_eq!(spec_hash(&spec), ContentHash::of(canonical.as_bytes()));
}

/// All keys of maps in a JSON document; keys of free maps (text pairs, column promises) are left out.
fn keys(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                found.push(key.clone());
                let of_the_user = ["columns", "write_metadata", "lineage_tags", "config", "parameters"];
                let rows = ["given", "expect"];
                let is_map = of_the_user.contains(&key.as_str()) && !value.is_array();
                if !is_map && !rows.contains(&key.as_str()) {
                    keys(value, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}

#[test]
fn the_schema_has_every_field_and_says_what_it_means() {
    let mut properties = std::collections::BTreeMap::new();
    fn collect(value: &Value, properties: &mut std::collections::BTreeMap<String, bool>) {
        if let Some(Value::Object(fields)) = value.get("properties") {
            for (name, schema) in fields {
                let is_tag = schema.get("const").is_some();
                // A choice that holds a value is described beside its name.
                let is_choice = value.get("description").is_some() && value["required"] == json!([name]);
                let described = is_tag
                    || is_choice
                    || schema.get("description").is_some()
                    || schema.get("$ref").is_some();
                *properties.entry(name.clone()).or_insert(true) &= described;
            }
        }
        match value {
            Value::Object(fields) => fields.values().for_each(|value| collect(value, properties)),
            Value::Array(items) => items.iter().for_each(|value| collect(value, properties)),
            _ => {}
        }
    }
    collect(&json_schema(), &mut properties);
    let mut used = Vec::new();
    keys(&serde_json::to_value(spec(FULL)).unwrap(), &mut used);
    for key in used {
        assert!(properties.contains_key(&key), "the schema has no property {key}");
    }
    // The value of a parameter is described by its type.
    properties.remove("value");
    let undescribed: Vec<&String> =
        properties.iter().filter(|(_, described)| !**described).map(|(name, _)| name).collect();
    assert_eq!(undescribed, Vec::<&String>::new());
}

#[test]
fn select_entries_read_as_documented() {
    let column = |from, column: &str, name: Option<&str>| {
        Ok(SelectEntry::Column { from, column: column.into(), name: name.map(str::to_owned) })
    };
    assert_eq!("left.path".parse(), column(Side::Left, "path", None));
    assert_eq!("right.a.b".parse(), column(Side::Right, "a.b", None));
    assert_eq!("right.path as p".parse(), column(Side::Right, "path", Some("p")));
    assert_eq!("left.*".parse(), Ok(SelectEntry::All(Side::Left)));
    for bad in ["path", "middle.path", "left.", "left", "", "left.* as x", "left.a as ", "LEFT.a"] {
        assert!(bad.parse::<SelectEntry>().is_err(), "{bad}");
    }
}
