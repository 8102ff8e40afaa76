//! Which SQL means something here.
//!
//! The parser reads far more SQL than the engine honours, and the engine's planner passes over much of it without a
//! word: sampling, locks, hints, modifiers of `GROUP BY`, a `FILTER` on a scalar function. Such a clause would change
//! what a reader of the spec expects and not what is computed. So every tree is compared with what is meant:
//! [`super::clauses`] is the table of what is refused and what to write instead, and the walk in the other modules takes
//! every node of the tree apart *completely*, without `..` and without a catch-all arm. A new version of `sqlparser`
//! with a new field or a new node therefore does not compile until somebody has decided about it.
//!
//! What depends on the functions there are (a scalar function takes no `FILTER`) is checked by the engine. What
//! depends on scopes of names (recursive definitions) is checked in [`super::query`].

mod expr;
mod function;
mod operators;
mod query;
mod select;
mod table;
mod types;

#[cfg(test)]
mod tests;

use sqlparser::ast::{Expr, Ident, ObjectName, ObjectNamePart, OrderByExpr, Query, Spanned as _};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan};

use super::clauses::{self, Clause};
use super::syntax::{SqlIssue, SqlIssueKind, SqlText};
use super::windows::Windows;

/// How deep subqueries of expressions may nest. The engine takes twice as long to plan each level.
const MAX_SUBQUERIES: usize = 12;

/// How many refusals of one text are told.
const MAX_REFUSALS: usize = 20;

/// What a query holds that has no meaning here.
pub(super) fn of_query(query: &Query, text: &SqlText<'_>) -> Vec<SqlIssue> {
    let mut walk = Walk::default();
    walk.query(query);
    walk.issues(text)
}

/// What an expression holds that has no meaning here.
pub(super) fn of_expr(expr: &Expr, text: &SqlText<'_>) -> Vec<SqlIssue> {
    let mut walk = Walk::default();
    walk.expr(expr);
    walk.issues(text)
}

/// What an entry of an `ORDER BY` holds that has no meaning here.
pub(super) fn of_order(order: &OrderByExpr, text: &SqlText<'_>) -> Vec<SqlIssue> {
    let mut walk = Walk::default();
    walk.order_by_expr(order);
    walk.issues(text)
}

/// The issue about a clause at a place.
pub(super) fn issue(clause: &Clause, bytes: Option<std::ops::Range<usize>>) -> SqlIssue {
    SqlIssue {
        kind: if clause.writes { SqlIssueKind::NotReadOnly } else { SqlIssueKind::Clause },
        message: if clause.writes {
            format!("only SELECT is allowed; {} changes data", clause.name)
        } else {
            format!("{} is not supported", clause.name)
        },
        bytes,
        help: Some(clause.instead.to_owned()),
    }
}

/// A clause that was found, and where.
struct Found {
    clause: &'static Clause,
    place: Place,
}

/// Where a clause is. Few nodes of the tree know the places of their keywords.
enum Place {
    /// Exactly here.
    Span(Span),
    /// Where its first words stand, at or after this place.
    After(Location),
}

/// A walk through a tree in the order of the text.
struct Walk {
    /// The end of the last name or literal that was passed.
    at: Location,
    /// How many subqueries of expressions are around.
    subqueries: usize,
    /// The named windows of the SELECTs around.
    windows: Vec<Windows>,
    found: Vec<Found>,
}

impl Default for Walk {
    fn default() -> Self {
        Self { at: Location::new(1, 1), subqueries: 0, windows: Vec::new(), found: Vec::new() }
    }
}

impl Walk {
    /// Notes a clause whose words stand after what was passed last.
    fn refuse(&mut self, clause: &'static Clause) {
        self.found.push(Found { clause, place: Place::After(self.at) });
    }

    /// Notes a clause if it is there.
    fn refuse_if(&mut self, is_there: bool, clause: &'static Clause) {
        if is_there {
            self.refuse(clause);
        }
    }

    /// Notes a clause at a place.
    fn refuse_at(&mut self, clause: &'static Clause, span: Span) {
        let place = if span == Span::empty() { Place::After(self.at) } else { Place::Span(span) };
        self.found.push(Found { clause, place });
    }

    /// Notes an expression as a whole.
    fn refuse_expr(&mut self, clause: &'static Clause, expr: &Expr) {
        self.refuse_at(clause, expr.span());
    }

    /// A subquery of an expression.
    fn subquery(&mut self, query: &Query) {
        if self.subqueries >= MAX_SUBQUERIES {
            return self.refuse(&clauses::SUBQUERY_DEPTH);
        }
        self.subqueries += 1;
        self.query(query);
        self.subqueries -= 1;
    }

    /// Passes a place.
    fn passed(&mut self, span: Span) {
        if span != Span::empty() {
            self.at = span.end;
        }
    }

    fn ident(&mut self, ident: &Ident) {
        let Ident { value, quote_style, span } = ident;
        if quote_style.is_none() && value.starts_with('@') {
            self.refuse_at(&clauses::VARIABLE, *span);
        }
        self.passed(*span);
    }

    /// A name of one or more parts.
    fn name(&mut self, name: &ObjectName) {
        let ObjectName(parts) = name;
        for part in parts {
            match part {
                ObjectNamePart::Identifier(ident) => self.ident(ident),
                ObjectNamePart::Function(function) => {
                    self.ident(&function.name);
                    self.refuse_at(&clauses::NAME_BY_FUNCTION, function.name.span);
                }
            }
        }
    }

    fn issues(self, text: &SqlText<'_>) -> Vec<SqlIssue> {
        if self.found.is_empty() {
            return Vec::new();
        }
        let tokens = text.tokens();
        let tokens: Vec<&TokenWithSpan> =
            tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).collect();
        let place = |found: &Found| match found.place {
            Place::Span(span) => text.bytes(span),
            Place::After(at) => words_after(&tokens, found.clause.words, at)
                .or_else(|| next_token(&tokens, at))
                .and_then(|span| text.bytes(span)),
        };
        self.found.iter().take(MAX_REFUSALS).map(|found| issue(found.clause, place(found))).collect()
    }
}

/// The place of the first token at or after a place that says something.
fn next_token(tokens: &[&TokenWithSpan], at: Location) -> Option<Span> {
    let says_nothing = |token: &Token| match token {
        Token::Comma | Token::DoubleColon => true,
        Token::Word(word) => word.value.eq_ignore_ascii_case("as"),
        _ => false,
    };
    let next = tokens.iter().find(|token| token.span.start >= at && !says_nothing(&token.token));
    next.map(|token| token.span)
}

/// The place of words at or after another place; anywhere in the text if they are not there.
fn words_after(tokens: &[&TokenWithSpan], words: &[&str], at: Location) -> Option<Span> {
    if words.is_empty() {
        return None;
    }
    let stands = |window: &&[&TokenWithSpan]| {
        window.iter().zip(words).all(|(token, word)| match &token.token {
            Token::Word(found) => found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word),
            other => other.to_string() == *word,
        })
    };
    let windows = || tokens.windows(words.len()).filter(stands);
    let found = windows().find(|window| window.first().is_some_and(|token| token.span.start >= at));
    let window = found.or_else(|| windows().next())?;
    Some(Span::new(window.first()?.span.start, window.last()?.span.end))
}
