//! Results as Markdown tables, aligned so that they can be read as text too.

use std::collections::BTreeMap;

use crate::contest::{Comparison, Outcome, Standing};
use crate::machine::Machine;
use crate::statistics::{Interval, Spread};
use crate::suite::{Bound, Report, Target};

/// All results.
pub(crate) fn document(machine: &Machine, quick: bool, reports: &[Report]) -> String {
    let mut text = format!(
        "# Benchmark results\n\n{}; {} cores of {}, {} GiB, {}; {}, {}, commit {}.\n",
        machine.date,
        machine.cores,
        machine.processor,
        machine.memory_gib,
        machine.kernel,
        machine.driver,
        machine.rustc,
        machine.commit
    );
    let versions = versions(reports);
    if !versions.is_empty() {
        let versions: Vec<String> =
            versions.iter().map(|(peer, version)| format!("{peer} {version}")).collect();
        text.push_str(&format!("Peers: {}.\n", versions.join(", ")));
    }
    text.push_str(
        "\nMedians, in brackets the least and the greatest. CPU is user and system time. Ours is measured as a whole \
         process, from its start to its end. Peers are measured without their start and their imports, by their own \
         clock; `results.json` has their whole processes too. `/ first` compares CPU with the first row; `/ limit` \
         with what this machine allows, measured in the same run.\n",
    );
    if quick {
        text.push_str(
            "\n**A quick run on small data: it shows that everything works and agrees, no performance.**\n",
        );
    }
    if !quick {
        text.push_str(&format!("\n## Targets\n\n{}", summary(reports)));
    }
    for report in reports {
        text.push('\n');
        text.push_str(&benchmark(report, quick));
    }
    text
}

/// The targets of all benchmarks.
fn summary(reports: &[Report]) -> String {
    let mut rows = vec![["benchmark"].iter().chain(&TARGET_HEADER).map(|name| (*name).to_owned()).collect()];
    for report in reports {
        for target in &report.targets {
            rows.push([report.name.to_owned()].into_iter().chain(target_row(target)).collect::<Vec<_>>());
        }
    }
    table(&rows)
}

/// One benchmark.
pub(crate) fn benchmark(report: &Report, quick: bool) -> String {
    let mut text = format!("## {}\n", report.title);
    for note in &report.notes {
        text.push_str(&format!("\n{note}\n"));
    }
    if report.one_table {
        text.push_str(&format!("\n{}", matrix(&report.outcomes)));
        return text + &endings(report, quick);
    }
    let has_one_row = |outcome: &Outcome| outcome.standings.len() <= 1;
    let (single, several): (Vec<_>, Vec<_>) =
        report.outcomes.iter().partition(|outcome| has_one_row(outcome));
    for outcome in several {
        text.push_str(&format!("\n### {}\n\n{}", outcome.contest, contest(outcome)));
    }
    if single.iter().any(|outcome| !outcome.standings.is_empty()) {
        text.push_str(&format!("\n{}", singles(&single)));
    }
    text + &endings(report, quick)
}

/// What went wrong, and what was reached.
fn endings(report: &Report, quick: bool) -> String {
    let mut text = String::new();
    let failures: Vec<&String> = report.failures().collect();
    if !failures.is_empty() {
        text.push_str("\n**Failures**\n\n");
        failures.iter().for_each(|failure| text.push_str(&format!("- {}\n", failure.replace('\n', " "))));
    }
    let compared = comparisons(&report.outcomes);
    if !compared.is_empty() {
        text.push_str(&format!(
            "\nNow / baseline, pair by pair: medians with their 95 % intervals.\n\n{compared}"
        ));
    }
    if !quick && !report.targets.is_empty() {
        text.push_str(&format!("\n{}", targets(&report.targets)));
    }
    text
}

/// What is needed now as shares of what the baseline needs; empty without one.
fn comparisons(outcomes: &[Outcome]) -> String {
    let all =
        outcomes.iter().flat_map(|outcome| outcome.comparisons.iter().map(move |found| (outcome, found)));
    let rows: Vec<_> = all.map(|(outcome, found)| comparison(&outcome.contest, found)).collect();
    if rows.is_empty() {
        return String::new();
    }
    let header = ["work", "form", "pairs", "CPU", "wall", "peak", "verdict"].map(str::to_owned).to_vec();
    table(&[header].into_iter().chain(rows).collect::<Vec<_>>())
}

fn comparison(contest: &str, found: &Comparison) -> Vec<String> {
    let verdict = match (found.is_worse(), found.is_better()) {
        (true, _) => "**worse**",
        (_, true) => "better",
        _ => "",
    };
    let ratios = [found.cpu, found.wall, found.peak].map(interval);
    let first = [contest.to_owned(), found.contestant.clone(), found.pairs.to_string()];
    first.into_iter().chain(ratios).chain([verdict.to_owned()]).collect()
}

fn interval(ratio: Interval) -> String {
    format!("{:.3} [{:.3} {:.3}]", ratio.median, ratio.low, ratio.high)
}

fn contest(outcome: &Outcome) -> String {
    let ours = outcome.standings.first().map(Standing::cpu);
    let mut rows = vec![header(["contestant", "runs"])];
    for standing in &outcome.standings {
        let mut row = vec![standing.contestant.clone(), standing.runs.to_string()];
        row.extend(measurements(standing));
        row.push(times(standing.cpu(), ours));
        row.push(times(standing.cpu(), outcome.limit.as_ref().map(|limit| limit.cpu_seconds)));
        rows.push(row);
    }
    if let Some(limit) = &outcome.limit {
        let mut row = vec![format!("limit: {}", limit.formula), String::new(), number(limit.cpu_seconds)];
        row.resize(rows.first().map_or(0, Vec::len), String::new());
        rows.push(row);
    }
    table(&rows)
}

/// Contests with the same contestants: one row each, with the CPU by which contestants are compared.
fn matrix(outcomes: &[Outcome]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for standing in outcomes.iter().flat_map(|outcome| &outcome.standings) {
        if !names.contains(&standing.contestant.as_str()) {
            names.push(&standing.contestant);
        }
    }
    let mut rows =
        vec![["CPU s"].into_iter().chain(names.iter().copied()).map(str::to_owned).collect::<Vec<_>>()];
    for outcome in outcomes {
        let costs = names.iter().map(|name| outcome.cpu(name).map(number).unwrap_or_default());
        rows.push([outcome.contest.clone()].into_iter().chain(costs).collect());
    }
    table(&rows)
}

/// Contests with one contestant, one row each.
fn singles(outcomes: &[&Outcome]) -> String {
    let mut rows = vec![header(["work", "runs"])];
    for outcome in outcomes {
        for standing in &outcome.standings {
            let mut row = vec![outcome.contest.clone(), standing.runs.to_string()];
            row.extend(measurements(standing));
            row.push(String::new());
            row.push(times(standing.cpu(), outcome.limit.as_ref().map(|limit| limit.cpu_seconds)));
            rows.push(row);
        }
    }
    table(&rows)
}

fn header(first: [&str; 2]) -> Vec<String> {
    let rest = ["CPU s", "wall s", "peak MiB", "/ first", "/ limit"];
    first.iter().chain(&rest).map(|name| (*name).to_owned()).collect()
}

fn measurements(standing: &Standing) -> [String; 3] {
    let mebibytes = standing.peak_bytes.median / f64::from(1 << 20);
    [spread(standing.compared_cpu()), spread(standing.compared_wall()), format!("{mebibytes:.0}")]
}

const TARGET_HEADER: [&str; 4] = ["target", "measured", "must be", "verdict"];

fn targets(targets: &[Target]) -> String {
    let header = TARGET_HEADER.map(str::to_owned).to_vec();
    let rows = targets.iter().map(|target| target_row(target).to_vec());
    table(&[header].into_iter().chain(rows).collect::<Vec<_>>())
}

fn target_row(target: &Target) -> [String; 4] {
    let bound = match target.bound {
        Bound::AtMost(most) => format!("at most {most}"),
        Bound::AtLeast(least) => format!("at least {least}"),
    };
    let verdict = match target.is_met() {
        Some(true) => "met",
        Some(false) => "**missed**",
        None => "not measured",
    };
    [target.claim.clone(), target.measured.map(number).unwrap_or_default(), bound, verdict.to_owned()]
}

/// The versions the peers told.
fn versions(reports: &[Report]) -> BTreeMap<&str, &str> {
    let standings = reports.iter().flat_map(|report| &report.outcomes).flat_map(|outcome| &outcome.standings);
    let told = standings.filter_map(|standing| {
        let (peer, _) = standing.contestant.split_once(',')?;
        Some((peer, standing.remarks["version"].as_str()?))
    });
    told.collect()
}

fn times(cost: f64, base: Option<f64>) -> String {
    base.map(|base| format!("{}x", number(cost / base))).unwrap_or_default()
}

fn spread(spread: Spread) -> String {
    if spread.min >= spread.max {
        return number(spread.median);
    }
    format!("{} [{} {}]", number(spread.median), number(spread.min), number(spread.max))
}

/// Three significant digits, more before the point.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        value if value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        value if value >= 1.0 => 2,
        value if value >= 0.1 => 3,
        _ => 4,
    };
    format!("{value:.decimals$}")
}

/// A table whose first row is the header. Columns after the first are numbers; columns nobody has are left out.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let used = |column: &usize| {
        let mut cells = rows.iter().skip(1).filter_map(|row| row.get(*column));
        *column == 0 || cells.any(|cell| !cell.is_empty())
    };
    let used: Vec<usize> = (0..columns).filter(used).collect();
    let kept = rows.iter().map(|row| used.iter().filter_map(|column| row.get(*column).cloned()).collect());
    aligned(&kept.collect::<Vec<Vec<String>>>())
}

fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let widths = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        widths.max().unwrap_or(0).max(3)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (place, row) in rows.iter().enumerate() {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let cell = if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") };
            text.push_str(&format!("| {cell} "));
        }
        text.push_str("|\n");
        if place == 0 {
            for (column, width) in widths.iter().enumerate() {
                let dashes = "-".repeat(width - 1);
                text.push_str(&if column == 0 { format!("| -{dashes} ") } else { format!("| {dashes}: ") });
            }
            text.push_str("|\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned() {
        let rows = [["a", "number"], ["longer name", "1"]].map(|row| row.map(str::to_owned).to_vec());
        let expected = "\
| a           | number |
| ----------- | -----: |
| longer name |      1 |
";
        assert_eq!(table(&rows), expected);
    }

    #[test]
    fn numbers_have_three_digits() {
        let shown: Vec<String> = [0.01234, 0.5, 1.234, 12.34, 1234.5].into_iter().map(number).collect();
        assert_eq!(shown, ["0.0123", "0.500", "1.23", "12.3", "1234"]);
    }
}
