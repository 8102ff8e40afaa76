//! A memory pool for tests: little for some consumers, everything for the others.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::{Result, resources_err};
use datafusion::execution::memory_pool::{MemoryPool, MemoryReservation};

/// Consumers whose name begins with `name` have `limit` bytes together.
#[derive(Debug)]
pub(in crate::operators) struct Scarce {
    name: &'static str,
    limit: usize,
    scarce: AtomicUsize,
    all: AtomicUsize,
}

impl Scarce {
    pub(in crate::operators) fn pool(name: &'static str, limit: usize) -> Arc<dyn MemoryPool> {
        Arc::new(Self { name, limit, scarce: AtomicUsize::new(0), all: AtomicUsize::new(0) })
    }

    fn is_scarce(&self, reservation: &MemoryReservation) -> bool {
        reservation.consumer().name().starts_with(self.name)
    }
}

impl fmt::Display for Scarce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes for {}", self.limit, self.name)
    }
}

impl MemoryPool for Scarce {
    fn name(&self) -> &str {
        "scarce"
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        if self.is_scarce(reservation) {
            self.scarce.fetch_add(additional, Ordering::Relaxed);
        }
        self.all.fetch_add(additional, Ordering::Relaxed);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        if self.is_scarce(reservation) {
            self.scarce.fetch_sub(shrink, Ordering::Relaxed);
        }
        self.all.fetch_sub(shrink, Ordering::Relaxed);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        if self.is_scarce(reservation) && self.scarce.load(Ordering::Relaxed) + additional > self.limit {
            return resources_err!("{} may not have {additional} bytes more", reservation.consumer().name());
        }
        self.grow(reservation, additional);
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.all.load(Ordering::Relaxed)
    }
}
