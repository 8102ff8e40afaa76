//! Contests: several programs do the same work in turn, their answers are compared, their medians are kept.

mod driver;
mod peers;

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::process::Usage;
use crate::statistics::Spread;
use crate::table::difference;

pub(crate) use driver::{Driver, write_spec};
pub(crate) use peers::{Peer, Peers};

/// After this many seconds of its own a contestant has no further turns, so that one slow program does not make the
/// benchmark last for hours. Everyone has at least one.
const PATIENCE_SECONDS: f64 = 60.0;

/// Numbers that are not integers may differ by half a unit in the ninth digit on either side: engines add floats in
/// different orders.
const NINE_DIGITS: f64 = 1e-8;

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

/// Does the work of a contest once, in a folder of its own.
pub(crate) type DoOnce<'a> = dyn Fn(&Path) -> Result<Turn> + 'a;

/// Somebody who does the work of a contest.
pub(crate) struct Contestant<'a> {
    /// The name in tables: the program and the form.
    pub(crate) name: String,
    /// By what share its numbers may differ from those of others.
    pub(crate) tolerance: f64,
    /// Does the work once; whatever it makes goes into the folder, which is new and is removed afterwards.
    pub(crate) turn: Box<DoOnce<'a>>,
}

impl<'a> Contestant<'a> {
    /// A contestant by name.
    pub(crate) fn new(name: &str, turn: impl Fn(&Path) -> Result<Turn> + 'a) -> Self {
        Self { name: name.to_owned(), tolerance: NINE_DIGITS, turn: Box::new(turn) }
    }
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
#[derive(Debug)]
pub(crate) struct Arena {
    /// Turns of each contestant.
    pub(crate) runs: usize,
    /// Where the folders of the turns are made.
    pub(crate) folder: PathBuf,
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
        mut expected: Option<Value>,
        contestants: &[Contestant<'_>],
    ) -> Result<Outcome> {
        let mut outcome = Outcome { contest: contest.to_owned(), ..Outcome::default() };
        let mut turns: Vec<Vec<Turn>> = contestants.iter().map(|_| Vec::new()).collect();
        let mut out: Vec<bool> = contestants.iter().map(|_| false).collect();
        for run in 0..self.runs {
            for ((contestant, turns), is_out) in contestants.iter().zip(&mut turns).zip(&mut out) {
                let spent: f64 = turns.iter().map(|turn| turn.usage.wall_seconds).sum();
                if *is_out || (run > 0 && spent > PATIENCE_SECONDS) {
                    continue;
                }
                crate::report::progress(&format!(
                    "  {contest}: {} ({} of {})",
                    contestant.name,
                    run + 1,
                    self.runs
                ));
                let found = self.in_new_folder(&contestant.turn)?.and_then(|turn| {
                    match expected
                        .as_ref()
                        .and_then(|expected| difference(expected, &turn.answer, contestant.tolerance))
                    {
                        Some(difference) => Err(Failure::Different(difference)),
                        None => Ok(turn),
                    }
                });
                match found {
                    Ok(turn) => {
                        expected.get_or_insert_with(|| turn.answer.clone());
                        turns.push(turn);
                    }
                    Err(failure) => {
                        *is_out = true;
                        let failure = format!("{contest}: {}: {failure}", contestant.name);
                        crate::report::progress(&failure);
                        outcome.failures.push(failure);
                    }
                }
            }
        }
        let fit = contestants.iter().zip(turns).zip(out).filter(|(_, is_out)| !is_out);
        outcome.standings =
            fit.filter_map(|((contestant, turns), _)| standing(&contestant.name, turns)).collect();
        Ok(outcome)
    }

    fn in_new_folder(&self, turn: &dyn Fn(&Path) -> Result<Turn>) -> Result<Result<Turn>> {
        let folder = tempfile::Builder::new()
            .prefix("turn-")
            .tempdir_in(&self.folder)
            .map_err(Failure::file("make a folder in", &self.folder))?;
        let found = turn(folder.path());
        folder.close().map_err(Failure::file("remove a folder in", &self.folder))?;
        Ok(found)
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
        let arena = Arena { runs, folder: folder.path().to_path_buf() };
        arena.hold("contest", expected, contestants).expect("folders can be made")
    }

    #[test]
    fn contestants_take_turns() {
        let order = RefCell::new(Vec::new());
        let contestant = |name: &'static str| {
            let order = &order;
            Contestant::new(name, move |folder| {
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
        let right = Contestant::new("right", |_| Ok(turn(1.0, json!({"n": 1}))));
        let wrong = Contestant::new("wrong", |_| Ok(turn(0.1, json!({"n": 2}))));
        let broken = Contestant::new("broken", |_| Err(Failure::Missing("no such thing".to_owned())));
        let outcome = hold(3, Some(json!({"n": 1})), &[wrong, broken, right]);
        assert_eq!(outcome.standings.len(), 1);
        assert_eq!(outcome.cpu("right"), Some(1.0));
        let expected = ["contest: wrong: results differ: /n: 1, 2", "contest: broken: no such thing"];
        assert_eq!(outcome.failures, expected);
    }

    #[test]
    fn a_slow_contestant_does_not_keep_the_others_waiting() {
        let slow = Contestant::new("slow", |_| Ok(turn(PATIENCE_SECONDS, json!(1))));
        let quick = Contestant::new("quick", |_| Ok(turn(1.0, json!(1))));
        let outcome = hold(5, None, &[slow, quick]);
        let runs = |name| outcome.of(name).map(|standing| standing.runs);
        assert_eq!((runs("slow"), runs("quick")), (Some(1), Some(5)));
    }
}
