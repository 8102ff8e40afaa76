//! The memory pool of a session: one limit, shares for those who can spill, and memory taken back from those who can
//! do without it.
//!
//! Three kinds of consumers ask it.
//!
//! * *Holders* ([`Reclaimable`]) keep rows that could as well lie on disk: shared views, exchanges. They get what nobody
//!   else uses, and give it back when somebody needs it.
//! * Consumers that *can spill*, such as sorts and aggregations, spill when they are refused. Each may have an equal
//!   share of what those that cannot spill leave. Only consumers that hold something count: DataFusion's fair pool
//!   counts all that are registered, and a plan with many operators would starve with an almost empty pool.
//! * Consumers that *cannot spill* get what is free, first come first served.
//!
//! Before anybody who is no holder is refused, holders give memory back. A sort that is refused its first batch fails,
//! though, and what an operator of DataFusion already has, it keeps. So a consumer is never refused while it has no more
//! than a *working set* ([`LimitedPool::working_set`]). That can exceed the limit, by that much for each consumer.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation, human_readable_size,
};
use tokio::runtime::{Handle, RuntimeFlavor};

/// Smallest and largest working set, in bytes.
const WORKING_SET: (usize, usize) = (2 << 20, 16 << 20);
/// A working set is this part of the limit, within its bounds.
const WORKING_SET_PART: usize = 16;
/// How many consumers an error lists.
const LISTED_CONSUMERS: usize = 5;

/// Holds memory that it can give back.
pub(crate) trait Reclaimable: Send + Sync + fmt::Debug {
    /// Gives some memory back; whether there was any.
    ///
    /// # Errors
    /// When what is in the memory cannot be moved elsewhere.
    fn reclaim(&self) -> Result<bool>;
}

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct LimitedPool {
    /// In bytes.
    limit: usize,
    accounts: Mutex<Accounts>,
    holders: Mutex<Vec<Weak<dyn Reclaimable>>>,
}

#[derive(Debug, Default)]
struct Accounts {
    consumers: HashMap<usize, Account>,
    /// What all consumers hold, and the most they held at a time.
    reserved: usize,
    peak: usize,
    /// What those hold that cannot spill.
    unspillable: usize,
}

#[derive(Debug)]
struct Account {
    name: String,
    kind: Kind,
    held: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Holder,
    Spills,
    Keeps,
}

impl Kind {
    fn of(consumer: &MemoryConsumer) -> Self {
        match (consumer.name().starts_with(HOLDER), consumer.can_spill()) {
            (true, _) => Self::Holder,
            (false, true) => Self::Spills,
            (false, false) => Self::Keeps,
        }
    }
}

/// How the names of holders begin: a consumer has a name and nothing else to be known by.
const HOLDER: &str = "rows of ";

/// The consumer of a holder of these rows.
pub(crate) fn holder(rows: &str) -> MemoryConsumer {
    MemoryConsumer::new(format!("{HOLDER}{rows}")).with_can_spill(true)
}

/// Why a consumer is refused.
struct Refusal {
    available: usize,
    /// Whether it would get the memory if others held less: it is within its share.
    within_share: bool,
}

impl Accounts {
    fn grow(&mut self, consumer: &MemoryConsumer, additional: usize) {
        let account = self.consumers.entry(consumer.id()).or_insert_with(|| Account {
            name: consumer.name().to_owned(),
            kind: Kind::of(consumer),
            held: 0,
        });
        account.held += additional;
        if account.kind == Kind::Keeps {
            self.unspillable += additional;
        }
        self.reserved += additional;
        self.peak = self.peak.max(self.reserved);
    }

    fn shrink(&mut self, consumer: &MemoryConsumer, bytes: usize) {
        if let Some(account) = self.consumers.get_mut(&consumer.id()) {
            account.held = account.held.saturating_sub(bytes);
            if account.kind == Kind::Keeps {
                self.unspillable = self.unspillable.saturating_sub(bytes);
            }
        }
        self.reserved = self.reserved.saturating_sub(bytes);
    }

    fn held(&self, consumer: &MemoryConsumer) -> usize {
        self.consumers.get(&consumer.id()).map_or(0, |account| account.held)
    }

    /// What a consumer that spills may hold: an equal part, with the others of its kind that hold something.
    fn share(&self, limit: usize, consumer: &MemoryConsumer) -> usize {
        let others = self.consumers.iter().filter(|(id, account)| {
            **id != consumer.id() && account.kind == Kind::Spills && account.held > 0
        });
        limit.saturating_sub(self.unspillable) / (1 + others.count())
    }
}

impl LimitedPool {
    /// A pool of this many bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, accounts: Mutex::default(), holders: Mutex::default() }
    }

    /// Adds somebody to take from; it is forgotten when nobody else knows it.
    pub(crate) fn add(&self, holder: Weak<dyn Reclaimable>) {
        let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        holders.retain(|holder| holder.strong_count() > 0);
        holders.push(holder);
    }

    /// The most bytes that were reserved at a time.
    pub(crate) fn peak(&self) -> usize {
        self.accounts().peak
    }

    /// What every consumer can have, whatever others hold.
    pub(crate) fn working_set(&self) -> usize {
        working_set(self.limit)
    }

    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn holders(&self) -> Vec<Arc<dyn Reclaimable>> {
        let holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        holders.iter().filter_map(Weak::upgrade).collect()
    }

    /// Takes the memory if it is there.
    fn take(&self, consumer: &MemoryConsumer, additional: usize) -> Result<(), Refusal> {
        let mut accounts = self.accounts();
        let free = self.limit.saturating_sub(accounts.reserved);
        let share = match Kind::of(consumer) {
            Kind::Holder | Kind::Keeps => usize::MAX,
            Kind::Spills => accounts.share(self.limit, consumer).saturating_sub(accounts.held(consumer)),
        };
        let available = share.min(free);
        if additional > available {
            return Err(Refusal { available, within_share: additional <= share });
        }
        accounts.grow(consumer, additional);
        Ok(())
    }

    /// Takes memory that is not there, within the working set.
    fn overdraw(&self, consumer: &MemoryConsumer, additional: usize) -> bool {
        let mut accounts = self.accounts();
        let enough = accounts.held(consumer).saturating_add(additional) <= self.working_set();
        if enough {
            accounts.grow(consumer, additional);
        }
        enough
    }

    fn refused(&self, consumer: &MemoryConsumer, additional: usize, available: usize) -> DataFusionError {
        let accounts = self.accounts();
        let size = human_readable_size;
        let mut holders: Vec<&Account> = accounts.consumers.values().filter(|one| one.held > 0).collect();
        holders.sort_by(|one, other| other.held.cmp(&one.held).then_with(|| one.name.cmp(&other.name)));
        let listed = holders.iter().take(LISTED_CONSUMERS);
        let listed: Vec<String> = listed.map(|one| format!("{} {}", one.name, size(one.held))).collect();
        let listed = if listed.is_empty() { "nobody".to_owned() } else { listed.join(", ") };
        // Consumers that spill are refused for their share, which grows with the limit in proportion.
        let least = match Kind::of(consumer) {
            Kind::Spills => {
                let held = accounts.held(consumer).saturating_add(additional);
                let share = accounts.share(self.limit, consumer).max(1);
                let parts = (self.limit / share).max(1);
                held.saturating_mul(parts).max(self.limit.saturating_add(additional))
            }
            Kind::Holder | Kind::Keeps => self.limit.saturating_add(additional.saturating_sub(available)),
        };
        DataFusionError::ResourcesExhausted(format!(
            "{name} needs {more} more than the {held} it has, and {available} of {limit} are left for it (held by: {listed}); \
             a limit of {least} or more is needed",
            name = consumer.name(),
            more = size(additional),
            held = size(accounts.held(consumer)),
            available = size(available),
            limit = size(self.limit),
            least = size(least),
        ))
    }
}

/// What every consumer of a pool with this limit can have.
pub(super) fn working_set(limit: usize) -> usize {
    (limit / WORKING_SET_PART).clamp(WORKING_SET.0, WORKING_SET.1)
}

impl fmt::Display for LimitedPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limited(limit: {})", human_readable_size(self.limit))
    }
}

impl MemoryPool for LimitedPool {
    fn name(&self) -> &str {
        "limited"
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        let mut accounts = self.accounts();
        // Reservations give back what they have before the last of them ends the registration.
        accounts.consumers.remove(&consumer.id());
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.accounts().grow(reservation.consumer(), additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.accounts().shrink(reservation.consumer(), shrink);
    }

    /// Gives what is there; for those who are no holders also what holders can give back, the oldest first, and a
    /// working set in any case.
    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let consumer = reservation.consumer();
        let Err(mut refusal) = self.take(consumer, additional) else { return Ok(()) };
        if Kind::of(consumer) == Kind::Holder {
            // It may ask while it is locked, and can move its rows to files itself.
            return Err(self.refused(consumer, additional, refusal.available));
        }
        for holder in self.holders() {
            while refusal.within_share && blocking(|| holder.reclaim())? {
                match self.take(consumer, additional) {
                    Ok(()) => return Ok(()),
                    Err(again) => refusal = again,
                }
            }
        }
        if self.overdraw(consumer, additional) {
            return Ok(());
        }
        Err(self.refused(consumer, additional, refusal.available))
    }

    fn reserved(&self) -> usize {
        self.accounts().reserved
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

/// Does work that waits for the disk, while other tasks of this thread go on elsewhere.
pub(crate) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    let shared =
        Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if shared { tokio::task::block_in_place(work) } else { work() }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    const LIMIT: usize = 100 << 20;

    fn pool() -> Arc<dyn MemoryPool> {
        Arc::new(LimitedPool::new(LIMIT))
    }

    fn limited(pool: &Arc<dyn MemoryPool>) -> &LimitedPool {
        pool.downcast_ref::<LimitedPool>().unwrap()
    }

    fn spills(pool: &Arc<dyn MemoryPool>, name: &str) -> MemoryReservation {
        MemoryConsumer::new(name).with_can_spill(true).register(pool)
    }

    #[test]
    fn only_consumers_that_hold_something_have_a_share() {
        let pool = pool();
        let idle: Vec<_> = (0..100).map(|number| spills(&pool, &format!("idle {number}"))).collect();
        let (first, second) = (spills(&pool, "first"), spills(&pool, "second"));
        first.try_grow(50 << 20).unwrap();
        second.try_grow(50 << 20).unwrap();
        assert!(first.try_grow(10 << 20).is_err(), "everything is taken");
        second.free();
        first.try_grow(50 << 20).unwrap();
        assert_eq!(pool.reserved(), LIMIT);
        drop((idle, first, second));
        assert_eq!(pool.reserved(), 0);
        assert_eq!(limited(&pool).peak(), LIMIT);
    }

    #[test]
    fn a_working_set_is_granted_beyond_the_limit_and_no_more() {
        let pool = pool();
        let set = limited(&pool).working_set();
        let taken = spills(&pool, "taken");
        taken.try_grow(LIMIT).unwrap();
        let other = spills(&pool, "other");
        other.try_grow(set).unwrap();
        let error = other.try_grow(1).unwrap_err().to_string();
        assert!(
            error.contains("other needs 1.0 B more") && error.contains("held by: taken 100.0 MB"),
            "{error}"
        );
        assert!(error.contains("a limit of"), "{error}");
        let keeps = MemoryConsumer::new("keeps").register(&pool);
        keeps.try_grow(set).unwrap();
        assert!(keeps.try_grow(1).is_err());
    }

    #[derive(Debug)]
    struct Rows {
        reservation: MemoryReservation,
        asked: AtomicBool,
    }

    impl Reclaimable for Rows {
        fn reclaim(&self) -> Result<bool> {
            self.asked.store(true, Ordering::Relaxed);
            Ok(self.reservation.free() > 0)
        }
    }

    #[test]
    fn holders_give_back_what_others_need_and_what_is_theirs_to_have() {
        let pool = pool();
        let rows = Arc::new(Rows { reservation: holder("v").register(&pool), asked: AtomicBool::new(false) });
        let weak = Arc::downgrade(&rows);
        limited(&pool).add(weak);
        rows.reservation.try_grow(LIMIT).unwrap();
        assert!(rows.reservation.try_grow(1).is_err(), "no working set: it has a file");
        assert!(!rows.asked.load(Ordering::Relaxed), "it may ask while it is locked");
        let (sort, other) = (spills(&pool, "sort"), spills(&pool, "other"));
        sort.try_grow(60 << 20).unwrap();
        assert!(rows.asked.load(Ordering::Relaxed));
        rows.reservation.try_grow(30 << 20).unwrap();
        rows.asked.store(false, Ordering::Relaxed);
        other.try_grow(1 << 20).unwrap();
        // Beyond its share it gets nothing that a holder could give.
        assert!(sort.try_grow(30 << 20).is_err());
        assert!(!rows.asked.load(Ordering::Relaxed));
        assert_eq!(rows.reservation.size(), 30 << 20);
    }
}
