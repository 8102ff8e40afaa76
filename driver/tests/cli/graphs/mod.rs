//! Code property graphs and queries over them.

mod questions;
mod repositories;

use std::ffi::OsStr;
use std::fs;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;

use crate::program::{command, driver_in, err, exits, json, listing, out, with_tables, write_repository};

#[test]
fn a_graph_is_built_and_queried() {
    let folder = tempfile::tempdir().unwrap();
    write_repository(folder.path());
    let built = driver_in(folder.path(), ["build", ".", "--format", "json"]);
    exits(&built, 0);
    let report = json(&built);
    let tables: Vec<&str> = report["outputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|output| output["table"].as_str().unwrap())
        .collect();
    for table in
        ["cpg_nodes", "cpg_edges", "cpg_props", "cpg_props_map", "cpg_edges_by_src", "cpg_edges_by_dst"]
    {
        assert!(tables.contains(&table), "no {table} in {tables:?}");
    }
    assert!(report["shared_views"].as_array().unwrap().iter().all(|view| view["computed"] == 1));
    assert!(report["checks"].as_array().unwrap().iter().all(|check| check["holds"] == true));

    // Who calls whom, across files, by hand: `area` calls `double`, `add` calls `twice`, `total` calls `area`
    // through the class it made.
    let callers = "SELECT DISTINCT d.path AS callee_file FROM cpg_edges e JOIN cpg_nodes d \
                   ON d.node_id = e.dst_node_id WHERE e.edge_kind = 'CALLS' AND d.node_kind <> 'EXTERNAL' \
                   AND d.path <> e.path ORDER BY 1";
    let rows = json(&driver_in(folder.path(), ["sql", callers, "--format", "json"]));
    let files: Vec<&str> =
        rows.as_array().unwrap().iter().map(|row| row["callee_file"].as_str().unwrap()).collect();
    assert_eq!(files, ["pkg/tools.py", "src/inner.rs"]);
    // The extracted tables are a schema of the same lake.
    let both = "SELECT count(*) > 0 AS some FROM extract.files f JOIN cpg_nodes n ON n.path = f.path";
    assert_eq!(out(&driver_in(folder.path(), ["sql", both, "--format", "csv"])), "some\ntrue\n");

    // A second build sees the same repository, not its own tables.
    let files = "SELECT path FROM files ORDER BY path";
    let lake = ".codeanatomy/lake/extract";
    let first = driver_in(folder.path(), ["sql", files, "--lake", lake, "--format", "csv"]);
    exits(&driver_in(folder.path(), ["build", "."]), 0);
    let second = driver_in(folder.path(), ["sql", files, "--lake", lake, "--format", "csv"]);
    assert_eq!(
        out(&first),
        "path\nCargo.toml\npkg/__init__.py\npkg/shapes.py\npkg/tools.py\nsrc/inner.rs\nsrc/lib.rs\n"
    );
    assert_eq!(out(&first), out(&second));
    let ignore = fs::read_to_string(folder.path().join(".codeanatomy/lake/.gitignore")).unwrap();
    assert_eq!(ignore, "*\n");
}

/// Extraction and the shipped spec write in an order that joins by spans need.
#[test]
fn span_joins_over_a_built_graph_do_not_sort() {
    let folder = tempfile::tempdir().unwrap();
    write_repository(folder.path());
    exits(&driver_in(folder.path(), ["build", ".", "--lake", "lake"]), 0);
    let spec = "version: 4\n\
        input_relations:\n\
        \x20 - {logical_name: refs, delta_location: lake/extract/refs}\n\
        \x20 - {logical_name: scopes, delta_location: lake/extract/scopes}\n\
        \x20 - {logical_name: nodes, delta_location: lake/cpg_nodes}\n\
        view_definitions:\n\
        \x20 - name: around\n\
        \x20   transform:\n\
        \x20     {kind: Relate, left: refs, right: scopes, on: [file_id],\n\
        \x20      span: {relation: within, left: [lookup_start, lookup_end], right: [bstart, bend]},\n\
        \x20      select: [left.ref_id, right.scope_id]}\n\
        \x20 - name: inside\n\
        \x20   transform:\n\
        \x20     {kind: Relate, left: nodes, right: nodes, on: [file_id],\n\
        \x20      span: {relation: contains, left: [bstart, bend], right: [bstart, bend]},\n\
        \x20      select: [left.node_id, right.node_id as inner_id]}\n\
        output_targets:\n\
        \x20 - {table_name: around, source_view: around}\n\
        \x20 - {table_name: inside, source_view: inside}\n";
    fs::write(folder.path().join("spec.yaml"), spec).unwrap();
    let plan = driver_in(folder.path(), ["compile", "spec.yaml", "--emit", "physical"]);
    exits(&plan, 0);
    assert_eq!(out(&plan).matches("SpanJoinExec").count(), 2, "{}", out(&plan));
    // Neither a sort below the join nor one inside it.
    assert!(!out(&plan).contains("SortExec") && !out(&plan).contains("sort=["), "{}", out(&plan));
}

#[test]
fn rows_come_as_table_json_and_csv() {
    let folder = with_tables();
    let query =
        "SELECT * FROM (VALUES (9007199254740993, 'a,\"b\"', NULL), (-1, '', TRUE)) AS t(n, s, b) ORDER BY n";
    let sql = |form: &str| driver_in(folder.path(), ["sql", query, "--lake", "tables", "--format", form]);
    assert_eq!(out(&sql("csv")), "n,s,b\n-1,\"\",true\n9007199254740993,\"a,\"\"b\"\"\",\n");
    let rows = json(&sql("json"));
    assert_eq!(rows[1]["n"], 9_007_199_254_740_993_i64);
    assert_eq!(rows[1]["b"], Value::Null);
    assert!(out(&sql("text")).contains("NULL"));
    let few = driver_in(folder.path(), ["sql", query, "--lake", "tables", "--max-rows", "1"]);
    assert!(out(&few).contains("-1") && !out(&few).contains("9007199254740993"), "{}", out(&few));
    assert!(err(&few).contains("--max-rows"), "{}", err(&few));
    let empty = driver_in(
        folder.path(),
        ["sql", "SELECT name FROM defs WHERE false", "--lake", "tables", "--format", "json"],
    );
    assert_eq!(json(&empty), Value::Array(Vec::new()));
}

#[cfg(unix)]
#[test]
fn a_stopped_build_exits_with_130_and_publishes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    write_repository(folder.path());
    // Enough source code to be in the middle of it when the signal comes.
    let text = "def f(a, b):\n    c = a + b\n    return f(c, c)\n\n".repeat(1500);
    for number in 0..60 {
        fs::write(folder.path().join(format!("pkg/m{number}.py")), &text).unwrap();
    }
    let child = command(folder.path(), ["build", ".", "--lake", "lake"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Written right before extraction begins.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !folder.path().join("lake/.gitignore").exists() && std::time::Instant::now() < deadline {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    exits(&output, 130);
    assert!(err(&output).contains("nothing was published"), "{}", err(&output));
    let left = listing(&folder.path().join("lake"));
    let files = left
        .iter()
        .filter(|path| matches!(path.extension().and_then(OsStr::to_str), Some("parquet" | "json")));
    assert_eq!(files.count(), 0, "{left:?}");
}
