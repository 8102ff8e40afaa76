//! Few rows of a large table: what is read besides them.

use serde_json::{Value, json};

use super::{Bound, Report, Setting, ratio, text};
use crate::contest::{Contestant, Turn};
use crate::failure::Result;
use crate::specs::{spec, sql};

const FOREIGN: &str = "1 of 10,000 rows, as others write them";
const SORTED: &str = "1 of 10,000 rows, in an order that is declared";
const ALL: &str = "all rows";
const OURS: &str = "ours";

/// Runs the benchmark.
///
/// # Errors
/// When its data cannot be made.
pub(super) fn run(setting: &Setting) -> Result<Report> {
    let mut report = Report {
        name: "skip",
        title: "A selective filter over a large table".to_owned(),
        notes: vec![
            "Count and sum of a range of numbers, from a Delta table that is in their order; then of all. The sorted \
             table is written by the program under test before each turn, which is not measured."
                .to_owned(),
        ],
        ..Report::default()
    };
    crate::report::progress("data: numbers");
    let rows: i64 = setting.scale(20_000_000, 20_000);
    let table = text(&setting.data.numbers(&["k", "a"].map(str::to_owned), rows)?);
    let (first, count) = (rows / 2 + 123, rows / 10_000);
    let last = first + count - 1;
    let few = format!("WHERE k BETWEEN {first} AND {last}");
    let of_few = answer(count, (first + last) * count);
    let contests = [
        (FOREIGN, few.as_str(), &table, false, of_few.clone()),
        (SORTED, few.as_str(), &table, true, of_few),
        (ALL, "", &table, false, answer(rows, (rows - 1) * rows)),
    ];
    for (title, condition, table, sorted, answer) in contests {
        let ours = Contestant::ours(OURS, move |driver, folder| {
            let read = if sorted { "sorted" } else { table.as_str() };
            if sorted {
                driver.run(&sorting(table), &[], folder)?;
            }
            let turn = driver.run(&totals(read, condition), &[], folder)?;
            let value = |column: &str| turn.answer["out"]["columns"][column]["sum"].clone();
            let answer = json!({"n": value("n"), "s": value("s")});
            Ok(Turn { answer, ..turn })
        });
        report.outcomes.push(setting.arena.hold(title, Some(answer), &[ours])?);
    }
    let cpu = |title| report.outcome(title).and_then(|outcome| outcome.cpu(OURS));
    let ratios = [FOREIGN, SORTED].map(|title| (title, ratio(cpu(ALL), cpu(title))));
    for (title, found) in ratios {
        report.target(format!("CPU of {ALL} / {title}"), found, Bound::AtLeast(5.0));
    }
    Ok(report)
}

/// What is found: the sum of `a` is that of twice `k`.
fn answer(count: i64, sum: i64) -> Value {
    json!({"n": count, "s": sum})
}

fn totals(table: &str, condition: &str) -> Value {
    let query = format!("SELECT count(*) AS n, sum(a) AS s FROM t {condition}");
    spec(&[("t".to_owned(), table.to_owned())], &[("totals".to_owned(), sql(query))], &[("out", "totals")])
}

/// Writes the table in an order that is declared.
fn sorting(table: &str) -> Value {
    let views = [("rows".to_owned(), sql("SELECT k, a FROM t"))];
    let mut spec = spec(&[("t".to_owned(), table.to_owned())], &views, &[("sorted", "rows")]);
    spec["output_targets"][0]["sort_by"] = json!(["k"]);
    spec
}
