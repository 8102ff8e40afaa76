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
