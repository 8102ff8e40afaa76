//! Every core operation against rows worked out by hand.

use delta::{WriteMode, WriteOptions};

use crate::lake::Lake;

/// Runs one operation over tables `l` and `r` and gives the rows of its output.
async fn result(lake: &Lake, operation: &str) -> Vec<String> {
    // A test may ask for several results of different columns.
    let _ = std::fs::remove_dir_all(lake.dir.path().join("out"));
    let text = format!(
        "graph t phase=scheduled\n\
         l = scan location=l version=0 rows=0\n\
         {}\
         v = {operation}\n\
         @out = sink v location=out mode=overwrite\n",
        if operation.contains("l, r") { "r = scan location=r version=0 rows=0\n" } else { "" }
    );
    lake.output(&text).await
}

async fn people() -> Lake {
    let lake = Lake::new();
    lake.table(
        "l",
        "SELECT * FROM (VALUES (1, 'ann', 10), (2, 'bob', NULL), (3, 'ann', 30), (NULL, 'eve', 5)) t(id, name, score)",
    )
    .await;
    lake.table("r", "SELECT * FROM (VALUES (1, 'x'), (3, 'y'), (3, 'z'), (9, 'w'), (NULL, 'n')) t(id, tag)")
        .await;
    lake
}

#[tokio::test(flavor = "multi_thread")]
async fn filter_keeps_what_is_true_and_not_null() {
    let lake = people().await;
    assert_eq!(result(&lake, "filter l predicate=(score > 5)").await, ["1|ann|10", "3|ann|30"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn projection_gives_case_the_type_of_all_its_branches() {
    let lake = people().await;
    let rows = result(
        &lake,
        "project l columns={who: (upper(name)), v: (CASE WHEN id = 1 THEN 1 WHEN id = 2 THEN 0.5 ELSE score END)}",
    )
    .await;
    assert_eq!(rows, ["ANN|1.0", "ANN|30.0", "BOB|0.5", "EVE|5.0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn aggregate_with_filter_distinct_order_and_arithmetic() {
    let lake = people().await;
    let rows = result(
        &lake,
        "aggregate l group_by={name: name} measures={n: (count(*)), big: (count(*) FILTER (WHERE score > 10)), \
         ids: (array_agg(id ORDER BY id DESC)), kinds: (count(DISTINCT score)), \
         share: (CAST(sum(score) AS DOUBLE) / count(*)), again: (count(*))}",
    )
    .await;
    assert_eq!(rows, ["ann|2|1|[3, 1]|2|20.0|2", "bob|1|0|[2]|0|NULL|1", "eve|1|0|[NULL]|1|5.0|1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn aggregate_without_groups_gives_one_row_even_for_no_rows() {
    let lake = people().await;
    lake.table("l", "SELECT 1 AS id, 'x' AS name, 1 AS score WHERE false").await;
    let text = "graph t phase=scheduled\n\
        l = scan location=l version=1 rows=0\n\
        v = aggregate l measures={n: (count(*)), total: (sum(score))}\n\
        @out = sink v location=out mode=overwrite\n";
    assert_eq!(lake.output(text).await, ["0|NULL"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_may_be_expressions_and_may_repeat() {
    let lake = people().await;
    let rows = result(
        &lake,
        "aggregate l group_by={initial: (substr(name, 1, 1)), same: (substr(name, 1, 1))} measures={n: (count(*))}",
    )
    .await;
    assert_eq!(rows, ["a|a|2", "b|b|1", "e|e|1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn window_columns_come_after_the_input() {
    let lake = people().await;
    let rows = result(
        &lake,
        "window l columns={nth: (row_number() OVER (PARTITION BY name ORDER BY id)), \
         total: (sum(score) OVER ()), below: (rank() OVER (ORDER BY score NULLS FIRST) - 1)}",
    )
    .await;
    assert_eq!(rows, ["1|ann|10|1|45|2", "2|bob|NULL|1|45|0", "3|ann|30|2|45|3", "NULL|eve|5|1|45|1"]);
}

async fn lists() -> Lake {
    let lake = Lake::new();
    let rows = "SELECT 1 AS id, make_array('a', 'b') AS xs, 'p' AS t UNION ALL SELECT 2, make_array(), 'q' \
        UNION ALL SELECT 3, NULL, 'r' UNION ALL SELECT 4, make_array('c', NULL), 's'";
    lake.table("l", rows).await;
    lake
}

#[tokio::test(flavor = "multi_thread")]
async fn unnest_replaces_the_list_in_its_place() {
    let lake = lists().await;
    assert_eq!(result(&lake, "unnest l column=xs").await, ["1|a|p", "1|b|p", "4|NULL|s", "4|c|s"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn unnest_keeps_rows_without_elements_on_request() {
    let lake = lists().await;
    let rows = result(&lake, "unnest l column=xs alias=x keep_empty=true").await;
    assert_eq!(rows, ["1|a|p", "1|b|p", "2|NULL|q", "3|NULL|r", "4|NULL|s", "4|c|s"]);
    assert_eq!(lake.rows("SELECT x FROM out WHERE id = 2").await, ["NULL"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn joins_of_every_type() {
    let lake = people().await;
    let join =
        |kind: &str, columns: &str| format!("join l, r join_type={kind} on=[[id, id]] columns=[{columns}]");
    let both = "left.id, left.name, right.tag, (right.id as rid)";
    let matched = ["1|ann|x|1", "3|ann|y|3", "3|ann|z|3"];
    assert_eq!(result(&lake, &join("inner", both)).await, matched);
    let left = result(&lake, &join("left", both)).await;
    assert_eq!(left, ["1|ann|x|1", "2|bob|NULL|NULL", "3|ann|y|3", "3|ann|z|3", "NULL|eve|NULL|NULL"]);
    let right = result(&lake, &join("right", both)).await;
    assert_eq!(right, ["1|ann|x|1", "3|ann|y|3", "3|ann|z|3", "NULL|NULL|n|NULL", "NULL|NULL|w|9"]);
    assert_eq!(result(&lake, &join("full", both)).await.len(), 7);
    assert_eq!(result(&lake, &join("semi", "left.name, left.id")).await, ["ann|1", "ann|3"]);
    // A row whose key is NULL matches nothing, so an anti join keeps it.
    assert_eq!(result(&lake, &join("anti", "left.name")).await, ["bob", "eve"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn join_keys_of_different_types_are_converted() {
    let lake = people().await;
    lake.table("r2", "SELECT CAST(3 AS SMALLINT) AS id, 'three' AS word").await;
    let text = "graph t phase=scheduled\n\
        l = scan location=l version=0 rows=0\n\
        r2 = scan location=r2 version=0 rows=0\n\
        v = join l, r2 join_type=inner on=[[id, id]] columns=[left.name, right.word]\n\
        @out = sink v location=out mode=overwrite\n";
    assert_eq!(lake.output(text).await, ["ann|three"]);
}

async fn spans() -> Lake {
    let lake = Lake::new();
    lake.table(
        "l",
        "SELECT * FROM (VALUES ('f', 0, 100, 'mod'), ('f', 10, 50, 'def'), ('g', 0, 9, 'other')) t(file, s, e, what)",
    )
    .await;
    // The file is a large string here and the bounds are small integers: keys are converted, bounds need not be.
    lake.table(
        "r",
        "SELECT arrow_cast(file, 'LargeUtf8') AS file, CAST(s AS INT) AS s, CAST(e AS INT) AS e, call FROM (VALUES \
         ('f', 20, 25, 'a'), ('f', 60, 70, 'b'), ('g', 3, 12, 'c'), (NULL, 1, 2, 'd')) t(file, s, e, call)",
    )
    .await;
    lake
}

fn span_join(kind: &str, relation: &str, more: &str, columns: &str) -> String {
    format!(
        "span_join l, r join_type={kind} relation={relation} on=[[file, file]] left=[s, e] right=[s, e] {more} \
         columns=[{columns}]"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn span_joins() {
    let lake = spans().await;
    let both = "left.what, right.call";
    let contains = result(&lake, &span_join("inner", "contains", "", both)).await;
    assert_eq!(contains, ["def|a", "mod|a", "mod|b"]);
    let innermost = result(&lake, &span_join("inner", "contains", "innermost=true", both)).await;
    assert_eq!(innermost, ["def|a", "mod|b"]);
    let overlaps = result(&lake, &span_join("inner", "overlaps", "", both)).await;
    assert_eq!(overlaps, ["def|a", "mod|a", "mod|b", "other|c"]);
    let left = result(&lake, &span_join("left", "contains", "innermost=true", both)).await;
    assert_eq!(left, ["def|a", "mod|b", "other|NULL"]);
    assert_eq!(result(&lake, &span_join("semi", "contains", "", "left.what")).await, ["def", "mod"]);
    assert_eq!(result(&lake, &span_join("anti", "contains", "", "left.what")).await, ["other"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_join_reads_only_the_columns_it_needs() {
    let lake = spans().await;
    let text = format!(
        "graph t phase=scheduled\n\
         l = scan location=l version=0 rows=0\n\
         r = scan location=r version=0 rows=0\n\
         v = {}\n\
         @out = sink v location=out mode=overwrite\n",
        span_join("inner", "contains", "", "(right.s as at)")
    );
    let dag = lake.compile(&text).await;
    let plan = engine::explain(&dag, &lake.session, engine::Stage::Optimized).await.unwrap();
    assert!(plan.contains("TableScan: l projection=[file, s, e]"), "{plan}");
    assert!(plan.contains("TableScan: r projection=[file, s, e]"), "{plan}");
    assert_eq!(lake.output(&text).await, ["20", "20", "60"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn union_keeps_duplicates_and_distinct_removes_them() {
    let lake = people().await;
    let text = "graph t phase=scheduled\n\
        l = scan location=l version=0 rows=0\n\
        a = project l columns={name: name}\n\
        b = project l columns={name: name}\n\
        u = union a, b\n\
        d = distinct u\n\
        n = aggregate u measures={n: (count(*))}\n\
        @n = sink n location=n mode=overwrite\n\
        @out = sink d location=out mode=overwrite\n";
    let text = text.replace("u = union a, b", "u = union a, b place recompute \"test\"");
    let text = text.replace("rows=0\n", "rows=0 place recompute \"test\"\n");
    assert_eq!(lake.output(&text).await, ["ann", "bob", "eve"]);
    assert_eq!(lake.rows("SELECT * FROM n").await, ["8"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_see_their_inputs_by_the_names_they_give_them() {
    let lake = people().await;
    let rows = result(
        &lake,
        "query l, r query=(WITH best AS (SELECT name, max(score) AS s FROM people GROUP BY name) \
         SELECT b.name, b.s, t.tag, (SELECT count(*) FROM tags) AS n FROM best b JOIN best c ON b.name = c.name \
         JOIN people p ON p.name = b.name AND p.score = b.s LEFT JOIN tags t ON t.id = p.id \
         WHERE EXISTS (SELECT 1 FROM tags x WHERE x.id = p.id)) relations=[people, tags]",
    )
    .await;
    assert_eq!(rows, ["ann|30|y|5", "ann|30|z|5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recursive_query_runs() {
    let lake = people().await;
    let rows = result(
        &lake,
        "query l query=(WITH RECURSIVE n AS (SELECT max(id) AS i FROM people UNION ALL SELECT i - 1 FROM n WHERE i > 0) \
         SELECT i FROM n) relations=[people]",
    )
    .await;
    assert_eq!(rows, ["0", "1", "2", "3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn scans_of_columns_versions_and_files() {
    let lake = people().await;
    lake.write("l", "SELECT 7 AS id, 'new' AS name, 7 AS score", append()).await;
    let text = "graph t phase=scheduled\n\
        old = scan location=l version=0 rows=0 columns=[name]\n\
        now = scan location=l version=1 rows=0 lineage=\"__source_file\"\n\
        n = aggregate now measures={files: (count(DISTINCT __source_file)), rows: (count(*))}\n\
        c = query old, n query=(SELECT count(*) AS old, max(files) AS files, max(rows) AS rows FROM a CROSS JOIN b) relations=[a, b]\n\
        @out = sink c location=out mode=overwrite\n";
    assert_eq!(lake.output(text).await, ["4|2|5"]);
}

fn append() -> WriteOptions {
    WriteOptions { mode: WriteMode::Append, ..WriteOptions::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_files_and_changes_of_a_table() {
    let lake = Lake::new();
    let feed = WriteOptions {
        properties: [("delta.enableChangeDataFeed".to_owned(), "true".to_owned())].into(),
        ..WriteOptions::default()
    };
    lake.write("l", "SELECT 1 AS id", feed).await;
    lake.write("l", "SELECT 2 AS id UNION ALL SELECT 3", append()).await;
    let text = "graph t phase=scheduled\n\
        m = scan location=l version=1 rows=0 read=metadata\n\
        f = scan location=l version=1 rows=0 read=files\n\
        c = scan location=l version=1 rows=0 read={changes: {starting_version: 1}}\n\
        q = query m, f, c query=(SELECT (SELECT max(version) FROM m) AS v, (SELECT sum(rows) FROM f) AS n, \
        id, _change_type AS change FROM c) relations=[m, f, c]\n\
        @out = sink q location=out mode=overwrite\n";
    assert_eq!(lake.output(text).await, ["1|3|2|insert", "1|3|3|insert"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_predicate_without_a_type_keeps_no_row() {
    let lake = Lake::new();
    lake.table("t", "SELECT 3 AS a").await;
    for predicate in ["NULL", "CASE WHEN (a > 1) THEN NULL END"] {
        let text = format!(
            "graph t phase=scheduled\n\
             t = scan location=t version=0 rows=1\n\
             f = filter t predicate=({predicate})\n\
             @out = sink f location=out mode=overwrite\n"
        );
        assert_eq!(lake.output(&text).await, Vec::<String>::new(), "{predicate}");
    }
}

/// DataFusion pushes predicates down by the names of columns, of which a join has two.
#[tokio::test(flavor = "multi_thread")]
async fn a_predicate_on_columns_of_both_sides_of_a_join_stays_above_it() {
    let lake = Lake::new();
    let rows = "SELECT value AS id, CASE WHEN value % 2 = 0 THEN value END AS k, value / 2 AS s FROM generate_series(0, 999)";
    lake.table("t", rows).await;
    let text = "graph g phase=scheduled\n\
        t = scan location=t version=0 rows=1000\n\
        a = query t query=(SELECT id, k, s FROM t WHERE id >= 0) relations=[t]\n\
        j = query a query=(SELECT coalesce(l.id, r.id) AS id, coalesce(r.k, l.k) AS k, r.s AS s FROM a l RIGHT JOIN a r \
        ON l.s = r.s) relations=[a]\n\
        f = filter j predicate=(k IS NOT NULL AND s IS NOT NULL)\n\
        @out = sink f location=out mode=overwrite\n";
    lake.run(text).await.unwrap();
    // Of the four pairs of two rows one has no key on either side.
    assert_eq!(lake.rows("SELECT count(*) AS n, count(DISTINCT s) AS s FROM out").await, ["1500|500"]);
}
