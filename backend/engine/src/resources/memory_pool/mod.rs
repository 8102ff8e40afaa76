//! The memory pool of a session: one limit, shares for those who can spill, and memory taken back from those who can
//! do without it.
//!
//! Four kinds of consumers ask it.
//!
//! * *Holders* ([`Reclaimable`]) keep rows that could as well lie on disk: shared views, exchanges. They get what nobody
//!   else uses, and give it back when somebody needs it.
//! * Consumers that *can spill*, such as sorts and aggregations, spill when they are refused. Each may have an equal
//!   share of what those that cannot spill leave. Only consumers that hold something count: DataFusion's fair pool
//!   counts all that are registered, and a plan with many operators would starve with an almost empty pool.
//! * *Merges* cannot do with less than a batch of each input. That of a sort needs about as much as the sort has let go of
//!   just before. Both of them count when memory is shared, so that other sorts do not take it. A merge gets what is free.
//! * Consumers that *cannot spill* get what is free, first come first served.
//!
//! Before anybody who is no holder is refused, holders give memory back. A sort that is refused its first batch fails,
//! though, and what an operator of DataFusion already has, it keeps. So a consumer is never refused while it has no more
//! than a *working set* ([`LimitedPool::working_set`]). That can exceed the limit, by that much for each consumer. Beyond
//! that, a reservation of a merge may be a few times as large, and so may one of a consumer with several, as long as all
//! together exceed the limit by no more than [`OVERDRAFT`] and by no more than the limit itself: an aggregation that merges
//! what it has spilled first reserves all it may have for the merge, and then fails for the groups of a batch.
//!
//! A pool can look at the whole process ([`LimitedPool::of_process`]). While that has much more than the limit, holders get
//! nothing, and those who spill get less.

mod accounts;
mod process;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation, human_readable_size,
};
use tokio::runtime::{Handle, RuntimeFlavor};

pub use self::accounts::MemoryHolder;
use self::accounts::{Accounts, Kind};
pub(crate) use self::accounts::{MERGE_OF_EXCHANGE, holder};
use self::process::Process;

/// Smallest and largest working set, in bytes.
const WORKING_SET: (usize, usize) = (4 << 20, 16 << 20);
/// A working set is this part of the limit, within its bounds.
const WORKING_SET_PART: usize = 8;
/// How many working sets a reservation of a merge may have.
const SETS_OF_A_MERGE: usize = 4;
/// By how many bytes reservations that are larger than a working set may exceed the limit, all together.
const OVERDRAFT: usize = 256 << 20;
/// Of the limit, those who spill lose no more than this part when the process has too much.
const LOST_PART: usize = 4;
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
    process: Option<Process>,
    accounts: Mutex<Accounts>,
    holders: Mutex<Vec<Weak<dyn Reclaimable>>>,
}

/// Why a consumer is refused.
struct Refusal {
    available: usize,
    /// Whether it would get the memory if others held less: it is within its share.
    within_share: bool,
}

impl LimitedPool {
    /// A pool of this many bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, process: None, accounts: Mutex::default(), holders: Mutex::default() }
    }

    /// A pool of this many bytes, in a process whose only large part is what is reserved here.
    pub(crate) fn of_process(limit: usize, memory_of_process: fn() -> Option<u64>) -> Self {
        Self { process: Some(Process::new(limit, memory_of_process)), ..Self::new(limit) }
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

    /// Who held them, most first; consumers of one name together.
    pub(crate) fn at_peak(&self) -> Vec<MemoryHolder> {
        self.accounts().at_peak().to_vec()
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
        let kind = Kind::of(consumer);
        let excess = || self.process.as_ref().map_or(0, Process::excess);
        let limit = match kind {
            Kind::Holder => self.limit.saturating_sub(excess()),
            Kind::Spills => self.limit - excess().min(self.limit / LOST_PART),
            Kind::Merges | Kind::Keeps => self.limit,
        };
        let mut accounts = self.accounts();
        let free = limit.saturating_sub(accounts.reserved);
        let share = match kind {
            Kind::Holder | Kind::Merges | Kind::Keeps => usize::MAX,
            Kind::Spills => accounts.share(limit, consumer).saturating_sub(accounts.held(consumer)),
        };
        let available = share.min(free);
        if additional > available {
            return Err(Refusal { available, within_share: additional <= share });
        }
        accounts.grow(consumer, additional);
        Ok(())
    }

    /// Takes memory that is not there, within the working set of the consumer or of this reservation.
    fn overdraw(&self, reservation: &MemoryReservation, additional: usize) -> bool {
        let (consumer, set) = (reservation.consumer(), self.working_set());
        let mut accounts = self.accounts();
        let held = accounts.held(consumer);
        let is_set = held.saturating_add(additional) <= set;
        // What merges is that consumer, too, if it has another reservation.
        let merges = Kind::of(consumer) == Kind::Merges || held > reservation.size();
        let sets = if merges { SETS_OF_A_MERGE } else { 1 };
        let most = self.limit.saturating_add(self.limit.min(OVERDRAFT));
        let enough = is_set
            || reservation.size().saturating_add(additional) <= set * sets
                && accounts.reserved.saturating_add(additional) <= most;
        if enough {
            accounts.grow(consumer, additional);
        }
        enough
    }

    fn refused(&self, consumer: &MemoryConsumer, additional: usize, available: usize) -> DataFusionError {
        let accounts = self.accounts();
        let size = human_readable_size;
        let holders = accounts.holders();
        let listed = holders.iter().take(LISTED_CONSUMERS);
        let listed: Vec<String> = listed.map(|one| format!("{} {}", one.consumer, size(one.bytes))).collect();
        let listed = if listed.is_empty() { "nobody".to_owned() } else { listed.join(", ") };
        // Consumers that spill are refused for their share, which grows with the limit in proportion.
        let least = match Kind::of(consumer) {
            Kind::Spills => {
                let held = accounts.held(consumer).saturating_add(additional);
                let share = accounts.share(self.limit, consumer).max(1);
                let parts = (self.limit / share).max(1);
                held.saturating_mul(parts).max(self.limit.saturating_add(additional))
            }
            Kind::Holder | Kind::Merges | Kind::Keeps => {
                self.limit.saturating_add(additional.saturating_sub(available))
            }
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
        // Reservations give back what they have before the last of them ends the registration.
        self.accounts().remove(consumer);
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
        if self.overdraw(reservation, additional) {
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
