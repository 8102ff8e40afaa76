//! Texts of graphs: parsed, printed, verified, and passed through the passes that start from their phase.

use arbitrary::{Result as Made, Unstructured};
use ir::graph::Graph;
use ir::text::{dot, parse};
use ir::verify::verify;
use passes::{Context, PIPELINE};
use pipeline::on_deep_stack;

use super::{Input, Program, loses_nothing};
use crate::corpus::Corpus;
use crate::edit::edited;

/// The most statements that are taken from different texts.
const MAX_STATEMENTS: usize = 12;

/// Valid texts with edits; texts of statements of several texts, with edits or without.
pub(super) fn input(u: &mut Unstructured<'_>, corpus: &Corpus) -> Made<Input> {
    Ok(Input::one("graph.ir", any_text(u, corpus)?))
}

/// As [`input`], without its name.
pub(super) fn any_text(u: &mut Unstructured<'_>, corpus: &Corpus) -> Made<Vec<u8>> {
    let other = u.choose(&corpus.texts)?.as_bytes();
    if u.ratio(1, 3)? {
        let mut text = u.choose(&corpus.headers)?.clone();
        for _ in 0..u.int_in_range(1..=MAX_STATEMENTS)? {
            text.push_str(u.choose(&corpus.statements)?);
        }
        if u.ratio(1, 2)? { edited(u, text.as_bytes(), other, &corpus.words) } else { Ok(text.into_bytes()) }
    } else {
        let base = u.choose(&corpus.texts)?.as_bytes();
        edited(u, base, other, &corpus.words)
    }
}

pub(super) fn read(bytes: &[u8], program: &Program, corpus: &Corpus) -> Result<(), String> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    let parsed = match parse(text) {
        Ok(parsed) => parsed,
        Err(error) if (1..=text.split('\n').count()).contains(&error.line) => return Ok(()),
        Err(error) => return Err(format!("an error at a line that is not there: {error}")),
    };
    loses_nothing(&parsed.graph)?;
    let _ = dot(&parsed.graph);
    let passed = on_deep_stack(|| pass(parsed.graph, program, corpus));
    passed.map_err(|error| error.to_string())?
}

/// Verifies a graph, and runs the passes over one that keeps all rules.
fn pass(mut graph: Graph, program: &Program, corpus: &Corpus) -> Result<(), String> {
    let oracle = program.oracle(corpus);
    if verify(&graph, &oracle).is_err() {
        return Ok(());
    }
    let (mut context, phase) = (Context::new(&oracle), graph.phase);
    for pass in PIPELINE.iter().skip(1).filter(|pass| pass.requires >= phase) {
        // A graph that somebody wrote by hand may be one that no pass makes; what is then wrong is said.
        let passed = passes::run_pass(pass, &mut graph, &mut context, true, &mut ());
        if passed.is_err() || context.diagnostics.iter().any(ir::diag::Diagnostic::is_error) {
            return Ok(());
        }
        loses_nothing(&graph)?;
    }
    Ok(())
}
