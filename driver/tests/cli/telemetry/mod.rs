//! What commands tell others of what they do: files of events and of lineage, and the log.

mod events;
mod lineage;
mod log;
#[cfg(feature = "otel")]
mod otel;
mod schema;

use std::fs;
use std::path::Path;

use serde_json::Value;

/// The lines of a file, each a JSON object.
fn lines(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.ends_with('\n'), "the last line has no end: {text}");
    let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    text.lines().map(line).collect()
}
