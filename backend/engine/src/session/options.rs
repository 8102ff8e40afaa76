//! What a session may use of its machine.

use std::path::PathBuf;

use super::machine;

/// Rows per batch between operators.
const BATCH_SIZE: usize = 8192;
/// Bytes of temporary files allowed when nothing else is said.
const SPILL_QUOTA_BYTES: u64 = 100 * 1024 * 1024 * 1024;

/// The resources and the parallelism of a session. They never change the rows of a result, only how it is
/// computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionOptions {
    /// How many partitions an operator is split into, and how many segments of a run work at a time; at least 1.
    pub target_partitions: usize,
    /// Bytes all operators and shared views together may hold. Scans, file writers and single batches are not
    /// counted, so this should be well below what the machine has.
    pub memory_limit_bytes: usize,
    /// The folder for temporary files; the system's if absent.
    pub spill_directory: Option<PathBuf>,
    /// Bytes of temporary files allowed.
    pub spill_quota_bytes: u64,
    /// Rows per batch; at least 1.
    pub batch_size: usize,
}

impl SessionOptions {
    /// All cores this process may use, and 60 % of the memory that is available to it: the rest is for what the
    /// memory pool does not count.
    #[must_use]
    pub fn for_this_machine() -> Self {
        let memory = machine::available_memory().unwrap_or(2 * 1024 * 1024 * 1024);
        Self {
            target_partitions: std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
            memory_limit_bytes: usize::try_from(memory / 10 * 6).unwrap_or(usize::MAX),
            spill_directory: None,
            spill_quota_bytes: SPILL_QUOTA_BYTES,
            batch_size: BATCH_SIZE,
        }
    }
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self::for_this_machine()
    }
}
