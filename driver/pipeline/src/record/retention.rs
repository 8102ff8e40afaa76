//! How long records are kept.
//!
//! A run that is recorded deletes the records of its folder that are older than its spec wants them kept, each with its
//! graph and its capture. The name of a record begins with the time of its run, and only files with such names are looked at. Nothing else
//! deletes records, and tables are not touched.

use std::fs;
use std::io;
use std::path::Path;

use chrono::{DateTime, Days, NaiveDateTime, Utc};
use ir::diag::{Diagnostic, codes};
use ir::spec::RecordRetention;
use ir::stage::Stage;

use super::capture::CAPTURE_ENDING;

/// Days that [`RecordRetention::Short`] keeps records.
const SHORT: u64 = 7;
/// Days that [`RecordRetention::Long`] keeps records.
const LONG: u64 = 365;
/// How the time of a run stands in the names of its files.
const TIME: &str = "%Y%m%dT%H%M%S%.6fZ";
/// The endings of the files of a run. The record goes last: without its graph or its capture it says so, these without
/// their record are found by nobody.
const ENDINGS: [&str; 3] = ["ir", CAPTURE_ENDING, "json"];

/// The beginning of the names of the files of a run that started then.
pub(crate) fn file_time(started: DateTime<Utc>) -> String {
    started.format(TIME).to_string()
}

/// Deletes what is older than it is to be kept. What cannot be deleted is told.
pub(crate) fn expire(runs: &Path, retention: RecordRetention, now: DateTime<Utc>) -> Option<Diagnostic> {
    let days = match retention {
        RecordRetention::Short => SHORT,
        RecordRetention::Long => LONG,
        RecordRetention::Custom(days) => u64::from(days.get()),
    };
    let oldest = now.checked_sub_days(Days::new(days))?;
    let (number, error) = delete_before(runs, oldest).err()?;
    let message = format!(
        "{number} files of runs before {} could not be deleted from `{}`: {error}",
        oldest.format("%Y-%m-%d"),
        runs.display()
    );
    let found = Diagnostic::new(codes::RECORDS_NOT_EXPIRED, message).in_stage(Stage::Record);
    let found = found.about("folder", runs.display().to_string()).about("files", number.to_string());
    Some(found.about("cause", error.to_string()))
}

/// Deletes the files of runs before a time. How many remain, and why the first does.
fn delete_before(runs: &Path, oldest: DateTime<Utc>) -> Result<(), (usize, io::Error)> {
    let entries = match fs::read_dir(runs) {
        Ok(entries) => entries,
        // Nothing has run here yet.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err((1, error)),
    };
    let is_old = |name: &str| {
        let (time, rest) = name.split_at_checked(file_time(oldest).len())?;
        let at = NaiveDateTime::parse_from_str(time, TIME).ok()?.and_utc();
        let ending = rest.strip_prefix('-')?.split_once('.')?.1;
        ENDINGS.iter().position(|known| *known == ending).filter(|_| at < oldest)
    };
    let mut old: Vec<(usize, std::path::PathBuf)> = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| (1, error))?;
        if let Some(place) = is_old(&entry.file_name().to_string_lossy()) {
            old.push((place, entry.path()));
        }
    }
    old.sort();
    let failures = old.into_iter().filter_map(|(_, path)| match fs::remove_file(path) {
        Ok(()) => None,
        // Another run of this folder does the same.
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(error),
    });
    let failures: Vec<io::Error> = failures.collect();
    let number = failures.len();
    failures.into_iter().next().map_or(Ok(()), |error| Err((number, error)))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn records_are_deleted_when_they_are_old_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let name = |time: &str, ending: &str| format!("{}-abcdef012345.{ending}", file_time(at(time)));
        let (old, young) = ("2026-01-01T00:00:00Z", "2026-01-09T00:00:00.000001Z");
        let kept = [
            name(young, "json"),
            name(young, "ir"),
            name(young, "capture.json"),
            name(old, "other.json"),
            name(old, "txt"),
            format!("{}.json", file_time(at(old))),
            "notes.json".to_owned(),
            "20260101.json".to_owned(),
            "é".repeat(40),
        ];
        let gone = [
            name(old, "json"),
            name(old, "ir"),
            name(old, "capture.json"),
            name("2026-01-08T23:59:59Z", "json"),
        ];
        for file in kept.iter().chain(&gone) {
            fs::write(folder.path().join(file), "").unwrap();
        }
        let days = RecordRetention::Custom(NonZeroU32::new(1).unwrap());
        assert_eq!(expire(folder.path(), days, at("2026-01-10T00:00:00.000001Z")), None);
        let mut left: Vec<String> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let mut kept = kept.to_vec();
        kept.sort();
        assert_eq!(left, kept);
        for retention in [RecordRetention::Short, RecordRetention::Long] {
            assert_eq!(expire(folder.path(), retention, at("2026-01-11T00:00:00Z")), None);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), kept.len());
        let nowhere = folder.path().join("none");
        assert_eq!(expire(&nowhere, RecordRetention::Short, at(young)), None, "nothing has run there");
        fs::write(&nowhere, "").unwrap();
        let told = expire(&nowhere, RecordRetention::Short, at(young)).unwrap();
        assert_eq!((told.code, told.stage), (codes::RECORDS_NOT_EXPIRED, Some(Stage::Record)));
        assert_eq!(told.context["folder"], nowhere.display().to_string());
    }
}
