//! Reading: table providers over a resolved table, its change feed, and what its log says about itself.
//!
//! Every reference to a table shares the one snapshot of its [`ResolvedTable`](crate::ResolvedTable), so a
//! table is replayed once a run however often it is scanned.

mod change_feed;
mod manifest;
mod ordered;
mod provider;
mod statistics;

pub use change_feed::{ChangeRange, change_feed, change_feed_schema};
pub use manifest::{file_manifest, file_manifest_schema, table_metadata, table_metadata_schema};
pub use ordered::hidden_input;
pub use provider::{ScanOptions, provider, scan_schema};
