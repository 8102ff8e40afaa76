//! Rows, judged independently of goldens: no rewriting, sharing or parallelism changes them, and they are what
//! somebody wrote down by hand or DataFusion alone computes from a plain query.
//!
//! | check | compares the rows of the finished graph with |
//! |---|---|
//! | `rewriting_changes_no_row` | those of the graph right after `desugar`, one partition, nothing shared in graphs up to 40 nodes |
//! | `sharing_changes_no_row` | those with every node that has several readers shared, many partitions, tiny batches |
//! | `bitwise_digests` | themselves, by the digests of outputs of class bitwise: other partitions, batches and memory |
//! | `expected_rows` | `expected/OUTPUT.txt`, written by hand |
//! | `plain_sql` | `plain/OUTPUT.sql` run by DataFusion alone over the same tables |
//! | `answers` | `answers/QUESTION.txt`, written by hand, as what `answers/QUESTION.sql` finds in the outputs |
//!
//! Rows are compared as multisets; floats must be equal to the last digit.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{Session, Tables};
use ir::determinism::ResultClass;
use ir::graph::{CachePolicy, Graph};
use libtest_mimic::Trial;
use passes::analysis::determinism::class_of;
use passes::{Context, find, run_pass};

use crate::harness::{
    Case, Execution, MEMORY, Rows, case_oracle, digests, execute, read_sql, session, session_within, stem,
    trial,
};

/// From this many nodes on, a graph is not run without sharing.
const DEEP: usize = 40;

/// A folder of a case, the name of the trial that judges by it, and the trial.
type Judge = (&'static str, &'static str, fn(&Case));

pub(crate) fn trials(cases: &[Arc<Case>]) -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in cases {
        let mut add = |name: &str, test: fn(&Case)| {
            let case = Arc::clone(case);
            trials.push(trial(format!("semantics::{}::{name}", case.name), move || test(&case)));
        };
        add("rewriting_changes_no_row", rewriting_changes_no_row);
        add("sharing_changes_no_row", sharing_changes_no_row);
        add("every_shared_view_is_computed_once", every_shared_view_is_computed_once);
        add("bitwise_digests", bitwise_digests);
        let judges: [Judge; 3] = [
            ("expected", "expected_rows", expected_rows),
            ("plain", "plain_sql", plain_sql),
            ("answers", "answers", answers),
        ];
        for (folder, name, test) in judges {
            if !case.expectations(folder).is_empty() {
                add(name, test);
            }
        }
    }
    trials
}

/// Partitions, rows of a batch and bytes of memory that decide no row of an output of class bitwise.
fn sizes() -> impl Iterator<Item = (usize, usize, usize)> {
    let memories = [64 << 20, MEMORY].into_iter();
    let batches = memories.flat_map(|memory| [1024, 8192].map(|batch| (batch, memory)));
    batches.flat_map(|(batch, memory)| [1, 2, 4, 8].map(|partitions| (partitions, batch, memory)))
}

fn bitwise_digests(case: &Case) {
    let graph = &case.prepared().stage("schedule").graph;
    let oracle = case_oracle(&session(1, 8192), Tables::default());
    let is_bitwise = |id| class_of(graph, &oracle, id).0 == ResultClass::Bitwise;
    let outputs: Vec<&str> =
        graph.sinks().into_iter().filter(|id| is_bitwise(*id)).map(|id| graph[id].owner.name()).collect();
    if outputs.is_empty() {
        return;
    }
    let home = case.prepared().home.path();
    let mut first: Option<BTreeMap<String, String>> = None;
    // The graphs of code are large, and there are several of them: each runs with every size, not with all pairs of them.
    let all: Vec<_> = sizes().collect();
    let each = if graph.len() > DEEP { all.len() / 4 + 1 } else { 1 };
    for (partitions, batch, memory) in all.into_iter().step_by(each) {
        let mut found = digests(graph, home, &session_within(partitions, batch, memory));
        found.retain(|table, _| outputs.contains(&table.as_str()));
        assert_eq!(found.len(), outputs.len(), "an output has no digest");
        let first = first.get_or_insert_with(|| found.clone());
        assert_eq!(*first, found, "{partitions} partitions, batches of {batch}, {memory} bytes");
    }
}

/// Runs the planning passes over a graph in phase Core with another cache policy.
pub(crate) fn planned(mut graph: Graph, cache: CachePolicy, session: &Session) -> Graph {
    graph.remove_unreachable();
    graph.cache = cache;
    let oracle = case_oracle(session, Tables::default());
    let mut cx = Context::new(&oracle);
    for pass in ["place", "schedule"] {
        let pass = find(pass).expect("a pass of the table");
        run_pass(pass, &mut graph, &mut cx, true, &mut ()).unwrap_or_else(|error| panic!("{error}"));
    }
    graph
}

/// A policy under which nothing is shared but volatile nodes, whose readers must agree.
pub(crate) fn share_nothing(graph: &Graph) -> CachePolicy {
    CachePolicy { never: node_names(graph, 2), ..CachePolicy::default() }
}

/// A policy under which everything with several readers is shared.
pub(crate) fn share_everything(graph: &Graph) -> CachePolicy {
    CachePolicy { force: node_names(graph, 2), ..CachePolicy::default() }
}

fn node_names(graph: &Graph, readers: usize) -> Vec<String> {
    graph.ids().filter(|id| graph.reads(*id) >= readers).map(|id| graph.name_of(id).to_owned()).collect()
}

fn rewriting_changes_no_row(case: &Case) {
    let prepared = case.prepared();
    let session = session(1, 8192);
    let graph = prepared.stage("desugar").graph.clone();
    // Computing a view of a deep graph again for every way to it takes exponential time.
    let deep = graph.len() > DEEP;
    let cache = if deep { graph.cache.clone() } else { share_nothing(&graph) };
    let plain = execute(&planned(graph, cache, &session), prepared.home.path(), &session);
    same_rows(&prepared.executed().outputs, &plain.outputs, "without rewriting");
}

fn sharing_changes_no_row(case: &Case) {
    let prepared = case.prepared();
    let graph = prepared.stage("prune").graph.clone();
    // What operators hold of every batch, a large graph has too often for batches of two rows.
    let session = session(3, if graph.len() > DEEP { 128 } else { 2 });
    let cache = share_everything(&graph);
    let shared = execute(&planned(graph, cache, &session), prepared.home.path(), &session);
    same_rows(&prepared.executed().outputs, &shared.outputs, "with everything shared");
    computed_once(&shared);
}

fn every_shared_view_is_computed_once(case: &Case) {
    computed_once(case.prepared().executed());
}

fn computed_once(execution: &Execution) {
    for view in &execution.outcome.shared_views {
        assert_eq!(view.computed, 1, "the shared view {} was computed {} times", view.view, view.computed);
    }
}

pub(crate) fn same_rows(found: &BTreeMap<String, Rows>, other: &BTreeMap<String, Rows>, what: &str) {
    let tables = |rows: &BTreeMap<String, Rows>| rows.keys().cloned().collect::<Vec<_>>();
    assert_eq!(tables(found), tables(other), "other tables {what}");
    for (table, rows) in found {
        same(table, rows, &other[table], what);
    }
}

fn same(table: &str, found: &Rows, other: &Rows, what: &str) {
    assert!(
        found == other,
        "the table {table} has other rows {what}:\n{other}\nthan the finished graph gives:\n{found}"
    );
}

fn expected_rows(case: &Case) {
    for path in case.expectations("expected") {
        let text = std::fs::read_to_string(&path).expect("expected rows are read");
        compare(case, &stem(&path), &Rows::of_text(&text), "in tests/cases/*/expected");
    }
}

fn plain_sql(case: &Case) {
    for path in case.expectations("plain") {
        let query = std::fs::read_to_string(&path).expect("a query is read");
        let answer = read_sql(&query, &case.prepared().tables()).untyped();
        compare(case, &stem(&path), &answer, "by plain SQL");
    }
}

/// Questions about the outputs: `answers/NAME.sql` over them must give `answers/NAME.txt`.
fn answers(case: &Case) {
    let published = &case.prepared().executed().published;
    for path in
        case.expectations("answers").into_iter().filter(|path| path.extension().is_some_and(|e| e == "sql"))
    {
        let query = std::fs::read_to_string(&path).expect("a question is read");
        let answer =
            std::fs::read_to_string(path.with_extension("txt")).expect("every question has an answer");
        same(
            &stem(&path),
            &read_sql(&query, published).untyped(),
            &Rows::of_text(&answer),
            "as its answer says",
        );
    }
}

fn compare(case: &Case, table: &str, other: &Rows, what: &str) {
    let outputs = &case.prepared().executed().outputs;
    let found = outputs.get(table).unwrap_or_else(|| panic!("the case has no output `{table}`"));
    same(table, &found.untyped(), other, what);
}
