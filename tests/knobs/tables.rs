//! The tables that the specs of `knobs.yaml` read, written by the engine's own writer.
//!
//! | table | rows |
//! |---|---|
//! | `events` | 100,000 in one file of one row group and several pages, sorted by `id` without saying so |
//! | `ordered` | the same, with their order declared |
//! | `days` | 20,000 in four files, each with other values of `id` |
//! | `kinds` | 1,000, one for each `key` of the others |

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use delta::{CommitOptions, Location, SortColumn, TableTarget, WriteMode, WriteOptions};
use tempfile::TempDir;

use crate::harness::runtime;

/// Their names.
pub(super) const TABLES: [&str; 4] = ["events", "ordered", "days", "kinds"];

const KEYS: i64 = 1_000;
const ROWS_OF_A_BATCH: usize = 8_192;

/// Writes all of them to a folder.
pub(super) fn write() -> TempDir {
    let home = tempfile::tempdir().expect("a folder is made");
    let place = |name: &str| home.path().join(name);
    commit(&place("events"), &events(0..100_000), WriteOptions::default());
    let by_id = vec![SortColumn { column: "id".to_owned(), descending: false }];
    commit(
        &place("ordered"),
        &events(0..100_000),
        WriteOptions { sort_by: by_id, ..WriteOptions::default() },
    );
    for day in 0..4 {
        let append = WriteOptions { mode: WriteMode::Append, ..WriteOptions::default() };
        commit(&place("days"), &events(day * 5_000..(day + 1) * 5_000), append);
    }
    commit(&place("kinds"), &kinds(), WriteOptions::default());
    home
}

/// Rows of events: a key of a kind, a link to another one that may be NULL, an identifier, a text of few values, an amount.
fn events(ids: Range<i64>) -> RecordBatch {
    let numbers = |of: fn(i64) -> i64| -> ArrayRef { Arc::new(ids.clone().map(of).collect::<Int64Array>()) };
    let links: Int64Array = ids.clone().map(|id| (id % 3 > 0).then_some(id * 13 % KEYS)).collect();
    let codes: StringArray = ids.clone().map(|id| Some(format!("{:032x}", scattered(id)))).collect();
    let labels: StringArray = ids.clone().map(|id| Some(format!("the label {}", id % 90))).collect();
    let columns: [(&str, ArrayRef); 6] = [
        ("id", numbers(|id| id)),
        ("key", numbers(|id| id * 7_919 % KEYS)),
        ("link", Arc::new(links)),
        ("code", Arc::new(codes)),
        ("label", Arc::new(labels)),
        ("amount", numbers(|id| id * 31 % 10_007)),
    ];
    RecordBatch::try_from_iter(columns).expect("columns have one length")
}

fn kinds() -> RecordBatch {
    let keys = || 0..KEYS;
    let names: StringArray = keys().map(|key| Some(format!("kind {key}"))).collect();
    let columns: [(&str, ArrayRef); 3] = [
        ("key", Arc::new(keys().collect::<Int64Array>())),
        ("name", Arc::new(names)),
        ("rank", Arc::new(keys().map(|key| (key % 5 > 0).then_some(key % 11)).collect::<Int64Array>())),
    ];
    RecordBatch::try_from_iter(columns).expect("columns have one length")
}

/// Numbers of no order, each once.
fn scattered(id: i64) -> u64 {
    id.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn commit(table: &Path, rows: &RecordBatch, options: WriteOptions) {
    let write = async {
        let location = Location::parse(&table.to_string_lossy(), table)?;
        let target = TableTarget::prepare(&location, rows.schema(), options).await?;
        let mut writer = target.writer();
        for begin in (0..rows.num_rows()).step_by(ROWS_OF_A_BATCH) {
            let length = ROWS_OF_A_BATCH.min(rows.num_rows() - begin);
            writer.write(rows.slice(begin, length)).await?;
        }
        let files = writer.close().await?;
        target.commit(vec![files], &CommitOptions::default()).await
    };
    runtime().block_on(write).unwrap_or_else(|error| panic!("{}: {error}", table.display()));
}
