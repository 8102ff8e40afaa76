//! Compares what the program gives with what is right.

use std::fmt;
use std::path::Path;

use crate::choice::Choice;
use crate::evaluate::{Relation, Relations};
use crate::generate::Case;
use crate::plan::{Output, spec_text};
use crate::program::{Failure, Program, REWRITES, Setting, Sharing};
use crate::table;

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
    /// It failed.
    Failed,
    /// It gave other rows.
    Rows,
    /// Its output has other columns, or cannot be read.
    Output,
    /// The case cannot be judged.
    Case,
}

/// Judges a case: as users run it, and in so many other ways, which `seed` chooses. Files are written to an empty folder.
#[must_use]
pub fn check(case: &Case, seed: u64, ways: usize, home: &Path) -> Verdict {
    match judged(case, seed, ways, home) {
        Ok(()) => Verdict::Right,
        Err((fault, why)) => Verdict::Wrong(fault, why),
    }
}

fn judged(case: &Case, seed: u64, ways: usize, home: &Path) -> Result<(), (Fault, String)> {
    let rows = case.rows().map_err(|_| (Fault::Case, "the evaluator does not come to its end".to_owned()))?;
    for table in &case.tables {
        table::write(table, &home.join("tables"))
            .map_err(|error| (Fault::Case, format!("the table {} cannot be written: {error}", table.name)))?;
    }
    let failed = |failure: Failure| match failure {
        Failure::Refused(why) => (Fault::Refused, why),
        Failure::Failed(why) => (Fault::Failed, why),
    };
    let program = Program::compile(&spec_text(&case.plan), home).map_err(failed)?;
    let mut choice = Choice::new(seed, 1);
    for setting in std::iter::once(Setting::usual()).chain((0..ways).map(|_| other_setting(&mut choice))) {
        remove_outputs(case, home)?;
        let run = program.run(&setting, home).map_err(failed);
        run.and_then(|()| case.plan.outputs.iter().try_for_each(|output| compare(output, &rows, home)))
            .map_err(|(fault, why)| (fault, format!("with {setting}: {why}")))?;
    }
    Ok(())
}

/// What a run does not write must not be there from the run before.
fn remove_outputs(case: &Case, home: &Path) -> Result<(), (Fault, String)> {
    for output in &case.plan.outputs {
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
    let mut rewrites = REWRITES.to_vec();
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
        memory: *choice.of(&[4, 64, 256]),
        rewrites,
        sharing: *choice.of(&[Sharing::Chosen, Sharing::None, Sharing::All]),
    }
}

fn compare(output: &Output, rows: &Relations, home: &Path) -> Result<(), (Fault, String)> {
    let Some(right) = rows.get(&output.view) else {
        return Err((Fault::Case, format!("there is no view {}", output.view)));
    };
    let found = table::read(&home.join(&output.table), &right.columns)
        .map_err(|error| (Fault::Output, format!("the output {} cannot be read: {error}", output.table)))?;
    let (found, right) = (found.sorted(), right.clone().sorted());
    if found.rows == right.rows {
        return Ok(());
    }
    let missing = Difference(&right, &found);
    let extra = Difference(&found, &right);
    let why = format!(
        "the output {} ({}) has {} rows, {} are right\nmissing:\n{missing}extra:\n{extra}",
        output.table,
        output.view,
        found.rows.len(),
        right.rows.len()
    );
    Err((Fault::Rows, why))
}

/// The rows of one relation that another has not, both sorted.
struct Difference<'a>(&'a Relation, &'a Relation);

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut others = self.1.rows.iter().peekable();
        let mut shown = 0;
        for row in &self.0.rows {
            while others.next_if(|other| crate::value::rows(other, row).is_lt()).is_some() {}
            if others.next_if(|other| crate::value::rows(other, row).is_eq()).is_some() {
                continue;
            }
            shown += 1;
            if shown > 10 {
                return writeln!(f, "  ...");
            }
            let values: Vec<String> = row.iter().map(ToString::to_string).collect();
            writeln!(f, "  {}", values.join(" | "))?;
        }
        Ok(())
    }
}
