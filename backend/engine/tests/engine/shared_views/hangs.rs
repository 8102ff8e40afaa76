//! A run that stands still is ended; one that only takes its time is not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::DataType;
use async_trait::async_trait;
use datafusion::common::{Result, not_impl_err};
use datafusion::logical_expr::async_udf::{AsyncScalarUDF, AsyncScalarUDFImpl};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use engine::{RunError, RunOptions, RunOutcome, execute};

use super::VIEW;
use crate::lake::{Lake, options};

/// How a function takes its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Way {
    /// It waits for something that never comes.
    Never,
    /// It waits, several times, never for long.
    Often,
    /// It computes.
    Busy,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Takes {
    way: Way,
    signature: Signature,
}

const TIMEOUT: Duration = Duration::from_millis(500);

impl ScalarUDFImpl for Takes {
    fn name(&self) -> &'static str {
        "takes"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        not_impl_err!("it is asynchronous")
    }
}

#[async_trait]
impl AsyncScalarUDFImpl for Takes {
    async fn invoke_async_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match self.way {
            Way::Never => std::future::pending::<()>().await,
            Way::Often => tokio::time::sleep(TIMEOUT / 5).await,
            Way::Busy => {
                let begin = Instant::now();
                while begin.elapsed() < TIMEOUT * 3 {
                    std::hint::spin_loop();
                }
            }
        }
        Ok(args.args.into_iter().next().unwrap())
    }
}

async fn run(way: Way) -> (Lake, Result<RunOutcome, RunError>) {
    let takes = Takes { way, signature: Signature::exact(vec![DataType::Int64], Volatility::Immutable) };
    let udf: ScalarUDF = AsyncScalarUDF::new(Arc::new(takes)).into_scalar_udf();
    let options = engine::SessionOptions { target_partitions: 1, batch_size: 10, ..options() };
    let lake = Lake::with(options, vec![Arc::new(udf)]);
    let rows = if way == Way::Often { 120 } else { 10 };
    lake.table("t", &format!("SELECT value AS id, value % 10 AS k FROM generate_series(1, {rows})")).await;
    let text = format!(
        "{}n = aggregate v measures={{n: (sum(id))}}\n\
         @out = sink n location=out mode=overwrite\n",
        VIEW.replace("counted", "takes")
    );
    let dag = lake.compile(&text).await;
    let options =
        RunOptions { no_progress_timeout: Some(TIMEOUT), ..RunOptions::new(lake.dir.path(), "run-1") };
    let outcome = execute(&lake.session, &dag, &options).await;
    (lake, outcome)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_stands_still_ends_and_says_where() {
    let began = Instant::now();
    let (lake, outcome) = run(Way::Never).await;
    let error = outcome.unwrap_err();
    assert!(began.elapsed() >= TIMEOUT, "{:?}", began.elapsed());
    assert!(matches!(&error, RunError::NoProgress { .. }), "{error:?}");
    assert_eq!(error.diagnostic().code.id(), "E0713");
    let text = error.to_string();
    assert!(text.contains("view v is in DataSourceExec (10 rows given)"), "{text}");
    assert!(text.contains("async_func (0 rows given)"), "{text}");
    assert!(lake.files("out").is_empty());
    assert_eq!(lake.session.state().runtime_env().memory_pool.reserved(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_with_many_small_waits_is_left_alone() {
    let began = Instant::now();
    let (lake, outcome) = run(Way::Often).await;
    outcome.unwrap();
    assert!(began.elapsed() > TIMEOUT * 2, "it took longer than the timeout: {:?}", began.elapsed());
    assert_eq!(lake.rows("SELECT * FROM out").await, ["7260"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_computes_for_long_in_one_go_is_left_alone() {
    let (lake, outcome) = run(Way::Busy).await;
    outcome.unwrap();
    assert_eq!(lake.rows("SELECT * FROM out").await, ["55"]);
}
