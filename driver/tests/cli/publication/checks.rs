//! A graph that breaks its rules is never visible, whichever spec publishes it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::{driver_in, err, exits, json, listing, out};

/// A graph of the nodes and edges in the braces, as SQL rows: `(1)` for a node, `(10, 1, 2)` for an edge, its start and
/// its end; and a table beside it. What is left out of an output is in `columns`.
fn spec(nodes: &str, edges: &str, mode: &str) -> String {
    format!(
        "\
version: 4
input_relations: []
view_definitions:
  - name: node_rows
    transform: {{kind: Sql, query: \"SELECT CAST(node_id AS BIGINT) AS node_id, 'X' AS node_kind FROM (VALUES {nodes}) AS t(node_id)\"}}
  - name: edge_rows
    transform:
      kind: Sql
      query: |
        SELECT CAST(edge_id AS BIGINT) AS edge_id, 'CALLS' AS edge_kind, CAST(src AS BIGINT) AS src_node_id,
               CAST(dst AS BIGINT) AS dst_node_id
        FROM (VALUES {edges}) AS t(edge_id, src, dst)
  - {{name: nodes, transform: {{kind: CpgEmit, output_kind: Nodes, sources: [node_rows]}}}}
  - {{name: edges, transform: {{kind: CpgEmit, output_kind: Edges, sources: [edge_rows]}}}}
output_targets:
  - {{table_name: beside, source_view: node_rows}}
  - {{table_name: my_nodes, source_view: nodes, materialization_mode: {mode}}}
  - {{table_name: my_edges, source_view: edges, materialization_mode: {mode}}}
"
    )
}

fn run(folder: &Path, spec: &str) -> std::process::Output {
    fs::write(folder.join("spec.yaml"), spec).unwrap();
    driver_in(folder, ["run", "spec.yaml", "--format", "json"])
}

/// The errors on stderr: code, line and message.
fn errors(output: &std::process::Output) -> Vec<(String, u64, String)> {
    let values = err(output).lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    values
        .map(|value| {
            (text(&value["code"]), value["line"].as_u64().unwrap_or_default(), text(&value["message"]))
        })
        .collect()
}

#[test]
fn a_sound_graph_is_published_with_what_was_checked() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &spec("(1), (2)", "(10, 1, 2), (11, 2, 2)", "Overwrite"));
    exits(&output, 0);
    let report = json(&output);
    let checks = report["checks"].as_array().unwrap();
    let held: Vec<&str> = checks.iter().map(|check| check["output"].as_str().unwrap()).collect();
    assert_eq!(held, ["my_edges", "my_nodes", "my_edges", "my_edges"], "{report}");
    let stages = report["stages"].as_array().unwrap();
    assert!(stages.iter().any(|stage| stage["stage"] == "check"), "{report}");
    let rows = driver_in(
        folder.path(),
        ["sql", "SELECT count(*) AS n FROM my_edges", "--lake", ".", "--format", "csv"],
    );
    assert_eq!(out(&rows), "n\n2\n");
}

/// Everything that does not hold is said at once, with the place of the output, and nothing has changed.
#[test]
fn a_broken_graph_is_refused_and_leaves_everything_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    exits(&run(folder.path(), &spec("(1), (2)", "(10, 1, 2)", "Overwrite")), 0);
    let before = listing(folder.path());
    let broken = spec("(1), (1), (2)", "(10, 1, 2), (11, 7, 2), (12, 1, 8), (13, 2, 9)", "Overwrite");
    let output = run(folder.path(), &broken);
    exits(&output, 1);
    let found = errors(&output);
    let codes: Vec<&str> = found.iter().map(|(code, ..)| code.as_str()).collect();
    assert_eq!(codes, ["E0709", "E0708", "E0708"], "{found:?}");
    let message = |index: usize| found[index].2.as_str();
    assert!(message(0).contains("`my_nodes`, column `node_id`: not so in 1 case"), "{found:?}");
    assert!(message(0).contains("such as node_id 1, nodes 2"), "{found:?}");
    assert!(message(1).contains("`my_edges`, column `dst_node_id`: not so in 2 cases"), "{found:?}");
    assert!(message(2).contains("`my_edges`, column `src_node_id`: not so in 1 case"), "{found:?}");
    assert!(message(2).contains("edge_id 11") && message(2).contains("src_node_id 7"), "{found:?}");
    assert!(found.iter().all(|(_, _, message)| message.contains("nothing was published")), "{found:?}");
    let line = |name: &str| {
        let lines = broken.lines().zip(1_u64..);
        lines.filter(|(text, _)| text.contains(&format!("table_name: {name}"))).map(|(_, line)| line).next()
    };
    assert_eq!(Some(found[0].1), line("my_nodes"), "{found:?}");
    assert_eq!(Some(found[1].1), line("my_edges"), "{found:?}");
    let of_runs = |path: &PathBuf| path.starts_with(".codeanatomy/runs");
    let tables = |mut files: Vec<PathBuf>| {
        files.retain(|path| !of_runs(path));
        files
    };
    let after = listing(folder.path());
    let records = |files: &[PathBuf]| files.iter().filter(|path| of_runs(path)).count();
    assert_eq!(records(&after), records(&before) + 2, "the graph and the record of the run that failed");
    assert_eq!(tables(after), tables(before));
}

#[test]
fn a_first_run_with_a_broken_graph_makes_no_table() {
    for (nodes, edges, code) in [
        ("(1), (1)", "(10, 1, 1)", "E0709"),
        ("(1), (NULL)", "(10, 1, 1)", "E0709"),
        ("(1)", "(10, 1, 1), (10, 1, 1)", "E0709"),
        ("(1)", "(10, 1, 2)", "E0708"),
        ("(1)", "(10, NULL, 1)", "E0708"),
    ] {
        for mode in ["Overwrite", "Append"] {
            let folder = tempfile::tempdir().unwrap();
            let output = run(folder.path(), &spec(nodes, edges, mode));
            exits(&output, 1);
            assert_eq!(errors(&output)[0].0, code, "{nodes} {edges}: {}", err(&output));
            let left: Vec<_> = listing(folder.path())
                .into_iter()
                .filter(|path| folder.path().join(path).is_file() && !path.starts_with(".codeanatomy/runs"))
                .collect();
            assert_eq!(left, [Path::new("spec.yaml")], "{nodes} {edges} {mode}");
        }
    }
}

/// What an append keeps is part of the table.
#[test]
fn an_append_is_checked_with_the_rows_that_are_there() {
    let folder = tempfile::tempdir().unwrap();
    exits(&run(folder.path(), &spec("(1), (2)", "(10, 1, 2)", "Append")), 0);
    let again = run(folder.path(), &spec("(2), (3)", "(11, 1, 3)", "Append"));
    exits(&again, 1);
    assert!(err(&again).contains("node_id 2, nodes 2"), "{}", err(&again));
    // Its edge starts at a node of the run before.
    exits(&run(folder.path(), &spec("(3), (4)", "(11, 1, 3)", "Append")), 0);
    let count = ["sql", "SELECT count(*) AS n FROM my_nodes", "--lake", ".", "--format", "csv"];
    assert_eq!(out(&driver_in(folder.path(), count)), "n\n4\n");
}
