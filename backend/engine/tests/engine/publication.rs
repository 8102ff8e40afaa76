//! What happens between the first commit of a run and its last.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use delta::Disk;
use delta::durable::{FileSystem, LocalFiles, NewFile};
use engine::{Cancellation, ExecutionObserver, RunError, RunOptions, SegmentOutcome, execute};

use crate::lake::Lake;
use crate::outputs::{lake, two_outputs};

/// A file system in which something happens right after the commit of `bad` became visible.
#[derive(Debug)]
struct Meddling {
    then: fn(&Path),
    cancellation: Cancellation,
}

impl FileSystem for Meddling {
    fn create(&self, file: &Path) -> io::Result<Box<dyn NewFile>> {
        LocalFiles.create(file)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        LocalFiles.create_folder(folder)
    }

    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        LocalFiles.link(file, name)?;
        if name.parent().is_some_and(|log| log.ends_with("bad/_delta_log")) {
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
        LocalFiles.sync_folder(folder)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        LocalFiles.exists(path)
    }

    fn is_mount_point(&self, folder: &Path) -> io::Result<bool> {
        LocalFiles.is_mount_point(folder)
    }
}

async fn run_meddled(lake: &Lake, then: fn(&Path)) -> Result<engine::RunOutcome, RunError> {
    let dag = lake.compile(&two_outputs("id")).await;
    let mut options = RunOptions::new(lake.dir.path(), "run-1");
    options.disk = Disk::new(Arc::new(Meddling { then, cancellation: options.cancellation.clone() }));
    execute(&lake.session, &dag, &options).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_commit_names_what_was_published_before() {
    let lake = lake().await;
    // Somebody else takes the first version of `good` right after `bad` is committed.
    let error = run_meddled(&lake, |lake| {
        let first = "_delta_log/00000000000000000000.json";
        std::fs::copy(lake.join("words").join(first), lake.join("good").join(first)).unwrap();
    });
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

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_after_its_first_commit_goes_on() {
    let lake = lake().await;
    let outcome = run_meddled(&lake, |_| {}).await.unwrap();
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
