//! What tells the rows of scans apart, from what the log of their tables says.

use std::collections::{BTreeMap, BTreeSet};

use delta::ResolvedTable;
use ir::hash::ContentHash;
use ir::hash::canonical::Encoder;
use ir::op::{ChangeRange, Identity, Read};
use ir::oracle::TableError;

use crate::error::table_error;

/// The tables of a compilation whose id, version and last commit are those of a table at another place, by the URLs of
/// their places: copies of one table. Whether their rows are the same too, only the list of their files tells.
#[derive(Clone, Default)]
pub(crate) struct Twins {
    places: BTreeSet<String>,
    /// What change feeds of such tables cover.
    histories: Vec<(String, u64, ChangeRange, Result<ContentHash, TableError>)>,
}

impl Twins {
    /// Those among these tables.
    pub(crate) fn among<'a>(tables: impl Iterator<Item = &'a ResolvedTable>) -> Self {
        let mut groups: BTreeMap<(&str, u64, Option<ContentHash>), BTreeSet<&str>> = BTreeMap::new();
        for table in tables {
            let rows = (table.table_id(), table.version(), table.commit_digest());
            groups.entry(rows).or_default().insert(table.location().url().as_str());
        }
        let several = groups.into_values().filter(|places| places.len() > 1);
        Self { places: several.flatten().map(str::to_owned).collect(), histories: Vec::new() }
    }

    fn holds(&self, table: &ResolvedTable) -> bool {
        self.places.contains(table.location().url().as_str())
    }

    /// Reads the commits that a change feed covers, where only they tell it from that of a copy.
    pub(crate) async fn read_history(&mut self, table: &ResolvedTable, range: &ChangeRange) {
        if !self.holds(table) {
            return;
        }
        let first = range.starting_version.unwrap_or(0);
        let last = range.ending_version.unwrap_or(table.version());
        let digest = table.history_digest(first, last).await.map_err(|error| table_error(&error));
        let place = table.location().url().as_str().to_owned();
        self.histories.push((place, table.version(), range.clone(), digest));
    }

    /// What tells a read of a table from every other read.
    ///
    /// # Errors
    /// When what the log says of the table cannot be read.
    pub(crate) fn identity(
        &self,
        table: &ResolvedTable,
        read: &Read,
        lineage: bool,
    ) -> Result<Identity, TableError> {
        let place = table.location().url().as_str();
        let listing = match read {
            // The one row itself: it shows when the commit file was last written, which the commit does not.
            Read::Metadata => Some(metadata(table)?),
            Read::Changes(range) if self.holds(table) && table.commit_digest().is_some() => {
                let known = self.histories.iter().find(|(at, version, bounds, _)| {
                    at == place && *version == table.version() && bounds == range
                });
                known.map(|(_, _, _, digest)| digest.clone()).transpose()?
            }
            Read::Rows | Read::Files | Read::Changes(_) => {
                let needed = self.holds(table) || table.commit_digest().is_none();
                needed.then(|| files(table)).transpose()?
            }
        };
        let shows_place = lineage || matches!(read, Read::Metadata | Read::Files);
        Ok(Identity {
            table_id: table.table_id().to_owned(),
            commit: table.commit_digest(),
            listing,
            place: shows_place.then(|| place.to_owned()),
        })
    }
}

/// Whether a table opened now is the one a scan was compiled for, as far as both sides know.
///
/// # Errors
/// When the table's list of files cannot be read.
pub(crate) fn is_of(table: &ResolvedTable, wanted: &Identity, read: &Read) -> Result<bool, TableError> {
    let listing = match read {
        Read::Metadata => Some(metadata(table)?),
        Read::Changes(_) if wanted.commit.is_some() => None,
        Read::Rows | Read::Files | Read::Changes(_) => wanted.listing.map(|_| files(table)).transpose()?,
    };
    let found = Identity {
        table_id: table.table_id().to_owned(),
        commit: table.commit_digest(),
        listing,
        place: wanted.place.clone(),
    };
    Ok(found.agrees_with(wanted))
}

/// The digest of the list of a table's active files.
fn files(table: &ResolvedTable) -> Result<ContentHash, TableError> {
    table.files_digest().map_err(|error| table_error(&error))
}

fn metadata(table: &ResolvedTable) -> Result<ContentHash, TableError> {
    let row = delta::table_metadata(table).map_err(|error| table_error(&error))?;
    let mut encoder = Encoder::new("codeanatomy metadata 1");
    encoder.list(row.num_columns());
    for column in row.columns() {
        let value = arrow::util::display::array_value_to_string(column, 0)
            .map_err(|error| TableError::Unreadable(error.to_string()))?;
        encoder.text(&value);
    }
    Ok(encoder.finish())
}
