//! Rows of the program's own as tables of a folder, for specs that read them.

use std::path::Path;

use arrow::array::RecordBatch;
use delta::{CommitOptions, DeltaError, Location, TableTarget, WriteOptions};

use crate::{Result, Workers};

/// Writes rows as a Delta table at a place in a folder. The inner error is why they cannot be written.
///
/// # Errors
/// When the workers are stopped.
pub(crate) fn write_rows(
    batch: RecordBatch,
    place: &str,
    folder: &Path,
    workers: &Workers,
) -> Result<Result<(), DeltaError>> {
    let (place, folder) = (place.to_owned(), folder.to_owned());
    workers.run_unless_stopped(async move {
        let location = Location::parse(&place, &folder)?;
        let target = TableTarget::prepare(&location, batch.schema(), WriteOptions::default()).await?;
        let mut writer = target.writer();
        writer.write(batch).await?;
        let files = writer.close().await?;
        target.commit(vec![files], &CommitOptions::default()).await.map(|_| ())
    })
}
