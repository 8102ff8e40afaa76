//! What a session has of its machine: memory, room for temporary files.

mod caches;
pub(crate) mod machine;
mod memory_pool;
mod spill_space;

pub use caches::CacheUse;
pub(crate) use caches::{FooterCache, caches};
pub use memory_pool::MemoryHolder;
pub(crate) use memory_pool::{LimitedPool, MERGE_OF_EXCHANGE, Reclaimable, blocking, holder};
pub use spill_space::SpillUse;
pub(crate) use spill_space::{SPILL_LIMIT, SpillFiles, SpillSpace};
