//! Tests of the loader.

#![expect(clippy::wildcard_enum_match_arm, reason = "values of JSON of which few are meant")]

use serde_json::{Value as Json, json};

use crate::diag::{RenderOptions, render};
use crate::spec::tests::FULL;

use super::*;

/// The codes found, in the order of their places.
fn codes_of(text: &str) -> Vec<&'static str> {
    let loaded = load(text, "spec.yaml".into());
    crate::diag::resolve(&loaded.diagnostics, &loaded.source).iter().map(|d| d.code.id()).collect()
}

/// A spec with a field more at its root.
fn with_root(extra: &str) -> String {
    format!(
        "version: 4\ninput_relations: []\nview_definitions: [{{name: v, transform: {{kind: Sql, query: SELECT 1}}}}]\n\
         output_targets: [{{table_name: t, source_view: v}}]\n{extra}\n"
    )
}

#[test]
fn each_mistake_has_its_code() {
    assert_eq!(codes_of(&with_root("")), Vec::<&str>::new());
    for (extra, code) in [
        ("a: b: c", "E0003"),
        ("---\nversion: 4", "E0004"),
        ("runtime: &x {}", "E0005"),
        ("runtime: *x", "E0005"),
        ("runtime: {<<: {}}", "E0005"),
        ("runtime: !map {}", "E0005"),
        ("version: 4", "E0006"),
        ("runtime: {lineage_tags: {a: b, a: c}}", "E0006"),
        ("rule_intents: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "E0007"),
        ("cache_policy: {min_fanout: 9223372036854775808}", "E0008"),
        ("cache_policy: {min_fanout: 4294967296}", "E0008"),
        ("cache_policy: {min_fanout: .nan}", "E0008"),
        ("cache_policy: {min_fanout: 1e999}", "E0008"),
        ("runtim: {}", "E0009"),
        ("typed_parameters: [{target: {kind: FilterEq, filter_column: a}}]", "E0010"),
        ("runtime: []", "E0011"),
        ("runtime:", "E0011"),
        ("rulepack_profile: default", "E0012"),
        ("typed_parameters: [{target: {kind: Filter}, value: {type: Utf8, value: a}}]", "E0012"),
        ("parameter_templates: []", "E0014"),
        ("maintenance: {}", "E0601"),
        ("? [a, b]\n: c", "E0003"),
    ] {
        assert_eq!(codes_of(&with_root(extra)), [code], "{extra}");
    }
    for (text, code) in [
        ("", "E0016"),
        ("# nothing\n", "E0016"),
        ("- version: 4", "E0016"),
        ("version: 3", "E0013"),
        ("version: 5\nnew_field: 1", "E0013"),
        ("version: 4\n\0\nnew_field: 1", "E0003"),
        ("{\"version\": 4,}", "E0003"),
        ("{\"version\": \"\\ud83d\"}", "E0003"),
        ("{\"a\": 01}", "E0003"),
        ("{\"a\": tru}", "E0003"),
    ] {
        assert_eq!(codes_of(text), [code], "{text}");
    }
    assert_eq!(codes_of(&"#".repeat(MAX_SPEC_BYTES + 1)), ["E0001"]);
    assert_eq!(codes_of("version: 4"), ["E0010"; 3]);
    assert_eq!(load_bytes(b"version: \xff", "s".into()).diagnostics[0].code, codes::SPEC_NOT_UTF8);
}

#[test]
fn names_are_checked() {
    let long = "x".repeat(129);
    for name in ["''", "a.b", "a@b", "\"a\\tb\"", "\"e\\u0301\"", &long] {
        let text = with_root("").replace("name: v", &format!("name: {name}"));
        assert_eq!(codes_of(&text), ["E0015"], "{name}");
    }
    for name in ["é", "a-b", "a b", &"x".repeat(128)] {
        assert_eq!(
            codes_of(&with_root("").replace("name: v", &format!("name: {name}"))),
            Vec::<&str>::new(),
            "{name}"
        );
    }
    let text =
        with_root("").replace("kind: Sql, query: SELECT 1", "kind: Project, source: v, columns: ['', a.b]");
    assert_eq!(codes_of(&text), ["E0015"], "columns may have dots, but not be empty");
    assert_eq!(codes_of(&with_root("").replace("[{table_name: t, source_view: v}]", "[]")), ["E0017"]);
}

#[test]
fn many_mistakes_come_at_once_with_their_places() {
    let text = "\
version: 4
input_relations:
  - logical_name: nodes
    delta_locaton: lake/nodes
  - {logical_name: refs, delta_location: 7}
view_definitions:
  - name: calls
    transform: {kind: Filtr, source: nodes}
  - name: défs
    transform: {kind: Filter, source: nodes, 'predicat': \"ü = 'x'\", exra: 1}
output_targets: []
";
    let loaded = load(text, "spec.yaml".into());
    assert!(loaded.has_errors() && !loaded.unread.is_empty());
    let found: Vec<(&str, usize, usize)> = crate::diag::resolve(&loaded.diagnostics, &loaded.source)
        .iter()
        .map(|d| (d.code.id(), d.line.unwrap(), d.column.unwrap()))
        .collect();
    let expected = [
        ("E0009", 4, 5),
        ("E0011", 5, 42),
        ("E0012", 8, 23),
        ("E0009", 10, 46),
        ("E0009", 10, 69),
        ("E0017", 11, 17),
    ];
    assert_eq!(found, expected);
}

#[test]
fn an_unknown_field_does_not_hide_later_findings() {
    let loaded = load(&with_root("runtime: {tuner_mode: Apply}\nruntme: 1"), "s".into());
    assert!(loaded.spec.is_some() && loaded.has_errors());
    let codes: Vec<&str> = loaded.diagnostics.iter().map(|d| d.code.id()).collect();
    assert_eq!(codes, ["E0009", "E0601"]);
}

#[test]
fn paths_lead_to_the_text() {
    let loaded = load(FULL, "full.yaml".into());
    let text_at = |path: &str| {
        let place = loaded.source.locate(&path.parse().unwrap()).unwrap();
        (place.line, &FULL[place.bytes])
    };
    assert_eq!(text_at("input_relations[0].version_pin"), (7, "7"));
    assert_eq!(text_at("view_definitions[1].transform.on[1].right"), (27, "language"));
    assert_eq!(text_at("view_definitions[0].output_schema.columns[\"a b\"]").1, "Int64");
    assert_eq!(text_at("view_definitions[4].transform.predicate").1, "size > $1\n          AND size < 1000");
    let (line, block) = text_at("view_definitions[0].transform");
    assert!(line == 14 && block.starts_with("kind: Normalize") && block.ends_with("[name]"), "{block}");
    // What is not written is found at the nearest key around it.
    assert_eq!(text_at("view_definitions[4].transform.sauce"), (41, "transform"));
    assert_eq!(text_at("runtime.tuner_mode").1, "runtime");
    // JSON, the same.
    let json =
        "{\n\t\"version\":\t4,\n\t\"input_relations\": [{\"logical_name\": \"\\u00e9\\/\\ud83d\\ude00\"}]\n}";
    let loaded = load(json, "s.json".into());
    let place = loaded.source.locate(&"input_relations[0].logical_name".parse().unwrap()).unwrap();
    assert_eq!((place.line, &json[place.bytes]), (3, "\"\\u00e9\\/\\ud83d\\ude00\""));
}

#[test]
fn windows_files_and_byte_order_marks_are_read() {
    let text = format!("\u{feff}{}", with_root("cache_policy: {min_fanout: x}").replace('\n', "\r\n"));
    let loaded = load(&text, "s".into());
    let found = &crate::diag::resolve(&loaded.diagnostics, &loaded.source)[0];
    assert_eq!((found.code, found.line, found.column), (codes::WRONG_SHAPE, Some(5), Some(28)));
}

#[test]
fn a_flow_map_is_yaml_although_it_starts_like_json() {
    let text = "{version: 4, input_relations: [], view_definitions: [{name: v, transform: {kind: Sql, query: q}}], \
                output_targets: [{table_name: t, source_view: v}]}";
    assert_eq!(codes_of(text), Vec::<&str>::new());
}

#[test]
fn hostile_text_is_shown_harmlessly() {
    let loaded = load(&with_root("\"\\e[31m\\u202eevil\": 1"), "a\u{1b}[2Jb".into());
    let text = render(&loaded.diagnostics, &loaded.source, RenderOptions::default());
    assert!(text.contains("\\u{1b}[31m\\u{202e}evil") && text.contains("a\\u{1b}[2Jb:5:1"), "{text}");
    assert!(!text.contains(['\u{1b}', '\u{202e}']));
    let raw = load(&with_root("a: \u{202e}x"), "s".into());
    assert!(!render(&raw.diagnostics, &raw.source, RenderOptions::default()).contains('\u{202e}'));
}

#[test]
fn findings_are_limited() {
    let loaded = load(&with_root(&format!("rule_intents: [{}]", "1,".repeat(5000))), "s".into());
    assert_eq!(loaded.diagnostics.len(), 501);
    assert_eq!(loaded.diagnostics[500].message, "only the first 500 findings are listed");
}

/// A small generator of pseudo-random numbers (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

fn random_json(random: &mut Random, depth: usize) -> Json {
    match random.below(if depth > 4 { 6 } else { 8 }) {
        0 => Json::Null,
        1 => json!(random.below(2) == 0),
        2 => json!(random.0 as i64),
        3 => json!(f64::from_bits(random.0 & !(1 << 62))),
        4 => json!("\u{1f600}\u{7f}é\"\\/\n\t\u{1}"[random.below(2) * 4..]),
        5 => json!(format!("{:x}", random.0)),
        6 => (0..random.below(4)).map(|_| random_json(random, depth + 1)).collect(),
        _ => {
            let field =
                |random: &mut Random| (format!("k{}", random.below(1000)), random_json(random, depth + 1));
            Json::Object((0..random.below(4)).map(|_| field(random)).collect())
        }
    }
}

fn as_json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Boolean(value) => json!(value),
        Value::Integer(number) => json!(number),
        Value::Float(number) => json!(number),
        Value::Text(text) => json!(text),
        Value::List(items) => items.iter().map(as_json).collect(),
        Value::Map(fields) => {
            Json::Object(fields.iter().map(|f| (f.key.clone(), as_json(&f.value))).collect())
        }
        Value::Invalid => panic!("something was reported"),
    }
}

/// The text with every character beyond ASCII as `\u` escapes.
fn in_ascii(text: &str) -> String {
    let mut units = [0; 2];
    let mut escaped =
        |c: char| c.encode_utf16(&mut units).iter().map(|u| format!("\\u{u:04x}")).collect::<String>();
    text.chars().map(|c| if c.is_ascii() { c.to_string() } else { escaped(c) }).collect()
}

#[test]
fn json_is_read_like_serde_json_reads_it() {
    const SEED: u64 = 11;
    let mut random = Random(SEED);
    for round in 0..500 {
        let value = json!({ "root": random_json(&mut random, 0) });
        let pretty = serde_json::to_string_pretty(&value).unwrap().replace("  ", "\t");
        for text in [value.to_string(), pretty.clone(), in_ascii(&pretty)] {
            let mut findings = Findings::default();
            let node = json::read(&text, &mut findings)
                .unwrap_or_else(|e| panic!("seed {SEED} round {round}: {e}\n{text}"));
            assert_eq!(findings.into_list(), Vec::new());
            assert_eq!(
                as_json(&node),
                serde_json::from_str::<Json>(&text).unwrap(),
                "seed {SEED} round {round}\n{text}"
            );
        }
        // What serde_json refuses, we refuse.
        let mut damaged = pretty.into_bytes();
        let at = random.below(damaged.len());
        damaged[at] = b"{}[]\",:x0\\ "[random.below(11)];
        if let Ok(text) = String::from_utf8(damaged) {
            let mut findings = Findings::default();
            let ours = json::read(&text, &mut findings).is_ok() && findings.into_list().is_empty();
            let theirs = serde_json::from_str::<Json>(&text).is_ok();
            assert!(theirs || !ours, "seed {SEED} round {round}: we read what serde_json refuses\n{text}");
        }
    }
}

/// Makes one random change somewhere in a document.
fn mutate(value: &mut Json, random: &mut Random) {
    let replacement = |random: &mut Random| {
        let values = [
            json!(null),
            json!(true),
            json!(-1),
            json!(7),
            json!(0.5),
            json!("x"),
            json!([]),
            json!({}),
            json!(["a", "b"]),
        ];
        values[random.below(values.len())].clone()
    };
    match value {
        Json::Object(fields) if !fields.is_empty() && random.below(5) > 0 => {
            let key = fields.keys().nth(random.below(fields.len())).unwrap().clone();
            match random.below(12) {
                0 => drop(fields.shift_remove(&key)),
                1 => {
                    let value = fields.shift_remove(&key).unwrap();
                    fields.insert(format!("{key}x"), value);
                }
                _ => mutate(&mut fields[&key], random),
            }
        }
        Json::Array(items) if !items.is_empty() && random.below(5) > 0 => {
            let at = random.below(items.len());
            mutate(&mut items[at], random);
        }
        other => *other = replacement(random),
    }
}

/// The schema and the types accept the same documents: whatever passes the check decodes, whatever decodes
/// passes.
#[test]
fn schema_and_types_agree() {
    const SEED: u64 = 4;
    let mut random = Random(SEED);
    let full = serde_json::to_value(load(FULL, "full".into()).spec.unwrap()).unwrap();
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..1500 {
        let mut value = full.clone();
        for _ in 0..=random.below(2) {
            mutate(&mut value, &mut random);
        }
        let text = value.to_string();
        let tree = json::read(&text, &mut Findings::default()).unwrap();
        if tree.fields().is_none() {
            continue;
        }
        let mut findings = Findings::default();
        let checked = shape::check(&tree, &SCHEMA, &mut findings);
        let findings = findings.into_list();
        let decoded = serde_json::from_value::<Spec>(value);
        let context = || format!("seed {SEED} round {round}\n{findings:?}\n{text}");
        // The constant 4 is the one thing the types do not know.
        let is_current = tree.get("version").is_some_and(|v| matches!(v.value, Value::Integer(4)));
        // Serde also reads a struct from a list of its fields' values; the format does not.
        let is_list_for_map = findings.iter().any(|f| f.message == "expected a map, found a list");
        if decoded.is_ok() && is_current && !is_list_for_map {
            assert_eq!(findings, Vec::new(), "{}", context());
        }
        if findings.is_empty() {
            assert!(decoded.is_ok(), "{:?} {}", decoded, context());
        }
        assert!(serde_json::from_value::<Spec>(checked.json).is_ok() || !checked.is_sound, "{}", context());
        if findings.is_empty() { accepted += 1 } else { refused += 1 }
    }
    assert!(accepted > 50 && refused > 500, "{accepted} accepted, {refused} refused");
}

/// Damaged text never panics, and every finding has a place inside the text.
#[test]
fn damaged_text_is_reported_not_fatal() {
    const SEED: u64 = 23;
    let mut random = Random(SEED);
    let json = serde_json::to_string_pretty(&load(FULL, "full".into()).spec.unwrap()).unwrap();
    for round in 0..300 {
        let mut text: Vec<char> = if round % 2 == 0 { FULL } else { &json }.chars().collect();
        for _ in 0..=random.below(3) {
            let at = random.below(text.len());
            let piece: Vec<char> =
                ["{", "}", "[", "]", ":", "- ", "\n", "'", "\"", "&a ", "*a", "|", "\t", "é", "#", "? "]
                    [random.below(16)]
                .chars()
                .collect();
            let removed = random.below(6).min(text.len() - at);
            text.splice(at..at + removed, piece);
        }
        let text: String = text.into_iter().collect();
        let loaded = load(&text, "damaged".into());
        assert!(loaded.spec.is_some() || loaded.has_errors(), "seed {SEED} round {round}");
        for found in crate::diag::resolve(&loaded.diagnostics, &loaded.source) {
            let bytes = found
                .bytes
                .unwrap_or_else(|| panic!("no place: {} (seed {SEED} round {round})", found.message));
            assert!(bytes.end <= text.len(), "seed {SEED} round {round}");
        }
        assert_eq!(
            render(&loaded.diagnostics, &loaded.source, RenderOptions { color: true }).is_empty(),
            loaded.diagnostics.is_empty()
        );
    }
}
