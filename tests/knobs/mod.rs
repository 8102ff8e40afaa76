//! What every knob of a session turns: `knobs.yaml` tries each on a small spec, with it and without, and says what is another
//! thing then. A field of the format that turns nothing here would be found by its missing evidence.

mod counters;
mod evidence;
mod registry;
mod spec;
mod storage;
mod tables;

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock, OnceLock};

use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::harness::{on_deep_stack, trial};
use spec::{Entry, Registry};

/// Knobs that turn something, at least, and how many of them are shown by a plan, a counter or a refusal.
const LEAST_APPLIED: usize = 30;
const LEAST_OBSERVED: usize = 20;

/// The variable that asks for the table of all knobs, on the error stream.
const SHOW: &str = "CODEANATOMY_KNOBS";

/// The registry, with what was seen of its entries. Trials share it; the tables go when the last one has ended.
struct Bench {
    registry: Registry,
    tables: LazyLock<TempDir>,
    /// What was seen of each entry, or what is wrong with it. Trials run beside each other; each entry is tried once.
    seen: Vec<OnceLock<Result<String, String>>>,
}

pub(crate) fn trials() -> Vec<Trial> {
    let registry = Registry::read();
    let seen = registry.knobs.iter().map(|_| OnceLock::new()).collect();
    let bench = Arc::new(Bench { registry, tables: LazyLock::new(tables::write), seen });
    let of_entry = |index: usize| {
        let shared = Arc::clone(&bench);
        trial(format!("knobs::{}", bench.registry.knobs[index].name()), move || {
            shared.seen(index).as_ref().unwrap_or_else(|wrong| panic!("{wrong}"));
        })
    };
    let mut trials: Vec<Trial> = (0..bench.registry.knobs.len()).map(of_entry).collect();
    trials.push(trial("knobs::every_knob", move || every_knob(&bench)));
    trials.push(trial("knobs::reserved_fields", registry::reserved_fields));
    trials.push(trial("knobs::profiles", registry::profiles));
    trials
}

impl Bench {
    fn seen(&self, index: usize) -> &Result<String, String> {
        self.seen[index].get_or_init(|| {
            let entry = &self.registry.knobs[index];
            let tried = on_deep_stack(|| evidence::of(&self.registry, entry, self.tables.path()));
            tried.and_then(|seen| seen).map_err(|wrong| format!("{}: {wrong}", entry.name()))
        })
    }

    /// A line for every entry: what is turned, to which value, how that is shown, and what was seen.
    fn table(&self) -> String {
        let mut table = "knob | value | evidence | seen\n".to_owned();
        for (index, entry) in self.registry.knobs.iter().enumerate() {
            let seen = match self.seen(index) {
                Ok(seen) => seen.clone(),
                Err(wrong) => format!("NOTHING: {}", wrong.lines().next().unwrap_or_default()),
            };
            // Writing to a string cannot fail.
            let _ =
                writeln!(table, "{} | {} | {} | {seen}", entry.name(), entry.value, entry.evidence.kind());
        }
        table
    }
}

/// Every field is in the registry or reserved, and enough of the registry was seen to work.
fn every_knob(bench: &Bench) {
    let wrong = registry::incomplete(&bench.registry);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let applied = bench.registry.knobs.iter().enumerate();
    let works =
        |(index, entry): (usize, &Entry)| bench.seen(index).is_ok().then(|| entry.evidence.is_observed());
    let working: Vec<bool> = applied.filter_map(works).collect();
    let observed = working.iter().filter(|observed| **observed).count();
    let counts =
        format!("{} knobs are applied, {observed} of them by a plan, a counter or a refusal", working.len());
    if std::env::var_os(SHOW).is_some() {
        eprintln!("{}{counts}", bench.table());
    }
    assert!(
        working.len() >= LEAST_APPLIED && observed >= LEAST_OBSERVED,
        "{counts}; {LEAST_APPLIED} and {LEAST_OBSERVED} are wanted\n{}",
        bench.table()
    );
}
