//! A memory pool that takes memory back from those who can do without it.
//!
//! DataFusion's fair pool gives every consumer that can spill its share, and leaves the rest to those that cannot,
//! such as the build side of a hash join. But what a consumer that can spill already has, it keeps; the pool has no
//! way to ask for it. Operators spill when they ask for more themselves. A shared view that is complete asks for
//! nothing any more, so it is asked here when a consumer that cannot spill would fail otherwise.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use datafusion::common::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

/// Holds memory that it can give back.
pub(crate) trait Reclaimable: Send + Sync + fmt::Debug {
    /// Gives some memory back; whether there was any.
    ///
    /// # Errors
    /// When what is in the memory cannot be moved elsewhere.
    fn reclaim(&self) -> Result<bool>;
}

/// A pool around another one.
#[derive(Debug)]
pub(crate) struct ReclaimingPool {
    inner: Arc<dyn MemoryPool>,
    holders: Mutex<Vec<Weak<dyn Reclaimable>>>,
}

impl ReclaimingPool {
    /// Nobody to take from yet.
    pub(crate) fn new(inner: Arc<dyn MemoryPool>) -> Self {
        Self { inner, holders: Mutex::default() }
    }

    /// Adds somebody to take from; it is forgotten when nobody else knows it.
    pub(crate) fn add(&self, holder: Weak<dyn Reclaimable>) {
        let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        holders.retain(|holder| holder.strong_count() > 0);
        holders.push(holder);
    }

    fn holders(&self) -> Vec<Arc<dyn Reclaimable>> {
        let holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        holders.iter().filter_map(Weak::upgrade).collect()
    }
}

impl fmt::Display for ReclaimingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl MemoryPool for ReclaimingPool {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.inner.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.inner.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.inner.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.inner.shrink(reservation, shrink);
    }

    /// As the pool inside; for a consumer that cannot spill, holders give memory back one after the other, the
    /// oldest first, until it is enough or nothing is left.
    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut answer = self.inner.try_grow(reservation, additional);
        if answer.is_ok() || reservation.consumer().can_spill() {
            return answer;
        }
        for holder in self.holders() {
            while answer.is_err() && holder.reclaim()? {
                answer = self.inner.try_grow(reservation, additional);
            }
        }
        answer
    }

    fn reserved(&self) -> usize {
        self.inner.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.inner.memory_limit()
    }
}
