//! Notices when a run stands still.
//!
//! A run makes progress when a segment begins, ends or is planned, when a batch reaches a store or a writer, when any
//! metric of any operator of a running plan changes, when memory is taken or given back, or when temporary files
//! grow. A sort that emits nothing for minutes still counts the rows it takes in, and so does a hash join that builds.
//!
//! An operator that computes for long in one go changes none of these. So a thread of the runtime that has not
//! been idle since the last look counts as progress too, unless the system says that the process as a whole used
//! hardly any processor time meanwhile: then the thread is not computing, it is blocked. While a segment is being planned,
//! the threads that replay a table's log are not the runtime's; then processor time alone counts.
//!
//! What is not detected: a thread that computes for ever, and a blocked thread where the system does not tell
//! processor time. What is taken for a hang without being one: a store that does not answer for as long as the
//! timeout, and work of that length on threads outside the runtime; the timeout can be raised.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use datafusion::execution::memory_pool::MemoryPool;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::MetricValue;
use tokio::runtime::RuntimeMetrics;

use crate::operators::leaf::{inputs, seen};
use crate::resources::SpillSpace;
use crate::session::Session;

/// What running segments use.
pub(super) struct Resources {
    pub(super) memory: Arc<dyn MemoryPool>,
    pub(super) spills: Arc<SpillSpace>,
}

impl Resources {
    pub(super) fn of(session: &Session) -> Self {
        let memory = Arc::clone(&session.state().runtime_env().memory_pool);
        Self { memory, spills: Arc::clone(session.spills()) }
    }
}

/// How many operators are named for one segment.
const NAMED_OPERATORS: usize = 8;

/// The segments that are running.
#[derive(Debug, Default)]
pub(super) struct Running(Mutex<BTreeMap<String, Segment>>);

/// A segment while it runs.
#[derive(Debug, Default)]
struct Segment {
    /// Absent while it is being planned.
    plan: Option<Arc<dyn ExecutionPlan>>,
    rows: Arc<AtomicU64>,
}

impl Running {
    fn segments(&self) -> MutexGuard<'_, BTreeMap<String, Segment>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A segment begins; `rows` counts what it gives.
    pub(super) fn begin(&self, title: &str, rows: &Arc<AtomicU64>) {
        self.segments().insert(title.to_owned(), Segment { plan: None, rows: Arc::clone(rows) });
    }

    /// A segment is planned.
    pub(super) fn planned(&self, title: &str, plan: &Arc<dyn ExecutionPlan>) {
        if let Some(segment) = self.segments().get_mut(title) {
            segment.plan = Some(Arc::clone(plan));
        }
    }

    /// Whether a segment is being planned.
    fn is_planning(&self) -> bool {
        self.segments().values().any(|segment| segment.plan.is_none())
    }

    /// A segment ended.
    pub(super) fn end(&self, title: &str) {
        self.segments().remove(title);
    }

    /// A number that changes whenever a segment gets on.
    fn fingerprint(&self, resources: &Resources) -> u64 {
        let mut hasher = DefaultHasher::new();
        resources.memory.reserved().hash(&mut hasher);
        resources.spills.usage().written_bytes.hash(&mut hasher);
        for (title, segment) in self.segments().iter() {
            (title, segment.rows.load(Ordering::Relaxed), segment.plan.is_some()).hash(&mut hasher);
            let mut open: Vec<&Arc<dyn ExecutionPlan>> = segment.plan.iter().map(seen).collect();
            while let Some(plan) = open.pop() {
                let metrics = plan.metrics();
                for metric in metrics.iter().flat_map(|metrics| metrics.iter()) {
                    metric.value().as_usize().hash(&mut hasher);
                }
                open.extend(inputs(plan));
            }
        }
        hasher.finish()
    }

    /// The operators of every running segment that have not ended, inputs first, with the rows they gave: the run
    /// hangs in one of them, most likely in one that gave fewer rows than its input, or in the first.
    pub(super) fn unfinished(&self) -> Vec<String> {
        let segments = self.segments();
        let describe = |(title, segment): (&String, &Segment)| match &segment.plan {
            None => format!("{title} is being planned"),
            Some(plan) => {
                let mut found = Vec::new();
                unfinished(seen(plan), &mut found);
                let more = found.len().saturating_sub(NAMED_OPERATORS);
                found.truncate(NAMED_OPERATORS);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                let operators = if found.is_empty() { "its writers".to_owned() } else { found.join(", ") };
                format!("{title} is in {operators}{more}")
            }
        };
        segments.iter().map(describe).collect()
    }
}

/// Collects the operators of a plan that have not ended, inputs first.
#[expect(clippy::wildcard_enum_match_arm, reason = "metrics of which two are times")]
fn unfinished(plan: &Arc<dyn ExecutionPlan>, found: &mut Vec<String>) {
    let (mut began, mut ended) = (0, 0);
    let metrics = plan.metrics();
    for metric in metrics.iter().flat_map(|metrics| metrics.iter()) {
        match metric.value() {
            MetricValue::StartTimestamp(time) => began += usize::from(time.value().is_some()),
            MetricValue::EndTimestamp(time) => ended += usize::from(time.value().is_some()),
            _ => {}
        }
    }
    // An operator without times may be anywhere.
    if began > 0 && ended >= began {
        return;
    }
    for input in inputs(plan) {
        unfinished(input, found);
    }
    let rows = metrics.and_then(|metrics| metrics.output_rows());
    let rows = rows.map(|rows| format!(" ({rows} rows given)")).unwrap_or_default();
    found.push(format!("{}{rows}", plan.name()));
}

/// What is seen of a run at one moment.
#[derive(Clone, Copy, Debug)]
struct Look {
    at: Instant,
    fingerprint: u64,
    computing: bool,
}

/// For how long looks have shown no progress.
#[derive(Debug)]
struct Stillness {
    last: Look,
    still: Duration,
}

impl Stillness {
    fn new(first: Look) -> Self {
        Self { last: first, still: Duration::ZERO }
    }

    /// Takes a look. One that comes late counts as `interval`: the machine may have slept, or been busy elsewhere.
    fn look(&mut self, look: Look, interval: Duration) -> Duration {
        let progress = look.computing || look.fingerprint != self.last.fingerprint;
        let passed = look.at.saturating_duration_since(self.last.at).min(interval * 2);
        self.still = if progress { Duration::ZERO } else { self.still + passed };
        self.last = look;
        self.still
    }
}

/// Looks at the threads of the runtime.
struct Threads {
    runtime: RuntimeMetrics,
    /// How often each thread went idle or came back.
    turns: Vec<u64>,
    used: Option<Duration>,
    at: Instant,
}

impl Threads {
    fn new() -> Self {
        let runtime = tokio::runtime::Handle::current().metrics();
        let turns = turns(&runtime);
        Self { runtime, turns, used: processor_time(), at: Instant::now() }
    }

    /// Whether a thread has computed ever since the last time this was asked. While something is being planned,
    /// threads outside of the runtime read logs: then any use of the processor counts.
    fn computing(&mut self, planning: bool) -> bool {
        let (turns, used, at) = (turns(&self.runtime), processor_time(), Instant::now());
        // An even number says that the thread is not idle.
        let busy = turns.iter().zip(&self.turns).any(|(now, before)| now == before && now % 2 == 0);
        let passed = at.saturating_duration_since(self.at);
        let used_since = match (used, self.used) {
            (Some(now), Some(before)) => Some(now.saturating_sub(before)),
            _ => None,
        };
        (self.turns, self.used, self.at) = (turns, used, at);
        match used_since {
            Some(used) => (busy || planning) && used >= passed / 10,
            None => busy,
        }
    }
}

fn turns(runtime: &RuntimeMetrics) -> Vec<u64> {
    (0..runtime.num_workers()).map(|worker| runtime.worker_park_unpark_count(worker)).collect()
}

/// The processor time this process has used, where the system tells.
fn processor_time() -> Option<Duration> {
    /// The unit of the times in `/proc/self/stat`, the same on every Linux.
    const TICKS_PER_SECOND: u64 = 100;
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program comes second, in parentheses, and may hold anything; the times are 12th and 13th after it.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 1000 / TICKS_PER_SECOND))
}

/// Returns when the running segments have made no progress for this long.
pub(super) async fn stands_still(running: &Running, resources: &Resources, timeout: Duration) {
    let interval = (timeout / 20).clamp(Duration::from_millis(10), Duration::from_secs(1));
    let mut threads = Threads::new();
    let mut look = || Look {
        at: Instant::now(),
        fingerprint: running.fingerprint(resources),
        computing: threads.computing(running.is_planning()),
    };
    let mut stillness = Stillness::new(look());
    loop {
        tokio::time::sleep(interval).await;
        if stillness.look(look(), interval) >= timeout {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use datafusion::physical_plan::collect;
    use datafusion::prelude::SessionContext;

    use super::*;
    use crate::operators::leaf::{PlannedPart, RowSource as _};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn only_looks_without_any_change_add_up() {
        let begin = Instant::now();
        let look = |second: u32, fingerprint, computing| Look {
            at: begin + SECOND * second,
            fingerprint,
            computing,
        };
        let mut stillness = Stillness::new(look(0, 7, false));
        assert_eq!(stillness.look(look(1, 7, false), SECOND), SECOND);
        assert_eq!(stillness.look(look(2, 7, false), SECOND), SECOND * 2);
        assert_eq!(stillness.look(look(3, 8, false), SECOND), Duration::ZERO, "something changed");
        assert_eq!(stillness.look(look(4, 8, false), SECOND), SECOND);
        assert_eq!(stillness.look(look(5, 8, true), SECOND), Duration::ZERO, "a thread computes");
        assert_eq!(stillness.look(look(3605, 8, false), SECOND), SECOND * 2, "the machine slept for an hour");
    }

    /// Parts of a segment hide their operators from the rules of planning, not from here.
    #[tokio::test]
    async fn operators_of_a_part_count_as_operators_of_its_segment() {
        let context = SessionContext::new();
        let query = "SELECT value FROM generate_series(1, 100) WHERE value % 3 = 1";
        let hidden = context.sql(query).await.unwrap().create_physical_plan().await.unwrap();
        let part = PlannedPart::new("v", hidden).leaf();
        let session = Session::new(crate::SessionOptions::for_this_machine()).unwrap();
        let running = Running::default();
        let resources = Resources::of(&session);
        running.begin("segment", &Arc::default());
        running.planned("segment", &part);
        let before = running.fingerprint(&resources);
        assert_eq!(running.fingerprint(&resources), before, "nothing happened");
        let unfinished = running.unfinished().join("; ");
        assert!(unfinished.contains("FilterExec") && !unfinished.contains("PartExec"), "{unfinished}");
        collect(part, context.task_ctx()).await.unwrap();
        assert_ne!(running.fingerprint(&resources), before, "a filter gave rows");
    }

    #[test]
    fn a_busy_process_uses_processor_time() {
        let Some(before) = processor_time() else { return };
        let begin = Instant::now();
        let mut sum = 0_u64;
        while processor_time() == Some(before) {
            assert!(begin.elapsed().as_secs() < 20, "20 seconds of work leave no trace");
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
    }
}
