//! Writing a large table: lineitem, unpartitioned, read from Delta and written to Delta.

use std::path::Path;

use serde_json::{Value, json};

use super::{Bound, Report, Setting, text};
use crate::contest::{Contestant, Limit, Peer, Turn};
use crate::failure::Result;
use crate::limits;
use crate::specs::{spec, sql};

const OURS: &str = "ours";

/// Runs the benchmark.
///
/// # Errors
/// When its data cannot be made.
pub(super) fn run(setting: &Setting) -> Result<Report> {
    let mut report = Report {
        name: "write",
        title: "Writing a table".to_owned(),
        notes: vec![
            "`SELECT * FROM lineitem` into a new table. Ours is measured from the start of the process to its end, \
             reading included."
                .to_owned(),
        ],
        ..Report::default()
    };
    let lineitem = setting.tpch()?.join("lineitem");
    let mut outcome = setting.arena.hold("lineitem", None, &contestants(setting, &lineitem)?)?;
    let cpu_seconds = limits::decoding(&lineitem, None)? + limits::encoding(&lineitem)?;
    outcome.limit = Some(Limit { cpu_seconds, formula: "decode and encode all columns once".to_owned() });
    let rows = rows(&lineitem)?;
    let million = |wall: f64| rows / wall / 1e6;
    let ours = outcome.of(OURS).cloned();
    let cores = f64::from(u32::try_from(setting.cores).unwrap_or(u32::MAX));
    report.notes.push(format!(
        "{:.2} million rows. The limit in rows a second on {} cores is {:.2} million.",
        rows / 1e6,
        setting.cores,
        million(cpu_seconds / cores)
    ));
    for standing in &outcome.standings {
        let bytes = &standing.remarks["file_bytes"];
        report.notes.push(format!(
            "{}: {:.2} million rows a second{}",
            standing.contestant,
            million(standing.compared_wall()),
            if bytes.is_null() { String::new() } else { format!(", bytes of files {bytes}") }
        ));
    }
    report.outcomes.push(outcome);
    let measured = ours.map(|ours| million(ours.wall_seconds.median));
    report.target("million rows a second of wall time, whole process", measured, Bound::AtLeast(3.0));
    Ok(report)
}

fn contestants<'a>(setting: &'a Setting, lineitem: &Path) -> Result<Vec<Contestant<'a>>> {
    let inputs = [("lineitem".to_owned(), text(lineitem))];
    let spec = spec(&inputs, &[("copy".to_owned(), sql("SELECT * FROM lineitem"))], &[("out", "copy")]);
    let ours = Contestant::new(OURS, move |folder| {
        let turn = setting.driver.run(&spec, &[], folder)?;
        Ok(Turn { answer: turn.answer["out"].clone(), ..turn })
    });
    let mut contestants = vec![ours];
    for peer in [Peer::DeltaLake, Peer::Polars, Peer::DuckDb] {
        contestants.extend(setting.peers.contestants(peer, "write", &json!({"delta": lineitem}))?);
    }
    Ok(contestants)
}

#[allow(clippy::cast_precision_loss, reason = "rows of a table are far below 2^53")]
fn rows(table: &Path) -> Result<f64> {
    let digest: Value = crate::table::digest_of_table(table)?;
    Ok(digest["rows"].as_u64().unwrap_or_default() as f64)
}
