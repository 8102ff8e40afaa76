//! What has made shared plans hang, lose rows or leave things behind in other engines.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use engine::{Cancellation, ExecutionObserver, RunError, RunOptions, execute};

use super::{VIEW, crowded, numbers};
use crate::lake::{Lake, options};

/// What a function does with every batch before it gives its argument back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Deed {
    Fail,
    Panic,
    Sleep,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Doing {
    deed: Deed,
    signature: Signature,
}

impl ScalarUDFImpl for Doing {
    fn name(&self) -> &'static str {
        "does"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match self.deed {
            Deed::Fail => return exec_err!("the producer fails"),
            Deed::Panic => panic!("the producer panics"),
            Deed::Sleep => std::thread::sleep(Duration::from_millis(10)),
        }
        Ok(args.args.into_iter().next().unwrap())
    }
}

async fn doing(deed: Deed) -> Lake {
    let udf = Doing { deed, signature: Signature::exact(vec![DataType::Int64], Volatility::Immutable) };
    let lake = Lake::with(options(), vec![Arc::new(ScalarUDF::from(udf))]);
    lake.table("t", "SELECT value AS id, value % 10 AS k FROM generate_series(1, 50000)").await;
    lake
}

/// Two outputs and a join over a view that calls `does`.
fn three_readers() -> String {
    format!(
        "{}j = join v, v join_type=inner on=[[id, id]] columns=[left.id]\n\
         @a = sink v location=a mode=overwrite\n\
         @b = sink v location=b mode=overwrite\n\
         @c = sink j location=c mode=overwrite\n",
        VIEW.replace("counted", "does")
    )
}

async fn nothing_is_left(lake: &Lake) {
    for table in ["a", "b", "c"] {
        assert_eq!(lake.files(table), Vec::<String>::new());
    }
    let runtime = lake.session.state().runtime_env();
    // Tasks inside DataFusion's operators are told to end, and hold a batch until they do.
    for _ in 0..200 {
        if runtime.memory_pool.reserved() == 0 && lake.session.spill_use().used_bytes == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(runtime.memory_pool.reserved(), 0, "memory");
    assert_eq!(lake.session.spill_use().used_bytes, 0, "temporary files");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_the_view_ends_all_its_readers() {
    let lake = doing(Deed::Fail).await;
    let error = lake.run(&three_readers()).await.unwrap_err();
    assert!(matches!(&error, RunError::Execution { segment, .. } if segment == "view v"), "{error:?}");
    nothing_is_left(&lake).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_the_view_ends_all_its_readers() {
    let lake = doing(Deed::Panic).await;
    let error = lake.run(&three_readers()).await.unwrap_err();
    assert!(matches!(&error, RunError::Panicked { segment, .. } if segment == "view v"), "{error:?}");
    nothing_is_left(&lake).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_is_dropped_unread_holds_nobody_up() {
    let (lake, seen) = numbers(50_000).await;
    // The build side is empty, so the probe side is never polled.
    let text = format!(
        "{VIEW}none = filter v predicate=(id < 0)\n\
         j = join none, v join_type=inner on=[[id, id]] columns=[left.id, right.k]\n\
         @a = sink j location=a mode=overwrite\n\
         @b = sink v location=b mode=overwrite\n"
    );
    lake.run(&text).await.unwrap();
    assert_eq!(lake.rows("SELECT count(*) FROM a").await, ["0"]);
    assert_eq!(lake.rows("SELECT count(*), sum(id) FROM b").await, ["50000|1250025000"]);
    assert_eq!(seen.load(Ordering::Relaxed), 50_000);
}

/// A nested loop join that runs out of memory executes its inputs again.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_reads_it_again_loses_no_row() {
    let lake = Lake::with(engine::SessionOptions { memory_limit_bytes: 2 << 20, ..options() }, Vec::new());
    lake.table("t", "SELECT value AS id, value % 10 AS k FROM generate_series(1, 100000)").await;
    let text = format!(
        "{}few = filter v predicate=(id <= 3) place share \"test\"\n\
         q = query v, few query=(SELECT count(*) AS n, sum(v.id) AS s FROM v JOIN few ON v.id > few.id) \
         relations=[v, few]\n\
         @out = sink q location=out mode=overwrite\n",
        VIEW.replace("counted(id)", "id + 0")
    );
    // Pairs with 1, 2 and 3 on the right: all rows behind them.
    let n = 99_999 + 99_998 + 99_997;
    let all: u64 = 100_000 * 100_001 / 2;
    let s = 3 * all - 1 - (1 + 2) - (1 + 2 + 3);
    assert_eq!(lake.output(&text).await, [format!("{n}|{s}")]);
}

struct StopsAt(&'static str, Cancellation);

impl ExecutionObserver for StopsAt {
    fn segment_started(&self, segment: &str) {
        if segment == self.0 {
            self.1.cancel();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_run_gives_memory_and_temporary_files_back() {
    let (lake, text) = crowded(1 << 30).await;
    let dag = lake.compile(&text).await;
    let cancellation = Cancellation::new();
    let run = RunOptions {
        observer: Arc::new(StopsAt("output a", cancellation.clone())),
        cancellation,
        ..RunOptions::new(lake.dir.path(), "run-1")
    };
    let error = execute(&lake.session, &dag, &run).await.unwrap_err();
    assert!(matches!(error, RunError::Cancelled { .. }), "{error:?}");
    nothing_is_left(&lake).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_hundred_readers_read_it() {
    let (lake, seen) = numbers(4_000).await;
    let mut text = VIEW.to_owned();
    let names: Vec<String> = (0..800).map(|part| format!("f{part}")).collect();
    for (part, name) in names.iter().enumerate() {
        text += &format!("{name} = filter v predicate=(id % 800 = {part})\n");
    }
    text += &format!(
        "u = union {}\nn = aggregate u measures={{n: (count(*)), s: (sum(id))}}\n\
         @out = sink n location=out mode=overwrite\n",
        names.join(", ")
    );
    let outcome = lake.run(&text).await.unwrap();
    assert_eq!(lake.rows("SELECT * FROM out").await, ["4000|8002000"]);
    assert_eq!(seen.load(Ordering::Relaxed), 4_000);
    assert_eq!((outcome.shared_views[0].computed, outcome.shared_views[0].readers), (1, 800));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_and_a_fast_one_get_the_same_rows() {
    let lake = doing(Deed::Sleep).await;
    let text = format!(
        "{}slow = project v columns={{id: (does(id))}}\n\
         @a = sink slow location=a mode=overwrite\n\
         @b = sink v location=b mode=overwrite\n",
        VIEW.replace("counted(id)", "id + 1")
    );
    let outcome = lake.run(&text).await.unwrap();
    for table in ["a", "b"] {
        let sums = lake.rows(&format!("SELECT count(*), sum(id) FROM {table}")).await;
        assert_eq!(sums, ["50000|1250075000"]);
    }
    assert_eq!(outcome.shared_views[0].computed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_reader_filters_is_not_lost_to_the_other() {
    let (lake, _) = numbers(20_000).await;
    let text = format!(
        "{VIEW}one = filter v predicate=((id = 77) AND (k = 7))\n\
         narrow = project one columns={{id: id}}\n\
         top = query v query=(SELECT id FROM v ORDER BY id DESC LIMIT 2) relations=[v]\n\
         @a = sink narrow location=a mode=overwrite\n\
         @b = sink v location=b mode=overwrite\n\
         @c = sink top location=c mode=overwrite\n"
    );
    lake.run(&text).await.unwrap();
    assert_eq!(lake.rows("SELECT * FROM a").await, ["77"]);
    assert_eq!(lake.rows("SELECT count(*), sum(id), sum(k) FROM b").await, ["20000|200010000|90000"]);
    assert_eq!(lake.rows("SELECT * FROM c").await, ["19999", "20000"]);
}
