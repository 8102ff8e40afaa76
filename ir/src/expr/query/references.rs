//! How often a query reads its relations.
//!
//! A planner puts the definition of a `WITH` name at every place that uses the name, so what the definition reads is
//! read once per place. Names are taken as unique in the query: where an inner `WITH` hides an outer one of the same
//! name, the uses of both count for both, which overstates them. What a recursive definition reads counts once.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use sqlparser::ast;

use super::{normalize, relation_name};

/// What the outermost query is called among the definitions, none of which has an empty name.
const QUERY: &str = "";

/// How often each relation that the query does not define itself is read.
pub(super) fn count(query: &ast::Query) -> BTreeMap<String, usize> {
    let mut places = Places::default();
    let _ = ast::Visit::visit(query, &mut places);
    let mut known = BTreeMap::from([(QUERY.to_owned(), 1)]);
    let defined: Vec<&String> = places.bodies.iter().map(|(_, name)| name).collect();
    let read = places.named.keys().filter(|name| !defined.contains(name));
    read.map(|name| (name.clone(), places.uses(name, &mut known))).collect()
}

/// Where names of relations stand.
#[derive(Default)]
struct Places {
    /// The definitions seen so far: the address of each query, for comparison only, and its name.
    bodies: Vec<(*const ast::Query, String)>,
    /// The definitions the visit is inside of, innermost last.
    open: Vec<(*const ast::Query, String)>,
    /// For every name, the definitions that use it and how often.
    named: BTreeMap<String, BTreeMap<String, usize>>,
}

impl Places {
    /// How often a name is read, with what is known already.
    fn uses(&self, name: &str, known: &mut BTreeMap<String, usize>) -> usize {
        if let Some(uses) = known.get(name) {
            return *uses;
        }
        // A definition that uses itself finds this.
        known.insert(name.to_owned(), 0);
        let places = self.named.get(name).into_iter().flatten();
        let uses = places.fold(0_usize, |sum, (owner, times)| {
            sum.saturating_add(self.uses(owner, known).saturating_mul(*times))
        });
        known.insert(name.to_owned(), uses);
        uses
    }
}

impl ast::Visitor for Places {
    type Break = ();

    fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
        let body = self.bodies.iter().find(|(body, _)| std::ptr::eq(*body, query));
        self.open.extend(body.cloned());
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.bodies.push((&raw const *cte.query, normalize(&cte.alias.name)));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
        self.open.pop_if(|(body, _)| std::ptr::eq(*body, query));
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ast::ObjectName) -> ControlFlow<()> {
        let owner = self.open.last().map_or(QUERY, |(_, name)| name.as_str()).to_owned();
        *self.named.entry(relation_name(name)).or_default().entry(owner).or_default() += 1;
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Query;

    fn counts(sql: &str) -> Vec<(String, usize)> {
        Query::parse(sql).unwrap().reference_counts().into_iter().collect()
    }

    #[test]
    fn every_place_counts() {
        let sql = "SELECT 1 FROM t x JOIN t y ON x.k = y.k WHERE x.k IN (SELECT k FROM t) AND EXISTS (SELECT 1 FROM u)";
        assert_eq!(counts(sql), [("t".to_owned(), 3), ("u".to_owned(), 1)]);
    }

    #[test]
    fn definitions_multiply_what_they_read() {
        let sql = "WITH a AS (SELECT 1 FROM t JOIN t s ON true), b AS (SELECT 1 FROM a JOIN a c ON true) \
                   SELECT 1 FROM b JOIN b d ON true JOIN t ON true";
        assert_eq!(counts(sql), [("t".to_owned(), 9)]);
        assert_eq!(counts("WITH a AS (SELECT 1 FROM t) SELECT 1"), [("t".to_owned(), 0)]);
    }

    #[test]
    fn a_recursive_definition_counts_once() {
        let sql = "WITH RECURSIVE a AS (SELECT 1 AS n FROM t UNION ALL SELECT n + 1 FROM a WHERE n < 5) SELECT n FROM a";
        assert_eq!(counts(sql), [("t".to_owned(), 1)]);
    }

    #[test]
    fn inner_definitions_belong_to_their_query() {
        let sql = "WITH a AS (WITH b AS (SELECT 1 FROM t) SELECT 1 FROM b JOIN b c ON true) SELECT 1 FROM a JOIN a d ON true";
        assert_eq!(counts(sql), [("t".to_owned(), 4)]);
    }
}
