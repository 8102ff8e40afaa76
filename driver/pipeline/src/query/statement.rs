//! A text as statements: queries, and what tells of tables and plans.
//!
//! ```text
//! SELECT ... | WITH ... | VALUES ...
//! EXPLAIN [ANALYZE] [VERBOSE] query
//! DESCRIBE table | DESCRIBE query | SHOW COLUMNS FROM table
//! SHOW TABLES | SHOW FUNCTIONS
//! ```

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use ir::diag::{Diagnostic, SourceMap, SourceName, SpecPath};
use ir::expr::{Query, StatementText, statements};

use crate::PipelineError;

/// One statement of a text.
#[derive(Clone, Debug)]
pub struct Statement {
    /// What the text is called in messages.
    origin: Arc<str>,
    /// The whole text.
    text: Arc<str>,
    bytes: Range<usize>,
    pub(super) kind: Kind,
}

/// What a statement asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The rows of the query at these bytes of the text.
    Query(Range<usize>),
    /// Its plans.
    Explain { query: Range<usize>, analyze: bool, verbose: bool },
    /// The columns of its rows.
    DescribeQuery(Range<usize>),
    /// The columns of the table that is named at these bytes.
    Describe(Range<usize>),
    /// The tables of the lake.
    ShowTables,
    /// The functions of the session.
    ShowFunctions,
}

impl Statement {
    /// The statements of a text that is called `origin` in messages, and whether the last one ends with a semicolon.
    #[must_use]
    pub fn all(origin: &str, text: &str) -> (Vec<Self>, bool) {
        let divided = statements(text);
        let (origin, text): (Arc<str>, Arc<str>) = (origin.into(), text.into());
        let statement = |found: &StatementText| Self {
            origin: Arc::clone(&origin),
            text: Arc::clone(&text),
            bytes: found.bytes.clone(),
            kind: kind(&text, found),
        };
        (divided.statements.iter().map(statement).collect(), divided.is_complete)
    }

    /// A text that is one query.
    #[must_use]
    pub fn query(origin: &str, text: &str) -> Self {
        let bytes = 0..text.len();
        Self { origin: origin.into(), text: text.into(), bytes: bytes.clone(), kind: Kind::Query(bytes) }
    }

    /// Its own text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.at(&self.bytes)
    }

    /// The placeholders of its query: `$1`, `$2`, ...; none of what is no query.
    #[must_use]
    pub fn placeholders(&self) -> BTreeSet<String> {
        let query = Query::parse(self.at(&self.subject()));
        query.map(|query| query.placeholders().clone()).unwrap_or_default()
    }

    /// The part of the text at these bytes.
    pub(super) fn at(&self, bytes: &Range<usize>) -> &str {
        self.text.get(bytes.clone()).unwrap_or_default()
    }

    /// The bytes of the query, or of the name of the table, that it is about.
    pub(super) fn subject(&self) -> Range<usize> {
        match &self.kind {
            Kind::Query(bytes)
            | Kind::Explain { query: bytes, .. }
            | Kind::DescribeQuery(bytes)
            | Kind::Describe(bytes) => bytes.clone(),
            Kind::ShowTables | Kind::ShowFunctions => self.bytes.clone(),
        }
    }

    /// The whole text, in which these bytes are the value at a path.
    pub(super) fn map(&self, path: &SpecPath) -> SourceMap {
        let name = SourceName::new(&*self.origin);
        SourceMap::of_value(name, &*self.text, path, self.subject())
    }

    /// An error about some bytes of its subject.
    pub(super) fn refused(&self, found: Diagnostic, bytes: Option<Range<usize>>) -> PipelineError {
        let found = match bytes {
            Some(bytes) => found.at_bytes(self.placed(&bytes)),
            None => found.at_bytes(self.subject()),
        };
        let map = SourceMap::new(SourceName::new(&*self.origin), &*self.text);
        PipelineError::Findings { diagnostics: vec![found], map: Box::new(map) }
    }

    /// Bytes of its subject as bytes of the text.
    pub(super) fn placed(&self, bytes: &Range<usize>) -> Range<usize> {
        let start = self.subject().start;
        start + bytes.start..start + bytes.end
    }
}

/// What a statement asks for, by its first words. What none of them begins is a query, or the compiler says why it is none.
fn kind(text: &str, found: &StatementText) -> Kind {
    let word = |at: usize| {
        let bytes = found.tokens.get(at).cloned().unwrap_or_default();
        text.get(bytes).unwrap_or_default().to_ascii_uppercase()
    };
    let from = |at: usize| {
        let start = found.tokens.get(at).map_or(found.bytes.end, |token| token.start);
        start..found.bytes.end
    };
    match (word(0).as_str(), word(1).as_str(), found.tokens.len()) {
        ("EXPLAIN", ..) => {
            let mut at = 1;
            let mut take = |wanted: &str| {
                let is_there = word(at) == wanted;
                at += usize::from(is_there);
                is_there
            };
            let (analyze, verbose) = (take("ANALYZE"), take("VERBOSE"));
            Kind::Explain { query: from(at), analyze, verbose }
        }
        ("DESCRIBE" | "DESC", "SELECT" | "WITH" | "VALUES" | "(", _) => Kind::DescribeQuery(from(1)),
        ("DESCRIBE" | "DESC", "TABLE", 3..) => Kind::Describe(from(2)),
        ("DESCRIBE" | "DESC", _, 2..) => Kind::Describe(from(1)),
        ("SHOW", "TABLES", 2) => Kind::ShowTables,
        ("SHOW", "FUNCTIONS", 2) => Kind::ShowFunctions,
        ("SHOW", "COLUMNS", 4..) if matches!(word(2).as_str(), "FROM" | "IN") => Kind::Describe(from(3)),
        _ => Kind::Query(found.bytes.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_known_by_their_first_words() {
        let text = "select 1; explain analyze select 2; EXPLAIN VERBOSE SELECT 3; describe extract.files; \
                    DESC select 4; show tables; SHOW FUNCTIONS; show columns from t; show me; explain_it";
        let (found, is_complete) = Statement::all("query", text);
        assert!(!is_complete);
        let subjects: Vec<(&Kind, &str)> =
            found.iter().map(|one| (&one.kind, one.at(&one.subject()))).collect();
        let texts: Vec<&str> = subjects.iter().map(|(_, text)| *text).collect();
        assert_eq!(
            texts,
            [
                "select 1",
                "select 2",
                "SELECT 3",
                "extract.files",
                "select 4",
                "show tables",
                "SHOW FUNCTIONS",
                "t",
                "show me",
                "explain_it"
            ]
        );
        let is = |at: usize, wanted: fn(&Kind) -> bool| assert!(wanted(subjects[at].0), "{subjects:?}");
        is(1, |kind| matches!(kind, Kind::Explain { analyze: true, verbose: false, .. }));
        is(2, |kind| matches!(kind, Kind::Explain { analyze: false, verbose: true, .. }));
        is(3, |kind| matches!(kind, Kind::Describe(_)));
        is(4, |kind| matches!(kind, Kind::DescribeQuery(_)));
        is(5, |kind| matches!(kind, Kind::ShowTables));
        is(6, |kind| matches!(kind, Kind::ShowFunctions));
        is(7, |kind| matches!(kind, Kind::Describe(_)));
        is(8, |kind| matches!(kind, Kind::Query(_)));
        is(9, |kind| matches!(kind, Kind::Query(_)));
    }
}
