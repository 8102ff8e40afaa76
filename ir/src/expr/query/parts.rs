//! Parts of a query that are computed more than once.
//!
//! A planner puts a definition of WITH at every place that names it, and a subquery that values are compared with may be
//! computed several times ([`TIMES_COMPARED`]). Where that may give other rows, the part has to become a relation of its
//! own: [`Part::alone`] is the query that gives its rows, and [`Query::reading`] the rest, which reads them from a
//! relation.
//!
//! ```text
//! WITH a AS (SELECT ...), b AS (SELECT ... FROM a) SELECT ... FROM b x JOIN b y ...
//! alone: WITH a AS (SELECT ...), b AS (SELECT ... FROM a) SELECT * FROM b
//! rest:  WITH b AS (SELECT * FROM "b 2") SELECT ... FROM b x JOIN b y ...
//! ```

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;

use sqlparser::ast::{self, Ident, SetExpr, With};

use super::super::{identifier, normalize, walk};
use super::scopes::{self, FIRST_DEFINITION, compared_with};
use super::{Query, TIMES_COMPARED, recursion};

/// A part of a query that may be computed more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which query it is in the order of a visit.
    number: usize,
    /// The name of the definition; nothing for a subquery that values are compared with.
    pub definition: Option<String>,
    /// The rows of the part, as a query of their own. Nothing where it belongs to a recursive definition, which is
    /// computed round by round.
    pub alone: Option<Query>,
}

impl Query {
    /// The definitions and compared subqueries that may be computed more than once, those that others read first.
    #[must_use]
    pub fn repeated_parts(&self) -> Vec<Part> {
        let (_, reads) = scopes::at_most(self.ast(), TIMES_COMPARED);
        let mut search =
            Search { definitions: FIRST_DEFINITION, reads, parts: Vec::new(), ..Search::default() };
        let _ = walk::visit(self.ast(), &mut search);
        search.parts
    }

    /// The query that reads the rows of one of its [`Self::repeated_parts`] from a relation. Nothing where that cannot
    /// be written.
    #[must_use]
    pub fn reading(&self, part: &Part, relation: &str) -> Option<Self> {
        let mut query = self.ast().clone();
        let mut replacement = Replacement { visited: 0, number: part.number, by: Some(all_of(relation)?) };
        let _ = walk::visit_mut(&mut query, &mut replacement);
        canonical(query)
    }

    /// A name like this one that nothing in the query has.
    #[must_use]
    pub fn free_relation_name(&self, like: &str) -> String {
        let taken = taken_names(self.ast());
        let numbered = (2_usize..).map(|number| format!("{like} {number}"));
        std::iter::once(like.to_owned())
            .chain(numbered)
            .find(|name| !taken.contains(name))
            .unwrap_or_default()
    }
}

/// Everything in the query that is the name of a relation.
pub(super) fn taken_names(query: &ast::Query) -> BTreeSet<String> {
    struct Names(BTreeSet<String>);
    impl ast::Visitor for Names {
        type Break = ();
        fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
            let definitions = query.with.iter().flat_map(|with| &with.cte_tables);
            self.0.extend(definitions.map(|cte| normalize(&cte.alias.name)));
            ControlFlow::Continue(())
        }
        fn pre_visit_relation(&mut self, name: &ast::ObjectName) -> ControlFlow<()> {
            self.0.extend(super::plain_name(name));
            ControlFlow::Continue(())
        }
    }
    let mut names = Names(BTreeSet::new());
    let _ = walk::visit(query, &mut names);
    names.0
}

/// The query without definitions that nobody reads, as it is read from its text.
fn canonical(mut query: ast::Query) -> Option<Query> {
    let (_, reads) = scopes::at_most(&query, 1);
    let mut removal = Removal { definitions: FIRST_DEFINITION, reads, frames: Vec::new() };
    let _ = walk::visit_mut(&mut query, &mut removal);
    Query::parse(&query.to_string()).ok()
}

/// `SELECT * FROM relation`.
fn all_of(relation: &str) -> Option<ast::Query> {
    let relation = Ident::with_quote('"', &identifier(relation).value);
    Some(Query::parse(&format!("SELECT * FROM {relation}")).ok()?.ast().clone())
}

/// `WITH ... (query)`.
fn within(with: With, query: ast::Query) -> Option<ast::Query> {
    let mut around = all_of("t")?;
    around.with = Some(with);
    *around.body = SetExpr::Query(Box::new(query));
    Some(around)
}

/// A query the visit is inside of.
struct Frame {
    with: Option<With>,
    /// How many definitions of its WITH have been passed.
    passed: usize,
    /// The number of the first of them among all definitions.
    first: usize,
    /// Whether it is the body of a definition.
    is_body: bool,
    /// Whether it is the body of a definition that reads itself.
    is_recursive: bool,
}

#[derive(Default)]
struct Search {
    /// The queries around the place of the visit, outermost first.
    frames: Vec<Frame>,
    /// The definitions and the compared subqueries that come next, by their addresses, which are only compared.
    bodies: HashMap<*const ast::Query, bool>,
    compared: HashSet<*const ast::Query>,
    /// How many queries and definitions the visit has come to.
    visited: usize,
    definitions: usize,
    /// How often each definition is read.
    reads: Vec<usize>,
    parts: Vec<Part>,
}

impl Search {
    /// A query with all definitions around it that have been passed.
    fn alone(&self, frames: &[Frame], query: ast::Query) -> Option<Query> {
        let mut query = query;
        for frame in frames.iter().rev() {
            let Some(mut with) = frame.with.clone().filter(|_| frame.passed > 0) else { continue };
            with.cte_tables.truncate(frame.passed);
            query = within(with, query)?;
        }
        canonical(query)
    }

    /// The definition whose body comes next.
    fn definition(&mut self) {
        let Some((around, frames)) = self.frames.split_last() else { return };
        let position = around.passed;
        let Some(cte) = around.with.as_ref().and_then(|with| with.cte_tables.get(position)) else { return };
        let name = normalize(&cte.alias.name);
        let reads = self.reads.get(around.first.saturating_add(position)).copied().unwrap_or_default();
        if reads < 2 {
            return;
        }
        let own = || {
            let mut own = all_of(&name)?;
            let mut with = around.with.clone()?;
            with.cte_tables.truncate(position.saturating_add(1));
            own.with = Some(with);
            self.alone(frames, own)
        };
        let alone = if self.frames.iter().any(|frame| frame.is_recursive) { None } else { own() };
        self.parts.push(Part { number: self.visited, definition: Some(name), alone });
    }

    fn comparison(&mut self, query: &ast::Query) {
        let alone = || self.alone(&self.frames, query.clone());
        let alone = if self.frames.iter().any(|frame| frame.is_recursive) { None } else { alone() };
        self.parts.push(Part { number: self.visited, definition: None, alone });
    }
}

impl ast::Visitor for Search {
    type Break = ();

    fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
        let address = std::ptr::from_ref(query);
        let body = self.bodies.remove(&address);
        if body.is_some() {
            self.definition();
        } else if self.compared.remove(&address) {
            self.comparison(query);
        }
        self.visited += 1;
        let is_recursive = body == Some(true);
        let first = self.definitions;
        self.frames.push(Frame {
            with: query.with.clone(),
            passed: 0,
            first,
            is_body: body.is_some(),
            is_recursive,
        });
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            let recursive =
                query.with.as_ref().is_some_and(|with| with.recursive) && recursion::reads_itself(cte);
            self.bodies.insert(&raw const *cte.query, recursive);
            self.definitions += 1;
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &ast::Query) -> ControlFlow<()> {
        if self.frames.pop().is_some_and(|frame| frame.is_body)
            && let Some(around) = self.frames.last_mut()
        {
            around.passed += 1;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &ast::Expr) -> ControlFlow<()> {
        self.compared.extend(compared_with(expr).map(std::ptr::from_ref));
        ControlFlow::Continue(())
    }
}

/// Puts a query in the place of one of those inside.
struct Replacement {
    visited: usize,
    number: usize,
    by: Option<ast::Query>,
}

impl ast::VisitorMut for Replacement {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut ast::Query) -> ControlFlow<()> {
        if self.visited == self.number
            && let Some(by) = self.by.take()
        {
            *query = by;
        }
        self.visited += 1;
        ControlFlow::Continue(())
    }
}

/// Removes definitions that nobody reads.
struct Removal {
    definitions: usize,
    reads: Vec<usize>,
    /// The number of the first definition of each query around the place of the visit.
    frames: Vec<usize>,
}

impl ast::VisitorMut for Removal {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut ast::Query) -> ControlFlow<()> {
        self.frames.push(self.definitions);
        self.definitions += query.with.as_ref().map_or(0, |with| with.cte_tables.len());
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut ast::Query) -> ControlFlow<()> {
        let (Some(mut number), Some(with)) = (self.frames.pop(), &mut query.with) else {
            return ControlFlow::Continue(());
        };
        with.cte_tables.retain(|_| {
            let is_read = self.reads.get(number).is_none_or(|reads| *reads > 0);
            number += 1;
            is_read
        });
        if with.cte_tables.is_empty() {
            query.with = None;
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Query;

    /// The parts of a query: name, what is computed alone, and the rest that reads it from `r`.
    fn parts(sql: &str) -> Vec<(String, String, String)> {
        let query = Query::parse(sql).unwrap();
        let part = |part: super::Part| {
            let text =
                |query: Option<Query>| query.map_or_else(|| "none".to_owned(), |query| query.to_string());
            let rest = query.reading(&part, "r");
            (part.definition.unwrap_or_default(), text(part.alone), text(rest))
        };
        query.repeated_parts().into_iter().map(part).collect()
    }

    fn owned(expected: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
        let owned = |(name, alone, rest): &(&str, &str, &str)| {
            ((*name).to_owned(), (*alone).to_owned(), (*rest).to_owned())
        };
        expected.iter().map(owned).collect()
    }

    #[test]
    fn a_definition_is_cut_out_with_what_it_reads() {
        let sql = "WITH a AS (SELECT x FROM t), b (y) AS (SELECT x FROM a), c AS (SELECT 1) \
                   SELECT p.y FROM b AS p JOIN b AS q ON p.y = q.y";
        let a = (
            "a",
            "WITH a AS (SELECT x FROM t) SELECT * FROM \"a\"",
            "WITH a AS (SELECT * FROM \"r\"), b (y) AS (SELECT x FROM a) SELECT p.y FROM b AS p JOIN b AS q ON p.y = q.y",
        );
        let b = (
            "b",
            "WITH a AS (SELECT x FROM t), b (y) AS (SELECT x FROM a) SELECT * FROM \"b\"",
            "WITH b (y) AS (SELECT * FROM \"r\") SELECT p.y FROM b AS p JOIN b AS q ON p.y = q.y",
        );
        assert_eq!(parts(sql), owned(&[a, b]));
    }

    #[test]
    fn what_is_computed_once_is_no_part() {
        let once = "WITH a AS (SELECT x FROM t), b AS (SELECT x FROM a) SELECT x FROM b WHERE EXISTS (SELECT 1 FROM u)";
        assert_eq!(parts(once), []);
        assert_eq!(parts("SELECT x FROM t JOIN t AS s ON true WHERE x = (SELECT max(x) FROM t)"), []);
    }

    #[test]
    fn names_keep_their_scopes() {
        let sql = "WITH t AS (SELECT x FROM t) SELECT 1 FROM t JOIN (WITH t AS (SELECT x FROM t) SELECT 1 FROM t JOIN t AS s ON true) AS q ON true";
        let found = parts(sql);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0].1, "WITH t AS (SELECT x FROM t) SELECT * FROM \"t\"");
        assert_eq!(
            found[1].1,
            "WITH t AS (SELECT x FROM t) (WITH t AS (SELECT x FROM t) SELECT * FROM \"t\")"
        );
        assert_eq!(
            found[1].2,
            "WITH t AS (SELECT x FROM t) SELECT 1 FROM t JOIN (WITH t AS (SELECT * FROM \"r\") SELECT 1 FROM t JOIN t AS s ON true) AS q ON true"
        );
    }

    #[test]
    fn compared_subqueries_are_parts() {
        let sql = "WITH a AS (SELECT x FROM t) SELECT x IN (SELECT x FROM a LIMIT 3) FROM u";
        let found = parts(sql);
        let names: Vec<&str> = found.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(names, ["a", ""]);
        assert_eq!(found[1].1, "WITH a AS (SELECT x FROM t) (SELECT x FROM a LIMIT 3)");
        assert_eq!(found[1].2, "SELECT x IN (SELECT * FROM \"r\") FROM u");
        assert_eq!(
            parts("SELECT 1 FROM t WHERE x > ALL (SELECT y FROM u) OR x = ANY (SELECT y FROM u)").len(),
            2
        );
    }

    #[test]
    fn recursive_definitions_are_cut_out_whole() {
        let sql = "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a WHERE n < 4) SELECT 1 FROM a JOIN a AS b ON true";
        let [(_, alone, rest)] = &parts(sql)[..] else { panic!("one part") };
        assert_eq!(
            alone,
            "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a WHERE n < 4) SELECT * FROM \"a\""
        );
        assert_eq!(rest, "WITH RECURSIVE a AS (SELECT * FROM \"r\") SELECT 1 FROM a JOIN a AS b ON true");
        let inside = "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a WHERE n NOT IN (SELECT y FROM u)) SELECT n FROM a";
        assert_eq!(parts(inside).first().map(|part| part.1.as_str()), Some("none"));
    }

    #[test]
    fn new_names_are_free() {
        let query = Query::parse("WITH a AS (SELECT 1) SELECT * FROM a, \"a 2\"").unwrap();
        assert_eq!(query.free_relation_name("a"), "a 3");
        assert_eq!(query.free_relation_name("b"), "b");
    }
}
