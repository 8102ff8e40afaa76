//! How far the engine says that operations are deterministic.

use engine::{EngineOracle, Tables};
use ir::determinism::Determinism::{self, Deterministic, NonAssociative, OrderDependent, Volatile};
use ir::oracle::Oracle as _;
use ir::schema::Schema;

use crate::lake::options;

fn level(oracle: &EngineOracle, statement: &str) -> Determinism {
    let text = format!("graph t phase=lowered\nv = {statement}\n");
    let graph = ir::text::parse(&text).unwrap().graph;
    let node = graph.get(graph.find("v").unwrap()).unwrap();
    let input =
        Schema::parse("{id Int64!, name Utf8View, f Float64, d Decimal128(10, 2), xs List(nullable Int64)}")
            .unwrap();
    let inputs = vec![&input; graph.get(graph.find("v").unwrap()).map_or(0, |node| node.sources.len())];
    assert!(oracle.schema(node, &inputs).is_ok(), "{statement}: {:?}", oracle.schema(node, &inputs));
    oracle.determinism(node, &inputs)
}

fn all_are(expected: Determinism, statements: &[String]) {
    let oracle = EngineOracle::new(engine::Session::new(options()).unwrap(), Tables::default());
    let wrong: Vec<String> = statements
        .iter()
        .map(|statement| (statement, level(&oracle, statement)))
        .filter(|(_, found)| *found != expected)
        .map(|(statement, found)| format!("{found}: {statement}"))
        .collect();
    assert!(wrong.is_empty(), "these are not {expected}:\n{}", wrong.join("\n"));
}

fn queries(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| format!("query a query=({text}) relations=[a]")).collect()
}

fn measures(calls: &[&str]) -> Vec<String> {
    calls.iter().map(|call| format!("aggregate a group_by={{id: id}} measures={{m: ({call})}}")).collect()
}

fn windows(calls: &[&str]) -> Vec<String> {
    calls.iter().map(|call| format!("window a columns={{w: ({call})}}")).collect()
}

#[test]
fn rows_seen_one_by_one_are_deterministic() {
    let statements = [
        "project a columns={r: (stable_hash64(name))}",
        "filter a predicate=(f > 1.5)",
        "unnest a column=xs",
        "union a, a",
        "distinct a",
        "join a, a join_type=inner on=[[id, id]] columns=[left.id]",
    ];
    all_are(Deterministic, &statements.map(str::to_owned));
}

#[test]
fn exact_aggregates_are_deterministic() {
    all_are(
        Deterministic,
        &measures(&[
            "count(*)",
            "count(DISTINCT name)",
            "sum(id)",
            "sum(d)",
            "avg(d)",
            "min(f)",
            "max(name)",
            "median(id)",
            "bool_and(id > 1)",
            "count_if(id > 1)",
            "arg_max(name, id)",
            "array_agg_sorted(name, id)",
            "array_agg(name ORDER BY name)",
            "array_agg(DISTINCT name ORDER BY name DESC)",
            "string_agg(name, ',' ORDER BY name)",
            "first_value(name ORDER BY id, name)",
            "sum(id) FILTER (WHERE f > 1)",
        ]),
    );
}

#[test]
fn sums_of_floats_are_non_associative() {
    all_are(
        NonAssociative,
        &measures(&[
            "sum(f)",
            "avg(f)",
            "avg(id)",
            "stddev(id)",
            "var_pop(f)",
            "corr(f, id)",
            "approx_distinct(name)",
            "sum(f) / count(*)",
        ]),
    );
    all_are(NonAssociative, &windows(&["sum(f) OVER (PARTITION BY name)", "avg(f) OVER (ORDER BY id)"]));
    all_are(NonAssociative, &queries(&["SELECT id FROM a GROUP BY id HAVING sum(f) > 1"]));
}

#[test]
fn what_looks_at_the_order_of_rows_is_order_dependent() {
    all_are(
        OrderDependent,
        &measures(&[
            "first_value(name)",
            "first_value(name ORDER BY f)",
            "last_value(name ORDER BY id)",
            "nth_value(name, 2 ORDER BY f)",
            "any_value(name)",
            "array_agg(name)",
            "array_agg(name ORDER BY f)",
            "string_agg(name, ',')",
        ]),
    );
    all_are(
        OrderDependent,
        &windows(&[
            "row_number() OVER (ORDER BY id)",
            "ntile(4) OVER (ORDER BY id)",
            "lag(name) OVER (ORDER BY id)",
            "lead(id) OVER (ORDER BY id)",
            "first_value(name) OVER (ORDER BY id)",
            "sum(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
            "array_agg(name) OVER (PARTITION BY id)",
        ]),
    );
    all_are(
        OrderDependent,
        &queries(&[
            "SELECT * FROM a LIMIT 3",
            "SELECT * FROM a OFFSET 3",
            "SELECT id, name FROM a ORDER BY id LIMIT 3",
            "SELECT id FROM a ORDER BY name LIMIT 3",
            "SELECT id FROM a WHERE id IN (SELECT id FROM a LIMIT 5)",
            "WITH s AS (SELECT id FROM a LIMIT 5) SELECT count(*) AS n FROM s",
            "SELECT id FROM (SELECT id FROM a LIMIT 5) s ORDER BY id",
            "SELECT id, (SELECT max(id) FROM (SELECT id FROM a LIMIT 1) s) AS m FROM a",
            "SELECT DISTINCT ON (id) id, name FROM a ORDER BY id",
            "SELECT id FROM a UNION ALL SELECT id FROM (SELECT id FROM a LIMIT 5) s",
        ]),
    );
}

#[test]
fn an_order_that_decides_is_deterministic() {
    all_are(
        Deterministic,
        &windows(&[
            "rank() OVER (ORDER BY id)",
            "dense_rank() OVER (PARTITION BY name ORDER BY id)",
            "percent_rank() OVER (ORDER BY f)",
            "sum(id) OVER (PARTITION BY name)",
            "sum(id) OVER (ORDER BY id)",
            "max(f) OVER (ORDER BY id RANGE BETWEEN 1 PRECEDING AND CURRENT ROW)",
            "last_value(id) OVER (ORDER BY id)",
        ]),
    );
    all_are(
        Deterministic,
        &queries(&[
            "SELECT id FROM a ORDER BY id LIMIT 3",
            "SELECT id, name FROM a ORDER BY name DESC, id LIMIT 3 OFFSET 1",
            "SELECT count(*) AS n FROM a LIMIT 1",
            "SELECT * FROM a LIMIT 0",
            "SELECT id FROM a ORDER BY id",
            "SELECT DISTINCT ON (id) id, name FROM a ORDER BY id, name",
            "SELECT id, row_number() OVER (ORDER BY id, name) AS n FROM (SELECT DISTINCT id, name FROM a) s",
        ]),
    );
}

#[test]
fn functions_of_chance_and_time_are_volatile() {
    let mut statements = vec![
        "project a columns={r: (random())}".to_owned(),
        "project a columns={r: (now())}".to_owned(),
        "project a columns={r: (uuid())}".to_owned(),
        "filter a predicate=(random() < 0.5)".to_owned(),
        "aggregate a measures={m: (sum(random()))}".to_owned(),
        "window a columns={w: (row_number() OVER (ORDER BY random()))}".to_owned(),
    ];
    statements.extend(queries(&[
        "SELECT id FROM a WHERE id IN (SELECT id FROM a WHERE random() < 0.5)",
        "SELECT id FROM a ORDER BY random() LIMIT 3",
        "SELECT current_date AS d, id FROM a",
    ]));
    all_are(Volatile, &statements);
}
