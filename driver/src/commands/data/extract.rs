//! `driver extract REPO -o DIR`: source code into Delta tables.

use serde_json::json;

use crate::cli::ExtractArgs;
use crate::commands::Context;
use crate::extraction::{Extracted, extract_into};
use crate::failure::Failure;
use crate::report::{Align, ExtractedTable, bytes, count, stage_table, table};

pub(in crate::commands) fn run(arguments: &ExtractArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let progress = context.console.progress();
    let extracted = extract_into(
        &arguments.repository,
        &arguments.output,
        "",
        &arguments.source,
        &context.workers,
        &progress,
    )?;
    drop(progress);
    context.console.note(&seen(&extracted));
    if context.console.is_json() {
        return context.console.print_json(&json!({
            "tables": extracted.tables.iter().map(ExtractedTable::json).collect::<Vec<_>>(),
            "files": extracted.summary.files,
            "parsed": extracted.summary.parsed,
            "source_bytes": extracted.summary.bytes,
            "parse_errors": extracted.summary.parse_errors,
            "extract_errors": extracted.summary.extract_errors,
            "stages": extracted.stages.json(),
        }));
    }
    let headers = [
        ("table", Align::Left),
        ("rows", Align::Right),
        ("files", Align::Right),
        ("bytes", Align::Right),
        ("version", Align::Right),
    ];
    let rows = extracted.tables.iter().map(|table| {
        let numbers =
            [count(table.rows), table.files.to_string(), bytes(table.bytes), table.version.to_string()];
        [table.location.clone()].into_iter().chain(numbers).collect()
    });
    context.console.print(&format!("{}\n{}", table(&headers, rows), stage_table(&extracted.stages)))
}

/// One line about what was read.
pub(super) fn seen(extracted: &Extracted) -> String {
    let summary = &extracted.summary;
    let mut text = format!(
        "{} of {} files parsed, {}",
        count(summary.parsed),
        count(summary.files),
        bytes(summary.bytes)
    );
    if summary.parse_errors > 0 {
        text.push_str(&format!(
            ", {} places not understood (table parse_errors)",
            count(summary.parse_errors)
        ));
    }
    if summary.extract_errors > 0 {
        text.push_str(&format!(", {} files left out (table extract_errors)", count(summary.extract_errors)));
    }
    text.push('\n');
    text
}
