//! The profile of a session: how much of the machine it uses and how it plans, from a name, the spec and the command line.
//!
//! Every value has an origin. The command line goes before the environment, that before the spec's `session.config`, that
//! before the fields of its `runtime_profile`, these before the profile that is named, and that before what the user's
//! configuration, the program and DataFusion have by themselves.

use std::fmt;
use std::ops::RangeInclusive;

use datafusion::prelude::SessionConfig;
use ir::spec::{RuntimeProfileSpec, SessionSpec};
use serde::Serialize;

use super::SessionOptions;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// It is what DataFusion has by itself.
    Datafusion,
    /// It is what this program has by itself.
    Program,
    /// It was sized from the machine.
    Machine,
    /// The profile of this name has it.
    Profile(String),
    /// A field of `runtime_profile` in the spec says so.
    RuntimeProfile,
    /// `session.config` in the spec says so.
    SessionConfig,
    /// This file of the user's configuration says so, for specs that do not.
    Configuration(String),
    /// This variable of the environment says so.
    Environment(String),
    /// The command line says so.
    CommandLine,
}

impl Origin {
    /// Whether it goes before what a spec says.
    fn goes_before_specs(&self) -> bool {
        matches!(self, Self::Environment(_) | Self::CommandLine)
    }
}

/// What a knob of a profile turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turns {
    /// [`SessionOptions::target_partitions`].
    Partitions,
    /// [`SessionOptions::batch_size`].
    BatchRows,
    /// [`SessionOptions::memory_limit_bytes`].
    Memory,
    /// [`SessionOptions::spill_limit_bytes`].
    Disk,
    /// [`SessionOptions::footer_cache_bytes`].
    FooterCache,
    /// The setting of DataFusion with this key.
    Setting(&'static str),
}

impl Turns {
    /// The name of the size, or the key of the setting.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Partitions => "target_partitions",
            Self::BatchRows => "batch_size",
            Self::Memory => "memory_limit_bytes",
            Self::Disk => "spill_limit_bytes",
            Self::FooterCache => "footer_cache_bytes",
            Self::Setting(key) => key,
        }
    }
}

/// A field of `runtime_profile` that turns something. Those that turn nothing are in [`ir::spec::unsupported::RESERVED`].
#[derive(Clone, Copy, Debug)]
pub struct Knob {
    /// The field.
    pub field: &'static str,
    /// What it turns.
    pub turns: Turns,
}

/// Declares knobs that are settings of DataFusion, and the others.
macro_rules! knobs {
    ($($field:literal => $turns:expr,)+) => {
        &[$(Knob { field: $field, turns: $turns }),+]
    };
}

/// All fields of `runtime_profile` that turn something. `tests/knobs` shows of each what it does.
pub const KNOBS: &[Knob] = knobs! {
    "target_partitions" => Turns::Partitions,
    "batch_size" => Turns::BatchRows,
    "memory_pool_bytes" => Turns::Memory,
    "max_temp_directory_bytes" => Turns::Disk,
    "metadata_cache_limit" => Turns::FooterCache,
    "planning_concurrency" => Turns::Setting("datafusion.execution.planning_concurrency"),
    "repartition_joins" => Turns::Setting("datafusion.optimizer.repartition_joins"),
    "repartition_aggregations" => Turns::Setting("datafusion.optimizer.repartition_aggregations"),
    "repartition_windows" => Turns::Setting("datafusion.optimizer.repartition_windows"),
    "repartition_sorts" => Turns::Setting("datafusion.optimizer.repartition_sorts"),
    "repartition_file_scans" => Turns::Setting("datafusion.optimizer.repartition_file_scans"),
    "repartition_file_min_size" => Turns::Setting("datafusion.optimizer.repartition_file_min_size"),
    "parquet_pruning" => Turns::Setting("datafusion.execution.parquet.pruning"),
    "pushdown_filters" => Turns::Setting("datafusion.execution.parquet.pushdown_filters"),
    "enable_page_index" => Turns::Setting("datafusion.execution.parquet.enable_page_index"),
    "max_predicate_cache_size" => Turns::Setting("datafusion.execution.parquet.max_predicate_cache_size"),
    "collect_statistics" => Turns::Setting("datafusion.execution.collect_statistics"),
    "optimizer_max_passes" => Turns::Setting("datafusion.optimizer.max_passes"),
    "skip_failed_rules" => Turns::Setting("datafusion.optimizer.skip_failed_rules"),
    "filter_null_join_keys" => Turns::Setting("datafusion.optimizer.filter_null_join_keys"),
    "enable_dynamic_filter_pushdown" => Turns::Setting("datafusion.optimizer.enable_dynamic_filter_pushdown"),
    "enable_join_dynamic_filter_pushdown" =>
        Turns::Setting("datafusion.optimizer.enable_join_dynamic_filter_pushdown"),
    "enable_aggregate_dynamic_filter_pushdown" =>
        Turns::Setting("datafusion.optimizer.enable_aggregate_dynamic_filter_pushdown"),
    "enable_topk_dynamic_filter_pushdown" =>
        Turns::Setting("datafusion.optimizer.enable_topk_dynamic_filter_pushdown"),
    "enable_recursive_ctes" => Turns::Setting("datafusion.execution.enable_recursive_ctes"),
    "show_statistics" => Turns::Setting("datafusion.explain.show_statistics"),
    "show_schema" => Turns::Setting("datafusion.explain.show_schema"),
};

/// The sizes of a profile that ships with the program.
struct ShippedProfile {
    name: &'static str,
    target_partitions: usize,
    batch_size: usize,
    memory_bytes: usize,
    disk_bytes: u64,
    footer_cache_bytes: usize,
    settings: [(&'static str, usize); 2],
}

const MIB: usize = 1 << 20;
const GIB: u64 = 1 << 30;

/// The profiles besides `auto`.
const SHIPPED: [ShippedProfile; 3] = [
    ShippedProfile {
        name: "small",
        target_partitions: 4,
        batch_size: 4096,
        memory_bytes: 256 * MIB,
        disk_bytes: GIB,
        footer_cache_bytes: 50 * MIB,
        settings: [
            ("datafusion.execution.planning_concurrency", 4),
            ("datafusion.optimizer.repartition_file_min_size", 32 * MIB),
        ],
    },
    ShippedProfile {
        name: "medium",
        target_partitions: 8,
        batch_size: 8192,
        memory_bytes: 1024 * MIB,
        disk_bytes: 10 * GIB,
        footer_cache_bytes: 50 * MIB,
        settings: [
            ("datafusion.execution.planning_concurrency", 8),
            ("datafusion.optimizer.repartition_file_min_size", 64 * MIB),
        ],
    },
    ShippedProfile {
        name: "large",
        target_partitions: 16,
        batch_size: 16384,
        memory_bytes: 4096 * MIB,
        disk_bytes: 100 * GIB,
        footer_cache_bytes: 200 * MIB,
        settings: [
            ("datafusion.execution.planning_concurrency", 16),
            ("datafusion.optimizer.repartition_file_min_size", 128 * MIB),
        ],
    },
];

/// Settings that are not open, by their keys or what these begin with, and why.
const NOT_OPEN: [(&str, &str); 6] = [
    ("datafusion.execution.time_zone", "timestamps are moments in UTC"),
    ("datafusion.sql_parser.", "the compiler parses SQL itself"),
    ("datafusion.catalog.", "a spec names the tables it reads, and nothing else can be named"),
    ("datafusion.format.", "the command line prints rows by itself"),
    (
        "datafusion.runtime.",
        "memory and disk are `memory_pool_bytes` and `max_temp_directory_bytes` of `runtime_profile`",
    ),
    ("datafusion.explain.", "plans are shown by `compile --emit`"),
];
/// Numbers that DataFusion takes and no plan survives: the key, the numbers that are right, and what others do.
const RANGES: [(&str, RangeInclusive<u64>, &str); 2] = [
    ("datafusion.optimizer.max_passes", 1..=u64::MAX, "0 would turn the optimizer off"),
    (
        "datafusion.execution.hash_join_buffering_capacity",
        0..=u64::MAX >> 3,
        "more bytes than 2305843009213693951 cannot be counted",
    ),
];
/// Settings that are open although [`NOT_OPEN`] has what they begin with.
const OPEN: [&str; 2] = ["datafusion.explain.show_statistics", "datafusion.explain.show_schema"];

/// A setting that cannot be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingRefusal {
    /// Its key.
    pub key: String,
    /// Why not.
    pub reason: String,
    /// A key that may be meant.
    pub nearest: Option<String>,
}

impl fmt::Display for SettingRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` cannot be set: {}", self.key, self.reason)
    }
}

impl SessionOptions {
    /// These options with what a spec says of its session. What command line and environment say stays.
    ///
    /// # Errors
    /// Every setting that cannot be set.
    pub fn with_spec(
        mut self,
        profile: Option<&RuntimeProfileSpec>,
        session: &SessionSpec,
    ) -> Result<Self, Vec<SettingRefusal>> {
        let refused = setting_refusals(session);
        if !refused.is_empty() {
            return Err(refused);
        }
        let is_named = self.origins.get(PROFILE).is_some_and(Origin::goes_before_specs);
        if let Some(name) = profile.and_then(|profile| profile.profile_name.as_deref())
            && !is_named
        {
            self = self.with_profile(name);
        }
        for (field, value) in profile.map(RuntimeProfileSpec::fields).unwrap_or_default() {
            if let Some(knob) = KNOBS.iter().find(|knob| knob.field == field) {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                self.turn(knob.turns, &text, &Origin::RuntimeProfile);
            }
        }
        for (key, value) in &session.config {
            let turns = match key.as_str() {
                "datafusion.execution.target_partitions" => Turns::Partitions,
                "datafusion.execution.batch_size" => Turns::BatchRows,
                _ => {
                    self.put(key, &value.to_string(), &Origin::SessionConfig);
                    continue;
                }
            };
            self.turn(turns, &value.to_string(), &Origin::SessionConfig);
        }
        Ok(self)
    }

    /// These options with the sizes of a profile. A spec names no other when the command line or the environment does.
    #[must_use]
    pub fn with_named_profile(mut self, name: &str, origin: &Origin) -> Self {
        self.origins.insert(PROFILE.to_owned(), origin.clone());
        self.with_profile(name)
    }

    /// These options with the sizes of a profile that ships with the program. Any other name is that of the profile that
    /// the fields of a spec make of these.
    fn with_profile(mut self, name: &str) -> Self {
        name.clone_into(&mut self.profile);
        let Some(sizes) = SHIPPED.iter().find(|shipped| shipped.name == name) else { return self };
        let origin = Origin::Profile(name.to_owned());
        for (turns, value) in [
            (Turns::Partitions, sizes.target_partitions.to_string()),
            (Turns::BatchRows, sizes.batch_size.to_string()),
            (Turns::Memory, sizes.memory_bytes.to_string()),
            (Turns::Disk, sizes.disk_bytes.to_string()),
            (Turns::FooterCache, sizes.footer_cache_bytes.to_string()),
        ] {
            self.turn(turns, &value, &origin);
        }
        for (key, value) in sizes.settings {
            self.put(key, &value.to_string(), &origin);
        }
        self
    }

    /// Sets what a knob turns, unless the command line or the environment has. A number that is none is 0.
    pub fn turn(&mut self, turns: Turns, value: &str, origin: &Origin) {
        let key = turns.key();
        if self.origin_of(key).goes_before_specs() {
            return;
        }
        let number: u64 = value.parse().unwrap_or_default();
        let size = usize::try_from(number).unwrap_or(usize::MAX);
        match turns {
            Turns::Partitions => self.target_partitions = size,
            Turns::BatchRows => self.batch_size = size,
            Turns::Memory => self.memory_limit_bytes = size,
            Turns::Disk => self.spill_limit_bytes = Some(number),
            Turns::FooterCache => self.footer_cache_bytes = size,
            Turns::Setting(_) => return self.put(key, value, origin),
        }
        self.origins.insert(key.to_owned(), origin.clone());
    }

    fn put(&mut self, key: &str, value: &str, origin: &Origin) {
        self.settings.insert(key.to_owned(), value.to_owned());
        self.origins.insert(key.to_owned(), origin.clone());
    }

    /// Where a size comes from, or a setting that these options make.
    #[must_use]
    pub fn origin_of(&self, key: &str) -> Origin {
        let is_fixed = [Turns::BatchRows, Turns::FooterCache].iter().any(|turns| turns.key() == key);
        let own = if is_fixed { Origin::Program } else { Origin::Machine };
        self.origins.get(key).cloned().unwrap_or(own)
    }
}

/// The key of the profile's name among origins.
const PROFILE: &str = "profile";
/// The profile that is sized from the machine.
pub(super) const AUTO: &str = "auto";

/// Why a number of a setting is not right, if it is not.
fn out_of_range(key: &str, value: &str) -> Option<&'static str> {
    let (_, right, reason) = RANGES.iter().find(|(of, ..)| *of == key)?;
    let number: u64 = value.parse().ok()?;
    (!right.contains(&number)).then_some(reason)
}

/// Every setting of a spec that cannot be set.
#[must_use]
pub fn setting_refusals(session: &SessionSpec) -> Vec<SettingRefusal> {
    let config = SessionConfig::new();
    let known: Vec<String> = config.options().entries().into_iter().map(|entry| entry.key).collect();
    let refused = |key: &String, value: String| -> Option<SettingRefusal> {
        let reason = match NOT_OPEN.iter().find(|(prefix, _)| key.starts_with(prefix)) {
            Some((_, reason)) if !OPEN.contains(&key.as_str()) => (*reason).to_owned(),
            _ if !known.contains(key) => {
                let nearest = ir::diag::nearest_name(key, known.iter().map(String::as_str));
                let nearest = nearest.map(str::to_owned);
                let reason = "DataFusion has no such setting".to_owned();
                return Some(SettingRefusal { key: key.clone(), reason, nearest });
            }
            _ => {
                let mut config = config.clone();
                match config.options_mut().set(key, &value) {
                    Ok(()) => out_of_range(key, &value)?.to_owned(),
                    Err(error) => {
                        let cause = error.find_root().strip_backtrace();
                        let cause = cause.lines().next().unwrap_or_default();
                        format!("`{value}` is none of its values ({cause})")
                    }
                }
            }
        };
        Some(SettingRefusal { key: key.clone(), reason, nearest: None })
    };
    session.config.iter().filter_map(|(key, value)| refused(key, value.to_string())).collect()
}
