//! Writes the extraction tables of a repository as JSON lines, one file per table:
//! `cargo run --release --example dump -- REPOSITORY OUTPUT [EXCLUDED ...]`.

use std::collections::HashMap;
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow::array::{
    Array, ArrayRef, BooleanArray, Int32Array, Int64Array, ListArray, RecordBatch, StringArray,
};
use extract::{Options, Table, TableSink};
use serde_json::{Map, Value};

struct JsonLines {
    folder: PathBuf,
    files: HashMap<Table, BufWriter<File>>,
}

impl JsonLines {
    fn create(folder: &Path) -> Result<Self, Box<dyn Error>> {
        std::fs::create_dir_all(folder)?;
        let mut files = HashMap::new();
        for &table in Table::ALL {
            let path = folder.join(format!("{}.jsonl", table.name()));
            files.insert(table, BufWriter::new(File::create(path)?));
        }
        Ok(Self { folder: folder.to_path_buf(), files })
    }
}

impl TableSink for JsonLines {
    fn append(&mut self, table: Table, batch: RecordBatch) -> Result<(), Box<dyn Error + Send + Sync>> {
        let Some(out) = self.files.get_mut(&table) else {
            return Err(format!("no file for {} in {}", table.name(), self.folder.display()).into());
        };
        for row in 0..batch.num_rows() {
            let mut object = Map::new();
            for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
                object.insert(field.name().clone(), cell(column, row));
            }
            serde_json::to_writer(&mut *out, &Value::Object(object))?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}

fn cell(column: &ArrayRef, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    let any = column.as_any();
    if let Some(values) = any.downcast_ref::<Int64Array>() {
        return values.value(row).into();
    }
    if let Some(values) = any.downcast_ref::<Int32Array>() {
        return values.value(row).into();
    }
    if let Some(values) = any.downcast_ref::<StringArray>() {
        return values.value(row).into();
    }
    if let Some(values) = any.downcast_ref::<BooleanArray>() {
        return values.value(row).into();
    }
    match any.downcast_ref::<ListArray>() {
        Some(values) => {
            let list = values.value(row);
            (0..list.len()).map(|item| cell(&list, item)).collect()
        }
        None => Value::String(format!("no JSON form for {}", column.data_type())),
    }
}

/// Counts rows only, to measure the extraction itself.
#[derive(Default)]
struct Count(HashMap<&'static str, usize>);

impl TableSink for Count {
    fn append(&mut self, table: Table, batch: RecordBatch) -> Result<(), Box<dyn Error + Send + Sync>> {
        *self.0.entry(table.name()).or_default() += batch.num_rows();
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let root = arguments.next().ok_or("usage: dump REPOSITORY OUTPUT|- [EXCLUDED ...]")?;
    let output = arguments.next().ok_or("usage: dump REPOSITORY OUTPUT|- [EXCLUDED ...]")?;
    let options = Options { exclude: arguments.collect(), ..Options::default() };
    let started = std::time::Instant::now();
    let summary = if output == "-" {
        let mut count = Count::default();
        let summary = extract::extract(&[Path::new(&root).into()], &options, &mut count)?;
        writeln!(std::io::stdout(), "{:#?}", count.0)?;
        summary
    } else {
        extract::extract(&[Path::new(&root).into()], &options, &mut JsonLines::create(Path::new(&output))?)?
    };
    writeln!(std::io::stdout(), "{summary:#?}\n{:?}", started.elapsed())?;
    Ok(())
}
