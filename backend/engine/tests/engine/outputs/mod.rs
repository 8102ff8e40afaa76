//! What is published, what is not, and what is left behind.

mod orders;
mod wide_rows;

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use delta::{WriteMode, WriteOptions};
use engine::{
    Cancellation, ExecutionObserver, OutputOutcome, RunError, RunOptions, SegmentOutcome, Stage, execute,
    explain,
};

use crate::lake::{Lake, options};

/// Fails in one of several ways for the row with the value 77.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Failing {
    panics: bool,
    signature: Signature,
}

impl ScalarUDFImpl for Failing {
    fn name(&self) -> &'static str {
        if self.panics { "panics" } else { "sleeps" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        assert!(!self.panics, "the function gave up");
        std::thread::sleep(Duration::from_millis(400));
        Ok(args.args.into_iter().next().unwrap())
    }
}

fn failing(panics: bool) -> Arc<ScalarUDF> {
    let signature = Signature::exact(vec![DataType::Int64], Volatility::Immutable);
    Arc::new(ScalarUDF::from(Failing { panics, signature }))
}

pub(crate) async fn lake() -> Lake {
    let lake = Lake::with(options(), vec![failing(true), failing(false)]);
    lake.table("t", "SELECT value AS id, CAST(value AS VARCHAR) AS name FROM generate_series(1, 30000)")
        .await;
    lake.table("words", "SELECT * FROM (VALUES (1, '1'), (2, 'two')) t(id, name)").await;
    lake
}

pub(crate) fn two_outputs(bad: &str) -> String {
    format!(
        "graph t phase=scheduled\n\
         t = scan location=t version=0 rows=0\n\
         words = scan location=words version=0 rows=0\n\
         bad = project words columns={{x: ({bad})}}\n\
         @good = sink t location=good mode=overwrite\n\
         @bad = sink bad location=bad mode=overwrite\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn append_adds_and_overwrite_replaces() {
    let lake = lake().await;
    let text = |mode: &str| {
        format!(
            "graph t phase=scheduled\nwords = scan location=words version=0 rows=0\n\
             @out = sink words location=out mode={mode} metadata={{owner: me}}\n"
        )
    };
    let first = lake.run(&text("append")).await.unwrap();
    assert_eq!((first.outputs[0].version, first.outputs[0].rows, first.outputs[0].files), (0, 2, 1));
    let second = lake.run(&text("append")).await.unwrap();
    assert_eq!((second.outputs[0].version, second.outputs[0].rows), (1, 2));
    assert_eq!(lake.rows("SELECT count(*) FROM out").await, ["4"]);
    let third = lake.run(&text("overwrite")).await.unwrap();
    assert_eq!((third.outputs[0].version, third.outputs[0].files_removed), (2, 2));
    assert_eq!(lake.rows("SELECT id, name FROM out").await, ["1|1", "2|two"]);
    let commit =
        std::fs::read_to_string(lake.dir.path().join("out/_delta_log/00000000000000000002.json")).unwrap();
    assert!(
        commit.contains("\"codeanatomy.run_id\":\"run-1\"") && commit.contains("\"owner\":\"me\""),
        "{commit}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn partitioned_outputs_write_each_partition_value_once() {
    let lake = lake().await;
    let text = "graph t phase=scheduled\n\
        t = scan location=t version=0 rows=0\n\
        p = project t columns={id: id, k: (id % 3)}\n\
        @out = sink p location=out mode=overwrite partition_by=[k]\n";
    let outcome = lake.run(text).await.unwrap();
    assert_eq!(
        outcome.outputs[0].files, 3,
        "rows are brought together by partition value before they are written"
    );
    assert_eq!(lake.rows("SELECT k, count(*) FROM out GROUP BY k").await, ["0|10000", "1|10000", "2|10000"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_value_publishes_nothing_and_leaves_no_file() {
    let lake = lake().await;
    let error = lake.run(&two_outputs("CAST(name AS BIGINT)")).await.unwrap_err();
    assert!(matches!(&error, RunError::Execution { segment, .. } if segment == "output bad"), "{error:?}");
    assert!(error.to_string().contains("two"), "{error}");
    assert_eq!(error.diagnostic().code.id(), "E0707");
    assert!(lake.files("good").is_empty(), "{:?}", lake.files("good"));
    assert!(lake.files("bad").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_an_error_and_publishes_nothing() {
    let lake = lake().await;
    let error = lake.run(&two_outputs("panics(id)")).await.unwrap_err();
    match &error {
        RunError::Panicked { segment, message } => {
            assert_eq!(segment, "output bad");
            assert!(message.contains("gave up"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    assert!(lake.files("good").is_empty() && lake.files("bad").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_does_not_fit_its_table_is_refused_before_anything_runs() {
    let lake = lake().await;
    lake.table("bad", "SELECT 'text' AS x").await;
    let error = lake.run(&two_outputs("panics(id)")).await.unwrap_err();
    assert!(matches!(&error, RunError::Prepare { output, .. } if output == "bad"), "{error:?}");
    assert!(lake.files("good").is_empty());
}

/// The sleeping function blocks threads; enough of them are left to keep the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 12)]
async fn a_stopped_run_publishes_nothing_and_leaves_no_file() {
    let lake = lake().await;
    let text = two_outputs("id")
        .replace("@good = sink t", "slow = project t columns={id: (sleeps(id))}\n@good = sink slow");
    let dag = lake.compile(&text).await;
    let mut options = RunOptions::new(lake.dir.path(), "run-1");
    let cancellation = Cancellation::new();
    options.cancellation = cancellation.clone();
    let stop = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(30)).await;
        cancellation.cancel();
    });
    let error = execute(&lake.session, &dag, &options).await.unwrap_err();
    stop.await.unwrap();
    assert!(matches!(&error, RunError::Cancelled { committed } if committed.is_empty()), "{error:?}");
    assert!(lake.files("good").is_empty() && lake.files("bad").is_empty());
    // The session is as good as new.
    lake.run(&two_outputs("id")).await.unwrap();
}

/// 30,000 rows with 30,000 rows take minutes. Few threads: none is left idle by a run that never gives one back.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_join_of_all_rows_with_all_others_can_be_stopped() {
    let lake = lake().await;
    let query = "SELECT count(*) AS n, sum(a.id * b.id) AS s FROM t a JOIN t b ON a.id % 7 <> b.id % 5";
    let text = two_outputs("id")
        .replace("@good = sink t", &format!("all = query t query=({query}) relations=[t]\n@good = sink all"));
    let dag = lake.compile(&text).await;
    let cancellation = Cancellation::new();
    let options =
        RunOptions { cancellation: cancellation.clone(), ..RunOptions::new(lake.dir.path(), "run-1") };
    let stop = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        cancellation.cancel();
    });
    let stopped = tokio::time::timeout(Duration::from_secs(30), execute(&lake.session, &dag, &options));
    let error = stopped.await.expect("it ends").unwrap_err();
    stop.await.unwrap();
    assert!(matches!(&error, RunError::Cancelled { .. }), "{error:?}");
}

/// Throws a switch when the first output is committed.
struct StopsAtCommit(Cancellation);

impl ExecutionObserver for StopsAtCommit {
    fn output_committed(&self, _: &OutputOutcome) {
        self.0.cancel();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_not_stopped_between_two_commits() {
    let lake = lake().await;
    let dag = lake.compile(&two_outputs("id")).await;
    let cancellation = Cancellation::new();
    let options = RunOptions {
        observer: Arc::new(StopsAtCommit(cancellation.clone())),
        cancellation: cancellation.clone(),
        ..RunOptions::new(lake.dir.path(), "run-1")
    };
    let outcome = execute(&lake.session, &dag, &options).await.unwrap();
    let tables: Vec<&str> = outcome.outputs.iter().map(|output| output.table.as_str()).collect();
    assert_eq!(tables, ["bad", "good"]);
    assert_eq!(lake.rows("SELECT count(*) FROM good").await, ["30000"]);
    assert!(cancellation.is_cancelled(), "it takes effect after the commits");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_computed_run_that_is_stopped_publishes_nothing() {
    let lake = lake().await;
    let dag = lake.compile(&two_outputs("id")).await;
    let options = RunOptions::new(lake.dir.path(), "run-1");
    let computed = engine::compute(&lake.session, &dag, &options).await.unwrap();
    assert!(!lake.files("good").is_empty());
    options.cancellation.cancel();
    let error = computed.commit(&options).await.unwrap_err();
    assert!(matches!(&error, RunError::Cancelled { committed } if committed.is_empty()), "{error:?}");
    assert!(lake.files("good").is_empty() && lake.files("bad").is_empty());
}

/// The sleeping function blocks threads; enough of them are left to keep the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 12)]
async fn a_dropped_run_leaves_no_file() {
    let lake = lake().await;
    let text = two_outputs("id")
        .replace("@good = sink t", "slow = project t columns={id: (sleeps(id))}\n@good = sink slow");
    let dag = lake.compile(&text).await;
    let options = RunOptions::new(lake.dir.path(), "run-1");
    let run = execute(&lake.session, &dag, &options);
    assert!(tokio::time::timeout(Duration::from_millis(30), run).await.is_err());
    for _ in 0..100 {
        if lake.files("good").is_empty() && lake.files("bad").is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{:?} {:?}", lake.files("good"), lake.files("bad"));
}

#[derive(Default)]
struct Events(Mutex<Vec<String>>);

impl ExecutionObserver for Events {
    fn segment_started(&self, segment: &str) {
        self.0.lock().unwrap().push(format!("start {segment}"));
    }

    fn segment_finished(&self, outcome: &SegmentOutcome) {
        self.0.lock().unwrap().push(format!("end {} with {} rows", outcome.segment, outcome.rows));
    }

    fn output_committed(&self, outcome: &OutputOutcome) {
        self.0.lock().unwrap().push(format!("commit {}", outcome.table));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_come_after_all_segments_in_order_of_names() {
    let lake = lake().await;
    let dag = lake.compile(&two_outputs("id")).await;
    let events = Arc::new(Events::default());
    let mut options = RunOptions::new(lake.dir.path(), "run-1");
    options.observer = Arc::clone(&events) as Arc<dyn ExecutionObserver>;
    let outcome = execute(&lake.session, &dag, &options).await.unwrap();
    let events = events.0.lock().unwrap().clone();
    assert_eq!(events.len(), 6, "{events:?}");
    assert!(events.contains(&"end output good with 30000 rows".to_owned()), "{events:?}");
    assert_eq!(events[4..], ["commit bad".to_owned(), "commit good".to_owned()]);
    let good = outcome.segments.iter().find(|segment| segment.segment == "output good").unwrap();
    assert!(
        good.operators.iter().any(|operator| operator.output_rows == Some(30_000)),
        "{:?}",
        good.operators
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_schema_is_written_only_when_allowed() {
    let lake = lake().await;
    let overwrite = WriteOptions { mode: WriteMode::Overwrite, ..WriteOptions::default() };
    lake.write("bad", "SELECT 'text' AS other", overwrite).await;
    let dag = lake.compile(&two_outputs("id")).await;
    let options = RunOptions::new(lake.dir.path(), "run-1");
    let error = execute(&lake.session, &dag, &options).await.unwrap_err();
    assert!(matches!(error, RunError::Prepare { .. }), "{error}");
    assert_eq!(error.diagnostic().code.id(), "E0503");
    let replacing = two_outputs("id")
        .replace("location=bad mode=overwrite", "location=bad mode=overwrite schema_mode=replace");
    lake.run(&replacing).await.unwrap();
    assert_eq!(lake.rows("SELECT x FROM bad").await, ["1", "2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_wrote_since_the_inputs_were_opened_is_not_replaced() {
    let lake = lake().await;
    let text = two_outputs("id");
    let created = lake.compile(&text).await;
    lake.run(&text).await.unwrap();
    let stale = lake.compile(&text).await;
    lake.run(&text).await.unwrap();
    let options = RunOptions::new(lake.dir.path(), "stale");
    for dag in [created, stale] {
        let error = execute(&lake.session, &dag, &options).await.unwrap_err();
        assert!(matches!(&error, RunError::Commit { committed, .. } if committed.is_empty()), "{error}");
        assert_eq!(error.diagnostic().code.id(), "E0704");
    }
    assert_eq!(lake.rows("SELECT count(*) FROM good").await, lake.rows("SELECT count(*) FROM t").await);
}

/// Spans of several files, written in a declared order as two sorted runs: the first overwrites, the second appends.
async fn sorted_spans(order: &str) -> Lake {
    let lake = lake().await;
    for (mode, first) in [("overwrite", 0), ("append", 15_000)] {
        let text = format!(
            "graph t phase=scheduled\n\
             t = scan location=t version=0 rows=0\n\
             half = filter t predicate=(id > {first} AND id <= {first} + 15000)\n\
             p = project half columns={{file: (id % 7), s: (id / 70), e: (id / 70 + 3 + id % 5), id: id}}\n\
             @spans = sink p location=spans mode={mode}{order}\n"
        );
        lake.run(&text).await.unwrap();
    }
    lake
}

const BY_FILE_AND_START: &str = " sort_by=[{column: file}, {column: s}, {column: e, descending: true}]";

#[tokio::test(flavor = "multi_thread")]
async fn a_span_join_of_tables_in_order_does_not_sort() {
    let text = "graph t phase=scheduled\n\
        o = scan location=spans version=1 rows=0 place recompute \"test\"\n\
        i = filter o predicate=(id % 3 = 0)\n\
        j = span_join o, i join_type=inner relation=contains on=[[file, file]] left=[s, e] right=[s, e] \
        columns=[(left.id as outer), (right.id as inner)]\n\
        @out = sink j location=out mode=overwrite\n";
    let mut answers = Vec::new();
    for (order, ordered_scans) in [(BY_FILE_AND_START, 2), ("", 0)] {
        let lake = sorted_spans(order).await;
        let dag = lake.compile(text).await;
        let physical = explain(&dag, &lake.session, Stage::Physical).await.unwrap();
        assert!(physical.contains("SpanJoinExec") && !physical.contains("SortExec"), "{physical}");
        assert_eq!(physical.contains("sort=[left, right]"), ordered_scans == 0, "{physical}");
        assert!(ordered_scans == 0 || !physical.contains("sort=["), "neither side is sorted: {physical}");
        assert_eq!(physical.matches("sorted_by=[file, s, e DESC]").count(), ordered_scans, "{physical}");
        lake.run(text).await.unwrap();
        answers.push(lake.rows("SELECT count(*), sum(\"outer\" * 31 + \"inner\") FROM out").await);
    }
    assert_eq!(answers[0], answers[1], "with and without an order");
    let plain = lake_answer().await;
    assert_eq!(answers[0], plain, "as the comparisons say");
}

/// The same join written as comparisons, over tables without an order.
async fn lake_answer() -> Vec<String> {
    let lake = sorted_spans("").await;
    let query = "SELECT count(*), sum(o.id * 31 + i.id) FROM spans o JOIN spans i \
        ON o.file = i.file AND o.s <= i.s AND i.e <= o.e WHERE i.id % 3 = 0";
    lake.rows(query).await
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_sorted_below_the_sink() {
    let lake = sorted_spans(BY_FILE_AND_START).await;
    let dag = lake
        .compile(&format!(
            "graph t phase=scheduled\n\
             t = scan location=spans version=1 rows=0 place recompute \"test\"\n\
             p = project t columns={{e: e, id: id}}\n\
             @by_end = sink p location=by_end mode=overwrite sort_by=[{{column: e, descending: true}}]\n\
             @as_is = sink t location=as_is mode=overwrite{BY_FILE_AND_START}\n"
        ))
        .await;
    let physical = explain(&dag, &lake.session, Stage::Physical).await.unwrap();
    let (as_is, by_end) = physical.split_once("-- output by_end").unwrap();
    assert!(by_end.contains("WriteExec: by_end sort_by=[e desc]\n  SortExec: expr=[e@0 DESC]"), "{physical}");
    assert!(!as_is.contains("SortExec"), "rows that come in order are written as they come: {physical}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_the_table_does_not_have_is_not_appended() {
    let lake = sorted_spans(BY_FILE_AND_START).await;
    let text = "graph t phase=scheduled\n\
        t = scan location=spans version=1 rows=0\n\
        @spans = sink t location=spans mode=append sort_by=[{column: id}]\n";
    let error = lake.run(text).await.unwrap_err();
    assert!(matches!(error, RunError::Prepare { .. }), "{error}");
    assert_eq!(lake.rows("SELECT count(*) FROM spans").await, ["30000"]);
}
