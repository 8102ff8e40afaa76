//! Valid inputs, read from the repository, and what they are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use arrow::datatypes::DataType;
use ir::archive;
use ir::graph::Graph;
use ir::op::{Op, Read, Scan};
use ir::schema::Schema;
use ir::spec::{json_schema, load_bytes};
use ir::text::parse;
use serde_json::Value;

use crate::target::{Files, Program, valid_tables};
use crate::tree::Pool;

/// Larger texts are left out: reading them takes long, and shorter ones have the same statements.
const MAX_TEXT_BYTES: usize = 12_000;
/// Words of this many bytes are in the dictionary.
const WORD_BYTES: std::ops::RangeInclusive<usize> = 2..=40;

/// Valid inputs. All lists are in an order that does not depend on the file system.
#[derive(Default)]
pub struct Corpus {
    /// Specs, as YAML and as JSON.
    pub specs: Vec<Vec<u8>>,
    /// The JSON Schema of specs.
    pub schema: Value,
    /// What the fields of specs hold.
    pub spec_values: Pool,
    /// Words that specs and texts of graphs have.
    pub words: Vec<String>,
    /// Texts of graphs.
    pub texts: Vec<String>,
    /// Their first lines.
    pub headers: Vec<String>,
    /// Their other statements.
    pub statements: Vec<String>,
    /// The archives of their graphs.
    pub archives: Vec<Vec<u8>>,
    /// The tables that they scan, with all columns that any of them has.
    pub columns: Vec<(Scan, Schema)>,
    /// Delta tables.
    pub tables: Vec<Files>,
    /// What the fields of the actions of their logs hold.
    pub log_values: Pool,
}

impl Corpus {
    /// Reads the corpus of the repository at `root`.
    ///
    /// # Errors
    /// What could not be read, or where there is nothing.
    pub fn read(root: &Path, program: &Program) -> Result<Self, String> {
        let mut corpus = Self { schema: json_schema(), ..Self::default() };
        let mut words = BTreeSet::new();
        keys(&corpus.schema, &mut words);
        for folder in ["tests/cases", "tests/errors", "driver/specs"] {
            for path in files(&root.join(folder), "yaml") {
                if !path.components().any(|part| part.as_os_str() == "tables") {
                    corpus.add_spec(content(&path)?);
                }
            }
        }
        let texts = [("snapshots", "snap"), ("tests/passes", "ir"), ("tests/verifier", "ir")];
        for (folder, extension) in texts {
            for path in files(&root.join(folder), extension) {
                let text = content(&path)?;
                // Goldens have a header of two such lines; small graphs are followed by what a pass makes of them.
                text.split("---\n").for_each(|part| corpus.add_text(part, &mut words));
            }
        }
        corpus.words = words.into_iter().filter(|word| WORD_BYTES.contains(&word.len())).collect();
        corpus.tables = valid_tables(program)?;
        corpus.add_log_values();
        let is_whole = !(corpus.specs.is_empty() || corpus.texts.is_empty() || corpus.columns.is_empty());
        if is_whole { Ok(corpus) } else { Err(format!("there is no corpus in `{}`", root.display())) }
    }

    fn add_spec(&mut self, text: String) {
        let loaded = load_bytes(text.as_bytes(), "spec.yaml".into());
        if let Some(Ok(json)) = loaded.spec.map(|spec| serde_json::to_value(&spec)) {
            self.spec_values.add("", &json);
            if !loaded.diagnostics.iter().any(ir::diag::Diagnostic::is_error) {
                self.specs.push(json.to_string().into_bytes());
            }
        }
        self.specs.push(text.into_bytes());
    }

    fn add_text(&mut self, text: &str, words: &mut BTreeSet<String>) {
        let Ok(parsed) = parse(text) else { return };
        self.add_columns(&parsed.graph);
        if text.len() > MAX_TEXT_BYTES || parsed.graph.is_empty() {
            return;
        }
        words.extend(text.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned));
        for statement in statements(text) {
            let list = if statement.starts_with("graph ") { &mut self.headers } else { &mut self.statements };
            if !list.contains(&statement) {
                list.push(statement);
            }
        }
        self.archives.extend(archive::write(&parsed.graph));
        self.texts.push(text.to_owned());
    }

    fn add_columns(&mut self, graph: &Graph) {
        for node in graph.ids().map(|id| &graph[id]) {
            let (Op::Scan(scan), Some(schema)) = (&node.op, &node.schema) else { continue };
            if scan.read != Read::Rows || scan.columns.is_some() {
                continue;
            }
            match self.columns.iter_mut().find(|(known, _)| known.location == scan.location) {
                None => self.columns.push((scan.clone(), schema.clone())),
                Some((_, known)) => *known = joined(known, schema),
            }
        }
    }

    fn add_log_values(&mut self) {
        let logs = self.tables.iter().flatten().filter(|(name, _)| name.ends_with(".json"));
        for line in logs.flat_map(|(_, bytes)| bytes.split(|byte| *byte == b'\n')) {
            if let Ok(action) = serde_json::from_slice::<Value>(line) {
                self.log_values.add("", &action);
            }
        }
    }
}

/// The columns of both; where both have a column, that of the first.
fn joined(one: &Schema, other: &Schema) -> Schema {
    let added = other.fields().filter(|field| !one.contains(field.name()));
    let columns = one.fields().chain(added);
    let parts: Vec<(String, DataType, bool)> =
        columns.map(|field| (field.name().clone(), field.data_type().clone(), field.is_nullable())).collect();
    Schema::new(parts)
}

/// The parts of a text from the left margin to the next, without comments.
fn statements(text: &str) -> Vec<String> {
    let mut statements: Vec<String> = Vec::new();
    for line in text.split_inclusive('\n').filter(|line| !line.starts_with('#')) {
        match statements.last_mut() {
            Some(last) if line.starts_with(char::is_whitespace) => last.push_str(line),
            _ => statements.push(line.to_owned()),
        }
    }
    statements
}

/// The names of fields and the words of a JSON Schema.
fn keys(schema: &Value, words: &mut BTreeSet<String>) {
    match schema {
        Value::Object(fields) => {
            let named = fields.get("properties").and_then(Value::as_object);
            words.extend(named.into_iter().flat_map(|named| named.keys().cloned()));
            fields.values().for_each(|inside| keys(inside, words));
        }
        Value::Array(items) => items.iter().for_each(|inside| keys(inside, words)),
        Value::String(word) => words.extend((!word.contains(' ')).then(|| word.clone())),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The files with this extension below a folder, by path.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.insert(path.clone(), path);
            }
        }
    }
    found.into_values().collect()
}

fn content(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("`{}`: {error}", path.display()))
}
