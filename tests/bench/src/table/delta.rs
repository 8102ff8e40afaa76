//! The part of the Delta protocol the benchmark needs: tables without partitions, deletion vectors or checkpoints.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};

use super::Digest;
use crate::failure::{Failure, Result};

/// A file is closed when it has about this many bytes, as the Delta libraries do by default.
const TARGET_FILE_BYTES: usize = 100 << 20;
/// Rows of the batches that are read.
const BATCH_ROWS: usize = 8192;

/// A file of a table's current version.
#[derive(Clone, Debug)]
pub(crate) struct DataFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its size in bytes.
    pub(crate) bytes: u64,
}

/// The current version of a table.
#[derive(Debug)]
pub(crate) struct DeltaTable {
    /// The files that hold its rows.
    pub(crate) files: Vec<DataFile>,
}

impl DeltaTable {
    /// Reads the log of a table.
    ///
    /// # Errors
    /// When there is none, or it has a checkpoint or deletion vectors.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let unreadable = |message: &str| Failure::Table { path: folder.into(), message: message.to_owned() };
        let mut files = BTreeMap::new();
        for commit in commits(folder)? {
            let text = std::fs::read_to_string(&commit).map_err(Failure::file("read", &commit))?;
            for line in text.lines() {
                let action: Value = serde_json::from_str(line)?;
                let path = |action: &Value| action["path"].as_str().map(str::to_owned);
                if let Some(path) = action.get("remove").and_then(path) {
                    files.remove(&path);
                }
                if let Some(path) = action.get("add").and_then(path) {
                    if !action["add"]["deletionVector"].is_null() {
                        return Err(unreadable("it has deletion vectors"));
                    }
                    let bytes = action["add"]["size"].as_u64();
                    let bytes = bytes.ok_or_else(|| unreadable("a file has no size"))?;
                    files.insert(path.clone(), DataFile { path: folder.join(path), bytes });
                }
            }
        }
        Ok(Self { files: files.into_values().collect() })
    }

    /// Gives the rows, batch by batch; of some columns, if they are named.
    ///
    /// # Errors
    /// When a file cannot be read, and those of the reader.
    pub(crate) fn read(
        &self,
        columns: Option<&[&str]>,
        each: &mut dyn FnMut(&RecordBatch) -> Result<()>,
    ) -> Result<()> {
        for file in &self.files {
            let opened = File::open(&file.path).map_err(Failure::file("open", &file.path))?;
            let mut reader = ParquetRecordBatchReaderBuilder::try_new(opened)?.with_batch_size(BATCH_ROWS);
            if let Some(columns) = columns {
                let mask = ProjectionMask::columns(reader.parquet_schema(), columns.iter().copied());
                reader = reader.with_projection(mask);
            }
            for batch in reader.build()? {
                each(&batch?)?;
            }
        }
        Ok(())
    }
}

/// The commits of a table, in order.
fn commits(folder: &Path) -> Result<Vec<PathBuf>> {
    let log = folder.join("_delta_log");
    let entries = std::fs::read_dir(&log).map_err(Failure::file("read", &log))?;
    let mut commits = Vec::new();
    for entry in entries {
        let path = entry.map_err(Failure::file("read", &log))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.contains("checkpoint") {
            let message = "it has a checkpoint".to_owned();
            return Err(Failure::Table { path: folder.into(), message });
        }
        if name.len() == 25 && name.ends_with(".json") {
            commits.push(path);
        }
    }
    commits.sort();
    Ok(commits)
}

/// Writes a new table: one commit, files of about 100 MiB, SNAPPY, statistics of every column.
pub(crate) struct TableWriter {
    folder: PathBuf,
    schema: SchemaRef,
    open: Option<OpenFile>,
    /// The `add` actions of the closed files.
    added: Vec<Value>,
}

struct OpenFile {
    name: String,
    writer: ArrowWriter<File>,
    digest: Digest,
}

impl TableWriter {
    /// A table in a folder, which is made.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub(crate) fn create(folder: &Path, schema: &SchemaRef) -> Result<Self> {
        let log = folder.join("_delta_log");
        std::fs::create_dir_all(&log).map_err(Failure::file("make", &log))?;
        let bare = schema.fields().iter().map(|field| {
            // Generators leave metadata on their fields that is no part of the data.
            field.as_ref().clone().with_metadata(std::collections::HashMap::new())
        });
        let schema = Arc::new(Schema::new(bare.collect::<Vec<_>>()));
        Ok(Self { folder: folder.into(), schema, open: None, added: Vec::new() })
    }

    /// Writes rows.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), batch.columns().to_vec())?;
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.next_file()?,
        };
        open.writer.write(&batch)?;
        open.digest.add(&batch)?;
        let is_full = open.writer.bytes_written() + open.writer.in_progress_size() >= TARGET_FILE_BYTES;
        self.open = Some(open);
        if is_full { self.close_file() } else { Ok(()) }
    }

    /// Commits what was written.
    ///
    /// # Errors
    /// When the last file or the log cannot be written.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.close_file()?;
        let schema = schema_text(&self.schema, &self.folder)?;
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let protocol = json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}});
        let metadata = json!({"metaData": {
            "id": format!("benchmark-{name}"), "format": {"provider": "parquet", "options": {}},
            "schemaString": schema, "partitionColumns": [], "configuration": {}, "createdTime": 0,
        }});
        let mut text = String::new();
        for action in [protocol, metadata].iter().chain(&self.added) {
            text.push_str(&action.to_string());
            text.push('\n');
        }
        let commit = self.folder.join("_delta_log").join(format!("{:020}.json", 0));
        std::fs::write(&commit, text).map_err(Failure::file("write", &commit))
    }

    fn next_file(&self) -> Result<OpenFile> {
        let name = format!("part-{:05}.snappy.parquet", self.added.len());
        let path = self.folder.join(&name);
        let file = File::create(&path).map_err(Failure::file("make", &path))?;
        let writer = ArrowWriter::try_new(file, Arc::clone(&self.schema), Some(snappy()))?;
        Ok(OpenFile { name, writer, digest: Digest::new(&self.schema) })
    }

    fn close_file(&mut self) -> Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        open.writer.close()?;
        let path = self.folder.join(&open.name);
        let bytes = std::fs::metadata(&path).map_err(Failure::file("look at", &path))?.len();
        self.added.push(json!({"add": {
            "path": open.name, "partitionValues": {}, "size": bytes, "modificationTime": 0, "dataChange": true,
            "stats": open.digest.file_statistics().to_string(),
        }}));
        Ok(())
    }
}

/// How the files of inputs are written, and what the measured encoding speed is of.
pub(crate) fn snappy() -> WriterProperties {
    WriterProperties::builder().set_compression(Compression::SNAPPY).build()
}

/// The schema as a Delta log has it.
fn schema_text(schema: &Schema, folder: &Path) -> Result<String> {
    let mut fields = Vec::new();
    for field in schema.fields() {
        let kind = match field.data_type() {
            DataType::Int64 => "long".to_owned(),
            DataType::Int32 => "integer".to_owned(),
            DataType::Float64 => "double".to_owned(),
            DataType::Date32 => "date".to_owned(),
            DataType::Utf8 | DataType::Utf8View => "string".to_owned(),
            DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
            other => {
                let message = format!("column `{}` has a type no generator makes: {other}", field.name());
                return Err(Failure::Table { path: folder.into(), message });
            }
        };
        fields.push(
            json!({"name": field.name(), "type": kind, "nullable": field.is_nullable(), "metadata": {}}),
        );
    }
    Ok(json!({"type": "struct", "fields": fields}).to_string())
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Int64Array, StringViewArray};

    use super::super::digest_of_table;
    use super::*;

    fn batch(numbers: [Option<i64>; 2]) -> RecordBatch {
        let prices =
            Decimal128Array::from(vec![Some(150), None]).with_precision_and_scale(15, 2).expect("fits");
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("number", Arc::new(Int64Array::from(numbers.to_vec()))),
            ("price", Arc::new(prices)),
            ("day", Arc::new(Date32Array::from(vec![0, 1]))),
            ("text", Arc::new(StringViewArray::from(vec!["a", "b"]))),
        ];
        RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(name, column)| (name, column, true)),
        )
        .expect("a batch")
    }

    fn table(batches: &[RecordBatch]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = TableWriter::create(folder.path(), &batches[0].schema()).expect("created");
        batches.iter().for_each(|batch| writer.write(batch).expect("written"));
        writer.finish().expect("committed");
        folder
    }

    #[test]
    fn what_is_written_is_read() {
        let batches = [batch([Some(1), None]), batch([Some(-5), Some(7)])];
        let folder = table(&batches);
        let mut expected = Digest::new(&batches[0].schema());
        batches.iter().for_each(|batch| expected.add(batch).expect("added"));
        assert_eq!(digest_of_table(folder.path()).expect("read"), expected.json());
    }

    #[test]
    fn the_log_has_the_statistics_of_the_file() {
        let folder = table(&[batch([Some(1), None]), batch([Some(-5), Some(7)])]);
        let log = folder.path().join("_delta_log/00000000000000000000.json");
        let text = std::fs::read_to_string(log).expect("a log");
        let add: Value = serde_json::from_str(text.lines().nth(2).expect("three actions")).expect("JSON");
        let found: Value =
            serde_json::from_str(add["add"]["stats"].as_str().expect("statistics")).expect("JSON");
        let expected = json!({
            "numRecords": 4, "nullCount": {"number": 1, "price": 2, "day": 0, "text": 0},
            "minValues": {"number": -5, "price": 1.5, "day": "1970-01-01", "text": "a"},
            "maxValues": {"number": 7, "price": 1.5, "day": "1970-01-02", "text": "b"},
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn a_removed_file_is_gone_and_a_checkpoint_is_refused() {
        let folder = table(&[batch([Some(1), None])]);
        let log = folder.path().join("_delta_log");
        let remove = json!({"remove": {"path": "part-00000.snappy.parquet"}}).to_string();
        std::fs::write(log.join("00000000000000000001.json"), remove).expect("written");
        assert!(DeltaTable::open(folder.path()).expect("read").files.is_empty());
        std::fs::write(log.join("00000000000000000001.checkpoint.parquet"), "").expect("written");
        let refused = DeltaTable::open(folder.path()).expect_err("a checkpoint").to_string();
        assert!(refused.contains("checkpoint"), "{refused}");
    }
}
