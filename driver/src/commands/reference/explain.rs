//! `driver explain CODE`: what a diagnostic means and how to fix it, or what an invariant of graphs says.

use ir::diag::{Code, Severity, nearest_name};
use ir::verify::Rule;

use crate::cli::ExplainArgs;
use crate::commands::Context;
use crate::failure::Failure;

pub(in crate::commands) fn run(arguments: &ExplainArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let wanted = arguments.code.trim();
    if let Some(rule) = Rule::ALL.iter().find(|rule| rule.number().eq_ignore_ascii_case(wanted)) {
        return explain_rule(*rule, context);
    }
    let code = Code::find(wanted).ok_or_else(|| Failure::Usage(unknown(&arguments.code)))?;
    if context.console.is_json() {
        return context.console.print_json(&serde_json::json!({
            "code": code.id(), "slug": code.slug(), "severity": code.severity(),
            "title": code.title(), "explanation": code.explanation(),
        }));
    }
    let title = format!("{} ({}): {}", code.id(), code.slug(), code.title());
    print(&title, code.explanation().trim_end(), context)
}

/// What an invariant of graphs says. No spec breaks one: a graph that does was written by hand, or shows a bug.
fn explain_rule(rule: Rule, context: &mut Context<'_>) -> Result<(), Failure> {
    let since = rule.since().name();
    if context.console.is_json() {
        return context.console.print_json(&serde_json::json!({
            "code": rule, "severity": Severity::Error, "title": rule.meaning(), "since_phase": since,
        }));
    }
    let about = format!(
        "An invariant of graphs from phase {since} on; `driver verify` and every pass check it. A graph of a spec that \
         breaks it shows a bug in CodeAnatomy."
    );
    print(&format!("{rule}: {}", rule.meaning()), &about, context)
}

fn print(title: &str, text: &str, context: &mut Context<'_>) -> Result<(), Failure> {
    let (bold, off) = if context.console.color { ("\u{1b}[1m", "\u{1b}[0m") } else { ("", "") };
    context.console.print(&format!("{bold}{title}{off}\n\n{text}\n"))
}

/// The message for a code that does not exist: the nearest one, and all there are.
fn unknown(text: &str) -> String {
    let names: Vec<&str> = Code::all().flat_map(|code| [code.id(), code.slug()]).collect();
    let near = nearest_name(text, names).map_or(String::new(), |name| format!("; did you mean `{name}`?"));
    let list = Code::all().map(|code| format!("  {}  {}: {}", code.id(), code.slug(), code.title()));
    format!(
        "there is no code `{}`{near}\nCodes:\n{}",
        ir::diag::escape_text(text),
        list.collect::<Vec<_>>().join("\n")
    )
}
