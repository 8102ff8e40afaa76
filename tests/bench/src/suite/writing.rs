//! Writing a large table: lineitem, unpartitioned, read from Delta and written to Delta.

use std::path::Path;

use serde_json::{Value, json};

use super::{Bound, Report, Setting, ratio, text};
use crate::contest::{Contestant, Limit, Peer, Standing, Turn};
use crate::failure::Result;
use crate::limits;
use crate::specs::{spec, sql};

const OURS: &str = "ours";
/// Whose sizes of files ours are compared with.
const PEER: &str = "deltalake";

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
        let mebibytes: Vec<String> =
            file_bytes(standing).iter().map(|bytes| (bytes >> 20).to_string()).collect();
        let files = if mebibytes.is_empty() {
            String::new()
        } else {
            format!(", files of {} MiB", mebibytes.join(", "))
        };
        let rate = million(standing.wall());
        report.notes.push(format!("{}: {rate:.2} million rows a second{files}", standing.contestant));
    }
    let mean = |contestant: Option<&Standing>| contestant.and_then(mean_file_bytes);
    let peer = outcome.standings.iter().find(|standing| standing.contestant.starts_with(PEER));
    let files = ratio(mean(ours.as_ref()), mean(peer));
    report.outcomes.push(outcome);
    let measured = ours.map(|ours| million(ours.wall_seconds.median));
    report.target("million rows a second of wall time, whole process", measured, Bound::AtLeast(3.0));
    report.target("mean bytes of a file / those of deltalake", files, Bound::AtLeast(0.75));
    Ok(report)
}

/// The sizes of the files a contestant wrote, if it wrote a Delta table.
fn file_bytes(standing: &Standing) -> Vec<u64> {
    let bytes = &standing.remarks["file_bytes"];
    let bytes = bytes.get("out").unwrap_or(bytes);
    bytes.as_array().into_iter().flatten().filter_map(Value::as_u64).collect()
}

#[allow(clippy::cast_precision_loss, reason = "sizes of files are far below 2^53")]
fn mean_file_bytes(standing: &Standing) -> Option<f64> {
    let bytes = file_bytes(standing);
    (!bytes.is_empty()).then(|| bytes.iter().sum::<u64>() as f64 / bytes.len() as f64)
}

fn contestants<'a>(setting: &'a Setting, lineitem: &Path) -> Result<Vec<Contestant<'a>>> {
    let inputs = [("lineitem".to_owned(), text(lineitem))];
    let spec = spec(&inputs, &[("copy".to_owned(), sql("SELECT * FROM lineitem"))], &[("out", "copy")]);
    let ours = Contestant::ours(OURS, move |driver, folder| {
        let turn = driver.run(&spec, &[], folder)?;
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
