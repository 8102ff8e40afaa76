//! Queries over named relations.

mod parsed;
mod parts;
mod planned;
mod recursion;
mod scopes;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

pub use parts::Part;
use sqlparser::ast::{self, ObjectName, ObjectNamePart};

use parsed::Parsed;

use super::syntax::{SqlError, SqlIssueKind, SqlText};
use super::{ScalarExpr, bind_one, dotted_name, meaning, normalize, printable, sql_text, walk};

/// How often a subquery is computed at the most that values are compared with: for the values that are equal, for NULL
/// among its values, and for whether it has rows at all.
const TIMES_COMPARED: usize = 3;

/// A query over named relations: the text of a `Sql` view. Copies share the tree, and what was found out about it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Query(Arc<Parsed>);

impl Query {
    /// Parses one query; text after it is an error.
    ///
    /// # Errors
    /// When the text is not exactly one `SELECT` query (with or without `WITH`, `UNION`, `VALUES`), or holds a clause
    /// that has no meaning here (`meaning`).
    pub fn parse(text: &str) -> Result<Self, SqlError> {
        let text = SqlText::new(text);
        let parse =
            |text: &SqlText<'_>| text.parse(|parser| parser.parse_query()).map(|tree| Self::of(*tree));
        let query = parse(&text)
            .map_err(|error| if error.is_syntax() { not_a_query(&text).unwrap_or(error) } else { error })?;
        let mut issues = meaning::of_query(query.ast(), &text);
        if issues.is_empty() {
            let refused = recursion::refused(query.ast());
            issues.extend(refused.into_iter().map(|(clause, span)| meaning::issue(clause, text.bytes(span))));
        }
        match SqlError::of(issues) {
            Some(error) => Err(error),
            None => printable(query, &text, parse),
        }
    }

    fn of(tree: ast::Query) -> Self {
        Self(Arc::new(Parsed::new(tree)))
    }

    /// The syntax tree.
    #[must_use]
    pub fn ast(&self) -> &ast::Query {
        self.0.tree()
    }

    /// The relations the query reads, except those it defines itself by `WITH`, in alphabetical order.
    #[must_use]
    pub fn relations(&self) -> BTreeSet<String> {
        self.reference_counts().keys().cloned().collect()
    }

    /// Where in its text the query names one of [`Self::relations`] first.
    #[must_use]
    pub fn place_of_relation(&self, name: &str, text: &str) -> Option<Range<usize>> {
        scopes::outside(self.ast()).get(name).and_then(|outside| SqlText::new(text).bytes(outside.span))
    }

    /// The tree for a planner that takes less than the query says.
    #[must_use]
    pub fn planned(&self) -> ast::Query {
        let mut query = self.ast().clone();
        planned::write_out(&mut query);
        query
    }

    /// How often each of [`Self::relations`] is read when the query is planned: once for every place that names it,
    /// those in a `WITH` definition times the places that name the definition.
    #[must_use]
    pub fn reference_counts(&self) -> &BTreeMap<String, usize> {
        self.0.reads()
    }

    /// The most often that each of [`Self::relations`] may be read: a subquery that values are compared with (`IN`,
    /// `ANY`, `ALL`) may be computed up to `TIMES_COMPARED` times, since the comparison has to know of NULLs.
    #[must_use]
    pub fn reference_counts_at_most(&self) -> &BTreeMap<String, usize> {
        self.0.reads_at_most()
    }

    /// Every name that could be a column of an input, or nothing when the query may read columns it does not
    /// name (`*`, natural joins, pivots). The result may hold names that are not columns.
    #[must_use]
    pub fn mentioned_names(&self) -> Option<&BTreeSet<String>> {
        self.0.names()
    }

    /// The positional placeholders of the query, as they are written.
    #[must_use]
    pub fn placeholders(&self) -> &BTreeSet<String> {
        self.0.placeholders()
    }

    /// Replaces placeholders by expressions; placeholders without one stay.
    pub fn bind(&mut self, values: &BTreeMap<String, ScalarExpr>) {
        if self.placeholders().iter().any(|name| values.contains_key(name)) {
            let mut tree = self.ast().clone();
            walk::expressions_mut(&mut tree, |expr| bind_one(expr, values));
            *self = Self::of(tree);
        }
    }

    fn printed(&self) -> &str {
        self.0.text()
    }
}

/// The name of a relation as it is looked up.
fn relation_name(name: &ObjectName) -> String {
    let parts = || name.0.iter().map(|part| part.as_ident().map(normalize)).collect::<Option<Vec<_>>>();
    let dotted = || parts().map_or_else(|| name.to_string(), dotted_name);
    plain_name(name).unwrap_or_else(dotted)
}

/// The name of a relation of one part.
fn plain_name(name: &ObjectName) -> Option<String> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(ident)] => Some(normalize(ident)),
        _ => None,
    }
}

/// What a text is that is not a query but may be other SQL.
fn not_a_query(text: &SqlText<'_>) -> Option<SqlError> {
    let statements = text.parse(|parser| parser.parse_statements()).ok()?;
    let message = match statements.as_slice() {
        [_, _, ..] => "only SELECT is allowed, and only one",
        [ast::Statement::Query(_)] | [] => return None,
        [_] => "only SELECT is allowed; this is another statement",
    };
    Some(SqlError::new(SqlIssueKind::NotReadOnly, message, None))
}

sql_text!(Query, "a SQL query");

#[cfg(test)]
mod tests {
    use super::*;

    fn names(sql: &str) -> Option<Vec<String>> {
        Some(Query::parse(sql).unwrap().mentioned_names()?.iter().cloned().collect())
    }

    #[test]
    fn names_of_columns_are_found_wherever_they_stand() {
        let sql = "SELECT a, sum(b * 2) FILTER (WHERE c > 0) FROM t JOIN u USING (k) GROUP BY a HAVING max(\"D\") > 1 ORDER BY e";
        let found = names(sql).unwrap();
        for column in ["a", "b", "c", "k", "D", "e"] {
            assert!(found.iter().any(|name| name == column), "{column} is missing in {found:?}");
        }
    }

    #[test]
    fn a_query_that_reads_unnamed_columns_has_no_list() {
        for sql in [
            "SELECT * FROM t",
            "SELECT a, t.* FROM t",
            "SELECT a FROM (SELECT * FROM t) s",
            "WITH s AS (SELECT DISTINCT * FROM t) SELECT a FROM s",
            "SELECT a FROM t NATURAL JOIN u",
            "SELECT a FROM t WHERE EXISTS (SELECT * FROM u)",
        ] {
            assert_eq!(names(sql), None, "{sql}");
        }
    }

    #[test]
    fn counting_rows_and_multiplying_are_no_wildcards() {
        assert!(names("SELECT count(*), a * b FROM t").is_some());
    }

    #[test]
    fn relations_are_those_the_query_does_not_define_itself() {
        let query = Query::parse("WITH s AS (SELECT a FROM t) SELECT a FROM s JOIN \"U\" ON true").unwrap();
        assert_eq!(query.relations().into_iter().collect::<Vec<_>>(), ["U", "t"]);
    }

    #[test]
    fn statements_that_change_data_are_refused() {
        assert!(Query::parse("DELETE FROM t").is_err());
        assert!(Query::parse("WITH s AS (SELECT 1) INSERT INTO t SELECT 1").is_err());
        assert!(Query::parse("SELECT 1; SELECT 2").is_err());
    }
}
