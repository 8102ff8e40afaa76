//! What lies between the inputs of an exchange and its outputs.
//!
//! A *lane* is a queue of batches for one output: of all inputs, or of one input where the order of its rows is kept.
//! Entries of a lane are read in the order in which they were added, whether they lie in memory or in a file.
//!
//! An input waits only while every lane it fills has enough to read, so that nobody waits for it: a join that reads
//! one side first, a merge that waits for its slowest input and an output that nobody reads yet cannot stop each
//! other. What piles up in a lane meanwhile moves to files when there is no memory for it, newest batches first.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use arrow::record_batch::RecordBatch;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::execution::{SpillFile, TaskContext};
use datafusion::physical_plan::SpillManager;
use tokio::sync::Notify;

use crate::operators::spill::{SpillWriter, used_bytes};
use crate::resources::{LimitedPool, Reclaimable, blocking, holder};

/// A lane with so many times the rows of a batch has enough to read.
const BATCHES_AHEAD: usize = 2;
/// So has a lane with this many bytes in memory.
const BYTES_AHEAD: usize = 8 << 20;

/// All lanes of an exchange.
pub(super) struct Lanes {
    /// The lanes of a group stand together: one for each output.
    lanes: Mutex<Vec<Lane>>,
    /// One for each group.
    gates: Vec<Notify>,
    outputs: usize,
    batch_rows: usize,
    reservation: MemoryReservation,
    /// Bytes that are held in any case.
    working_set: usize,
    spills: SpillManager,
}

struct Lane {
    entries: VecDeque<Entry>,
    /// Rows of all entries.
    rows: usize,
    /// Bytes of the entries in memory.
    bytes: usize,
    /// How many inputs still add to it.
    senders: usize,
    /// Whether nobody will read it any more.
    closed: bool,
    reader: Option<Waker>,
}

enum Entry {
    Batch(RecordBatch, usize),
    File(Arc<dyn SpillFile>, usize),
    /// Batches that are being written to a file.
    Moving,
    Failed(Arc<DataFusionError>),
}

/// What a reader finds next in its lane.
pub(super) enum Found {
    /// Batches, and the bytes they take.
    Batches(Vec<RecordBatch>, usize),
    File(Arc<dyn SpillFile>),
}

impl fmt::Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} lanes to {} outputs", self.lock().len(), self.outputs)
    }
}

impl Lane {
    fn new(senders: usize) -> Self {
        Self { entries: VecDeque::new(), rows: 0, bytes: 0, senders, closed: false, reader: None }
    }

    /// Whether its inputs may wait. Then it is worth reading, too: otherwise both sides would wait.
    fn has_enough(&self, batch_rows: usize) -> bool {
        self.closed || self.rows >= batch_rows * BATCHES_AHEAD || self.bytes >= BYTES_AHEAD
    }

    /// Whether a reader that finds batches in memory takes them. Few rows are worth waiting for more: whoever fills the lane
    /// goes on while it has so few.
    fn is_worth_reading(&self, batch_rows: usize) -> bool {
        self.senders == 0
            || self.rows >= batch_rows / 2
            || self.bytes >= BYTES_AHEAD / 2
            || self.entries.iter().any(|entry| matches!(entry, Entry::Failed(_)))
    }

    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// Takes the last batches that follow each other in memory, and leaves a mark in their place.
    fn take_newest(&mut self) -> Vec<(RecordBatch, usize)> {
        let is_batch = |entry: &Entry| matches!(entry, Entry::Batch(..));
        let Some(last) = self.entries.iter().rposition(is_batch) else { return Vec::new() };
        let before = self.entries.iter().take(last).rposition(|entry| !is_batch(entry));
        let first = before.map_or(0, |index| index + 1);
        let after = self.entries.split_off(last + 1);
        let run = self.entries.split_off(first);
        let run: Vec<(RecordBatch, usize)> = run
            .into_iter()
            .filter_map(|entry| match entry {
                Entry::Batch(batch, bytes) => Some((batch, bytes)),
                Entry::File(..) | Entry::Moving | Entry::Failed(_) => None,
            })
            .collect();
        self.bytes -= run.iter().map(|(_, bytes)| bytes).sum::<usize>();
        self.entries.push_back(Entry::Moving);
        self.entries.extend(after);
        run
    }

    /// Puts what was taken in the place of the mark. There is one mark at most, and its lane is not taken from again.
    fn put_back(&mut self, entries: Vec<Entry>) {
        let Some(mark) = self.entries.iter().position(|entry| matches!(entry, Entry::Moving)) else { return };
        let after = self.entries.split_off(mark + 1);
        self.entries.pop_back();
        for entry in entries.into_iter().filter(|_| !self.closed) {
            if let Entry::Batch(_, bytes) = &entry {
                self.bytes += bytes;
            }
            self.entries.push_back(entry);
        }
        self.entries.extend(after);
        self.wake();
    }

    fn is_moving(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry, Entry::Moving))
    }
}

impl Lanes {
    /// Lanes between `inputs` and `outputs`; a group for each input if their orders are kept.
    pub(super) fn new(
        inputs: usize,
        outputs: usize,
        keeps_order: bool,
        spills: SpillManager,
        context: &TaskContext,
    ) -> Arc<Self> {
        let (groups, senders) = if keeps_order { (inputs, 1) } else { (1, inputs) };
        let pool = context.memory_pool();
        let limited = pool.downcast_ref::<LimitedPool>();
        let lanes = Arc::new(Self {
            lanes: Mutex::new((0..groups * outputs).map(|_| Lane::new(senders)).collect()),
            gates: (0..groups).map(|_| Notify::new()).collect(),
            outputs,
            batch_rows: context.session_config().batch_size(),
            reservation: holder("an exchange").register(pool),
            working_set: limited.map_or(0, LimitedPool::working_set),
            spills,
        });
        if let Some(pool) = limited {
            let weak = Arc::downgrade(&lanes);
            pool.add(weak);
        }
        lanes
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many groups of lanes there are.
    pub(super) fn groups(&self) -> usize {
        self.gates.len()
    }

    pub(super) fn spills(&self) -> &SpillManager {
        &self.spills
    }

    fn of_group(&self, group: usize) -> std::ops::Range<usize> {
        group * self.outputs..(group + 1) * self.outputs
    }

    /// Adds a batch to the lane of a group to an output.
    ///
    /// # Errors
    /// [`DataFusionError::ResourcesExhausted`] when it fits neither in memory nor on disk.
    pub(super) fn push(&self, group: usize, output: usize, batch: RecordBatch) -> Result<()> {
        let bytes = used_bytes(&batch);
        self.make_room(bytes)?;
        let mut lanes = self.lock();
        match lanes.get_mut(group * self.outputs + output) {
            Some(lane) if !lane.closed => {
                lane.rows += batch.num_rows();
                lane.bytes += bytes;
                lane.entries.push_back(Entry::Batch(batch, bytes));
                if lane.is_worth_reading(self.batch_rows) {
                    lane.wake();
                }
            }
            _ => {
                drop(lanes);
                self.reservation.shrink(bytes);
            }
        }
        Ok(())
    }

    /// Reserves memory; moves batches to files until it is there. A batch that is larger than all that is left is held
    /// all the same: it exists already, and goes to a file next.
    fn make_room(&self, bytes: usize) -> Result<()> {
        while self.reservation.try_grow(bytes).is_err() {
            if self.reservation.size() + bytes <= self.working_set || !self.spill()? {
                self.reservation.grow(bytes);
                break;
            }
        }
        Ok(())
    }

    /// Moves the newest batches of the fullest lane to a file; whether there were any.
    fn spill(&self) -> Result<bool> {
        let (index, taken) = {
            let mut lanes = self.lock();
            let free = lanes.iter().enumerate().filter(|(_, lane)| lane.bytes > 0 && !lane.is_moving());
            let Some((index, _)) = free.max_by_key(|(_, lane)| lane.bytes) else { return Ok(false) };
            let taken = lanes.get_mut(index).map(Lane::take_newest).unwrap_or_default();
            (index, taken)
        };
        let bytes: usize = taken.iter().map(|(_, bytes)| bytes).sum();
        let rows = taken.iter().map(|(batch, _)| batch.num_rows()).sum();
        let written = blocking(|| self.write(taken.iter().map(|(batch, _)| batch)));
        let (entries, result) = match written {
            Ok(Some(file)) => {
                self.reservation.shrink(bytes);
                (vec![Entry::File(file, rows)], Ok(true))
            }
            Ok(None) => (Vec::new(), Ok(true)),
            Err(error) => {
                let back = taken.into_iter().map(|(batch, bytes)| Entry::Batch(batch, bytes));
                (back.collect(), Err(error))
            }
        };
        if let Some(lane) = self.lock().get_mut(index) {
            lane.put_back(entries);
        }
        result
    }

    fn write<'a>(
        &self,
        batches: impl Iterator<Item = &'a RecordBatch>,
    ) -> Result<Option<Arc<dyn SpillFile>>> {
        let mut file = SpillWriter::new(&self.spills, "an exchange")?;
        for batch in batches {
            file.append(batch)?;
        }
        file.finish()
    }

    /// Ends when the inputs of a group may add more; whether anybody will read it.
    pub(super) async fn may_add(&self, group: usize) -> bool {
        let Some(gate) = self.gates.get(group) else { return false };
        loop {
            let mut opened = std::pin::pin!(gate.notified());
            // From here on no opening is missed.
            opened.as_mut().enable();
            {
                let lanes = self.lock();
                let lanes = lanes.get(self.of_group(group)).unwrap_or_default();
                if lanes.iter().all(|lane| lane.closed) {
                    return false;
                }
                if !lanes.iter().all(|lane| lane.has_enough(self.batch_rows)) {
                    return true;
                }
            }
            opened.await;
        }
    }

    /// An input of a group has ended, with an error that all its readers are told.
    pub(super) fn end(&self, group: usize, error: Option<DataFusionError>) {
        let error = error.map(Arc::new);
        let mut lanes = self.lock();
        for lane in lanes.get_mut(self.of_group(group)).unwrap_or_default() {
            lane.senders = lane.senders.saturating_sub(1);
            lane.entries.extend(error.clone().map(Entry::Failed));
            if lane.senders == 0 || error.is_some() {
                lane.wake();
            }
        }
    }

    /// What comes next in the lane of a group to an output.
    pub(super) fn poll_next(
        &self,
        group: usize,
        output: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Found>>> {
        let mut lanes = self.lock();
        let Some(lane) = lanes.get_mut(group * self.outputs + output) else { return Poll::Ready(None) };
        let (rows, found) = match lane.entries.front() {
            None if lane.senders == 0 => return Poll::Ready(None),
            None | Some(Entry::Moving) => {
                lane.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
            Some(Entry::Failed(error)) => return Poll::Ready(Some(Err(DataFusionError::from(error)))),
            Some(Entry::File(file, rows)) => {
                let (file, rows) = (Arc::clone(file), *rows);
                lane.entries.pop_front();
                (rows, Found::File(file))
            }
            Some(Entry::Batch(..)) => {
                if !lane.is_worth_reading(self.batch_rows) {
                    lane.reader = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                let (batches, rows, bytes) = lane.take_oldest(self.batch_rows);
                self.reservation.shrink(bytes);
                (rows, Found::Batches(batches, bytes))
            }
        };
        lane.rows -= rows;
        let opens = !lane.has_enough(self.batch_rows);
        drop(lanes);
        if opens {
            self.open(group);
        }
        Poll::Ready(Some(Ok(found)))
    }

    fn open(&self, group: usize) {
        if let Some(gate) = self.gates.get(group) {
            gate.notify_waiters();
        }
    }

    /// Nobody reads the lane of a group to an output any more.
    pub(super) fn close(&self, group: usize, output: usize) {
        let mut lanes = self.lock();
        let Some(lane) = lanes.get_mut(group * self.outputs + output) else { return };
        lane.closed = true;
        let bytes = std::mem::take(&mut lane.bytes);
        // What is being moved comes back, and is let go of with the lane.
        lane.entries.retain(|entry| matches!(entry, Entry::Moving));
        lane.rows = 0;
        drop(lanes);
        self.reservation.shrink(bytes);
        self.open(group);
    }
}

impl Lane {
    /// Takes batches from the front up to so many rows, and at least one; with their rows and bytes.
    fn take_oldest(&mut self, most_rows: usize) -> (Vec<RecordBatch>, usize, usize) {
        let (mut batches, mut rows, mut bytes) = (Vec::new(), 0, 0);
        while let Some(Entry::Batch(batch, size)) = self.entries.front() {
            if !batches.is_empty() && rows + batch.num_rows() > most_rows {
                break;
            }
            rows += batch.num_rows();
            bytes += size;
            batches.push(batch.clone());
            self.entries.pop_front();
        }
        self.bytes -= bytes;
        (batches, rows, bytes)
    }
}

impl Reclaimable for Lanes {
    fn reclaim(&self) -> Result<bool> {
        self.spill()
    }
}
