//! Damaged files of Arrow and Parquet: an error, also where their readers panic.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, DictionaryArray, FixedSizeListArray, Int32Array, ListArray, RunArray, StringArray,
    StringViewArray, UnionBuilder,
    types::{Float64Type, Int32Type},
};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow::record_batch::RecordBatch;
use ir::op::FileFormat::{self, Arrow, Parquet};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;

use super::{folder, rows, source, source_with};
use crate::read::Reading;

fn batch() -> RecordBatch {
    let texts = [Some("a long text that is in no view"), None, Some("x")];
    let lists =
        ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None, Some(vec![])]);
    RecordBatch::try_from_iter([
        ("id", Arc::new(Int32Array::from(vec![1, 2, 3])) as ArrayRef),
        ("text", Arc::new(StringArray::from(texts.to_vec()))),
        ("view", Arc::new(StringViewArray::from(texts.to_vec()))),
        ("list", Arc::new(lists)),
    ])
    .unwrap()
}

/// Columns of types that files rarely have, and whose readers check less.
fn rare() -> RecordBatch {
    let texts: DictionaryArray<Int32Type> = vec!["a", "b", "a"].into_iter().collect();
    let runs = RunArray::try_new(&Int32Array::from(vec![2, 3]), &Int32Array::from(vec![7, 8])).unwrap();
    let pairs = FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(
        [Some(vec![Some(1), Some(2)]), None, Some(vec![Some(3), None])],
        2,
    );
    let mut union = UnionBuilder::new_dense();
    union.append::<Int32Type>("number", 1).unwrap();
    union.append::<Float64Type>("fraction", 1.5).unwrap();
    union.append::<Int32Type>("number", 2).unwrap();
    RecordBatch::try_from_iter([
        ("texts", Arc::new(texts) as ArrayRef),
        ("runs", Arc::new(runs)),
        ("pairs", Arc::new(pairs)),
        ("union", Arc::new(union.build().unwrap())),
    ])
    .unwrap()
}

fn stream(batch: &RecordBatch, options: IpcWriteOptions) -> Vec<u8> {
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
    writer.write(batch).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

fn file() -> Vec<u8> {
    let batch = batch();
    let mut writer = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

/// How many rows a file has, read without a plan.
async fn read(folder: &Path, format: FileFormat, bytes: &[u8]) -> Result<usize, String> {
    std::fs::write(folder.join("f"), bytes).unwrap();
    let table = crate::resolve("f", &source(format), folder, &delta::Roots::everywhere()).await;
    let table = table.map_err(|error| error.to_string())?;
    let columns = table.inner.columns.clone();
    let reading = Reading { table: table.clone(), columns, rows_per_batch: 1024 };
    let mut rows = 0;
    for file in &table.inner.files {
        for piece in &file.pieces {
            let batches = crate::read::batches(&reading, file, *piece).map_err(|error| error.to_string())?;
            for batch in batches {
                rows += batch.map_err(|error| error.to_string())?.num_rows();
            }
        }
    }
    Ok(rows)
}

/// Bytes are others, one after the other. What is read then may differ; that a reader panics is an error as well.
async fn flipped(format: FileFormat, whole: &[u8], rows: usize) {
    let folder = folder(&[]);
    assert_eq!(read(folder.path(), format, whole).await, Ok(rows));
    let mut refused = 0;
    for (turn, place) in (0..whole.len()).step_by(2).enumerate() {
        let mut damaged = whole.to_vec();
        damaged[place] ^= [0xFF, 0x80, 0x01][turn % 3];
        refused += usize::from(read(folder.path(), format, &damaged).await.is_err());
    }
    assert!(refused > whole.len() / 8, "{refused} of {}", whole.len());
}

#[tokio::test]
async fn flipped_bytes_of_arrow() {
    let compressed = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD)).unwrap();
    flipped(Arrow, &stream(&batch(), IpcWriteOptions::default()), 6).await;
    flipped(Arrow, &stream(&batch(), compressed), 6).await;
    flipped(Arrow, &stream(&rare(), IpcWriteOptions::default()), 6).await;
    flipped(Arrow, &file(), 3).await;
}

#[tokio::test]
async fn flipped_bytes_of_parquet() {
    let batch = batch();
    let mut whole = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut whole, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    flipped(Parquet, &whole, 3).await;
}

#[tokio::test]
async fn what_follows_the_end() {
    let folder = folder(&[]);
    let one = stream(&batch(), IpcWriteOptions::default());
    let two = [one.as_slice(), one.as_slice()].concat();
    let found = read(folder.path(), Arrow, &two).await.unwrap_err();
    let wanted = format!("`f`: {} bytes follow the end of its stream, from byte {} on", one.len(), one.len());
    assert!(found.starts_with(&wanted), "{found}");
    let cut = read(folder.path(), Arrow, &one[..one.len() - 8]).await.unwrap_err();
    assert_eq!(cut, "`f`: the stream has no end; is the file cut?");
    let files = [file(), file()].concat();
    let found = read(folder.path(), Arrow, &files).await.unwrap_err();
    assert!(found.starts_with("`f`: its footer does not name the messages that it has"), "{found}");
}

/// Texts are UTF-8, whoever says that they are texts: an option, or the copy of an Arrow schema in the file.
#[tokio::test]
async fn bytes_that_are_no_text() {
    let bytes = |value: &[u8]| {
        let binary: ArrayRef = Arc::new(BinaryArray::from(vec![Some(b"good".as_slice()), Some(value)]));
        let batch = RecordBatch::try_from_iter([("b", binary)]).unwrap();
        let mut parquet = Vec::new();
        let options = ArrowWriterOptions::new().with_skip_arrow_metadata(true);
        let mut writer = ArrowWriter::try_new_with_options(&mut parquet, batch.schema(), options).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        parquet
    };
    let as_text = source_with(Parquet, &["binary_as_string=true"], &[]);
    let good = folder(&[("f", &bytes("ü".as_bytes()))]);
    assert_eq!(rows(good.path(), "f", &as_text).await.unwrap(), ["good", "ü"]);
    let bad = folder(&[("f", &bytes(b"\xff"))]);
    let found = rows(bad.path(), "f", &as_text).await.unwrap_err();
    assert!(found.starts_with("`f`: it is damaged") && found.contains("UTF-8"), "{found}");
    assert_eq!(rows(bad.path(), "f", &source(Parquet)).await.unwrap(), ["676f6f64", "ff"]);
}
