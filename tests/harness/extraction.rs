//! Extraction tables of a case's repository.

use std::collections::BTreeMap;
use std::error::Error;
use std::num::NonZeroUsize;
use std::path::Path;

use arrow::array::RecordBatch;
use delta::WriteOptions;
use extract::{Options, Table, TableSink};

use super::fixture::write_batches;

#[derive(Default)]
struct Batches(BTreeMap<&'static str, Vec<RecordBatch>>);

impl TableSink for Batches {
    fn append(&mut self, table: Table, batch: RecordBatch) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.0.entry(table.name()).or_default().push(batch);
        Ok(())
    }
}

/// Extracts a repository into `lake/extract/TABLE`, as the program's `build` does.
pub(crate) fn write_extraction(repository: &Path, lake: &Path) {
    let mut batches = Batches::default();
    let options = Options { threads: NonZeroUsize::MIN, ..Options::default() };
    extract::extract(&[repository.into()], &options, &mut batches).unwrap_or_else(|error| panic!("{error}"));
    for table in Table::ALL {
        let rows = batches.0.remove(table.name()).unwrap_or_default();
        write_batches(
            &lake.join("extract").join(table.name()),
            &table.schema(),
            rows,
            WriteOptions::default(),
        );
    }
}
