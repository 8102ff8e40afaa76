//! Runs a case in several ways, and compares what it gives with what is right.

mod compare;
pub mod plain;

use std::path::Path;

use crate::choice::Choice;
use crate::evaluate::Round;
use crate::generate::Case;
use crate::plan::{Plan, spec_text};
use crate::program::{Failure, Program, SETTINGS, Setting, Sharing, rewrites};
use crate::table;
use compare::compare;

/// What became of a case.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// All outputs are right, however the program was run.
    Right,
    /// Something is wrong, and what.
    Wrong(Fault, String),
}

/// In what way a case is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The program refused the spec.
    Refused,
    /// It did not refuse what it must.
    Accepted,
    /// It does not share what the spec says, and does not tell.
    Sharing,
    /// It failed.
    Failed,
    /// It gave other rows.
    Rows,
    /// Rows are not in the order that they should have.
    Order,
    /// Its output has other columns, or cannot be read.
    Output,
    /// The case cannot be judged.
    Case,
}

/// A fault and what shows it.
pub type Found = (Fault, String);

/// Judges a case: as users run it, and in so many other ways, which `seed` chooses. Files are written to an empty folder.
#[must_use]
pub fn check(case: &Case, seed: u64, ways: usize, home: &Path) -> Verdict {
    match judged(case, seed, ways, home) {
        Ok(()) => Verdict::Right,
        Err((fault, why)) => Verdict::Wrong(fault, why),
    }
}

fn judged(case: &Case, seed: u64, ways: usize, home: &Path) -> Result<(), Found> {
    let right =
        case.results().map_err(|_| (Fault::Case, "the evaluator does not come to its end".to_owned()))?;
    for table in &case.tables {
        table::write(table, &home.join("tables"))
            .map_err(|error| (Fault::Case, format!("the table {} cannot be written: {error}", table.name)))?;
    }
    let mut choice = Choice::new(seed, 1);
    for setting in std::iter::once(Setting::usual()).chain((0..ways).map(|_| other_setting(&mut choice))) {
        remove_outputs(case, home)?;
        for (number, (plan, right)) in case.rounds.iter().zip(&right).enumerate() {
            run(plan, right, &setting, home)
                .map_err(|(fault, why)| (fault, format!("spec {number} with {setting}: {why}")))?;
        }
    }
    Ok(())
}

fn run(plan: &Plan, right: &Round, setting: &Setting, home: &Path) -> Result<(), Found> {
    let program = match (Program::compile(&spec_text(plan), home), &plan.refused) {
        (Err(Failure::Refused(why)), Some(code)) if why.contains(code.as_str()) => return Ok(()),
        (Ok(_), Some(code)) => return Err((Fault::Accepted, format!("it must be refused with {code}"))),
        (compiled, _) => compiled.map_err(found)?,
    };
    program.heard(&plan.cache).map_err(|why| (Fault::Sharing, why))?;
    program.run(setting, home).map_err(found)?;
    compare(plan, right, home)
}

fn found(failure: Failure) -> Found {
    match failure {
        Failure::Refused(why) => (Fault::Refused, why),
        Failure::Failed(why) => (Fault::Failed, why),
    }
}

/// What a run does not write must not be there from the run before.
fn remove_outputs(case: &Case, home: &Path) -> Result<(), Found> {
    for output in case.rounds.iter().flat_map(|plan| &plan.outputs) {
        match std::fs::remove_dir_all(home.join(&output.table)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err((Fault::Case, format!("the output {} cannot be removed: {error}", output.table)));
            }
            _ => {}
        }
    }
    Ok(())
}

fn other_setting(choice: &mut Choice) -> Setting {
    let mut rewrites: Vec<&str> = rewrites().collect();
    match choice.below(5) {
        0 => rewrites.clear(),
        1..4 => {
            rewrites.remove(choice.below(rewrites.len()));
        }
        _ => {}
    }
    Setting {
        partitions: *choice.of(&[1, 2, 3, 16]),
        batch: *choice.of(&[1, 3, 8192]),
        memory: *choice.of(&[1, 2, 4, 64, 256]),
        rewrites,
        sharing: *choice.of(&[Sharing::Chosen, Sharing::None, Sharing::All]),
        settings: SETTINGS.into_iter().filter(|_| choice.one_in(5)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A graph that does not know of a wish has not heard it.
    #[test]
    fn wishes_that_nobody_heard_are_found() {
        let mut unheard = 0;
        for seed in 0..60 {
            let case = Case::new(seed);
            let plan = &case.rounds[0];
            if plan.cache.iter().all(Vec::is_empty) {
                continue;
            }
            let home = tempfile::tempdir().unwrap();
            for table in &case.tables {
                table::write(table, &home.path().join("tables")).unwrap();
            }
            let program = Program::compile(&spec_text(plan), home.path()).unwrap();
            assert_eq!(program.heard(&plan.cache), Ok(()), "seed {seed}");
            let [force, never] = plan.cache.clone();
            unheard += usize::from(program.heard(&[never, force]).is_err());
        }
        assert!(unheard > 5, "{unheard} of 60 seeds");
    }
}
