//! `driver explain CODE`: what a diagnostic means and how to fix it.

use ir::diag::{Code, nearest_name};

use crate::cli::ExplainArgs;
use crate::commands::Context;
use crate::failure::Failure;

pub(in crate::commands) fn run(arguments: &ExplainArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let code = Code::find(arguments.code.trim()).ok_or_else(|| Failure::Usage(unknown(&arguments.code)))?;
    if context.console.is_json() {
        return context.console.print_json(&serde_json::json!({
            "code": code.id(), "slug": code.slug(), "severity": code.severity(),
            "title": code.title(), "explanation": code.explanation(),
        }));
    }
    let (bold, off) = if context.console.color { ("\u{1b}[1m", "\u{1b}[0m") } else { ("", "") };
    context.console.print(&format!(
        "{bold}{} ({}): {}{off}\n\n{}\n",
        code.id(),
        code.slug(),
        code.title(),
        code.explanation().trim_end()
    ))
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
