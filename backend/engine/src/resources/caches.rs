//! The caches of a session: what they hold, and how often that was of use.
//!
//! DataFusion's cache counts hits of what it still holds, and nothing else. [`CountedCache`] stands before it and counts what
//! was asked, what was there, and what had to go.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use datafusion::common::{HashMap, Result, TableReference};
use datafusion::execution::cache::cache_manager::CachedFileMetadataEntry;
use datafusion::execution::cache::default_cache::DefaultCache;
use datafusion::execution::cache::{Cache, CacheEntryInfo, CacheKey, CacheValue};
use datafusion::object_store::path::Path;
use serde::{Deserialize, Serialize};

/// What a cache holds, and how it was used, at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheUse {
    /// Its name.
    pub cache_name: String,
    /// The moment, in milliseconds since 1970.
    pub event_time_unix_ms: u64,
    /// What it holds.
    pub entry_count: u64,
    /// How often it had what was asked for.
    pub hit_count: u64,
    /// How often it had not.
    pub miss_count: u64,
    /// How much it did not keep: what went to make room, and what was larger than the limit.
    pub eviction_count: u64,
    /// After how many seconds something is not used any more; never if absent.
    pub config_ttl: Option<u64>,
    /// The most bytes it holds; absent for a cache that is none of the session's.
    pub config_limit: Option<u64>,
    /// The formats of tables whose scans use it.
    pub formats: Vec<String>,
    /// What it is for, or why nothing uses it.
    pub remark: String,
}

impl CacheUse {
    /// A cache that nothing uses, now.
    fn none(name: &str, remark: &str) -> Self {
        Self {
            cache_name: name.to_owned(),
            event_time_unix_ms: now(),
            entry_count: 0,
            hit_count: 0,
            miss_count: 0,
            eviction_count: 0,
            config_ttl: None,
            config_limit: None,
            formats: Vec::new(),
            remark: remark.to_owned(),
        }
    }
}

/// The caches that DataFusion knows and no scan of this program uses, and why.
const UNUSED: [(&str, &str); 3] = [
    ("list_files_cache", "the files of a Delta table are listed by its log, which is read once a run"),
    (
        "predicate_cache",
        "each reader of a file has its own, limited by `max_predicate_cache_size`, while filters are pushed down",
    ),
    ("statistics_cache", "statistics of files come from the log, and from footers, which are cached"),
];

/// A cache that counts how it is used.
pub(crate) struct CountedCache<K: CacheKey, V: CacheValue> {
    kept: DefaultCache<K, V>,
    hits: AtomicU64,
    misses: AtomicU64,
    /// Entries that were new when they were put.
    added: AtomicU64,
    /// Entries that were taken out on request.
    removed: AtomicU64,
}

impl<K: CacheKey, V: CacheValue> CountedCache<K, V> {
    /// An empty one that holds so many bytes.
    pub(crate) fn new(limit: usize) -> Self {
        let kept = DefaultCache::new(limit);
        let zero = AtomicU64::default;
        Self { kept, hits: zero(), misses: zero(), added: zero(), removed: zero() }
    }

    fn usage(&self, name: &str, format: &str, remark: &str) -> CacheUse {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let entry_count = wide(self.kept.len());
        let left = entry_count.saturating_add(read(&self.removed));
        CacheUse {
            entry_count,
            hit_count: read(&self.hits),
            miss_count: read(&self.misses),
            eviction_count: read(&self.added).saturating_sub(left),
            config_ttl: self.kept.cache_ttl().map(|ttl| ttl.as_secs()),
            config_limit: Some(wide(self.kept.cache_limit())),
            formats: vec![format.to_owned()],
            ..CacheUse::none(name, remark)
        }
    }
}

impl<K: CacheKey, V: CacheValue> Cache<K, V> for CountedCache<K, V> {
    fn get(&self, key: &K) -> Option<V> {
        let found = self.kept.get(key);
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    fn put(&self, key: &K, value: V) -> Option<V> {
        let before = self.kept.put(key, value);
        if before.is_none() {
            self.added.fetch_add(1, Ordering::Relaxed);
        }
        before
    }

    fn remove(&self, key: &K) -> Option<V> {
        let removed = self.kept.remove(key);
        if removed.is_some() {
            self.removed.fetch_add(1, Ordering::Relaxed);
        }
        removed
    }

    fn contains_key(&self, key: &K) -> bool {
        self.kept.contains_key(key)
    }

    fn len(&self) -> usize {
        self.kept.len()
    }

    fn clear(&self) {
        self.removed.fetch_add(wide(self.kept.len()), Ordering::Relaxed);
        self.kept.clear();
    }

    fn name(&self) -> String {
        self.kept.name()
    }

    fn cache_limit(&self) -> usize {
        self.kept.cache_limit()
    }

    fn update_cache_limit(&self, limit: usize) {
        self.kept.update_cache_limit(limit);
    }

    fn cache_ttl(&self) -> Option<Duration> {
        self.kept.cache_ttl()
    }

    fn update_cache_ttl(&self, ttl: Option<Duration>) {
        self.kept.update_cache_ttl(ttl);
    }

    fn drop_table_entries(&self, table: &TableReference) -> Result<()> {
        let before = self.kept.len();
        self.kept.drop_table_entries(table)?;
        self.removed.fetch_add(wide(before.saturating_sub(self.kept.len())), Ordering::Relaxed);
        Ok(())
    }

    fn list_entries(&self) -> HashMap<K, CacheEntryInfo<V>> {
        self.kept.list_entries()
    }
}

impl<K: CacheKey, V: CacheValue> fmt::Debug for CountedCache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CountedCache({} of {} bytes)", self.kept.len(), self.kept.cache_limit())
    }
}

/// The cache of footers of Parquet files.
pub(crate) type FooterCache = CountedCache<Path, CachedFileMetadataEntry>;

/// All caches, by name: the one that is used, and those that are not.
pub(crate) fn caches(footers: &Arc<FooterCache>) -> Vec<CacheUse> {
    let used = footers.usage("metadata_cache", "delta", "footers of Parquet files");
    let unused = UNUSED.iter().map(|(name, remark)| CacheUse::none(name, remark));
    let mut all: Vec<CacheUse> = unused.chain([used]).collect();
    all.sort_by(|left, right| left.cache_name.cmp(&right.cache_name));
    all
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone)]
    struct Bytes(usize);

    impl CacheValue for Bytes {
        fn size(&self) -> usize {
            self.0
        }
    }

    #[test]
    fn what_was_there_what_was_not_and_what_had_to_go_are_counted() {
        let cache: CountedCache<Path, Bytes> = CountedCache::new(1000);
        let [a, b, large] = ["a", "b", "large"].map(Path::from);
        let counts = |cache: &CountedCache<Path, Bytes>| {
            let now = cache.usage("x", "y", "z");
            (now.entry_count, now.hit_count, now.miss_count, now.eviction_count)
        };
        assert!(cache.get(&a).is_none());
        cache.put(&a, Bytes(600));
        assert!(cache.get(&a).is_some() && cache.contains_key(&a));
        assert_eq!(counts(&cache), (1, 1, 1, 0));
        cache.put(&a, Bytes(500));
        assert_eq!(counts(&cache), (1, 1, 1, 0), "the same entry anew");
        cache.put(&b, Bytes(700));
        assert_eq!(counts(&cache), (1, 1, 1, 1), "the first made room");
        cache.put(&large, Bytes(5000));
        assert_eq!(counts(&cache).3, 2, "it was never kept");
        cache.remove(&b);
        assert_eq!(counts(&cache), (0, 1, 1, 2));
        cache.put(&b, Bytes(1));
        cache.clear();
        assert_eq!(counts(&cache), (0, 1, 1, 2), "what is cleared did not have to go");
        assert_eq!(cache.usage("x", "y", "z").config_limit, Some(1000));
    }
}
