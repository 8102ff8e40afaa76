//! What a session may use of its machine.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::profile::{AUTO, Origin};
use crate::resources::machine;
use crate::rules::MemorySizes;

/// Rows per batch between operators.
const BATCH_SIZE: usize = 8192;
/// Footers that are kept.
const FOOTER_CACHE_BYTES: usize = 50 << 20;
/// Memory for each core, if nobody says more, and for how many cores at least. The graph of Python's standard library
/// reserves 0.8 GiB on two cores with this, and spills nothing; with half as much, one of its joins is spilled.
const BYTES_PER_CORE: usize = 1 << 30;
const LEAST_CORES: usize = 2;
/// The least memory for which an operator is split into one more partition: each holds batches, and a sort or a hash
/// table of its own.
const PARTITION_BYTES: usize = 8 << 20;
/// The least memory for which one more segment runs at a time.
const SEGMENT_BYTES: usize = 128 << 20;
/// Batches have fewer rows where a partition has less memory than this for each of them.
const BYTES_PER_BATCH_ROW: usize = 8 << 10;
/// Batches have at least so many rows, whatever the memory.
const LEAST_BATCH_SIZE: usize = 256;
/// The part of a partition's memory that a sort keeps free for merging what it has spilled.
const MERGE_PART: usize = 16;

/// The resources and the parallelism of a session. They never change the rows of a result, only how it is
/// computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionOptions {
    /// How many partitions an operator is split into at most, and how many segments of a run work at a time; at least 1.
    /// Little memory makes it fewer.
    pub target_partitions: usize,
    /// Bytes all operators, shared views and writers together may hold. Scans, logs of tables and single batches are not
    /// counted, so this should be well below what the machine has.
    pub memory_limit_bytes: usize,
    /// Whether the process does nothing else that takes much memory. If it then has much more than the limit, operators and
    /// shared views are given less.
    pub is_whole_process: bool,
    /// The folder for temporary files; the system's if absent.
    pub spill_directory: Option<PathBuf>,
    /// Bytes of temporary files allowed; 80 % of what is free on their disk if absent.
    pub spill_limit_bytes: Option<u64>,
    /// Rows per batch at most; at least 1. Little memory makes it fewer.
    pub batch_size: usize,
    /// Bytes of Parquet footers that are kept from one scan to the next.
    pub footer_cache_bytes: usize,
    /// Settings of DataFusion by their keys, in the place of the program's own; none of them may change a result.
    pub settings: BTreeMap<String, String>,
    /// The name of the profile.
    pub profile: String,
    /// Where sizes (by their names in [`Session::sizes`](super::Session::sizes)) and settings come from, if not from the
    /// machine.
    pub origins: BTreeMap<String, Origin>,
}

impl SessionOptions {
    /// All cores this process may use, and one GiB of memory for each of them, two at least, but no more than 60 % of what is
    /// available to it: the rest is for what the memory pool does not count.
    #[must_use]
    pub fn for_this_machine() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let most = BYTES_PER_CORE.saturating_mul(cores.max(LEAST_CORES));
        let available = machine::available_memory().and_then(|bytes| usize::try_from(bytes).ok());
        Self {
            target_partitions: cores,
            memory_limit_bytes: available.map_or(most, |bytes| most.min(bytes / 10 * 6)),
            is_whole_process: false,
            spill_directory: None,
            spill_limit_bytes: None,
            batch_size: BATCH_SIZE,
            footer_cache_bytes: FOOTER_CACHE_BYTES,
            settings: BTreeMap::new(),
            profile: AUTO.to_owned(),
            origins: BTreeMap::new(),
        }
    }
}

impl SessionOptions {
    /// How many partitions an operator is split into, with this memory.
    #[must_use]
    pub fn partitions(&self) -> usize {
        self.target_partitions.min(self.memory_limit_bytes / PARTITION_BYTES).max(1)
    }

    /// How many segments of a run work at a time, with this memory.
    #[must_use]
    pub fn segments_at_once(&self) -> usize {
        self.target_partitions.min(self.memory_limit_bytes / SEGMENT_BYTES).max(1)
    }

    /// Rows per batch, with this memory.
    #[must_use]
    pub fn rows_per_batch(&self) -> usize {
        let rows = self.partition_bytes() / BYTES_PER_BATCH_ROW;
        self.batch_size.min(rows.max(LEAST_BATCH_SIZE)).max(1)
    }

    /// The memory of a partition if only one operator runs at a time.
    fn partition_bytes(&self) -> usize {
        self.memory_limit_bytes / self.partitions()
    }

    /// What the rules of the physical optimizer need to know of the memory.
    pub(crate) fn memory_sizes(&self) -> MemorySizes {
        MemorySizes { session_bytes: self.memory_limit_bytes, partition_bytes: self.partition_bytes() }
    }

    /// Bytes that a sort keeps free for merging what it has spilled.
    pub(super) fn merge_bytes(&self) -> usize {
        self.partition_bytes() / MERGE_PART
    }
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self::for_this_machine()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::SessionOptions;
    use crate::session::Session;

    fn with(key: &str, value: &str) -> SessionOptions {
        let settings = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        SessionOptions { settings, ..SessionOptions::for_this_machine() }
    }

    #[test]
    fn settings_are_taken_by_their_keys_and_others_are_refused() {
        let session = Session::new(with("datafusion.optimizer.prefer_hash_join", "false")).unwrap();
        assert!(!session.state().config_options().optimizer.prefer_hash_join);
        assert!(session.surface().planning_config_keys.contains_key("datafusion.optimizer.prefer_hash_join"));
        for (key, value) in
            [("datafusion.optimizer.prefer_hash_joins", "false"), ("datafusion.execution.batch_size", "x")]
        {
            assert!(Session::new(with(key, value)).is_err(), "{key} = {value}");
        }
    }
}
