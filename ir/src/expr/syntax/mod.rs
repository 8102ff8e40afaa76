//! SQL texts to trees: what is wrong with a text, and where in it; and back to texts ([`exact`]).

mod budget;
mod chains;
pub(super) mod exact;
mod precedence;
mod statements;

use std::fmt;
use std::ops::Range;

use sqlparser::ast::VisitMut;
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer};

use budget::Budget;
pub use statements::{StatementText, Statements, statements};

/// How deep expressions may nest before the parser refuses them.
const RECURSION_LIMIT: usize = 64;

/// SQL text that cannot be used: everything that was found wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError(Vec<SqlIssue>);

/// One thing that is wrong with a SQL text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlIssue {
    /// Of what kind it is.
    pub kind: SqlIssueKind,
    /// What is wrong, in a sentence that names it.
    pub message: String,
    /// The bytes of the text it is about.
    pub bytes: Option<Range<usize>>,
    /// What to write instead.
    pub help: Option<String>,
}

/// What is wrong with a SQL text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlIssueKind {
    /// It is not SQL.
    Syntax,
    /// It is SQL that does more than read, or several statements.
    NotReadOnly,
    /// It holds a clause that has no meaning here.
    Clause,
}

impl SqlError {
    /// An error of one issue.
    pub(super) fn new(kind: SqlIssueKind, message: impl Into<String>, bytes: Option<Range<usize>>) -> Self {
        Self(vec![SqlIssue { kind, message: message.into(), bytes, help: None }])
    }

    /// An error of these issues; nothing if there are none.
    pub(super) fn of(issues: Vec<SqlIssue>) -> Option<Self> {
        (!issues.is_empty()).then_some(Self(issues))
    }

    /// What is wrong, in the order of the text; never empty.
    #[must_use]
    pub fn issues(&self) -> &[SqlIssue] {
        &self.0
    }

    /// Whether the text is not SQL at all.
    pub(super) fn is_syntax(&self) -> bool {
        self.0.iter().any(|issue| issue.kind == SqlIssueKind::Syntax)
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, issue) in self.0.iter().enumerate() {
            write!(f, "{}{}", if position == 0 { "" } else { "; " }, issue.message)?;
            if let Some(help) = &issue.help {
                write!(f, " ({help})")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for SqlError {}

/// A SQL text that is being read.
pub(super) struct SqlText<'t> {
    text: &'t str,
}

impl<'t> SqlText<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text }
    }

    /// The text itself.
    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    /// Reads the text with `parse`, which must use all of it; a semicolon may stand at the end.
    pub(super) fn parse<T: VisitMut>(
        &self,
        parse: impl FnOnce(&mut Parser<'_>) -> Result<T, ParserError>,
    ) -> Result<T, SqlError> {
        let refused = |error: ParserError| self.syntax_error(&error);
        let tokens = Tokenizer::new(&GenericDialect {}, self.text).tokenize_with_location();
        let tokens = tokens.map_err(|error| refused(error.into()))?;
        if chains::operators(&tokens) > chains::MAX_OPERATORS {
            return Err(too_long(chains::MAX_OPERATORS, "the text holds"));
        }
        if budget::depth(&tokens) > 2 * RECURSION_LIMIT {
            return Err(self.syntax_error(&ParserError::RecursionLimitExceeded));
        }
        let budget = Budget::of(tokens.len());
        let parser = Parser::new(&budget).with_recursion_limit(RECURSION_LIMIT);
        let mut parser = parser.with_tokens_with_locations(tokens);
        let mut tree = parse(&mut parser)
            .map_err(|error| if budget.is_used_up() { tried_too_long() } else { refused(error) })?;
        let _ = parser.consume_token(&Token::SemiColon);
        let next = parser.peek_token();
        if next.token != Token::EOF {
            let message = format!("unexpected `{}` after the end", next.token);
            return Err(self.with_help(SqlError::new(SqlIssueKind::Syntax, message, self.bytes(next.span))));
        }
        if !chains::shorten(&mut tree) {
            return Err(too_long(chains::MAX_CHAIN, "one expression or union of the text is a chain of"));
        }
        // A tree of any depth is not for walking; now it is not deep.
        precedence::mend(&mut tree);
        Ok(tree)
    }

    /// The tokens of the text; none where it is not even made of tokens.
    pub(super) fn tokens(&self) -> Vec<TokenWithSpan> {
        Tokenizer::new(&GenericDialect {}, self.text).tokenize_with_location().unwrap_or_default()
    }

    /// The bytes between two places.
    pub(super) fn bytes(&self, span: Span) -> Option<Range<usize>> {
        let start = self.byte(span.start)?;
        Some(start..self.byte(span.end).unwrap_or(start).max(start))
    }

    /// The byte of a place, whose line and column count from 1; columns are characters.
    fn byte(&self, place: Location) -> Option<usize> {
        let line = usize::try_from(place.line).ok()?.checked_sub(1)?;
        let column = usize::try_from(place.column).ok()?.checked_sub(1)?;
        let start = match line {
            0 => 0,
            _ => self.text.match_indices('\n').nth(line - 1)?.0 + 1,
        };
        let rest = self.text.get(start..)?;
        Some(start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at))
    }

    fn syntax_error(&self, error: &ParserError) -> SqlError {
        let message = match error {
            ParserError::TokenizerError(message) | ParserError::ParserError(message) => message.as_str(),
            ParserError::RecursionLimitExceeded => {
                let message = format!("the text nests deeper than {RECURSION_LIMIT} levels");
                return SqlError::new(SqlIssueKind::Syntax, message, None);
            }
        };
        // The parser tells the place in its sentence only.
        let (message, place) = match message.rsplit_once(" at Line: ") {
            Some((message, place)) => (message, place_in(place)),
            None => (message, None),
        };
        let bytes = match place {
            Some(place) => self.token_at(place),
            None => Some(self.text.trim_end().len()..self.text.trim_end().len()),
        };
        let message = message.replace("found: EOF", "found: the end of the text");
        self.with_help(SqlError::new(SqlIssueKind::Syntax, message, bytes))
    }

    /// The bytes of the token that starts at a place.
    fn token_at(&self, place: Location) -> Option<Range<usize>> {
        let tokens = self.tokens();
        match tokens.iter().find(|token| token.span.start == place) {
            Some(token) => self.bytes(token.span),
            // A text that does not end, for example: its first word.
            None => {
                let at = self.byte(place)?;
                let rest = self.text.get(at..)?;
                Some(at..at + rest.find(char::is_whitespace).unwrap_or(rest.len()))
            }
        }
    }

    /// Adds what was probably meant, where a text holds what comes from other programs.
    fn with_help(&self, mut error: SqlError) -> SqlError {
        let foreign = FOREIGN.iter().find_map(|(sign, help)| self.text.find(sign).map(|at| (at, sign, help)));
        if let (Some(issue), Some((at, sign, help))) = (error.0.first_mut(), foreign) {
            issue.bytes = Some(at..at + sign.len());
            issue.help = Some((*help).to_owned());
        }
        error
    }
}

/// The error of a text with so many nested calls that do not parse that nobody can say which is wrong.
fn tried_too_long() -> SqlError {
    let message = "nested calls do not end, or one of them is not what its name says";
    let mut error = SqlError::new(SqlIssueKind::Syntax, message, None);
    if let Some(issue) = error.0.first_mut() {
        issue.help = Some("write the innermost call alone, and put one call at a time around it".to_owned());
    }
    error
}

/// The error of a text that would make a tree too deep to be planned.
fn too_long(limit: usize, what: &str) -> SqlError {
    let message = format!("{what} more than {limit} operators");
    let mut error = SqlError::new(SqlIssueKind::Clause, message, None);
    if let Some(issue) = error.0.first_mut() {
        issue.help = Some("put long lists of values into a table and join it, or write IN (...)".to_owned());
    }
    error
}

/// What comes from other programs and is not SQL, with what to do about it.
const FOREIGN: &[(&str, &str)] = &[
    ("{{", "this is a template of dbt or Jinja, which is not filled in here; name the view or input itself"),
    ("{%", "this is a template of dbt or Jinja, which is not filled in here; write the query out"),
    ("\u{201c}", "typographic quotes mean nothing in SQL; write \" around names and ' around texts"),
    ("\u{201d}", "typographic quotes mean nothing in SQL; write \" around names and ' around texts"),
    ("\u{2018}", "typographic quotes mean nothing in SQL; write ' around texts"),
    ("\u{2019}", "typographic quotes mean nothing in SQL; write ' around texts"),
    ("\u{2013}", "this is a dash (U+2013), not a minus; write -"),
    ("\u{2212}", "this is a typographic minus (U+2212); write -"),
    ("\u{feff}", "there is an invisible character (U+FEFF) here; remove it"),
    ("\u{200b}", "there is an invisible character (U+200B) here; remove it"),
    ("\u{200c}", "there is an invisible character (U+200C) here; remove it"),
    ("\u{200d}", "there is an invisible character (U+200D) here; remove it"),
    ("\u{2060}", "there is an invisible character (U+2060) here; remove it"),
];

/// Reads `1, Column: 8`.
fn place_in(text: &str) -> Option<Location> {
    let (line, column) = text.split_once(", Column: ")?;
    let column = column.trim_end_matches(|c: char| !c.is_ascii_digit());
    Some(Location::new(line.parse().ok()?, column.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::Query;

    /// The first issue of a text: its sentence, the words it points at, and its help.
    fn issue(sql: &str) -> (String, String, Option<String>) {
        let error = Query::parse(sql).unwrap_err();
        let issue = error.issues().first().unwrap();
        let words = issue.bytes.clone().and_then(|bytes| sql.get(bytes)).unwrap_or("no place");
        (issue.message.clone(), words.to_owned(), issue.help.clone())
    }

    #[test]
    fn mistakes_point_at_their_word() {
        let (message, words, _) = issue("SELECT a\n  FROM é WHER b");
        assert_eq!(words, "b");
        assert!(!message.contains("Line"), "{message}");
        assert_eq!(issue("SELECT a FROM t WHERE").1, "");
        assert_eq!(issue("SELECT 'a FROM t").1, "'a");
        assert_eq!(issue("SELECT a FROM t; x").1, "x");
    }

    #[test]
    fn what_other_programs_write_is_named() {
        for (sql, words) in [
            ("SELECT * FROM {{ ref('orders') }}", "{{"),
            ("{% set x = 1 %} SELECT 1", "{%"),
            ("SELECT * FROM t WHERE a = \u{2018}x\u{2019}", "\u{2018}"),
            ("SELECT \u{feff} a FROM t", "\u{feff}"),
        ] {
            let (_, found, help) = issue(sql);
            assert_eq!(found, words, "{sql}");
            assert!(help.is_some(), "{sql}");
        }
    }

    #[test]
    fn white_space_of_all_kinds_is_white_space() {
        assert!(Query::parse("SELECT\u{a0}a\u{2003}FROM\u{a0}t").is_ok());
    }
}
