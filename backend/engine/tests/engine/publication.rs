//! What happens between the first commit of a run and its last.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use delta::durable::{FileSystem, LocalFiles, NewFile};
use delta::{DeltaError, Disk};
use engine::{Cancellation, ExecutionObserver, RunError, RunOptions, SegmentOutcome, execute};

use crate::lake::Lake;
use crate::outputs::{lake, two_outputs};

/// The commit that creates a table.
const FIRST: &str = "00000000000000000000.json";

/// What goes wrong with the commit of `bad`.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// Half of it is there, and no answer comes.
    NoAnswer,
    /// It is there, and its name cannot be made durable.
    NotSynced,
}

/// A file system in which something happens right after the commit of `bad` became visible, or instead of it.
#[derive(Debug)]
struct Meddling {
    then: fn(&Path),
    cancellation: Cancellation,
    fault: Fault,
}

fn is_log_of_bad(folder: &Path) -> bool {
    folder.ends_with("bad/_delta_log")
}

impl FileSystem for Meddling {
    fn create(&self, file: &Path) -> io::Result<Box<dyn NewFile>> {
        LocalFiles.create(file)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        LocalFiles.create_folder(folder)
    }

    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        let is_bad = name.parent().is_some_and(is_log_of_bad);
        if is_bad && self.fault == Fault::NoAnswer {
            std::fs::write(name, "{\"commitInfo\":{\"ope")?;
            return Err(io::Error::other("the server did not answer"));
        }
        LocalFiles.link(file, name)?;
        if is_bad {
            (self.then)(name.ancestors().nth(3).unwrap());
            self.cancellation.cancel();
        }
        Ok(())
    }

    fn remove_file(&self, file: &Path) -> io::Result<()> {
        LocalFiles.remove_file(file)
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        LocalFiles.remove_folder(folder)
    }

    fn sync_file(&self, file: &Path) -> io::Result<()> {
        LocalFiles.sync_file(file)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        if is_log_of_bad(folder) && self.fault == Fault::NotSynced && folder.join(FIRST).exists() {
            return Err(io::Error::other("the device is gone"));
        }
        LocalFiles.sync_folder(folder)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        LocalFiles.exists(path)
    }

    fn is_mount_point(&self, folder: &Path) -> io::Result<bool> {
        LocalFiles.is_mount_point(folder)
    }
}

async fn run_meddled(lake: &Lake, then: fn(&Path), fault: Fault) -> Result<engine::RunOutcome, RunError> {
    let dag = lake.compile(&two_outputs("id")).await;
    let mut options = RunOptions::new(lake.dir.path(), "run-1");
    options.disk = Disk::new(Arc::new(Meddling { then, cancellation: options.cancellation.clone(), fault }));
    execute(&lake.session, &dag, &options).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_commit_names_what_was_published_before() {
    let lake = lake().await;
    // Somebody else takes the first version of `good` right after `bad` is committed.
    let taken = |lake: &Path| {
        let first = "_delta_log/00000000000000000000.json";
        std::fs::copy(lake.join("words").join(first), lake.join("good").join(first)).unwrap();
    };
    let error = run_meddled(&lake, taken, Fault::None);
    let error = error.await.unwrap_err();
    match &error {
        RunError::Commit { output, committed, .. } => {
            assert_eq!((output.as_str(), committed), ("good", &vec!["bad".to_owned()]))
        }
        other => panic!("{other:?}"),
    }
    assert!(error.to_string().contains("`good` was not committed"), "{error}");
    assert!(error.to_string().contains("committed: bad"), "{error}");
    assert_eq!(error.diagnostic().code.id(), "E0704");
    assert_eq!(lake.files("good").len(), 1, "only the other's commit is there: {:?}", lake.files("good"));
}

/// The commit is visible, and so is that of the other output, but a power cut may take the first away.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_cannot_be_synced_is_an_error_that_says_so() {
    let lake = lake().await;
    let error = run_meddled(&lake, |_| {}, Fault::NotSynced).await.unwrap_err();
    let RunError::Commit { output, committed, uncommitted, source } = &error else { panic!("{error:?}") };
    assert_eq!(
        (output.as_str(), committed.as_slice()),
        ("bad", ["bad".to_owned(), "good".to_owned()].as_slice())
    );
    assert!(uncommitted.is_empty() && matches!(**source, DeltaError::CommitNotDurable { version: 0, .. }));
    let text = error.to_string();
    for part in [
        "output `bad` is committed: version 0 of table `bad` is committed and visible, but may not survive",
        "the device is gone",
        "; committed: bad, good",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    assert!(!text.contains("nothing was published") && !text.contains("not committed"), "{text}");
    assert_eq!(error.diagnostic().code.id(), "E0703");
    assert_eq!(lake.rows("SELECT count(*) FROM bad").await, ["2"]);
    assert_eq!(lake.rows("SELECT count(*) FROM good").await, ["30000"]);
}

/// Neither the answer nor the log tells: nothing may claim one or the other, and its files must stay.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_outcome_is_unknown_is_called_that() {
    let lake = lake().await;
    let error = run_meddled(&lake, |_| {}, Fault::NoAnswer).await.unwrap_err();
    let RunError::Commit { output, committed, uncommitted, source } = &error else { panic!("{error:?}") };
    assert_eq!(
        (output.as_str(), committed.len(), uncommitted.as_slice()),
        ("bad", 0, ["good".to_owned()].as_slice())
    );
    let DeltaError::CommitUnknown { commit_id, .. } = source.as_ref() else { panic!("{source:?}") };
    let text = error.to_string();
    for part in [
        "output `bad` may or may not be committed: it is unknown whether version 0 of table `bad` was committed",
        commit_id.as_str(),
        "; nothing else was published; not committed: good",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    assert!(!text.contains("was not committed"), "{text}");
    assert_eq!(error.diagnostic().code.id(), "E0703");
    assert!(lake.files("bad").iter().any(|file| file.ends_with(".parquet")), "{:?}", lake.files("bad"));
    assert!(lake.files("good").is_empty(), "{:?}", lake.files("good"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_after_its_first_commit_goes_on() {
    let lake = lake().await;
    let outcome = run_meddled(&lake, |_| {}, Fault::None).await.unwrap();
    assert_eq!(outcome.outputs.len(), 2);
    assert_eq!(lake.rows("SELECT count(*) FROM good").await, ["30000"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_changed_before_the_first_commit_stops_all_of_them() {
    struct Foreign(PathBuf);
    impl ExecutionObserver for Foreign {
        /// Somebody else creates `good`, which comes last, before `bad` is committed.
        fn segment_finished(&self, _: &SegmentOutcome) {
            let log = self.0.join("good/_delta_log");
            std::fs::create_dir_all(&log).unwrap();
            let first = "00000000000000000000.json";
            std::fs::copy(self.0.join("words/_delta_log").join(first), log.join(first)).unwrap();
        }
    }
    let lake = lake().await;
    let dag = lake.compile(&two_outputs("id")).await;
    let mut options = RunOptions::new(lake.dir.path(), "run-1");
    options.observer = Arc::new(Foreign(lake.dir.path().to_path_buf()));
    let error = execute(&lake.session, &dag, &options).await.unwrap_err();
    assert!(
        matches!(&error, RunError::Commit { output, committed, .. } if output == "good" && committed.is_empty()),
        "{error}"
    );
    assert!(error.to_string().contains("not committed: bad"), "{error}");
    assert!(lake.files("bad").is_empty(), "{:?}", lake.files("bad"));
}

/// Two nodes share an id in the first; the second has an edge to a node that is not there.
#[tokio::test(flavor = "multi_thread")]
async fn outputs_that_are_a_graph_are_checked_before_anything_is_published() {
    let lake = lake().await;
    let graph = |nodes: &str, edges: &str| {
        format!(
            "graph t phase=scheduled\n\
             nodes = query query=(SELECT * FROM (VALUES {nodes}) AS t (node_id)) relations=[]\n\
             edges = query query=(SELECT * FROM (VALUES {edges}) AS t (edge_id, src_node_id, dst_node_id)) relations=[]\n\
             @nodes = sink nodes location=nodes mode=overwrite graph=nodes\n\
             @edges = sink edges location=edges mode=overwrite graph=edges\n"
        )
    };
    for (nodes, edges, column, code) in [
        ("(1), (2), (1)", "(10, 1, 2)", "node_id", "E0709"),
        ("(1), (2)", "(10, 1, 2), (11, 2, 3)", "dst_node_id", "E0708"),
    ] {
        let error = lake.run(&graph(nodes, edges)).await.unwrap_err();
        let RunError::Unsound { violations, .. } = &error else { panic!("{error:?}") };
        let found: Vec<_> =
            violations.iter().map(|found| (found.column, found.code.id(), found.count)).collect();
        assert_eq!(found, [(column, code, 1)]);
        assert!(error.to_string().ends_with("nothing was published"), "{error}");
        assert!(lake.files("nodes").is_empty() && lake.files("edges").is_empty());
    }
    let outcome = lake.run(&graph("(1), (2)", "(10, 1, 2)")).await.unwrap();
    assert_eq!((outcome.outputs.len(), outcome.checks.len()), (2, 4));
}
