//! Declared order: written down, believed only while it holds, and of use to the planner.

use std::num::NonZeroU64;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, displayable};
use datafusion::prelude::{SessionConfig, SessionContext};
use delta::{CommitOptions, DeltaError, Location, SortColumn, TableTarget, WriteOptions};
use futures::TryStreamExt;
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::fixtures::{
    Lake, append, commit_file, crowd, data_files, edit_commit, files, number, open, overwrite, people,
    people_schema, scan, try_write, write,
};

fn by(columns: &[(&str, bool)]) -> Vec<SortColumn> {
    let sort = |(column, descending): &(&str, bool)| SortColumn {
        column: (*column).into(),
        descending: *descending,
    };
    columns.iter().map(sort).collect()
}

fn sorted(columns: &[(&str, bool)]) -> WriteOptions {
    WriteOptions { sort_by: by(columns), ..overwrite() }
}

/// A session that cuts even small files.
fn session(partitions: usize) -> SessionContext {
    let mut config = SessionConfig::new().with_target_partitions(partitions);
    config.options_mut().optimizer.repartition_file_min_size = 1;
    SessionContext::new_with_config(config)
}

async fn plan(
    location: &Location,
    partitions: usize,
    sql: &str,
) -> (Arc<dyn ExecutionPlan>, Arc<TaskContext>) {
    let context = session(partitions);
    context.register_table("t", scan(&open(location).await)).unwrap();
    (context.sql(sql).await.unwrap().create_physical_plan().await.unwrap(), context.task_ctx())
}

fn text(plan: &Arc<dyn ExecutionPlan>) -> String {
    displayable(plan.as_ref()).indent(false).to_string()
}

fn ids(batches: &[RecordBatch]) -> Vec<i64> {
    batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}

/// Two runs of many files each: even ids from one writer, odd ones from the other.
async fn two_runs(location: &Location) -> usize {
    let options = WriteOptions { target_file_size: NonZeroU64::new(60_000), ..sorted(&[("id", false)]) };
    let target = TableTarget::prepare(location, people_schema(), options).await.unwrap();
    let mut written = Vec::new();
    for first in [0, 1] {
        let rows: Vec<_> = (0..60_000).map(|row| (2 * row + first, format!("person {row}"))).collect();
        let rows: Vec<_> = rows.iter().map(|(id, name)| (*id, name.as_str())).collect();
        let batches: Vec<_> = rows.chunks(7_000).map(people).collect();
        written.push(files(&target, &batches).await.unwrap());
    }
    assert!(written.iter().all(|files| files.files() > 2), "{written:?}");
    target.commit(written, &CommitOptions::default()).await.unwrap().files_added
}

#[tokio::test]
async fn a_sorted_table_is_scanned_in_order_without_a_sort() {
    let lake = Lake::new();
    let location = lake.at("t");
    let count = two_runs(&location).await;
    assert_eq!(open(&location).await.sort_columns(), by(&[("id", false)]));
    for partitions in [2, 3, 5] {
        let (plan, _) = plan(&location, partitions, "select id, name from t order by id").await;
        assert!(!text(&plan).contains("SortExec"), "{partitions} partitions:\n{}", text(&plan));
        let (plan, task) = self::plan(&location, partitions, "select id, name from t").await;
        assert!(text(&plan).contains("DeltaOrderedScanExec: sorted_by=[id]"), "{}", text(&plan));
        let given = plan.output_partitioning().partition_count();
        assert_eq!(given, partitions, "the files are cut for all partitions");
        let mut all = Vec::new();
        for partition in 0..given {
            let rows: Vec<RecordBatch> =
                plan.execute(partition, Arc::clone(&task)).unwrap().try_collect().await.unwrap();
            let ids = ids(&rows);
            assert!(ids.is_sorted(), "partition {partition} of {partitions}, {count} files");
            all.extend(ids);
        }
        all.sort_unstable();
        assert_eq!(all, (0..120_000).collect::<Vec<_>>(), "{partitions} partitions");
    }
}

#[tokio::test]
async fn more_runs_than_partitions_are_scanned_without_an_order() {
    let lake = Lake::new();
    let location = lake.at("t");
    two_runs(&location).await;
    let (plan, task) = plan(&location, 1, "select id from t order by id").await;
    assert!(text(&plan).contains("SortExec") && !text(&plan).contains("Ordered"), "{}", text(&plan));
    let rows: Vec<RecordBatch> = plan.execute(0, task).unwrap().try_collect().await.unwrap();
    assert_eq!(ids(&rows), (0..120_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_projection_keeps_the_columns_of_the_order_up_to_the_first_missing() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[people(&[(2, "a"), (1, "a"), (9, "b")])], sorted(&[("name", false), ("id", true)]))
        .await;
    for (sql, expected) in [
        ("select * from t", Some("sorted_by=[name, id DESC]")),
        ("select name from t", Some("sorted_by=[name]")),
        ("select id from t", None),
        ("select count(*) from t", None),
    ] {
        let (plan, _) = plan(&location, 2, sql).await;
        match expected {
            Some(order) => assert!(text(&plan).contains(order), "{sql}: {}", text(&plan)),
            None => assert!(!text(&plan).contains("Ordered"), "{sql}: {}", text(&plan)),
        }
    }
    assert_eq!(number(&location, "select count(*) from t where id > 1").await, 2);
}

#[tokio::test]
async fn rows_out_of_order_are_refused_when_they_are_written() {
    let lake = Lake::new();
    let location = lake.at("t");
    for batches in [vec![people(&[(2, "b"), (1, "a")])], vec![people(&[(2, "b")]), people(&[(1, "a")])]] {
        let error = try_write(&location, &batches, sorted(&[("id", false)])).await.unwrap_err();
        assert!(matches!(error, DeltaError::OrderViolation { access: "written to", .. }), "{error}");
    }
    assert!(data_files(&lake.path("t")).is_empty());
    try_write(&location, &[people(&[(2, "b"), (1, "a")])], sorted(&[("id", true)])).await.unwrap();
}

#[tokio::test]
async fn orders_that_cannot_be_are_refused() {
    let lake = Lake::new();
    for order in [&[("age", false)][..], &[("id", false), ("id", true)]] {
        let error = try_write(&lake.at("t"), &[crowd(0, 1)], sorted(order)).await.unwrap_err();
        assert!(matches!(error, DeltaError::InvalidOrder { .. }), "{error}");
    }
    write(&lake.at("t"), &[crowd(0, 1)], sorted(&[("id", false)])).await;
    let other = WriteOptions { sort_by: by(&[("name", false)]), ..append() };
    let error = try_write(&lake.at("t"), &[crowd(1, 1)], other).await.unwrap_err();
    assert!(matches!(error, DeltaError::InvalidOrder { .. }), "{error}");
}

#[tokio::test]
async fn an_order_is_forgotten_as_soon_as_one_file_does_not_have_it() {
    let lake = Lake::new();
    let location = lake.at("t");
    let order = by(&[("id", false)]);
    write(&location, &[crowd(5, 5)], sorted(&[("id", false)])).await;
    write(&location, &[crowd(0, 5)], WriteOptions { sort_by: order.clone(), ..append() }).await;
    assert_eq!(open(&location).await.sort_columns(), order, "two runs of the same order");
    write(&location, &[people(&[(9, "z"), (1, "a")])], append()).await;
    assert_eq!(open(&location).await.sort_columns(), []);
    write(&location, &[crowd(0, 5)], sorted(&[("id", false)])).await;
    assert_eq!(open(&location).await.sort_columns(), order, "an overwrite has only its own files");
    write(&location, &[crowd(0, 5)], overwrite()).await;
    let table = open(&location).await;
    assert_eq!(table.sort_columns(), []);
    assert!(table.properties().is_empty(), "{:?}", table.properties());
    assert_eq!(number(&location, "select count(*) from t").await, 5);
}

#[tokio::test]
async fn a_wrong_order_is_an_error_and_never_a_wrong_result() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[crowd(0, 5)], sorted(&[("id", false)])).await;
    let ascending = r#"{\"column\":\"id\"}"#;
    let descending = r#"{\"column\":\"id\",\"descending\":true}"#;
    edit_commit(&commit_file(&lake, "t", 0), |line| line.replace(ascending, descending));
    assert_eq!(open(&location).await.sort_columns(), by(&[("id", true)]), "the lie is in place");
    let (plan, task) = plan(&location, 2, "select id from t").await;
    let read: Result<Vec<RecordBatch>, _> = plan.execute(0, task).unwrap().try_collect().await;
    let error = read.unwrap_err();
    let error = error.find_root();
    assert!(error.to_string().contains("are not sorted by"), "{error}");
}

#[tokio::test]
async fn files_say_what_they_are_sorted_by() {
    let lake = Lake::new();
    let options =
        WriteOptions { partition_by: vec!["name".into()], ..sorted(&[("name", false), ("id", true)]) };
    write(&lake.at("t"), &[people(&[(2, "a"), (1, "a"), (9, "b")])], options).await;
    let paths = data_files(&lake.path("t"));
    assert_eq!(paths.len(), 2);
    for path in paths {
        let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
        let sorting = reader.metadata().row_group(0).sorting_columns().unwrap();
        let sorting: Vec<_> =
            sorting.iter().map(|sort| (sort.column_idx, sort.descending, sort.nulls_first)).collect();
        assert_eq!(sorting, [(0, true, true)], "the partition column is not in the file");
    }
}
