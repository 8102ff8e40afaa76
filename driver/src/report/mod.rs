//! Results as text for people and as JSON for programs.

mod capture;
mod costs;
mod graph;
mod rows;
mod run;

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use ir::diag::escape_text;

pub(crate) use capture::capture_text;
pub(crate) use graph::{compilation_json, graph_json, parts_in_scope};
pub(crate) use rows::{Layout, RowError, RowWriter, for_each_row, row_writer};
pub(crate) use run::{RunReport, extracted_json, reuse_text, stage_table};

/// A JSON document as it is printed: indented, with a line break at its end.
pub(crate) fn json_text(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

/// One line below the header, none elsewhere: rows can be searched and cut with ordinary tools.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// How a column of a table is aligned.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A table with a header, as lines of text.
pub(crate) fn table(headers: &[(&str, Align)], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Disabled);
    let cell = |text: &str, align: Align| {
        Cell::new(escape_text(text)).set_alignment(match align {
            Align::Left => CellAlignment::Left,
            Align::Right => CellAlignment::Right,
        })
    };
    table.set_header(headers.iter().map(|(text, align)| cell(text, *align)));
    for row in rows {
        let aligned =
            row.iter().zip(headers.iter().map(|(_, align)| *align).chain(std::iter::repeat(Align::Left)));
        table.add_row(aligned.map(|(text, align)| cell(text, align)));
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// A count with its thousands apart: `12,345`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes in the largest binary unit that leaves at least 1: `3.4 MiB`.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if number < 1024 {
        return format!("{number} B");
    }
    // A double has more digits than are shown.
    #[allow(clippy::cast_precision_loss, reason = "see above")]
    let mut value = number as f64 / 1024.0;
    let mut units = UNITS.iter();
    let mut unit = units.next().unwrap_or(&"KiB");
    while value >= 1023.95 {
        let Some(next) = units.next() else { break };
        value /= 1024.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

/// A number as those of rows and bytes.
fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Seconds of a record as a time; none for what no clock gives.
fn duration(seconds: f64) -> std::time::Duration {
    std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// A duration in seconds, to the millisecond.
pub(crate) fn seconds(duration: std::time::Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
    }

    #[test]
    fn bytes_take_the_unit_that_is_read_best() {
        for (number, text) in
            [(1023, "1023 B"), (1024, "1.0 KiB"), (1_048_575, "1.0 MiB"), (5 << 40, "5.0 TiB")]
        {
            assert_eq!(bytes(number), text);
        }
    }
}
