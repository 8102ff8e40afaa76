//! How long small work takes from the start of the process.

use serde_json::Value;

use super::{Bound, Report, Setting, text};
use crate::contest::{Arena, Contestant, Turn};
use crate::failure::Result;
use crate::specs::{layered, spec, sql};

const PLANS: &str = "plans of 20 views";
const RUN: &str = "run of 1,000 rows";
const NOTHING: &str = "print the version";
const OURS: &str = "ours";

/// Runs the benchmark.
///
/// # Errors
/// When its data cannot be made.
pub(super) fn run(setting: &Setting) -> Result<Report> {
    let mut report = Report {
        name: "start",
        title: "Small work, from the start of the process".to_owned(),
        notes: vec!["Printing the version shows what starting the program costs alone.".to_owned()],
        ..Report::default()
    };
    // Short turns scatter more; more of them cost little.
    let arena = Arena { runs: setting.scale(4 * setting.arena.runs, 1), ..setting.arena.clone() };
    let table = text(&setting.data.numbers(&["k", "a", "b"].map(str::to_owned), 1_000)?);
    let nothing = Contestant::ours(OURS, |driver, folder| {
        let finished = driver.command(&["--version"], folder)?;
        Ok(Turn { usage: finished.usage, work: None, answer: Value::Null, remarks: Value::Null })
    });
    let views = layered(&table, 20, None);
    let plans = Contestant::ours(OURS, |driver, folder| driver.compile(&views, "physical", folder));
    let views = [("sums".to_owned(), sql("SELECT k, a + b AS c FROM t WHERE k >= 0"))];
    let one_output = spec(&[("t".to_owned(), table.clone())], &views, &[("out", "sums")]);
    let run = Contestant::ours(OURS, |driver, folder| driver.run(&one_output, &[], folder));
    for (title, contestant) in [(NOTHING, nothing), (PLANS, plans), (RUN, run)] {
        report.outcomes.push(arena.hold(title, None, &[contestant])?);
    }
    for (title, most) in [(PLANS, 60.0), (RUN, 150.0)] {
        let wall =
            report.outcome(title).and_then(|outcome| outcome.of(OURS)).map(|ours| ours.wall_seconds.median);
        report.target(
            format!("{title}: wall milliseconds"),
            wall.map(|wall| wall * 1000.0),
            Bound::AtMost(most),
        );
    }
    Ok(report)
}
