//! What moves which hash: `perturbations.yaml` says it of a spec, its tables and its session, one change after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::Transformed;
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{Expr, ScalarUDF, Volatility, create_udf};
use engine::{FormatPolicy, PlanningSurfaceBuilder, PlanningSurfaceSpec, SessionOptions};
use ir::diag::SourceName;
use libtest_mimic::{Failed, Trial};
use pipeline::{CompileRequest, PipelineError, Source, WorkerOptions, Workers, compile};
use serde::Deserialize;

use crate::harness::{copy_folder, root, write_fixtures};

/// The least number of perturbations.
const LEAST: usize = 60;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Perturbations {
    base: String,
    perturbations: Vec<Perturbation>,
}

/// A change, and the hashes that are others after it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Perturbation {
    name: String,
    /// A text of the spec, which is there once or more often, and what stands in its place.
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    /// One more text, and what stands in its place.
    #[serde(default)]
    and: Vec<String>,
    /// A text before whose end something is inserted, when `from` was replaced.
    #[serde(default)]
    before: String,
    #[serde(default)]
    insert: String,
    /// `to` is written with its own line breaks.
    #[serde(default)]
    indent: bool,
    /// The spec is JSON.
    #[serde(default)]
    json: bool,
    /// What an input or an output is called after it.
    #[serde(default, rename = "as")]
    names: BTreeMap<String, String>,
    lake: Option<Lake>,
    /// Settings of DataFusion.
    #[serde(default)]
    session: BTreeMap<String, String>,
    /// The version of a function more.
    function: Option<u32>,
    /// Rewrites that are added, by name, with their versions.
    #[serde(default)]
    rewrites: BTreeMap<String, String>,
    /// The format policy: conditions in the reader of Parquet, and the delimiter of CSV.
    pushdown: Option<bool>,
    delimiter: Option<u8>,
    threads: Option<usize>,
    batch: Option<usize>,
    memory: Option<usize>,
    disk: Option<u64>,
    moved: BTreeSet<String>,
}

/// What becomes of the tables.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Lake {
    /// They lie elsewhere.
    Moved,
    /// `nodes` has one more commit.
    Appended,
    /// `files` has a column that is not NULL, and is another table.
    NotNull,
    /// They are other tables with equal rows.
    MadeAgain,
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![Trial::test("identity::perturbations", || {
        perturbations();
        Ok::<(), Failed>(())
    })]
}

fn folder() -> std::path::PathBuf {
    root().join("tests/identity")
}

fn perturbations() {
    let text = std::fs::read_to_string(folder().join("perturbations.yaml")).expect("the list is read");
    let list: Perturbations = serde_saphyr::from_str(&text).expect("the list has its shape");
    assert!(list.perturbations.len() >= LEAST, "{} perturbations", list.perturbations.len());
    let home = tempfile::tempdir().expect("a folder is made");
    write_fixtures(&folder().join("tables"), &home.path().join("lake"));
    let nothing = Perturbation { moved: BTreeSet::new(), ..list.perturbations[0].clone() };
    assert!(nothing.from.is_empty(), "the first perturbation changes nothing");
    let before = hashes(&list.base, home.path(), &nothing);
    // A version of a function is another one than that of the same function, not than that of a session without it.
    let with_function =
        hashes(&list.base, home.path(), &Perturbation { function: Some(3), ..nothing.clone() });
    let mut wrong = Vec::new();
    for perturbation in &list.perturbations {
        let spec = perturbation.spec(&list.base);
        let other = tempfile::tempdir().expect("a folder is made");
        let place = perturbation.lake(home.path(), other.path());
        let after = hashes(&spec, place, perturbation);
        let base = if perturbation.function == Some(2) { &with_function } else { &before };
        let name = |family: &String| perturbation.names.get(family).unwrap_or(family).clone();
        let moved: BTreeSet<String> = base
            .iter()
            .filter(|(family, hash)| after.get(&name(family)) != Some(*hash))
            .map(|(family, _)| family.clone())
            .collect();
        if moved != perturbation.moved {
            wrong.push(format!("{}: moved {moved:?}, not {:?}", perturbation.name, perturbation.moved));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

impl Perturbation {
    /// The spec after the change.
    fn spec(&self, base: &str) -> String {
        let mut spec = base.to_owned();
        if !self.from.is_empty() {
            assert!(spec.contains(&self.from), "{}: the spec has no `{}`", self.name, self.from);
            spec = spec.replace(&self.from, &self.to);
        }
        if let [from, to] = self.and.as_slice() {
            assert!(spec.contains(from), "{}: the spec has no `{from}`", self.name);
            spec = spec.replace(from, to);
        }
        if !self.before.is_empty() {
            spec = spec.replace(&self.before, &format!("{}{}", self.before, self.insert));
        }
        assert!(self.indent || !self.to.contains("\n  - ") || self.from.contains('\n'), "{}", self.name);
        if self.json {
            let value: serde_json::Value = serde_saphyr::from_str(&spec).expect("the spec is YAML");
            spec = value.to_string();
        }
        spec
    }

    /// Where the tables lie after the change.
    fn lake<'a>(&self, home: &'a Path, other: &'a Path) -> &'a Path {
        let Some(lake) = self.lake else { return home };
        match lake {
            Lake::MadeAgain => write_fixtures(&folder().join("tables"), &other.join("lake")),
            Lake::Moved | Lake::Appended => copy_folder(&home.join("lake"), &other.join("lake")),
            Lake::NotNull => copy_folder(&home.join("lake/nodes"), &other.join("lake/nodes")),
        }
        match lake {
            Lake::Appended => write_fixtures(&folder().join("appended"), &other.join("lake")),
            Lake::NotNull => write_fixtures(&folder().join("not_null"), &other.join("lake")),
            Lake::Moved | Lake::MadeAgain => {}
        }
        other
    }

    /// What the program adds to the session.
    fn extensions(&self) -> PlanningSurfaceBuilder {
        let mut extensions = PlanningSurfaceSpec::builder();
        if let Some(version) = self.function {
            extensions = extensions.scalar_function(function(), version.to_string());
        }
        for (name, version) in &self.rewrites {
            extensions = extensions.function_rewrite(name, version, Arc::new(Nothing));
        }
        extensions.format_policy(FormatPolicy {
            parquet_pushdown_filters: self.pushdown,
            csv_delimiter: self.delimiter,
            ..FormatPolicy::default()
        })
    }

    fn session(&self) -> Workers {
        let mut options = SessionOptions {
            target_partitions: 2,
            memory_limit_bytes: 256 << 20,
            spill_limit_bytes: Some(1 << 30),
            settings: self.session.clone(),
            ..SessionOptions::for_this_machine()
        };
        options.target_partitions = self.threads.unwrap_or(options.target_partitions);
        options.batch_size = self.batch.unwrap_or(options.batch_size);
        options.memory_limit_bytes = self.memory.unwrap_or(options.memory_limit_bytes);
        options.spill_limit_bytes = self.disk.or(options.spill_limit_bytes);
        let extensions = self.extensions().build().expect("additions have names and versions");
        let options = WorkerOptions { session: options, extensions, ..WorkerOptions::default() };
        Workers::new(options, engine::Cancellation::new())
    }
}

/// A rewrite of calls that rewrites none.
#[derive(Debug)]
struct Nothing;

impl FunctionRewrite for Nothing {
    fn name(&self) -> &str {
        "nothing"
    }

    fn rewrite(
        &self,
        expr: Expr,
        _: &DFSchema,
        _: &ConfigOptions,
    ) -> datafusion::common::Result<Transformed<Expr>> {
        Ok(Transformed::no(expr))
    }
}

/// A function of this test, which nobody calls.
fn function() -> Arc<ScalarUDF> {
    let first = |values: &[datafusion::logical_expr::ColumnarValue]| Ok(values[0].clone());
    let types = vec![DataType::Int64];
    Arc::new(create_udf("of_this_test", types, DataType::Int64, Volatility::Immutable, Arc::new(first)))
}

/// The hashes of a compilation by their families.
fn hashes(spec: &str, home: &Path, perturbation: &Perturbation) -> BTreeMap<String, String> {
    let workers = perturbation.session();
    let source = Source::from_bytes(spec.as_bytes(), SourceName::new("spec.yaml"), "spec", home);
    let failed = |error: PipelineError| -> ! { panic!("{}: {error:?}", perturbation.name) };
    let source = source.unwrap_or_else(|error| failed(error));
    let request = CompileRequest::new(source, &workers);
    let compilation = compile(request).unwrap_or_else(|error| failed(error));
    compilation.must_be_sound().unwrap_or_else(|error| failed(error));
    let report = compilation.identity_report().expect("an identity is hashed");
    let mut hashes = BTreeMap::from([
        ("spec".to_owned(), report.spec_hash.to_string()),
        ("providers".to_owned(), report.provider_identity_hash.to_string()),
        ("surface".to_owned(), report.planning_surface_hash.to_string()),
        ("rules".to_owned(), report.rulepack_fingerprint.to_string()),
        ("envelope".to_owned(), report.envelope_hash.to_string()),
        ("profile".to_owned(), report.profile_fingerprint.to_string()),
    ]);
    let inputs = report.provider_identities.iter();
    hashes.extend(inputs.map(|input| (input.input.clone(), input.identity_hash.to_string())));
    let outputs = report.outputs.iter();
    hashes.extend(outputs.map(|(table, output)| (table.clone(), output.content_hash.to_string())));
    hashes
}
