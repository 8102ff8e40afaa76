//! What the pool grants, and to whom.

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
fn who_held_the_memory_at_the_peak_is_known_afterwards() {
    let pool = pool();
    let (first, again, other) = (spills(&pool, "sort"), spills(&pool, "sort"), spills(&pool, "join"));
    first.try_grow(20 << 20).unwrap();
    again.try_grow(10 << 20).unwrap();
    other.try_grow(32 << 20).unwrap();
    drop((first, other));
    again.try_grow(5 << 20).unwrap();
    let held = |consumer: &str, mib: usize| MemoryHolder { consumer: consumer.to_owned(), bytes: mib << 20 };
    assert_eq!(limited(&pool).at_peak(), [held("join", 32), held("sort", 30)]);
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
    let beside = other.new_empty();
    beside.try_grow(set * SETS_OF_A_MERGE).unwrap();
    assert!(beside.try_grow(1).is_err(), "another reservation has sets of its own, and no more");
    drop(beside);
    assert!(error.contains("other needs 1.0 B more") && error.contains("held by: taken 100.0 MB"), "{error}");
    assert!(error.contains("a limit of"), "{error}");
    let keeps = MemoryConsumer::new("keeps").register(&pool);
    keeps.try_grow(set).unwrap();
    assert!(keeps.try_grow(1).is_err());
}

#[test]
fn other_sorts_do_not_take_what_a_sort_needs_for_its_merge() {
    let pool = pool();
    let merge = MemoryConsumer::new("ExternalSorterMerge[0]").register(&pool);
    let (sort, other) = (spills(&pool, "ExternalSorter[0]"), spills(&pool, "other"));
    merge.try_grow(1 << 20).unwrap();
    sort.try_grow(LIMIT / 3).unwrap();
    other.try_grow(LIMIT / 3).unwrap();
    sort.free();
    assert!(other.try_grow(LIMIT / 3).is_err(), "the merge is one of two");
    merge.try_grow(LIMIT / 2).unwrap();
    other.try_grow(LIMIT / 2 - LIMIT / 3 - (1 << 20)).unwrap();
    merge.try_grow(limited(&pool).working_set()).unwrap_err();
    let cursors = merge.new_empty();
    cursors.try_grow(limited(&pool).working_set() * SETS_OF_A_MERGE).unwrap();
    assert!(cursors.try_grow(1).is_err());
}

#[test]
fn while_the_process_has_too_much_holders_get_nothing_and_others_less() {
    let quarter_of_the_allowance = || Some(LIMIT as u64 + (64 << 20));
    let pool: Arc<dyn MemoryPool> = Arc::new(LimitedPool::of_process(LIMIT, quarter_of_the_allowance));
    let (rows, sort) = (holder("a view").register(&pool), spills(&pool, "sort"));
    rows.try_grow(LIMIT / 2).unwrap();
    sort.try_grow(LIMIT / 2).unwrap();
    let too_much = || Some(3 * LIMIT as u64 + (256 << 20));
    let pool: Arc<dyn MemoryPool> = Arc::new(LimitedPool::of_process(LIMIT, too_much));
    let (rows, sort) = (holder("a view").register(&pool), spills(&pool, "sort"));
    assert!(rows.try_grow(1).is_err());
    assert!(sort.try_grow(LIMIT / 4 * 3 + 1).is_err());
    sort.try_grow(LIMIT / 4 * 3).unwrap();
    let merge = MemoryConsumer::new("ExternalSorterMerge[0]").register(&pool);
    merge.try_grow(LIMIT / 4).unwrap();
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
