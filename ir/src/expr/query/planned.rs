//! A query as a planner has to be given it.
//!
//! DataFusion's planner takes less than what a query says. Four things are written out before it sees a query; none
//! of them changes what the query means.
//!
//! * A definition with the name of one around it gets a name of its own, since the planner refuses a second
//!   definition of a name wherever the first is visible. `FROM a` becomes `FROM "a 2" AS a`.
//! * Definitions under WITH RECURSIVE that are not recursive go into parentheses: of a UNION the planner would keep
//!   the two sides and drop ORDER BY, LIMIT and WITH.
//! * Named windows are put where they are used. The planner looks for them in the list of columns only, and takes
//!   a call over a named window elsewhere for a plain aggregate; what a window adds to a named one it drops.
//! * Names after `* EXCLUDE` become names as they are compared: the planner compares them letter by letter.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;

use sqlparser::ast::{
    self, ExcludeSelectItem, Ident, ObjectName, ObjectNamePart, Query, Select, SelectItem, SetExpr,
    TableAlias, TableFactor, WildcardAdditionalOptions,
};

use super::super::windows::Windows;
use super::super::{identifier, normalize, walk};
use super::parts::taken_names;
use super::{plain_name, recursion};

/// Writes out what a planner does not see.
pub(super) fn write_out(query: &mut Query) {
    let names = taken_names(query);
    let mut writer = Writer { frames: Vec::new(), bodies: HashMap::new(), names };
    let _ = walk::visit_mut(query, &mut writer);
}

/// A query the visit is inside of.
struct Frame {
    /// The definition whose body it is.
    body_of: Option<Definition>,
    /// The definitions of its WITH that have been passed, by name.
    passed: HashMap<String, Definition>,
}

#[derive(Clone)]
struct Definition {
    /// The name in the query.
    name: String,
    /// The name for the planner.
    planned: String,
    recursive: bool,
}

struct Writer {
    frames: Vec<Frame>,
    /// The definitions whose bodies come next, by the addresses of the bodies, which are only compared.
    bodies: HashMap<*const Query, Definition>,
    /// The names of relations in the query.
    names: BTreeSet<String>,
}

impl Writer {
    fn is_visible(&self, name: &str) -> bool {
        self.frames.iter().any(|frame| {
            frame.passed.contains_key(name)
                || frame.body_of.as_ref().is_some_and(|body| body.recursive && body.name == name)
        })
    }

    fn definition(&self, name: &str) -> Option<&Definition> {
        self.frames.iter().rev().find_map(|frame| {
            frame
                .passed
                .get(name)
                .or(frame.body_of.as_ref().filter(|body| body.recursive && body.name == name))
        })
    }

    /// A name for a second definition of a name.
    fn free_name(&mut self, name: &str) -> String {
        let numbered = (2_usize..).map(|number| format!("{name} {number}"));
        let free = numbered.into_iter().find(|name| !self.names.contains(name)).unwrap_or_default();
        self.names.insert(free.clone());
        free
    }
}

impl ast::VisitorMut for Writer {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let body_of = self.bodies.remove(&std::ptr::from_ref(&*query));
        self.frames.push(Frame { body_of, passed: HashMap::new() });
        if let (SetExpr::Select(select), Some(order_by)) = (query.body.as_ref(), &mut query.order_by) {
            Windows::of(&select.named_window).put_into(order_by);
        }
        if let Some(with) = &mut query.with {
            let mut own = BTreeSet::new();
            for cte in &mut with.cte_tables {
                let recursive = with.recursive && recursion::reads_itself(cte);
                if with.recursive && !recursive {
                    parenthesize(&mut cte.query);
                }
                let name = normalize(&cte.alias.name);
                // Two definitions of one name in one WITH stay a mistake, which the planner reports.
                let hides = own.insert(name.clone()) && self.is_visible(&name);
                let planned = if hides { self.free_name(&name) } else { name.clone() };
                if hides {
                    cte.alias.name = identifier(&planned);
                }
                self.bodies.insert(&raw const *cte.query, Definition { name, planned, recursive });
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        if let Some(Frame { body_of: Some(definition), .. }) = self.frames.pop()
            && let Some(around) = self.frames.last_mut()
        {
            around.passed.insert(definition.name.clone(), definition);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, alias, .. } = table
            && let Some(plain) = plain_name(name)
            && let Some(definition) = self.definition(&plain)
            && definition.planned != plain
        {
            let written = name.0.first().and_then(|part| part.as_ident()).cloned();
            *name = ObjectName(vec![ObjectNamePart::Identifier(identifier(&definition.planned))]);
            let named = |written| TableAlias { explicit: true, name: written, columns: Vec::new(), at: None };
            *alias = alias.take().or(written.map(named));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        for item in &mut select.projection {
            if let SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) = item {
                normalize_excluded(options);
            }
        }
        let windows = Windows::of(&select.named_window);
        select.named_window.clear();
        windows.put_into(&mut select.projection);
        windows.put_into(&mut select.distinct);
        windows.put_into(&mut select.qualify);
        ControlFlow::Continue(())
    }
}

/// `a UNION b LIMIT 1` becomes `(a UNION b LIMIT 1)`.
fn parenthesize(query: &mut Query) {
    let empty = Query {
        with: None,
        body: Box::new(SetExpr::Values(ast::Values {
            explicit_row: false,
            value_keyword: false,
            rows: Vec::new(),
        })),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: Vec::new(),
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    };
    let whole = std::mem::replace(query, empty);
    *query.body = SetExpr::Query(Box::new(whole));
}

fn normalize_excluded(options: &mut WildcardAdditionalOptions) {
    let compared = |ident: &mut Ident| {
        *ident = Ident { value: normalize(ident), quote_style: Some('"'), span: ident.span };
    };
    let name = |name: &mut ObjectName| {
        for part in &mut name.0 {
            if let ObjectNamePart::Identifier(ident) = part {
                compared(ident);
            }
        }
    };
    match &mut options.opt_exclude {
        Some(ExcludeSelectItem::Single(excluded)) => name(excluded),
        Some(ExcludeSelectItem::Multiple(excluded)) => excluded.iter_mut().for_each(name),
        None => {}
    }
    if let Some(except) = &mut options.opt_except {
        std::iter::once(&mut except.first_element).chain(&mut except.additional_elements).for_each(compared);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Query;

    fn planned(sql: &str) -> String {
        Query::parse(sql).unwrap().planned().to_string()
    }

    #[test]
    fn hiding_definitions_get_names_of_their_own() {
        assert_eq!(
            planned(
                "WITH a AS (SELECT 1 AS x) SELECT a.x FROM (WITH a AS (SELECT 2 AS x FROM a) SELECT * FROM a) AS a"
            ),
            "WITH a AS (SELECT 1 AS x) SELECT a.x FROM \
             (WITH \"a 2\" AS (SELECT 2 AS x FROM a) SELECT * FROM \"a 2\" AS a) AS a"
        );
        let same = "WITH a AS (SELECT * FROM a), b AS (SELECT * FROM a) SELECT * FROM b JOIN a AS c ON true";
        assert_eq!(planned(same), same);
        let beside = "SELECT 1 FROM (WITH a AS (SELECT 1) SELECT * FROM a) AS x, (WITH a AS (SELECT 2) SELECT * FROM a) AS y";
        assert_eq!(planned(beside), beside);
    }

    #[test]
    fn names_that_are_taken_are_not_given() {
        assert_eq!(
            planned(
                "WITH a AS (SELECT 1) SELECT * FROM \"a 2\", (WITH a AS (SELECT 2) SELECT * FROM a AS b) AS c"
            ),
            "WITH a AS (SELECT 1) SELECT * FROM \"a 2\", \
             (WITH \"a 3\" AS (SELECT 2) SELECT * FROM \"a 3\" AS b) AS c"
        );
    }

    #[test]
    fn what_is_not_recursive_is_planned_whole() {
        assert_eq!(
            planned(
                "WITH RECURSIVE a AS (SELECT 1 AS x UNION ALL SELECT 2 ORDER BY x LIMIT 1) SELECT x FROM a"
            ),
            "WITH RECURSIVE a AS ((SELECT 1 AS x UNION ALL SELECT 2 ORDER BY x LIMIT 1)) SELECT x FROM a"
        );
        let recursive =
            "WITH RECURSIVE a AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM a WHERE x < 3) SELECT x FROM a";
        assert_eq!(planned(recursive), recursive);
    }

    #[test]
    fn named_windows_are_put_where_they_are_used() {
        assert_eq!(
            planned(
                "SELECT sum(a) OVER w FROM t WINDOW w AS (PARTITION BY b) QUALIFY max(a) OVER (w ORDER BY c) > 1 ORDER BY min(a) OVER w"
            ),
            "SELECT sum(a) OVER (PARTITION BY b) FROM t QUALIFY max(a) OVER (PARTITION BY b ORDER BY c) > 1 \
             ORDER BY min(a) OVER (PARTITION BY b)"
        );
    }

    #[test]
    fn excluded_names_are_written_as_they_are_compared() {
        assert_eq!(
            planned("SELECT * EXCLUDE (Id, \"Id\") FROM t"),
            "SELECT * EXCLUDE (\"id\", \"Id\") FROM t"
        );
        assert_eq!(planned("SELECT t.* EXCEPT (A) FROM t"), "SELECT t.* EXCEPT (\"a\") FROM t");
    }
}
