//! Where and when the benchmark ran, and the versions of what ran.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::SystemTime;

use arrow::array::{ArrayRef, AsArray, TimestampSecondArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use serde::Serialize;

/// The machine, the date and the versions.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    /// When the run began, UTC.
    pub(crate) date: String,
    /// The model of the processor.
    pub(crate) processor: String,
    /// Cores the run may use.
    pub(crate) cores: usize,
    /// Memory in GiB.
    pub(crate) memory_gib: u64,
    /// The operating system's kernel.
    pub(crate) kernel: String,
    /// The compiler.
    pub(crate) rustc: String,
    /// The commit of the sources.
    pub(crate) commit: String,
    /// The version of the program under test.
    pub(crate) driver: String,
}

const UNKNOWN: &str = "unknown";

impl Machine {
    /// This machine, now. What it does not tell is `unknown`.
    pub(crate) fn now(sources: &Path, driver: String) -> Self {
        let memory =
            field("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        Self {
            date: now().unwrap_or_else(|| UNKNOWN.to_owned()),
            processor: field("/proc/cpuinfo", "model name").unwrap_or_else(|| UNKNOWN.to_owned()),
            cores: cores(),
            memory_gib: memory.map_or(0, |kibibytes| kibibytes >> 20),
            kernel: said("uname", &["-sr"], sources),
            rustc: said("rustc", &["--version"], sources),
            commit: said("git", &["describe", "--always", "--dirty"], sources),
            driver,
        }
    }
}

/// Cores this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The first value under a name in a file of `name: value` lines.
fn field(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
}

/// What a program prints.
fn said(program: &str, arguments: &[&str], folder: &Path) -> String {
    let output = Command::new(program).args(arguments).current_dir(folder).output().ok();
    let text = output.filter(|output| output.status.success()).map(|output| output.stdout);
    text.map_or_else(|| UNKNOWN.to_owned(), |text| String::from_utf8_lossy(&text).trim().to_owned())
}

/// The date and time, ISO 8601.
fn now() -> Option<String> {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let time: ArrayRef = Arc::new(TimestampSecondArray::from(vec![i64::try_from(seconds).ok()?]));
    let text = cast(&time, &DataType::Utf8).ok()?;
    Some(format!("{}Z", text.as_string::<i32>().value(0)))
}
