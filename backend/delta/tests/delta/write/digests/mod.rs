//! Digests of rows: what writers leave in the log is what readers find in the table.

mod unsaid;

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int32Array,
    Int64Array, ListArray, RecordBatch, StringViewArray, StructArray, TimestampMicrosecondArray,
    TimestampNanosecondArray, UInt32Array,
};
use arrow::datatypes::{Field, Int32Type, Int64Type};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use delta::{
    CommitOptions, Location, ResolvedTable, RowHasher, RowsDigest, SortColumn, TableTarget, WriteOptions,
};
use deltalake::DeltaTableBuilder;
use serde_json::Value;

use crate::claims::{table, types::kinds};
use crate::fixtures::{
    Lake, append, commit_file, crowd, files, open, overwrite, people, scan, session, write,
};

/// The digest of the rows that a scan of the table gives.
async fn read_back(table: &ResolvedTable) -> RowsDigest {
    let mut hasher = RowHasher::new(table.schema()).unwrap();
    let batches = session().read_table(scan(table)).unwrap().collect().await.unwrap();
    batches.iter().map(|batch| hasher.digest(batch).unwrap()).sum()
}

fn digest(batches: &[RecordBatch]) -> RowsDigest {
    let mut hasher = RowHasher::new(&batches[0].schema()).unwrap();
    batches.iter().map(|batch| hasher.digest(batch).unwrap()).sum()
}

/// The actions of a commit.
fn actions(lake: &Lake, table: &str, version: u64) -> Vec<Value> {
    let text = std::fs::read_to_string(commit_file(lake, table, version)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The digests in the tags of the files that a commit adds, and the one in its metadata.
fn recorded(lake: &Lake, table: &str, version: u64) -> (Vec<RowsDigest>, RowsDigest) {
    let actions = actions(lake, table, version);
    let parse = |value: &Value| value.as_str().unwrap().parse().unwrap();
    let adds = actions.iter().filter_map(|action| action.get("add"));
    let commit = actions.iter().find_map(|action| action["commitInfo"].get("codeanatomy.rows"));
    (adds.map(|add| parse(&add["tags"]["codeanatomy.rows"])).collect(), parse(commit.unwrap()))
}

/// Whether everything that is said of the rows of the table's latest version is so.
async fn agrees(location: &Location, expected: RowsDigest, case: &str) {
    let table = open(location).await;
    assert_eq!(read_back(&table).await, expected, "{case}: what is read");
    assert_eq!(table.rows_digest().unwrap(), Some(expected), "{case}: what the log says");
}

/// Rows with values of many types in types that the table does not have; `p` has `values` values.
fn of_many_types(from: i64, rows: i64, values: i64) -> RecordBatch {
    let all = from..from + rows;
    let text = |row: i64| (row % 7 > 0).then(|| format!("{}: a text, longer than a view holds", row % 5_000));
    let names: Vec<String> = (from..from + rows).map(|row| format!("é{}", row % 5)).collect();
    let dictionary: DictionaryArray<Int32Type> = names.iter().map(|name| Some(name.as_str())).collect();
    let tags = all.clone().map(|row| {
        (row % 5 > 0).then(|| (0..row % 4).map(|tag| (tag != 1).then_some(tag)).collect::<Vec<_>>())
    });
    let inside =
        |name: &str, values: ArrayRef| (Arc::new(Field::new(name, values.data_type().clone(), true)), values);
    let structs = StructArray::from(vec![
        inside(
            "start",
            Arc::new(all.clone().map(|row| (row % 3 > 0).then_some(row)).collect::<Int64Array>()),
        ),
        inside("label", Arc::new(all.clone().map(text).collect::<StringViewArray>())),
    ]);
    let nanos = all.clone().map(|row| (row % 9 > 0).then_some(row * 1_000_000_007));
    let cents = all.clone().map(|row| (row % 6 > 0).then_some(i128::from(row) * -31));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("n", Arc::new(all.clone().collect::<Int64Array>())),
        (
            "p",
            Arc::new(
                all.clone()
                    .map(|row| (row % values > 0).then_some((row % values) as i32))
                    .collect::<Int32Array>(),
            ),
        ),
        ("u", Arc::new(all.clone().map(|row| Some(row as u32)).collect::<UInt32Array>())),
        (
            "x",
            Arc::new(
                all.clone().map(|row| [0.0, -0.0, f64::NAN, 1.5][row as usize % 4]).collect::<Float64Array>(),
            ),
        ),
        (
            "ok",
            Arc::new(all.clone().map(|row| (row % 3 > 0).then_some(row % 2 == 0)).collect::<BooleanArray>()),
        ),
        ("day", Arc::new(all.clone().map(|row| Some(row as i32)).collect::<Date32Array>())),
        ("at", Arc::new(nanos.collect::<TimestampNanosecondArray>().with_timezone("+02:00"))),
        ("ntz", Arc::new(all.clone().map(Some).collect::<TimestampMicrosecondArray>())),
        ("cents", Arc::new(cents.collect::<Decimal128Array>().with_precision_and_scale(15, 2).unwrap())),
        ("text", Arc::new(all.clone().map(text).collect::<StringViewArray>())),
        ("name", Arc::new(dictionary)),
        ("tags", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(tags))),
        ("s", Arc::new(structs)),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .unwrap()
}

#[tokio::test]
async fn files_and_commits_have_the_digest_of_their_rows() {
    let lake = Lake::new();
    let location = lake.at("t");
    let first = [crowd(0, 20_000), crowd(20_000, 30_000)];
    let options = WriteOptions { target_file_size: NonZeroU64::new(50_000), ..overwrite() };
    let target = TableTarget::prepare(&location, first[0].schema(), options).await.unwrap();
    let written = [files(&target, &first[..1]).await.unwrap(), files(&target, &first[1..]).await.unwrap()];
    assert_eq!(written[0].digest(), digest(&first[..1]));
    assert_eq!(written[1].digest(), digest(&first[1..]));
    let committed = target.commit(written.into(), &CommitOptions::default()).await.unwrap();
    assert_eq!((committed.digest, committed.rows), (digest(&first), 50_000));
    let (tags, commit) = recorded(&lake, "t", 0);
    assert!(tags.len() > 3 && tags.len() == committed.files_added, "{tags:?}");
    assert_eq!((tags.iter().copied().sum(), commit), (digest(&first), digest(&first)));
    agrees(&location, digest(&first), "created").await;
    // Each tag is that of its own file.
    for add in actions(&lake, "t", 0).iter().filter_map(|action| action.get("add")) {
        let file = std::fs::File::open(lake.path("t").join(add["path"].as_str().unwrap())).unwrap();
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
        assert_eq!(add["tags"]["codeanatomy.rows"], digest(&batches).to_string());
    }

    let second = crowd(5, 10);
    let appended = write(&location, std::slice::from_ref(&second), append()).await;
    let second = digest(&[second]);
    assert_eq!(appended.digest, second);
    assert_eq!(recorded(&lake, "t", 1), (vec![second], second));
    agrees(&location, digest(&first) + second, "appended to").await;

    let third = people(&[(1, "a"), (1, "a"), (2, "")]);
    write(&location, std::slice::from_ref(&third), overwrite()).await;
    agrees(&location, digest(&[third]), "overwritten").await;
    let removals = actions(&lake, "t", 2);
    let removals = removals.iter().filter(|action| action.get("remove").is_some()).count();
    assert_eq!(removals, tags.len() + 1);
    write(&location, &[people(&[])], overwrite()).await;
    agrees(&location, RowsDigest::default(), "emptied").await;
    assert_eq!(recorded(&lake, "t", 3).1.to_string(), "2:00000000000000000000000000000000:0");
}

// The rows are those of the table: of its types, in the order of its columns, with its partition columns.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_has_the_digest_of_what_is_read_whatever_way_it_goes() {
    let lake = Lake::new();
    let batches: Vec<RecordBatch> = (0..9).map(|batch| of_many_types(batch * 4_000, 4_000, 130)).collect();
    let by_p = vec!["p".to_owned()];
    let by_n = vec![SortColumn { column: "n".into(), descending: false }];
    let plain = WriteOptions { target_file_size: NonZeroU64::new(300_000), ..overwrite() };
    let cases = [
        ("plain", plain.clone(), usize::MAX),
        ("sorted", WriteOptions { sort_by: by_n.clone(), ..plain.clone() }, usize::MAX),
        // Of 130 values 66 have no open file.
        ("partitioned", WriteOptions { partition_by: by_p.clone(), ..overwrite() }, usize::MAX),
        (
            "partitioned_and_sorted",
            WriteOptions { partition_by: by_p.clone(), sort_by: by_n, ..overwrite() },
            64 << 20,
        ),
        ("in_little_memory", WriteOptions { partition_by: by_p, ..plain.clone() }, 8 << 20),
        ("without_memory", plain, 0),
    ];
    let mut digests = BTreeMap::new();
    for (name, options, memory) in cases {
        let location = lake.at(name);
        let target = TableTarget::prepare(&location, batches[0].schema(), options).await.unwrap();
        let pool = Arc::new(GreedyMemoryPool::new(memory));
        let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool).build_arc().unwrap();
        let mut writer = target.writer_within(&runtime, name);
        for batch in &batches {
            writer.write(batch.clone()).await.unwrap();
        }
        let written = writer.close().await.unwrap();
        assert_eq!((written.rows(), written.digest().count()), (36_000, 36_000), "{name}");
        assert!(written.files() > 1, "{name}");
        let digest = written.digest();
        target.commit(vec![written], &CommitOptions::default()).await.unwrap();
        let (tags, commit) = recorded(&lake, name, 0);
        assert_eq!((tags.into_iter().sum(), commit), (digest, digest), "{name}");
        agrees(&location, digest, name).await;
        digests.insert(name, digest);
    }
    assert!(digests.values().all(|digest| *digest == digests["plain"]), "{digests:#?}");
}

// A partition column is in no file: what is read is what the log's text of it says.
#[tokio::test]
async fn values_of_every_type_come_back_as_they_were_hashed() {
    let lake = Lake::new();
    for (number, kind) in kinds().iter().enumerate() {
        for partitioned in [false, true] {
            if partitioned && kind.name == "Binary" {
                continue;
            }
            let location = lake.at(&format!("t{number}_{partitioned}"));
            table(&location, kind, partitioned).await;
            let table = open(&location).await;
            let digest = read_back(&table).await;
            assert_eq!(digest.count(), kind.values.len() as u64);
            assert_eq!(table.rows_digest().unwrap(), Some(digest), "{}: {partitioned}", kind.name);
        }
    }
}

// An `Int32` in a column of `Int64`, columns in another order, texts from a dictionary.
#[tokio::test]
async fn values_count_as_the_table_has_them() {
    let lake = Lake::new();
    let location = lake.at("t");
    let expected = people(&[(1, "a"), (2, "b")]);
    write(&location, &[people(&[])], overwrite()).await;
    let names: DictionaryArray<Int32Type> = vec![Some("a"), Some("b")].into_iter().collect();
    let given: [(&str, ArrayRef); 2] =
        [("name", Arc::new(names)), ("id", Arc::new(Int32Array::from(vec![1, 2])))];
    let given = RecordBatch::try_from_iter(given).unwrap();
    let appended = write(&location, &[given], append()).await;
    assert_eq!(appended.digest, digest(&[expected]));
    agrees(&location, appended.digest, "conformed").await;
}

#[tokio::test]
async fn digests_and_orders_survive_checkpoints() {
    let lake = Lake::new();
    let location = lake.at("t");
    let sort_by = vec![SortColumn { column: "id".into(), descending: false }];
    write(&location, &[crowd(0, 10)], WriteOptions { sort_by: sort_by.clone(), ..overwrite() }).await;
    write(&location, &[crowd(10, 10)], WriteOptions { sort_by: sort_by.clone(), ..append() }).await;
    let library = DeltaTableBuilder::from_url(location.url().clone()).unwrap().load().await.unwrap();
    deltalake::checkpoints::create_checkpoint(&library, None).await.unwrap();
    for version in 0..2 {
        std::fs::remove_file(commit_file(&lake, "t", version)).unwrap();
    }
    agrees(&location, digest(&[crowd(0, 20)]), "checkpoint").await;
    assert_eq!(open(&location).await.sort_columns(), sort_by);
}
