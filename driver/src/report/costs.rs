//! What views and operators cost, as tables.

use std::time::Duration;

use ir::diag::escape_text;
use pipeline::record::{CostRecord, OperatorRecord, ScanRecord, SegmentRecord};

use super::{Align, bytes, count, duration, seconds, table, wide};

/// Without being asked for all, so many parts of a spec are shown: those that cost most.
const SHOWN: usize = 15;

/// What inputs, views and outputs cost, in the order of the spec. What cost nothing is left out, and of many those that
/// computed longest are shown; all of them when asked for.
pub(super) fn cost_table(costs: &[CostRecord], all: bool) -> String {
    let did_something = |cost: &&CostRecord| all || cost.operators > 0 || cost.rows.is_some();
    let mut shown: Vec<(usize, &CostRecord)> = costs.iter().filter(did_something).enumerate().collect();
    let left_out = if all { 0 } else { shown.len().saturating_sub(SHOWN) };
    if left_out > 0 {
        shown.sort_by_key(|(place, cost)| (std::cmp::Reverse(cost.compute_nanos), *place));
        shown.truncate(SHOWN);
        shown.sort_by_key(|(place, _)| *place);
    }
    let headers = [
        ("cost of", Align::Left),
        ("line", Align::Right),
        ("rows", Align::Right),
        ("compute seconds", Align::Right),
        ("seconds", Align::Right),
        ("memory", Align::Right),
        ("read", Align::Right),
        ("written", Align::Right),
        ("spilled", Align::Right),
    ];
    let rows = shown.into_iter().map(|(_, cost)| {
        vec![
            format!("{} {}", cost.kind.name(), cost.name),
            cost.line.map(|line| line.to_string()).unwrap_or_default(),
            cost.rows.map(count).unwrap_or_default(),
            seconds(Duration::from_nanos(cost.compute_nanos)),
            cost.seconds.map(duration).map(seconds).unwrap_or_default(),
            some_bytes(cost.peak_memory_bytes),
            some_bytes(cost.read_bytes),
            some_bytes(cost.written_bytes),
            some_bytes(cost.spilled_bytes),
        ]
    });
    let mut text = table(&headers, rows);
    if left_out > 0 {
        text.push_str(&format!("and {left_out} that computed less; --verbose shows them\n"));
    }
    text
}

/// A number of bytes; nothing for none.
fn some_bytes(number: u64) -> String {
    if number > 0 { bytes(number) } else { String::new() }
}

/// How much of the files a scan has read: `1.2 MiB: 1 of 77 row groups, 2 of 14 pages`.
fn scan_text(scan: &ScanRecord) -> String {
    let read = scan.row_groups.saturating_sub(scan.skipped_by_bounds + scan.skipped_by_bloom_filters);
    let size = bytes(u64::try_from(scan.bytes).unwrap_or(u64::MAX));
    let pages = match scan.pages {
        0 => String::new(),
        pages => format!(", {} of {pages} pages", pages.saturating_sub(scan.skipped_pages)),
    };
    format!("{size}: {read} of {} row groups{pages}", scan.row_groups)
}

/// Deeper operators stand no further to the right.
const MAX_DEPTH: usize = 200;

/// The operators of a segment.
pub(super) fn operator_table(segment: &SegmentRecord) -> String {
    let headers = [
        ("operator", Align::Left),
        ("part of", Align::Left),
        ("rows", Align::Right),
        ("kept", Align::Right),
        ("compute seconds", Align::Right),
        ("memory", Align::Right),
        ("spilled", Align::Right),
        ("read", Align::Left),
    ];
    let rows = segment.operators.iter().map(|operator: &OperatorRecord| {
        vec![
            format!("{}{}", "  ".repeat(operator.depth.min(MAX_DEPTH)), operator.operator),
            operator.part_of.clone().unwrap_or_default(),
            operator.output_rows.map(wide).map(count).unwrap_or_default(),
            operator.selectivity.map(|kept| format!("{:.1} %", kept * 100.0)).unwrap_or_default(),
            operator
                .elapsed_compute_nanos
                .map(wide)
                .map(Duration::from_nanos)
                .map(seconds)
                .unwrap_or_default(),
            operator.peak_memory_bytes.map(wide).map(some_bytes).unwrap_or_default(),
            operator.spilled_bytes.map(wide).map(some_bytes).unwrap_or_default(),
            operator.scan.as_ref().map(scan_text).unwrap_or_default(),
        ]
    });
    let rows = table(&headers, rows);
    let (plan, run) = (duration(segment.plan_seconds), duration(segment.run_seconds));
    format!("{}: plan {} s, run {} s\n{rows}", escape_text(&segment.segment), seconds(plan), seconds(run))
}
