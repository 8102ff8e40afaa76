//! Rules, caching, and upkeep of tables.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A planning rule asked for by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleIntent {
    /// The rule's name.
    pub name: String,
    /// What kind of rule it is.
    pub class: RuleClass,
    /// Settings of the rule.
    #[serde(default)]
    pub params: serde_json::Value,
}

/// What a planning rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RuleClass {
    /// Keeps the meaning of views intact.
    SemanticIntegrity,
    /// Uses what Delta knows about its files.
    DeltaScanAware,
    /// Changes cost, never results.
    CostShape,
    /// Refuses plans that must not run.
    Safety,
}

/// A set of planning rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RulepackProfile {
    /// The rules of the program.
    #[default]
    Default,
    /// Only rules that results depend on.
    LowLatency,
    /// Rules for repeating an earlier run.
    Replay,
    /// All rules, and those that refuse unsafe plans.
    Strict,
}

/// Changes to the rule set for one spec.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleOverlayProfile {
    /// Rules to add.
    #[serde(default)]
    pub additional_intents: Vec<RuleIntent>,
    /// Names of rules to leave out.
    #[serde(default)]
    pub exclude_rules: Vec<String>,
    /// Rules to move; lower priorities run first.
    #[serde(default)]
    pub priority_overrides: Vec<PriorityOverride>,
    /// Records the plan after each rule.
    #[serde(default)]
    pub explain_per_rule: bool,
}

/// A new place for a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriorityOverride {
    /// The rule's name.
    pub rule_name: String,
    /// Lower runs first.
    pub priority: i32,
}

/// Which shared views are computed once and kept for all their readers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CachePlacementPolicy {
    /// A view is kept only if it is read at least this many times. A view that reads it twice, such as a join with
    /// itself, counts twice.
    pub min_fanout: u32,
    /// A view is kept only if it is estimated to have at least this many rows.
    pub min_estimated_rows: Option<u64>,
    /// Bytes of memory that kept views may use together; rows beyond that wait in temporary files. Without it, only
    /// the memory limit of the run counts.
    pub cache_memory_budget: Option<u64>,
    /// Estimates rows by what the last runs of the specs in this folder have counted of the same views, under whatever
    /// names; what they have not counted is estimated from that.
    pub use_historical_metrics: bool,
    /// Views to keep or not, whatever the other settings say.
    pub overrides: Vec<CacheOverride>,
}

impl Default for CachePlacementPolicy {
    fn default() -> Self {
        Self {
            min_fanout: 2,
            min_estimated_rows: None,
            cache_memory_budget: None,
            use_historical_metrics: false,
            overrides: Vec::new(),
        }
    }
}

/// A decision about one view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CacheOverride {
    /// The view.
    pub view_name: String,
    /// What to do with it.
    pub action: CacheAction,
}

/// Whether a view is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CacheAction {
    /// Computed once and kept for all readers.
    ForceCache,
    /// Computed again by each reader.
    NeverCache,
}

/// Upkeep of output tables after a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MaintenanceSchedule {
    /// The tables it is done for.
    pub target_tables: Vec<String>,
    /// Puts small files together.
    pub compact: Option<CompactPolicy>,
    /// Removes files that no version needs.
    pub vacuum: Option<VacuumPolicy>,
    /// Writes a checkpoint of the log.
    pub checkpoint: bool,
    /// Removes log entries that have expired.
    pub metadata_cleanup: bool,
    /// Conditions every row of the tables must meet.
    pub constraints: Vec<MaintenanceConstraint>,
    /// Tables worked on at the same time.
    pub max_parallel_tables: u32,
    /// Does nothing to a table that someone else is writing.
    pub require_table_quiescence: bool,
}

impl Default for MaintenanceSchedule {
    fn default() -> Self {
        Self {
            target_tables: Vec::new(),
            compact: None,
            vacuum: None,
            checkpoint: false,
            metadata_cleanup: false,
            constraints: Vec::new(),
            max_parallel_tables: 1,
            require_table_quiescence: false,
        }
    }
}

/// How small files are put together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CompactPolicy {
    /// Size aimed at, in bytes.
    pub target_file_size: u64,
}

impl Default for CompactPolicy {
    fn default() -> Self {
        Self { target_file_size: 512 << 20 }
    }
}

/// How files that no version needs are removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VacuumPolicy {
    /// Files younger than this are kept.
    pub retention_hours: u64,
    /// Does nothing unless the table's protocol allows it.
    #[serde(default = "yes")]
    pub require_protocol_check: bool,
    /// Lists the files before removing them.
    #[serde(default)]
    pub dry_run_first: bool,
}

/// The default of switches that are on unless turned off.
fn yes() -> bool {
    true
}

/// A condition every row of a table must meet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaintenanceConstraint {
    /// The constraint's name.
    pub name: String,
    /// A SQL boolean expression.
    pub expression: String,
}
