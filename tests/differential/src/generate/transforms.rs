//! Views of transforms beside those of plain relations, and views that are judged by relations.

use super::Maker;
use super::operations::{Made, Names};
use crate::evaluate::log_of;
use crate::plan::{Body, Column, Expr, Fresh, From, Graph, GraphTable, LogRead, Normalize, Op, Query};
use crate::value::Type;

impl Maker {
    /// Names of columns of a type.
    fn of_type(columns: &[Column], fits: impl Fn(Type) -> bool) -> Vec<String> {
        columns.iter().filter(|(_, of)| fits(*of)).map(|(name, _)| name.clone()).collect()
    }

    fn some_of(&mut self, names: &[String], most: usize) -> Vec<String> {
        let mut chosen: Vec<String> = Vec::new();
        for _ in 0..self.choice.below(most + 1) {
            chosen.extend(self.choice.maybe_of(names).filter(|name| !chosen.contains(name)).cloned());
        }
        chosen
    }

    pub(super) fn normalize(&mut self) -> Made {
        let source = self.source();
        let mut columns = self.columns(&source);
        let identifies =
            |of| matches!(of, Type::Int | Type::Text | Type::Bool | Type::Date | Type::Timestamp);
        let is_new = |name: &str| columns.iter().all(|(known, _)| known != name);
        let ids = if is_new("entity_id") { Self::of_type(&columns, identifies) } else { Vec::new() };
        let texts: Vec<String> = Self::of_type(&columns, |of| of == Type::Text)
            .into_iter()
            .filter(|name| is_new(&format!("{name}_normalized")))
            .collect();
        let numbers = Self::of_type(&columns, |of| of == Type::Int);
        let id_columns = self.some_of(&ids, 3);
        let text_columns = self.some_of(&texts, 2);
        let span = self.some_of(&numbers, 2);
        let span = match span.as_slice() {
            [start, end] => {
                let length = Names::taken(&columns).next(Type::Int);
                Some(([start.clone(), end.clone()], length))
            }
            _ => None,
        };
        let normalize = Normalize { source, id_columns, span, text_columns };
        columns.extend(normalize.added());
        (!normalize.added().is_empty()).then_some((Op::Normalize(normalize), columns))
    }

    pub(super) fn graph(&mut self) -> Made {
        let table = *self.choice.of(&GraphTable::ALL);
        let mut sources = Vec::new();
        for _ in 0..=self.choice.below(2) {
            let source = self.source();
            let columns = self.columns(&source);
            let numbers = Self::of_type(&columns, |of| of == Type::Int);
            let texts = Self::of_type(&columns, |of| of == Type::Text);
            let mut of = |names: &[String]| self.choice.maybe_of(names).cloned();
            sources.push((source, [of(&numbers)?, of(&numbers)?, of(&texts)?]));
        }
        let columns = [("i0", Type::Int), ("i1", Type::Int), ("t0", Type::Text)];
        let columns = columns.map(|(name, of)| (name.to_owned(), of)).to_vec();
        Some((Op::Graph(Graph { table, sources }), columns))
    }

    /// What the log of an input says.
    pub(super) fn log(&mut self) -> Made {
        let input = self.choice.of(&self.inputs.clone()).clone();
        let read = match self.choice.below(4) {
            0 => LogRead::Version,
            1 => LogRead::Files,
            _ => {
                let latest = self.known.get(&log_of(&input, &LogRead::Version))?.rows[0][0].clone();
                let crate::value::Value::Int(latest) = latest else { return None };
                let latest = u64::try_from(latest).unwrap_or_default() as usize;
                let first = usize::from(self.late_feeds.contains(&input));
                if first > latest {
                    return None;
                }
                let from = first + self.choice.below(latest + 1 - first);
                let to = from + self.choice.below(latest + 1 - from);
                let mut is_said = || self.choice.one_in(2);
                let from = (is_said() || first > 0).then_some(from as u64);
                LogRead::Changes { from, to: is_said().then_some(to as u64) }
            }
        };
        let columns = self.columns(&log_of(&input, &read));
        (!columns.is_empty()).then_some((Op::Log(input, read), columns))
    }

    /// Some columns, and a text that is another one for each row.
    pub(super) fn fresh(&mut self) -> Made {
        let source = self.source();
        let mut columns = self.columns(&source);
        columns.retain(|_| self.choice.below(4) < 3);
        let token = Names::taken(&columns).next(Type::Token);
        let mut made: Vec<(String, Expr)> =
            columns.iter().map(|(name, _)| (name.clone(), Expr::Column(None, name.clone()))).collect();
        made.push((token.clone(), Expr::Fresh(*self.choice.of(&[Fresh::Uuid, Fresh::Random]))));
        columns.push((token, Type::Token));
        Some((Op::Project { source, columns: made }, columns))
    }

    /// Rows that come first in an order which does not tell all rows apart.
    pub(super) fn open_limit(&mut self) -> Made {
        let source = self.source();
        let columns = self.columns(&source);
        let scalars = Self::of_type(&columns, Type::is_scalar);
        let order: Vec<_> = match self.choice.maybe_of(&scalars).cloned() {
            Some(column) if columns.len() > 1 && self.choice.one_in(2) => vec![self.sort_key(&column)],
            _ => Vec::new(),
        };
        let mut select = Self::select(From::Relation(source));
        select.columns =
            columns.iter().map(|(name, _)| (name.clone(), Expr::Column(None, name.clone()))).collect();
        let body = Body::Select(Box::new(select));
        let limit = Some([self.choice.below(3), 1 + self.choice.below(12)]);
        Some((Op::Query(Query { body, order, limit }), columns))
    }
}
