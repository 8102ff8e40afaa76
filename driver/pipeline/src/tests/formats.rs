//! What former versions of the program wrote is read, or refused by name: every fixture of `testdata`, see its README.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ir::archive;

use super::{compiled_by, count, workers};
use crate::record::{self, Capture, RunRecord};
use crate::{Cancellation, PublishOptions, Source, publish, verify_graph};

/// A format of which there are fixtures.
struct Format {
    /// The folder of its fixtures.
    folder: &'static str,
    /// What messages call it.
    name: &'static str,
    /// The number that is written now.
    current: u32,
    /// Whether others than the current number may be refused.
    is_refusable: bool,
    /// Reads a fixture, and panics where what it reads is not what was written; gives the message of a refusal.
    read: fn(&Path) -> Result<(), String>,
}

const FORMATS: [Format; 5] = [
    Format {
        folder: "capture",
        name: "capture",
        current: record::CAPTURE_FORMAT,
        is_refusable: true,
        read: capture,
    },
    Format {
        folder: "run_record",
        name: "run record",
        current: record::FORMAT,
        is_refusable: true,
        read: run_record,
    },
    Format {
        folder: "graph",
        name: "archived graph",
        current: archive::FORMAT_VERSION,
        is_refusable: true,
        read: graph,
    },
    Format {
        folder: "proofs",
        name: "proofs",
        current: archive::FORMAT_VERSION,
        is_refusable: true,
        read: proofs,
    },
    Format { folder: "lake", name: "lake", current: record::FORMAT, is_refusable: false, read: lake },
];

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut entries: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

#[test]
fn every_format_that_was_written_is_read_or_refused_by_name() {
    let folders = entries(&testdata()).into_iter().filter(|path| path.is_dir());
    let folders: BTreeSet<String> =
        folders.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    let known: BTreeSet<String> = FORMATS.iter().map(|format| format.folder.to_owned()).collect();
    assert_eq!(folders, known, "a folder of fixtures for each format, and a format for each folder");
    for format in &FORMATS {
        let mut numbers = BTreeSet::new();
        for fixture in entries(&testdata().join(format.folder)) {
            let shown = fixture.display();
            let number = fixture.file_stem().and_then(|stem| stem.to_str()?.parse::<u32>().ok());
            let number = number.unwrap_or_else(|| panic!("{shown} is not named by the number of its format"));
            numbers.insert(number);
            let Err(refusal) = (format.read)(&fixture) else { continue };
            assert!(format.is_refusable && number != format.current, "{shown} must be read: {refusal}");
            let current = format.current;
            let (found, read) = (format!("format {number}"), format!("reads format {current}"));
            for wanted in [format.name, &found, &read, "version of CodeAnatomy that wrote it"] {
                assert!(refusal.contains(wanted), "{shown}: no `{wanted}` in: {refusal}");
            }
        }
        assert!(numbers.contains(&format.current), "no fixture of {} {}", format.name, format.current);
    }
}

/// The header alone decides: nobody reads on to see whether the rest would fit.
#[test]
fn an_archive_of_any_other_number_is_refused_by_name() {
    let current = archive::FORMAT_VERSION;
    for (fixture, name) in [("graph/{}.ir", "an archived graph"), ("proofs/{}.proofs", "a file of proofs")] {
        let bytes = fs::read(testdata().join(fixture.replace("{}", &current.to_string()))).unwrap();
        for number in [0, current - 1, current + 1, u32::MAX] {
            let mut other = bytes.clone();
            other[8..12].copy_from_slice(&number.to_le_bytes());
            let refused = match name {
                "an archived graph" => archive::read(&other).unwrap_err(),
                _ => archive::read_proofs(&other).unwrap_err(),
            };
            let wanted = format!("{name} of format {number}, and this program reads format {current}; ");
            assert!(refused.to_string().starts_with(&wanted), "{refused}");
        }
    }
}

/// What is wrong when an archive of the current number is written otherwise.
const CHANGED: &str =
    "it is not written as it was: archived types changed, so raise `FORMAT_VERSION` (testdata/README.md)";

fn run_record(file: &Path) -> Result<(), String> {
    let record = RunRecord::read(file).map_err(|error| error.to_string())?;
    assert_eq!((record.status, record.outputs.len()), (record::Status::Published, 2));
    assert_eq!(record.envelope.hash().unwrap(), record.envelope_hash);
    let written = format!("{}\n", serde_json::to_string_pretty(&record).unwrap());
    assert_eq!(written, fs::read_to_string(file).unwrap(), "it is written as it was");
    Ok(())
}

fn capture(file: &Path) -> Result<(), String> {
    let bytes = fs::read(file).unwrap();
    let capture = Capture::decoded(file, &bytes).map_err(|error| error.to_string())?;
    assert!(!capture.segments.is_empty() && !capture.rule_impact.is_empty());
    assert!(capture.segments.iter().all(|segment| segment.logical.is_whole()));
    let written = format!("{}\n", serde_json::to_string_pretty(&capture).unwrap());
    assert_eq!(written, String::from_utf8(bytes).unwrap(), "it is written as it was");
    Ok(())
}

fn graph(file: &Path) -> Result<(), String> {
    let bytes = fs::read(file).unwrap();
    let graph = archive::read(&bytes).map_err(|error| error.to_string())?;
    assert!(archive::write(&graph).unwrap() == bytes, "{CHANGED}");
    let violations = verify_graph(&graph, &workers(&Cancellation::new())).unwrap();
    assert!(graph.schedule.is_some() && violations.is_empty(), "{violations:?}");
    Ok(())
}

fn proofs(file: &Path) -> Result<(), String> {
    let bytes = fs::read(file).unwrap();
    let proofs = archive::read_proofs(&bytes).map_err(|error| error.to_string())?;
    assert!(archive::write_proofs(&proofs).unwrap() == bytes, "{CHANGED}");
    assert!(!proofs.operations.is_empty() && !proofs.schemas.is_empty());
    Ok(())
}

/// A spec that reads the tables of a lake, one by its order and one by its partitions.
const READER: &str = "\
version: 4
input_relations:
  - {logical_name: people, delta_location: people}
  - {logical_name: log, delta_location: log}
view_definitions:
  - name: entries
    transform: {kind: Sql, query: \"SELECT l.id, p.name FROM log AS l JOIN people AS p ON l.id = p.id WHERE l.name = 'Ada' OR l.name IS NULL\"}
output_targets:
  - {table_name: entries, source_view: entries}
";

/// A lake that two runs of its spec have filled: its tables are read, and a third run overwrites and appends.
fn lake(folder: &Path) -> Result<(), String> {
    let home = tempfile::tempdir().unwrap();
    copy(folder, home.path());
    let (home, workers) = (home.path(), workers(&Cancellation::new()));
    let run = |source: Source| {
        let compiled = compiled_by(source, &workers).map_err(|error| error.to_string())?;
        let published = publish(compiled, &workers, PublishOptions::default(), Arc::new(()));
        published.map_err(|error| error.to_string())
    };
    assert_eq!((count(home, "people", &workers), count(home, "log", &workers)), (3, 6));
    let reader = Source::from_bytes(READER.as_bytes(), "reader.yaml".into(), "reader", home).unwrap();
    assert_eq!(run(reader)?.record.outputs[0].rows, 4);

    let outcome = run(Source::open(&home.join("spec.yaml")).unwrap())?;
    let versions: Vec<(&str, u64)> =
        outcome.run.outputs.iter().map(|output| (output.table.as_str(), output.version)).collect();
    assert_eq!(versions, [("log", 2), ("people", 2)]);
    assert_eq!((count(home, "people", &workers), count(home, "log", &workers)), (3, 9));
    let ada = "log WHERE name = 'Ada' AND born = DATE '1815-12-10' AND score = 1.5";
    assert_eq!((count(home, ada, &workers), count(home, "log WHERE name IS NULL", &workers)), (3, 3));

    let records = RunRecord::files(home).unwrap();
    let read = records.iter().filter(|file| RunRecord::read(file).is_ok()).count();
    assert!(records.len() >= 3 && read >= 2, "{read} of {}", records.len());
    let locks = home.join(".codeanatomy/locks");
    assert!(!locks.exists() || entries(&locks).is_empty(), "the lock of a run that was killed means nothing");
    Ok(())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in entries(from) {
        let target = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            copy(&entry, &target);
        } else {
            fs::copy(&entry, &target).unwrap();
        }
    }
}
