//! The tables that are read, each with what its rows are.

use std::collections::{BTreeMap, BTreeSet};

use delta::ResolvedTable;
use engine::{FileIdentity, FileTable, Tables};
use ir::graph::Graph;
use ir::hash::ContentHash;
use ir::hash::canonical::hash_of;
use ir::op::{FileSource, Op, Read, Scan};
use ir::schema::Schema;
use ir::spec::{InputRelation, Spec};
use serde::{Deserialize, Serialize};

/// An input of a spec whose table was opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProviderIdentity {
    /// The name of the input.
    pub input: String,
    /// The location of the table as the spec gives it.
    pub location: String,
    /// The digest of the commit that made the version; nothing where the log no longer has it.
    pub commit_hash: Option<ContentHash>,
    /// The digest of the list of files; nothing where it cannot be read.
    pub files_hash: Option<ContentHash>,
    /// What its rows are, wherever it lies.
    #[serde(flatten)]
    pub provider: Provider,
    /// The hash of [`Self::provider`].
    pub identity_hash: ContentHash,
}

/// What decides the rows that an input gives: hashed in the domain `codeanatomy provider 2`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Provider {
    /// A version of a Delta table.
    Delta(DeltaProvider),
    /// Files as they are.
    Files(FilesProvider),
}

/// A version of a Delta table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeltaProvider {
    /// What a reader and a writer of the table must know.
    pub protocol: ProviderProtocol,
    /// The commit of the version, or the list of files where the log no longer has that.
    pub rows_hash: Option<ContentHash>,
    /// What is read.
    pub scan: ScanOptions,
    /// The columns of the table, in order.
    pub schema: Vec<ColumnIdentity>,
    /// The id of the table.
    pub table_id: String,
    /// The version.
    pub version: u64,
}

/// Files that are no Delta table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FilesProvider {
    /// Each file, by its path below the location.
    pub files: BTreeMap<String, FileIdentity>,
    /// The column with the file of each row; nothing if that is not told.
    pub lineage: Option<String>,
    /// The URL below which they are, if rows show it.
    pub place: Option<String>,
    /// The columns of the table, in order: as the spec gives them, or as they were inferred.
    pub schema: Vec<ColumnIdentity>,
    /// How they are read.
    pub source: FileSource,
}

/// The protocol of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderProtocol {
    /// The least version of readers.
    pub min_reader_version: i32,
    /// The least version of writers.
    pub min_writer_version: i32,
    /// What readers must know, in order.
    pub reader_features: Vec<String>,
    /// What writers must know, in order.
    pub writer_features: Vec<String>,
}

/// How a table is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScanOptions {
    /// The column with the file of each row; nothing if that is not told.
    pub lineage: Option<String>,
    /// Digests of what is read where the commit does not tell it: of the row of metadata, which shows when the commit file was
    /// written; of the list of files, or of the commits of a change feed, where a copy of the table has the same commit. In
    /// order.
    pub listings: Vec<ContentHash>,
    /// Where the table lies, if rows show it.
    pub place: Option<String>,
    /// What is read of it: each once, in the order of their JSON.
    pub reads: Vec<Read>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnIdentity {
    /// Its name.
    pub name: String,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// Its type, in the text form of graphs.
    pub r#type: String,
}

impl Provider {
    /// Its hash, in the domain `codeanatomy provider 2`.
    ///
    /// # Errors
    /// Never: it is numbers, texts, lists and maps. The error is passed on instead of hidden.
    pub fn hash(&self) -> Result<ContentHash, serde_json::Error> {
        hash_of("codeanatomy provider 2", self)
    }

    /// The version of the table; nothing for files.
    #[must_use]
    pub fn version(&self) -> Option<u64> {
        match self {
            Self::Delta(table) => Some(table.version),
            Self::Files(_) => None,
        }
    }
}

impl ProviderIdentity {
    /// What tells its rows: the commit of the version, or the list of files.
    #[must_use]
    pub fn rows_hash(&self) -> Option<ContentHash> {
        self.commit_hash.or(self.files_hash)
    }

    /// Those of the inputs of a spec whose tables are open, in the order of the spec.
    ///
    /// # Errors
    /// Never: what is hashed is numbers, texts, lists and maps. The error is passed on instead of hidden.
    pub(crate) fn all(spec: &Spec, graph: &Graph, tables: &Tables) -> Result<Vec<Self>, serde_json::Error> {
        let mut all = Vec::new();
        for input in &spec.input_relations {
            let Some(location) = input.place() else { continue };
            if let Some(source) = input.files() {
                if let Ok(table) = tables.files(location, &source) {
                    all.push(Self::of_files(input, location, table)?);
                }
            } else if let Ok(table) = tables.table(location, input.version_pin) {
                let scan = ScanOptions::of(table, input.lineage(), graph, tables);
                all.push(Self::of_table(&input.logical_name, location, table, scan)?);
            }
        }
        Ok(all)
    }

    fn of_files(input: &InputRelation, location: &str, table: &FileTable) -> Result<Self, serde_json::Error> {
        let provider = Provider::Files(FilesProvider {
            files: table.files(),
            lineage: input.lineage(),
            place: input.requires_lineage.then(|| table.root().url().to_string()),
            schema: columns(&Schema::from_arrow(table.schema())),
            source: table.source().clone(),
        });
        let identity_hash = provider.hash()?;
        let (input, location) = (input.logical_name.clone(), location.to_owned());
        let files_hash = Some(table.digest());
        Ok(Self { input, location, commit_hash: None, files_hash, provider, identity_hash })
    }

    fn of_table(
        input: &str,
        location: &str,
        table: &ResolvedTable,
        scan: ScanOptions,
    ) -> Result<Self, serde_json::Error> {
        let (commit_hash, files_hash) = (table.commit_digest(), table.files_digest().ok());
        let protocol = table.protocol();
        let provider = Provider::Delta(DeltaProvider {
            protocol: ProviderProtocol {
                min_reader_version: protocol.min_reader_version,
                min_writer_version: protocol.min_writer_version,
                reader_features: protocol.reader_features,
                writer_features: protocol.writer_features,
            },
            rows_hash: commit_hash.or(files_hash),
            scan,
            schema: columns(&Schema::from_arrow(table.schema())),
            table_id: table.table_id().to_owned(),
            version: table.version(),
        });
        let identity_hash = provider.hash()?;
        let (input, location) = (input.to_owned(), location.to_owned());
        Ok(Self { input, location, commit_hash, files_hash, provider, identity_hash })
    }
}

fn columns(schema: &Schema) -> Vec<ColumnIdentity> {
    let columns = schema.fields().map(|field| ColumnIdentity {
        name: field.name().clone(),
        nullable: field.is_nullable(),
        r#type: ir::schema::type_text(field.data_type()),
    });
    columns.collect()
}

impl ScanOptions {
    /// What a graph reads of a version of a table, whatever inputs name it.
    fn of(table: &ResolvedTable, lineage: Option<String>, graph: &Graph, tables: &Tables) -> Self {
        let is_here = |location: &str| {
            tables.place(location).and_then(Result::ok).is_some_and(|it| it == table.location())
        };
        let scans = graph.ids().filter_map(|id| match &graph[id].op {
            Op::Scan(scan)
                if scan.files.is_none() && scan.version == table.version() && is_here(&scan.location) =>
            {
                Some(scan)
            }
            _ => None,
        });
        let scans: Vec<&Scan> = scans.collect();
        let listings = scans.iter().filter_map(|scan| scan.identity.as_ref()?.listing);
        let listings: BTreeSet<ContentHash> = listings.collect();
        let reads: BTreeMap<String, Read> =
            scans.iter().map(|scan| (serde_json::json!(scan.read).to_string(), scan.read.clone())).collect();
        let place = scans.iter().find_map(|scan| scan.identity.as_ref()?.place.clone());
        let (listings, reads) = (listings.into_iter().collect(), reads.into_values().collect());
        Self { lineage, listings, place, reads }
    }
}

/// The hash of all inputs: a map from their names to their hashes, in the domain `codeanatomy providers 1`.
///
/// # Errors
/// As [`ProviderIdentity::all`].
pub(crate) fn hash_of_providers(providers: &[ProviderIdentity]) -> Result<ContentHash, serde_json::Error> {
    let hashes: BTreeMap<&str, ContentHash> =
        providers.iter().map(|provider| (provider.input.as_str(), provider.identity_hash)).collect();
    hash_of("codeanatomy providers 1", &hashes)
}
