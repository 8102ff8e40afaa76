//! Files of lineage.

use std::fs;

use serde_json::{Value, json};

use super::super::program::{SPEC, driver_in, err, exits, with_tables, write_repository};
use super::lines;

#[test]
fn a_run_tells_what_it_reads_and_writes_and_which_columns_come_from_which() {
    let folder = with_tables();
    let folder = &folder.path().canonicalize().unwrap();
    exits(
        &driver_in(folder, ["run", "spec.yaml", "--lineage", "lineage.ndjson", "--events", "events.ndjson"]),
        0,
    );
    let events = lines(&folder.join("lineage.ndjson"));
    let [start, complete] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((&start["eventType"], &complete["eventType"]), (&json!("START"), &json!("COMPLETE")));
    let run_id = &lines(&folder.join("events.ndjson"))[0]["run_id"];
    for event in [start, complete] {
        assert_eq!(&event["run"]["runId"], run_id);
        assert_eq!(event["job"]["name"], json!(folder.join("spec").to_str().unwrap()));
        let [input] = event["inputs"].as_array().unwrap().as_slice() else { panic!("{event}") };
        assert_eq!(input["name"], json!(folder.join("tables/defs").to_str().unwrap()));
        assert_eq!(
            (&input["namespace"], &input["facets"]["version"]["datasetVersion"]),
            (&json!("file"), &json!("0"))
        );
    }
    let output = |event: &Value, name: &str| {
        let name = json!(folder.join(name).to_str().unwrap());
        let outputs = event["outputs"].as_array().unwrap();
        outputs.iter().find(|output| output["name"] == name).unwrap().clone()
    };
    let planned = output(start, "per_file");
    assert!(planned["facets"]["version"].is_null() && planned["outputFacets"].is_null());
    let written = output(complete, "per_file");
    assert_eq!(written["facets"]["version"]["datasetVersion"], "0");
    assert!(written["outputFacets"]["outputStatistics"]["rowCount"].as_u64() > Some(0));
    let columns: Vec<&Value> = written["facets"]["schema"]["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| &field["name"])
        .collect();
    assert_eq!(columns, ["path", "functions"]);
    // SELECT path, count(name) AS functions ... WHERE kind = 'function' GROUP BY path
    let from = |fields: &Value| -> Vec<String> {
        let fields = fields.as_array().unwrap().iter();
        fields.map(|field| format!("{} {}", field["field"], field["transformations"][0]["subtype"])).collect()
    };
    let lineage = &written["facets"]["columnLineage"];
    assert_eq!(from(&lineage["fields"]["path"]["inputFields"]), ["\"path\" \"IDENTITY\""]);
    assert_eq!(from(&lineage["fields"]["functions"]["inputFields"]), ["\"name\" \"AGGREGATION\""]);
    assert_eq!(from(&lineage["dataset"]), ["\"kind\" \"FILTER\"", "\"path\" \"GROUP_BY\""]);
    assert!(lineage["_schemaURL"].as_str().unwrap().starts_with("https://openlineage.io/spec/facets/1-2-0/"));
}

#[test]
fn a_run_that_fails_says_so_and_one_that_does_not_begin_says_nothing() {
    let folder = with_tables();
    let folder = folder.path();
    let fails = SPEC
        .replace("columns: [path, name]", "columns: [path, {name: name, expr: \"CAST(name AS BIGINT)\"}]");
    fs::write(folder.join("fails.yaml"), fails).unwrap();
    let output = driver_in(folder, ["run", "fails.yaml", "--lineage", "lineage.ndjson"]);
    exits(&output, 1);
    let events = lines(&folder.join("lineage.ndjson"));
    let [start, fail] = events.as_slice() else { panic!("{events:?}\n{}", err(&output)) };
    assert_eq!((&start["eventType"], &fail["eventType"]), (&json!("START"), &json!("FAIL")));
    assert_eq!(fail["run"]["facets"]["errorMessage"]["programmingLanguage"], "Rust");
    assert_eq!(fail["outputs"], start["outputs"]);

    fs::write(folder.join("bad.yaml"), SPEC.replace("columns: [path, name]", "columns: [path, nam]"))
        .unwrap();
    exits(&driver_in(folder, ["run", "bad.yaml", "--lineage", "none.ndjson"]), 1);
    assert_eq!(fs::read_to_string(folder.join("none.ndjson")).unwrap(), "");
    exits(&driver_in(folder, ["check", "spec.yaml", "--lineage", "check.ndjson"]), 2);
    let events_file = ["run", "spec.yaml", "--events", "lineage.ndjson"];
    exits(&driver_in(folder, events_file), 1);
}

#[test]
fn a_build_tells_of_the_tables_of_the_graph() {
    let folder = tempfile::tempdir().unwrap();
    write_repository(&folder.path().join("repo"));
    exits(&driver_in(folder.path(), ["build", "repo", "--lineage", "lineage.ndjson"]), 0);
    let events = lines(&folder.path().join("lineage.ndjson"));
    assert_eq!((events.len(), &events[1]["eventType"]), (2, &json!("COMPLETE")));
    let names = |side: &str| -> Vec<String> {
        let datasets = events[1][side].as_array().unwrap().iter();
        datasets.map(|dataset| dataset["name"].as_str().unwrap().to_owned()).collect()
    };
    assert!(names("inputs").iter().any(|name| name.ends_with("/lake/extract/defs")), "{:?}", names("inputs"));
    assert!(names("outputs").iter().any(|name| name.ends_with("/lake/cpg_nodes")), "{:?}", names("outputs"));
}
