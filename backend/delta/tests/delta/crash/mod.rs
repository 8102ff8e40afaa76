//! The power is cut after every step of a run of five outputs: whatever survives, no version names a file that is
//! missing or short, and nothing that was reported is lost. And every single sync is needed for that.

mod disk;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use delta::{CommitOptions, Disk, TableTarget, WriteOptions, publish};
use serde_json::Value;

use self::disk::{Cut, Model, Recorder, Step};
use crate::fixtures::{Lake, append, crowd, files, overwrite, people, people_schema, write};

/// Everything below a folder.
fn tree(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tree(&path, found);
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
}

/// The path that a URL-encoded one stands for.
fn decoded(path: &str) -> String {
    let url = url::Url::parse(&format!("file:///{path}")).unwrap();
    url.to_file_path().unwrap().strip_prefix("/").unwrap().to_str().unwrap().to_owned()
}

/// What is wrong with the files that survived, beside those of a machine that did not crash.
fn wrong(
    survivors: &BTreeMap<PathBuf, Vec<u8>>,
    whole: &BTreeMap<PathBuf, Vec<u8>>,
    reported: &[PathBuf],
) -> Option<String> {
    for path in reported {
        if survivors.get(path) != whole.get(path) {
            return Some(format!("{} was reported and is lost", path.display()));
        }
    }
    let mut active: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    let mut next: BTreeMap<PathBuf, u64> = BTreeMap::new();
    // In order of their names, so of their versions.
    for (path, bytes) in survivors {
        let Some(log) = path.parent().filter(|log| log.ends_with("_delta_log")) else { continue };
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(version) = name.strip_suffix(".json").and_then(|digits| digits.parse::<u64>().ok()) else {
            continue;
        };
        if whole.get(path) != Some(bytes) {
            return Some(format!("{} is cut", path.display()));
        }
        let table = log.parent().unwrap().to_path_buf();
        let expected = next.entry(table.clone()).or_default();
        if *expected != version {
            return Some(format!("{} comes after a gap", path.display()));
        }
        *expected += 1;
        for line in std::str::from_utf8(bytes).unwrap().lines() {
            let action: Value = serde_json::from_str(line).unwrap();
            let path = |action: &Value| action["path"].as_str().unwrap().to_owned();
            let files = active.entry(table.clone()).or_default();
            if let Some(add) = action.get("add") {
                files.insert(path(add));
            } else if let Some(remove) = action.get("remove") {
                assert!(files.remove(&path(remove)), "{line}");
            }
        }
    }
    for (table, files) in active {
        for file in files {
            let file = table.join(decoded(&file));
            if survivors.get(&file) != whole.get(&file) || !survivors.contains_key(&file) {
                return Some(format!("{} is named and missing or short", file.display()));
            }
        }
    }
    None
}

/// What is wrong after any of the steps, if the sync at index `skipped` did nothing.
fn violation(
    before: &Model,
    steps: &[Step],
    whole: &BTreeMap<PathBuf, Vec<u8>>,
    skipped: Option<usize>,
    seeds: &[u64],
) -> Option<String> {
    let mut model = before.clone();
    let mut reported = Vec::new();
    let cuts =
        [Cut::All, Cut::Contents, Cut::Names].into_iter().chain(seeds.iter().map(|seed| Cut::Some(*seed)));
    let cuts: Vec<Cut> = cuts.collect();
    for (index, step) in steps.iter().enumerate() {
        if skipped != Some(index) {
            model.apply(step);
        }
        if let Step::Report(path) = step {
            reported.push(path.clone());
        }
        for cut in &cuts {
            if let Some(wrong) = wrong(&model.survivors(*cut), whole, &reported) {
                return Some(format!("after step {index} ({step:?}), losing {cut:?}: {wrong}"));
            }
        }
    }
    None
}

/// Two tables that are there, one of them partitioned, and folders that a killed process left behind unsynced.
async fn lake() -> (Lake, Vec<PathBuf>) {
    let lake = Lake::new();
    let by_name = WriteOptions { partition_by: vec!["name".into()], ..overwrite() };
    write(&lake.at("appended"), &[people(&[(1, "a"), (2, "b")])], by_name).await;
    write(&lake.at("replaced"), &[crowd(0, 10)], overwrite()).await;
    let left = ["left", "left/over", "appended/name=c"];
    for folder in left {
        std::fs::create_dir(lake.path(folder)).unwrap();
    }
    let left = left.iter().map(|folder| lake.path(folder)).collect();
    (lake, left)
}

/// A run of five outputs and its record, as recorded.
async fn run(lake: &Lake) -> Vec<Step> {
    let recorder = Recorder { root: lake.root.path().into(), steps: Arc::new(Mutex::new(Vec::new())) };
    let disk = Disk::new(Arc::new(recorder.clone()));
    let parts = vec!["name".to_owned()];
    let outputs = [
        (
            "appended",
            WriteOptions { disk: disk.clone(), ..append() },
            people(&[(3, "a"), (4, "c d"), (5, "c")]),
        ),
        ("left/over/table", WriteOptions { disk: disk.clone(), ..overwrite() }, crowd(0, 20)),
        (
            "new/and/deep",
            WriteOptions { disk: disk.clone(), partition_by: parts, ..overwrite() },
            people(&[(1, "x"), (2, "y")]),
        ),
        ("plain", WriteOptions { disk: disk.clone(), ..append() }, crowd(0, 30)),
        ("replaced", WriteOptions { disk: disk.clone(), ..overwrite() }, crowd(100, 5)),
    ];
    let mut targets = Vec::new();
    for (table, options, batch) in outputs {
        let target = TableTarget::prepare(&lake.at(table), people_schema(), options).await.unwrap();
        targets.push((table, target, batch));
    }
    let (mut staged, mut tables) = (Vec::new(), Vec::new());
    for (table, target, batch) in targets {
        let written = files(&target, &[batch]).await.unwrap();
        staged.push(target.stage(vec![written], &CommitOptions::default()).await.unwrap());
        tables.push(table);
    }
    for (table, commit) in tables.iter().zip(publish(staged, || false).await.unwrap()) {
        recorder.report(lake.path(table).join(format!("_delta_log/{:020}.json", commit.version)));
    }
    let records = lake.path(".codeanatomy/runs");
    let record = ["run.ir", "run.json"].map(|name| (name.to_owned(), name.repeat(100).into_bytes()));
    disk.keep_files(&records, record.to_vec()).await.unwrap();
    recorder.report(records.join("run.ir"));
    recorder.report(records.join("run.json"));
    recorder.steps.lock().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_power_may_be_cut_at_any_step_and_every_sync_is_needed() {
    let (lake, unsynced) = lake().await;
    let before = Model::of(lake.root.path(), &unsynced);
    let steps = run(&lake).await;
    let mut whole = BTreeMap::new();
    tree(lake.root.path(), &mut whole);
    let seeds: Vec<u64> = (1..=20).map(|seed: u64| seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
    assert_eq!(violation(&before, &steps, &whole, None, &seeds), None, "seeds {seeds:?}");
    let syncs: Vec<usize> = (0..steps.len()).filter(|index| steps[*index].is_sync()).collect();
    // Seven data files, five commits, two records; and the folders of all of them.
    assert!(syncs.len() > 30, "{steps:#?}");
    for skipped in syncs {
        let found = violation(&before, &steps, &whole, Some(skipped), &[]);
        assert!(found.is_some(), "step {skipped} of {} is not needed: {:?}", steps.len(), steps[skipped]);
    }
}

#[tokio::test]
async fn a_kept_file_is_never_replaced_and_leaves_nothing_else() {
    let lake = Lake::new();
    let (disk, folder) = (Disk::default(), lake.path("some/where"));
    let file = |text: &str| vec![("record.json".to_owned(), text.as_bytes().to_vec())];
    disk.keep_files(&folder, file("first")).await.unwrap();
    let error = disk.keep_files(&folder, file("second")).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(folder.join("record.json")).unwrap(), b"first");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
}
