//! `driver sql QUERY`: a query over the tables of a lake.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use ir::spec::MAX_SPEC_BYTES;
use ir::stage::Stage;
use pipeline::{Asking, Lake, Observer as _, Statement};

use super::print_rows;
use crate::cli::{DEFAULT_LAKE, SqlArgs};
use crate::commands::Context;
use crate::failure::Failure;

pub(in crate::commands) fn run(arguments: &SqlArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let lake = context.lake(arguments.lake.as_deref())?.unwrap_or_else(|| PathBuf::from(DEFAULT_LAKE));
    if !lake.is_dir() {
        return Err(Failure::User(format!(
            "there is no lake at `{}`; make one with `driver build REPO`, or name one with `--lake DIR` \
             (`build` writes to REPO/{DEFAULT_LAKE})",
            lake.display()
        )));
    }
    let text = query_text(&arguments.query, context)?;
    let workers = Arc::clone(context.workers()?);
    let lake = Lake::at(&lake)?;
    let (statements, _) = Statement::all("query", &text);
    for statement in &statements {
        let progress = context.console.progress();
        let asking = Asking { ruleset: context.ruleset(), tracing: Some(&progress), ..Asking::new(&workers) };
        let answer = lake.ask(statement, &asking)?;
        progress.stage_started(Stage::Query);
        let mut rows = answer.rows(&workers)?;
        let schema = Arc::clone(&rows.schema);
        // The line must be gone when the first row is printed.
        let first = rows.next();
        drop(progress);
        if let Some((found, map)) = answer.findings() {
            context.console.diagnose(found, map);
        }
        let mut batches = first.into_iter().chain(rows);
        print_rows(context, &schema, &mut batches, arguments.max_rows)?;
    }
    Ok(())
}

fn query_text(argument: &str, context: &mut Context<'_>) -> Result<String, Failure> {
    if argument != "-" {
        return Ok(argument.to_owned());
    }
    let limit = u64::try_from(MAX_SPEC_BYTES).unwrap_or(u64::MAX);
    let mut text = String::new();
    let failed = |error| Failure::User(format!("the query cannot be read from stdin: {error}"));
    context.stdin.take(limit).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}
