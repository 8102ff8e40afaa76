//! The program as its users run it: the real executable, its streams and exit codes.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// Runs the program in a folder.
fn driver<A: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = A>) -> Output {
    command(folder, arguments).output().expect("the program starts")
}

fn command<A: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_driver"));
    command.args(arguments).current_dir(folder).env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

/// Runs the program with a text on stdin.
fn driver_reading(folder: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = command(folder, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("stdin is piped").write_all(input).expect("the program reads");
    child.wait_with_output().expect("the program ends")
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("stdout is UTF-8")
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("stderr is UTF-8")
}

#[track_caller]
fn exits(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "stdout:\n{}\nstderr:\n{}", out(output), err(output));
}

fn json(output: &Output) -> Value {
    serde_json::from_str(out(output)).unwrap_or_else(|error| panic!("not JSON ({error}):\n{}", out(output)))
}

/// A small repository in two languages.
const REPOSITORY: [(&str, &str); 6] = [
    ("Cargo.toml", "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
    ("pkg/__init__.py", ""),
    (
        "pkg/shapes.py",
        "\"\"\"Shapes.\"\"\"\nfrom .tools import double\n\n\nclass Square:\n    def area(self, side):\n        return double(side)\n\n\ndef total(sides):\n    square = Square()\n    return sum(square.area(side) for side in sides)\n",
    ),
    ("pkg/tools.py", "def double(value):\n    return value * 2\n"),
    ("src/lib.rs", "//! A crate.\nmod inner;\n/// Adds.\npub fn add(a: i64, b: i64) -> i64 {\n    inner::twice(a) + b\n}\n"),
    ("src/inner.rs", "pub fn twice(x: i64) -> i64 {\n    x * 2\n}\n"),
];

const SPEC: &str = "\
version: 4
input_relations:
  - {logical_name: defs, delta_location: tables/defs}
view_definitions:
  - name: functions
    transform: {kind: Filter, source: defs, predicate: \"kind = 'function'\"}
  - name: names
    transform: {kind: Project, source: functions, columns: [path, name]}
  - name: per_file
    transform: {kind: Aggregate, source: names, group_by: [path], aggregations: [{function: count, column: name, alias: functions}]}
output_targets:
  - {table_name: names, source_view: names}
  - {table_name: per_file, source_view: per_file}
";

fn write_repository(folder: &Path) {
    for (path, text) in REPOSITORY {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// A folder with `spec.yaml` and the extracted tables of the repository in `tables/`.
fn with_tables() -> tempfile::TempDir {
    static TABLES: OnceLock<tempfile::TempDir> = OnceLock::new();
    let tables = TABLES.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        write_repository(&folder.path().join("repo"));
        exits(&driver(folder.path(), ["extract", "repo", "-o", "tables"]), 0);
        folder
    });
    let folder = tempfile::tempdir().unwrap();
    copy(&tables.path().join("tables/defs"), &folder.path().join("tables/defs"));
    fs::write(folder.path().join("spec.yaml"), SPEC).unwrap();
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Everything below a folder, by relative path.
fn listing(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path.clone());
            }
            found.push(path.strip_prefix(folder).unwrap().to_owned());
        }
    }
    found.sort();
    found
}

#[test]
fn a_graph_is_built_and_queried() {
    let folder = tempfile::tempdir().unwrap();
    write_repository(folder.path());
    let built = driver(folder.path(), ["build", ".", "--format", "json"]);
    exits(&built, 0);
    let report = json(&built);
    let tables: Vec<&str> =
        report["outputs"].as_array().unwrap().iter().map(|output| output["table"].as_str().unwrap()).collect();
    for table in ["cpg_nodes", "cpg_edges", "cpg_props", "cpg_props_map", "cpg_edges_by_src", "cpg_edges_by_dst"] {
        assert!(tables.contains(&table), "no {table} in {tables:?}");
    }
    assert!(report["shared_views"].as_array().unwrap().iter().all(|view| view["computed"] == 1));
    assert!(report["checks"].as_array().unwrap().iter().all(|check| check["holds"] == true));

    // Who calls whom, across files, by hand: `area` calls `double`, `add` calls `twice`, `total` calls `area`
    // through the class it made.
    let callers = "SELECT DISTINCT d.path AS callee_file FROM cpg_edges e JOIN cpg_nodes d \
                   ON d.node_id = e.dst_node_id WHERE e.edge_kind = 'CALLS' AND d.node_kind <> 'EXTERNAL' \
                   AND d.path <> e.path ORDER BY 1";
    let rows = json(&driver(folder.path(), ["sql", callers, "--format", "json"]));
    let files: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["callee_file"].as_str().unwrap()).collect();
    assert_eq!(files, ["pkg/tools.py", "src/inner.rs"]);

    // A second build sees the same repository, not its own tables.
    let files = "SELECT path FROM files ORDER BY path";
    let lake = ".codeanatomy/lake/extract";
    let first = driver(folder.path(), ["sql", files, "--lake", lake, "--format", "csv"]);
    exits(&driver(folder.path(), ["build", "."]), 0);
    let second = driver(folder.path(), ["sql", files, "--lake", lake, "--format", "csv"]);
    assert_eq!(out(&first), "path\nCargo.toml\npkg/__init__.py\npkg/shapes.py\npkg/tools.py\nsrc/inner.rs\nsrc/lib.rs\n");
    assert_eq!(out(&first), out(&second));
    let ignore = fs::read_to_string(folder.path().join(".codeanatomy/lake/.gitignore")).unwrap();
    assert_eq!(ignore, "*\n");
}

#[test]
fn a_run_reports_on_stdout_and_leaves_a_record() {
    let folder = with_tables();
    let output = driver(folder.path(), ["run", "spec.yaml"]);
    exits(&output, 0);
    for text in ["output", "per_file", "shared view", "1x", "stage", "execute", "commit", "total"] {
        assert!(out(&output).contains(text), "no `{text}` in:\n{}", out(&output));
    }
    assert_eq!(err(&output), "");
    assert!(!out(&output).contains('\u{1b}'));

    let runs = folder.path().join(".codeanatomy/runs");
    let files = listing(&runs);
    assert_eq!(files.len(), 2, "{files:?}");
    let record = files.iter().find(|path| path.extension() == Some(OsStr::new("json"))).unwrap();
    let record: Value = serde_json::from_slice(&fs::read(runs.join(record)).unwrap()).unwrap();
    assert_eq!(record["inputs"][0]["location"], "tables/defs");
    assert_eq!(record["inputs"][0]["version"], 0);
    assert_eq!(record["outputs"][1]["table"], "per_file");
    // pkg/shapes.py, pkg/tools.py, src/inner.rs, src/lib.rs define functions; `area` is a method.
    assert_eq!(record["outputs"][1]["rows"], 4);
    let graph = runs.join(record["graph"].as_str().unwrap());
    exits(&driver(folder.path(), [OsStr::new("verify"), graph.as_os_str()]), 0);

    let commit = fs::read_to_string(folder.path().join("per_file/_delta_log/00000000000000000000.json")).unwrap();
    for key in ["codeanatomy.spec_hash", "codeanatomy.envelope_hash", "codeanatomy.run_id", "codeanatomy.run_started_at"] {
        assert!(commit.contains(key), "no {key} in {commit}");
    }
    let rows = driver(
        folder.path(),
        ["sql", "SELECT functions FROM per_file WHERE path = 'pkg/tools.py'", "--lake", ".", "--format", "csv"],
    );
    assert_eq!(out(&rows), "functions\n1\n");
}

#[test]
fn hashes_do_not_depend_on_the_run() {
    let folder = with_tables();
    let first = json(&driver(folder.path(), ["run", "spec.yaml", "--format", "json", "--memory-limit", "1GiB"]));
    let second = json(&driver(folder.path(), ["run", "spec.yaml", "--format", "json", "--memory-limit", "1GiB"]));
    for key in ["spec_hash", "envelope_hash"] {
        assert_eq!(first[key], second[key], "{key}");
        assert_eq!(first[key].as_str().map(str::len), Some(64), "{key}");
    }
    assert_ne!(first["run_id"], second["run_id"]);
    assert_eq!(second["outputs"][0]["version"], 1);
    let other = json(&driver(folder.path(), ["run", "spec.yaml", "--format", "json", "--memory-limit", "2GiB"]));
    assert_ne!(first["envelope_hash"], other["envelope_hash"]);
    assert_eq!(first["spec_hash"], other["spec_hash"]);
}

#[test]
fn a_bad_spec_is_reported_at_once_and_writes_nothing() {
    let folder = with_tables();
    let bad = SPEC.replace("source: functions,", "source: functoins,").replace("predicate: \"kind", "predicate: \"kidn");
    fs::write(folder.path().join("bad.yaml"), bad).unwrap();
    let before = listing(folder.path());
    let output = driver(folder.path(), ["run", "bad.yaml"]);
    exits(&output, 1);
    assert_eq!(out(&output), "");
    for text in ["E0107", "did you mean `functions`?", "E0201", "bad.yaml:6:", "2 errors"] {
        assert!(err(&output).contains(text), "no `{text}` in:\n{}", err(&output));
    }
    assert_eq!(listing(folder.path()), before);

    let checked = driver(folder.path(), ["check", "bad.yaml", "--format", "json"]);
    exits(&checked, 1);
    let report = json(&checked);
    assert_eq!(report["ok"], false);
    assert_eq!(error_lines(report["diagnostics"].as_array().unwrap()), [6, 8]);
    assert_eq!(err(&checked), "");

    // Elsewhere diagnostics are one JSON object a line, on stderr.
    let run = driver(folder.path(), ["run", "bad.yaml", "--format", "json"]);
    exits(&run, 1);
    let lines: Vec<Value> = err(&run).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(error_lines(&lines), [6, 8]);
    assert_eq!(out(&run), "");
}

/// The lines of the spec that have errors.
fn error_lines(diagnostics: &[Value]) -> Vec<u64> {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic["severity"] == "error");
    errors.map(|diagnostic| diagnostic["line"].as_u64().unwrap()).collect()
}

#[test]
fn a_failing_computation_publishes_nothing() {
    let folder = with_tables();
    let failing = SPEC.replace("columns: [path, name]", "columns: [path, name, {name: zero, expr: 1 / (bstart - bstart)}]");
    fs::write(folder.path().join("failing.yaml"), failing).unwrap();
    let output = driver(folder.path(), ["run", "failing.yaml"]);
    exits(&output, 1);
    assert!(err(&output).contains("E0707"), "{}", err(&output));
    let left: Vec<PathBuf> = listing(folder.path()).into_iter().filter(|path| !path.starts_with("tables")).collect();
    let published = left.iter().any(|path| path.ends_with("_delta_log") || path.extension() == Some(OsStr::new("parquet")));
    assert!(!published, "{left:?}");
    assert!(!folder.path().join(".codeanatomy").exists());
}

#[test]
fn colours_are_for_terminals_unless_asked_for() {
    let folder = with_tables();
    fs::write(folder.path().join("bad.yaml"), SPEC.replace("source: names", "source: nmaes")).unwrap();
    let colored = |output: &Output| err(output).contains('\u{1b}');
    assert!(!colored(&driver(folder.path(), ["check", "bad.yaml"])));
    assert!(colored(&driver(folder.path(), ["check", "bad.yaml", "--color", "always"])));
    assert!(!colored(&driver(folder.path(), ["check", "bad.yaml", "--color", "never"])));
    let no_color = command(folder.path(), ["check", "bad.yaml"]).env("NO_COLOR", "1").output().unwrap();
    assert!(!colored(&no_color));
    assert!(err(&driver(folder.path(), ["--color", "always", "bulid"])).contains('\u{1b}'));
}

#[test]
fn a_wrong_command_line_exits_with_2_and_says_what_is_right() {
    let folder = with_tables();
    let cases: [(&[&str], &str); 9] = [
        (&["bulid", "."], "build"),
        (&[], "Usage"),
        (&["run"], "SPEC"),
        (&["compile", "spec.yaml", "--after", "prunne"], "did you mean `prune`?"),
        (&["compile", "spec.yaml", "--stop-after", "nonsense"], "lower, resolve, type, validate, bind, desugar"),
        (&["compile", "spec.yaml", "--emit", "plan", "--stop-after", "type"], "--stop-after"),
        (&["pass", "nonsense"], "lower, resolve"),
        (&["explain", "E0170"], "did you mean `E0107`?"),
        (&["passes", "--format", "csv"], "sql"),
    ];
    for (arguments, expected) in cases {
        let output = driver(folder.path(), arguments);
        exits(&output, 2);
        assert_eq!(out(&output), "", "{arguments:?}");
        assert!(err(&output).contains(expected), "{arguments:?}: no `{expected}` in:\n{}", err(&output));
    }
    let help = driver(folder.path(), ["--help"]);
    exits(&help, 0);
    assert!(out(&help).contains("Exit codes"));
    assert_eq!(err(&help), "");
}

#[test]
fn what_does_not_exist_is_named() {
    let folder = with_tables();
    let cases: [(&[&str], &str); 6] = [
        (&["run", "nowhere.yaml"], "nowhere.yaml"),
        (&["build", "nowhere"], "nowhere"),
        (&["extract", "nowhere", "-o", "out"], "nowhere"),
        (&["sql", "SELECT 1", "--lake", "nowhere"], "driver build"),
        (&["sql", "SELECT * FROM dfs", "--lake", "tables"], "did you mean `defs`?"),
        (&["sql", "DROP TABLE defs", "--lake", "tables"], "DROP"),
    ];
    for (arguments, expected) in cases {
        let output = driver(folder.path(), arguments);
        exits(&output, 1);
        assert_eq!(out(&output), "", "{arguments:?}");
        assert!(err(&output).contains(expected), "{arguments:?}: no `{expected}` in:\n{}", err(&output));
    }
}

#[test]
fn stages_feed_each_other() {
    let folder = with_tables();
    let typed = driver(folder.path(), ["compile", "spec.yaml", "--stop-after", "type"]);
    exits(&typed, 0);
    let mut text = typed.stdout;
    let rest = passes::PIPELINE.iter().skip_while(|pass| pass.name != "validate");
    for pass in rest {
        let output = driver_reading(folder.path(), &["pass", pass.name], &text);
        exits(&output, 0);
        text = output.stdout;
    }
    let compiled = driver(folder.path(), ["compile", "spec.yaml"]);
    let without_remarks = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    };
    assert_eq!(without_remarks(std::str::from_utf8(&text).unwrap()), without_remarks(out(&compiled)));
    exits(&driver_reading(folder.path(), &["verify"], &text), 0);
    let archive = driver(folder.path(), ["compile", "spec.yaml", "--emit", "archive"]);
    exits(&driver_reading(folder.path(), &["verify"], &archive.stdout), 0);

    let broken = out(&compiled).replace("predicate=(kind = 'function')", "predicate=(kidn = 'function')");
    let verified = driver_reading(folder.path(), &["verify"], broken.as_bytes());
    exits(&verified, 1);
    let drawn = out(&verified);
    let line = broken.lines().position(|line| line.contains("kidn")).unwrap() + 1;
    assert!(drawn.contains("V06") && drawn.contains(&format!("<stdin>:{line}")), "{drawn}");
}

#[test]
fn every_form_of_a_compilation_can_be_printed() {
    let folder = with_tables();
    let cases = [
        ("ir", "graph spec phase=scheduled"),
        ("plan", "SharedView"),
        ("optimized", "TableScan"),
        ("physical", "Exec"),
        ("dot", "digraph"),
    ];
    for (form, expected) in cases {
        let output = driver(folder.path(), ["compile", "spec.yaml", "--emit", form]);
        exits(&output, 0);
        assert!(out(&output).contains(expected), "{form}:\n{}", out(&output));
    }
    let graph = json(&driver(folder.path(), ["compile", "spec.yaml", "--emit", "json"]));
    assert_eq!(graph["phase"], "scheduled");
    // What `--emit spec` prints is the same spec.
    let spec = driver(folder.path(), ["compile", "spec.yaml", "--emit", "spec"]);
    fs::write(folder.path().join("spec.json"), &spec.stdout).unwrap();
    let hash = |file: &str| json(&driver(folder.path(), ["check", file, "--format", "json"]))["spec_hash"].clone();
    assert_eq!(hash("spec.yaml"), hash("spec.json"));
    assert!(hash("spec.yaml").is_string());
    let differences = driver(folder.path(), ["compile", "spec.yaml", "--after", "all", "--diff"]);
    exits(&differences, 0);
    assert!(out(&differences).contains("+++ 15-resolve"), "{}", out(&differences));
}

#[test]
fn a_trace_is_written_also_when_compilation_fails() {
    let folder = with_tables();
    exits(&driver(folder.path(), ["trace", "spec.yaml", "-o", "trace"]), 0);
    let files = listing(&folder.path().join("trace"));
    for pass in passes::PIPELINE {
        assert!(files.contains(&PathBuf::from(format!("{}.ir", pass.stage()))), "no {} in {files:?}", pass.stage());
    }
    assert!(files.contains(&PathBuf::from("93-physical.txt")), "{files:?}");

    fs::write(folder.path().join("spec.yaml"), SPEC.replace("source: functions,", "source: functoins,")).unwrap();
    exits(&driver(folder.path(), ["trace", "spec.yaml", "-o", "trace"]), 1);
    let files = listing(&folder.path().join("trace"));
    assert!(files.contains(&PathBuf::from("10-lower.ir")) && files.contains(&PathBuf::from("diagnostics.txt")));
    assert!(!files.contains(&PathBuf::from("93-physical.txt")), "left over from the earlier trace: {files:?}");

    fs::create_dir(folder.path().join("mine")).unwrap();
    fs::write(folder.path().join("mine/10-lower.ir"), "mine").unwrap();
    exits(&driver(folder.path(), ["trace", "spec.yaml", "-o", "mine"]), 1);
    assert_eq!(fs::read_to_string(folder.path().join("mine/10-lower.ir")).unwrap(), "mine");
}

#[test]
fn rows_come_as_table_json_and_csv() {
    let folder = with_tables();
    let query = "SELECT * FROM (VALUES (9007199254740993, 'a,\"b\"', NULL), (-1, '', TRUE)) AS t(n, s, b) ORDER BY n";
    let sql = |form: &str| driver(folder.path(), ["sql", query, "--lake", "tables", "--format", form]);
    assert_eq!(out(&sql("csv")), "n,s,b\n-1,\"\",true\n9007199254740993,\"a,\"\"b\"\"\",\n");
    let rows = json(&sql("json"));
    assert_eq!(rows[1]["n"], 9_007_199_254_740_993_i64);
    assert_eq!(rows[1]["b"], Value::Null);
    assert!(out(&sql("text")).contains("NULL"));
    let few = driver(folder.path(), ["sql", query, "--lake", "tables", "--max-rows", "1"]);
    assert!(out(&few).contains("-1") && !out(&few).contains("9007199254740993"), "{}", out(&few));
    assert!(err(&few).contains("--max-rows"), "{}", err(&few));
    let empty = driver(folder.path(), ["sql", "SELECT name FROM defs WHERE false", "--lake", "tables", "--format", "json"]);
    assert_eq!(json(&empty), Value::Array(Vec::new()));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = with_tables();
    let mut child = command(folder.path(), ["schema"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    exits(&output, 0);
    assert_eq!(err(&output), "");
}

#[test]
fn reference_texts_are_printed() {
    let folder = with_tables();
    let schema = json(&driver(folder.path(), ["schema"]));
    assert_eq!(schema["properties"]["version"]["const"], 4);
    let explained = driver(folder.path(), ["explain", "unknown-source"]);
    assert!(out(&explained).starts_with("E0107"), "{}", out(&explained));
    let listed = driver(folder.path(), ["passes"]);
    assert!(passes::PIPELINE.iter().all(|pass| out(&listed).contains(&pass.stage())));
    let script = driver(folder.path(), ["completions", "bash"]);
    assert!(out(&script).contains("driver"));
}

#[cfg(unix)]
#[test]
fn a_stopped_build_exits_with_130_and_publishes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    write_repository(folder.path());
    // Enough source code to be in the middle of it when the signal comes.
    let text = "def f(a, b):\n    c = a + b\n    return f(c, c)\n\n".repeat(4000);
    for number in 0..60 {
        fs::write(folder.path().join(format!("pkg/m{number}.py")), &text).unwrap();
    }
    let child = command(folder.path(), ["build", ".", "--lake", "lake"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first data file shows that extraction has begun.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !folder.path().join("lake/extract").exists() && std::time::Instant::now() < deadline {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    exits(&output, 130);
    assert!(err(&output).contains("nothing was published"), "{}", err(&output));
    let left = listing(&folder.path().join("lake"));
    let files = left.iter().filter(|path| matches!(path.extension().and_then(OsStr::to_str), Some("parquet" | "json")));
    assert_eq!(files.count(), 0, "{left:?}");
}
