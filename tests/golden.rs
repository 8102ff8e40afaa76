//! Every stage of every case against its golden: the graph after each pass, the plans, and the rows.

use std::sync::Arc;

use libtest_mimic::Trial;
use passes::{PIPELINE, Pass};

use crate::harness::{Case, assert_snapshot, plans, session, stage_text, trial};

/// The stages of a case that are not a pass: name and description.
pub(crate) const OTHER_STAGES: [(&str, &str); 4] = [
    ("05-warnings", "what the compiler warns of"),
    ("90-logical_plan", "the plans of the engine, by segment"),
    ("92-optimized_plan", "the plans after the engine's optimizer, by segment"),
    ("95-rows", "the rows of the outputs"),
];

pub(crate) fn trials(cases: &[Arc<Case>]) -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in cases {
        for (index, pass) in PIPELINE.iter().enumerate().filter(|_| case.shows_stages) {
            trials.push(stage(case, &pass.stage(), pass.about, move |case| pass_text(case, index, pass)));
        }
        let shown = case.shown(OTHER_STAGES.iter().map(|(name, _)| *name));
        for (name, about) in OTHER_STAGES.into_iter().filter(|(name, _)| shown.contains(name)) {
            trials.push(stage(case, name, about, move |case| other_text(case, name)));
        }
    }
    trials
}

fn stage(
    case: &Arc<Case>,
    name: &str,
    about: &'static str,
    text: impl Fn(&Case) -> String + Send + 'static,
) -> Trial {
    let test = format!("golden::{}::{name}", case.name);
    let (case, name) = (Arc::clone(case), name.to_owned());
    trial(test.clone(), move || assert_snapshot(&case.name, &name, about, &text(&case), &test))
}

fn pass_text(case: &Case, index: usize, pass: &Pass) -> String {
    let stages = &case.prepared().stages;
    let stage = &stages[index];
    assert_eq!(stage.pass.name, pass.name, "the observer sees all passes in order");
    let before = index.checked_sub(1).map(|before| &stages[before].graph);
    stage_text(before, &stage.graph, &stage.remarks)
}

fn other_text(case: &Case, name: &str) -> String {
    let prepared = case.prepared();
    let graph = &prepared.stage("schedule").graph;
    match name {
        "05-warnings" => prepared.warnings.clone(),
        "90-logical_plan" => plans(graph, prepared.home.path(), &session(4, 8192)).0,
        "92-optimized_plan" => plans(graph, prepared.home.path(), &session(4, 8192)).1,
        _ => {
            let outputs = &prepared.executed().outputs;
            let tables: Vec<String> = outputs
                .iter()
                .map(|(table, rows)| format!("== {table}: {} rows\n{rows}", rows.rows.len()))
                .collect();
            tables.join("\n")
        }
    }
}
