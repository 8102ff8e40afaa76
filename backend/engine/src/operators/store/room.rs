//! The memory shared views may take.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::execution::memory_pool::{MemoryPool, MemoryReservation};

use crate::resources::holder;

/// What the shared views of one run may hold in memory together, whatever the session's pool has left.
#[derive(Debug)]
pub(super) struct Budget {
    /// In bytes.
    limit: usize,
    held: AtomicUsize,
    /// The views that cannot be moved, because their rows are looked up by their places: how often each of them is pinned,
    /// and its bytes.
    pinned: Mutex<BTreeMap<String, (usize, usize)>>,
}

impl Budget {
    /// A budget of this many bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, held: AtomicUsize::new(0), pinned: Mutex::default() }
    }

    /// Counts a pin of a view of so many bytes, unless all pinned views together would take more than `most_bytes`.
    pub(super) fn try_pin(&self, view: &str, bytes: usize, most_bytes: usize) -> bool {
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((pins, _)) = pinned.get_mut(view) {
            *pins += 1;
            return true;
        }
        let together: usize = pinned.values().map(|(_, bytes)| bytes).sum();
        let fits = together.saturating_add(bytes) <= most_bytes;
        if fits {
            pinned.insert(view.to_owned(), (1, bytes));
        }
        fits
    }

    /// Takes back a pin that was counted.
    pub(super) fn unpin(&self, view: &str) {
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((pins, _)) = pinned.get_mut(view) {
            *pins -= 1;
            if *pins == 0 {
                pinned.remove(view);
            }
        }
    }

    fn try_take(&self, bytes: usize) -> bool {
        let enough = |held: usize| held.checked_add(bytes).filter(|sum| *sum <= self.limit);
        self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, enough).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The memory of one store: taken from the session's pool, and from the budget of the run.
#[derive(Debug)]
pub(super) struct Room {
    /// Gone once the room is closed: a consumer that stays registered keeps its share from the others. The lock is
    /// never held while the pool is asked, because the pool may ask stores for memory.
    reservation: Mutex<Option<Arc<MemoryReservation>>>,
    pub(super) budget: Arc<Budget>,
}

impl Room {
    /// A room without anything in it.
    pub(super) fn new(view: &str, pool: &Arc<dyn MemoryPool>, budget: Arc<Budget>) -> Self {
        let consumer = holder(&format!("the shared view {view}"));
        Self { reservation: Mutex::new(Some(Arc::new(consumer.register(pool)))), budget }
    }

    fn reservation(&self) -> Option<Arc<MemoryReservation>> {
        self.reservation.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes this many bytes; whether they were there.
    pub(super) fn try_grow(&self, bytes: usize) -> bool {
        let Some(reservation) = self.reservation() else { return false };
        if !self.budget.try_take(bytes) {
            return false;
        }
        let granted = reservation.try_grow(bytes).is_ok();
        if !granted {
            self.budget.give_back(bytes);
        }
        granted
    }

    /// Gives back this many of the bytes that were taken.
    pub(super) fn shrink(&self, bytes: usize) {
        let Some(reservation) = self.reservation() else { return };
        // Fails only for more than is held, and then there is nothing to give back.
        if reservation.try_shrink(bytes).is_ok() {
            self.budget.give_back(bytes);
        }
    }

    /// Gives everything back, for ever.
    pub(super) fn close(&self) {
        let reservation = self.reservation.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(reservation) = reservation {
            self.budget.give_back(reservation.size());
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.close();
    }
}
