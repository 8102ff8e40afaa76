//! The data of the benchmark: made from seeds, kept between runs.

mod answers;
mod syntax_tree;
mod tpch;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};

use crate::failure::{Failure, Result};
use crate::table::TableWriter;

pub(crate) use answers::{Spans, expected, nested_pairs};
pub(crate) use syntax_tree::{Forest, Shape};

/// A folder of generated tables. A table that is there is complete: it is made under another name first.
#[derive(Debug)]
pub(crate) struct Data {
    folder: PathBuf,
}

impl Data {
    /// Data in a folder, which is made.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub(crate) fn in_folder(folder: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&folder).map_err(Failure::file("make", &folder))?;
        let folder = folder.canonicalize().map_err(Failure::file("find", &folder))?;
        Ok(Self { folder })
    }

    /// The eight tables of TPC-H at a scale factor, as Delta tables in one folder.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(crate) fn tpch(&self, scale_factor: f64) -> Result<PathBuf> {
        self.made(&format!("tpch-{scale_factor}"), |folder| tpch::write(folder, scale_factor))
    }

    /// The nodes of synthetic syntax trees, as one Delta table.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(crate) fn forest(&self, forest: &Forest) -> Result<PathBuf> {
        self.made(&forest.name(), |folder| forest.write(folder))
    }

    /// A Delta table of whole numbers: row `r` of column `c` is `r * (c + 1)`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn numbers(&self, columns: &[String], rows: i64) -> Result<PathBuf> {
        let last = columns.last().map(String::as_str).unwrap_or_default();
        self.made(&format!("numbers-{}-{last}-{rows}", columns.len()), |folder| {
            let fields = columns.iter().map(|name| Field::new(name, DataType::Int64, true));
            let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
            let values = (1..).take(columns.len()).map(|factor: i64| {
                Arc::new(Int64Array::from_iter_values((0..rows).map(|row| row * factor))) as ArrayRef
            });
            let batch = RecordBatch::try_new(Arc::clone(&schema), values.collect())?;
            let mut writer = TableWriter::create(folder, &schema)?;
            writer.write(&batch)?;
            writer.finish()
        })
    }

    fn made(&self, name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let done = self.folder.join(name);
        if !done.exists() {
            let started = self.folder.join(format!("{name}.unfinished"));
            if started.exists() {
                std::fs::remove_dir_all(&started).map_err(Failure::file("remove", &started))?;
            }
            make(&started)?;
            std::fs::rename(&started, &done).map_err(Failure::file("rename", &started))?;
        }
        Ok(done)
    }
}
