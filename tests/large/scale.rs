//! Large specs: what compiling them takes, in counts that cannot be linear by accident.
//!
//! Nothing is timed. Counted are the operations the engine has to plan for typing, the parts a segment is planned in,
//! and the sizes of texts; what takes more than linear time in any of them does not end.

use std::path::Path;
use std::sync::LazyLock;

use libtest_mimic::Trial;
use pipeline::{Compilation, CompileRequest, Plans, Ruleset, Source, Stage};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{root, session, trial, workers, write_fixtures};

pub(crate) fn trials() -> Vec<Trial> {
    let tests: [(&str, fn()); 7] = [
        ("layers", layers),
        ("queries_in_a_row", queries_in_a_row),
        ("filters_in_a_row", filters_in_a_row),
        ("projections_in_a_row", projections_in_a_row),
        ("squares_in_a_row", squares_in_a_row),
        ("diamonds", diamonds),
        ("unions_in_a_row", unions_in_a_row),
    ];
    tests.into_iter().map(|(name, test)| trial(format!("scale::{name}"), test)).collect()
}

/// The tables of the random specs; `left_rows` has integer columns `k`, `a` and `b`.
fn home() -> &'static Path {
    static HOME: LazyLock<TempDir> = LazyLock::new(|| {
        let home = tempfile::tempdir().expect("a folder is made");
        write_fixtures(&root().join("tests/random/tables"), &home.path().join("tables"));
        home
    });
    HOME.path()
}

/// A compiled spec and what asking the engine about it took.
struct Compiled(Compilation);

/// Compiles views in the order given over the input `v0`; the views in `outputs` are written.
fn compile(views: Vec<(String, Value)>, outputs: &[String]) -> Compiled {
    let view = |(name, transform): (String, Value)| json!({"name": name, "transform": transform});
    let output = |name: &String| json!({"table_name": format!("out_{name}"), "source_view": name});
    let spec = json!({
        "version": 4,
        "input_relations": [{"logical_name": "v0", "delta_location": "tables/left_rows"}],
        "view_definitions": views.into_iter().map(view).collect::<Vec<_>>(),
        "output_targets": outputs.iter().map(output).collect::<Vec<_>>(),
    });
    let spec = serde_json::from_value(spec).expect("a spec");
    let source = Source::from_spec(spec, "large", home()).expect("a folder");
    let request = CompileRequest {
        session_factory: &session(2, 8192),
        ruleset: Ruleset { verify_passes: false, stop_after: None },
        ..CompileRequest::new(source, workers())
    };
    let compiled = pipeline::compile(request).unwrap_or_else(|error| panic!("{error}"));
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics.first());
    Compiled(compiled)
}

impl Compiled {
    fn plan(&self) -> Plans {
        self.0.plan(workers()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The text of the plans of all segments.
    fn explain(&self, stage: Stage) -> String {
        self.plan().explain(stage, workers()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Every operation is planned at most twice: before and after columns are pruned.
    fn was_typed_once(&self, views: usize) {
        let before = self.0.oracle.plannings();
        assert!(before <= 2 * views + 10, "{before} plannings for {views} views");
        self.plan();
        assert_eq!(self.0.oracle.plannings(), before, "verifying and emitting plan nothing again");
    }
}

fn sql(query: String) -> Value {
    json!({"kind": "Sql", "query": query})
}

/// `count` views `v1`, `v2`, …, each over the one before it.
fn chain(count: usize, transform: impl Fn(usize) -> Value) -> Compiled {
    let views = (1..=count).map(|n| (format!("v{n}"), transform(n))).collect();
    compile(views, &[format!("v{count}")])
}

/// Ten views a layer, each joining two of the layers before: most are read twice and shared.
fn layers() {
    const VIEWS: usize = 5000;
    let views = (1..=VIEWS).map(|n| {
        let (left, right) = (n.saturating_sub(10), n / 2);
        let query = format!(
            "SELECT x.k, x.a + y.b AS a, y.b FROM v{left} x JOIN v{right} y ON x.k = y.k WHERE x.a > {n}"
        );
        (format!("v{n}"), sql(query))
    });
    let outputs: Vec<String> = (VIEWS - 9..=VIEWS).map(|n| format!("v{n}")).collect();
    let compiled = compile(views.collect(), &outputs);
    compiled.was_typed_once(VIEWS);
    let segments = compiled.plan().dag().segments.len();
    assert!(segments > VIEWS / 3, "{segments} segments");
}

/// Filters and projections in SQL, which the engine's optimizer would fuse into one conjunction of a thousand.
fn queries_in_a_row() {
    const VIEWS: usize = 1000;
    let compiled =
        chain(VIEWS, |n| sql(format!("SELECT k, a + {n} AS a, b FROM v{} WHERE b % 1009 <> {n}", n - 1)));
    compiled.was_typed_once(VIEWS);
    let text = compiled.explain(Stage::Optimized);
    let scanned =
        text.lines().find(|line| line.contains("TableScan")).map_or(0, |line| line.matches("!= ").count());
    assert_eq!(text.matches("!= ").count() - scanned, VIEWS, "every condition is there once");
    let text = compiled.explain(Stage::Physical);
    let longest = text.lines().map(str::len).max().unwrap_or(0);
    assert!(longest < 4000, "a line of {longest} bytes: what is fused must not grow with the chain");
    assert!(text.len() < VIEWS * 400, "{} bytes", text.len());
}

/// Of a thousand bounds of a column one is left.
fn filters_in_a_row() {
    const VIEWS: usize = 1000;
    let compiled = chain(
        VIEWS,
        |n| json!({"kind": "Filter", "source": format!("v{}", n - 1), "predicate": format!("b > -{n}")}),
    );
    let text = ir::text::print(&compiled.0.graph);
    assert_eq!((text.matches("b > ").count(), text.matches("b > -1)").count()), (1, 1), "{text}");
    assert!(compiled.0.graph.len() < 5, "{text}");
}

/// `a + 1 + 2 + …` stays within the depth that the text form can be parsed at, and no step is lost or doubled.
fn projections_in_a_row() {
    const VIEWS: usize = 1000;
    let compiled = chain(VIEWS, |n| {
        let columns = json!([{"name": "a", "expr": format!("a + {n}")}]);
        json!({"kind": "Project", "source": format!("v{}", n - 1), "columns": columns})
    });
    let text = ir::text::print(&compiled.0.graph);
    let parsed = ir::text::parse(&text).unwrap_or_else(|error| panic!("{error}")).graph;
    assert_eq!(ir::text::print(&parsed), text);
    assert_eq!(text.matches(" + ").count(), VIEWS);
    assert!(compiled.0.graph.len() < VIEWS / 8, "{} nodes are left", compiled.0.graph.len());
    assert_eq!(compiled.explain(Stage::Optimized).matches("checked_add(").count(), VIEWS);
}

/// An expression that stands twice is not put in place of a column: `a * a` of `a * a` would double at every step.
fn squares_in_a_row() {
    const VIEWS: usize = 200;
    let compiled = chain(VIEWS, |n| {
        let columns = json!([{"name": "a", "expr": "a * a"}]);
        json!({"kind": "Project", "source": format!("v{}", n - 1), "columns": columns})
    });
    assert_eq!(ir::text::print(&compiled.0.graph).matches(" * ").count(), VIEWS);
    assert_eq!(compiled.explain(Stage::Optimized).matches("checked_multiply(").count(), VIEWS);
}

/// A chain of joins of a view with itself has a billion ways through it; passes and emission walk each edge once.
fn diamonds() {
    const VIEWS: usize = 30;
    let compiled = chain(VIEWS, |n| {
        let below = n - 1;
        sql(format!("SELECT x.k, x.a + y.b AS a, y.b FROM v{below} x JOIN v{below} y ON x.k = y.k"))
    });
    compiled.was_typed_once(VIEWS);
    assert!(ir::text::print(&compiled.0.graph).len() < VIEWS * 1000);
}

/// Unions over unions are parts, not one plan as deep as the chain.
fn unions_in_a_row() {
    const VIEWS: usize = 500;
    let compiled = chain(VIEWS, |n| json!({"kind": "Union", "sources": [format!("v{}", n - 1), "v0"]}));
    let plans = compiled.plan();
    let depths: Vec<usize> = plans.dag().segments.iter().map(|segment| segment.parts.len()).collect();
    let text = compiled.explain(Stage::Physical);
    let indent = |line: &str| line.len() - line.trim_start().len();
    let deepest = text.lines().map(indent).max().unwrap_or(0);
    assert!(deepest < 300, "a plan {deepest} columns deep in parts {depths:?}");
}
