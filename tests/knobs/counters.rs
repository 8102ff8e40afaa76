//! Numbers of a run by name.

use engine::{OperatorMetrics, RunOutcome, ScanMeasures};

/// A number of a run, all segments together. `reads` counts what was asked of the storage.
pub(super) fn counter(name: &str, outcome: &RunOutcome, reads: u64) -> u64 {
    let scans = |of: fn(&ScanMeasures) -> usize| {
        let measures = operators(outcome).filter_map(|operator| operator.scan.as_ref());
        number(measures.map(of).sum())
    };
    match name {
        "pages" => scans(|scan| scan.pages),
        "skipped_pages" => scans(|scan| scan.skipped_pages),
        "row_groups" => scans(|scan| scan.row_groups),
        "skipped_by_bounds" => scans(|scan| scan.skipped_by_bounds),
        "skipped_by_bloom_filters" => scans(|scan| scan.skipped_by_bloom_filters),
        "scan_bytes" => scans(|scan| scan.bytes),
        // The rows that scans of files gave.
        "scan_rows" => {
            let scans = operators(outcome).filter(|operator| operator.scan.is_some());
            number(scans.filter_map(|operator| operator.output_rows).sum())
        }
        "spilled_bytes" => outcome.spills.written_bytes,
        "shared_views" => number(outcome.shared_views.len()),
        "shared_bytes_spilled" => number(outcome.shared_views.iter().map(|view| view.spilled_bytes).sum()),
        "peak_memory" => number(outcome.memory.peak_bytes),
        "reads" => reads,
        _ => panic!("no counter is called {name}"),
    }
}

fn operators(outcome: &RunOutcome) -> impl Iterator<Item = &OperatorMetrics> {
    outcome.segments.iter().flat_map(|segment| &segment.operators)
}

fn number(count: usize) -> u64 {
    u64::try_from(count).expect("a count has 64 bits")
}
