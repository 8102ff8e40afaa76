//! `driver verify < ir`: checks the invariants of a graph and draws what is broken under its line.

use std::collections::BTreeMap;

use ir::diag::escape_text;
use ir::verify::Violation;
use pipeline::verify_graph;
use serde_json::json;

use super::graph::{ReadGraph, read};
use crate::cli::GraphArgs;
use crate::commands::Context;
use crate::failure::Failure;

/// The widest line that is shown in full, in characters.
const MAX_LINE_CHARACTERS: usize = 160;

pub(in crate::commands) fn run(arguments: &GraphArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let input = read(&arguments.graph, context.stdin)?;
    let graph = &input.parsed.graph;
    let violations = verify_graph(graph, context.workers()?)?;
    if context.console.is_json() {
        let list = violations.iter().map(|violation| {
            json!({
                "rule": violation.rule, "node": violation.node, "message": violation.message,
                "line": input.parsed.lines.get(&violation.node),
            })
        });
        context.console.print_json(&json!({
            "ok": violations.is_empty(), "name": graph.name, "phase": graph.phase.name(), "nodes": graph.len(),
            "violations": list.collect::<Vec<_>>(),
        }))?;
    } else if violations.is_empty() {
        let text = format!(
            "ok: graph `{}`, phase {}, {} nodes\n",
            escape_text(&graph.name),
            graph.phase,
            graph.len()
        );
        context.console.print(&text)?;
    } else {
        context.console.print(&drawn(&input, &violations))?;
    }
    if violations.is_empty() { Ok(()) } else { Err(Failure::Reported) }
}

/// The lines that have violations, each with the violations under it.
fn drawn(input: &ReadGraph, violations: &[Violation]) -> String {
    let mut by_line: BTreeMap<usize, Vec<&Violation>> = BTreeMap::new();
    for violation in violations {
        // What concerns no node concerns the header.
        by_line
            .entry(input.parsed.lines.get(&violation.node).copied().unwrap_or(1))
            .or_default()
            .push(violation);
    }
    let margin = by_line.keys().next_back().map_or(1, |line| line.to_string().len());
    let lines: Vec<&str> = input.text.lines().collect();
    let mut text = String::new();
    for (line, violations) in by_line {
        let content = line.checked_sub(1).and_then(|index| lines.get(index)).copied().unwrap_or("");
        let shown: String = content.chars().take(MAX_LINE_CHARACTERS).collect();
        let cut = if shown.len() < content.len() { "..." } else { "" };
        text.push_str(&format!("{}--> {}:{line}\n", " ".repeat(margin), escape_text(&input.name)));
        text.push_str(&format!("{line:>margin$} | {}{cut}\n", escape_text(&shown)));
        for violation in violations {
            let width = escape_text(&violation.node).chars().count().max(1);
            let message = escape_text(&violation.message);
            text.push_str(&format!(
                "{} | {} {}: {message}\n",
                " ".repeat(margin),
                "^".repeat(width),
                violation.rule
            ));
        }
        text.push('\n');
    }
    let plural = if violations.len() == 1 { "" } else { "s" };
    text.push_str(&format!("{} violation{plural}\n", violations.len()));
    text
}
