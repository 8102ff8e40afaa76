//! What is told of runs, and that nothing is made for nobody.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::{SPEC, compiled_by, extract_all, repository, workers};
use crate::{
    Cancellation, CompileRequest, EventLog, Observer, PublishOptions, Source, TRACING_TARGET, Workers,
    compile, events_made, new_run_id, publish,
};

/// Held by tests that make events or count them.
fn counting() -> MutexGuard<'static, ()> {
    static COUNTING: Mutex<()> = Mutex::new(());
    COUNTING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(folder: &std::path::Path, workers: &Workers, observer: Arc<dyn Observer>) {
    let source = Source::from_bytes(SPEC.as_bytes(), "spec.yaml".into(), "spec", folder).unwrap();
    let request = CompileRequest { tracing: Some(&observer), ..CompileRequest::new(source, workers) };
    publish(compile(request).unwrap(), workers, PublishOptions::default(), observer).unwrap();
}

#[test]
fn events_are_made_where_they_are_asked_for_and_nowhere_else() {
    let (folder, workers) = (repository(), workers(&Cancellation::new()));
    extract_all(folder.path(), &workers, &()).unwrap();
    let _alone = counting();
    let before = events_made();
    run(folder.path(), &workers, Arc::new(()));
    run(folder.path(), &workers, Arc::new(None::<EventLog>));
    assert_eq!(events_made(), before);
    run(folder.path(), &workers, Arc::new(EventLog::to(std::io::sink(), &new_run_id())));
    assert!(events_made() > before + 30);
}

/// Counts the spans and events of this program that are made in this thread.
struct Counting {
    wants: bool,
    made: Arc<AtomicU64>,
}

impl Subscriber for Counting {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.wants && metadata.target() == TRACING_TARGET
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(self.made.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn event(&self, _: &Event<'_>) {
        self.made.fetch_add(1, Ordering::Relaxed);
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn a_subscriber_is_told_what_it_wants_and_nothing_is_made_for_one_that_wants_nothing() {
    let (folder, workers) = (repository(), workers(&Cancellation::new()));
    extract_all(folder.path(), &workers, &()).unwrap();
    for (wants, least) in [(true, 20), (false, 0)] {
        let made = Arc::new(AtomicU64::new(0));
        let subscriber = Counting { wants, made: Arc::clone(&made) };
        tracing::subscriber::with_default(subscriber, || run(folder.path(), &workers, Arc::new(())));
        let made = made.load(Ordering::Relaxed);
        assert!(if wants { made >= least } else { made == 0 }, "{made}");
    }
}

#[test]
fn an_observer_made_of_others_tells_each() {
    #[derive(Default)]
    struct Compiled(AtomicU64);
    impl Observer for Compiled {
        fn compiled(&self, _: &crate::Compilation) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let (folder, workers) = (repository(), workers(&Cancellation::new()));
    extract_all(folder.path(), &workers, &()).unwrap();
    let source = Source::from_bytes(SPEC.as_bytes(), "spec.yaml".into(), "spec", folder.path()).unwrap();
    let compiled = compiled_by(source, &workers).unwrap();
    let shared = Arc::new(Compiled::default());
    let all = ((Some(&shared), None::<Compiled>), (Arc::clone(&shared), &*shared));
    all.compiled(&compiled);
    assert_eq!(shared.0.load(Ordering::Relaxed), 3);
}
