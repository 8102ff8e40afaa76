//! What is said: progress on stderr; tables on stdout; `results.json` and `results.md`.

mod markdown;

use std::io::Write;
use std::path::Path;

use serde_json::json;

use crate::failure::{Failure, Result};
use crate::machine::Machine;
use crate::suite::Report;

pub(crate) use markdown::{benchmark, document};

/// Says on stderr what is being done.
pub(crate) fn progress(text: &str) {
    // A closed stderr is no reason to stop.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints on stdout.
///
/// # Errors
/// When stdout is closed.
pub(crate) fn print(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{text}").map_err(Failure::file("write to", Path::new("stdout")))
}

/// Writes `results.json` and `results.md` into a folder.
///
/// # Errors
/// When they cannot be written.
pub(crate) fn write(
    folder: &Path,
    machine: &Machine,
    quick: bool,
    runs: usize,
    reports: &[Report],
) -> Result<()> {
    let benchmarks = reports.iter().map(|report| {
        let verdicts = report.targets.iter().map(|target| json!({"target": target, "met": target.is_met()}));
        json!({
            "name": report.name, "title": report.title, "notes": report.notes, "contests": report.outcomes,
            "targets": if quick { Vec::new() } else { verdicts.collect() },
        })
    });
    let all = json!({
        "machine": machine, "quick": quick, "runs": runs, "benchmarks": benchmarks.collect::<Vec<_>>(),
    });
    let path = folder.join("results.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&all)?).map_err(Failure::file("write", &path))?;
    let path = folder.join("results.md");
    std::fs::write(&path, document(machine, quick, reports)).map_err(Failure::file("write", &path))
}
