//! What goes on at a time.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use ir::stage::Stage;

/// Something that begins and ends.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    Stage(Stage),
    Pass(&'static str),
    Segment(String),
}

/// What is kept of work that goes on.
pub(crate) struct OpenWork<T>(Mutex<BTreeMap<Work, T>>);

impl<T> Default for OpenWork<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> OpenWork<T> {
    /// Work begins.
    pub(crate) fn begin(&self, work: Work, kept: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(work, kept);
    }

    /// Work has ended; nothing where it had not begun.
    pub(crate) fn end(&self, work: &Work) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(work)
    }

    /// What is kept of work while it goes on.
    pub(crate) fn get(&self, work: &Work) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(work).cloned()
    }
}
