//! Who takes part in a contest.

use std::path::Path;

use super::{Driver, Turn};
use crate::failure::Result;

/// Numbers that are not integers may differ by half a unit in the ninth digit on either side: engines add floats in
/// different orders.
const NINE_DIGITS: f64 = 1e-8;

/// Does the work of a contest once. Whatever it makes goes into the folder, which is new and is removed afterwards.
type DoOnce<'a> = dyn Fn(&Path) -> Result<Turn> + 'a;
type DoOnceWith<'a> = dyn Fn(&Driver, &Path) -> Result<Turn> + 'a;

/// Who does the work.
enum Work<'a> {
    Peer(Box<DoOnce<'a>>),
    Ours(Box<DoOnceWith<'a>>),
}

/// Whose answers must be equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expectation {
    /// Those of everyone.
    Everyone,
    /// Those of one version of ours: it prints its own form of the outcome.
    SameVersion,
    /// There is no answer to compare.
    Nobody,
}

/// Somebody who does the work of a contest.
pub(crate) struct Contestant<'a> {
    /// The name in tables: the program and the form.
    pub(crate) name: String,
    /// By what share its numbers may differ from those of others.
    pub(crate) tolerance: f64,
    /// Whose answers must be equal to its own.
    pub(super) expectation: Expectation,
    work: Work<'a>,
}

impl<'a> Contestant<'a> {
    /// A peer by name.
    pub(crate) fn peer(name: &str, turn: impl Fn(&Path) -> Result<Turn> + 'a) -> Self {
        Self::new(name, Work::Peer(Box::new(turn)))
    }

    /// The program under test by the form of the work; its baseline does the same work.
    pub(crate) fn ours(name: &str, turn: impl Fn(&Driver, &Path) -> Result<Turn> + 'a) -> Self {
        Self::new(name, Work::Ours(Box::new(turn)))
    }

    fn new(name: &str, work: Work<'a>) -> Self {
        Self { name: name.to_owned(), tolerance: NINE_DIGITS, expectation: Expectation::Everyone, work }
    }

    /// For work whose outcome other versions of ours may print in another form.
    pub(crate) fn in_own_form(self) -> Self {
        Self { expectation: Expectation::SameVersion, ..self }
    }

    /// For work whose outcome cannot be compared.
    pub(crate) fn without_answer(self) -> Self {
        Self { expectation: Expectation::Nobody, ..self }
    }

    /// Whether it is the program under test.
    pub(super) fn is_ours(&self) -> bool {
        matches!(self.work, Work::Ours(_))
    }

    /// Does the work once; a peer has no use for the driver.
    pub(super) fn turn(&self, driver: &Driver, folder: &Path) -> Result<Turn> {
        match &self.work {
            Work::Peer(turn) => turn(folder),
            Work::Ours(turn) => turn(driver, folder),
        }
    }
}
