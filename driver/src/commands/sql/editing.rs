//! What the line that is typed is helped with: what may stand at the cursor, and whether it goes on.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use pipeline::{Lake, Statement, Workers};
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Result};

use super::completion::{Known, candidates};

/// What is known of the lake, as long as nothing has been asked since: others may build meanwhile.
pub(super) struct Knowledge {
    lake: Lake,
    workers: Arc<Workers>,
    known: Option<Known>,
}

impl Knowledge {
    pub(super) fn new(lake: Lake, workers: Arc<Workers>) -> Self {
        Self { lake, workers, known: None }
    }

    /// After a statement.
    pub(super) fn renew(&mut self, workers: Arc<Workers>) {
        self.workers = workers;
        self.known = None;
    }

    /// What is known, which is found out when it is asked for first. Of what cannot be opened nothing is.
    fn known(&mut self) -> &Known {
        let Self { lake, workers, known } = self;
        known.get_or_insert_with(|| {
            let tables = lake.columns(workers).unwrap_or_default();
            let functions = workers.session().map(|session| session.function_names()).unwrap_or_default();
            Known::of(tables, functions)
        })
    }
}

/// Helps with a line.
pub(super) struct Helper(Rc<RefCell<Knowledge>>);

impl Helper {
    pub(super) fn new(knowledge: Rc<RefCell<Knowledge>>) -> Self {
        Self(knowledge)
    }
}

impl Completer for Helper {
    type Candidate = Pair;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> Result<(usize, Vec<Pair>)> {
        let mut knowledge = self.0.borrow_mut();
        let (start, words) = candidates(line, position, knowledge.known());
        let pair = |word: String| Pair { display: word.clone(), replacement: word };
        Ok((start, words.into_iter().map(pair).collect()))
    }
}

impl Validator for Helper {
    fn validate(&self, context: &mut ValidationContext<'_>) -> Result<ValidationResult> {
        let typed = context.input();
        let is_whole = typed.trim_start().starts_with('.') || Statement::all("query", typed).1;
        Ok(if is_whole { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Hinter for Helper {
    type Hint = String;
}

impl Highlighter for Helper {}

impl rustyline::Helper for Helper {}
