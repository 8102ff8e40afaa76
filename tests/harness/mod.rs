//! What the tests of the suite stand on: cases and how they are compiled and run, tables from fixtures, goldens.

mod case;
mod compile;
mod extraction;
mod fixture;
mod golden_file;
mod rows;
mod run;

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use engine::{Session, SessionOptions};
use libtest_mimic::{Failed, Trial};
use pipeline::{Cancellation, WorkerOptions, Workers};
use tokio::runtime::Runtime;

pub(crate) use case::Case;
pub(crate) use compile::{Stage, case_oracle, compile_text, fixture_oracle};
pub(crate) use fixture::{write_batches, write_fixtures};
pub(crate) use golden_file::{assert_snapshot, golden_path, read_golden, same_but_for_phase, stage_text};
pub(crate) use rows::Rows;
pub(crate) use run::{Execution, digests, execute, plans, read_sql};

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A test with a deep stack, whose panic is its failure.
pub(crate) fn trial(name: impl Into<String>, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || on_deep_stack(test).map_err(Failed::from))
}

/// Runs something on a thread with a deep stack; a panic becomes its message.
pub(crate) fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    let done = catch_unwind(AssertUnwindSafe(|| pipeline::on_deep_stack(work)));
    done.map(|done| done.expect("a thread starts")).map_err(|payload| panic_message(payload.as_ref()))
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".to_owned())
}

/// The threads all tests share.
pub(crate) fn workers() -> &'static Workers {
    static WORKERS: LazyLock<Workers> = LazyLock::new(|| {
        let options = WorkerOptions { session: session_options(4, 8192), ..WorkerOptions::default() };
        Workers::new(options, Cancellation::new())
    });
    &WORKERS
}

/// The runtime of these threads.
pub(crate) fn runtime() -> &'static Runtime {
    workers().runtime().expect("a runtime starts")
}

fn session_options(target_partitions: usize, batch_size: usize) -> SessionOptions {
    SessionOptions {
        target_partitions,
        memory_limit_bytes: MEMORY,
        spill_limit_bytes: Some(1 << 30),
        batch_size,
        ..SessionOptions::for_this_machine()
    }
}

/// The memory of a session, in bytes.
pub(crate) const MEMORY: usize = 256 << 20;

/// A session with so much memory.
pub(crate) fn session_within(target_partitions: usize, batch_size: usize, bytes: usize) -> Session {
    let options =
        SessionOptions { memory_limit_bytes: bytes, ..session_options(target_partitions, batch_size) };
    Session::new(options).expect("a session is built")
}

/// A session that is the same on every machine.
pub(crate) fn session(target_partitions: usize, batch_size: usize) -> Session {
    Session::new(session_options(target_partitions, batch_size)).expect("a session is built")
}

/// The files below a folder, relative to it and with `/`, sorted.
pub(crate) fn files_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).into_iter().flatten() {
            let path = entry.expect("a folder entry is read").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let relative = path.strip_prefix(folder).expect("it lies below");
                found.push(relative.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

/// The folders and files directly in a folder, sorted by name.
pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("a folder entry is read").path())
        .collect();
    found.sort();
    found
}

/// The name of a file or folder without its extension.
pub(crate) fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The folders directly in a folder, by name.
pub(crate) fn folders(folder: &Path) -> BTreeMap<String, PathBuf> {
    entries(folder).into_iter().filter(|path| path.is_dir()).map(|path| (stem(&path), path)).collect()
}

/// Copies a folder with everything in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder is made");
    for entry in entries(from) {
        let target = to.join(entry.file_name().expect("it has a name"));
        if entry.is_dir() {
            copy_folder(&entry, &target);
        } else {
            std::fs::copy(&entry, &target).expect("a file is copied");
        }
    }
}
