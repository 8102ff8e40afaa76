//! The memory pool of a table of groups that is to stay small.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::common::{Result, resources_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

/// Bytes of a table that the caches of a core hold, with what else is worked with.
const TABLE_BYTES: usize = 1 << 20;

/// Gives what another pool gives, but refuses a table what is beyond the caches. Somebody who is refused is expected to
/// empty the table and go on.
#[derive(Debug)]
pub(super) struct TableLimit {
    pool: Arc<dyn MemoryPool>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Rows before which nothing is refused.
    free_rows: usize,
    lifted: bool,
    /// The last request was refused, and nothing has been asked for since.
    refused: bool,
    /// What an emptied table still has.
    empty_bytes: usize,
    /// Whether anything was refused.
    in_force: bool,
}

impl TableLimit {
    /// A limit that holds when so many rows were taken in.
    pub(super) fn after(free_rows: usize, pool: Arc<dyn MemoryPool>) -> Self {
        let state = State { free_rows, lifted: false, refused: false, empty_bytes: 0, in_force: false };
        Self { pool, state: Mutex::new(state) }
    }

    /// Rows are taken in.
    pub(super) fn took(&self, rows: usize) {
        let mut state = self.state();
        state.free_rows = state.free_rows.saturating_sub(rows);
    }

    /// Nothing is refused any more but by the other pool.
    pub(super) fn lift(&self) {
        self.state().lifted = true;
    }

    /// Whether something was refused, and more may be.
    pub(super) fn is_in_force(&self) -> bool {
        let state = self.state();
        state.in_force && !state.lifted
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether a table may not have so many bytes.
    fn refuses(&mut self, bytes: usize) -> bool {
        if self.lifted || self.free_rows > 0 {
            return false;
        }
        // What is left of an emptied table must be granted: whoever empties it cannot do more.
        if std::mem::take(&mut self.refused) {
            self.empty_bytes = bytes;
            return false;
        }
        self.refused = bytes > TABLE_BYTES.max(self.empty_bytes.saturating_mul(2));
        self.in_force |= self.refused;
        self.refused
    }
}

impl fmt::Display for TableLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table_limit({})", self.pool)
    }
}

impl MemoryPool for TableLimit {
    fn name(&self) -> &str {
        "table_limit"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.pool.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.pool.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.pool.grow(reservation, additional);
    }

    /// A reservation has its new size already.
    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        let mut state = self.state();
        if std::mem::take(&mut state.refused) {
            state.empty_bytes = reservation.size();
        }
        drop(state);
        self.pool.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let bytes = reservation.size().saturating_add(additional);
        if self.state().refuses(bytes) {
            return resources_err!("a table of {bytes} bytes does not fit in the caches");
        }
        self.pool.try_grow(reservation, additional)
    }

    fn reserved(&self) -> usize {
        self.pool.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.pool.memory_limit()
    }
}

#[cfg(test)]
mod tests {
    use datafusion::execution::memory_pool::GreedyMemoryPool;

    use super::*;

    fn limit(free_rows: usize) -> (Arc<TableLimit>, MemoryReservation) {
        let pool = Arc::new(GreedyMemoryPool::new(64 << 20));
        let limit = Arc::new(TableLimit::after(free_rows, pool));
        let pool = Arc::clone(&limit) as Arc<dyn MemoryPool>;
        (limit, MemoryConsumer::new("table").register(&pool))
    }

    #[test]
    fn a_table_beyond_the_caches_is_refused_until_the_limit_is_lifted() {
        let (limit, table) = limit(100);
        table.try_resize(2 * TABLE_BYTES).unwrap();
        limit.took(100);
        assert!(table.try_resize(3 * TABLE_BYTES).is_err() && limit.is_in_force());
        table.try_resize(0).unwrap();
        table.try_resize(TABLE_BYTES).unwrap();
        assert!(table.try_resize(TABLE_BYTES + 1).is_err());
        limit.lift();
        table.try_resize(3 * TABLE_BYTES).unwrap();
        assert!(!limit.is_in_force() && limit.reserved() == 3 * TABLE_BYTES);
        assert!(table.try_resize(65 << 20).is_err(), "the other pool has its own limit");
    }

    #[test]
    fn what_an_emptied_table_keeps_is_granted() {
        let (limit, table) = limit(0);
        assert!(table.try_resize(5 * TABLE_BYTES).is_err());
        table.try_resize(4 * TABLE_BYTES).unwrap();
        table.try_resize(8 * TABLE_BYTES).unwrap();
        assert!(table.try_resize(9 * TABLE_BYTES).is_err());
        drop(table);
        assert_eq!(limit.reserved(), 0);
    }
}
