//! What a writer may hold in memory, and what it says that it holds.
//!
//! A writer counts in the memory pool of whoever computes the rows: its queue, the rows it chooses encodings by, the
//! row groups it has not finished, and the log's entries of finished files. It asks before it grows. When the pool
//! refuses, it finishes row groups early, which gives back nearly all it has; what is left it must hold, so it is
//! counted without asking. A writer therefore never fails for lack of memory.

use std::fmt;
use std::sync::Arc;

use datafusion::common::resources_datafusion_err;
use datafusion::error::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const MIB: usize = 1 << 20;
/// The account is kept in steps of this size.
const STEP: usize = 256 << 10;
/// What a permit of the queue stands for.
const PERMIT: usize = 1 << 10;

/// The most bytes of each kind that one writer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// One row group, as encoded.
    pub(super) row_group: usize,
    /// The unfinished row groups of all open files.
    pub(super) open: usize,
    /// Rows that are converted, checked and encoded at a time, and the sample that encodings are chosen by.
    pub(super) piece: usize,
    /// Batches that wait, together with the one that is being written. A larger batch waits alone.
    pub(super) queue: usize,
    /// The sort of the rows of many partitions.
    pub(super) sort: usize,
}

impl Limits {
    /// Those of a writer beside a pool: shares of its limit, and what makes no file better when there is plenty.
    fn of(limit: &MemoryLimit) -> Self {
        let share = |part: usize, least: usize, most: usize| match limit {
            MemoryLimit::Finite(bytes) => (bytes / part).clamp(least, most),
            _ => most,
        };
        Self {
            row_group: share(16, MIB, 128 * MIB),
            open: share(8, 2 * MIB, 256 * MIB),
            piece: share(64, MIB / 4, 8 * MIB),
            queue: share(16, MIB, 32 * MIB),
            sort: share(8, 4 * MIB, 1024 * MIB),
        }
    }
}

/// The account of one writer.
#[derive(Debug)]
pub(super) struct WriterMemory {
    pub(super) limits: Limits,
    reservation: MemoryReservation,
    queue: Queue,
}

impl WriterMemory {
    /// Nothing is held yet. `name` is what the rows are written to.
    pub(super) fn new(pool: &Arc<dyn MemoryPool>, name: &str, queue: Queue) -> Self {
        let reservation = MemoryConsumer::new(format!("writer of {name}")).register(pool);
        Self { limits: Limits::of(&pool.memory_limit()), reservation, queue }
    }

    /// Books `bytes` besides the queue, if the pool allows it.
    pub(super) fn may_hold(&self, bytes: usize) -> bool {
        self.reservation.try_resize(self.booked(bytes)).is_ok()
    }

    /// Books `bytes` besides the queue, whatever the pool says.
    pub(super) fn must_hold(&self, bytes: usize) {
        self.reservation.resize(self.booked(bytes));
    }

    /// Memory for the writer's sort.
    pub(super) fn sort_pool(&self) -> Arc<dyn MemoryPool> {
        Arc::new(SortPool { most: self.limits.sort, granted: self.reservation.new_empty() })
    }

    fn booked(&self, bytes: usize) -> usize {
        bytes.saturating_add(self.queue.held()).next_multiple_of(STEP)
    }
}

/// The memory of the sort in a writer, counted in the pool of the run as the writer's.
///
/// The sort is fed by operators that may be unable to spill, and cannot be asked to give memory back. So it does not take
/// the share that a pool has for operators: it has half of `most` for certain, up to `most` if the pool allows it, and
/// spills then.
#[derive(Debug)]
struct SortPool {
    most: usize,
    granted: MemoryReservation,
}

impl fmt::Display for SortPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sort of a writer({} bytes)", self.most)
    }
}

impl MemoryPool for SortPool {
    fn name(&self) -> &str {
        "sort of a writer"
    }

    fn grow(&self, _: &MemoryReservation, additional: usize) {
        self.granted.grow(additional);
    }

    fn shrink(&self, _: &MemoryReservation, shrink: usize) {
        self.granted.shrink(shrink);
    }

    fn try_grow(&self, _: &MemoryReservation, additional: usize) -> Result<()> {
        let wanted = self.granted.size().saturating_add(additional);
        if wanted > self.most {
            let most = self.most;
            return Err(resources_datafusion_err!("a writer sorts in {most} bytes and would need {wanted}"));
        }
        if wanted > self.most / 2 {
            return self.granted.try_grow(additional);
        }
        self.granted.grow(additional);
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.granted.size()
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.most)
    }
}

/// The room for batches in front of a writer.
#[derive(Clone, Debug)]
pub(in crate::write) struct Queue {
    permits: Arc<Semaphore>,
    size: usize,
}

impl Queue {
    /// The queue of a writer beside `pool`.
    pub(in crate::write) fn new(pool: &Arc<dyn MemoryPool>) -> Self {
        let size = Limits::of(&pool.memory_limit()).queue / PERMIT;
        Self { permits: Arc::new(Semaphore::new(size)), size }
    }

    /// Waits until there is room for `bytes`, or until nothing else waits; `None` when nobody reads the queue any more.
    pub(in crate::write) async fn room(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let permits = bytes.div_ceil(PERMIT).clamp(1, self.size);
        Arc::clone(&self.permits).acquire_many_owned(u32::try_from(permits).ok()?).await.ok()
    }

    fn held(&self) -> usize {
        self.size.saturating_sub(self.permits.available_permits()).saturating_mul(PERMIT)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::execution::memory_pool::{GreedyMemoryPool, UnboundedMemoryPool};

    use super::*;

    #[test]
    fn limits_are_shares_of_the_pool_and_never_more_than_helps() {
        let plenty = Limits::of(&MemoryLimit::Infinite);
        assert_eq!((plenty.row_group, plenty.open), (128 * MIB, 256 * MIB));
        assert_eq!(Limits::of(&MemoryLimit::Finite(64 << 30)), plenty);
        let little = Limits::of(&MemoryLimit::Finite(64 * MIB));
        assert_eq!((little.row_group, little.open, little.piece), (4 * MIB, 8 * MIB, MIB));
    }

    #[tokio::test]
    async fn what_waits_is_booked_and_what_must_be_held_is_too() {
        let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(4 * MIB));
        let queue = Queue::new(&pool);
        let memory = WriterMemory::new(&pool, "t", queue.clone());
        let waiting = queue.room(MIB).await;
        assert!(memory.may_hold(2 * MIB));
        assert_eq!(pool.reserved(), 3 * MIB);
        assert!(!memory.may_hold(4 * MIB));
        assert_eq!(pool.reserved(), 3 * MIB, "what was refused is not booked");
        memory.must_hold(8 * MIB);
        assert_eq!(pool.reserved(), 9 * MIB);
        drop(waiting);
        assert!(memory.may_hold(0));
        assert_eq!(pool.reserved(), 0);
    }

    #[test]
    fn a_sort_has_half_of_its_memory_for_certain() {
        let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(64 * MIB));
        let memory = WriterMemory::new(&pool, "t", Queue::new(&pool));
        let others = MemoryConsumer::new("others").register(&pool);
        let sort = MemoryConsumer::new("sort").with_can_spill(true).register(&memory.sort_pool());
        assert!(sort.try_grow(7 * MIB).is_ok());
        assert!(sort.try_grow(2 * MIB).is_err(), "an eighth of the pool is the most");
        sort.free();
        assert_eq!(pool.reserved(), 0);
        others.grow(64 * MIB);
        assert!(sort.try_grow(4 * MIB).is_ok());
        assert!(sort.try_grow(1).is_err());
        assert_eq!(pool.reserved(), 68 * MIB, "it is counted all the same");
    }

    #[tokio::test]
    async fn a_batch_larger_than_the_queue_waits_alone() {
        let pool: Arc<dyn MemoryPool> = Arc::new(UnboundedMemoryPool::default());
        let queue = Queue::new(&pool);
        let large = queue.room(usize::MAX).await;
        assert!(large.is_some());
        let mut next = std::pin::pin!(queue.room(1));
        assert!(futures::poll!(&mut next).is_pending());
        drop(large);
        assert!(next.await.is_some());
    }
}
