//! How long a compilation takes, and how that grows with the number of views.

use serde_json::{Value, json};

use super::{Bound, Report, Setting, text};
use crate::contest::{Contestant, Driver, Outcome, Peer, Turn, write_spec};
use crate::failure::{Failure, Result};
use crate::specs;
use crate::statistics::fitted_exponent;

const OURS: &str = "ours, physical plans of everything";
const WARM: &str = "ours, after another compilation";
const COLD: &str = "ours, from nothing";

/// Views of the contest the peers take part in.
const WITH_PEERS: usize = 500;
/// Views of the contest in which DataFusion inlines them: its cost doubles about every fifteen of them.
const INLINED: usize = 100;
/// Fewer views than this measure the start of the program.
const FITTED_FROM: usize = 500;

/// Runs the benchmark.
///
/// # Errors
/// When its data cannot be made.
pub(super) fn run(setting: &Setting) -> Result<Report> {
    let mut report = Report {
        name: "compile",
        title: "Compilation".to_owned(),
        notes: vec![
            "`driver compile --emit physical`: from the text of a spec to the optimised physical plans of all its \
             segments, whole process. dbt parses and compiles, SQLMesh loads and renders; neither plans queries."
                .to_owned(),
        ],
        ..Report::default()
    };
    let columns = |count: usize| (0..count).map(|place| format!("c{place}")).collect::<Vec<_>>();
    let small = text(&setting.data.numbers(&["k", "a", "b"].map(str::to_owned), 100)?);
    let sizes: &[usize] = if setting.quick { &[20, 40] } else { &[100, 500, 1_000, 2_000, 5_000] };
    for views in sizes {
        let title = layered_title(*views);
        let peers = peers(setting, *views)?;
        report.outcomes.push(contest(setting, &title, &specs::layered(&small, *views, None), peers)?);
    }
    let length = setting.scale(1_000, 30);
    let depth = setting.scale(30, 8);
    let wide_columns = columns(setting.scale(1_000, 50));
    let wide_table = text(&setting.data.numbers(&wide_columns, 10)?);
    let shapes = [
        (format!("chain of {length} queries"), specs::chain(&small, length)),
        (format!("chain of {length} filters and projections"), specs::chain_of_transforms(&small, length)),
        (format!("diamond of depth {depth}"), specs::diamond(&small, depth)),
        (format!("10 views of {} columns", wide_columns.len()), specs::wide(&wide_table, &wide_columns)),
    ];
    for (title, spec) in &shapes {
        report.outcomes.push(contest(setting, title, spec, Vec::new())?);
    }
    let views = setting.scale(1_000, 40);
    report.outcomes.push(warm(setting, &small, views)?);
    let [chain, transforms, diamond, _] = shapes.map(|(title, _)| title);
    targets(&mut report, sizes, &[chain, transforms, diamond]);
    Ok(report)
}

fn layered_title(views: usize) -> String {
    format!("{views} layered views")
}

fn warm_title(views: usize) -> String {
    format!("one changed view of {views}")
}

/// Who compiles the same views.
fn peers(setting: &Setting, views: usize) -> Result<Vec<Contestant<'_>>> {
    let parameters = json!({"views": views});
    let form = |peer: Peer, benchmark| setting.peers.contestants(peer, benchmark, &parameters);
    match views {
        INLINED => form(Peer::DataFusion, "compile_inlined"),
        WITH_PEERS => {
            let mut all = Vec::new();
            for peer in [Peer::DataFusion, Peer::Dbt, Peer::SqlMesh] {
                all.extend(form(peer, "compile")?);
            }
            Ok(all)
        }
        _ => Ok(Vec::new()),
    }
}

fn contest<'a>(
    setting: &'a Setting,
    title: &str,
    spec: &'a Value,
    peers: Vec<Contestant<'a>>,
) -> Result<Outcome> {
    let ours = Contestant::ours(OURS, |driver, folder| {
        let turn = driver.compile(spec, "physical", folder)?;
        // No one else has these plans: that there are some is all that is checked.
        let plans = read(&folder.join("result"))?;
        if plans.is_empty() {
            return Err(Failure::Different("no plans were printed".to_owned()));
        }
        Ok(turn)
    });
    let contestants = [ours].into_iter().chain(peers);
    // Compilers print what they like; there is no common answer.
    let contestants: Vec<Contestant<'_>> = contestants.map(Contestant::without_answer).collect();
    setting.arena.hold(title, None, &contestants)
}

/// One view changes after a compilation. Cold and warm must give the same text.
fn warm(setting: &Setting, table: &str, views: usize) -> Result<Outcome> {
    let before = specs::layered(table, views, None);
    let after = specs::layered(table, views, Some(views / 2));
    let compile = |driver: &Driver, folder: &std::path::Path| {
        let turn = driver.compile(&after, "ir", folder)?;
        let answer = json!(String::from_utf8_lossy(&read(&folder.join("result"))?));
        Ok(Turn { answer, ..turn })
    };
    let warm = Contestant::ours(WARM, |driver, folder| {
        write_spec(&before, folder)?;
        driver.compile(&before, "ir", folder)?;
        compile(driver, folder)
    });
    let cold = Contestant::ours(COLD, compile);
    setting.arena.hold(&warm_title(views), None, &[cold.in_own_form(), warm.in_own_form()])
}

fn read(path: &std::path::Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(Failure::file("read", path))
}

fn targets(report: &mut Report, sizes: &[usize], at_most_a_second: &[String]) {
    let wall = |report: &Report, title: &str, contestant: &str| {
        report
            .outcome(title)
            .and_then(|outcome| outcome.of(contestant))
            .map(|found| found.wall_seconds.median)
    };
    for (views, most) in [(1_000, 0.7), (5_000, 3.0)] {
        let title = layered_title(views);
        let measured = wall(report, &title, OURS);
        report.target(format!("{title}: wall seconds"), measured, Bound::AtMost(most));
    }
    let points: Vec<(f64, f64)> = sizes
        .iter()
        .filter(|views| **views >= FITTED_FROM)
        .filter_map(|views| {
            let cost = report.outcome(&layered_title(*views))?.cpu(OURS)?;
            Some((f64::from(u32::try_from(*views).ok()?), cost))
        })
        .collect();
    report.target(
        format!("layered views: exponent of CPU over views, from {FITTED_FROM} on"),
        fitted_exponent(&points),
        Bound::AtMost(1.1),
    );
    for title in at_most_a_second {
        let measured = wall(report, title, OURS);
        report.target(format!("{title}: wall seconds"), measured, Bound::AtMost(1.0));
    }
    let measured = wall(report, &warm_title(1_000), WARM).map(|seconds| seconds * 1000.0);
    report.target("one changed view of 1000, warm: wall milliseconds", measured, Bound::AtMost(50.0));
}
