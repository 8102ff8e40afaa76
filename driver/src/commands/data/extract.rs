//! `driver extract REPO ... -o DIR`: source code into Delta tables.

use pipeline::{ExtractOptions, Summary, Syntax, extract, lake_at};
use serde_json::json;

use crate::cli::{ExtractArgs, SourceArgs};
use crate::commands::Context;
use crate::failure::Failure;
use crate::report::{Align, bytes, count, extracted_json, stage_table, table};

pub(in crate::commands) fn run(arguments: &ExtractArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let watching = (context.console.progress(), context.telemetry.observer());
    let options = extract_options(&arguments.source, Syntax::Whole);
    let extracted = extract(
        &arguments.repositories.repositories()?,
        &lake_at(&arguments.output)?,
        "",
        &options,
        context.workers()?,
        &watching,
    )?
    .publish(context.workers()?, &watching)?;
    drop(watching);
    context.console.note(&seen(&extracted.summary));
    if context.console.is_json() {
        return context.console.print_json(&json!({
            "tables": extracted.tables.iter().map(extracted_json).collect::<Vec<_>>(),
            "files": extracted.summary.files,
            "parsed": extracted.summary.parsed,
            "source_bytes": extracted.summary.bytes,
            "parse_errors": extracted.summary.parse_errors,
            "extract_errors": extracted.summary.extract_errors,
            "passed_over": extracted.summary.passed_over,
            "stages": extracted.stages,
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

/// Which source code the command line asks for.
pub(super) fn extract_options(arguments: &SourceArgs, syntax: Syntax) -> ExtractOptions {
    ExtractOptions {
        syntax,
        exclude: arguments.exclude.clone(),
        max_file_bytes: arguments.max_file_size,
        file_time_limit: arguments.file_time_limit,
    }
}

/// One line about what was read.
pub(super) fn seen(summary: &Summary) -> String {
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
    if summary.passed_over > 0 {
        text.push_str(&format!(", {} paths passed over (the same table)", count(summary.passed_over)));
    }
    text.push('\n');
    text
}
