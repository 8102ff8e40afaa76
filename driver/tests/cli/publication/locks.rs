//! Two who publish to one table at once.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::program::{SPEC, command, driver_in, err, exits, listing, with_tables, write_repository};

#[track_caller]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Takes the lock of an output of `spec.yaml`, as another process would.
fn hold(folder: &Path, table: &str) -> File {
    let locks = folder.join(".codeanatomy/locks");
    fs::create_dir_all(&locks).unwrap();
    let file = File::create(locks.join(table)).unwrap();
    file.lock().unwrap();
    file
}

fn start(folder: &Path, arguments: &[&str]) -> Child {
    command(folder, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_run_waits_for_who_writes_its_tables_and_says_so() {
    let folder = with_tables();
    let held = hold(folder.path(), "names");
    let refused = driver_in(folder.path(), ["run", "spec.yaml", "--lock-timeout", "0"]);
    exits(&refused, 1);
    assert!(
        err(&refused).contains("E0715") && err(&refused).contains("another process"),
        "{}",
        err(&refused)
    );
    assert!(!folder.path().join("names").exists() && !folder.path().join(".codeanatomy/runs").exists());

    let mut waits = start(folder.path(), &["run", "spec.yaml"]);
    let mut line = [0; 9];
    waits.stderr.as_mut().unwrap().read_exact(&mut line).unwrap();
    assert_eq!(&line, b"waiting: ");
    assert!(!folder.path().join("names").exists());
    drop(held);
    let output = waits.wait_with_output().unwrap();
    exits(&output, 0);
    assert!(folder.path().join("names/_delta_log").is_dir());
    // Nothing is left of the locks.
    assert!(!folder.path().join(".codeanatomy/locks/per_file").exists());
}

/// However a spec names its table, and wherever the spec lies.
#[cfg(unix)]
#[test]
fn every_spelling_of_a_table_is_one_lock() {
    let folder = with_tables();
    fs::create_dir_all(folder.path().join("deep/er")).unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("deep/link")).unwrap();
    let _held = hold(folder.path(), "names");
    let file = format!(
        "file://{}",
        folder.path().join("names").canonicalize().unwrap_or(folder.path().join("names")).display()
    );
    for place in ["./names", "deep/../names/", "deep/link/names", file.as_str()] {
        let named = format!("{{table_name: other, delta_location: \"{place}\",");
        let spec = SPEC.replace("{table_name: names,", &named);
        fs::write(folder.path().join("spelled.yaml"), spec).unwrap();
        let refused = driver_in(folder.path(), ["run", "spelled.yaml", "--lock-timeout", "0"]);
        exits(&refused, 1);
        assert!(err(&refused).contains("E0715"), "{place}: {}", err(&refused));
    }
}

#[test]
fn appends_do_not_wait_for_each_other() {
    let folder = with_tables();
    let appends = SPEC.replace("source_view: names}", "source_view: names, materialization_mode: Append}");
    fs::write(folder.path().join("spec.yaml"), appends).unwrap();
    let held = hold(folder.path(), "names");
    held.unlock().unwrap();
    held.lock_shared().unwrap();
    exits(&driver_in(folder.path(), ["run", "spec.yaml", "--lock-timeout", "0"]), 0);
    fs::write(folder.path().join("spec.yaml"), SPEC).unwrap();
    exits(&driver_in(folder.path(), ["run", "spec.yaml", "--lock-timeout", "0"]), 1);
}

/// A build that is killed leaves a file and no lock; while it runs, another one learns who it is.
#[cfg(unix)]
#[test]
fn a_killed_build_keeps_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    write_repository(folder.path());
    let text = "def f(a, b):\n    c = a + b\n    return f(c, c)\n\n".repeat(1500);
    for number in 0..60 {
        fs::write(folder.path().join(format!("pkg/m{number}.py")), &text).unwrap();
    }
    let mut first = start(folder.path(), &["build", ".", "--lake", "lake"]);
    let lock = folder.path().join("lake/.codeanatomy/locks/cpg_edges");
    wait_until("the first build has no lock", || fs::read(&lock).is_ok_and(|text| !text.is_empty()));
    let second = driver_in(folder.path(), ["build", ".", "--lake", "lake", "--lock-timeout", "0"]);
    exits(&second, 1);
    for text in ["E0715", "a build of .", &format!("process {}", first.id()), "since 20"] {
        assert!(err(&second).contains(text), "no `{text}` in {}", err(&second));
    }
    assert!(Command::new("kill").args(["-KILL", &first.id().to_string()]).status().unwrap().success());
    first.wait().unwrap();
    assert!(lock.exists());
    for number in 0..60 {
        fs::remove_file(folder.path().join(format!("pkg/m{number}.py"))).unwrap();
    }
    exits(&driver_in(folder.path(), ["build", ".", "--lake", "lake", "--lock-timeout", "0"]), 0);
    assert!(!lock.exists(), "{:?}", listing(&folder.path().join("lake/.codeanatomy")));
}

/// What a folder brings where locks should be is not written through.
#[cfg(unix)]
#[test]
fn a_lock_that_is_no_file_is_refused() {
    let folder = with_tables();
    let victim = folder.path().join("victim");
    fs::write(&victim, "untouched").unwrap();
    fs::create_dir_all(folder.path().join(".codeanatomy/locks")).unwrap();
    std::os::unix::fs::symlink(&victim, folder.path().join(".codeanatomy/locks/names")).unwrap();
    let refused = driver_in(folder.path(), ["run", "spec.yaml"]);
    exits(&refused, 1);
    assert!(err(&refused).contains("E0714"), "{}", err(&refused));
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
}

/// Locks need folders; a run that makes no table leaves none of them.
#[test]
fn a_refused_run_leaves_no_folder_of_a_lock() {
    let folder = with_tables();
    let spec = SPEC
        .replace("{table_name: names,", "{table_name: names, delta_location: new/lake/names,")
        .replace("{table_name: per_file,", "{table_name: per_file, delta_location: new/other/per_file,")
        .replace("columns: [path, name]", "columns: [path, no_such_column]");
    fs::write(folder.path().join("spec.yaml"), spec).unwrap();
    let before = listing(folder.path());
    exits(&driver_in(folder.path(), ["run", "spec.yaml"]), 1);
    assert_eq!(listing(folder.path()), before);
}
