//! The order of outputs that are put together of many parts.

use engine::SessionOptions;

use crate::lake::{Lake, options};

/// A branch in which a column is constant is sorted by the others only.
#[tokio::test(flavor = "multi_thread")]
async fn many_branches_are_merged_in_the_order_of_the_output() {
    let lake = Lake::with(SessionOptions { target_partitions: 2, ..options() }, Vec::new());
    lake.table("a", "SELECT value % 50 AS k, CAST(NULL AS BIGINT) AS x FROM generate_series(1, 500)").await;
    lake.table("b", "SELECT value % 50 AS k, value AS x FROM generate_series(1, 500)").await;
    let text = "graph g phase=scheduled\n\
        a = scan location=a version=0 rows=0\n\
        b = scan location=b version=0 rows=0\n\
        c = project a columns={k: k, x: (CAST(NULL AS BIGINT))}\n\
        u = union c, c, b, b, b\n\
        f = query u query=(SELECT k, x FROM u ORDER BY k, x NULLS LAST LIMIT 30) relations=[u]\n\
        @sorted = sink u location=sorted mode=overwrite sort_by=[{column: k}, {column: x}]\n\
        @first = sink f location=first mode=overwrite\n";
    lake.run(text).await.unwrap();
    assert_eq!(lake.rows("SELECT count(*) AS n, count(x) AS x FROM sorted").await, ["2500|1500"]);
    assert_eq!(lake.rows("SELECT count(*) AS n, count(x) AS x, max(k) AS k FROM first").await, ["30|30|0"]);
}

/// A join finds zero and minus zero equal, and DataFusion sorts by either of two columns that are.
#[tokio::test(flavor = "multi_thread")]
async fn an_output_is_sorted_by_numbers_and_not_by_their_bits() {
    let lake = Lake::new();
    let zeros = |sign: &str| {
        format!(
            "SELECT value AS id, CASE value % 3 WHEN 0 THEN CAST('{sign}0' AS DOUBLE) WHEN 1 THEN CAST('0' AS DOUBLE) ELSE 1.5 \
             END AS f FROM generate_series(1, 30)"
        )
    };
    lake.table("a", &zeros("-")).await;
    lake.table("b", &zeros("")).await;
    let text = "graph g phase=scheduled\n\
        a = scan location=a version=0 rows=0\n\
        b = scan location=b version=0 rows=0\n\
        j = query a, b query=(SELECT a.id, a.f AS x, b.f AS y FROM a JOIN b ON a.f = b.f WHERE b.id < 4) relations=[a, b]\n\
        @sorted = sink j location=sorted mode=overwrite sort_by=[{column: x}, {column: y}, {column: id}]\n\
        @again = sink j location=again mode=append sort_by=[{column: y, descending: true}, {column: id}]\n";
    lake.run(text).await.unwrap();
    for table in ["sorted", "again"] {
        let rows = lake.rows(&format!("SELECT x + 0 AS x, count(*) AS n FROM {table} GROUP BY x + 0")).await;
        assert_eq!(rows, ["0.0|40", "1.5|10"], "{table}");
    }
}
