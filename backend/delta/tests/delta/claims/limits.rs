//! Limits and counts: of rows that are in files, that are constants of files, that are neither.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use delta::WriteOptions;

use super::Judged;
use crate::fixtures::{
    Lake, append, commit_file, data_files, edit_commit, number, open, overwrite, people, write,
};

async fn five_rows(lake: &Lake) -> delta::Location {
    let location = lake.at("t");
    let p: ArrayRef = Arc::new(StringArray::from(vec!["de", "de", "fr", "fr", "it"]));
    let v: ArrayRef = Arc::new((0..5).map(Some).collect::<Int64Array>());
    let batch = RecordBatch::try_from_iter_with_nullable([("p", p, true), ("v", v, true)]).unwrap();
    write(&location, &[batch], WriteOptions { partition_by: vec!["p".into()], ..overwrite() }).await;
    location
}

#[tokio::test]
async fn a_limit_gives_as_many_rows_as_it_says() {
    let lake = Lake::new();
    let location = five_rows(&lake).await;
    let judged = Judged::open(&location).await;
    let counted = |inner: &str| format!("SELECT count(*) FROM ({inner})");
    for columns in
        ["p", "v", "p, v", "'x' AS c", "1 AS one", "p || 'x' AS px", "*", "count(*) AS n", "DISTINCT p"]
    {
        for limit in [
            "",
            "LIMIT 0",
            "LIMIT 1",
            "LIMIT 3",
            "LIMIT 5",
            "LIMIT 9",
            "LIMIT 2 OFFSET 2",
            "OFFSET 4",
            "LIMIT 0 OFFSET 1",
            "LIMIT 3 OFFSET 9",
        ] {
            for filter in
                ["", "WHERE p = 'fr'", "WHERE p <> 'fr'", "WHERE v > 1", "WHERE p >= 'fr' AND v <> 2"]
            {
                let inner = format!("SELECT {columns} FROM t {filter} {limit}");
                assert_eq!(judged.wrong(&counted(&inner)).await, None);
            }
        }
    }
    for query in [
        "SELECT p FROM t ORDER BY p LIMIT 2",
        "SELECT p FROM t ORDER BY p DESC LIMIT 2 OFFSET 1",
        "SELECT DISTINCT p FROM t ORDER BY p LIMIT 2",
        "SELECT p, count(*) FROM t GROUP BY p ORDER BY p LIMIT 2",
        "SELECT count(*) FROM t WHERE p IN (SELECT p FROM t ORDER BY p LIMIT 1)",
        "SELECT count(*) FROM (SELECT p FROM t LIMIT 3) a, (SELECT 1 FROM t LIMIT 2) b",
        "SELECT count(*) FROM (SELECT p FROM t LIMIT 2 UNION ALL SELECT p FROM t LIMIT 1)",
        "SELECT count(*), count(p), count(1), min(p), max(p) FROM t",
        "SELECT count(*) FILTER (WHERE p = 'de') FROM t",
        "SELECT (SELECT count(*) FROM t), (SELECT max(p) FROM t)",
        "SELECT v FROM t WHERE EXISTS (SELECT 1 FROM t LIMIT 0) ORDER BY v",
    ] {
        assert_eq!(judged.wrong(query).await, None);
    }
}

#[tokio::test]
async fn the_limit_holds_with_deletion_vectors_and_many_files() {
    let lake = Lake::new();
    let location = lake.at("t");
    for from in 0..6 {
        let rows: Vec<(i64, String)> = (0..4).map(|row| (from * 4 + row, format!("p{}", from % 2))).collect();
        let rows: Vec<(i64, &str)> = rows.iter().map(|(id, name)| (*id, name.as_str())).collect();
        write(&location, &[people(&rows)], WriteOptions { partition_by: vec!["name".into()], ..append() })
            .await;
    }
    let judged = Judged::open(&location).await;
    for limit in ["LIMIT 1", "LIMIT 7", "LIMIT 7 OFFSET 20", "OFFSET 23"] {
        for columns in ["id", "name", "1 AS one", "*"] {
            let query = format!("SELECT count(*) FROM (SELECT {columns} FROM t {limit})");
            assert_eq!(judged.wrong(&query).await, None);
        }
    }
}

// Whoever wrote the log may say anything about how many rows there are.
#[tokio::test]
async fn rows_are_counted_in_the_files() {
    let lake = Lake::new();
    let location = five_rows(&lake).await;
    edit_commit(&commit_file(&lake, "t", 0), |line| {
        let line = line.replace(r#"\"numRecords\":1"#, r#"\"numRecords\":0"#);
        line.replace(r#"\"numRecords\":2"#, r#"\"numRecords\":1000000"#)
    });
    assert_ne!(open(&location).await.rows(), Some(5), "the log is forged");
    for query in [
        "select count(*) from t",
        "select count(p) from t",
        "select count(1) from t where p <> 'x'",
        "select sum(n) from (select p, count(*) n from t group by p)",
    ] {
        assert_eq!(number(&location, query).await, 5, "{query}");
    }
}

#[tokio::test]
async fn a_missing_file_is_an_error_whatever_is_asked() {
    let lake = Lake::new();
    let location = five_rows(&lake).await;
    std::fs::remove_file(data_files(&lake.path("t")).remove(0)).unwrap();
    let context = crate::fixtures::session();
    context.register_table("t", crate::fixtures::scan(&open(&location).await)).unwrap();
    for query in [
        "select count(*) from t",
        "select p from t",
        "select 'x' from t",
        "select max(p) from t",
        "select v from t",
    ] {
        assert!(context.sql(query).await.unwrap().collect().await.is_err(), "{query}");
    }
}
