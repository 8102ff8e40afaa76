//! Reading: table providers over a resolved table, its change feed, and what its log says about itself.
//!
//! Every reference to a table shares the one snapshot of its [`ResolvedTable`](crate::ResolvedTable), so a
//! table is replayed once a run however often it is scanned.

mod boundary;
mod change_feed;
mod conform;
mod direct;
mod features;
mod manifest;
mod mapped;
mod ordered;
mod provider;
mod pruning;
mod width;

pub use boundary::{ScannedTable, scanned_table};
pub use change_feed::{ChangeRange, change_feed, change_feed_schema};
pub(crate) use direct::bounds::Known;
pub(crate) use direct::{footer, is_plain_snapshot};
pub(crate) use features::is_read_here;
pub use manifest::{file_manifest, file_manifest_schema, table_metadata, table_metadata_schema};
pub use ordered::hidden_input;
pub use provider::{ScanOptions, provider, scan_schema};
pub use pruning::ScanMeasures;
pub use width::row_bytes;
