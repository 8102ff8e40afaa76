//! How much work linking may take.
//!
//! Modules that import all names from each other are a graph in which a name can be looked for on very many ways. What is
//! found must not depend on the machine, so steps are counted and not time.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::ExtractError;

/// Steps that the names of one file may take. Of 2,589 files of 80 published packages, one takes 211,154; three take more than
/// 31,000.
const STEPS_OF_A_FILE: u64 = 1 << 20;
/// Steps that all files together may take, and how many more for each of them. Those of a package take a million at most. Tests
/// come to the end of it.
const STEPS_OF_ALL_FILES: u64 = if cfg!(test) { 1 << 17 } else { 1 << 22 };
const MORE_FOR_EACH_FILE: u64 = if cfg!(test) { 1 << 10 } else { 1 << 14 };
/// Steps that each file may take, whatever others have taken.
const FEWEST_STEPS: u64 = 1 << 12;

/// The work that the files of a repository take.
#[derive(Debug)]
pub(crate) struct Work<'w> {
    stop: &'w AtomicBool,
    /// Steps left for the file.
    left: Cell<u64>,
    /// Steps left for this file and those after it.
    shared: Cell<u64>,
    is_exhausted: Cell<bool>,
}

impl<'w> Work<'w> {
    /// The work of so many files, which has not begun, and ends when everything is to `stop`.
    pub(crate) fn new(stop: &'w AtomicBool, files: usize) -> Self {
        let shared = MORE_FOR_EACH_FILE.saturating_mul(files as u64).saturating_add(STEPS_OF_ALL_FILES);
        Self { stop, left: Cell::new(shared), shared: Cell::new(shared), is_exhausted: Cell::new(false) }
    }

    /// Begins with another file.
    ///
    /// # Errors
    /// When everything is to stop.
    pub(super) fn next_file(&self) -> Result<(), ExtractError> {
        self.must_go_on()?;
        self.left.set(STEPS_OF_A_FILE.min(self.shared.get()).max(FEWEST_STEPS));
        self.is_exhausted.set(false);
        Ok(())
    }

    /// Takes a step if there is one left. Who gets none leaves names open, and keeps nothing of what it has found.
    pub(crate) fn step(&self) -> bool {
        let left = self.left.get();
        if left == 0 || self.stop.load(Ordering::Relaxed) {
            self.is_exhausted.set(true);
            return false;
        }
        self.left.set(left - 1);
        self.shared.set(self.shared.get().saturating_sub(1));
        true
    }

    /// Whether a step was refused for this file.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.is_exhausted.get()
    }

    /// Fails once everything is to stop.
    ///
    /// # Errors
    /// Then.
    pub(super) fn must_go_on(&self) -> Result<(), ExtractError> {
        if self.stop.load(Ordering::Acquire) { Err(ExtractError::Stopped) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_end_with_those_of_a_file_and_begin_again() {
        let stop = AtomicBool::new(false);
        let work = Work::new(&stop, 0);
        while work.step() {}
        assert!(work.is_exhausted());
        work.next_file().unwrap();
        assert!(!work.is_exhausted());
        assert_eq!((0..=FEWEST_STEPS).filter(|_| work.step()).count() as u64, FEWEST_STEPS);
    }

    #[test]
    fn nobody_gets_a_step_once_everything_is_to_stop() {
        let stop = AtomicBool::new(false);
        let work = Work::new(&stop, 1);
        assert!(work.step());
        stop.store(true, Ordering::Release);
        assert!(!work.step());
        assert!(matches!(work.next_file(), Err(ExtractError::Stopped)));
        assert!(matches!(work.must_go_on(), Err(ExtractError::Stopped)));
    }
}
