//! Queries: what stands around and between SELECTs.

use std::collections::BTreeSet;

use sqlparser::ast::{
    Cte, Expr, LimitClause, Offset, OrderBy, OrderByExpr, OrderByKind, Query, SetExpr, SetOperator,
    SetQuantifier, UnaryOperator, Values, With,
};
use sqlparser::tokenizer::Span;

use super::super::{holds_subquery, normalize};
use super::{Clause, Walk, Windows, clauses};

impl Walk {
    pub(super) fn query(&mut self, query: &Query) {
        let Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        if let Some(with) = with {
            self.with(with);
        }
        self.set_expr(body);
        if let Some(order_by) = order_by {
            // The windows of a SELECT are known in the order of its rows too.
            self.windows.push(match body.as_ref() {
                SetExpr::Select(select) => Windows::of(&select.named_window),
                _ => Windows::default(),
            });
            self.order_by(order_by);
            self.windows.pop();
        }
        if let Some(limit) = limit_clause {
            self.limit(limit);
        }
        self.refuse_if(fetch.is_some(), &clauses::FETCH);
        self.refuse_if(!locks.is_empty(), &clauses::LOCK);
        self.refuse_if(for_clause.is_some(), &clauses::FOR_FORMAT);
        self.refuse_if(settings.is_some(), &clauses::SETTINGS);
        self.refuse_if(format_clause.is_some(), &clauses::FORMAT);
        self.refuse_if(!pipe_operators.is_empty(), &clauses::PIPE);
    }

    fn with(&mut self, with: &With) {
        let With { with_token, recursive: _, cte_tables } = with;
        self.passed(with_token.0.span);
        let mut names = BTreeSet::new();
        for cte in cte_tables {
            let Cte { alias, query, from, materialized, closing_paren_token } = cte;
            self.table_alias(alias);
            if !names.insert(normalize(&alias.name)) {
                self.refuse_at(&clauses::DEFINED_TWICE, alias.name.span);
            }
            self.refuse_if(materialized.is_some(), &clauses::MATERIALIZED);
            self.query(query);
            self.passed(closing_paren_token.0.span);
            self.refuse_if(from.is_some(), &clauses::CTE_FROM);
        }
    }

    fn set_expr(&mut self, body: &SetExpr) {
        // A chain of unions leans to the left, and may be long.
        let mut rest = Vec::new();
        let mut first = body;
        while let SetExpr::SetOperation { left, op, set_quantifier, right } = first {
            rest.push((*op, *set_quantifier, right));
            first = left;
        }
        self.set_operand(first);
        for (op, quantifier, right) in rest.into_iter().rev() {
            self.set_operator(op, quantifier);
            match right.as_ref() {
                SetExpr::SetOperation { .. } => self.set_expr(right),
                operand => self.set_operand(operand),
            }
        }
    }

    fn set_operand(&mut self, operand: &SetExpr) {
        match operand {
            SetExpr::Select(select) => self.select(select),
            SetExpr::Query(query) => self.query(query),
            SetExpr::Values(values) => self.values(values),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                self.refuse(&clauses::CHANGES_DATA);
            }
            SetExpr::Table(_) => self.refuse(&clauses::TABLE_QUERY),
            SetExpr::SetOperation { .. } => self.set_expr(operand),
        }
    }

    fn set_operator(&mut self, op: SetOperator, quantifier: SetQuantifier) {
        let by_name = match quantifier {
            SetQuantifier::All | SetQuantifier::Distinct | SetQuantifier::None => false,
            SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName => true,
        };
        match op {
            SetOperator::Union => {}
            SetOperator::Minus => self.refuse(&clauses::MINUS),
            SetOperator::Except | SetOperator::Intersect => {
                self.refuse_if(by_name, &clauses::SET_QUANTIFIER);
            }
        }
    }

    fn values(&mut self, values: &Values) {
        let Values { explicit_row: _, value_keyword, rows } = values;
        self.refuse_if(*value_keyword, &clauses::VALUE_KEYWORD);
        rows.iter().flat_map(|row| &row.content).for_each(|value| self.expr(value));
    }

    pub(super) fn order_by(&mut self, order_by: &OrderBy) {
        let OrderBy { kind, interpolate } = order_by;
        match kind {
            OrderByKind::All(_) => self.refuse(&clauses::ORDER_BY_ALL),
            // The dialect that is read takes ALL for a name, which only a quoted column can have.
            OrderByKind::Expressions(exprs) => match exprs.as_slice() {
                [OrderByExpr { expr: Expr::Identifier(all), .. }]
                    if all.quote_style.is_none() && all.value.eq_ignore_ascii_case("all") =>
                {
                    self.refuse(&clauses::ORDER_BY_ALL);
                }
                _ => exprs.iter().for_each(|expr| self.order_by_expr(expr)),
            },
        }
        self.refuse_if(interpolate.is_some(), &clauses::INTERPOLATE);
    }

    pub(super) fn order_by_expr(&mut self, order: &OrderByExpr) {
        let OrderByExpr { expr, options: _, with_fill } = order;
        self.expr(expr);
        self.refuse_if(with_fill.is_some(), &clauses::WITH_FILL);
    }

    fn limit(&mut self, limit: &LimitClause) {
        match limit {
            LimitClause::LimitOffset { limit, offset, limit_by } => {
                limit.iter().for_each(|limit| self.count_of_rows(limit));
                if let Some(Offset { value, rows: _ }) = offset {
                    self.count_of_rows(value);
                }
                self.refuse_if(!limit_by.is_empty(), &clauses::LIMIT_BY);
            }
            LimitClause::OffsetCommaLimit { offset, limit } => {
                self.count_of_rows(offset);
                self.count_of_rows(limit);
            }
        }
    }

    /// A LIMIT or OFFSET. The planner takes what it can compute without rows.
    fn count_of_rows(&mut self, count: &Expr) {
        let is_negative = matches!(count, Expr::UnaryOp { op: UnaryOperator::Minus, .. });
        if is_negative || holds_subquery(count) {
            self.refuse_expr(&clauses::LIMIT_VALUE, count);
        }
        self.expr(count);
    }

    /// Refuses a clause at a place or, where that is unknown, by its words.
    pub(super) fn refuse_near(&mut self, clause: &'static Clause, span: Option<Span>) {
        match span {
            Some(span) => self.refuse_at(clause, span),
            None => self.refuse(clause),
        }
    }
}
