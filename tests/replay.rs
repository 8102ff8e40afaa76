//! One pass at a time, from golden to golden.
//!
//! The graph of the golden before a pass goes in; what comes out, remarks included, must be the pass's golden, and what the
//! pass finds, places included, what it finds in a compilation. A mistake in one pass therefore fails the tests of that
//! pass and no others. `lower` starts from a spec, not from a graph, so it has no test here.

use std::sync::Arc;

use delta::Roots;
use engine::{TableRequest, Tables};
use ir::graph::Graph;
use ir::text::print;
use libtest_mimic::Trial;
use passes::{Context, PIPELINE, Pass, PassEvent};
use similar::TextDiff;

use crate::harness::{Case, case_oracle, read_golden, runtime, session, stage_text, trial};

pub(crate) fn trials(cases: &[Arc<Case>]) -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in cases.iter().filter(|case| case.shows_stages) {
        for pair in PIPELINE.windows(2) {
            let [before, pass] = pair else { continue };
            let case = Arc::clone(case);
            trials.push(trial(format!("replay::{}::{}", case.name, pass.stage()), move || {
                replay(&case, before, pass)
            }));
        }
    }
    trials
}

fn replay(case: &Case, before: &'static Pass, pass: &'static Pass) {
    let input = read_golden(&case.name, before).graph;
    let (session, prepared) = (session(4, 8192), case.prepared());
    // `resolve` asks for the tables that are read, and `type` for the columns of those that are appended to, where assertions
    // read them; every other pass must do without tables.
    let tables = if ["resolve", "type"].contains(&pass.name) {
        let home = prepared.home.path();
        runtime().block_on(Tables::resolve(home, &Roots::everywhere(), &TableRequest::of_graph(&input)))
    } else {
        Tables::default()
    };
    let oracle = case_oracle(&session, tables);
    let mut cx = Context::new(&oracle).with_origins(prepared.stage(before.name).origins.clone());
    let mut graph = input.clone();
    let mut remarks: Vec<String> = Vec::new();
    let mut observer = |event: &PassEvent<'_>| remarks = event.remarks.to_vec();
    passes::run_pass(pass, &mut graph, &mut cx, true, &mut observer)
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(cx.diagnostics, prepared.stage(pass.name).findings, "the pass finds something else");
    let found = stage_text(Some(&input), &graph, &remarks);
    compare(&case.name, pass, &graph, &found);
}

fn compare(case: &str, pass: &Pass, graph: &Graph, found: &str) {
    let golden = read_golden(case, pass);
    let (whole, wanted) = (print(graph), print(&golden.graph));
    assert!(
        whole == wanted,
        "{} gives another graph than its golden:\n{}",
        pass.stage(),
        difference(&wanted, &whole)
    );
    assert!(
        *graph == golden.graph,
        "{} gives a graph that prints as its golden and is not equal to it",
        pass.stage()
    );
    let (found, wanted) = (found.trim_end(), golden.text.trim_end());
    assert!(
        found == wanted,
        "{} remarks on something else than its golden:\n{}",
        pass.stage(),
        difference(wanted, found)
    );
}

/// What changed from one text to another, with a few lines around it.
fn difference(from: &str, to: &str) -> String {
    TextDiff::from_lines(from, to).unified_diff().context_radius(2).header("golden", "found").to_string()
}
