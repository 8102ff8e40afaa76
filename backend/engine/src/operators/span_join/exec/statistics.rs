//! What is known of the rows of a span join before it has run.

use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Statistics};

use super::super::{SpanJoinKind, SpanJoinSpec, SpanRelation};

/// The statistics of these output columns, by those of the left and the right input. Rows are estimated, never exact: semi and
/// anti joins return at most the left rows, an innermost join about one row per contained row, other joins are taken to
/// return as many rows as the larger input.
pub(super) fn estimated(
    spec: &SpanJoinSpec,
    [left, right]: [&Statistics; 2],
    output_columns: &[usize],
) -> Statistics {
    let (left_rows, right_rows) = (left.num_rows, right.num_rows);
    let rows = match (spec.join, spec.innermost, spec.relation) {
        (SpanJoinKind::LeftSemi | SpanJoinKind::LeftAnti, _, _) => left_rows,
        (SpanJoinKind::Inner, true, SpanRelation::Contains) => right_rows,
        (_, true, SpanRelation::Within) => left_rows,
        _ => left_rows.max(&right_rows),
    };
    let columns: Vec<ColumnStatistics> =
        left.column_statistics.iter().chain(&right.column_statistics).map(subset_statistics).collect();
    let column = |index: &usize| columns.get(*index).cloned().unwrap_or_default();
    Statistics {
        num_rows: rows.to_inexact(),
        total_byte_size: Precision::Absent,
        column_statistics: output_columns.iter().map(column).collect(),
    }
}

/// What still holds of a column when its rows are selected and repeated: the range of its values, as a bound.
fn subset_statistics(column: &ColumnStatistics) -> ColumnStatistics {
    ColumnStatistics {
        min_value: column.min_value.clone().to_inexact(),
        max_value: column.max_value.clone().to_inexact(),
        distinct_count: column.distinct_count.to_inexact(),
        ..ColumnStatistics::new_unknown()
    }
}
