//! The settings of DataFusion that decide how fast rows are computed, and no row.

const STREAMS: &str = "rows are dealt out to more streams or fewer; what depends on their order has a determinism class that says so";
const SHOWN: &str = "it is said where a plan is shown";

/// A setting of DataFusion that is no part of the surface, because no row of a result depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Its key.
    pub key: &'static str,
    /// Why it decides no row.
    pub reason: &'static str,
}

/// The settings that are no part of the surface. The differential fuzzer runs every spec with others of each
/// (`tests/differential/src/program.rs`); they are recorded with every run all the same.
pub const SIZES: [Size; 15] = [
    Size {
        key: "datafusion.execution.batch_size",
        reason: "rows go through operators in slices of it; no operator may see where one ends",
    },
    Size {
        key: "datafusion.execution.planning_concurrency",
        reason: "inputs of one operator are planned beside each other, and put together in their order",
    },
    Size {
        key: "datafusion.execution.sort_in_place_threshold_bytes",
        reason: "batches are put together before they are sorted, or merged after; the order is the same",
    },
    Size {
        key: "datafusion.execution.sort_spill_reservation_bytes",
        reason: "memory that a sort keeps free for merging what it has spilled",
    },
    Size { key: "datafusion.execution.target_partitions", reason: STREAMS },
    Size {
        key: "datafusion.execution.parquet.max_predicate_cache_size",
        reason: "decoded columns are kept or decoded again",
    },
    Size {
        key: "datafusion.execution.parquet.metadata_size_hint",
        reason: "bytes that are read at once for a footer; the rest of a longer one is read after them",
    },
    Size { key: "datafusion.explain.show_schema", reason: SHOWN },
    Size { key: "datafusion.explain.show_statistics", reason: SHOWN },
    Size { key: "datafusion.optimizer.repartition_aggregations", reason: STREAMS },
    Size { key: "datafusion.optimizer.repartition_file_min_size", reason: STREAMS },
    Size { key: "datafusion.optimizer.repartition_file_scans", reason: STREAMS },
    Size { key: "datafusion.optimizer.repartition_joins", reason: STREAMS },
    Size { key: "datafusion.optimizer.repartition_sorts", reason: STREAMS },
    Size { key: "datafusion.optimizer.repartition_windows", reason: STREAMS },
];
