//! Delta tables from fixtures: a schema and the rows of each commit, in YAML.
//!
//! ```yaml
//! schema: {id: Int64!, day: Date32, tags: "List(Utf8)"}   # types as in the text form of graphs; `!` is NOT NULL
//! partition_by: [day]
//! properties: {delta.enableChangeDataFeed: "true"}
//! commits:
//!   - mode: append
//!     rows:
//!       - {id: 1, day: 2026-01-31, tags: [a, b]}
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_json::ReaderBuilder;
use delta::{CommitOptions, Location, TableTarget, WriteMode, WriteOptions};
use ir::schema::Schema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{entries, runtime, stem};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    schema: Map<String, Value>,
    #[serde(default)]
    partition_by: Vec<String>,
    #[serde(default)]
    properties: BTreeMap<String, String>,
    commits: Vec<Commit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Commit {
    mode: Mode,
    rows: Vec<Map<String, Value>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Append,
    Overwrite,
}

/// Writes every fixture `from/NAME.yaml` as the table `to/NAME`. `from/NAME.json` is the first commit of a table that our
/// writer does not write, as its log has it.
pub(crate) fn write_fixtures(from: &Path, to: &Path) {
    for path in entries(from) {
        let text = std::fs::read_to_string(&path).expect("a fixture is read");
        if path.extension().is_some_and(|extension| extension == "json") {
            let log = to.join(stem(&path)).join("_delta_log");
            std::fs::create_dir_all(&log).expect("a log is made");
            std::fs::write(log.join("00000000000000000000.json"), text).expect("a commit is written");
            continue;
        }
        let fixture: Fixture =
            serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        write_fixture(&fixture, &to.join(stem(&path)), &path);
    }
}

fn write_fixture(fixture: &Fixture, table: &Path, path: &Path) {
    let columns: Vec<String> = fixture
        .schema
        .iter()
        .map(|(name, kind)| format!("{} {}", ir::text::word(name), kind.as_str().unwrap_or_default()))
        .collect();
    let schema = Schema::parse(&format!("{{{}}}", columns.join(", ")))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for commit in &fixture.commits {
        let batch = decode(schema.arrow(), &commit.rows)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let options = WriteOptions {
            mode: match commit.mode {
                Mode::Append => WriteMode::Append,
                Mode::Overwrite => WriteMode::Overwrite,
            },
            partition_by: fixture.partition_by.clone(),
            properties: fixture.properties.clone(),
            ..WriteOptions::default()
        };
        write_batches(table, schema.arrow(), vec![batch], options);
    }
}

/// The rows as a batch; unknown columns and missing values of NOT NULL columns are errors.
fn decode(schema: &SchemaRef, rows: &[Map<String, Value>]) -> Result<RecordBatch, arrow::error::ArrowError> {
    let mut decoder = ReaderBuilder::new(SchemaRef::clone(schema)).with_strict_mode(true).build_decoder()?;
    decoder.serialize(rows)?;
    Ok(decoder.flush()?.unwrap_or_else(|| RecordBatch::new_empty(SchemaRef::clone(schema))))
}

/// Writes batches to a table in one commit.
pub(crate) fn write_batches(
    table: &Path,
    schema: &SchemaRef,
    batches: Vec<RecordBatch>,
    options: WriteOptions,
) {
    let write = async {
        let location = Location::parse(&table.to_string_lossy(), table)?;
        let target = TableTarget::prepare(&location, SchemaRef::clone(schema), options).await?;
        let mut writer = target.writer();
        for batch in batches {
            writer.write(batch).await?;
        }
        let files = writer.close().await?;
        target.commit(vec![files], &CommitOptions::default()).await
    };
    runtime().block_on(write).unwrap_or_else(|error| panic!("{}: {error}", table.display()));
}
