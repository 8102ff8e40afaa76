//! Whether groups come back, found by a sample of them.

use std::collections::HashSet;

use arrow::array::RecordBatch;
use datafusion::common::Result;
use datafusion::common::hash_utils::{RandomState, create_hashes};

/// The most groups in a sample, which all are in at first; beyond that, half of them leave it.
const MOST: usize = 1 << 14;
/// So many groups of the sample say something, those that were given away last.
const ENOUGH: usize = 256;

/// Which groups were given away, as far as they are in the sample: those whose hash ends with some zeros. So a group is
/// always in it or never, and the sample tells how often groups are given away.
pub(super) struct Revisits {
    /// The first columns are the keys.
    keys: usize,
    state: RandomState,
    hashes: Vec<u64>,
    /// The bits that are zero in the hashes of the sample.
    mask: u64,
    seen: HashSet<u64>,
    /// Groups of the sample that were given away last, and how many of them had been before.
    last: usize,
    again: usize,
}

impl Revisits {
    pub(super) fn of_keys(keys: usize) -> Self {
        let (state, hashes, seen) = (RandomState::default(), Vec::new(), HashSet::new());
        Self { keys, state, hashes, mask: 0, seen, last: 0, again: 0 }
    }

    /// Groups are given away.
    ///
    /// # Errors
    /// When their keys have no hash.
    pub(super) fn add(&mut self, groups: &RecordBatch) -> Result<()> {
        self.hashes.clear();
        self.hashes.resize(groups.num_rows(), 0);
        create_hashes(groups.columns().iter().take(self.keys), &self.state, &mut self.hashes)?;
        for hash in self.hashes.iter().filter(|hash| **hash & self.mask == 0) {
            self.last += 1;
            self.again += usize::from(!self.seen.insert(*hash));
        }
        while self.seen.len() > MOST {
            self.mask = self.mask << 1 | 1;
            self.seen.retain(|hash| hash & self.mask == 0);
        }
        Ok(())
    }

    /// Whether more than a fourth of the groups that were given away last had been given away before.
    pub(super) fn are_many(&mut self) -> bool {
        if self.last < ENOUGH {
            return false;
        }
        let (last, again) = (std::mem::take(&mut self.last), std::mem::take(&mut self.again));
        again * 4 > last
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    fn groups(keys: std::ops::Range<i64>) -> RecordBatch {
        let count: ArrayRef = Arc::new(keys.clone().map(|_| 1).collect::<Int64Array>());
        let keys: ArrayRef = Arc::new(keys.collect::<Int64Array>());
        RecordBatch::try_from_iter([("key", keys), ("count", count)]).unwrap()
    }

    #[test]
    fn groups_that_come_back_are_told_from_new_ones() {
        for few in [20_000, 2_000_000] {
            let mut revisits = Revisits::of_keys(1);
            revisits.add(&groups(0..few)).unwrap();
            assert!(!revisits.are_many() && revisits.seen.len() <= MOST);
            revisits.add(&groups(few - few / 5..few * 2)).unwrap();
            assert!(!revisits.are_many(), "a sixth of {few}");
            revisits.add(&groups(few..few * 2)).unwrap();
            assert!(revisits.are_many(), "all of {few}");
            revisits.add(&groups(0..10)).unwrap();
            assert!(!revisits.are_many(), "ten say nothing");
        }
    }
}
