//! Which rules change something in the plans of a segment.
//!
//! DataFusion's analyzer and optimizer tell of every rule that ran, with the plan after it. Its physical planner makes and
//! optimizes a plan in one step and tells nobody, so each physical rule is wrapped in one that tells. A logical rule has
//! changed what is not equal to the plan before; a physical rule, whose operators cannot be compared, what is shown
//! otherwise, columns included.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use datafusion::common::Result;
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_optimizer::{PhysicalOptimizerContext, PhysicalOptimizerRule};
use datafusion::physical_plan::{ExecutionPlan, displayable};
use serde::{Deserialize, Serialize};

use super::CaptureCounters;

/// A rule of the physical optimizer.
type PhysicalRule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// When a rule runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RulePhase {
    /// Before the optimizer: types and functions.
    Analyzer,
    /// On logical plans.
    Optimizer,
    /// On operators.
    PhysicalOptimizer,
}

/// What a rule changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleImpact {
    /// When it runs.
    pub phase: RulePhase,
    /// Its name.
    pub rule_name: String,
    /// How many plans it changed. A segment has one, and one for each of its parts.
    pub plans_touched: u64,
    /// How often it changed one: the optimizer runs its rules until nothing changes.
    pub rewrites_applied: u64,
}

/// One run of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRun {
    /// When it runs.
    pub phase: RulePhase,
    /// Its name.
    pub rule_name: String,
    /// When it began.
    pub started: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// Whether it changed the plan.
    pub changed: bool,
}

/// Is told of the rules that run on the plans of a segment, which are planned one after the other.
#[derive(Debug)]
pub(crate) struct RuleWatch {
    counters: Arc<CaptureCounters>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// The number of the plan that is planned now.
    plan: u64,
    /// The operators of that plan after the last rule, as text.
    operators: Option<String>,
    rules: BTreeMap<(RulePhase, String), Changes>,
    runs: Vec<RuleRun>,
}

#[derive(Debug)]
struct Changes {
    plans: u64,
    rewrites: u64,
    last_plan: u64,
}

impl RuleWatch {
    pub(super) fn new(counters: Arc<CaptureCounters>) -> Self {
        Self { counters, seen: Mutex::default() }
    }

    /// The rules that changed something so far.
    pub(super) fn impact(&self) -> Vec<RuleImpact> {
        let rules = &self.seen().rules;
        let impact = rules.iter().map(|((phase, rule), changes)| RuleImpact {
            phase: *phase,
            rule_name: rule.clone(),
            plans_touched: changes.plans,
            rewrites_applied: changes.rewrites,
        });
        impact.collect()
    }

    /// Every run of a rule so far.
    pub(super) fn runs(&self) -> Vec<RuleRun> {
        self.seen().runs.clone()
    }

    /// Watches a logical plan from here on.
    pub(crate) fn logical(&self, plan: &LogicalPlan) -> LogicalWatch<'_> {
        self.seen().plan += 1;
        LogicalWatch { watch: self, last: plan.clone(), began: Began::now() }
    }

    /// The same rules of the physical optimizer, which tell what they change.
    pub(crate) fn physical(self: &Arc<Self>, rules: &[PhysicalRule]) -> Vec<PhysicalRule> {
        let watched = |(place, rule): (usize, &PhysicalRule)| -> PhysicalRule {
            Arc::new(Watched { rule: Arc::clone(rule), is_first: place == 0, watch: Arc::clone(self) })
        };
        rules.iter().enumerate().map(watched).collect()
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self, plan: &Arc<dyn ExecutionPlan>) -> String {
        self.counters.add_text();
        displayable(plan.as_ref()).set_show_schema(true).indent(true).to_string()
    }
}

/// When a rule began.
struct Began(SystemTime, Instant);

impl Began {
    fn now() -> Self {
        Self(SystemTime::now(), Instant::now())
    }
}

impl Seen {
    /// A rule that began then has ended now.
    fn ran(&mut self, phase: RulePhase, rule: &str, began: &Began, took: Duration, changed: bool) {
        let rule_name = rule.to_owned();
        self.runs.push(RuleRun { phase, rule_name, started: began.0, took, changed });
    }

    fn changed(&mut self, phase: RulePhase, rule: &str) {
        let plan = self.plan;
        let none = Changes { plans: 0, rewrites: 0, last_plan: 0 };
        let changes = self.rules.entry((phase, rule.to_owned())).or_insert(none);
        changes.rewrites += 1;
        if changes.last_plan != plan {
            changes.plans += 1;
            changes.last_plan = plan;
        }
    }
}

/// Is told of the rules that run on one logical plan.
pub(crate) struct LogicalWatch<'a> {
    watch: &'a RuleWatch,
    last: LogicalPlan,
    /// When the rule began that runs now: they run one after the other.
    began: Began,
}

impl LogicalWatch<'_> {
    /// A rule ran and left this plan.
    pub(crate) fn ran(&mut self, phase: RulePhase, rule: &str, plan: &LogicalPlan) {
        let took = self.began.1.elapsed();
        self.watch.counters.add_rule();
        let changed = *plan != self.last;
        let mut seen = self.watch.seen();
        seen.ran(phase, rule, &self.began, took, changed);
        if changed {
            self.last = plan.clone();
            seen.changed(phase, rule);
        }
        drop(seen);
        self.began = Began::now();
    }
}

/// A physical rule that tells what it changes.
struct Watched {
    rule: PhysicalRule,
    /// Whether a plan begins with it.
    is_first: bool,
    watch: Arc<RuleWatch>,
}

impl Watched {
    fn before(&self, plan: &Arc<dyn ExecutionPlan>) {
        if self.is_first {
            let text = self.watch.shown(plan);
            let mut seen = self.watch.seen();
            seen.plan += 1;
            seen.operators = Some(text);
        }
    }

    fn after(&self, plan: &Arc<dyn ExecutionPlan>, began: &Began) {
        let took = began.1.elapsed();
        self.watch.counters.add_rule();
        let text = Some(self.watch.shown(plan));
        let mut seen = self.watch.seen();
        let changed = seen.operators != text;
        seen.ran(RulePhase::PhysicalOptimizer, self.rule.name(), began, took, changed);
        if changed {
            seen.operators = text;
            seen.changed(RulePhase::PhysicalOptimizer, self.rule.name());
        }
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rule.fmt(f)
    }
}

impl PhysicalOptimizerRule for Watched {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.before(&plan);
        let began = Began::now();
        let plan = self.rule.optimize(plan, config)?;
        self.after(&plan, &began);
        Ok(plan)
    }

    fn optimize_with_context(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        context: &dyn PhysicalOptimizerContext,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.before(&plan);
        let began = Began::now();
        let plan = self.rule.optimize_with_context(plan, context)?;
        self.after(&plan, &began);
        Ok(plan)
    }

    fn name(&self) -> &str {
        self.rule.name()
    }

    fn schema_check(&self) -> bool {
        self.rule.schema_check()
    }
}
