//! Extensions: what a spec does not allow is refused by every command, and `session` shows what there is.

use std::fs;

use serde_json::Value;

use crate::program::{SPEC, driver_in, err, exits, json, listing, out, with_tables};

const STRICT: &str = "runtime: {extension_governance_mode: strict_allowlist}\n";

/// Allows all that ships.
const ALL: &str = "session:\n  allowed_extensions: {functions: [codeanatomy], expr_planners: [codeanatomy], \
    relation_planners: [codeanatomy], type_planners: [codeanatomy], query_planners: [codeanatomy], \
    analyzer_rules: [codeanatomy], optimizer_rules: [codeanatomy], physical_optimizer_rules: [codeanatomy]}\n";

#[test]
fn every_command_refuses_what_is_not_allowed() {
    let folder = with_tables();
    fs::write(folder.path().join("spec.yaml"), format!("{SPEC}{STRICT}")).unwrap();
    let before = listing(folder.path());
    for command in ["check", "compile", "run"] {
        let refused = driver_in(folder.path(), [command, "spec.yaml"]);
        exits(&refused, 1);
        assert!(err(&refused).contains("E0605"), "{command}: {}", err(&refused));
    }
    let after: Vec<_> =
        listing(folder.path()).into_iter().filter(|it| !it.ends_with(".codeanatomy")).collect();
    assert_eq!(after, before, "something was written");
    fs::write(folder.path().join("spec.yaml"), format!("{SPEC}{STRICT}{ALL}")).unwrap();
    for command in ["check", "compile", "run"] {
        exits(&driver_in(folder.path(), [command, "spec.yaml"]), 0);
    }
}

#[test]
fn a_session_shows_its_extensions_and_its_manifest() {
    let folder = with_tables();
    let listed =
        "session: {allowed_extensions: {functions: [stable_hash64], query_planners: [codeanatomy]}}\n";
    fs::write(folder.path().join("spec.yaml"), format!("{SPEC}{STRICT}{listed}")).unwrap();
    let shown = driver_in(folder.path(), ["session", "spec.yaml", "--format", "json"]);
    exits(&shown, 0);
    let session = json(&shown);
    let allowed = |kind: &str, name: &str| {
        let extensions = session["extensions"].as_array().unwrap();
        let found = extensions.iter().find(|it| it["kind"] == kind && it["name"] == name);
        found.unwrap_or_else(|| panic!("no {kind} {name}"))["listed"].clone()
    };
    assert_eq!(allowed("functions", "stable_hash64"), true);
    assert_eq!(allowed("functions", "stable_hash128"), false);
    assert_eq!(allowed("query_planners", "engine"), true);
    assert_eq!(allowed("optimizer_rules", "push_down_filter"), false);
    let manifest = &session["manifest"];
    assert_eq!(manifest["version"], 1);
    assert_eq!(manifest["extension_policy"], "strict_allowlist");
    assert_eq!(manifest["allowed_extensions"]["functions"], Value::from(vec!["stable_hash64"]));
    assert_eq!(manifest["default_features_enabled"], true);
    assert_eq!(manifest["typed_policy_version"], "v1");
    let text = driver_in(folder.path(), ["session", "spec.yaml"]);
    let line = out(&text).lines().find(|line| line.contains("stable_hash64")).unwrap().to_owned();
    assert!(
        line.contains("functions (scalar)") && line.contains("codeanatomy 1") && line.ends_with("yes"),
        "{line}"
    );
    assert!(out(&text).contains("what is not allowed is refused"));
    // A name of nothing, with what is near.
    let listed = listed.replace("stable_hash64", "stable_hash46");
    fs::write(folder.path().join("spec.yaml"), format!("{SPEC}{STRICT}{listed}")).unwrap();
    let refused = driver_in(folder.path(), ["session", "spec.yaml"]);
    exits(&refused, 1);
    assert!(err(&refused).contains("E0606") && err(&refused).contains("did you mean `stable_hash64`?"));
}
