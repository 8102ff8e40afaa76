//! Views of every kind of transform.

use super::Maker;
use super::expressions::{self, Readable};
use crate::plan::{Aggregate, Call, Column, Expr, Group, Measure, Op, SortKey, WindowCall, WindowFunction};
use crate::value::{Type, Value};

/// An operation and the columns it gives.
pub(super) type Made = Option<(Op, Vec<Column>)>;

/// Names for columns, each new one of its type's letter.
#[derive(Default)]
pub(super) struct Names(Vec<String>);

impl Names {
    pub(super) fn next(&mut self, of: Type) -> String {
        let number = (0..).find(|number| !self.0.contains(&format!("{}{number}", of.letter()))).unwrap_or(0);
        self.0.push(format!("{}{number}", of.letter()));
        format!("{}{number}", of.letter())
    }

    pub(super) fn taken(columns: &[Column]) -> Self {
        Self(columns.iter().map(|(name, _)| name.clone()).collect())
    }
}

impl Maker {
    pub(super) fn readable(&self, relation: &str) -> Readable {
        self.columns(relation).into_iter().map(|(name, of)| (None, name, of)).collect()
    }

    pub(super) fn filter(&mut self) -> Made {
        let source = self.source();
        let readable = self.readable(&source);
        let predicate = expressions::condition(&mut self.choice, &readable, 2);
        let columns = self.columns(&source);
        Some((Op::Filter { source, predicate }, columns))
    }

    /// A condition on the columns by which the files of an input are divided.
    pub(super) fn filter_of_partitions(&mut self) -> Made {
        let (source, keys) = self.choice.maybe_of(&self.divided)?.clone();
        let columns = self.columns(&source);
        let readable: Readable = columns
            .iter()
            .filter(|(name, _)| keys.contains(name))
            .map(|(name, of)| (None, name.clone(), *of))
            .collect();
        let predicate = expressions::condition(&mut self.choice, &readable, 2);
        Some((Op::Filter { source, predicate }, columns))
    }

    pub(super) fn project(&mut self) -> Made {
        let source = self.source();
        let readable = self.readable(&source);
        let made = self.computed(&readable);
        let columns = made.iter().map(|(name, of, _)| (name.clone(), *of)).collect();
        let made = made.into_iter().map(|(name, _, expr)| (name, expr)).collect();
        Some((Op::Project { source, columns: made }, columns))
    }

    /// A few columns, some as they are.
    pub(super) fn computed(&mut self, readable: &Readable) -> Vec<(String, Type, Expr)> {
        let mut names = Names::default();
        let mut made = Vec::new();
        for _ in 0..=self.choice.below(5) {
            let Some((_, _, of)) = self.choice.maybe_of(readable).cloned() else { break };
            let expr = if self.choice.one_in(2) {
                expressions::column(&mut self.choice, readable, of)
            } else {
                Some(expressions::value(&mut self.choice, readable, of, 2))
            };
            made.extend(expr.map(|expr| (names.next(of), of, expr)));
        }
        made
    }

    pub(super) fn aggregate(&mut self) -> Made {
        let source = self.source();
        let readable = self.readable(&source);
        let (group, columns) = self.group(&readable)?;
        Some((Op::Aggregate { source, group: Group { more_rows_than: None, ..group } }, columns))
    }

    /// Keys and aggregates, and their columns.
    pub(super) fn group(&mut self, readable: &Readable) -> Option<(Group, Vec<Column>)> {
        let mut names = Names::default();
        let (mut keys, mut measures, mut columns) = (Vec::new(), Vec::new(), Vec::new());
        let scalars: Readable = readable.iter().filter(|(_, _, of)| of.is_scalar()).cloned().collect();
        for _ in 0..self.choice.below(4) {
            let (relation, name, of) = self.choice.maybe_of(&scalars)?.clone();
            let key = match self.choice.one_in(4) {
                true => expressions::value(&mut self.choice, readable, of, 1),
                false => Expr::Column(relation, name),
            };
            // A literal would be the number of a column.
            if matches!(key, Expr::Literal(..) | Expr::Placeholder(..))
                || keys.iter().any(|(_, other): &(String, Expr)| other.to_string() == key.to_string())
            {
                continue;
            }
            let name = names.next(of);
            columns.push((name.clone(), of));
            keys.push((name, key));
        }
        for _ in 0..=self.choice.below(3) {
            let Some((measure, of)) = self.measure(readable) else { continue };
            let name = names.next(of);
            columns.push((name.clone(), of));
            measures.push((name, measure));
        }
        let more_rows_than = self.choice.one_in(4).then(|| self.choice.below(3));
        (!columns.is_empty()).then_some((Group { keys, measures, more_rows_than }, columns))
    }

    pub(super) fn measure(&mut self, readable: &Readable) -> Option<(Measure, Type)> {
        let function = *self.choice.of(&[
            Aggregate::Count,
            Aggregate::Count,
            Aggregate::Sum,
            Aggregate::Sum,
            Aggregate::Min,
            Aggregate::Max,
            Aggregate::Avg,
            Aggregate::BoolAnd,
            Aggregate::BoolAnd,
            Aggregate::BoolOr,
            Aggregate::BoolOr,
            Aggregate::ArrayAgg,
            Aggregate::ArrayAggSorted,
        ]);
        let numbers = [Type::Int, Type::Float, Type::Decimal];
        let ordered = [Type::Int, Type::Float, Type::Text, Type::Decimal, Type::Date, Type::Timestamp];
        let counted = [&Type::ALL[..7], &[Type::Token]].concat();
        let types: &[Type] = match function {
            Aggregate::Count => &counted,
            Aggregate::Sum => &numbers,
            Aggregate::Min | Aggregate::Max => &ordered,
            Aggregate::Avg => &numbers[..2],
            Aggregate::BoolAnd | Aggregate::BoolOr => &[Type::Bool],
            Aggregate::ArrayAgg | Aggregate::ArrayAggSorted => &[Type::Int, Type::Text],
        };
        let of = *self.choice.of(types);
        let column = expressions::column(&mut self.choice, readable, of)?;
        let argument =
            if function == Aggregate::Count && self.choice.one_in(2) { None } else { Some(column) };
        let argument = match argument {
            Some(_) if !function.makes_lists() && self.choice.one_in(4) => {
                Some(expressions::value(&mut self.choice, readable, of, 1))
            }
            other => other,
        };
        // See `expressions::value` for infinities that meet each other.
        let adds = matches!(function, Aggregate::Sum | Aggregate::Avg);
        let argument = match argument {
            Some(value) if adds && of == Type::Float => {
                let without = |value: Expr, number: f64| {
                    Expr::Call(Call::NullIf, vec![value, Expr::Literal(Value::Float(number), Type::Float)])
                };
                Some(without(without(value, f64::INFINITY), f64::NEG_INFINITY))
            }
            other => other,
        };
        let filter = self.choice.one_in(4).then(|| expressions::condition(&mut self.choice, readable, 1));
        let distinct = argument.is_some()
            && matches!(function, Aggregate::Count | Aggregate::Sum)
            && self.choice.one_in(3);
        // The elements of equal keys are equal.
        let order = match (function, &argument) {
            (Aggregate::ArrayAgg, Some(Expr::Column(None, name))) => vec![self.sort_key(name)],
            (Aggregate::ArrayAggSorted, Some(Expr::Column(None, name))) => vec![SortKey::ascending(name)],
            (Aggregate::ArrayAgg | Aggregate::ArrayAggSorted, _) => return None,
            _ => Vec::new(),
        };
        let result = match function {
            Aggregate::Count => Type::Int,
            Aggregate::Avg => Type::Float,
            list if list.makes_lists() => {
                if of == Type::Int {
                    Type::Ints
                } else {
                    Type::Texts
                }
            }
            _ => of,
        };
        Some((Measure { function, argument, distinct, filter, order }, result))
    }

    pub(super) fn sort_key(&mut self, column: &str) -> SortKey {
        SortKey {
            column: column.to_owned(),
            descending: self.choice.one_in(2),
            nulls_first: self.choice.one_in(2),
        }
    }

    pub(super) fn window(&mut self) -> Made {
        let source = self.source();
        let own = self.columns(&source);
        let mut names = Names::taken(&own);
        let mut columns = own.clone();
        let mut calls = Vec::new();
        for number in 0..=self.choice.below(2) {
            let (call, of) = self.window_call(&own)?;
            // Of two calls that tell equal rows apart nobody says that they do it in the same way.
            if number > 0 && !call.is_same_for_equal_rows() {
                continue;
            }
            let name = names.next(of);
            columns.push((name.clone(), of));
            calls.push((name, call));
        }
        Some((Op::Window { source, columns: calls }, columns))
    }

    /// A call over a relation without nested columns: its order is by all of them, so that only equal rows are equal.
    pub(super) fn window_call(&mut self, columns: &[Column]) -> Option<(WindowCall, Type)> {
        if columns.is_empty() || columns.iter().any(|(_, of)| !of.is_scalar()) {
            return None;
        }
        let function = *self.choice.of(&WindowFunction::ALL);
        let fitting: Vec<&Column> = columns
            .iter()
            .filter(|(_, of)| match function {
                WindowFunction::Sum => matches!(of, Type::Int | Type::Decimal),
                WindowFunction::Min | WindowFunction::Max => *of != Type::Bool,
                _ => true,
            })
            .collect();
        let (argument, of) = self.choice.maybe_of(&fitting).map(|column| (*column).clone())?;
        let is_rank =
            matches!(function, WindowFunction::RowNumber | WindowFunction::Rank | WindowFunction::DenseRank);
        let partition: Vec<String> = (0..self.choice.below(2))
            .filter_map(|_| self.choice.maybe_of(columns).map(|(name, _)| name.clone()))
            .collect();
        let of_peers = matches!(function, WindowFunction::Rank | WindowFunction::DenseRank);
        let whole = function.takes_a_frame()
            && !matches!(function, WindowFunction::FirstValue | WindowFunction::LastValue)
            && self.choice.one_in(2);
        let order = if whole {
            Vec::new()
        } else {
            let few = if of_peers { 1 + self.choice.below(columns.len()) } else { columns.len() };
            let names: Vec<String> = columns.iter().take(few).map(|(name, _)| name.clone()).collect();
            names.iter().map(|name| self.sort_key(name)).collect()
        };
        let frame = (function.takes_a_frame() && !order.is_empty() && self.choice.one_in(2))
            .then(|| [self.choice.below(4), self.choice.below(3)]);
        let of = if is_rank || function == WindowFunction::Count { Type::Int } else { of };
        let argument = (!is_rank).then_some(argument);
        Some((WindowCall { function, argument, partition, order, frame }, of))
    }

    pub(super) fn unnest(&mut self) -> Made {
        let source = self.source();
        let mut columns = self.columns(&source);
        let lists: Vec<usize> = (0..columns.len()).filter(|at| columns[*at].1.element().is_some()).collect();
        let at = *self.choice.maybe_of(&lists)?;
        let (column, of) = columns[at].clone();
        let element = of.element()?;
        let alias = Names::taken(&columns).next(element);
        columns[at] = (alias.clone(), element);
        Some((Op::Unnest { source, column, alias, keep_empty: self.choice.one_in(2) }, columns))
    }

    pub(super) fn union(&mut self) -> Made {
        let many = if self.choice.one_in(20) { 2 + self.choice.below(63) } else { 2 + self.choice.below(2) };
        let mut sources: Vec<String> = (0..many).map(|_| self.source()).collect();
        // A source is named once.
        sources.sort();
        sources.dedup();
        if sources.len() < 2 {
            return None;
        }
        let mut columns: Vec<Column> = Vec::new();
        for source in &sources {
            for column in self.columns(source) {
                if !columns.contains(&column) {
                    columns.push(column);
                }
            }
        }
        let distinct = self.choice.one_in(3) && columns.iter().all(|(_, of)| of.is_scalar());
        let discriminator = self.choice.one_in(3).then(|| Names::taken(&columns).next(Type::Text));
        if let Some(name) = &discriminator {
            columns.insert(0, (name.clone(), Type::Text));
        }
        Some((Op::Union { sources, discriminator, distinct }, columns))
    }
}
