//! Which spans contain which: the join of syntax trees with themselves.

use std::path::Path;

use serde_json::{Value, json};

use super::{Bound, Report, Setting, ratio, text};
use crate::contest::{Contestant, Limit, Outcome, Peer, Standing, Turn};
use crate::data::{Forest, Shape, Spans, expected, nested_pairs};
use crate::failure::Result;
use crate::limits;
use crate::specs::{spec, sql};

const RELATION: &str = "ours, span relation";
const PLAIN_SQL: &str = "ours, plain SQL";

/// The columns a containment query reads.
const COLUMNS: [&str; 4] = ["file_id", "s", "e", "id"];

/// A forest with the question asked of it.
struct Workload {
    forest: Forest,
    spans: Spans,
    /// Whether the peers take part.
    with_peers: bool,
}

impl Workload {
    fn new(shape: Shape, (files, nodes): (usize, usize), spans: Spans) -> Self {
        Self { forest: Forest { shape, files, nodes, shuffled: false }, spans, with_peers: false }
    }

    fn shuffled(mut self) -> Self {
        self.forest.shuffled = true;
        self
    }

    fn with_peers(mut self) -> Self {
        self.with_peers = true;
        self
    }

    fn title(&self) -> String {
        let Forest { shape, files, nodes, shuffled } = self.forest;
        let shape = match shape {
            Shape::Nested => "nested",
            Shape::Crossing => "crossing",
            Shape::Staircase => "staircase",
        };
        let question = match self.spans {
            Spans::All => "all x all",
            Spans::TenthAndFifth => "10 % x 20 %",
            Spans::Innermost => "innermost of 10 %",
        };
        let order = if shuffled { ", rows shuffled" } else { "" };
        format!("{files} files x {nodes} nodes, {shape}, {question}{order}")
    }
}

/// Runs the benchmark.
///
/// # Errors
/// When its data cannot be made.
pub(super) fn run(setting: &Setting) -> Result<Report> {
    let sizes = setting.scale(
        [(400, 500), (100, 2_000), (10, 20_000), (4, 50_000)],
        [(16, 100), (8, 200), (4, 400), (2, 800)],
    );
    let [small, medium, large, huge] = sizes;
    let nested = |size, spans| Workload::new(Shape::Nested, size, spans);
    let workloads = [
        nested(small, Spans::All),
        nested(medium, Spans::All).with_peers(),
        nested(large, Spans::All).with_peers(),
        nested(huge, Spans::All),
        nested(large, Spans::All).shuffled(),
        nested(medium, Spans::TenthAndFifth).with_peers(),
        nested(large, Spans::TenthAndFifth).with_peers(),
        nested(medium, Spans::Innermost),
        nested(large, Spans::Innermost),
        Workload::new(Shape::Crossing, large, Spans::All),
        Workload::new(Shape::Staircase, large, Spans::All),
    ];
    let mut report = Report {
        name: "containment",
        title: "Containment of spans".to_owned(),
        notes: vec![
            "Count of the pairs (container, contained) of one file and sums of their ids, from a Delta table. Every \
             answer is compared with that of a nested loop in this program. Crossing spans have about as many pairs \
             as nested ones; on a staircase half of a file is open everywhere and nothing contains anything but itself."
                .to_owned(),
        ],
        ..Report::default()
    };
    for workload in &workloads {
        report.outcomes.push(contest(setting, workload)?);
    }
    targets(&mut report, &workloads);
    Ok(report)
}

fn contest(setting: &Setting, workload: &Workload) -> Result<Outcome> {
    crate::report::progress(&format!("data: {}", workload.forest.name()));
    let table = setting.data.forest(&workload.forest)?;
    // Shuffling gives rows other places, not other ids.
    let answer = expected(&workload.forest, workload.spans);
    let mut contestants = vec![ours(RELATION, relation(workload.spans), &table, workload.spans)];
    if workload.spans != Spans::Innermost {
        contestants.push(ours(PLAIN_SQL, plain_sql(), &table, workload.spans));
    }
    if workload.with_peers {
        for peer in [Peer::DuckDb, Peer::Polars, Peer::DataFusion] {
            let mut parameters = json!({"delta": table});
            for (side, condition) in ["containers", "contained"].into_iter().zip(workload.spans.conditions())
            {
                if let Some(condition) = condition {
                    parameters[side] = json!(condition);
                }
            }
            contestants.extend(setting.peers.contestants(peer, "containment", &parameters)?);
        }
    }
    let mut outcome = setting.arena.hold(&workload.title(), Some(answer), &contestants)?;
    if workload.spans == Spans::All && workload.forest.shape == Shape::Nested {
        outcome.limit = Some(limit(&workload.forest, &table)?);
    }
    Ok(outcome)
}

fn ours(name: &str, pairs: Value, table: &Path, spans: Spans) -> Contestant<'static> {
    let inputs = [("nodes", table), ("others", table)].map(|(name, table)| (name.to_owned(), text(table)));
    let mut views = Vec::new();
    for ((side, source), condition) in [("a", "nodes"), ("d", "others")].into_iter().zip(spans.conditions()) {
        let transform = condition.map_or_else(
            || sql(format!("SELECT file_id, s, e, id FROM {source}")),
            |condition| sql(format!("SELECT file_id, s, e, id FROM {source} WHERE {condition}")),
        );
        views.push((side.to_owned(), transform));
    }
    views.push(("pairs".to_owned(), pairs));
    let totals = "SELECT count(*) AS n, sum(aid) AS sum_a, sum(did) AS sum_d FROM pairs";
    views.push(("totals".to_owned(), sql(totals)));
    let spec = spec(&inputs, &views, &[("out", "totals")]);
    Contestant::ours(name, move |driver, folder| {
        let turn = driver.run(&spec, &[], folder)?;
        // One row: the sum of a column is its value.
        let value = |column: &str| turn.answer["out"]["columns"][column]["sum"].clone();
        let answer = json!({"n": value("n"), "sum_a": value("sum_a"), "sum_d": value("sum_d")});
        Ok(Turn { answer, ..turn })
    })
}

fn relation(spans: Spans) -> Value {
    json!({
        "kind": "Relate", "left": "a", "right": "d", "on": ["file_id"], "innermost": spans == Spans::Innermost,
        "span": {"relation": "contains", "left": ["s", "e"], "right": ["s", "e"]},
        "select": [
            {"from": "left", "column": "id", "name": "aid"}, {"from": "right", "column": "id", "name": "did"},
        ],
    })
}

fn plain_sql() -> Value {
    sql(
        "SELECT a.id AS aid, d.id AS did FROM a JOIN d ON a.file_id = d.file_id AND a.s <= d.s AND d.e <= a.e",
    )
}

/// Reading four columns for each side, and one stack over rows that are sorted already.
fn limit(forest: &Forest, table: &Path) -> Result<Limit> {
    let decoding = 2.0 * limits::decoding(table, Some(&COLUMNS))?;
    let (_, _, kernel) = nested_pairs(forest);
    let formula = "decode four columns twice + one stack over sorted rows in memory".to_owned();
    Ok(Limit { cpu_seconds: decoding + kernel.as_secs_f64(), formula })
}

fn targets(report: &mut Report, workloads: &[Workload]) {
    let found = |workload: &Workload, contestant: &str| {
        report.outcome(&workload.title()).and_then(|outcome| outcome.cpu(contestant))
    };
    let mut targets = Vec::new();
    let nested = |workload: &&Workload| {
        let Forest { shape, shuffled, .. } = workload.forest;
        shape == Shape::Nested && workload.spans == Spans::All && !shuffled
    };
    let with_peers: Vec<_> = workloads.iter().filter(nested).filter(|workload| workload.with_peers).collect();
    for workload in &with_peers {
        let Some(outcome) = report.outcome(&workload.title()) else { continue };
        let best = |peer: &str| {
            let forms = outcome.standings.iter().filter(|standing| standing.contestant.starts_with(peer));
            forms.map(Standing::cpu).min_by(f64::total_cmp)
        };
        let as_written = |peer: &str| outcome.cpu(&format!("{peer}, as written"));
        for form in [RELATION, PLAIN_SQL] {
            let ours = outcome.cpu(form);
            let claim = |peer: &str| format!("{}: CPU of {peer} / {form}", workload.title());
            if workload.forest.nodes
                == with_peers.iter().map(|other| other.forest.nodes).max().unwrap_or_default()
            {
                let by = ratio(as_written("datafusion"), ours);
                targets.push((claim("DataFusion as written"), by, Bound::AtLeast(300.0)));
                let by = ratio(as_written("duckdb"), ours);
                targets.push((claim("DuckDB as written"), by, Bound::AtLeast(100.0)));
            }
            targets.push((claim("DuckDB at its best"), ratio(best("duckdb"), ours), Bound::AtLeast(2.5)));
        }
    }
    let flat: Option<Vec<f64>> =
        workloads.iter().filter(nested).map(|workload| found(workload, RELATION)).collect();
    let least = flat.as_ref().and_then(|costs| costs.iter().copied().min_by(f64::total_cmp));
    let most = flat.as_ref().and_then(|costs| costs.iter().copied().max_by(f64::total_cmp));
    let claim = "largest CPU / smallest over the sizes of files".to_owned();
    targets.push((claim, ratio(most, least), Bound::AtMost(1.15)));
    for adversary in workloads.iter().filter(|workload| workload.forest.shape != Shape::Nested) {
        let same_size = |other: &&Workload| other.forest.nodes == adversary.forest.nodes && nested(other);
        let as_nested = workloads.iter().find(same_size).and_then(|nested| found(nested, RELATION));
        let claim = format!("CPU of {} / nested", adversary.title());
        targets.push((claim, ratio(found(adversary, RELATION), as_nested), Bound::AtMost(4.0)));
    }
    for (claim, measured, bound) in targets {
        report.target(claim, measured, bound);
    }
}
