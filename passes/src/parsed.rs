//! Queries that have been parsed, by their text: who compiles a spec again and again parses only what has changed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ir::expr::{Query, SqlError};

/// So many queries are kept at the most; with more they are forgotten.
const MOST_QUERIES: usize = 1 << 14;

/// Parsed queries. They share their trees, and what was found out about them, with the graphs that have them.
#[derive(Debug, Default)]
pub struct ParsedQueries(Mutex<HashMap<String, Query>>);

impl ParsedQueries {
    /// The query with this text.
    ///
    /// # Errors
    /// As [`Query::parse`]; what is no query is not kept.
    pub(crate) fn parse(&self, text: &str) -> Result<Query, SqlError> {
        if let Some(known) = self.queries().get(text) {
            return Ok(known.clone());
        }
        let query = Query::parse(text)?;
        let mut queries = self.queries();
        if queries.len() >= MOST_QUERIES {
            queries.clear();
        }
        queries.insert(text.to_owned(), query.clone());
        Ok(query)
    }

    fn queries(&self) -> MutexGuard<'_, HashMap<String, Query>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_parsed_once() {
        let queries = ParsedQueries::default();
        let first = queries.parse("SELECT a FROM t").unwrap();
        let again = queries.parse("SELECT a FROM t").unwrap();
        assert!(std::ptr::eq(first.ast(), again.ast()));
        assert_ne!(queries.parse("SELECT b FROM t").unwrap(), first);
        assert!(queries.parse("SELECT").is_err() && queries.parse("SELECT").is_err());
    }

    #[test]
    fn no_more_than_a_bound_is_kept() {
        let queries = ParsedQueries::default();
        for number in 0..=MOST_QUERIES {
            queries.parse(&format!("SELECT {number} AS a FROM t")).unwrap();
        }
        assert_eq!(queries.queries().len(), 1);
    }
}
