//! Rows of a store that stay in memory, to be looked up by their places.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{Array, ArrayRef, DictionaryArray, UInt8Array, new_empty_array, new_null_array};
use arrow::compute::interleave;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, internal_err};
use functions::aggregate::{Place, Selection};

use super::packed::{dictionary, unpacked_column};
use super::{SharedStore, lock};

/// All rows of a store, which does not move while they are held. The batches of all partitions are numbered one after the
/// other: a [`Place`] has such a number as its chunk.
#[derive(Debug)]
pub(crate) struct PinnedRows {
    store: Arc<SharedStore>,
    batches: Vec<RecordBatch>,
    /// The number of the first batch of each partition, and the number behind the last.
    partitions: Vec<usize>,
    /// Whether the run counts it among the views that do not move.
    counted: bool,
}

impl PinnedRows {
    /// Pins the rows of a store, if they are all in memory and all pinned stores of the run take so many bytes at most.
    pub(crate) fn of(store: &Arc<SharedStore>, most_bytes: usize) -> Option<Self> {
        // From here on nothing moves. What moved before is seen, because moving holds the same locks.
        store.pins.fetch_add(1, Ordering::SeqCst);
        let mut pinned =
            Self { store: Arc::clone(store), batches: Vec::new(), partitions: vec![0], counted: false };
        let mut bytes = 0;
        for slot in &store.partitions {
            let held = lock(slot);
            bytes += held.resident;
            match held.in_memory() {
                Some(batches) => pinned.batches.extend_from_slice(batches),
                None => return None,
            }
            pinned.partitions.push(pinned.batches.len());
        }
        u32::try_from(pinned.batches.len()).ok()?;
        pinned.counted = store.room.budget.try_pin(&store.view, bytes, most_bytes);
        if !pinned.counted {
            return None;
        }
        // A store that is let go of meanwhile, or was, has fewer rows than its view.
        (!store.released.load(Ordering::Acquire)).then_some(pinned)
    }

    /// The view.
    pub(crate) fn view(&self) -> &str {
        &self.store.view
    }

    /// The columns of the view.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.store.schema
    }

    /// How many partitions the store has.
    pub(crate) fn partitions(&self) -> usize {
        self.partitions.len() - 1
    }

    /// The numbers of the batches of a partition, which counts as a reading of it.
    pub(crate) fn read(&self, partition: usize) -> Range<usize> {
        self.store.reads.fetch_add(1, Ordering::Relaxed);
        let bound = |at: usize| self.partitions.get(at).copied().unwrap_or(self.batches.len());
        bound(partition)..bound(partition + 1)
    }

    /// How many rows the batch of this number has.
    pub(crate) fn rows_of(&self, batch: usize) -> usize {
        self.batches.get(batch).map_or(0, RecordBatch::num_rows)
    }

    /// A column of the batch of this number.
    ///
    /// # Errors
    /// When there is no such column or batch.
    pub(crate) fn column(&self, batch: usize, column: usize) -> Result<ArrayRef> {
        let found = self.batches.get(batch).and_then(|batch| batch.columns().get(column));
        match (found, self.store.schema.fields().get(column)) {
            (Some(found), Some(field)) => unpacked_column(found, field.data_type()),
            _ => internal_err!("the shared view `{}` has no column {column} of batch {batch}", self.view()),
        }
    }

    /// The rows at these places.
    pub(crate) fn select(&self, places: &[Place]) -> Selection {
        Selection::new(places, self.batches.len())
    }

    /// A column of the selected rows, in their order.
    ///
    /// # Errors
    /// When there is no such column, or its texts do not fit into one array.
    pub(crate) fn gather(&self, column: usize, selection: &Selection) -> Result<ArrayRef> {
        let Some(field) = self.store.schema.fields().get(column) else {
            return internal_err!("the shared view `{}` has no column {column}", self.view());
        };
        let null: ArrayRef;
        // The texts of a batch where the column is packed, and its rows elsewhere; then a NULL.
        let mut arrays: Vec<&dyn Array> = Vec::with_capacity(selection.chunks.len() + 1);
        let mut keys: Vec<Option<&UInt8Array>> = Vec::with_capacity(selection.chunks.len());
        for &chunk in &selection.chunks {
            let Some(array) = self.batches.get(chunk as usize).and_then(|batch| batch.columns().get(column))
            else {
                return internal_err!("the shared view `{}` has no batch {chunk}", self.view());
            };
            let packed = dictionary(array, field.data_type());
            arrays.push(packed.map_or(array.as_ref(), |packed| packed.values().as_ref()));
            keys.push(packed.map(DictionaryArray::keys));
        }
        if arrays.is_empty() {
            return Ok(new_empty_array(field.data_type()));
        }
        if keys.iter().all(Option::is_none) {
            return Ok(interleave(&arrays, &selection.rows)?);
        }
        let place = |&(part, row): &(usize, usize)| match keys.get(part).copied().flatten() {
            Some(keys) if keys.is_null(row) => (arrays.len(), 0),
            Some(keys) => (part, usize::from(keys.value(row))),
            None => (part, row),
        };
        let rows: Vec<(usize, usize)> = selection.rows.iter().map(place).collect();
        if keys.iter().flatten().any(|keys| keys.null_count() > 0) {
            null = new_null_array(field.data_type(), 1);
            arrays.push(null.as_ref());
        }
        Ok(interleave(&arrays, &rows)?)
    }
}

impl Drop for PinnedRows {
    fn drop(&mut self) {
        if self.counted {
            self.store.room.budget.unpin(&self.store.view);
        }
        self.store.pins.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray as _, Int64Array, StringViewArray};
    use datafusion::datasource::memory::MemorySourceConfig;
    use datafusion::prelude::SessionContext;

    use super::super::RunStores;
    use super::*;

    /// A batch of two columns: its number and the number of each row, and one of so many texts or NULL.
    fn batch(number: i64, texts: usize) -> RecordBatch {
        let ids = Int64Array::from_iter_values((0..1000).map(|row| number * 1000 + row));
        let text = |row: usize| {
            (!row.is_multiple_of(7)).then(|| format!("{number} of texts longer than a view {}", row % texts))
        };
        let columns: [(&str, ArrayRef); 2] =
            [("id", Arc::new(ids)), ("text", Arc::new((0..1000).map(text).collect::<StringViewArray>()))];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
    }

    async fn store(batches: &[RecordBatch]) -> Arc<SharedStore> {
        let (first, rest) = batches.split_at(1);
        let schema = batches[0].schema();
        let plan =
            MemorySourceConfig::try_new_exec(&[first.to_vec(), rest.to_vec()], Arc::clone(&schema), None)
                .unwrap();
        SharedStore::filled("v", schema, plan, SessionContext::new().task_ctx()).await.unwrap()
    }

    /// The column of texts is packed in the first and the last batch, and has too many texts in the second.
    #[tokio::test]
    async fn rows_are_found_at_their_places_whether_packed_or_not() {
        let batches = [batch(0, 3), batch(1, 900), batch(2, 5)];
        let store = store(&batches).await;
        let pinned = PinnedRows::of(&store, usize::MAX).unwrap();
        assert_eq!((pinned.read(0), pinned.read(1)), (0..1, 1..3));
        assert_eq!(store.counters("", 1).reads, 2);
        let packed = |batch: usize| pinned.batches[batch].schema() != batches[batch].schema();
        assert_eq!([packed(0), packed(1), packed(2)], [true, false, true]);
        let places: Vec<Place> =
            (0..5000_u32).map(|n| Place { chunk: n * 7 % 3, row: n * 31 % 1000 }).collect();
        for wanted in [&places[..], &places[..1], &[]] {
            let selection = pinned.select(wanted);
            let ids = pinned.gather(0, &selection).unwrap();
            let texts = pinned.gather(1, &selection).unwrap();
            let (ids, texts) = (ids.as_primitive::<arrow::datatypes::Int64Type>(), texts.as_string_view());
            assert_eq!((ids.len(), texts.len()), (wanted.len(), wanted.len()));
            for (at, place) in wanted.iter().enumerate() {
                let (batch, row) = (&batches[place.chunk as usize], place.row as usize);
                assert_eq!(ids.value(at), i64::from(place.chunk * 1000 + place.row));
                let text = batch.column(1).as_string_view();
                assert_eq!(texts.is_null(at), text.is_null(row));
                assert!(text.is_null(row) || texts.value(at) == text.value(row), "{place:?}");
            }
        }
        for (number, batch) in batches.iter().enumerate() {
            assert_eq!(pinned.column(number, 1).unwrap().to_data(), batch.column(1).to_data());
        }
    }

    #[tokio::test]
    async fn pinned_rows_stay_in_memory_until_they_are_let_go_of() {
        use crate::resources::Reclaimable as _;
        let store = store(&[batch(0, 3), batch(1, 900)]).await;
        assert!(PinnedRows::of(&store, 1000).is_none(), "they take more");
        let pinned = PinnedRows::of(&store, usize::MAX).unwrap();
        assert!(!store.reclaim().unwrap());
        assert!(PinnedRows::of(&store, usize::MAX).is_some(), "two may hold them");
        drop(pinned);
        assert!(store.reclaim().unwrap());
        assert!(PinnedRows::of(&store, usize::MAX).is_none(), "a partition is in a file");
    }

    #[tokio::test]
    async fn pinned_views_of_a_run_have_one_bound() {
        let batches = [batch(0, 900), batch(1, 900)];
        let run = RunStores::new(None);
        let runtime = SessionContext::new().runtime_env();
        let filled = |view: &str| {
            let plan = MemorySourceConfig::try_new_exec(&[vec![]], batches[0].schema(), None).unwrap();
            let store = run.create(view, batches[0].schema(), plan.as_ref(), &runtime).unwrap();
            batches.iter().for_each(|batch| store.push(0, batch).unwrap());
            store.seal(0).unwrap();
            store
        };
        let (one, other) = (filled("one"), filled("other"));
        let most = one.counters("", 1).memory_bytes * 3 / 2;
        let first = PinnedRows::of(&one, most).unwrap();
        let again = PinnedRows::of(&one, most).unwrap();
        assert!(PinnedRows::of(&other, most).is_none());
        drop(first);
        assert!(PinnedRows::of(&other, most).is_none(), "it is still pinned once");
        drop(again);
        assert!(PinnedRows::of(&other, most).is_some());
    }

    #[tokio::test]
    async fn a_store_that_was_released_has_no_rows_to_pin() {
        let store = store(&[batch(0, 3), batch(1, 900)]).await;
        store.release();
        assert!(PinnedRows::of(&store, usize::MAX).is_none());
    }
}
