//! The peers: one Python script a program, in environments of their own.
//!
//! `SCRIPT BENCHMARK '{"...": parameters}'` does the work once and prints one line of JSON; `SCRIPT --variants
//! BENCHMARK` prints the forms in which the program takes part, as a JSON list.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use super::driver::parse;
use super::{Contestant, Turn};
use crate::failure::{Failure, Result};
use crate::process::{self, Usage};
use crate::table::DeltaTable;

/// A program that takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    DataFusion,
    DuckDb,
    Polars,
    DeltaLake,
    Dbt,
    SqlMesh,
}

impl Peer {
    fn name(self) -> &'static str {
        match self {
            Self::DataFusion => "datafusion",
            Self::DuckDb => "duckdb",
            Self::Polars => "polars",
            Self::DeltaLake => "deltalake",
            Self::Dbt => "dbt",
            Self::SqlMesh => "sqlmesh",
        }
    }

    /// The environment it is installed in, below the folder of all.
    fn environment(self) -> &'static str {
        match self {
            Self::DataFusion | Self::DuckDb | Self::Polars | Self::DeltaLake => "engines",
            Self::Dbt => "dbt",
            Self::SqlMesh => "sqlmesh",
        }
    }
}

/// What a script prints.
#[derive(Debug, Deserialize)]
struct Line {
    version: String,
    cpu_seconds: f64,
    wall_seconds: f64,
    /// Peak memory until the end of the work; making the digest of an answer can take more.
    peak_bytes: u64,
    answer: Value,
}

/// The peers that are installed.
#[derive(Debug)]
pub(crate) struct Peers {
    /// The folder of the environments; none leaves the peers out.
    environments: Option<PathBuf>,
    /// The folder of the scripts.
    scripts: PathBuf,
    /// Threads they may use.
    threads: usize,
    /// The forms that were asked for already, by peer and benchmark.
    known: RefCell<BTreeMap<(&'static str, &'static str), Vec<String>>>,
}

impl Peers {
    /// The peers whose environments are in a folder, or no peers.
    ///
    /// # Errors
    /// When the folder does not hold the environments.
    pub(crate) fn new(environments: Option<PathBuf>, scripts: PathBuf, threads: usize) -> Result<Self> {
        if let Some(folder) = &environments {
            let python = folder.join("engines/bin/python");
            if !python.exists() {
                return Err(Failure::Missing(format!(
                    "no peers in `{}`: install them with `{} {}`, or give --no-peers",
                    folder.display(),
                    scripts.join("install").display(),
                    folder.display()
                )));
            }
        }
        Ok(Self { environments, scripts, threads, known: RefCell::default() })
    }

    /// A peer in all its forms, with the parameters of the benchmark; `threads`, `variant` and `out_dir` are added.
    ///
    /// # Errors
    /// When its script does not say which forms there are.
    pub(crate) fn contestants(
        &self,
        peer: Peer,
        benchmark: &'static str,
        parameters: &Value,
    ) -> Result<Vec<Contestant<'_>>> {
        if self.environments.is_none() {
            return Ok(Vec::new());
        }
        let variants = self.variants(peer, benchmark)?;
        let contestant = |variant: String| {
            let parameters = parameters.clone();
            let name = format!("{}, {variant}", peer.name());
            Contestant::peer(&name, move |folder| {
                let mut parameters = parameters.clone();
                parameters["threads"] = json!(self.threads);
                parameters["variant"] = json!(variant);
                parameters["out_dir"] = json!(folder.join("out"));
                parameters["work_dir"] = json!(folder.join("work"));
                let finished = self.script(peer, &[benchmark, &parameters.to_string()], folder)?;
                let line: Line = parse(&finished.stdout, peer.name())?;
                let written = folder.join("out");
                let file_bytes = if written.join("_delta_log").exists() {
                    let files = DeltaTable::open(&written)?.files;
                    Some(files.iter().map(|file| file.bytes).collect::<Vec<_>>())
                } else {
                    None
                };
                Ok(Turn {
                    usage: Usage { peak_bytes: line.peak_bytes, ..finished.usage },
                    work: Some((line.cpu_seconds, line.wall_seconds)),
                    answer: line.answer,
                    remarks: json!({"version": line.version, "file_bytes": file_bytes}),
                })
            })
        };
        Ok(variants.into_iter().map(contestant).collect())
    }

    /// The forms of a peer. Asking takes as long as importing an engine, so it is done once.
    fn variants(&self, peer: Peer, benchmark: &'static str) -> Result<Vec<String>> {
        if let Some(known) = self.known.borrow().get(&(peer.name(), benchmark)) {
            return Ok(known.clone());
        }
        let finished = self.script(peer, &["--variants", benchmark], &self.scripts)?;
        let variants: Vec<String> = parse(&finished.stdout, peer.name())?;
        self.known.borrow_mut().insert((peer.name(), benchmark), variants.clone());
        Ok(variants)
    }

    fn script(&self, peer: Peer, arguments: &[&str], folder: &Path) -> Result<process::Finished> {
        let environments = self.environments.as_deref().unwrap_or(Path::new("."));
        let python = environments.join(peer.environment()).join("bin/python");
        let script = self.scripts.join(format!("{}_peer.py", peer.name()));
        let arguments = [script.into_os_string()].into_iter().chain(arguments.iter().map(OsString::from));
        process::run(&python, &arguments.collect::<Vec<_>>(), folder)
    }
}
