//! Random specs over a view that gives other rows each time it is computed: all outputs of a run must have been made of
//! the same rows of it.
//!
//! The view gives pairs `(id, r)`: a sample, row numbers among equal keys, random numbers. Everything above keeps pairs or
//! drops them, by chance too, so that every pair of every output must be among those of the view, which is an output
//! itself, and outputs of one view must be equal. A view that would read two computations of something makes up a pair.
//! The cache policy is random too: no wish may make outputs disagree.

use std::collections::BTreeMap;

use libtest_mimic::Trial;

use super::{RandomSpec, home};
use crate::harness::{compile_text, execute, read_sql, session, trial};
use crate::semantics::planned;

/// How many specs are tried.
const SPECS: u64 = 40;

/// Views that need not give the same rows twice.
const VIEWS: [&str; 11] = [
    "{kind: Project, source: items, columns: [id, {name: r, expr: random()}]}",
    "{kind: Project, source: items, columns: [id, {name: r, expr: \"CAST(random() * 9 AS BIGINT)\"}]}",
    "{kind: Sql, query: \"SELECT id, g AS r FROM items LIMIT 9\"}",
    "{kind: Sql, query: \"SELECT id, g AS r FROM items ORDER BY g LIMIT 9\"}",
    "{kind: Sql, query: \"SELECT id, row_number() OVER (ORDER BY g) AS r FROM items\"}",
    "{kind: Window, source: items, columns: [{name: r, expr: \"lag(id) OVER (ORDER BY g)\"}]}",
    "{kind: Sql, query: \"SELECT first_value(id) AS id, g AS r FROM items GROUP BY g\"}",
    "{kind: Sql, query: \"SELECT DISTINCT ON (g) id, g AS r FROM items ORDER BY g\"}",
    "{kind: Sql, query: \"SELECT id, g AS r FROM items WHERE id IN (SELECT id FROM items WHERE random() < 0.5)\"}",
    "{kind: Sql, query: \"SELECT max(id) AS id, count(*) AS r FROM items GROUP BY CAST(random() * 5 AS BIGINT)\"}",
    "{kind: Sql, query: \"WITH s AS (SELECT id, random() AS r FROM items) SELECT id, r FROM s WHERE r < 0.7\"}",
];

pub(super) fn trials() -> Vec<Trial> {
    (0..SPECS).map(|seed| trial(format!("random::agreement::{seed:02}"), move || check(seed))).collect()
}

fn check(seed: u64) {
    let (text, sources) =
        yaml(&mut RandomSpec { views: Vec::new(), outputs: Vec::new(), state: seed ^ 0x5eed });
    let session = session(3, 4);
    let compiled = compile_text(&text, "random.yaml", "random", home(), &session);
    let errors: Vec<String> =
        compiled.diagnostics.iter().filter(|d| d.is_error()).map(ToString::to_string).collect();
    assert!(errors.is_empty(), "seed {seed}: {}\n{text}", errors.join("\n"));
    let after = |pass: &str| {
        let stage = compiled.stages.iter().find(|stage| stage.pass.name == pass);
        stage.unwrap_or_else(|| panic!("there is no pass {pass}")).graph.clone()
    };
    let core = after("desugar");
    let cache = core.cache.clone();
    for (graph, how) in
        [(after("schedule"), "with all passes"), (planned(core, cache, &session), "without rewriting")]
    {
        let execution = execute(&graph, home(), &session);
        let none_but = |one: &str, other: &str| {
            let query = format!(
                "SELECT count(*) AS strangers FROM {one} x LEFT ANTI JOIN {other} y ON x.id = y.id AND x.r IS NOT DISTINCT FROM y.r"
            );
            let strangers = read_sql(&query, &execution.published);
            let rows = [vec!["0".to_owned()]];
            assert_eq!(
                strangers.rows, rows,
                "{one} has rows that {other} has not {how} (seed {seed})\n{text}"
            );
        };
        for (output, source) in &sources {
            none_but(output, "o");
            for (other, _) in sources.iter().filter(|(other, same)| same == source && other != output) {
                none_but(output, other);
            }
        }
    }
}

/// A random spec over one of the views, and the views of its outputs. Output `o` is the first view itself.
fn yaml(random: &mut RandomSpec) -> (String, Vec<(String, String)>) {
    let mut views: BTreeMap<String, String> = BTreeMap::new();
    let base = VIEWS[random.below(VIEWS.len())];
    views.insert("v0".to_owned(), base.to_owned());
    let mut pairs = vec!["v0".to_owned()];
    for number in 1..=3 + random.below(6) {
        let name = format!("v{number}");
        let transform = keeping_pairs(random, &pairs);
        views.insert(name.clone(), transform);
        pairs.push(name);
    }
    let mut text =
        "version: 4\ninput_relations:\n  - {logical_name: items, delta_location: tables/items}\n".to_owned();
    text.push_str("view_definitions:\n");
    for (name, transform) in &views {
        text.push_str(&format!("  - name: {name}\n    transform: {transform}\n"));
    }
    text.push_str("output_targets:\n  - {table_name: o, source_view: v0, columns: [id, r]}\n");
    let mut sources = Vec::new();
    for number in 0..2 + random.below(3) {
        let mut source = &pairs[random.below(pairs.len())];
        if let Some((_, before)) = sources.last().filter(|_| random.below(2) == 0) {
            source = before;
        }
        let columns = ["[id, r]", "[r, id]"][random.below(2)];
        text.push_str(&format!("  - {{table_name: o{number}, source_view: {source}, columns: {columns}}}\n"));
        sources.push((format!("o{number}"), source.clone()));
    }
    text.push_str(&policy(random, &pairs));
    (text, sources)
}

/// A transform that keeps pairs of the views or drops them.
fn keeping_pairs(random: &mut RandomSpec, views: &[String]) -> String {
    let recent = views.len() - 1 - random.below(views.len().min(3));
    let source = &views[recent];
    let other = &views[random.below(views.len())];
    let number = random.below(9);
    match random.below(13) {
        8 => format!("{{kind: Filter, source: {source}, predicate: \"random() BETWEEN 0.1 AND 0.9\"}}"),
        9 => format!("{{kind: Sql, query: \"SELECT id, r FROM {source} LIMIT 6\"}}"),
        10 => format!(
            "{{kind: Sql, query: \"WITH s AS (SELECT id, r FROM {source} WHERE random() < 0.5) SELECT id, r FROM s UNION ALL \
             SELECT -1 - id, r FROM s WHERE id NOT IN (SELECT id FROM s)\"}}"
        ),
        11 => format!(
            "{{kind: Sql, query: \"WITH s AS (SELECT id, random() AS x FROM {source}), t AS (SELECT id, x FROM s WHERE x < 0.5) \
             SELECT id, r FROM {other} UNION SELECT -1 - t.id, r FROM t JOIN {other} o ON o.id = t.id WHERE NOT EXISTS (SELECT 1 \
             FROM s WHERE s.id = t.id AND s.x = t.x)\"}}"
        ),
        0 => format!("{{kind: Filter, source: {source}, predicate: \"id > {number}\"}}"),
        1 => format!("{{kind: Filter, source: {source}, predicate: \"r > {number} OR r < 0.5\"}}"),
        2 => format!("{{kind: Project, source: {source}, columns: [r, id]}}"),
        3 => format!("{{kind: Project, source: {source}}}"),
        4 => format!(
            "{{kind: Sql, query: \"SELECT a.id, b.r FROM {source} a JOIN {source} b ON a.id = b.id AND a.r = b.r\"}}"
        ),
        5 => format!(
            "{{kind: Relate, left: {source}, right: items, join_type: Inner, on: [{{left: id, right: id}}], \
             select: [left.id, left.r]}}"
        ),
        6 if source != other => {
            format!("{{kind: Sql, query: \"SELECT id, r FROM {source} UNION SELECT id, r FROM {other}\"}}")
        }
        7 => format!(
            "{{kind: Aggregate, source: {source}, group_by: [id, r], aggregations: [{{function: count, alias: n}}]}}"
        ),
        _ => format!(
            "{{kind: Sql, query: \"WITH s AS (SELECT id, r FROM {source}) SELECT a.id, a.r FROM s a WHERE a.id IN (SELECT id FROM s)\"}}"
        ),
    }
}

fn policy(random: &mut RandomSpec, views: &[String]) -> String {
    let first = &views[random.below(views.len())];
    match random.below(6) {
        0 => String::new(),
        1 => "cache_policy: {min_fanout: 9}\n".to_owned(),
        2 => "cache_policy: {min_estimated_rows: 1000000}\n".to_owned(),
        3 => format!("cache_policy: {{overrides: [{{view_name: {first}, action: ForceCache}}]}}\n"),
        4 => {
            let never = views.iter().map(|view| format!("{{view_name: {view}, action: NeverCache}}"));
            format!("cache_policy: {{overrides: [{}]}}\n", never.collect::<Vec<_>>().join(", "))
        }
        _ => format!("cache_policy: {{overrides: [{{view_name: {first}, action: NeverCache}}]}}\n"),
    }
}
