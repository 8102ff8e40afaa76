//! `driver sql`: statements about the tables of a lake, from the command line, a file, stdin, or as they are typed.
//!
//! | module | does |
//! |---|---|
//! | ask | asks famous questions of a code graph: `driver ask` |
//! | session | answers statements, with what holds for all of them |
//! | shell | reads what is typed, line by line |
//! | dots | what begins with a point and is no SQL: `.help`, `.mode` |
//! | editing | what the line that is typed is helped with |
//! | completion | what may stand at the cursor |

pub(super) mod ask;
mod completion;
mod dots;
mod editing;
mod session;
mod shell;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ir::spec::MAX_SPEC_BYTES;
use pipeline::{Cancellation, Lake, Statement};

use crate::cli::{DEFAULT_LAKE, SqlArgs};
use crate::commands::Context;
use crate::failure::Failure;
use session::Session;

pub(in crate::commands) fn run(arguments: &SqlArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let lake =
        context.lake(arguments.answers.lake.as_deref())?.unwrap_or_else(|| PathBuf::from(DEFAULT_LAKE));
    if !lake.is_dir() {
        return Err(Failure::User(format!(
            "there is no lake at `{}`; make one with `driver build REPO`, or name one with `--lake DIR` \
             (`build` writes to REPO/{DEFAULT_LAKE})",
            lake.display()
        )));
    }
    let lake = Lake::at(&lake)?;
    let written = match (&arguments.query, &arguments.command, &arguments.file) {
        (Some(query), ..) if query == "-" => Some(("<stdin>".to_owned(), stdin(context)?)),
        (Some(query), ..) | (None, Some(query), _) => Some(("query".to_owned(), query.clone())),
        (None, None, Some(file)) => Some((file.display().to_string(), file_text(file)?)),
        (None, None, None) if context.console.terminals.are_for_people() => None,
        (None, None, None) => Some(("<stdin>".to_owned(), stdin(context)?)),
    };
    let Some((origin, text)) = written else {
        let cancellation = Cancellation::new();
        let workers = Arc::new(context.new_workers(cancellation)?);
        return shell::run(&mut Session::new(lake, arguments, workers, context)?, context);
    };
    let workers = Arc::clone(context.workers()?);
    let session = Session::new(lake, arguments, workers, context)?;
    let (statements, _) = Statement::all(&origin, &text);
    if statements.is_empty() {
        return Err(Failure::User(format!("there is no statement in {origin}: `SELECT ...`, `SHOW TABLES`")));
    }
    session.must_use_parameters(&statements)?;
    statements.iter().try_for_each(|statement| session.answer(statement, context))
}

/// What stands on stdin.
fn stdin(context: &mut Context<'_>) -> Result<String, Failure> {
    text_of(&mut *context.stdin, "stdin")
}

/// What stands in a file.
fn file_text(path: &Path) -> Result<String, Failure> {
    let file = std::fs::File::open(path).map_err(|error| Failure::file("read", path, &error))?;
    text_of(file, &format!("`{}`", path.display()))
}

/// A text, which may be as long as a spec.
fn text_of(reader: impl Read, place: &str) -> Result<String, Failure> {
    let limit = u64::try_from(MAX_SPEC_BYTES).unwrap_or(u64::MAX);
    let mut text = String::new();
    let read = reader.take(limit.saturating_add(1)).read_to_string(&mut text);
    read.map_err(|error| Failure::User(format!("the query cannot be read from {place}: {error}")))?;
    if text.len() > MAX_SPEC_BYTES {
        return Err(Failure::User(format!("the query in {place} is longer than {MAX_SPEC_BYTES} bytes")));
    }
    Ok(text)
}
