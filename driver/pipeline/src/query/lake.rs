//! The tables of a lake: which there are, what they are called in SQL, and where they lie.
//!
//! ```text
//! lake/best             best, main.best
//! lake/extract/files    extract.files
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;
use delta::Roots;
use engine::{TableRequest, Tables};
use ir::expr::{dotted_name, identifier};
use ir::op::Read;

use crate::folders::absolute;
use crate::{Result, Workers};

/// The schema of the tables that lie in a lake itself.
pub const MAIN_SCHEMA: &str = "main";

/// A folder with Delta tables. Folders in it that hold tables are schemas.
#[derive(Clone, Debug)]
pub struct Lake {
    pub(super) folder: PathBuf,
    /// The versions that tables are read at, by where they lie; the newest of those that are not here.
    pub(super) versions: BTreeMap<String, u64>,
}

/// A table of a lake.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LakeTable {
    /// [`MAIN_SCHEMA`], or the folder in the lake.
    pub schema: String,
    /// The table's own folder.
    pub name: String,
}

impl LakeTable {
    /// Its name in SQL, quoted where need be; those of the lake itself without their schema.
    #[must_use]
    pub fn sql_name(&self) -> String {
        if self.schema == MAIN_SCHEMA {
            return identifier(&self.name).to_string();
        }
        dotted_name([&self.schema, &self.name])
    }

    /// Where it lies, from the lake.
    pub(super) fn location(&self) -> String {
        match self.schema.as_str() {
            MAIN_SCHEMA => self.name.clone(),
            schema => format!("{schema}/{}", self.name),
        }
    }

    /// Whether a query means it by a name, as [`ir::expr::Query::relations`] gives it.
    pub(super) fn is_called(&self, relation: &str) -> bool {
        let is_main = self.schema == MAIN_SCHEMA;
        relation == dotted_name([&self.schema, &self.name]) || is_main && relation == self.name
    }
}

impl Lake {
    /// The lake in a folder, which need not be there.
    ///
    /// # Errors
    /// When the absolute form of the folder cannot be found.
    pub fn at(folder: &Path) -> Result<Self> {
        Ok(Self { folder: absolute(folder)?, versions: BTreeMap::new() })
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its tables, by name. What cannot be listed has none.
    #[must_use]
    pub fn tables(&self) -> BTreeSet<LakeTable> {
        let mut found = BTreeSet::new();
        for (name, folder) in folders(&self.folder) {
            if is_table(&folder) {
                found.insert(LakeTable { schema: MAIN_SCHEMA.to_owned(), name });
                continue;
            }
            let inner = folders(&folder).filter(|(_, folder)| is_table(folder));
            found.extend(inner.map(|(table, _)| LakeTable { schema: name.clone(), name: table }));
        }
        found
    }

    /// The same lake as it is now: whatever is published later, each of its tables is read at the version it has now.
    ///
    /// # Errors
    /// When the workers are stopped.
    pub fn as_it_is(&self, workers: &Workers) -> Result<Self> {
        let opened = self.opened(workers)?;
        let version = |table: LakeTable| {
            let location = table.location();
            let version = opened.table(&location, None).ok()?.version();
            Some((location, version))
        };
        let versions = self.tables().into_iter().filter_map(version).collect();
        Ok(Self { folder: self.folder.clone(), versions })
    }

    /// The columns of all tables that can be opened.
    ///
    /// # Errors
    /// When the workers are stopped.
    pub fn columns(&self, workers: &Workers) -> Result<BTreeMap<LakeTable, SchemaRef>> {
        let opened = self.opened(workers)?;
        let schema = |table: LakeTable| {
            let schema = SchemaRef::clone(opened.table(&table.location(), None).ok()?.schema());
            Some((table, schema))
        };
        Ok(self.tables().into_iter().filter_map(schema).collect())
    }

    /// All tables, opened; those that cannot be are errors in it.
    fn opened(&self, workers: &Workers) -> Result<Tables> {
        let request = |table: &LakeTable| TableRequest::Read {
            location: table.location(),
            version: None,
            read: Read::Rows,
        };
        let requests: Vec<TableRequest> = self.tables().iter().map(request).collect();
        let folder = self.folder.clone();
        workers.run_unless_stopped(
            async move { Tables::resolve(&folder, &Roots::everywhere(), &requests).await },
        )
    }
}

/// The folders in a folder that have a name in SQL; those that begin with a point are the program's own.
fn folders(folder: &Path) -> impl Iterator<Item = (String, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok().filter(|name| !name.starts_with('.'))?;
        entry.path().is_dir().then(|| (name, entry.path()))
    })
}

fn is_table(folder: &Path) -> bool {
    folder.join("_delta_log").is_dir()
}
