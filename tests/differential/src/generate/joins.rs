//! Joins.

use super::Maker;
use super::operations::{Made, Names};
use crate::plan::{Column, JoinKind, Op, Relate, Side, Span, SpanRelation};
use crate::value::Type;

impl Maker {
    pub(super) fn relate(&mut self) -> Made {
        let (left, right) = (self.source(), self.source());
        let on = self.keys(&left, &right, 1)?;
        let kind = *self.choice.of(&JoinKind::ALL);
        self.related(left, right, kind, on, None)
    }

    pub(super) fn span(&mut self) -> Made {
        let there_are_spans = self.known.contains_key("spans");
        let (left, right) = match self.choice.below(3) {
            _ if !there_are_spans => (self.source(), self.source()),
            0 => ("spans".to_owned(), "spans".to_owned()),
            1 => ("spans".to_owned(), self.source()),
            _ => (self.source(), "spans".to_owned()),
        };
        let on = self.keys(&left, &right, 0).unwrap_or_default();
        let bounds = |maker: &mut Self, relation: &str| {
            if relation == "spans" {
                return Some(["i1".to_owned(), "i2".to_owned()]);
            }
            let numbers: Vec<String> = maker
                .columns(relation)
                .into_iter()
                .filter(|(_, of)| *of == Type::Int)
                .map(|(name, _)| name)
                .collect();
            let (start, end) =
                (maker.choice.maybe_of(&numbers)?.clone(), maker.choice.maybe_of(&numbers)?.clone());
            (start != end).then_some([start, end])
        };
        let (left_bounds, right_bounds) = (bounds(self, &left)?, bounds(self, &right)?);
        let relation = *self.choice.of(&SpanRelation::ALL);
        let contains = matches!(relation, SpanRelation::Contains | SpanRelation::Within);
        // The program refuses to keep the rows of both sides (E0305).
        let kinds = JoinKind::ALL.map(|kind| if kind == JoinKind::Full { JoinKind::Left } else { kind });
        let kind = *self.choice.of(&kinds);
        // Of containers with equal spans the greatest by all columns is taken; those without an order do not count.
        let containers = if relation == SpanRelation::Contains { &left } else { &right };
        let are_ordered = self.columns(containers).iter().all(|(_, of)| of.is_scalar());
        let innermost = contains && are_ordered && self.choice.one_in(3);
        let span = Span { relation, left: left_bounds, right: right_bounds, innermost };
        self.related(left, right, kind, on, Some(span))
    }

    /// Pairs of columns of one type, at least so many.
    pub(super) fn keys(&mut self, left: &str, right: &str, least: usize) -> Option<Vec<(String, String)>> {
        let (left, right) = (self.columns(left), self.columns(right));
        let is_key = |of: Type| of.is_scalar() || of == Type::Token;
        let pairs: Vec<(String, String)> = left
            .iter()
            .flat_map(|(name, of)| {
                let fitting = right.iter().filter(move |(_, other)| other == of && is_key(*of));
                fitting.map(move |(other, _)| (name.clone(), other.clone()))
            })
            .collect();
        let count = least + self.choice.below(3 - least);
        let mut keys: Vec<(String, String)> =
            (0..count).filter_map(|_| self.choice.maybe_of(&pairs).cloned()).collect();
        keys.sort();
        keys.dedup();
        (keys.len() >= least).then_some(keys)
    }

    fn related(
        &mut self,
        left: String,
        right: String,
        kind: JoinKind,
        on: Vec<(String, String)>,
        span: Option<Span>,
    ) -> Made {
        if !kind.has_both_sides() {
            let columns = self.columns(&left);
            let relate = Relate { left, right, kind, on, span, select: Vec::new(), suffix: None };
            return Some((Op::Relate(relate), columns));
        }
        if self.choice.one_in(4) {
            let relate = Relate { left, right, kind, on, span, select: Vec::new(), suffix: None };
            return self.with_suffix(relate);
        }
        let (mut names, mut select, mut columns) = (Names::default(), Vec::new(), Vec::new());
        for (side, relation) in [(Side::Left, &left), (Side::Right, &right)] {
            for (name, of) in self.columns(relation) {
                if columns.is_empty() || self.choice.one_in(2) {
                    let new = names.next(of);
                    columns.push((new.clone(), of));
                    select.push((side, name, new));
                }
            }
        }
        Some((Op::Relate(Relate { left, right, kind, on, span, select, suffix: None }), columns))
    }

    /// All columns of both sides: of a key that both have under one name, that of the side whose rows are all there;
    /// other names that both have get a suffix.
    fn with_suffix(&mut self, mut relate: Relate) -> Made {
        let suffix = [["_l", "_r"], ["", "_r"], ["_l", ""]];
        let suffix = self.choice.of(&suffix).map(str::to_owned);
        let (left, right) = (self.columns(&relate.left), self.columns(&relate.right));
        let left_out = match relate.kind {
            JoinKind::Right => Some(Side::Left),
            JoinKind::Full => None,
            _ => Some(Side::Right),
        };
        let has = |columns: &[Column], name: &str| columns.iter().any(|(own, _)| own == name);
        let is_key = |name: &str| relate.on.iter().any(|(a, b)| a == name && b == name);
        let (mut select, mut columns): (Vec<_>, Vec<Column>) = (Vec::new(), Vec::new());
        for (side, own, other, suffix) in
            [(Side::Left, &left, &right, &suffix[0]), (Side::Right, &right, &left, &suffix[1])]
        {
            for (name, of) in own {
                let is_one = left_out.is_some() && is_key(name);
                if is_one && left_out == Some(side) {
                    continue;
                }
                let clashes = has(other, name) && !is_one;
                let new = if clashes { format!("{name}{suffix}") } else { name.clone() };
                // The program refuses what is still twice there.
                if has(&columns, &new) {
                    return None;
                }
                columns.push((new.clone(), *of));
                select.push((side, name.clone(), new));
            }
        }
        relate.select = select;
        relate.suffix = Some(suffix);
        Some((Op::Relate(relate), columns))
    }
}
