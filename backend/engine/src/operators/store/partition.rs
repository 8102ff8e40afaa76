//! One partition of a store: its batches in order, the first of them in files, the others packed in memory.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::execution::SpillFile;
use datafusion::physical_plan::SpillManager;

use super::packed::{Packed, unpacked};
use super::room::Room;
use super::statistics::Columns;
use crate::operators::spill::{Counted, SpillWriter, compacted, used_bytes};

/// After how many new bytes a partition in memory is looked at for bytes it does not use.
const COMPACT_STEP: usize = 64 * 1024 * 1024;
/// From this many batches on, what they do not use of their buffers is waste.
const SIBLINGS: usize = 8;

/// The batches of one partition.
pub(super) struct Partition {
    /// Finished files, each with the number of its first batch and the one behind its last.
    files: Vec<(usize, usize, Arc<dyn SpillFile>)>,
    /// The file that is being written; its batches come after those of `files`.
    open: Option<SpillWriter>,
    /// How many batches are in files.
    on_disk: usize,
    memory: Vec<RecordBatch>,
    counted: Counted,
    /// How many batches of `memory` are known to hold no more than they use.
    compact: usize,
    /// The bytes in memory at which to look at the others.
    compact_at: usize,
    /// Whether all batches are there.
    sealed: bool,
    /// What `memory` takes of the room.
    pub(super) resident: usize,
    pub(super) rows: usize,
    /// The bytes its rows take when they are read, whatever buffers they share with others.
    pub(super) bytes: usize,
    pub(super) columns: Columns,
}

impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows in {} files and {} batches", self.rows, self.files.len(), self.memory.len())
    }
}

/// Where a batch is.
pub(super) enum BatchPlace {
    /// In memory, packed.
    Memory(RecordBatch),
    /// In this file, after so many others.
    File(Arc<dyn SpillFile>, usize),
    /// There are no more.
    End,
}

impl Partition {
    /// A partition without batches.
    ///
    /// # Errors
    /// As [`Columns::new`].
    pub(super) fn new(schema: &SchemaRef) -> Result<Self> {
        Ok(Self {
            files: Vec::new(),
            open: None,
            on_disk: 0,
            memory: Vec::new(),
            counted: Counted::default(),
            compact: 0,
            compact_at: COMPACT_STEP,
            sealed: false,
            resident: 0,
            rows: 0,
            bytes: 0,
            columns: Columns::new(schema)?,
        })
    }

    /// Adds a batch if there is room for it.
    pub(super) fn try_hold(&mut self, packed: &Packed, room: &Room) -> Result<bool> {
        let (bytes, buffers) = self.counted.new_in(&packed.batch);
        if !room.try_grow(bytes) {
            return Ok(false);
        }
        self.count(packed)?;
        self.counted.add(buffers);
        self.resident += bytes;
        self.memory.push(packed.batch.clone());
        if self.resident >= self.compact_at {
            self.compact(room)?;
        }
        Ok(true)
    }

    /// Adds a batch to the file, after everything that is in memory.
    pub(super) fn write(
        &mut self,
        packed: &Packed,
        room: &Room,
        spills: &SpillManager,
        view: &str,
    ) -> Result<()> {
        self.count(packed)?;
        self.memory.push(packed.batch.clone());
        self.spill(room, spills, view)
    }

    fn count(&mut self, packed: &Packed) -> Result<()> {
        self.rows += packed.batch.num_rows();
        self.bytes += used_bytes(&packed.batch) + packed.saved;
        self.columns.add(&packed.batch)
    }

    /// Lets go of bytes that are held and not used; how many. Looks only at batches that came since it last did so.
    pub(super) fn compact(&mut self, room: &Room) -> Result<usize> {
        let recent = self.memory.get(self.compact..).unwrap_or_default();
        let (before, looked_at) = (self.resident, recent.len());
        let Some(batches) = compacted(recent)? else {
            self.compact_at = before.saturating_mul(2).max(COMPACT_STEP);
            return Ok(0);
        };
        self.memory.truncate(self.compact);
        self.memory.extend(batches);
        self.compact = self.memory.len();
        self.counted.clear();
        let mut resident = 0;
        for batch in &self.memory {
            let (bytes, buffers) = self.counted.new_in(batch);
            self.counted.add(buffers);
            resident += bytes;
        }
        let freed = before.saturating_sub(resident);
        room.shrink(freed);
        self.resident -= freed;
        // One slice of a large result looks wasteful until its siblings come; do not fall for each of them.
        self.compact_at =
            if looked_at < SIBLINGS { before.saturating_mul(2) } else { self.resident + COMPACT_STEP };
        Ok(freed)
    }

    /// Moves everything that is in memory to the file.
    pub(super) fn spill(&mut self, room: &Room, spills: &SpillManager, view: &str) -> Result<()> {
        if self.memory.is_empty() {
            return Ok(());
        }
        let file = match &mut self.open {
            Some(file) => file,
            None => self.open.insert(SpillWriter::new(spills, &format!("shared view {view}"))?),
        };
        for batch in &self.memory {
            file.append(&unpacked(batch, spills.schema())?)?;
        }
        self.on_disk += self.memory.len();
        self.memory.clear();
        self.counted.clear();
        (self.compact, self.compact_at) = (0, COMPACT_STEP);
        room.shrink(std::mem::take(&mut self.resident));
        if self.sealed { self.finish_file() } else { Ok(()) }
    }

    /// All batches are there: from now on they can be read.
    pub(super) fn seal(&mut self, room: &Room) -> Result<()> {
        self.compact(room)?;
        self.sealed = true;
        self.finish_file()
    }

    /// Ends the file that is being written, so that it can be read.
    fn finish_file(&mut self) -> Result<()> {
        let Some(file) = self.open.take() else { return Ok(()) };
        let begin = self.files.last().map_or(0, |(_, end, _)| *end);
        self.files.extend(file.finish()?.map(|file| (begin, self.on_disk, file)));
        Ok(())
    }

    /// All batches as they are packed; nothing if they are not all there, or not all in memory.
    pub(super) fn in_memory(&self) -> Option<&[RecordBatch]> {
        (self.sealed && self.on_disk == 0).then_some(self.memory.as_slice())
    }

    /// Where the batch of this number is; nothing while batches are still to come.
    pub(super) fn batch(&self, number: usize) -> Option<BatchPlace> {
        self.sealed.then(|| self.place(number))
    }

    fn place(&self, number: usize) -> BatchPlace {
        if let Some(index) = number.checked_sub(self.on_disk) {
            return self.memory.get(index).map_or(BatchPlace::End, |batch| BatchPlace::Memory(batch.clone()));
        }
        let file = self.files.iter().find(|(begin, end, _)| (*begin..*end).contains(&number));
        file.map_or(BatchPlace::End, |(begin, _, file)| BatchPlace::File(Arc::clone(file), number - begin))
    }

    /// Lets go of all batches and files.
    pub(super) fn clear(&mut self) {
        self.files.clear();
        self.open = None;
        self.memory = Vec::new();
        self.counted.clear();
        self.resident = 0;
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array as _, Int64Array, StringViewArray};
    use datafusion::datasource::memory::MemorySourceConfig;
    use datafusion::prelude::SessionContext;

    use super::*;
    use crate::operators::store::SharedStore;

    /// A view of few rows may be what is left of a large batch. Who reads it decides by the width of its rows how many a batch
    /// has.
    #[tokio::test]
    async fn rows_are_as_wide_as_they_are_whatever_buffers_they_hold() {
        let ids = Int64Array::from_iter_values(0..8192);
        let names: StringViewArray =
            (0..8192).map(|row| Some(format!("a name that is no part of a view {row}"))).collect();
        let buffers: usize = names.data_buffers().iter().map(|buffer| buffer.len()).sum();
        assert!(ids.get_array_memory_size() + buffers > 256 << 10);
        let whole =
            RecordBatch::try_from_iter([("id", Arc::new(ids) as _), ("name", Arc::new(names) as _)]).unwrap();
        let (few, schema) = (whole.slice(100, 2), whole.schema());
        let plan = MemorySourceConfig::try_new_exec(&[vec![few]], Arc::clone(&schema), None).unwrap();
        let store = SharedStore::filled("v", schema, plan, SessionContext::new().task_ctx()).await.unwrap();
        let bytes = store.row_bytes().unwrap();
        assert!((24..256).contains(&bytes), "{bytes}");
    }
}
