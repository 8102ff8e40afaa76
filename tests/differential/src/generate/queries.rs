//! Queries of `Sql` views.

use super::Maker;
use super::expressions::{self, Readable};
use super::operations::{Made, Names};
use crate::plan::{
    Body, Column, Expr, From, JoinKind, Op, Query, Select, SetOperation, Subquery, SubqueryKind,
};
use crate::value::{Type, Value};

impl Maker {
    pub(super) fn query(&mut self) -> Made {
        let (body, columns) = match self.choice.below(6) {
            0 => self.set_operation()?,
            1 | 2 => self.join_query()?,
            3 => self.grouped_query()?,
            _ => self.plain_query()?,
        };
        let is_ordered = columns.iter().all(|(_, of)| of.is_scalar());
        let mut query = Query { body, order: Vec::new(), limit: None };
        if is_ordered && self.choice.one_in(3) {
            // Only equal rows are equal in this order.
            query.order = columns.iter().map(|(name, _)| self.sort_key(name)).collect();
            query.limit = Some([self.choice.below(4), self.choice.below(12)]);
        }
        Some((Op::Query(query), columns))
    }

    pub(super) fn select(from: From) -> Select {
        Select { from, filter: None, group: None, columns: Vec::new(), windows: Vec::new(), distinct: false }
    }

    fn plain_query(&mut self) -> Option<(Body, Vec<Column>)> {
        let source = self.source();
        let readable = self.outer(&source);
        let mut select = Self::select(From::Relation(source.clone()));
        select.filter = self.where_clause(&readable);
        let made = self.computed(&readable);
        let mut columns: Vec<Column> = made.iter().map(|(name, of, _)| (name.clone(), *of)).collect();
        select.columns = made.into_iter().map(|(name, _, expr)| (name, expr)).collect();
        let mut names = Names::taken(&columns);
        if self.choice.one_in(4)
            && let Some((measure, of)) = self.scalar_subquery(&readable)
        {
            let name = names.next(of);
            columns.push((name.clone(), of));
            select.columns.push((name, measure));
        }
        let of_source = self.columns(&source);
        if self.choice.one_in(4)
            && let Some((call, of)) = self.window_call(&of_source)
        {
            let name = names.next(of);
            columns.push((name.clone(), of));
            select.windows.push((name, call));
        }
        select.distinct = self.choice.one_in(3) && columns.iter().all(|(_, of)| of.is_scalar());
        (!columns.is_empty()).then_some((Body::Select(Box::new(select)), columns))
    }

    fn grouped_query(&mut self) -> Option<(Body, Vec<Column>)> {
        let source = self.source();
        let readable = self.readable(&source);
        let mut select = Self::select(From::Relation(source.clone()));
        select.filter = self.choice.one_in(3).then(|| expressions::condition(&mut self.choice, &readable, 1));
        let (group, columns) = self.group(&readable)?;
        select.group = Some(group);
        Some((Body::Select(Box::new(select)), columns))
    }

    fn join_query(&mut self) -> Option<(Body, Vec<Column>)> {
        let (left, right) = (self.source(), self.source());
        let kind = *self.choice.of(&JoinKind::ALL);
        let on = self.keys(&left, &right, 1)?;
        let side = |maker: &Self, name: &'static str, relation: &str| -> Readable {
            maker.columns(relation).into_iter().map(|(column, of)| (Some(name), column, of)).collect()
        };
        let (of_left, of_right) = (side(self, "l", &left), side(self, "r", &right));
        let both: Readable = of_left.iter().chain(&of_right).cloned().collect();
        let residual = self.choice.one_in(3).then(|| expressions::condition(&mut self.choice, &both, 1));
        let from = From::Join { kind, sides: [left, right], on, residual };
        let visible = if kind.has_both_sides() { both } else { of_left };
        let mut select = Self::select(from);
        select.filter = self.choice.one_in(3).then(|| expressions::condition(&mut self.choice, &visible, 1));
        let made = self.computed(&visible);
        let columns: Vec<Column> = made.iter().map(|(name, of, _)| (name.clone(), *of)).collect();
        select.columns = made.into_iter().map(|(name, _, expr)| (name, expr)).collect();
        select.distinct = self.choice.one_in(4) && columns.iter().all(|(_, of)| of.is_scalar());
        (!columns.is_empty()).then_some((Body::Select(Box::new(select)), columns))
    }

    fn set_operation(&mut self) -> Option<(Body, Vec<Column>)> {
        let (left, right) = (self.source(), self.source());
        let of_right = self.columns(&right);
        let mut common: Vec<Column> = self.columns(&left);
        common.retain(|column| of_right.contains(column) && column.1.is_scalar());
        if common.is_empty() {
            return None;
        }
        let operation =
            *self.choice.of(&[SetOperation::Union, SetOperation::Intersect, SetOperation::Except]);
        let mut part = |source: &str| {
            let mut select = Self::select(From::Relation(source.to_owned()));
            let readable = self.readable(source);
            select.filter =
                self.choice.one_in(3).then(|| expressions::condition(&mut self.choice, &readable, 1));
            select.columns =
                common.iter().map(|(name, _)| (name.clone(), Expr::Column(None, name.clone()))).collect();
            Body::Select(Box::new(select))
        };
        let parts = Box::new([part(&left), part(&right)]);
        Some((Body::Set(operation, self.choice.one_in(2), parts), common))
    }

    /// The columns of the only relation of a query, by its name: subqueries hide others.
    fn outer(&self, source: &str) -> Readable {
        self.columns(source).into_iter().map(|(name, of)| (Some("o"), name, of)).collect()
    }

    fn where_clause(&mut self, readable: &Readable) -> Option<Expr> {
        let plain = self.choice.one_in(2).then(|| expressions::condition(&mut self.choice, readable, 1));
        let query = if self.choice.one_in(2) { self.condition_subquery(readable) } else { None };
        match (plain, query) {
            (Some(plain), Some(query)) => Some(Expr::And(Box::new(plain), Box::new(query))),
            (plain, query) => plain.or(query),
        }
    }

    /// The relation of a subquery, its columns, and which of its rows a row outside meets.
    fn inner(&mut self, readable: &Readable) -> (String, Readable, Vec<(String, Expr)>, Option<Expr>) {
        let source = self.source();
        let inner: Readable =
            self.columns(&source).into_iter().map(|(name, of)| (Some("q"), name, of)).collect();
        let mut correlated = Vec::new();
        for _ in 0..self.choice.below(3) {
            let Some((_, name, of)) = self.choice.maybe_of(&inner).cloned() else { break };
            if let Some(value) =
                expressions::column(&mut self.choice, readable, of).filter(|_| of.is_scalar())
            {
                correlated.push((name, value));
            }
        }
        let filter = self.choice.one_in(3).then(|| expressions::condition(&mut self.choice, &inner, 1));
        (source, inner, correlated, filter)
    }

    fn condition_subquery(&mut self, readable: &Readable) -> Option<Expr> {
        let (source, inner, correlated, filter) = self.inner(readable);
        let negated = self.choice.one_in(2);
        let kind = if self.choice.one_in(2) {
            SubqueryKind::Exists { negated }
        } else {
            let scalars: Readable = inner.into_iter().filter(|(_, _, of)| of.is_scalar()).collect();
            let (_, column, of) = self.choice.maybe_of(&scalars)?.clone();
            SubqueryKind::In { value: expressions::column(&mut self.choice, readable, of)?, column, negated }
        };
        Some(Expr::Subquery(Box::new(Subquery { kind, source, correlated, filter })))
    }

    fn scalar_subquery(&mut self, readable: &Readable) -> Option<(Expr, Type)> {
        let (source, inner, correlated, filter) = self.inner(readable);
        let (measure, of) = self.measure(&inner)?;
        if !of.is_scalar() {
            return None;
        }
        let query = Subquery { kind: SubqueryKind::Scalar(measure), source, correlated, filter };
        let query = Expr::Subquery(Box::new(query));
        // Sometimes with a value in the place of NULL.
        let otherwise = Expr::Literal(Value::Int(-7), Type::Int);
        let with_otherwise = of == Type::Int && self.choice.one_in(2);
        Some((if with_otherwise { Expr::Coalesce(vec![query, otherwise]) } else { query }, of))
    }
}
