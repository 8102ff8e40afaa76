//! Ours: the `driver` binary, measured as a whole process.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Turn;
use crate::failure::{Failure, Result};
use crate::process::{self, Finished};
use crate::table::{DeltaTable, digest_of_table};

/// The program under test.
#[derive(Clone, Debug)]
pub(crate) struct Driver {
    /// The binary.
    pub(crate) path: PathBuf,
    /// Its `--threads`.
    pub(crate) threads: usize,
}

/// What `driver run --format json` says, as far as it is used here.
#[derive(Debug, Deserialize)]
pub(crate) struct RunReport {
    /// The tables that were written.
    pub(crate) outputs: Vec<Output>,
    /// The views that were computed for several readers.
    pub(crate) shared_views: Vec<Map<String, Value>>,
    /// Where the time went.
    pub(crate) stages: Value,
}

/// A table that was written.
#[derive(Debug, Deserialize)]
pub(crate) struct Output {
    /// Its name.
    pub(crate) table: String,
    /// Where it is, relative to the spec.
    pub(crate) location: String,
}

/// The name of the spec in the folder of a turn.
const SPEC: &str = "spec.json";

impl Driver {
    /// Runs a command in a folder.
    ///
    /// # Errors
    /// When it fails.
    pub(crate) fn command(&self, arguments: &[&str], folder: &Path) -> Result<Finished> {
        let threads = self.threads.to_string();
        let arguments = arguments.iter().copied().chain(["--threads", &threads]).map(OsString::from);
        process::run(&self.path, &arguments.collect::<Vec<_>>(), folder)
    }

    /// Writes a spec into a folder and runs it there. The answer has the digest of every output.
    ///
    /// # Errors
    /// When the run fails or its outputs cannot be read.
    pub(crate) fn run(&self, spec: &Value, options: &[&str], folder: &Path) -> Result<Turn> {
        write_spec(spec, folder)?;
        self.run_file(SPEC, options, folder)
    }

    /// Runs a spec that is in a folder.
    ///
    /// # Errors
    /// When the run fails or its outputs cannot be read.
    pub(crate) fn run_file(&self, spec: &str, options: &[&str], folder: &Path) -> Result<Turn> {
        let arguments: Vec<&str> = ["run", spec, "--format", "json"].iter().chain(options).copied().collect();
        let finished = self.command(&arguments, folder)?;
        let report: RunReport = parse(&finished.stdout, "driver run --format json")?;
        let (mut answer, mut files) = (Map::new(), BTreeMap::new());
        for output in &report.outputs {
            let table = folder.join(&output.location);
            answer.insert(output.table.clone(), digest_of_table(&table)?);
            let table = DeltaTable::open(&table)?;
            files.insert(output.table.clone(), table.files.iter().map(|file| file.bytes).collect::<Vec<_>>());
        }
        let remarks = json!({
            "file_bytes": files, "shared_views": report.shared_views, "stages": report.stages,
        });
        Ok(Turn { usage: finished.usage, work: None, answer: answer.into(), remarks })
    }

    /// Writes a spec into a folder and compiles it there to some form, which is thrown away.
    ///
    /// # Errors
    /// When it does not compile.
    pub(crate) fn compile(&self, spec: &Value, form: &str, folder: &Path) -> Result<Turn> {
        write_spec(spec, folder)?;
        let finished = self.command(&["compile", SPEC, "--emit", form, "--output", "result"], folder)?;
        Ok(Turn { usage: finished.usage, work: None, answer: Value::Null, remarks: Value::Null })
    }

    /// Its version, as it says itself.
    ///
    /// # Errors
    /// When it does not run.
    pub(crate) fn version(&self) -> Result<String> {
        let finished = process::run(&self.path, &["--version".into()], Path::new("."))?;
        Ok(String::from_utf8_lossy(&finished.stdout).trim().to_owned())
    }
}

/// Writes a spec under the name that [`Driver`] gives it.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write_spec(spec: &Value, folder: &Path) -> Result<()> {
    let path = folder.join(SPEC);
    std::fs::write(&path, spec.to_string()).map_err(Failure::file("write", &path))
}

/// Reads the JSON a program printed.
///
/// # Errors
/// When it is not what was agreed.
pub(super) fn parse<T: for<'de> Deserialize<'de>>(text: &[u8], program: &str) -> Result<T> {
    serde_json::from_slice(text)
        .map_err(|error| Failure::Answer { program: program.to_owned(), message: error.to_string() })
}
