//! Projections over projections give the rows that each of them would give.

use crate::lake::Lake;

/// DataFusion 55.2 drops the lower of two projections with the same expressions.
#[tokio::test(flavor = "multi_thread")]
async fn a_projection_that_is_repeated_is_computed_twice() {
    let lake = Lake::new();
    lake.table("t", "SELECT 3 AS a, 1 AS b").await;
    for (columns, rows) in [
        ("{a: (a * a), b: b}", "81|1"),
        ("{a: (a + 1), b: b}", "5|1"),
        ("{a: b, b: a}", "3|1"),
        ("{a: (a + b), b: (a + b)}", "8|8"),
    ] {
        for between in ["", "f = filter v predicate=(b > 0)\n"] {
            let below = if between.is_empty() { "v" } else { "f" };
            let text = format!(
                "graph t phase=scheduled\n\
                 t = scan location=t version=0 rows=1\n\
                 v = project t columns={columns}\n\
                 {between}\
                 w = project {below} columns={columns}\n\
                 @out = sink w location=out mode=overwrite\n"
            );
            assert_eq!(lake.output(&text).await, [rows], "{text}");
        }
    }
}

/// What lies between is gone when the optimizer compares the two: selections, filters, names of views.
#[tokio::test(flavor = "multi_thread")]
async fn a_projection_is_computed_twice_whatever_lies_between() {
    let lake = Lake::new();
    lake.table("t", "SELECT 3 AS a, 1 AS b").await;
    for (name, nodes) in [
        (
            "a selection",
            "v = project t columns={a: (a + 1)}\n\
             s = project v columns={a: a}\n\
             w = project s columns={a: (a + 1)}\n",
        ),
        (
            "filters and a selection",
            "v = project t columns={a: (a + 1)}\n\
             f = filter v predicate=(a > 0)\n\
             s = project f columns={a: a}\n\
             g = filter s predicate=(a < 100)\n\
             w = project g columns={a: (a + 1)}\n",
        ),
        (
            "a query",
            "p = project t columns={a: a}\n\
             v = query p query=(SELECT a + 1 AS a FROM p) relations=[p]\n\
             w = project v columns={a: (a + 1)}\n",
        ),
        (
            "the same names of relations",
            "v = query t query=(SELECT r.a + 1 AS a FROM t AS r) relations=[t]\n\
             s = query v query=(SELECT r.a FROM v AS r) relations=[v]\n\
             w = query s query=(SELECT r.a + 1 AS a FROM s AS r) relations=[s]\n",
        ),
    ] {
        let text = format!(
            "graph t phase=scheduled\nt = scan location=t version=0 rows=1\n{nodes}@out = sink w location=out mode=overwrite\n"
        );
        assert_eq!(lake.output(&text).await, ["5"], "{name}");
    }
}

/// The type of `round(x, 2)` depends on the 2, and that of `round(x, n)` does not, though `n` is 2 in every row.
#[tokio::test(flavor = "multi_thread")]
async fn a_constant_column_is_no_literal() {
    let lake = Lake::new();
    lake.table("t", "SELECT CAST(1.23456 AS DECIMAL(12, 5)) AS d").await;
    let text = "graph t phase=scheduled\n\
        t = scan location=t version=0 rows=1\n\
        p = project t columns={d: d, n: (2)}\n\
        q = query p query=(SELECT round(d, n) AS r, n FROM p) relations=[p]\n\
        w = query q query=(SELECT r, n AS n FROM q) relations=[q]\n\
        @out = sink w location=out mode=overwrite\n";
    assert_eq!(lake.output(text).await, ["1.23000|2"]);
}

/// A subquery has columns of its own that nobody uses.
#[tokio::test(flavor = "multi_thread")]
async fn a_subquery_below_projections_that_use_all_columns_is_optimized() {
    let lake = Lake::new();
    lake.table("t", "SELECT * FROM (VALUES (1, 5, 2), (2, 6, 9), (4, 7, 0)) AS t(a, b, c)").await;
    let text = "graph t phase=scheduled\n\
        t = scan location=t version=0 rows=3\n\
        q = query t query=(SELECT a + 1 AS a, b + c AS b FROM t WHERE a > (SELECT min(s.a) FROM t AS s)) relations=[t]\n\
        w = query q query=(SELECT a * 2 AS a, b * 2 AS b FROM q WHERE a < (SELECT max(s.b) FROM q AS s)) relations=[q]\n\
        @out = sink w location=out mode=overwrite\n";
    assert_eq!(lake.output(text).await, ["10|14", "6|30"]);
}
