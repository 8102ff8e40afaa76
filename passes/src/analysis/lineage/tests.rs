//! Lineage of small graphs.

use std::collections::BTreeSet;

use ir::graph::Graph;

use super::{How, Sources, lineage};

const TABLES: &str = "\
graph t phase=core
o = scan location=orders version=0 rows=9 : {id Int64!, customer Int64, price Float64, kind Utf8, tags List(Utf8)}
c = scan location=customers version=0 rows=9 : {id Int64!, name Utf8, region Utf8}
";

fn graph(text: &str) -> Graph {
    let text = format!("{TABLES}{text}");
    ir::text::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}")).graph
}

fn shown(graph: &Graph, sources: &Sources) -> String {
    let source = |(source, how): (&super::Source, &BTreeSet<How>)| {
        format!("{}.{} {how:?}", graph.name_of(source.scan), source.column)
    };
    sources.iter().map(source).collect::<Vec<_>>().join(", ")
}

/// The lineage of the last node, a line a column, that of the rows last.
fn lines(text: &str) -> Vec<String> {
    let graph = graph(text);
    let last = text.lines().last().and_then(|line| line.split(' ').next()).unwrap();
    let found = lineage(&graph, graph.find(last).unwrap());
    let mut lines: Vec<String> =
        found.columns.iter().map(|(name, from)| format!("{name}: {}", shown(&graph, from))).collect();
    lines.push(format!("rows: {}", shown(&graph, &found.rows)));
    lines
}

#[test]
fn columns_are_followed_through_projections_filters_and_groups() {
    let text = "\
f = filter o predicate=(kind = 'x' AND price > 1) : {id Int64!, customer Int64, price Float64, kind Utf8, tags List(Utf8)}
p = project f columns={who: customer, gross: (price * 1.2), one: (1)} : {who Int64, gross Float64, one Int64!}
a = aggregate p group_by={who: who} measures={total: (sum(gross)), n: (count(*))} : {who Int64, total Float64, n Int64!}
@a = sink a location=a mode=append sort_by=[{column: total}]";
    let wanted = [
        "n: ",
        "total: o.price {Aggregation}",
        "who: o.customer {Identity}",
        "rows: o.customer {GroupBy}, o.kind {Filter}, o.price {Filter, Sort}",
    ];
    assert_eq!(lines(text), wanted);
}

#[test]
fn keys_of_joins_decide_rows_and_only_columns_that_are_kept_have_values() {
    let text = "\
r = filter c predicate=(region = 'EU') : {id Int64!, name Utf8, region Utf8}
j = join o, r join_type=inner on=[[customer, id]] columns=[left.id, (right.name as who)] : {id Int64!, who Utf8}";
    let wanted = [
        "id: o.id {Identity}",
        "who: c.name {Identity}",
        "rows: o.customer {Join}, c.id {Join}, c.region {Filter}",
    ];
    assert_eq!(lines(text), wanted);
    let text = "s = join o, c join_type=anti on=[[customer, id]] columns=[left.id] : {id Int64!}";
    assert_eq!(lines(text), ["id: o.id {Identity}", "rows: o.customer {Join}, c.id {Join}"]);
}

#[test]
fn a_window_decides_its_own_column_and_no_rows() {
    let text = "\
w = window o columns={r: (sum(price) OVER (PARTITION BY customer ORDER BY id))} : {id Int64!, customer Int64, price Float64, kind Utf8, tags List(Utf8), r Float64}
p = project w columns={kind: kind, r: (r + 1)} : {kind Utf8, r Float64}";
    let wanted =
        ["kind: o.kind {Identity}", "r: o.id {Window}, o.customer {Window}, o.price {Aggregation}", "rows: "];
    let mut found = lines(text);
    // Sources are ordered by scan and name.
    found[1] = found[1].replace("o.customer {Window}, o.id {Window}", "o.id {Window}, o.customer {Window}");
    assert_eq!(found, wanted);
}

#[test]
fn unions_lists_and_distinct_rows_take_from_all() {
    let text = "\
a = project o columns={name: kind} : {name Utf8}
b = project c columns={name: (upper(name))} : {name Utf8}
u = union a, b : {name Utf8}
d = distinct u : {name Utf8}";
    let wanted =
        ["name: o.kind {Identity}, c.name {Transformation}", "rows: o.kind {GroupBy}, c.name {GroupBy}"];
    assert_eq!(lines(text), wanted);
    let text = "\
n = unnest o column=tags alias=tag : {id Int64!, customer Int64, price Float64, kind Utf8, tag Utf8}
p = project n columns={tag: tag} : {tag Utf8}";
    assert_eq!(lines(text), ["tag: o.tags {Transformation}", "rows: "]);
}

#[test]
fn of_a_query_every_column_that_it_mentions_counts() {
    let text = "q = query o, c query=(SELECT region, sum(price) AS total FROM o JOIN c ON o.customer = c.id GROUP BY region) relations=[o, c] : {region Utf8, total Float64}";
    let found = lines(text);
    for column in &found[..2] {
        for source in ["o.customer", "o.price", "c.id", "c.region"] {
            assert!(column.contains(&format!("{source} {{Transformation}}")), "{column}");
        }
        assert!(!column.contains("o.kind") && !column.contains("c.name"), "{column}");
    }
    assert!(found[2].contains("o.price {Mentioned}"), "{}", found[2]);
}
