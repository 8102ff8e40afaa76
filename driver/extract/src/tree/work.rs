//! Counts the steps through trees, for tests of how work grows.

use std::cell::Cell;

thread_local! {
    static STEPS: Cell<u64> = const { Cell::new(0) };
}

/// Notes a step.
pub(crate) fn step() {
    STEPS.set(STEPS.get() + 1);
}

/// The steps of this thread so far.
pub(crate) fn steps() -> u64 {
    STEPS.get()
}
