//! The benchmarks, one module each.

mod compiling;
mod containment;
mod graph;
mod shared;
mod skipping;
mod starting;
mod tpch;
mod writing;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::contest::{Arena, Outcome, Peers};
use crate::data::Data;
use crate::failure::Result;

/// A benchmark by name.
pub(crate) struct Benchmark {
    /// What `--only` calls it.
    pub(crate) name: &'static str,
    /// Runs it.
    pub(crate) run: fn(&Setting) -> Result<Report>,
}

/// All benchmarks, in the order in which they are run.
pub(crate) const BENCHMARKS: [Benchmark; 8] = [
    Benchmark { name: "shared", run: shared::run },
    Benchmark { name: "containment", run: containment::run },
    Benchmark { name: "compile", run: compiling::run },
    Benchmark { name: "tpch", run: tpch::run },
    Benchmark { name: "write", run: writing::run },
    Benchmark { name: "skip", run: skipping::run },
    Benchmark { name: "start", run: starting::run },
    Benchmark { name: "graph", run: graph::run },
];

/// Everything a benchmark is run with.
pub(crate) struct Setting {
    /// Whom it is compared with.
    pub(crate) peers: Peers,
    /// The tables.
    pub(crate) data: Data,
    /// Removes the data of a quick run when it is over.
    #[allow(dead_code, reason = "it is dropped, and that is what it is for")]
    pub(crate) quick_data: Option<tempfile::TempDir>,
    /// How contests are held.
    pub(crate) arena: Arena,
    /// Small data, no verdicts.
    pub(crate) quick: bool,
    /// Cores of this machine.
    pub(crate) cores: usize,
    /// The folder of this package in the sources.
    pub(crate) sources: PathBuf,
    /// A folder of source code for the benchmark of the code property graph.
    pub(crate) repository: Option<PathBuf>,
}

impl Setting {
    /// One of two values, by the scale.
    pub(crate) fn scale<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    /// The tables of TPC-H.
    ///
    /// # Errors
    /// When they cannot be made.
    pub(crate) fn tpch(&self) -> Result<PathBuf> {
        crate::report::progress("data: TPC-H");
        self.data.tpch(self.scale(1.0, 0.01))
    }
}

/// What a benchmark found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// What `--only` calls it.
    pub(crate) name: &'static str,
    /// What it is about.
    pub(crate) title: String,
    /// What a reader must know to understand the numbers.
    pub(crate) notes: Vec<String>,
    /// Whether the contests are shown as one table, with a column a contestant.
    pub(crate) one_table: bool,
    /// The contests.
    pub(crate) outcomes: Vec<Outcome>,
    /// What was to be reached.
    pub(crate) targets: Vec<Target>,
}

impl Report {
    /// Who failed or found something else, and what.
    pub(crate) fn failures(&self) -> impl Iterator<Item = &String> {
        self.outcomes.iter().flat_map(|outcome| &outcome.failures)
    }

    /// The outcome of a contest by name.
    pub(crate) fn outcome(&self, contest: &str) -> Option<&Outcome> {
        self.outcomes.iter().find(|outcome| outcome.contest == contest)
    }

    /// Adds a target.
    pub(crate) fn target(&mut self, claim: impl Into<String>, measured: Option<f64>, bound: Bound) {
        self.targets.push(Target { claim: claim.into(), measured, bound });
    }
}

/// Something to be reached.
#[derive(Debug, Serialize)]
pub(crate) struct Target {
    /// What is measured, with its unit.
    pub(crate) claim: String,
    /// What was measured; none when somebody did not take part or failed.
    pub(crate) measured: Option<f64>,
    /// What it must be.
    pub(crate) bound: Bound,
}

/// A bound of a target.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Target {
    /// Whether it was reached; none when it was not measured.
    pub(crate) fn is_met(&self) -> Option<bool> {
        self.measured.map(|measured| match self.bound {
            Bound::AtMost(most) => measured <= most,
            Bound::AtLeast(least) => measured >= least,
        })
    }
}

/// `numerator / denominator`, if both are there.
fn ratio(numerator: Option<f64>, denominator: Option<f64>) -> Option<f64> {
    numerator.zip(denominator).map(|(numerator, denominator)| numerator / denominator)
}

/// A path as the text of a spec.
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
