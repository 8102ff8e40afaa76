//! The 22 queries of TPC-H as specs over Delta tables.

use std::path::Path;

use serde_json::json;

use super::{Bound, Report, Setting, ratio, text};
use crate::contest::{Contestant, Outcome, Peer, Standing, Turn};
use crate::failure::{Failure, Result};
use crate::specs::{spec, sql};
use crate::statistics::geometric_mean;

const SPEC: &str = "ours, spec";
const ONE_QUERY: &str = "ours, one SQL text";
const BASELINE: &str = "datafusion, over Delta";
/// Averages and quotients of decimals are decimals of a few digits in DataFusion, floats in DuckDB and Polars.
const SHORT_DECIMALS: f64 = 1e-4;
const QUERIES: u32 = 22;
const TABLES: [&str; 8] =
    ["customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier"];

/// Runs the benchmark.
///
/// # Errors
/// When its data cannot be made or a spec is missing.
pub(super) fn run(setting: &Setting) -> Result<Report> {
    let mut report = Report {
        name: "tpch",
        title: "TPC-H".to_owned(),
        notes: vec![format!(
            "All {QUERIES} queries with the validation parameters; results are written as Delta tables, but by \
             DuckDB and Polars, which keep them in memory. Ours is \
             compared by the CPU of the whole process, peers by that of the work alone. `{ONE_QUERY}` is the query \
             as the only view of a spec."
        )],
        one_table: true,
        ..Report::default()
    };
    let tables = setting.tpch()?;
    for query in 1..=QUERIES {
        let name = format!("q{query:02}");
        let contestants = contestants(setting, &name, &tables)?;
        report.outcomes.push(setting.arena.hold(&name, None, &contestants)?);
    }
    let mean = |contestant: &str, other: &str| {
        let ratios = report.outcomes.iter().map(|outcome| ratio(outcome.cpu(contestant), outcome.cpu(other)));
        ratios.collect::<Option<Vec<_>>>().and_then(|ratios| geometric_mean(&ratios))
    };
    let wall = |contestant: &str, other: &str| {
        let of = |outcome: &Outcome, name: &str| outcome.of(name).map(Standing::wall);
        let ratios = report.outcomes.iter().map(|outcome| ratio(of(outcome, contestant), of(outcome, other)));
        ratios.collect::<Option<Vec<_>>>().and_then(|ratios| geometric_mean(&ratios))
    };
    let claims = [
        (format!("geometric mean of CPU: {SPEC} / {BASELINE}"), mean(SPEC, BASELINE), 1.05),
        (format!("geometric mean of wall: {SPEC} / {BASELINE}"), wall(SPEC, BASELINE), 1.05),
    ];
    for (claim, measured, most) in claims {
        report.target(claim, measured, Bound::AtMost(most));
    }
    Ok(report)
}

fn contestants<'a>(setting: &'a Setting, name: &str, tables: &Path) -> Result<Vec<Contestant<'a>>> {
    let folder = setting.sources.join("tpch");
    let text_of = |extension: &str| {
        let path = folder.join(format!("{name}.{extension}"));
        std::fs::read_to_string(&path).map_err(Failure::file("read", &path))
    };
    let (written, query) = (text_of("yaml")?, text_of("sql")?);
    let linked = tables.to_path_buf();
    let spec_file = Contestant::ours(SPEC, move |driver, folder| {
        let path = folder.join("spec.yaml");
        std::fs::write(&path, &written).map_err(Failure::file("write", &path))?;
        let link = folder.join("tables");
        std::os::unix::fs::symlink(&linked, &link).map_err(Failure::file("link", &link))?;
        Ok(only_output(driver.run_file("spec.yaml", &[], folder)?))
    });
    let inputs = TABLES.map(|table| (table.to_owned(), text(&tables.join(table))));
    let one = spec(&inputs, &[("result".to_owned(), sql(query))], &[(name, "result")]);
    let one_query =
        Contestant::ours(ONE_QUERY, move |driver, folder| Ok(only_output(driver.run(&one, &[], folder)?)));
    let mut contestants = vec![spec_file, one_query];
    let number: Option<u32> = name.strip_prefix('q').and_then(|number| number.parse().ok());
    let parameters = json!({
        "delta_dir": tables, "query": number, "query_file": folder.join(format!("{name}.sql")),
    });
    for peer in [Peer::DataFusion, Peer::DuckDb, Peer::Polars] {
        let mut forms = setting.peers.contestants(peer, "tpch", &parameters)?;
        if peer != Peer::DataFusion {
            forms.iter_mut().for_each(|form| form.tolerance = SHORT_DECIMALS);
        }
        contestants.extend(forms);
    }
    Ok(contestants)
}

/// Peers have one result without a name.
fn only_output(turn: Turn) -> Turn {
    let only = turn.answer.as_object().and_then(|outputs| outputs.values().next().cloned());
    Turn { answer: only.unwrap_or_default(), ..turn }
}
