//! A Parquet file, group of rows by group.

use std::io::Write;

use ::parquet::arrow::ArrowWriter;
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::{RowError, RowWriter};

/// Rows that are held until they are a group of the file.
const GROUP_ROWS: usize = 128 * 1024;

/// Writes one file.
pub(super) struct Parquet(Option<ArrowWriter<Vec<u8>>>);

impl Parquet {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, RowError> {
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(GROUP_ROWS)).build();
        let writer = ArrowWriter::try_new(Vec::new(), SchemaRef::clone(schema), Some(properties));
        Ok(Self(Some(writer.map_err(unwritten)?)))
    }
}

impl RowWriter for Parquet {
    fn write(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), RowError> {
        if let Some(writer) = &mut self.0 {
            writer.write(batch).map_err(unwritten)?;
            out.write_all(&std::mem::take(writer.inner_mut()))?;
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> Result<Option<String>, RowError> {
        if let Some(writer) = self.0.take() {
            out.write_all(&writer.into_inner().map_err(unwritten)?)?;
        }
        Ok(None)
    }
}

fn unwritten(error: ParquetError) -> RowError {
    RowError::Unprintable(error.to_string())
}
