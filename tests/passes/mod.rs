//! What single passes do to small graphs.
//!
//! A file `tests/passes/PASS/NAME.ir` is a graph in text form, a line `---`, and what the pass makes of it:
//!
//! ```text
//! # negative: the filters differ in a literal
//! graph t phase=core
//! orders = scan location=orders version=3 rows=9 : {id Int64!}
//! a = filter orders predicate=(id > 1)
//! b = filter orders predicate=(id > 2)
//! @a = sink a location=a mode=append
//! @b = sink b location=b mode=append
//! ---
//! same
//! ```
//!
//! * The first line says whether the pass must act (`positive`) or must leave alone what looks alike (`negative`),
//!   and why.
//! * The output is the graph after the pass, or `same` where at the most the phase differs; then the pass's remarks
//!   and findings, as `# remark: …`, `# warning[W0002]: …`. Where the pass finds a mistake there is no graph, only
//!   `# error[E0203]: …` and the other findings.
//! * From phase Typed on, the schemas of core operations may be left out; they are derived before the pass and left
//!   out of the output. The graphs before and after the pass are verified.
//! * Types and volatility are the engine's answers. No table is opened: for `resolve`, lines
//!   `# table: NAME = scan location=… version=… rows=… : {…}` say which tables there are, at their latest version.
//! * Lines `# counted: NODE ROWS in RUNS runs` say what earlier runs counted of a node with its content, and
//!   `# counted before: …` of one with its definition, over other versions of its tables.
//! * `lower` starts from a spec, so its input is a spec.
//!
//! `INSTA_UPDATE=always` writes what is found below the `---`.

use std::path::Path;

use ir::diag::SourceName;
use ir::graph::{Graph, NodeId};
use ir::op::{Op, Scan};
use ir::oracle::Oracle;
use ir::phase::Phase;
use ir::schema::Schema;
use ir::text::{parse, print};
use ir::verify::{Violation, verify};
use libtest_mimic::Trial;
use passes::analysis::history::{History, NodeHashes, hashes};
use passes::{Context, Options, PIPELINE, Pass, PassEvent};
use similar::TextDiff;

use crate::harness::{entries, fixture_oracle, folders, root, same_but_for_phase, session, stem, trial};

/// The line between the input and the output.
const CUT: &str = "---\n";
const TABLE: &str = "# table: ";
const COUNTED: &str = "# counted: ";
const COUNTED_BEFORE: &str = "# counted before: ";
const POSITIVE: &str = "# positive: ";
const NEGATIVE: &str = "# negative: ";

pub(crate) fn trials() -> Vec<Trial> {
    let folder = root().join("tests/passes");
    let mut trials = Vec::new();
    for pass in PIPELINE {
        for path in entries(&folder.join(pass.name)) {
            let name = format!("passes::{}::{}", pass.name, stem(&path));
            trials.push(trial(name.clone(), move || check(pass, &path, &name)));
        }
    }
    trials.push(trial("passes::every_pass_is_tested_both_ways", move || every_pass_is_tested(&folder)));
    trials
}

/// Folders are named like passes, and every pass has a test in which it acts and one in which it must not.
fn every_pass_is_tested(folder: &Path) {
    let mut wrong = Vec::new();
    for name in folders(folder).keys().filter(|name| passes::find(name).is_err()) {
        wrong.push(format!("tests/passes/{name}: there is no such pass"));
    }
    for pass in PIPELINE {
        let texts: Vec<String> = entries(&folder.join(pass.name)).iter().map(|path| read(path)).collect();
        for kind in [POSITIVE, NEGATIVE] {
            if !texts.iter().any(|text| text.starts_with(kind)) {
                wrong.push(format!("tests/passes/{}: no test begins with `{}`", pass.name, kind.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn check(pass: &'static Pass, path: &Path, test: &str) {
    let text = read(path);
    let positive = text.starts_with(POSITIVE);
    assert!(
        positive || text.starts_with(NEGATIVE),
        "the first line says `{}` or `{}` and why",
        POSITIVE.trim(),
        NEGATIVE.trim()
    );
    let (input, expected) = match text.split_once(&format!("\n{CUT}")) {
        Some((input, expected)) => (format!("{input}\n"), expected),
        None => (text.clone(), ""),
    };
    let found = run(pass, &input);
    assert!(!(positive && found == "same\n"), "a positive test in which the pass does nothing");
    if found == expected {
        return;
    }
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(path, format!("{input}{CUT}{found}")).expect("a test is written");
        return;
    }
    let difference = TextDiff::from_lines(expected, &found)
        .unified_diff()
        .context_radius(3)
        .header("the file", "found")
        .to_string();
    panic!(
        "{} makes something else of the graph than the file says:\n{difference}\nTo accept it:\n    \
         INSTA_UPDATE=always cargo test --test suite -- --exact {test}",
        pass.name
    );
}

/// What a pass makes of an input, as it stands in a file.
fn run(pass: &'static Pass, input: &str) -> String {
    let oracle = fixture_oracle(&session(4, 8192), tables(input));
    if pass.name == "lower" {
        return lower(input, &oracle);
    }
    let mut graph = parse(input).unwrap_or_else(|error| panic!("the input: {error}")).graph;
    let derived = derive_schemas(&mut graph, &oracle);
    if let Err(violations) = verify(&graph, &oracle) {
        panic!("the input is broken:\n{}", list(&violations));
    }
    let before = graph.clone();
    let history = history(input, &graph, &oracle);
    let mut cx = Context::new(&oracle).with_history(history.as_ref());
    let mut remarks: Vec<String> = Vec::new();
    let mut observer = |event: &PassEvent<'_>| remarks = event.remarks.to_vec();
    passes::run_pass(pass, &mut graph, &mut cx, true, &mut observer)
        .unwrap_or_else(|error| panic!("{error}"));
    let findings: Vec<String> = cx.diagnostics.iter().map(ToString::to_string).collect();
    let shown = if cx.has_errors() {
        String::new()
    } else if same_but_for_phase(&before, &graph) {
        "same\n".to_owned()
    } else {
        if derived {
            forget_schemas(&mut graph);
        }
        print(&graph)
    };
    output(shown, &remarks, &findings)
}

/// What earlier runs counted, as an input says; nothing where it does not.
fn history(input: &str, graph: &Graph, oracle: &dyn Oracle) -> Option<History> {
    let says = |line: &&str| line.starts_with(COUNTED) || line.starts_with(COUNTED_BEFORE);
    let lines: Vec<&str> = input.lines().filter(says).collect();
    // Graphs that are not typed have no hashes.
    let hashes = if lines.is_empty() { return None } else { hashes(graph, oracle) };
    let mut history = History::default();
    for line in lines {
        let (line, same) = match (line.strip_prefix(COUNTED), line.strip_prefix(COUNTED_BEFORE)) {
            (Some(line), _) => (line, true),
            (None, line) => (line.unwrap_or_default(), false),
        };
        let [node, rows, "in", runs, "runs"] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("`{line}` is not like `a 12 in 3 runs`");
        };
        let id = graph.find(node).unwrap_or_else(|| panic!("there is no node {node}"));
        let NodeHashes { content, definition } = hashes[&id];
        let runs: Vec<String> =
            (0..runs.parse::<u32>().expect("a number of runs")).map(|run| run.to_string()).collect();
        let rows = rows.parse().expect("a number of rows");
        history.add(same.then_some(content), definition, rows, &runs);
    }
    Some(history)
}

/// What lowering makes of a spec.
fn lower(input: &str, oracle: &dyn Oracle) -> String {
    let loaded = ir::spec::load(input, SourceName::new("spec.yaml"));
    let findings: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).collect();
    let spec = loaded.spec.unwrap_or_else(|| panic!("the spec: {}", findings.join("\n")));
    let options = Options {
        verify: true,
        stop_after: Some("lower"),
        unread: Some(&loaded.unread),
        ..Options::default()
    };
    let compiled =
        passes::compile(&spec, "t", oracle, options, &mut ()).unwrap_or_else(|error| panic!("{error}"));
    let shown = if compiled.has_errors() { String::new() } else { print(&compiled.graph) };
    let findings: Vec<String> = compiled.diagnostics.iter().map(ToString::to_string).collect();
    output(shown, &[], &findings)
}

fn output(mut text: String, remarks: &[String], findings: &[String]) -> String {
    let remarks = remarks.iter().map(|remark| format!("# remark: {remark}\n"));
    text.extend(remarks.chain(findings.iter().map(|finding| format!("# {finding}\n"))));
    text
}

fn list(violations: &[Violation]) -> String {
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The tables an input says there are.
fn tables(input: &str) -> Vec<(Scan, Schema)> {
    let lines: String =
        input.lines().filter_map(|line| line.strip_prefix(TABLE)).map(|line| format!("{line}\n")).collect();
    let text = format!("graph tables phase=resolved\n{lines}");
    let graph =
        parse(&text).unwrap_or_else(|error| panic!("a `{}` line: {error}\n{text}", TABLE.trim())).graph;
    let table = |id: NodeId| {
        let node = &graph[id];
        let Op::Scan(scan) = &node.op else { panic!("`{}` is not a scan", node.name) };
        (scan.clone(), node.schema.clone().unwrap_or_else(|| panic!("`{}` has no schema", node.name)))
    };
    graph.ids().map(table).collect()
}

/// Gives nodes without a schema the one the engine derives. Whether there were any.
fn derive_schemas(graph: &mut Graph, oracle: &dyn Oracle) -> bool {
    let mut derived = false;
    if graph.phase < Phase::Typed {
        return derived;
    }
    for id in graph.topological() {
        let node = &graph[id];
        if node.schema.is_some() {
            continue;
        }
        assert!(
            !node.op.is_surface() && !matches!(node.op, Op::Scan(_)),
            "`{}` needs a schema: that of a {} is not derived",
            node.name,
            node.op.keyword()
        );
        let schema = oracle
            .schema(node, &graph.input_schemas(id))
            .unwrap_or_else(|error| panic!("`{}` has no schema: {error}", node.name));
        graph[id].schema = Some(schema);
        derived = true;
    }
    derived
}

/// Leaves out the schemas of core operations, which follow from what is below them: the graph is verified.
fn forget_schemas(graph: &mut Graph) {
    for id in graph.ids().collect::<Vec<_>>() {
        let node = &mut graph[id];
        if !matches!(node.op, Op::Scan(_)) {
            node.schema = None;
        }
    }
}
