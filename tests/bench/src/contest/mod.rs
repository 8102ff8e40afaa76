//! Contests: several programs do the same work in turn, their answers are compared, their medians are kept.

mod baseline;
mod contestant;
mod driver;
mod peers;

use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::process::Usage;
use crate::statistics::Spread;
use crate::table::difference;

pub(crate) use baseline::Comparison;
pub(crate) use contestant::Contestant;
use contestant::Expectation;
pub(crate) use driver::{Driver, write_spec};
pub(crate) use peers::{Peer, Peers};

/// After this many seconds of its own a contestant has no further turns, so that one slow program does not make the
/// benchmark last for hours. Everyone has at least one.
const PATIENCE_SECONDS: f64 = 60.0;

/// What one turn of one contestant gave.
#[derive(Debug)]
pub(crate) struct Turn {
    /// What its whole process used.
    pub(crate) usage: Usage,
    /// What the work alone used, as the program itself measured it: CPU and wall seconds. Peers leave out their start
    /// and their imports this way; ours is always measured whole.
    pub(crate) work: Option<(f64, f64)>,
    /// What it found; the same for everyone.
    pub(crate) answer: Value,
    /// What else is worth keeping, such as the sizes of files.
    pub(crate) remarks: Value,
}

/// What a contestant achieved in a contest.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Standing {
    /// The name of the contestant.
    pub(crate) contestant: String,
    /// Its turns.
    pub(crate) runs: usize,
    /// User and system seconds of the whole process.
    pub(crate) cpu_seconds: Spread,
    /// Seconds from start to end of the whole process.
    pub(crate) wall_seconds: Spread,
    /// Peak resident bytes of the process; of peers until the end of the work.
    pub(crate) peak_bytes: Spread,
    /// CPU and wall seconds of the work alone, if the program measures them.
    pub(crate) work_cpu_seconds: Option<Spread>,
    /// See [`Self::work_cpu_seconds`].
    pub(crate) work_wall_seconds: Option<Spread>,
    /// The remarks of its last turn.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(crate) remarks: Value,
}

impl Standing {
    /// The CPU seconds by which it is compared: of the work alone where they are known, which favours peers.
    pub(crate) fn compared_cpu(&self) -> Spread {
        self.work_cpu_seconds.unwrap_or(self.cpu_seconds)
    }

    /// The wall seconds by which it is compared.
    pub(crate) fn compared_wall(&self) -> Spread {
        self.work_wall_seconds.unwrap_or(self.wall_seconds)
    }

    /// The median of [`Self::compared_cpu`].
    pub(crate) fn cpu(&self) -> f64 {
        self.compared_cpu().median
    }

    /// The median of [`Self::compared_wall`].
    pub(crate) fn wall(&self) -> f64 {
        self.compared_wall().median
    }
}

/// The outcome of a contest.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Outcome {
    /// What the work was.
    pub(crate) contest: String,
    /// Who took part, in order.
    pub(crate) standings: Vec<Standing>,
    /// The CPU seconds nobody can get below on this machine, and how they were found.
    pub(crate) limit: Option<Limit>,
    /// The program under test beside its baseline, if there is one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) comparisons: Vec<Comparison>,
    /// Who failed or found something else, and what.
    pub(crate) failures: Vec<String>,
}

/// A bound from below.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Limit {
    /// CPU seconds of one core.
    pub(crate) cpu_seconds: f64,
    /// What is counted.
    pub(crate) formula: String,
}

impl Outcome {
    /// The standing of a contestant; none if it did not take part or failed.
    pub(crate) fn of(&self, contestant: &str) -> Option<&Standing> {
        self.standings.iter().find(|standing| standing.contestant == contestant)
    }

    /// The CPU seconds by which a contestant is compared.
    pub(crate) fn cpu(&self, contestant: &str) -> Option<f64> {
        self.of(contestant).map(Standing::cpu)
    }
}

/// How contests are held.
#[derive(Clone, Debug)]
pub(crate) struct Arena {
    /// Turns of each contestant.
    pub(crate) runs: usize,
    /// Where the folders of the turns are made.
    pub(crate) folder: PathBuf,
    /// The program under test.
    pub(crate) driver: Driver,
    /// Another version of it, which does all of its work too.
    pub(crate) baseline: Option<Driver>,
}

/// The answers that are expected.
#[derive(Default)]
struct Expected {
    common: Option<Value>,
    /// Of the baseline, where it has a form of its own.
    before: Option<Value>,
}

/// What a contestant did so far.
#[derive(Default)]
struct Record {
    turns: Vec<Turn>,
    /// Of the baseline: as many, each held next to the one of the same place.
    before: Vec<Turn>,
    is_out: bool,
}

impl Arena {
    /// Holds a contest: first turns of everyone, then second turns, and so on. Whoever fails, or answers anything but
    /// what is expected, has no standing and is named among the failures. Without an expected answer the first answer
    /// is what is expected.
    ///
    /// # Errors
    /// When folders cannot be made or removed.
    pub(crate) fn hold(
        &self,
        contest: &str,
        expected: Option<Value>,
        contestants: &[Contestant<'_>],
    ) -> Result<Outcome> {
        let mut expected = Expected { common: expected, before: None };
        let mut outcome = Outcome { contest: contest.to_owned(), ..Outcome::default() };
        let mut records: Vec<Record> = contestants.iter().map(|_| Record::default()).collect();
        for run in 0..self.runs {
            for (contestant, record) in contestants.iter().zip(&mut records) {
                let spent: f64 = record.turns.iter().map(|turn| turn.usage.wall_seconds).sum();
                // What is compared with a baseline needs all of its pairs.
                if record.is_out || (run > 0 && spent > PATIENCE_SECONDS && self.baseline.is_none()) {
                    continue;
                }
                crate::report::progress(&format!(
                    "  {contest}: {} ({} of {})",
                    contestant.name,
                    run + 1,
                    self.runs
                ));
                if let Err(failure) = self.turns(contestant, run, &mut expected, record)? {
                    record.is_out = true;
                    let failure = format!("{contest}: {}: {failure}", contestant.name);
                    crate::report::progress(&failure);
                    outcome.failures.push(failure);
                }
            }
        }
        for (contestant, record) in contestants.iter().zip(records).filter(|(_, record)| !record.is_out) {
            outcome.comparisons.extend(Comparison::of(&contestant.name, &record.turns, &record.before));
            outcome.standings.extend(standing(&contestant.name, record.turns));
        }
        Ok(outcome)
    }

    /// One turn of a contestant, and one of the baseline of ours, which goes first every other time.
    fn turns(
        &self,
        contestant: &Contestant<'_>,
        run: usize,
        expected: &mut Expected,
        record: &mut Record,
    ) -> Result<Result<()>> {
        let baseline = self.baseline.as_ref().filter(|_| contestant.is_ours());
        let of_both = [Some((&self.driver, false)), baseline.map(|baseline| (baseline, true))];
        let mut in_turn: Vec<_> = of_both.into_iter().flatten().collect();
        if run % 2 == 1 {
            in_turn.reverse();
        }
        for (driver, is_baseline) in in_turn {
            let is_own = is_baseline && contestant.expectation == Expectation::SameVersion;
            let expected = if is_own { &mut expected.before } else { &mut expected.common };
            let found = self.turn(contestant, driver, expected)?;
            match found {
                Ok(turn) if is_baseline => record.before.push(turn),
                Ok(turn) => record.turns.push(turn),
                Err(failure) if is_baseline => return Ok(Err(Failure::Baseline(Box::new(failure)))),
                Err(failure) => return Ok(Err(failure)),
            }
        }
        Ok(Ok(()))
    }

    /// A turn, if it found what is expected.
    fn turn(
        &self,
        contestant: &Contestant<'_>,
        driver: &Driver,
        expected: &mut Option<Value>,
    ) -> Result<Result<Turn>> {
        let folder = tempfile::Builder::new()
            .prefix("turn-")
            .tempdir_in(&self.folder)
            .map_err(Failure::file("make a folder in", &self.folder))?;
        let found = contestant.turn(driver, folder.path());
        folder.close().map_err(Failure::file("remove a folder in", &self.folder))?;
        Ok(found.and_then(|turn| {
            if contestant.expectation == Expectation::Nobody {
                return Ok(turn);
            }
            let expected = expected.get_or_insert_with(|| turn.answer.clone());
            match difference(expected, &turn.answer, contestant.tolerance) {
                Some(difference) => Err(Failure::Different(difference)),
                None => Ok(turn),
            }
        }))
    }
}

#[allow(clippy::cast_precision_loss, reason = "sizes of memory are far below 2^53")]
fn standing(contestant: &str, turns: Vec<Turn>) -> Option<Standing> {
    let usage = |of: &dyn Fn(&Usage) -> f64| Spread::of(turns.iter().map(|turn| of(&turn.usage)));
    let work = |of: &dyn Fn((f64, f64)) -> f64| Spread::of(turns.iter().filter_map(|turn| turn.work.map(of)));
    Some(Standing {
        contestant: contestant.to_owned(),
        runs: turns.len(),
        cpu_seconds: usage(&|usage| usage.cpu_seconds)?,
        wall_seconds: usage(&|usage| usage.wall_seconds)?,
        peak_bytes: usage(&|usage| usage.peak_bytes as f64)?,
        work_cpu_seconds: work(&|(cpu, _)| cpu),
        work_wall_seconds: work(&|(_, wall)| wall),
        remarks: turns.into_iter().next_back()?.remarks,
    })
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use serde_json::json;

    use super::*;

    fn turn(cpu_seconds: f64, answer: Value) -> Turn {
        let usage = Usage { cpu_seconds, wall_seconds: 2.0 * cpu_seconds, peak_bytes: 10 };
        Turn { usage, work: None, answer, remarks: Value::Null }
    }

    fn hold(runs: usize, expected: Option<Value>, contestants: &[Contestant<'_>]) -> Outcome {
        let folder = tempfile::tempdir().expect("a folder");
        let arena = Arena {
            runs,
            folder: folder.path().to_path_buf(),
            driver: Driver { path: "now".into(), threads: 1 },
            baseline: None,
        };
        arena.hold("contest", expected, contestants).expect("folders can be made")
    }

    #[test]
    fn contestants_take_turns() {
        let order = RefCell::new(Vec::new());
        let contestant = |name: &'static str| {
            let order = &order;
            Contestant::peer(name, move |folder| {
                assert_eq!(std::fs::read_dir(folder).expect("a folder").count(), 0);
                std::fs::write(folder.join("left behind"), "").expect("written");
                order.borrow_mut().push(name);
                Ok(turn(1.0, json!(1)))
            })
        };
        let outcome = hold(2, None, &[contestant("a"), contestant("b")]);
        assert_eq!(*order.borrow(), ["a", "b", "a", "b"]);
        assert_eq!(outcome.of("b").map(|standing| (standing.runs, standing.cpu())), Some((2, 1.0)));
    }

    #[test]
    fn whoever_finds_something_else_has_no_standing() {
        let right = Contestant::peer("right", |_| Ok(turn(1.0, json!({"n": 1}))));
        let wrong = Contestant::peer("wrong", |_| Ok(turn(0.1, json!({"n": 2}))));
        let broken = Contestant::peer("broken", |_| Err(Failure::Missing("no such thing".to_owned())));
        let outcome = hold(3, Some(json!({"n": 1})), &[wrong, broken, right]);
        assert_eq!(outcome.standings.len(), 1);
        assert_eq!(outcome.cpu("right"), Some(1.0));
        let expected = ["contest: wrong: results differ: /n: 1, 2", "contest: broken: no such thing"];
        assert_eq!(outcome.failures, expected);
    }

    #[test]
    fn a_slow_contestant_does_not_keep_the_others_waiting() {
        let slow = Contestant::peer("slow", |_| Ok(turn(PATIENCE_SECONDS, json!(1))));
        let quick = Contestant::peer("quick", |_| Ok(turn(1.0, json!(1))));
        let outcome = hold(5, None, &[slow, quick]);
        let runs = |name| outcome.of(name).map(|standing| standing.runs);
        assert_eq!((runs("slow"), runs("quick")), (Some(1), Some(5)));
    }

    #[test]
    fn the_baseline_does_all_the_work_of_ours_in_pairs() {
        let folder = tempfile::tempdir().expect("a folder");
        let driver = |path: &str| Driver { path: path.into(), threads: 1 };
        let arena = |baseline: &str| Arena {
            runs: 9,
            folder: folder.path().to_path_buf(),
            driver: driver("now"),
            baseline: Some(driver(baseline)),
        };
        let order = RefCell::new(Vec::new());
        let held = |baseline: &str, in_own_form: bool| {
            let ours = Contestant::ours("ours", |driver, _| {
                let name = driver.path.to_string_lossy().into_owned();
                order.borrow_mut().push(name.clone());
                let seconds = if name == "now" { 1.5 } else { 1.0 };
                Ok(turn(seconds, json!(if name == "wrong" { 2 } else { 1 })))
            });
            let ours = if in_own_form { ours.in_own_form() } else { ours };
            let peer = Contestant::peer("peer", |_| Ok(turn(1.0, json!(1))));
            arena(baseline).hold("contest", None, &[ours, peer]).expect("folders can be made")
        };
        let outcome = held("before", false);
        assert_eq!(order.borrow()[..4], ["now", "before", "before", "now"]);
        let [comparison] = outcome.comparisons.as_slice() else { panic!("{:?}", outcome.comparisons) };
        assert_eq!((comparison.contestant.as_str(), comparison.pairs), ("ours", 9));
        assert!(comparison.is_worse(), "{comparison:?}");
        assert_eq!(outcome.cpu("ours"), Some(1.5));
        let outcome = held("wrong", false);
        assert_eq!(outcome.failures, ["contest: ours: the baseline: results differ: : 1, 2"]);
        assert!(outcome.comparisons.is_empty());
        assert_eq!(held("wrong", true).comparisons.len(), 1);
    }
}
