//! Who holds how much of a pool.

use std::collections::{BTreeMap, HashMap};

use datafusion::execution::memory_pool::MemoryConsumer;

/// How the names of holders begin: a consumer has a name and nothing else to be known by.
const HOLDER: &str = "rows of ";
/// How the names of those begin that merge sorted batches: DataFusion's, and ours.
const MERGES: [&str; 3] = ["ExternalSorterMerge", "SortPreservingMergeExec", MERGE_OF_EXCHANGE];
/// How the name begins of one that merges the ordered lanes of an exchange.
pub(crate) const MERGE_OF_EXCHANGE: &str = "merge of an exchange";
/// Who holds the memory is written down again when the peak has grown by this part.
const PEAK_STEP_PART: usize = 32;

/// What one consumer held, or several of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryHolder {
    /// The consumer: an operator, a shared view, a writer.
    pub consumer: String,
    /// The bytes it held.
    pub bytes: usize,
}

#[derive(Debug, Default)]
pub(super) struct Accounts {
    consumers: HashMap<usize, Account>,
    /// What all consumers hold, and the most they held at a time.
    pub(super) reserved: usize,
    pub(super) peak: usize,
    /// What those hold that cannot spill, without merges.
    unspillable: usize,
    /// Who held the most that was looked at, and how much that was.
    at_peak: Vec<MemoryHolder>,
    looked_at: usize,
}

#[derive(Debug)]
struct Account {
    name: String,
    kind: Kind,
    held: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Holder,
    Spills,
    Merges,
    Keeps,
}

impl Kind {
    pub(super) fn of(consumer: &MemoryConsumer) -> Self {
        match (consumer.name().starts_with(HOLDER), consumer.can_spill()) {
            (true, _) => Self::Holder,
            (false, true) => Self::Spills,
            (false, false) if MERGES.iter().any(|name| consumer.name().starts_with(name)) => Self::Merges,
            (false, false) => Self::Keeps,
        }
    }
}

/// The consumer of a holder of these rows.
pub(crate) fn holder(rows: &str) -> MemoryConsumer {
    MemoryConsumer::new(format!("{HOLDER}{rows}")).with_can_spill(true)
}

impl Accounts {
    pub(super) fn grow(&mut self, consumer: &MemoryConsumer, additional: usize) {
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
        if self.peak > self.looked_at.saturating_add(self.looked_at / PEAK_STEP_PART) {
            self.looked_at = self.peak;
            self.at_peak = self.holders();
        }
    }

    /// Who holds something, most first; consumers of one name together.
    pub(super) fn holders(&self) -> Vec<MemoryHolder> {
        let mut held = BTreeMap::<&str, usize>::new();
        for account in self.consumers.values().filter(|account| account.held > 0) {
            *held.entry(&account.name).or_default() += account.held;
        }
        let named = |(name, bytes): (&str, usize)| MemoryHolder { consumer: name.to_owned(), bytes };
        let mut holders: Vec<MemoryHolder> = held.into_iter().map(named).collect();
        holders.sort_by_key(|holder| std::cmp::Reverse(holder.bytes));
        holders
    }

    /// Who held the memory when the most was reserved, or little less.
    pub(super) fn at_peak(&self) -> &[MemoryHolder] {
        &self.at_peak
    }

    pub(super) fn shrink(&mut self, consumer: &MemoryConsumer, bytes: usize) {
        if let Some(account) = self.consumers.get_mut(&consumer.id()) {
            account.held = account.held.saturating_sub(bytes);
            if account.kind == Kind::Keeps {
                self.unspillable = self.unspillable.saturating_sub(bytes);
            }
        }
        self.reserved = self.reserved.saturating_sub(bytes);
    }

    pub(super) fn remove(&mut self, consumer: &MemoryConsumer) {
        self.consumers.remove(&consumer.id());
    }

    pub(super) fn held(&self, consumer: &MemoryConsumer) -> usize {
        self.consumers.get(&consumer.id()).map_or(0, |account| account.held)
    }

    /// What a consumer that spills may hold: an equal part, with the others of its kind and the merges that hold
    /// something.
    pub(super) fn share(&self, limit: usize, consumer: &MemoryConsumer) -> usize {
        let others = self.consumers.iter().filter(|(id, account)| {
            **id != consumer.id() && matches!(account.kind, Kind::Spills | Kind::Merges) && account.held > 0
        });
        limit.saturating_sub(self.unspillable) / (1 + others.count())
    }
}
