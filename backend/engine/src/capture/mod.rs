//! How the segments of a run are planned, kept for whoever audits the run: each plan that ran as text, what every rule changed
//! in it, and which filters its scans were offered.
//!
//! Nothing is planned for it. The planner of the run shows its plans where it makes them ([`SegmentWatch`]), and a run without
//! a [`RunCapture`] has nobody to show them to: no text is made, no rule is compared, no scan is asked. What was done to keep
//! all this is counted in the session, for runs with and without it ([`CaptureCounters`]).

mod counters;
mod rules;
mod scans;

pub(crate) use counters::CaptureCounters;
pub use counters::CaptureUse;
pub(crate) use rules::{LogicalWatch, RuleWatch};
pub use rules::{RuleImpact, RulePhase, RuleRun};
pub use scans::{FilterAnswer, OfferedFilter, ScanCapture};

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::Schema as ArrowSchema;
use datafusion::common::Result;
use datafusion::config::ExplainOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use ir::hash::ContentHash;
use ir::hash::canonical::Encoder;
use ir::schema::{Schema, type_text};
use serde::{Deserialize, Serialize};

use crate::dag::SegmentPlan;
use crate::planning::{logical_block, optimized_block, physical_block};

/// A plan as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanCapture {
    /// What [`explain`](crate::explain) says of the segment: without the names of files and folders, so that runs of one spec
    /// over equal tables have equal texts.
    pub text: String,
    /// The hash of the text, in the domain `codeanatomy plan 1`.
    pub digest: ContentHash,
    /// The hash of the plan's columns, in the domain `codeanatomy schema 1`.
    pub schema_fingerprint: ContentHash,
}

impl PlanCapture {
    fn new(text: String, schema: &ArrowSchema) -> Self {
        let digest = text_digest(&text);
        Self { text, digest, schema_fingerprint: schema_fingerprint(schema) }
    }

    /// Whether the digest is that of the text.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.digest == text_digest(&self.text)
    }
}

fn text_digest(text: &str) -> ContentHash {
    Encoder::new("codeanatomy plan 1").text(text).finish()
}

/// The hash of columns: name, type and whether they may be NULL, in order.
fn schema_fingerprint(schema: &ArrowSchema) -> ContentHash {
    let schema = Schema::from_arrow(schema);
    let mut encoder = Encoder::new("codeanatomy schema 1");
    encoder.list(schema.fields().len());
    for field in schema.fields() {
        encoder.list(3).text(field.name()).text(&type_text(field.data_type())).boolean(field.is_nullable());
    }
    encoder.finish()
}

/// How a segment was planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentCapture {
    /// `view x` or `output x`.
    pub segment: String,
    /// Its level in the schedule.
    pub level: u32,
    /// How often it was planned: once more whenever its rows turned out to be wider than it was planned for. All else is of
    /// the last time.
    pub planned: u32,
    /// The plan as it was emitted.
    pub logical: PlanCapture,
    /// The plan as the optimizer left it; nothing where the run ended before.
    pub optimized: Option<PlanCapture>,
    /// The operators that ran; nothing where the run ended before.
    pub physical: Option<PlanCapture>,
    /// The rules that changed something, by phase and name.
    pub rules: Vec<RuleImpact>,
    /// The scans of the optimized plan, by name.
    pub scans: Vec<ScanCapture>,
}

/// What a run shows of its planning, while it goes on.
#[derive(Debug, Default)]
pub struct RunCapture {
    segments: Mutex<BTreeMap<Key, SegmentCapture>>,
    /// By segment, every time it was planned.
    rule_runs: Mutex<BTreeMap<String, Vec<Arc<RuleWatch>>>>,
}

/// Level and title: segments come after those they read.
type Key = (u32, String);

impl RunCapture {
    /// The segments that were planned so far, each after those it reads.
    #[must_use]
    pub fn segments(&self) -> Vec<SegmentCapture> {
        let segments = self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        segments.values().cloned().collect()
    }

    /// The rules that ran on the plans of a segment (`view x` or `output x`), in the order they ran.
    #[must_use]
    pub fn rule_runs(&self, segment: &str) -> Vec<RuleRun> {
        let watches = self.rule_runs.lock().unwrap_or_else(PoisonError::into_inner);
        watches.get(segment).into_iter().flatten().flat_map(|watch| watch.runs()).collect()
    }

    fn change(&self, key: &Key, change: impl FnOnce(&mut SegmentCapture)) {
        let mut segments = self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(segment) = segments.get_mut(key) {
            change(segment);
        }
    }
}

/// Who is shown the plans of a segment while they are made.
#[derive(Clone, Debug)]
pub(crate) struct SegmentWatch {
    run: Arc<RunCapture>,
    counters: Arc<CaptureCounters>,
    key: Key,
    rules: Arc<RuleWatch>,
}

impl SegmentWatch {
    /// Watches how a segment is planned, perhaps not for the first time.
    pub(crate) fn begin(
        run: &Arc<RunCapture>,
        counters: &Arc<CaptureCounters>,
        segment: &SegmentPlan,
    ) -> Self {
        let key = (segment.level, segment.title());
        counters.add_text();
        let logical = PlanCapture::new(logical_block(segment), segment.logical.schema().as_arrow());
        let mut segments = run.segments.lock().unwrap_or_else(PoisonError::into_inner);
        let planned = segments.get(&key).map_or(0, |before| before.planned);
        let captured = SegmentCapture {
            segment: key.1.clone(),
            level: segment.level,
            planned: planned.saturating_add(1),
            logical,
            optimized: None,
            physical: None,
            rules: Vec::new(),
            scans: Vec::new(),
        };
        segments.insert(key.clone(), captured);
        drop(segments);
        let rules = Arc::new(RuleWatch::new(Arc::clone(counters)));
        let mut watches = run.rule_runs.lock().unwrap_or_else(PoisonError::into_inner);
        watches.entry(key.1.clone()).or_default().push(Arc::clone(&rules));
        drop(watches);
        Self { run: Arc::clone(run), counters: Arc::clone(counters), key, rules }
    }

    /// Who is told of rules.
    pub(crate) fn rules(&self) -> &Arc<RuleWatch> {
        &self.rules
    }

    /// The optimized plans of the segment: its parts in their order, then its own.
    ///
    /// # Errors
    /// When a provider cannot say what it does with filters.
    pub(crate) fn optimized(&self, segment: &SegmentPlan, plans: &[LogicalPlan]) -> Result<()> {
        let scans = scans::offered(plans, &self.counters)?;
        let Some(own) = plans.last() else { return Ok(()) };
        self.counters.add_text();
        let optimized = PlanCapture::new(optimized_block(segment, plans), own.schema().as_arrow());
        let rules = self.rules.impact();
        self.run.change(&self.key, |captured| {
            captured.optimized = Some(optimized);
            captured.scans = scans;
            captured.rules = rules;
        });
        Ok(())
    }

    /// The operators that are about to run.
    pub(crate) fn physical(
        &self,
        segment: &SegmentPlan,
        plan: &Arc<dyn ExecutionPlan>,
        explain: &ExplainOptions,
    ) {
        self.counters.add_text();
        let physical = PlanCapture::new(physical_block(segment, plan, explain), &plan.schema());
        let rules = self.rules.impact();
        self.run.change(&self.key, |captured| {
            captured.physical = Some(physical);
            captured.rules = rules;
        });
    }
}
