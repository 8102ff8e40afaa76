//! Where the rows of the extraction tables go.

use arrow::array::RecordBatch;

use super::rows::Table;

/// Receives the rows of the extraction tables.
pub trait TableSink {
    /// Takes the next rows of `table`. The batch has exactly the schema [`Table::schema`]. Batches of one
    /// table hold whole files and arrive in ascending order of `file_id`, but for the paths that could not be
    /// walked, whose errors come last; batches of different tables are interleaved, in bounded pieces.
    ///
    /// # Errors
    /// Whatever the sink reports; extraction stops and returns it as [`crate::ExtractError::Sink`].
    fn append(
        &mut self,
        table: Table,
        batch: RecordBatch,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}
