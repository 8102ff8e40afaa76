//! Rows of 100 KB, in little memory.

use engine::SessionOptions;

use crate::lake::{Lake, options};

/// 400 rows of 100,000 bytes, forty times as many as a hundred of them in a batch would be.
const TABLE: &str = "SELECT value AS id, value % 7 AS k, repeat(lpad(CAST(value AS VARCHAR), 10, '0'), 10000) AS t \
                     FROM generate_series(1, 400)";

#[tokio::test(flavor = "multi_thread")]
async fn wide_rows_are_filtered_sorted_joined_and_grouped_in_little_memory() {
    let lake = Lake::with(SessionOptions { memory_limit_bytes: 16 << 20, ..options() }, Vec::new());
    lake.table("t", TABLE).await;
    let text = "graph g phase=scheduled\n\
        t = scan location=t version=0 rows=0\n\
        f = filter t predicate=(k > 0)\n\
        j = query f, t query=(SELECT a.id, a.t, b.k FROM f AS a JOIN t AS b ON a.id = b.id) relations=[f, t]\n\
        g = query f query=(SELECT k, max(t) AS t, count(*) AS n FROM f GROUP BY k) relations=[f]\n\
        @sorted = sink f location=sorted mode=overwrite sort_by=[{column: k}, {column: id, descending: true}]\n\
        @joined = sink j location=joined mode=overwrite\n\
        @grouped = sink g location=grouped mode=overwrite\n";
    let outcome = lake.run(text).await.unwrap();
    assert!(outcome.spills.written_bytes > 0, "35 MB were sorted in 16");
    let width = "count(*) AS n, min(length(t)) AS least, max(length(t)) AS most";
    for table in ["sorted", "joined"] {
        let rows = lake.rows(&format!("SELECT {width}, count(DISTINCT id) AS ids FROM {table}")).await;
        assert_eq!(rows, ["343|100000|100000|343"], "{table}");
        let wrong = format!("SELECT count(*) FROM {table} WHERE CAST(substr(t, 99991) AS BIGINT) <> id");
        assert_eq!(lake.rows(&wrong).await, ["0"], "{table}");
    }
    let rows = lake.rows("SELECT k, CAST(substr(t, 1, 10) AS BIGINT), n FROM grouped").await;
    assert_eq!(rows, ["1|400|58", "2|394|57", "3|395|57", "4|396|57", "5|397|57", "6|398|57"]);
}

/// Nobody knows of these rows that they are wide before they are computed.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_computed_wide_are_sorted_shared_and_joined_in_little_memory() {
    let lake = Lake::with(SessionOptions { memory_limit_bytes: 16 << 20, ..options() }, Vec::new());
    lake.table("t", "SELECT value AS id, value % 7 AS k FROM generate_series(1, 1000)").await;
    let text = "graph g phase=scheduled\n\
        t = scan location=t version=0 rows=0\n\
        w = query t query=(SELECT id, k, repeat(lpad(CAST(id AS VARCHAR), 10, '0'), 5000) AS t FROM t) relations=[t]\n\
        o = query t query=(SELECT id, repeat(lpad(CAST(id AS VARCHAR), 10, '0'), 5000) AS t FROM t) relations=[t]\n\
        j = query w, t query=(SELECT a.id, a.t, b.k FROM w AS a JOIN t AS b ON a.id = b.id WHERE b.k > 0) relations=[w, t]\n\
        @sorted = sink o location=sorted mode=overwrite sort_by=[{column: id, descending: true}]\n\
        @shared = sink w location=shared mode=overwrite\n\
        @joined = sink j location=joined mode=overwrite\n";
    let outcome = lake.run(text).await.unwrap();
    assert!(outcome.spills.written_bytes > 0, "50 MB were sorted in 16");
    let width = "count(*) AS n, min(length(t)) AS least, max(length(t)) AS most, count(DISTINCT id) AS ids";
    for (table, rows) in [("sorted", 1000), ("shared", 1000), ("joined", 858)] {
        let found = lake.rows(&format!("SELECT {width} FROM {table}")).await;
        assert_eq!(found, [format!("{rows}|50000|50000|{rows}")], "{table}");
        let wrong = format!("SELECT count(*) FROM {table} WHERE CAST(substr(t, 49991) AS BIGINT) <> id");
        assert_eq!(lake.rows(&wrong).await, ["0"], "{table}");
    }
}
