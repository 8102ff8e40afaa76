//! Queries over the tables of a lake.

use engine::EngineError;

use crate::lake::Lake;

#[tokio::test(flavor = "multi_thread")]
async fn only_tables_that_are_named_are_opened() {
    let lake = Lake::new();
    lake.table("t", "SELECT 1 AS id UNION ALL SELECT 2").await;
    std::fs::create_dir_all(lake.dir.path().join("broken/_delta_log")).unwrap();
    assert_eq!(lake.rows("SELECT max(id) AS m FROM t x WHERE x.id IN (SELECT id FROM t)").await, ["2"]);
    assert!(lake.session.sql("SELECT * FROM broken", lake.dir.path()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_not_there_comes_with_those_that_are() {
    let lake = Lake::new();
    lake.table("orders", "SELECT 1 AS id").await;
    for name in ["order", "\"../orders\"", "information_schema.tables", "\"/etc\""] {
        let error = lake.session.sql(&format!("SELECT * FROM {name}"), lake.dir.path()).await.unwrap_err();
        assert!(matches!(error, EngineError::Table { .. }), "{name}: {error:?}");
        assert!(error.to_string().contains("tables here: orders"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_select_is_taken() {
    let lake = Lake::new();
    lake.table("t", "SELECT 1 AS id").await;
    for query in [
        "DROP TABLE t",
        "INSERT INTO t VALUES (2)",
        "SET datafusion.execution.batch_size = 1",
        "SELECT * INTO u FROM t",
        "SELECT 1; SELECT 2",
        "COPY t TO 'x.parquet'",
        "SELECT * FROM '/etc/passwd'",
    ] {
        assert!(lake.session.sql(query, lake.dir.path()).await.is_err(), "{query}");
    }
    assert_eq!(lake.rows("SELECT id, now() IS NOT NULL AS t FROM t").await, ["1|true"]);
}
