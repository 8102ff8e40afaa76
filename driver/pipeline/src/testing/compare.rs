//! Expected and actual rows, and what differs between them.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::cells::{Cell, Row, Tolerance};

/// The rows in which a view differs from what is expected of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowDiff {
    /// The columns that are compared.
    pub columns: Vec<String>,
    /// The rows that differ. Where one was expected and one given that have most in common, or that stand at the same place
    /// where the order counts, they follow each other.
    pub lines: Vec<DiffLine>,
    /// How many rows are as expected.
    pub equal: usize,
    /// Whether the order counts: the rows may be those that are expected, and not in their order.
    pub ordered: bool,
}

/// A row of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffLine {
    /// Whether it is expected and missing; else it is given and not expected.
    pub is_expected: bool,
    /// The values; NULL is nothing.
    pub cells: Vec<Option<String>>,
    /// Which of them differ from the row beside it; none where it stands alone.
    pub changed: Vec<bool>,
}

/// How rows are compared.
pub(super) struct Comparison {
    pub(super) columns: Vec<String>,
    pub(super) tolerance: Option<Tolerance>,
    pub(super) ordered: bool,
}

impl Comparison {
    /// What differs; nothing where the rows are the same.
    pub(super) fn difference(&self, expected: Vec<Row>, given: Vec<Row>) -> Option<RowDiff> {
        let of_expected = if self.ordered {
            self.in_order(&expected, &given)
        } else {
            self.in_any_order(&expected, &given)
        };
        let mut is_taken = vec![false; given.len()];
        for at in of_expected.iter().flatten() {
            if let Some(taken) = is_taken.get_mut(*at) {
                *taken = true;
            }
        }
        let equal = of_expected.iter().flatten().count();
        if equal == expected.len() && equal == given.len() {
            return None;
        }
        let missing = expected.into_iter().enumerate().zip(&of_expected);
        let missing: Vec<(usize, Row)> =
            missing.filter(|(_, given)| given.is_none()).map(|(row, _)| row).collect();
        let unexpected = given.into_iter().enumerate().zip(is_taken);
        let unexpected: Vec<(usize, Row)> =
            unexpected.filter(|(_, is_taken)| !is_taken).map(|(row, _)| row).collect();
        Some(RowDiff {
            columns: self.columns.clone(),
            lines: self.paired(missing, unexpected),
            equal,
            ordered: self.ordered,
        })
    }

    fn is_same(&self, one: &Row, other: &Row) -> bool {
        match &self.tolerance {
            None => one.cells == other.cells,
            Some(tolerance) => {
                one.cells.iter().zip(&other.cells).all(|(one, other)| one.is_near(other, tolerance))
            }
        }
    }

    /// For each expected row the one that is given at its place, if it is the same.
    fn in_order(&self, expected: &[Row], given: &[Row]) -> Vec<Option<usize>> {
        let same = |(at, row): (usize, &Row)| given.get(at).filter(|it| self.is_same(row, it)).map(|_| at);
        expected.iter().enumerate().map(same).collect()
    }

    /// For each expected row one that is the same, each for one, and for as many as there can be.
    fn in_any_order(&self, expected: &[Row], given: &[Row]) -> Vec<Option<usize>> {
        let mut places: HashMap<&[Cell], Vec<usize>> = HashMap::new();
        for (at, row) in given.iter().enumerate().rev() {
            places.entry(&row.cells).or_default().push(at);
        }
        let equal = |row: &Row| places.get_mut(row.cells.as_slice()).and_then(Vec::pop);
        let mut of_expected: Vec<Option<usize>> = expected.iter().map(equal).collect();
        if self.tolerance.is_some() {
            let mut of_given: Vec<Option<usize>> = vec![None; given.len()];
            for (row, at) in of_expected.iter().enumerate() {
                if let Some(place) = at.and_then(|at| of_given.get_mut(at)) {
                    *place = Some(row);
                }
            }
            let near_to = |row: &Row| {
                given.iter().enumerate().filter(|(_, it)| self.is_same(row, it)).map(|(at, _)| at).collect()
            };
            let near: Vec<Vec<usize>> = expected.iter().map(near_to).collect();
            let alone: Vec<usize> =
                (0..expected.len()).filter(|row| of_expected.get(*row) == Some(&None)).collect();
            for row in alone {
                match_one(row, &near, &mut of_given);
            }
            of_expected = vec![None; expected.len()];
            for (at, row) in of_given.iter().enumerate() {
                if let Some(place) = row.and_then(|row| of_expected.get_mut(row)) {
                    *place = Some(at);
                }
            }
        }
        of_expected
    }

    /// Rows that are missing, each followed by the one that was given in its place, if one has a value in common with it;
    /// then the other rows that were given.
    fn paired(&self, missing: Vec<(usize, Row)>, mut unexpected: Vec<(usize, Row)>) -> Vec<DiffLine> {
        let mut lines = Vec::new();
        for (place, row) in missing {
            let common =
                |other: &Row| row.cells.iter().zip(&other.cells).filter(|(one, it)| one == it).count();
            let best = if self.ordered {
                unexpected.iter().position(|(at, _)| *at == place)
            } else {
                let all = unexpected.iter().enumerate();
                let best = all.max_by_key(|(at, (_, it))| (common(it), std::cmp::Reverse(*at)));
                best.filter(|(_, (_, it))| common(it) > 0 || row.cells.len() == 1).map(|(at, _)| at)
            };
            let Some(at) = best else {
                let changed = vec![false; row.cells.len()];
                lines.push(DiffLine { is_expected: true, cells: row.shown, changed });
                continue;
            };
            let (_, given) = unexpected.remove(at);
            let changed: Vec<bool> = row.cells.iter().zip(&given.cells).map(|(one, it)| one != it).collect();
            lines.push(DiffLine { is_expected: true, cells: row.shown, changed: changed.clone() });
            lines.push(DiffLine { is_expected: false, cells: given.shown, changed });
        }
        lines.extend(unexpected.into_iter().map(|(_, row)| {
            let changed = vec![false; row.cells.len()];
            DiffLine { is_expected: false, cells: row.shown, changed }
        }));
        lines
    }
}

/// Finds a row for one that has none, giving others another one where need be: a path to a free row, one step after another,
/// which is the shortest there is.
fn match_one(row: usize, near: &[Vec<usize>], of_given: &mut [Option<usize>]) {
    // By which expected row each given one was come to.
    let mut come_from: HashMap<usize, usize> = HashMap::new();
    let mut open = std::collections::VecDeque::from([row]);
    let mut free = None;
    while let (None, Some(next)) = (free, open.pop_front()) {
        let reach = near.get(next).into_iter().flatten().try_for_each(|at| {
            if come_from.contains_key(at) {
                return ControlFlow::Continue(());
            }
            come_from.insert(*at, next);
            match of_given.get(*at).copied().flatten() {
                Some(other) => open.push_back(other),
                None => return ControlFlow::Break(*at),
            }
            ControlFlow::Continue(())
        });
        free = reach.break_value();
    }
    while let Some(at) = free {
        let Some(by) = come_from.get(&at).copied() else { return };
        // What the row had before is free for the one that it was taken from.
        let before = of_given.iter().position(|it| *it == Some(by));
        if let Some(place) = of_given.get_mut(at) {
            *place = Some(by);
        }
        free = before.filter(|_| by != row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::values::Exact;

    fn rows(values: &[f64]) -> Vec<Row> {
        let row = |value: &f64| Row {
            cells: vec![Cell::Float(value.to_bits())],
            shown: vec![Some(value.to_string())],
        };
        values.iter().map(row).collect()
    }

    fn compared(tolerance: &str, expected: &[f64], given: &[f64]) -> Option<usize> {
        let (exact, float) = (Exact::parse(tolerance).unwrap(), tolerance.parse().unwrap());
        let tolerance = Some(Tolerance { exact, float });
        let comparison = Comparison { columns: vec!["x".to_owned()], tolerance, ordered: false };
        comparison.difference(rows(expected), rows(given)).map(|diff| diff.equal)
    }

    /// As many rows as can be find one: who takes the nearest, or the first, leaves another without.
    #[test]
    fn rows_within_a_tolerance_are_matched_as_far_as_they_can_be() {
        assert_eq!(
            compared("0.25", &[1.0, 1.25], &[1.25, 1.5]),
            None,
            "equal ones are not always to be taken"
        );
        assert_eq!(compared("0.25", &[1.0, 1.25, 1.5, 1.75], &[1.25, 1.5, 1.75, 2.0]), None);
        assert_eq!(compared("0.25", &[1.25, 1.0], &[1.0, 1.5]), None);
        assert_eq!(compared("0.25", &[1.0, 1.0], &[1.25, 1.5]), Some(1));
        assert_eq!(compared("0.25", &[1.0], &[1.0, 1.0]), Some(1));
    }
}
