//! The memory of the whole process, which holds more than operators reserve.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a process may hold beyond the limit of its pool: code, plans, logs of tables, batches on their way, and what the
/// allocator has not given back.
const ALLOWANCE: u64 = 256 << 20;
/// How long it is believed what the system said.
const BELIEVED: Duration = Duration::from_millis(20);

/// The memory of the process against a limit.
#[derive(Debug)]
pub(super) struct Process {
    /// In bytes.
    limit: u64,
    /// Asks the system for the memory of the process, in bytes.
    ask: fn() -> Option<u64>,
    answer: Mutex<Option<(Instant, u64)>>,
}

impl Process {
    pub(super) fn new(limit: usize, ask: fn() -> Option<u64>) -> Self {
        Self { limit: limit as u64, ask, answer: Mutex::new(None) }
    }

    /// By how many bytes the process exceeds the limit and what it may hold beyond; none where the system does not tell.
    pub(super) fn excess(&self) -> usize {
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = match *answer {
            Some((when, bytes)) if when.elapsed() < BELIEVED => bytes,
            _ => {
                let bytes = (self.ask)().unwrap_or(0);
                *answer = Some((Instant::now(), bytes));
                bytes
            }
        };
        let excess = bytes.saturating_sub(self.limit.saturating_add(ALLOWANCE));
        usize::try_from(excess).unwrap_or(usize::MAX)
    }
}
