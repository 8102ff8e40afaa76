//! One expensive view, many outputs: what it costs to compute the view once, or once for each.

use std::path::Path;

use serde_json::{Value, json};

use super::{Bound, Report, Setting, ratio, text};
use crate::contest::{Contestant, Limit, Outcome, Peer};
use crate::failure::{Failure, Result};
use crate::limits;
use crate::specs::{spec, sql};

const SHARED: &str = "ours, shared";
const NOT_SHARED: &str = "ours, sharing off";
const STORED: &str = "ours, outputs over the stored view";
const SMALL_POOL: &str = "ours, shared, pool of a quarter of the view";
const VIEW_ALONE: &str = "the view alone";

/// The outputs: half the rows, the other half, a condition on a sum, groups; then some more of these kinds.
const OUTPUTS: [(&str, &str); 8] = [
    ("o0", "SELECT * FROM v WHERE n > 3"),
    ("o1", "SELECT * FROM v WHERE n <= 3"),
    ("o2", "SELECT * FROM v WHERE s > 100000"),
    ("o3", "SELECT n, count(*) AS x FROM v GROUP BY n"),
    ("o4", "SELECT * FROM v WHERE n > 4"),
    ("o5", "SELECT * FROM v WHERE n = 2"),
    ("o6", "SELECT * FROM v WHERE s < 50000"),
    ("o7", "SELECT m, count(*) AS x, sum(s) AS s FROM v GROUP BY m"),
];

/// The columns of lineitem that the view reads.
const COLUMNS: [&str; 3] = ["l_orderkey", "l_extendedprice", "l_shipdate"];

/// Runs the benchmark.
///
/// # Errors
/// When its data cannot be made or ours cannot compute the view at all.
pub(super) fn run(setting: &Setting) -> Result<Report> {
    let mut report = Report {
        name: "shared",
        title: "One view with several readers".to_owned(),
        notes: vec![
            "The view groups lineitem by order (count, sum, greatest date: 1.5 million groups at scale factor 1). \
             Outputs are Delta tables; DuckDB writes Parquet."
                .to_owned(),
        ],
        ..Report::default()
    };
    let lineitem = setting.tpch()?.join("lineitem");
    let stored = store_view(setting, &lineitem)?;
    let alone = Contestant::ours(VIEW_ALONE, |driver, folder| {
        let totals = "SELECT count(*) AS x, sum(n) AS n, sum(s) AS s, max(m) AS m FROM v";
        let views = [("v".to_owned(), view()), ("w".to_owned(), sql(totals))];
        let spec = spec(&[("lineitem".to_owned(), text(&lineitem))], &views, &[("totals", "w")]);
        driver.run(&spec, &[], folder)
    });
    report.outcomes.push(setting.arena.hold(VIEW_ALONE, None, &[alone])?);
    let small_pool = quarter(setting, &lineitem)?;
    for (outputs, least_gain) in [(4, 2.4), (8, 3.3)] {
        let outcome = contest(setting, outputs, &lineitem, &stored.path().join("v"), small_pool)?;
        report.outcomes.push(outcome);
        targets(&mut report, outputs, least_gain, small_pool);
    }
    Ok(report)
}

/// The view.
fn view() -> Value {
    json!({"kind": "Aggregate", "source": "lineitem", "group_by": ["l_orderkey"], "aggregations": [
        {"function": "count", "alias": "n"},
        {"function": "sum", "column": "l_extendedprice", "alias": "s"},
        {"function": "max", "column": "l_shipdate", "alias": "m"},
    ]})
}

/// The spec with a number of outputs.
fn with_outputs(lineitem: &Path, outputs: usize) -> Value {
    over(vec![("lineitem".to_owned(), text(lineitem))], vec![("v".to_owned(), view())], outputs)
}

fn over(inputs: Vec<(String, String)>, mut views: Vec<(String, Value)>, outputs: usize) -> Value {
    let written = &OUTPUTS[..outputs.min(OUTPUTS.len())];
    let names: Vec<String> = written.iter().map(|(table, _)| format!("w{table}")).collect();
    views.extend(written.iter().zip(&names).map(|((_, query), name)| (name.clone(), sql(*query))));
    let tables: Vec<_> =
        written.iter().zip(&names).map(|((table, _), name)| (*table, name.as_str())).collect();
    spec(&inputs, &views, &tables)
}

/// Computes the view once and keeps it as the table `v`.
fn store_view(setting: &Setting, lineitem: &Path) -> Result<tempfile::TempDir> {
    let folder = temporary(setting)?;
    let inputs = [("lineitem".to_owned(), text(lineitem))];
    setting.arena.driver.run(
        &spec(&inputs, &[("v".to_owned(), view())], &[("v", "v")]),
        &[],
        folder.path(),
    )?;
    Ok(folder)
}

/// A small view's quarter would be less than operators need to begin.
const LEAST_POOL: u64 = 16 << 20;

/// A quarter of the bytes the view takes in memory.
fn quarter(setting: &Setting, lineitem: &Path) -> Result<u64> {
    let folder = temporary(setting)?;
    let turn = setting.arena.driver.run(&with_outputs(lineitem, 4), &[], folder.path())?;
    // In memory and, if there was too little of it, on disk.
    let fields = turn.remarks["shared_views"][0].as_object().into_iter().flatten();
    let bytes: u64 =
        fields.filter(|(name, _)| name.ends_with("bytes")).filter_map(|(_, bytes)| bytes.as_u64()).sum();
    if bytes == 0 {
        return Err(Failure::Missing(
            "the run report does not say how many bytes the shared view has".to_owned(),
        ));
    }
    Ok((bytes / 4).max(LEAST_POOL))
}

fn temporary(setting: &Setting) -> Result<tempfile::TempDir> {
    let folder = &setting.arena.folder;
    tempfile::tempdir_in(folder).map_err(Failure::file("make a folder in", folder))
}

fn contest(
    setting: &Setting,
    outputs: usize,
    lineitem: &Path,
    stored: &Path,
    small_pool: u64,
) -> Result<Outcome> {
    let shared = with_outputs(lineitem, outputs);
    let mut not_shared = shared.clone();
    not_shared["cache_policy"] = json!({"overrides": [{"view_name": "v", "action": "NeverCache"}]});
    let over_stored = over(vec![("v".to_owned(), text(stored))], Vec::new(), outputs);
    let pool = small_pool.to_string();
    let ours = |name: &str, spec: Value, options: Vec<String>| {
        Contestant::ours(name, move |driver, folder| {
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            driver.run(&spec, &options, folder)
        })
    };
    let mut contestants = vec![
        ours(SHARED, shared.clone(), Vec::new()),
        ours(NOT_SHARED, not_shared, Vec::new()),
        ours(STORED, over_stored, Vec::new()),
        ours(SMALL_POOL, shared, vec!["--memory-limit".to_owned(), pool]),
    ];
    for peer in [Peer::DataFusion, Peer::Polars, Peer::DuckDb] {
        let parameters = json!({"delta": lineitem, "outputs": outputs});
        contestants.extend(setting.peers.contestants(peer, "shared", &parameters)?);
    }
    let mut outcome = setting.arena.hold(&title(outputs), None, &contestants)?;
    outcome.limit = Some(limit(setting, lineitem, outputs)?);
    Ok(outcome)
}

fn title(outputs: usize) -> String {
    format!("{outputs} outputs")
}

/// Reading the three columns once and encoding every output once.
fn limit(setting: &Setting, lineitem: &Path, outputs: usize) -> Result<Limit> {
    let folder = temporary(setting)?;
    setting.arena.driver.run(&with_outputs(lineitem, outputs), &[], folder.path())?;
    let decoding = limits::decoding(lineitem, Some(&COLUMNS))?;
    let written = OUTPUTS.iter().take(outputs);
    let encoding: Vec<f64> =
        written.map(|(table, _)| limits::encoding(&folder.path().join(table))).collect::<Result<_>>()?;
    let cpu_seconds = decoding + encoding.iter().sum::<f64>();
    Ok(Limit { cpu_seconds, formula: "decode three columns once + encode every output".to_owned() })
}

fn targets(report: &mut Report, outputs: usize, least_gain: f64, small_pool: u64) {
    let alone = report.outcome(VIEW_ALONE).and_then(|outcome| outcome.cpu(VIEW_ALONE));
    let Some(outcome) = report.outcome(&title(outputs)).cloned() else { return };
    let shared = outcome.cpu(SHARED);
    report.target(
        format!("{outputs} outputs: CPU with sharing off / shared"),
        ratio(outcome.cpu(NOT_SHARED), shared),
        Bound::AtLeast(least_gain),
    );
    let once = alone.zip(outcome.cpu(STORED)).map(|(alone, outputs)| alone + outputs);
    report.target(
        format!("{outputs} outputs: CPU shared / (view alone + outputs alone)"),
        ratio(shared, once),
        Bound::AtMost(1.15),
    );
    let polars = outcome.standings.iter().filter(|standing| standing.contestant.starts_with("polars"));
    let best = polars.map(crate::contest::Standing::cpu).min_by(f64::total_cmp);
    report.target(
        format!("{outputs} outputs: CPU shared / Polars at its best"),
        ratio(shared, best),
        Bound::AtMost(1.05),
    );
    let limited = outcome.of(SMALL_POOL);
    report.target(
        format!("{outputs} outputs, small pool: wall / wall in memory"),
        ratio(
            limited.map(|limited| limited.wall_seconds.median),
            outcome.of(SHARED).map(|s| s.wall_seconds.median),
        ),
        Bound::AtMost(2.5),
    );
    report.target(
        format!("{outputs} outputs, small pool: peak memory beyond the pool, MiB"),
        limited.map(|limited| mebibytes(limited.peak_bytes.max) - mebibytes_of(small_pool)),
        Bound::AtMost(512.0),
    );
}

fn mebibytes(bytes: f64) -> f64 {
    bytes / f64::from(1 << 20)
}

#[allow(clippy::cast_precision_loss, reason = "sizes of memory are far below 2^53")]
fn mebibytes_of(bytes: u64) -> f64 {
    mebibytes(bytes as f64)
}
