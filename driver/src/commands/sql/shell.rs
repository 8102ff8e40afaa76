//! The shell: reads statements as they are typed, line by line, until a semicolon ends them.
//!
//! Ctrl-C ends the statement that runs, or what is typed; Ctrl-D, or `.quit`, the shell.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use ir::diag::escape_text;
use pipeline::Statement;
use rustyline::config::Configurer as _;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};

use super::dots::{self, Next};
use super::editing::{Helper, Knowledge};
use super::session::Session;
use crate::commands::Context;
use crate::failure::Failure;
use crate::signals;

/// What is asked of who types.
const PROMPT: &str = "sql> ";
/// So many statements are kept from one shell to the next.
const KEPT_STATEMENTS: usize = 10_000;

type Line = Editor<Helper, FileHistory>;

pub(super) fn run(session: &mut Session, context: &mut Context<'_>) -> Result<(), Failure> {
    signals::watch_statements(Arc::clone(&session.current))
        .map_err(|error| Failure::User(format!("cannot listen for signals: {error}")))?;
    session.options.more = "`.rows all`";
    let knowledge = Rc::new(RefCell::new(Knowledge::new(session.lake.clone(), Arc::clone(&session.workers))));
    let mut line = editor(&knowledge)?;
    let history = history(context);
    if let Some(file) = &history {
        // The first shell of a user has no history.
        let _ = line.load_history(file);
    }
    let count = session.lake.tables().len();
    let (lake, tables) =
        (session.lake.folder().display().to_string(), if count == 1 { "table" } else { "tables" });
    context.console.note(&format!(
        "{}: {count} {tables}. Statements end with `;`. `.help` says more, Ctrl-D ends.\n",
        escape_text(&lake)
    ));
    loop {
        let typed = match line.readline(PROMPT) {
            Ok(typed) => typed,
            // What was typed is forgotten.
            Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => continue,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(unreadable(&error)),
        };
        if typed.trim().is_empty() {
            continue;
        }
        keep(&mut line, history.as_ref(), &typed);
        match answered(&typed, session, context) {
            Ok(Next::Go) => {}
            Ok(Next::End) => return Ok(()),
            Err(failure) => context.console.fail(&failure),
        }
        context.console.flush()?;
        session.go_on(context)?;
        knowledge.borrow_mut().renew(Arc::clone(&session.workers));
    }
}

fn editor(knowledge: &Rc<RefCell<Knowledge>>) -> Result<Line, Failure> {
    let config = Config::builder().completion_type(CompletionType::List).auto_add_history(false);
    let config = config.completion_prompt_limit(200).build();
    let mut line = Editor::with_config(config).map_err(|error| unreadable(&error))?;
    line.set_helper(Some(Helper::new(Rc::clone(knowledge))));
    line.set_max_history_size(KEPT_STATEMENTS).map_err(|error| unreadable(&error))?;
    Ok(line)
}

fn unreadable(error: &ReadlineError) -> Failure {
    Failure::User(format!("the terminal cannot be read: {error}"))
}

/// The file of the history, in a folder that is there; nothing where the environment names no folder of the user's.
fn history(context: &Context<'_>) -> Option<PathBuf> {
    let folder = context.state_folder()?;
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("sql_history"))
}

/// Adds what was typed to the history, and to its file for the next shell.
fn keep(line: &mut Line, file: Option<&PathBuf>, typed: &str) {
    let is_new = line.add_history_entry(typed).unwrap_or(false);
    if let (true, Some(file)) = (is_new, file) {
        // A history that cannot be kept is no reason to stop.
        let _ = line.append_history(file);
    }
}

/// Answers what was typed: a line that begins with a point, or statements. The first that fails ends it.
fn answered(typed: &str, session: &mut Session, context: &mut Context<'_>) -> Result<Next, Failure> {
    if typed.trim_start().starts_with('.') {
        return dots::run(typed.trim(), session, context);
    }
    run_statements("query", typed, session, context)?;
    Ok(Next::Go)
}

/// Answers the statements of a text.
pub(super) fn run_statements(
    origin: &str,
    text: &str,
    session: &mut Session,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let (statements, _) = Statement::all(origin, text);
    for statement in &statements {
        session.answer(statement, context)?;
    }
    Ok(())
}
