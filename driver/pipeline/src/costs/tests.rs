//! Operators, as plans have them, and the views that they belong to.

use engine::{OperatorKind, OperatorMetrics, ScannedTable};
use ir::graph::Graph;

use super::attribution::attributed;

/// Two aggregations of one table, each over a filter of its own, joined.
const TWO_OF_ONE_TABLE: &str = "\
graph s phase=scheduled
orders = scan
    location=orders
    version=3
    identity={table_id: o}
    rows=200
    : {cust Int64, id Int64, amount Float64}
    place recompute \"\"
paid = filter orders predicate=(amount > 0) : {cust Int64, id Int64, amount Float64}
per_cust = aggregate paid group_by={cust: cust} measures={n: (count(id))} : {cust Int64, n Int64!}
refunds = filter orders predicate=(amount < -5) : {cust Int64, id Int64, amount Float64}
back = aggregate refunds group_by={cust: cust} measures={n: (count(id))} : {cust Int64, n Int64!}
both = join per_cust, back
    join_type=left
    on=[[cust, cust]]
    columns=[left.cust, left.n]
    : {cust Int64, n Int64!}
@both = sink both location=both mode=overwrite : {cust Int64, n Int64!}
segment root=@both level=0 rows=~7 cost=1 bottom_level=1 critical=true
";

/// A filter above a join and a query above that; plans have the filter below the join.
const FILTER_OF_JOIN: &str = "\
graph s phase=scheduled
customers = scan
    location=customers
    version=0
    identity={table_id: c}
    rows=~50
    : {cust Int64, region Utf8View}
shared = scan
    location=lines
    version=1
    identity={table_id: l}
    rows=9
    : {cust Int64, sum Int64}
    place share \"\"
joined = join shared, customers
    join_type=inner
    on=[[cust, cust]]
    columns=[left.cust, left.sum, right.region]
    : {cust Int64, sum Int64, region Utf8View}
north = filter joined predicate=(region = 'N') : {cust Int64, sum Int64, region Utf8View}
best = query north
    query=(SELECT cust, sum FROM north ORDER BY sum DESC LIMIT 3)
    relations=[north]
    : {cust Int64, sum Int64}
@best = sink best location=best mode=overwrite : {cust Int64, sum Int64}
segment root=shared level=0 rows=9 cost=1 bottom_level=1
segment root=@best level=1 reads=[shared] rows=~7 cost=1 bottom_level=1 critical=true
";

fn scan(table_id: &str, version: u64) -> OperatorKind {
    OperatorKind::Scan(ScannedTable { table_id: table_id.to_owned(), version })
}

/// Views in a row over one table: SQL that numbers rows, a filter of the numbers, SQL over that.
const VIEWS_IN_A_ROW: &str = "\
graph s phase=scheduled
t = scan
    location=t
    version=0
    identity={table_id: t}
    rows=9
    : {id Int64, cust Int64}
    place recompute \"\"
numbered = query t
    query=(SELECT id, cust, row_number() OVER (PARTITION BY cust ORDER BY id) AS rn FROM t)
    relations=[t]
    : {id Int64, cust Int64, rn UInt64!}
latest = filter numbered predicate=(rn = 1) : {id Int64, cust Int64, rn UInt64!}
top = query latest
    query=(SELECT id, cust, rn FROM latest WHERE cust > 100 ORDER BY id LIMIT 10)
    relations=[latest]
    : {id Int64, cust Int64, rn UInt64!}
@top = sink top location=top mode=overwrite : {id Int64, cust Int64, rn UInt64!}
segment root=@top level=0 rows=~1 cost=1 bottom_level=1 critical=true
";

/// Groups of distinct rows.
const DISTINCT_GROUPS: &str = "\
graph s phase=scheduled
o = scan
    location=o
    version=3
    identity={table_id: o}
    rows=9
    : {cust Int64, id Int64}
rows = distinct o : {cust Int64, id Int64}
groups = aggregate rows group_by={cust: cust} measures={n: (count(id))} : {cust Int64, n Int64!}
@groups = sink groups location=g mode=overwrite : {cust Int64, n Int64!}
segment root=@groups level=0 rows=~1 cost=1 bottom_level=1 critical=true
";

/// Operators of these depths and kinds, as plans show them.
fn operators(plan: &[(usize, OperatorKind, &str)]) -> Vec<OperatorMetrics> {
    let operator = |(depth, kind, described): &(usize, OperatorKind, &str)| OperatorMetrics {
        name: String::new(),
        kind: kind.clone(),
        described: (*described).to_owned(),
        depth: *depth,
        started: None,
        ended: None,
        output_rows: None,
        elapsed_compute_nanos: None,
        peak_memory_bytes: None,
        spill_count: None,
        spilled_bytes: None,
        scan: None,
    };
    plan.iter().map(operator).collect()
}

/// Whom the operators of the plan of the only output belong to.
fn owners(text: &str, plan: &[(usize, OperatorKind, &str)]) -> Vec<String> {
    let graph: Graph = ir::text::parse(text).unwrap().graph;
    let root = graph.ids().find(|id| graph[*id].is_sink()).unwrap();
    attributed(&graph, root, &operators(plan)).iter().map(|own| own.owner.to_string()).collect()
}

#[test]
fn operators_over_one_table_belong_to_the_views_they_are_made_of() {
    use OperatorKind::{Aggregate, Filter, Join, Passing, Projection};
    let left_first = [
        (0, Passing, ""),
        (1, Join, "HashJoinExec: on=[(cust@0, cust@0)]"),
        (2, Aggregate, "AggregateExec: gby=[cust@0 as cust], aggr=[count(id)]"),
        (3, Passing, ""),
        (4, Filter, "FilterExec: amount@2 > 0"),
        (5, scan("o", 3), ""),
        (6, Passing, ""),
        (2, Projection, "ProjectionExec: expr=[cust@0 as cust, count(id)@1 as n]"),
        (3, Aggregate, "AggregateExec: gby=[cust@0 as cust], aggr=[count(id)]"),
        (4, Filter, "FilterExec: amount@2 < -5"),
        (5, scan("o", 3), ""),
    ];
    let wanted = [
        "@both", "both", "per_cust", "per_cust", "paid", "orders", "orders", "back", "back", "refunds",
        "orders",
    ];
    assert_eq!(owners(TWO_OF_ONE_TABLE, &left_first), wanted);
    // The build side of a join comes first, which may be either.
    let right_first: Vec<_> =
        [0, 1, 7, 8, 9, 10, 2, 3, 4, 5, 6].map(|index: usize| left_first[index].clone()).into();
    let wanted = [
        "@both", "both", "back", "back", "refunds", "orders", "per_cust", "per_cust", "paid", "orders",
        "orders",
    ];
    assert_eq!(owners(TWO_OF_ONE_TABLE, &right_first), wanted);
}

#[test]
fn operators_that_were_moved_belong_to_the_views_that_say_so() {
    use OperatorKind::{Filter, Join, Limit, Passing, Projection};
    let plan = [
        (0, Passing, ""),
        (1, Limit, "SortExec: TopK(fetch=3), expr=[sum@1 DESC]"),
        (2, Join, "HashJoinExec: on=[(cust@0, cust@0)]"),
        (3, OperatorKind::SharedView("shared".to_owned()), ""),
        (3, Projection, "ProjectionExec: expr=[cust@0 as cust]"),
        (4, Filter, "FilterExec: region@1 = N"),
        (5, scan("c", 0), ""),
    ];
    assert_eq!(
        owners(FILTER_OF_JOIN, &plan),
        ["@best", "best", "joined", "joined", "joined", "north", "customers"]
    );
    // A table that the graph does not read in this version is nobody's; what reads it is that of the operator above.
    let moved_on = [(0, Passing, ""), (1, Join, ""), (2, scan("c", 1), "")];
    assert_eq!(owners(FILTER_OF_JOIN, &moved_on), ["@best", "@best", "@best"]);
}

#[test]
fn rows_of_tables_are_known_where_the_log_counts_them() {
    let counted = |text: &str, table: &str, version| {
        let graph = ir::text::parse(text).unwrap().graph;
        let root = graph.ids().find(|id| graph[*id].is_sink()).unwrap();
        attributed(&graph, root, &operators(&[(0, scan(table, version), "")]))[0].table_rows
    };
    assert_eq!(counted(TWO_OF_ONE_TABLE, "o", 3), Some(200));
    assert_eq!(counted(TWO_OF_ONE_TABLE, "o", 2), None);
    assert_eq!(counted(FILTER_OF_JOIN, "c", 0), None, "an estimate is no count");
}

#[test]
fn a_query_has_the_operators_that_it_says() {
    use OperatorKind::{Filter, Limit, Passing, Projection, Sort, Window};
    let plan = [
        (0, Passing, ""),
        (1, Limit, "SortExec: TopK(fetch=10), expr=[id@0 ASC]"),
        (
            2,
            Projection,
            "ProjectionExec: expr=[id@0 as id, cust@1 as cust, row_number() PARTITION BY ... as rn]",
        ),
        (3, Filter, "FilterExec: row_number() PARTITION BY [t.cust] ORDER BY [t.id]@2 = 1"),
        (4, Window, "BoundedWindowAggExec: wdw=[row_number() PARTITION BY [t.cust] ORDER BY [t.id]]"),
        (5, Sort, "SortExec: expr=[cust@1 ASC, id@0 ASC]"),
        (6, Passing, ""),
        (7, Filter, "FilterExec: cust@1 > 100"),
        (8, scan("t", 0), ""),
    ];
    let found = owners(VIEWS_IN_A_ROW, &plan);
    let of = |index: usize| found[index].as_str();
    assert_eq!((of(1), of(4), of(8)), ("top", "numbered", "t"), "{found:?}");
    // It sorts for the window, whatever stands above.
    assert_eq!((of(5), of(6)), ("numbered", "numbered"), "{found:?}");
    assert_eq!((of(3), of(7)), ("latest", "top"), "{found:?}");
}

#[test]
fn a_view_over_another_of_the_same_kind_has_the_upper_operator() {
    use OperatorKind::{Aggregate, Passing};
    let plan = [
        (0, Passing, ""),
        (1, Aggregate, "AggregateExec: gby=[cust@0 as cust], aggr=[count(id)]"),
        (2, Aggregate, "AggregateExec: gby=[cust@0 as cust, id@1 as id], aggr=[]"),
        (3, scan("o", 3), ""),
    ];
    // The words of the lower one are those of the upper view.
    assert_eq!(owners(DISTINCT_GROUPS, &plan), ["@groups", "groups", "rows", "o"]);
}
