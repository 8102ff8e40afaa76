//! Which relation a name in a query means.
//!
//! A name in FROM means the innermost definition of that name whose WITH encloses the place, and otherwise a relation
//! from outside: a view or an input. A definition does not see itself or what comes after it, so
//! `WITH orders AS (SELECT * FROM orders)` reads the table `orders` once, in the definition. Only under
//! WITH RECURSIVE a definition sees itself.
//!
//! A planner puts a definition at every place that names it, so what a definition reads is read once per place. What
//! a recursive definition reads counts once for every place that names the definition from outside.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;

use sqlparser::ast::{self, ObjectName, Query, Spanned as _};
use sqlparser::tokenizer::Span;

use super::super::{normalize, walk};
use super::{plain_name, relation_name};

/// A relation from outside that a query names.
pub(super) struct Outside {
    /// Where the query names it first.
    pub(super) span: Span,
    /// How often it is read when the query is planned.
    pub(super) reads: usize,
}

/// The relations from outside that a query names, by name.
pub(super) fn outside(query: &Query) -> BTreeMap<String, Outside> {
    visited(query, 1).finish().0
}

/// The same, and how often each definition is read, by its number ([`FIRST_DEFINITION`]), when a subquery that values are
/// compared with may be computed this many times.
pub(super) fn at_most(query: &Query, times: usize) -> (BTreeMap<String, Outside>, Vec<usize>) {
    visited(query, times).finish()
}

fn visited(query: &Query, times: usize) -> Lookup {
    let mut lookup = Lookup { definitions: FIRST_DEFINITION, times_compared: times, ..Lookup::default() };
    let _ = walk::visit(query, &mut lookup);
    lookup
}

/// The subquery that values are compared with in an expression, by `IN`, `ANY` or `ALL`.
pub(super) fn compared_with(expr: &ast::Expr) -> Option<&Query> {
    match expr {
        ast::Expr::InSubquery { subquery, .. } => Some(subquery),
        ast::Expr::AnyOp { right, .. } | ast::Expr::AllOp { right, .. } => match right.as_ref() {
            ast::Expr::Subquery(subquery) => Some(subquery),
            _ => None,
        },
        _ => None,
    }
}

/// The query itself or one of its definitions, by its number.
type Owner = usize;

/// The query itself, as the owner of names.
const QUERY: Owner = 0;

/// The number of the first definition. Those of one WITH are numbered one after the other when the visit comes to it.
pub(super) const FIRST_DEFINITION: Owner = QUERY + 1;

/// A definition that can be named.
#[derive(Clone)]
struct Definition {
    name: String,
    owner: Owner,
    recursive: bool,
}

/// A query the visit is inside of.
struct Frame {
    /// The definition whose body the query is.
    body_of: Option<Definition>,
    /// The definitions of the query's WITH that have been passed, by name.
    passed: HashMap<String, Definition>,
}

/// The visit.
#[derive(Default)]
struct Lookup {
    /// The queries around the place of the visit, outermost first.
    frames: Vec<Frame>,
    /// The definitions whose bodies come next, by the addresses of the bodies, which are only compared.
    bodies: HashMap<*const Query, Definition>,
    /// How many definitions there are, the query itself included.
    definitions: Owner,
    /// How often a subquery is computed that values are compared with.
    times_compared: usize,
    /// Those that come next, by their addresses, and how many of them the visit is inside of.
    compared: (HashSet<*const Query>, Vec<*const Query>),
    /// Definitions in the order in which their bodies ended: what names a definition ends after it.
    ended: Vec<Owner>,
    /// How often each owner names a definition.
    uses: HashMap<Owner, BTreeMap<Owner, usize>>,
    /// How often each owner names a relation from outside, and where it is named first.
    outside: BTreeMap<String, (Span, BTreeMap<Owner, usize>)>,
}

impl Lookup {
    /// The definition a name means at the place of the visit.
    fn definition(&self, name: &str) -> Option<Owner> {
        self.frames.iter().rev().find_map(|frame| {
            let itself = frame.body_of.as_ref().filter(|body| body.recursive);
            frame
                .passed
                .get(name)
                .or(itself.filter(|body| body.name == name))
                .map(|definition| definition.owner)
        })
    }

    /// The definition the visit is inside of.
    fn owner(&self) -> Owner {
        self.frames.iter().rev().find_map(|frame| frame.body_of.as_ref()).map_or(QUERY, |body| body.owner)
    }

    /// How often what is named here is read each time the owner is computed.
    fn weight(&self) -> usize {
        if self.compared.1.is_empty() { 1 } else { self.times_compared }
    }

    fn finish(self) -> (BTreeMap<String, Outside>, Vec<usize>) {
        let mut times = vec![0_usize; self.definitions];
        if let Some(query) = times.get_mut(QUERY) {
            *query = 1;
        }
        let sum = |times: &[usize], uses: &BTreeMap<Owner, usize>| {
            uses.iter().fold(0_usize, |sum, (owner, uses)| {
                sum.saturating_add(times.get(*owner).unwrap_or(&0).saturating_mul(*uses))
            })
        };
        for definition in self.ended.iter().rev() {
            let uses = self.uses.get(definition).map_or(0, |uses| sum(&times, uses));
            if let Some(times) = times.get_mut(*definition) {
                *times = uses;
            }
        }
        let reads = |(name, (span, uses)): (String, (Span, BTreeMap<Owner, usize>))| {
            (name, Outside { span, reads: sum(&times, &uses) })
        };
        let outside = self.outside.into_iter().map(reads).collect();
        (outside, times)
    }
}

impl ast::Visitor for Lookup {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let address = std::ptr::from_ref(query);
        if self.compared.0.remove(&address) {
            self.compared.1.push(address);
        }
        let body_of = self.bodies.remove(&address);
        self.frames.push(Frame { body_of, passed: HashMap::new() });
        if let Some(with) = &query.with {
            for cte in &with.cte_tables {
                let name = normalize(&cte.alias.name);
                let definition = Definition { name, owner: self.definitions, recursive: with.recursive };
                self.definitions += 1;
                self.bodies.insert(&raw const *cte.query, definition);
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.compared.1.pop_if(|address| std::ptr::eq(*address, query));
        if let Some(Frame { body_of: Some(definition), .. }) = self.frames.pop() {
            self.ended.push(definition.owner);
            if let Some(around) = self.frames.last_mut() {
                around.passed.insert(definition.name.clone(), definition);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &ast::Expr) -> ControlFlow<()> {
        self.compared.0.extend(compared_with(expr).map(std::ptr::from_ref));
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
        let owner = self.owner();
        let weight = self.weight();
        match plain_name(name).and_then(|name| self.definition(&name)) {
            // What a recursive definition reads of itself is not planned again.
            Some(definition) if self.is_inside(definition) => {}
            Some(definition) => {
                *self.uses.entry(definition).or_default().entry(owner).or_default() += weight;
            }
            None => {
                let span = name.span();
                let (_, uses) =
                    self.outside.entry(relation_name(name)).or_insert_with(|| (span, BTreeMap::new()));
                *uses.entry(owner).or_default() += weight;
            }
        }
        ControlFlow::Continue(())
    }
}

impl Lookup {
    /// Whether the visit is inside of the body of a definition.
    fn is_inside(&self, definition: Owner) -> bool {
        self.frames.iter().any(|frame| frame.body_of.as_ref().is_some_and(|body| body.owner == definition))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Query;

    fn reads(sql: &str) -> Vec<(String, usize)> {
        let query = Query::parse(sql).unwrap();
        let counts: Vec<_> = query.reference_counts().clone().into_iter().collect();
        let names: Vec<String> = counts.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(query.relations().into_iter().collect::<Vec<_>>(), names, "{sql}");
        counts
    }

    fn counted(expected: &[(&str, usize)]) -> Vec<(String, usize)> {
        expected.iter().map(|(name, times)| ((*name).to_owned(), *times)).collect()
    }

    #[test]
    fn every_place_counts() {
        let sql = "SELECT 1 FROM t x JOIN t y ON x.k = y.k WHERE x.k IN (SELECT k FROM t) AND EXISTS (SELECT 1 FROM u)";
        assert_eq!(reads(sql), counted(&[("t", 3), ("u", 1)]));
    }

    #[test]
    fn definitions_multiply_what_they_read() {
        let sql = "WITH a AS (SELECT 1 FROM t JOIN t s ON true), b AS (SELECT 1 FROM a JOIN a c ON true) \
                   SELECT 1 FROM b JOIN b d ON true JOIN t ON true";
        assert_eq!(reads(sql), counted(&[("t", 9)]));
        assert_eq!(reads("WITH a AS (SELECT 1 FROM t) SELECT 1"), counted(&[("t", 0)]));
    }

    #[test]
    fn a_definition_does_not_see_itself() {
        let sql = "WITH orders AS (SELECT * FROM orders WHERE a > 1) SELECT * FROM orders";
        assert_eq!(reads(sql), counted(&[("orders", 1)]));
        let chained = "WITH orders AS (SELECT * FROM orders), customers AS (SELECT * FROM customers), \
                       both_of_them AS (SELECT 1 FROM orders JOIN customers ON true) SELECT * FROM both_of_them";
        assert_eq!(reads(chained), counted(&[("customers", 1), ("orders", 1)]));
    }

    #[test]
    fn a_definition_does_not_see_what_comes_after_it() {
        let sql = "WITH a AS (SELECT * FROM b), b AS (SELECT * FROM t) SELECT * FROM a JOIN b ON true";
        assert_eq!(reads(sql), counted(&[("b", 1), ("t", 1)]));
    }

    #[test]
    fn the_innermost_definition_is_meant() {
        let sql = "WITH a AS (SELECT * FROM t) \
                   SELECT * FROM (WITH a AS (SELECT * FROM u) SELECT * FROM a) AS x JOIN a ON true";
        assert_eq!(reads(sql), counted(&[("t", 1), ("u", 1)]));
        let outer = "WITH a AS (WITH a AS (SELECT * FROM a) SELECT * FROM a) SELECT * FROM a";
        assert_eq!(reads(outer), counted(&[("a", 1)]));
    }

    #[test]
    fn a_definition_ends_with_its_query() {
        let sql = "SELECT * FROM (WITH a AS (SELECT * FROM t) SELECT * FROM a) AS x JOIN a ON true";
        assert_eq!(reads(sql), counted(&[("a", 1), ("t", 1)]));
        let union = "(WITH a AS (SELECT 1 FROM t) SELECT * FROM a) UNION ALL SELECT * FROM a";
        assert_eq!(reads(union), counted(&[("a", 1), ("t", 1)]));
    }

    #[test]
    fn definitions_are_seen_in_subqueries() {
        let sql = "WITH t AS (SELECT 1 AS k FROM u) SELECT (SELECT max(k) FROM t) FROM t WHERE k IN (SELECT k FROM t)";
        assert_eq!(reads(sql), counted(&[("u", 3)]));
    }

    #[test]
    fn names_are_compared_as_they_are_looked_up() {
        assert_eq!(reads("WITH T AS (SELECT 1 FROM u) SELECT * FROM t"), counted(&[("u", 1)]));
        assert_eq!(reads("WITH \"T\" AS (SELECT 1 FROM u) SELECT * FROM t"), counted(&[("t", 1), ("u", 0)]));
        assert_eq!(
            reads("WITH \"a.b\" AS (SELECT 1 FROM u) SELECT * FROM a.b"),
            counted(&[("a.b", 1), ("u", 0)])
        );
    }

    #[test]
    fn a_recursive_definition_sees_itself_and_counts_once() {
        let sql = "WITH RECURSIVE a AS (SELECT 1 AS n FROM t UNION ALL SELECT n + 1 FROM a WHERE n < 5) SELECT n FROM a";
        assert_eq!(reads(sql), counted(&[("t", 1)]));
    }

    #[test]
    fn inner_definitions_belong_to_their_query() {
        let sql = "WITH a AS (WITH b AS (SELECT 1 FROM t) SELECT 1 FROM b JOIN b c ON true) SELECT 1 FROM a JOIN a d ON true";
        assert_eq!(reads(sql), counted(&[("t", 4)]));
    }
}
