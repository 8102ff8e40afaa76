//! Where the rows of shared views are, and what is known of them.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::prelude::SessionContext;
use engine::SessionOptions;
use engine::operators::SharedStore;
use engine::operators::leaf::{RowSource as _, StoredView};
use futures::TryStreamExt as _;

use super::VIEW;
use crate::lake::{Lake, options};

/// A store of one partition with the rows of a query.
async fn stored(lake: &Lake, query: &str) -> Arc<SharedStore> {
    let frame = SessionContext::new().sql(query).await.unwrap();
    let schema = Arc::new(frame.schema().as_arrow().clone());
    let batches = frame.collect().await.unwrap();
    let batches = std::slice::from_ref(&batches);
    let source = MemorySourceConfig::try_new_exec(batches, Arc::clone(&schema), None).unwrap();
    SharedStore::filled("v", schema, source, lake.session.state().task_ctx()).await.unwrap()
}

async fn read(lake: &Lake, store: &Arc<SharedStore>) -> Vec<RecordBatch> {
    let reader = StoredView::new("v", Arc::clone(store)).leaf();
    reader.execute(0, lake.session.state().task_ctx()).unwrap().try_collect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_are_exact() {
    let lake = Lake::new();
    let query = "SELECT value AS id, CASE WHEN value % 4 = 0 THEN NULL ELSE value * 2 END AS half, \
                 CAST(NULL AS BIGINT) AS none, 'x' AS text FROM generate_series(11, 20010)";
    let reader = StoredView::new("v", stored(&lake, query).await).leaf();
    let known = reader.statistics_from_inputs(&[], &StatisticsArgs::new()).unwrap();
    let shown: Vec<String> = known
        .column_statistics
        .iter()
        .map(|column| format!("{:?} {:?} {:?}", column.null_count, column.min_value, column.max_value))
        .collect();
    assert_eq!(format!("{:?}", known.num_rows), "Exact(20000)");
    assert_eq!(
        shown,
        [
            "Exact(0) Exact(Int64(11)) Exact(Int64(20010))",
            "Exact(5000) Exact(Int64(22)) Exact(Int64(40020))",
            "Exact(20000) Absent Absent",
            "Exact(0) Absent Absent",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_cannot_spill_gets_the_memory_of_the_view() {
    let lake = Lake::with(SessionOptions { memory_limit_bytes: 8 << 20, ..options() }, Vec::new());
    let store = stored(&lake, "SELECT value AS id FROM generate_series(1, 500000)").await;
    let before = read(&lake, &store).await;
    let runtime = lake.session.state().runtime_env();
    assert!(runtime.memory_pool.reserved() > 4_000_000, "the view is in memory");
    // One reader is in the middle of the view when it moves to a file.
    let mut reader =
        StoredView::new("v", Arc::clone(&store)).leaf().execute(0, lake.session.state().task_ctx()).unwrap();
    let mut seen = vec![reader.try_next().await.unwrap().unwrap(), reader.try_next().await.unwrap().unwrap()];
    let join = MemoryConsumer::new("join").register(&runtime.memory_pool);
    join.try_grow(7 << 20).unwrap();
    assert!(lake.session.spill_use().used_bytes > 1_000_000, "the view is in a file");
    seen.extend(reader.try_collect::<Vec<_>>().await.unwrap());
    assert_eq!(seen, before);
    assert_eq!(read(&lake, &store).await, before);
    assert!(join.try_grow(2 << 20).is_err(), "nothing is left to take");
    drop((join, store));
    assert_eq!((runtime.memory_pool.reserved(), lake.session.spill_use().used_bytes), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn views_keep_to_their_budget() {
    let lake = Lake::with(SessionOptions { batch_size: 100, ..options() }, Vec::new());
    lake.table("t", "SELECT value AS id, value % 10 AS k FROM generate_series(1, 50000)").await;
    let view = VIEW.replace("counted(id)", "id + 0");
    let text = format!(
        "{}w = project v columns={{id: id}} place share \"test\"\n\
         @a = sink v location=a mode=overwrite\n@b = sink w location=b mode=overwrite\n",
        view.replace("phase=scheduled\n", "phase=scheduled\ncache min_fanout=2 memory_budget=100000\n")
    );
    let outcome = lake.run(&text).await.unwrap();
    for view in &outcome.shared_views {
        assert!(view.memory_bytes <= 100_000 && view.spilled_bytes > 300_000, "{view:?}");
    }
    assert_eq!(lake.rows("SELECT count(*), sum(id) FROM a").await, ["50000|1250025000"]);
    assert_eq!(lake.rows("SELECT count(*), sum(id) FROM b").await, ["50000|1250025000"]);
    let files: usize = outcome.shared_views.iter().map(|view| view.spill_count).sum();
    assert!(files <= 4 * options().target_partitions, "{files} files for 1000 batches");
}

/// The names that are kept hold 100 times their bytes: more than the memory there is, were they not copied in time.
#[tokio::test(flavor = "multi_thread")]
async fn waste_is_let_go_of_while_rows_come_in() {
    let limit = 160 << 20;
    let lake = Lake::with(SessionOptions { memory_limit_bytes: limit, ..options() }, Vec::new());
    let name: StringViewArray =
        (0..8192).map(|row| Some(format!("{row} {}", "a rather long name ".repeat(40)))).collect();
    let schema = Arc::new(Schema::new(vec![Field::new("name", DataType::Utf8View, true)]));
    let batches: Vec<RecordBatch> = (0..60)
        .map(|_| {
            // Its own buffers for every batch, of which it uses a hundredth.
            let few: ArrayRef = Arc::new(name.gc().slice(7, 80));
            RecordBatch::try_new(Arc::clone(&schema), vec![few]).unwrap()
        })
        .collect();
    let source =
        MemorySourceConfig::try_new_exec(std::slice::from_ref(&batches), Arc::clone(&schema), None).unwrap();
    let store = SharedStore::filled("v", schema, source, lake.session.state().task_ctx()).await.unwrap();
    let runtime = lake.session.state().runtime_env();
    assert_eq!(lake.session.spill_use().used_bytes, 0, "nothing had to go to a file");
    assert!(runtime.memory_pool.reserved() < 20 << 20, "{} bytes", runtime.memory_pool.reserved());
    assert_eq!(read(&lake, &store).await, batches);
}

/// A filter that keeps one name in a hundred must not keep the buffers of all names.
#[tokio::test(flavor = "multi_thread")]
async fn a_selective_view_does_not_hold_what_it_came_from() {
    let lake = Lake::new();
    let query = "SELECT value AS id, 'a rather long name of a rather dull thing ' || CAST(value AS VARCHAR) AS name \
                 FROM generate_series(1, 200000)";
    lake.table("t", query).await;
    let text = "graph t phase=scheduled\n\
        t = scan location=t version=0 rows=0\n\
        v = filter t predicate=(id % 100 = 1) place share \"test\"\n\
        @a = sink v location=a mode=overwrite\n@b = sink v location=b mode=overwrite\n";
    let outcome = lake.run(text).await.unwrap();
    let view = &outcome.shared_views[0];
    // 2,000 names of some 50 bytes, and what columns and batches cost beside them.
    assert!(view.rows == 2000 && view.memory_bytes < 1_000_000, "{view:?}");
    assert_eq!(lake.rows("SELECT count(DISTINCT name) FROM a").await, ["2000"]);
}
