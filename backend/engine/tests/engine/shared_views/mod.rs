//! Shared views are computed once, whatever reads them.

mod hangs;
mod hazards;
mod memory;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use engine::{RunError, SessionOptions};

use crate::lake::{Lake, options};

/// Gives its argument back and counts the rows it has seen.
#[derive(Debug, Clone)]
struct Counting {
    rows: Arc<AtomicUsize>,
    signature: Signature,
}

impl PartialEq for Counting {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.rows, &other.rows)
    }
}

impl Eq for Counting {}

impl std::hash::Hash for Counting {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (&raw const *self.rows).hash(state);
    }
}

impl ScalarUDFImpl for Counting {
    fn name(&self) -> &'static str {
        "counted"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.rows.fetch_add(args.number_rows, Ordering::Relaxed);
        Ok(args.args.into_iter().next().unwrap())
    }
}

async fn numbers(rows: i64) -> (Lake, Arc<AtomicUsize>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let udf = Counting {
        rows: Arc::clone(&seen),
        signature: Signature::exact(vec![DataType::Int64], Volatility::Immutable),
    };
    let lake = Lake::with(options(), vec![Arc::new(ScalarUDF::from(udf))]);
    let query = format!("SELECT value AS id, value % 10 AS k FROM generate_series(1, {rows})");
    lake.table("t", &query).await;
    (lake, seen)
}

const VIEW: &str = "graph t phase=scheduled\n\
    t = scan location=t version=0 rows=0\n\
    v = project t columns={id: (counted(id)), k: k} place share \"test\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_view_with_three_readers_is_computed_once() {
    let (lake, seen) = numbers(50_000).await;
    let text = format!(
        "{VIEW}a = aggregate v group_by={{k: k}} measures={{n: (sum(id))}}\n\
         b = filter v predicate=(id < 4)\n\
         @a = sink a location=a mode=overwrite\n\
         @b = sink b location=b mode=overwrite\n\
         @c = sink v location=c mode=overwrite\n"
    );
    let outcome = lake.run(&text).await.unwrap();
    assert_eq!(seen.load(Ordering::Relaxed), 50_000);
    let [view] = outcome.shared_views.as_slice() else { panic!("{:?}", outcome.shared_views) };
    assert_eq!((view.computed, view.rows, view.readers), (1, 50_000, 3));
    // Two columns of eight bytes; slices of one buffer are not counted again.
    assert!((800_000..1_700_000).contains(&view.memory_bytes), "{view:?}");
    assert_eq!(lake.rows("SELECT count(*), sum(id) FROM c").await, ["50000|1250025000"]);
    assert_eq!(lake.rows("SELECT id FROM b").await, ["1", "2", "3"]);
    assert_eq!(lake.rows("SELECT sum(n) FROM a").await, ["1250025000"]);
    let pool = &lake.session.state().runtime_env().memory_pool;
    assert_eq!(pool.reserved(), 0, "the memory of the view is given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_reader_may_read_it_twice_in_a_join() {
    let (lake, seen) = numbers(20_000).await;
    let text = format!(
        "{VIEW}j = join v, v join_type=inner on=[[id, id]] columns=[left.id, right.k]\n\
         n = aggregate j measures={{n: (count(*)), k: (sum(k))}}\n\
         @out = sink n location=out mode=overwrite\n"
    );
    assert_eq!(lake.output(&text).await, ["20000|90000"]);
    assert_eq!(seen.load(Ordering::Relaxed), 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_tables_with_described_fields_pass_through_it() {
    let lake = Lake::new();
    lake.table("t", "SELECT value AS id, value % 3 AS k FROM generate_series(1, 9)").await;
    let commit = lake.dir.path().join("t/_delta_log/00000000000000000000.json");
    let log = std::fs::read_to_string(&commit).unwrap();
    let described = log.replace(r#"\"metadata\":{}"#, r#"\"metadata\":{\"comment\":\"a number\"}"#);
    assert_ne!(log, described);
    std::fs::write(&commit, described).unwrap();
    let text = "graph g phase=scheduled\n\
         t = scan location=t version=0 rows=0\n\
         v = project t columns={id: id, k: k} place share \"test\"\n\
         n = aggregate v group_by={k: k} measures={n: (sum(id))}\n\
         @v = sink v location=v mode=overwrite\n\
         @out = sink n location=out mode=overwrite\n";
    assert_eq!(lake.output(text).await, ["0|18", "1|12", "2|15"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limited_union_over_it_ends() {
    let (lake, seen) = numbers(20_000).await;
    let text = format!(
        "{VIEW}q = query v query=(SELECT id FROM (SELECT id FROM v UNION ALL SELECT k FROM v UNION ALL SELECT id FROM v) \
         LIMIT 7) relations=[v]\n\
         @out = sink q location=out mode=overwrite\n"
    );
    assert_eq!(lake.output(&text).await.len(), 7);
    assert_eq!(seen.load(Ordering::Relaxed), 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn views_over_views_run_in_order() {
    let (lake, seen) = numbers(1_000).await;
    let text = format!(
        "{VIEW}w = filter v predicate=(k = 1) place share \"test\"\n\
         x = join v, w join_type=semi on=[[id, id]] columns=[left.id]\n\
         @w = sink w location=w mode=overwrite\n\
         @out = sink x location=out mode=overwrite\n"
    );
    let outcome = lake.run(&text).await.unwrap();
    assert_eq!(lake.rows("SELECT count(*) FROM out").await, ["100"]);
    assert_eq!(lake.rows("SELECT count(*) FROM w").await, ["100"]);
    assert_eq!(seen.load(Ordering::Relaxed), 1_000);
    assert!(outcome.shared_views.iter().all(|view| view.computed == 1), "{:?}", outcome.shared_views);
}

#[tokio::test(flavor = "multi_thread")]
async fn count_of_a_shared_view_is_answered_from_its_size() {
    let (lake, _) = numbers(5_000).await;
    let text = format!(
        "{VIEW}n = aggregate v measures={{n: (count(*))}}\n\
         @out = sink n location=out mode=overwrite\n"
    );
    let outcome = lake.run(&text).await.unwrap();
    assert_eq!(lake.rows("SELECT * FROM out").await, ["5000"]);
    assert_eq!(outcome.shared_views[0].reads, 0, "exact statistics make reading unnecessary");
}

/// Two megabytes of packed rows, one megabyte of memory, and this much disk.
async fn crowded(spill_limit_bytes: u64) -> (Lake, String) {
    let options = SessionOptions {
        memory_limit_bytes: 1 << 20,
        spill_limit_bytes: Some(spill_limit_bytes),
        ..options()
    };
    let lake = Lake::with(options, Vec::new());
    let query = "SELECT value AS id, CAST(value % 10 AS VARCHAR) AS k FROM generate_series(1, 200000)";
    lake.table("t", query).await;
    let text = format!(
        "{}@a = sink v location=a mode=overwrite\n@b = sink v location=b mode=overwrite\n",
        VIEW.replace("counted(id)", "id + 1")
    );
    (lake, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_does_not_fit_in_memory_goes_to_disk() {
    let (lake, text) = crowded(1 << 30).await;
    let outcome = lake.run(&text).await.unwrap();
    let [view] = outcome.shared_views.as_slice() else { panic!("{:?}", outcome.shared_views) };
    assert!(view.spill_count > 0 && view.spilled_bytes > 1 << 20, "{view:?}");
    assert_eq!((view.computed, view.rows), (1, 200_000));
    for table in ["a", "b"] {
        let sums = lake.rows(&format!("SELECT count(*), sum(id), count(DISTINCT k) FROM {table}")).await;
        assert_eq!(sums, ["200000|20000300000|10"]);
    }
    let runtime = lake.session.state().runtime_env();
    assert_eq!((runtime.memory_pool.reserved(), lake.session.spill_use().used_bytes), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_fits_nowhere_is_named() {
    let (lake, text) = crowded(1 << 18).await;
    let error = lake.run(&text).await.unwrap_err();
    assert!(matches!(&error, RunError::OutOfDisk { .. }), "{error:?}");
    assert!(error.to_string().contains("view v: no room for temporary files"), "{error}");
    assert_eq!(error.diagnostic().code.id(), "E0706");
    assert!(lake.files("a").is_empty() && lake.files("b").is_empty());
}

/// Recomputing would visit the lowest view 2^30 times.
#[tokio::test(flavor = "multi_thread")]
async fn diamonds_upon_diamonds_compile_and_run_in_linear_time() {
    let lake = Lake::new();
    lake.table("t", "SELECT 1 AS id").await;
    let mut text = "graph t phase=scheduled\n\
        t = scan location=t version=0 rows=0\n\
        v0 = project t columns={id: id} place share \"test\"\n"
        .to_owned();
    for level in 1..=30 {
        text += &format!(
            "v{level} = join v{0}, v{0} join_type=inner on=[[id, id]] columns=[left.id] place share \"test\"\n",
            level - 1
        );
    }
    text += "@out = sink v30 location=out mode=overwrite\n";
    let began = Instant::now();
    let outcome = lake.run(&text).await.unwrap();
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    assert_eq!(outcome.shared_views.len(), 31);
    assert_eq!(lake.rows("SELECT * FROM out").await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_may_be_executed_twice() {
    use engine::operators::SharedStore;
    use engine::operators::leaf::{RowSource as _, StoredView};
    use futures::TryStreamExt as _;
    let lake = Lake::new();
    lake.table("t", "SELECT value AS id FROM generate_series(1, 1000)").await;
    // Any plan that gives rows will do as the view's own.
    let rows = lake.session.sql("SELECT id FROM t", lake.dir.path()).await.unwrap();
    let batches: Vec<_> = rows.batches.try_collect().await.unwrap();
    let source = datafusion::datasource::memory::MemorySourceConfig::try_new_exec(
        std::slice::from_ref(&batches),
        Arc::clone(&rows.schema),
        None,
    )
    .unwrap();
    let state = lake.session.state();
    let store = SharedStore::filled("v", Arc::clone(&rows.schema), source, state.task_ctx()).await.unwrap();
    let reader = StoredView::new("v", store).leaf();
    assert_eq!(reader.properties().partitioning.partition_count(), 1);
    for _ in 0..2 {
        let read: Vec<_> = reader.execute(0, state.task_ctx()).unwrap().try_collect().await.unwrap();
        assert_eq!(read.iter().map(arrow::array::RecordBatch::num_rows).sum::<usize>(), 1000);
    }
}
