//! The tables that a run reads and writes, as datasets of OpenLineage.

use std::collections::{BTreeMap, BTreeSet};

use delta::Location;
use engine::FileTable;
use ir::graph::{Graph, NodeId};
use ir::op::Op;
use ir::schema::{Schema, type_text};
use passes::analysis::lineage::{How, Lineage, Source, Sources, lineage};
use serde_json::{Map, Value, json};

use super::document::{facet, facets};
use crate::Compilation;
use crate::record::OutputRecord;

/// The namespace of tables in folders of this machine.
const FILES: &str = "file";

/// A table.
struct Table {
    /// The path of its folder; of files, that below which they are.
    name: String,
    /// The URL of it.
    uri: String,
    /// What keeps it, and the format of its files.
    storage: [&'static str; 2],
    schema: Schema,
}

/// A Delta table, and its files.
const DELTA: [&str; 2] = ["delta", "parquet"];

/// The tables of a run.
pub(super) struct Datasets {
    /// Each once in a version, in the order of the spec.
    inputs: Vec<(Table, String)>,
    /// By the names of outputs, with the lineage of their columns.
    outputs: BTreeMap<String, (Table, Value)>,
}

impl Table {
    fn new(location: &Location, schema: Schema) -> Self {
        let name = path_of(location);
        Self { name, uri: location.url().to_string(), storage: DELTA, schema }
    }

    fn of_files(files: &FileTable) -> Self {
        let schema = Schema::from_arrow(files.schema());
        Self { storage: ["file", files.format().name()], ..Self::new(files.root(), schema) }
    }

    /// The dataset with what is true of it in every event, and more.
    fn dataset(&self, more: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Map<String, Value> {
        let field = |(place, field): (usize, &arrow::datatypes::Field)| {
            json!({
                "name": field.name(), "type": type_text(field.data_type()), "ordinal_position": place + 1,
            })
        };
        let fields: Vec<Value> = self.schema.fields().enumerate().map(field).collect();
        let own = [
            ("schema", Some(facet("1-2-0", "SchemaDatasetFacet", json!({"fields": fields})))),
            (
                "dataSource",
                Some(facet("1-0-1", "DatasourceDatasetFacet", json!({"name": FILES, "uri": self.uri}))),
            ),
            (
                "storage",
                Some(facet(
                    "1-0-1",
                    "StorageDatasetFacet",
                    json!({"storageLayer": self.storage[0], "fileFormat": self.storage[1]}),
                )),
            ),
        ];
        let mut dataset = Map::new();
        dataset.insert("namespace".to_owned(), FILES.into());
        dataset.insert("name".to_owned(), self.name.clone().into());
        dataset.insert("facets".to_owned(), facets(own.into_iter().chain(more)));
        dataset
    }
}

/// The path of a table's folder.
fn path_of(location: &Location) -> String {
    location.as_path().map_or_else(|| location.url().to_string(), |path| path.to_string_lossy().into_owned())
}

fn version(version: &str) -> Option<Value> {
    Some(facet("1-0-1", "DatasetVersionDatasetFacet", json!({"datasetVersion": version})))
}

impl Datasets {
    /// The tables of a compiled spec.
    pub(super) fn of(compilation: &Compilation) -> Self {
        let (graph, tables) = (&compilation.graph, compilation.oracle.tables());
        let mut inputs: Vec<(Table, String)> = Vec::new();
        for input in &compilation.source.spec.input_relations {
            let Some(location) = input.place() else { continue };
            let found = match input.files() {
                // What tells files from what they were is the hash of their list.
                Some(source) => tables
                    .files(location, &source)
                    .ok()
                    .map(|files| (Table::of_files(files), files.digest().to_string())),
                None => tables.table(location, input.version_pin).ok().map(|table| {
                    let schema = Schema::from_arrow(table.schema());
                    (Table::new(table.location(), schema), table.version().to_string())
                }),
            };
            let Some((table, version)) = found else { continue };
            if !inputs.iter().any(|(known, of)| known.name == table.name && *of == version) {
                inputs.push((table, version));
            }
        }
        let sources = sources(compilation);
        let outputs = graph.sinks().into_iter().filter_map(|sink| {
            let Op::Sink(op) = &graph[sink].op else { return None };
            let location = Location::parse(&op.location, &compilation.source.base_dir).ok()?;
            let columns = column_lineage(&lineage(graph, sink), &sources);
            let table = Table::new(&location, graph.schema(sink).clone());
            Some((graph[sink].owner.name().to_owned(), (table, columns)))
        });
        Self { outputs: outputs.collect(), inputs }
    }

    /// What is read.
    pub(super) fn inputs(&self) -> Vec<Value> {
        let dataset = |(table, of): &(Table, String)| table.dataset([("version", version(of))]).into();
        self.inputs.iter().map(dataset).collect()
    }

    /// What is to be written.
    pub(super) fn planned(&self) -> Vec<Value> {
        let dataset = |(table, columns): &(Table, Value)| {
            table.dataset([("columnLineage", Some(columns.clone()))]).into()
        };
        self.outputs.values().map(dataset).collect()
    }

    /// What was written.
    pub(super) fn published(&self, outputs: &[OutputRecord]) -> Vec<Value> {
        let dataset = |output: &OutputRecord| {
            let (table, columns) = self.outputs.get(&output.table)?;
            let more =
                [("version", version(&output.version.to_string())), ("columnLineage", Some(columns.clone()))];
            let mut dataset = table.dataset(more);
            let counts = json!({"rowCount": output.rows, "size": output.bytes, "fileCount": output.files});
            let counts = facet("1-0-2", "OutputStatisticsOutputDatasetFacet", counts);
            dataset.insert("outputFacets".to_owned(), facets([("outputStatistics", Some(counts))]));
            Some(dataset.into())
        };
        outputs.iter().filter_map(dataset).collect()
    }
}

/// The tables behind the scans of a graph, each with the columns it has of its own: what a scan adds, such as the version of
/// a change, is in no table.
fn sources(compilation: &Compilation) -> BTreeMap<NodeId, (String, BTreeSet<String>)> {
    let (graph, tables): (&Graph, _) = (&compilation.graph, compilation.oracle.tables());
    let source = |id: NodeId| {
        let Op::Scan(scan) = &graph[id].op else { return None };
        let (location, schema) = match &scan.files {
            Some(source) => {
                let files = tables.files(&scan.location, source).ok()?;
                (files.root(), files.schema())
            }
            None => {
                let pinned = tables.table(&scan.location, Some(scan.version));
                let table = pinned.or_else(|_| tables.table(&scan.location, None)).ok()?;
                (table.location(), table.schema())
            }
        };
        let columns = schema.fields().iter().map(|field| field.name().clone()).collect();
        Some((id, (path_of(location), columns)))
    };
    graph.ids().filter_map(source).collect()
}

/// The facet with what the columns of an output come from.
fn column_lineage(lineage: &Lineage, tables: &BTreeMap<NodeId, (String, BTreeSet<String>)>) -> Value {
    let inputs = |sources: &Sources| -> Vec<Value> {
        let input = |(Source { scan, column }, how): (&Source, &BTreeSet<How>)| {
            let (name, columns) = tables.get(scan)?;
            let transformations: Vec<Value> = how.iter().map(|how| transformation(*how)).collect();
            let input = json!({
                "namespace": FILES, "name": name, "field": column, "transformations": transformations,
            });
            columns.contains(column).then_some(input)
        };
        sources.iter().filter_map(input).collect()
    };
    let fields =
        lineage.columns.iter().map(|(name, from)| (name.clone(), json!({"inputFields": inputs(from)})));
    let fields: Map<String, Value> = fields.collect();
    let content = json!({"fields": fields, "dataset": inputs(&lineage.rows)});
    facet("1-2-0", "ColumnLineageDatasetFacet", content)
}

fn transformation(how: How) -> Value {
    let (subtype, description) = match how {
        How::Identity => (Some("IDENTITY"), None),
        How::Transformation => (Some("TRANSFORMATION"), None),
        How::Aggregation => (Some("AGGREGATION"), None),
        How::Filter => (Some("FILTER"), None),
        How::Join => (Some("JOIN"), None),
        How::GroupBy => (Some("GROUP_BY"), None),
        How::Sort => (Some("SORT"), None),
        How::Window => (Some("WINDOW"), None),
        How::Mentioned => (None, Some("mentioned in a query")),
    };
    let mut transformation =
        json!({"type": if how.is_direct() { "DIRECT" } else { "INDIRECT" }, "masking": false});
    for (key, value) in [("subtype", subtype), ("description", description)] {
        if let Some(value) = value {
            transformation[key] = value.into();
        }
    }
    transformation
}
