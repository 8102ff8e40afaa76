//! The session: one DataFusion state, built in one place and never changed afterwards.
//!
//! Oracle, emission, execution and ad-hoc queries all use the same state, so what one of them accepts the others
//! accept, and what is described is what runs.

mod options;
mod profile;
mod surface;

pub use options::SessionOptions;
pub use profile::{KNOBS, Knob, Origin, SettingRefusal, Turns, setting_refusals};
pub use surface::{FunctionPart, Part, PlanningSurface, SIZES, SURFACE_VERSION, Size, is_planning_setting};

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::cache::cache_manager::CacheManagerConfig;
use datafusion::execution::disk_manager::DiskManagerBuilder;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::SessionConfig;
use ir::hash::ContentHash;
use serde::Serialize;

use crate::capture::{CaptureCounters, CaptureUse};
use crate::error::EngineError;
use crate::operators::EnginePlanner;
use crate::resources::{LimitedPool, MemoryHolder, SpillFiles, SpillSpace, SpillUse, machine};
use crate::rules::{logical_rules, physical_rules};
use crate::semantics;
use crate::stop::{Cancellation, stoppable};

/// A side of a join that is estimated smaller is not partitioned.
const COLLECTED_BYTES: usize = 4 << 20;
/// A sort puts batches together while they take less than this for each row of a full one. DataFusion's limit of one MiB, for
/// the usual number of rows: what is put together is given out again in batches that count the same texts.
const SORTED_BYTES_PER_ROW: usize = 128;
/// DataFusion's setting that sets those of each kind of dynamic filters, too.
const ALL_DYNAMIC_FILTERS: &str = "datafusion.optimizer.enable_dynamic_filter_pushdown";
/// The stack of the threads that plan and run. Plans nest as deep as chains of views do, and so do the streams
/// that run them.
const STACK_BYTES: usize = 32 * 1024 * 1024;

/// What the operators of a session hold in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// The most bytes they may hold.
    pub limit_bytes: usize,
    /// The bytes they hold.
    pub reserved_bytes: usize,
    /// The most bytes they held at a time.
    pub peak_bytes: usize,
    /// Who held the most, most first: consumers of one name together, within a thirtieth of the peak.
    pub at_peak: Vec<MemoryHolder>,
    /// The most bytes of memory the whole process has had, with all that operators do not count; absent where the system
    /// does not tell.
    pub process_peak_bytes: Option<u64>,
}

/// A size or a setting of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EffectiveSetting {
    /// The name of a size, or the key of a setting of DataFusion.
    pub key: String,
    /// Its value, as DataFusion writes it.
    pub value: String,
    /// Where the value comes from.
    pub origin: Origin,
    /// The field of `runtime_profile` that sets it, if there is one.
    pub field: Option<&'static str>,
}

/// A DataFusion session with our functions, operators and limits. Clones share the memory pool, the disk quota
/// and the object stores.
#[derive(Clone, Debug)]
pub struct Session {
    state: SessionState,
    options: SessionOptions,
    surface: Arc<PlanningSurface>,
    surface_hash: ContentHash,
    rules_hash: ContentHash,
    spills: Arc<SpillSpace>,
    captures: Arc<CaptureCounters>,
    stop: Cancellation,
}

impl Session {
    /// A session with these resources.
    ///
    /// # Errors
    /// [`EngineError::Session`] when the folder for temporary files cannot be used.
    pub fn new(options: SessionOptions) -> Result<Self, EngineError> {
        Self::with_functions(options, Vec::new())
    }

    /// A session that also knows these functions; they replace others of their names. Each has the version of its
    /// implementation, which is another whenever it gives other values.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_functions(
        options: SessionOptions,
        functions: Vec<(Arc<ScalarUDF>, u32)>,
    ) -> Result<Self, EngineError> {
        let refused = |source| EngineError::Session { source: Box::new(source) };
        let folder = options.spill_directory.as_deref();
        let spills = SpillSpace::new(folder, options.spill_limit_bytes).map_err(refused)?;
        let versions = functions.iter().map(|(function, version)| (function.name().to_owned(), *version));
        let versions = versions.collect();
        let functions = functions.into_iter().map(|(function, _)| function);
        let state = build(&options, &spills, functions).map_err(refused)?;
        let surface = PlanningSurface::of(&state, &versions);
        let hashes = surface.hash().and_then(|hash| Ok((hash, surface.rules_hash()?)));
        let (surface_hash, rules_hash) =
            hashes.map_err(|error| refused(DataFusionError::External(Box::new(error))))?;
        let surface = Arc::new(surface);
        Ok(Self {
            state,
            options,
            surface,
            surface_hash,
            rules_hash,
            spills,
            captures: Arc::default(),
            stop: Cancellation::new(),
        })
    }

    /// The same session, whose emission and planning end with [`EngineError::Stopped`] once the switch is thrown. Runs
    /// have a switch of their own ([`RunOptions::cancellation`](crate::RunOptions::cancellation)).
    #[must_use]
    pub fn stopped_by(&self, stop: &Cancellation) -> Self {
        let state = stoppable(&self.state, std::slice::from_ref(stop));
        Self { state, stop: stop.clone(), ..self.clone() }
    }

    /// The switch that stops emission and planning.
    pub(crate) fn switch(&self) -> &Cancellation {
        &self.stop
    }

    /// Whether the switch has been thrown.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// The options it was made with.
    #[must_use]
    pub fn options(&self) -> &SessionOptions {
        &self.options
    }

    /// What its operators have put on disk.
    #[must_use]
    pub fn spill_use(&self) -> SpillUse {
        self.spills.usage()
    }

    pub(crate) fn spills(&self) -> &Arc<SpillSpace> {
        &self.spills
    }

    /// What was done to capture how runs were planned.
    #[must_use]
    pub fn capture_use(&self) -> CaptureUse {
        self.captures.usage()
    }

    pub(crate) fn capture_counters(&self) -> &Arc<CaptureCounters> {
        &self.captures
    }

    /// What its operators have reserved in memory.
    #[must_use]
    pub fn memory_use(&self) -> MemoryUse {
        let pool = &self.state.runtime_env().memory_pool;
        let limited = pool.downcast_ref::<LimitedPool>();
        MemoryUse {
            limit_bytes: self.options.memory_limit_bytes,
            reserved_bytes: pool.reserved(),
            peak_bytes: limited.map_or(0, LimitedPool::peak),
            at_peak: limited.map_or_else(Vec::new, LimitedPool::at_peak),
            process_peak_bytes: machine::process_peak(),
        }
    }

    /// The DataFusion state.
    #[must_use]
    pub fn state(&self) -> &SessionState {
        &self.state
    }

    /// Every size and every setting of DataFusion as it is in this session, with where it comes from: sizes first, then
    /// settings by key.
    #[must_use]
    pub fn effective(&self) -> Vec<EffectiveSetting> {
        let sizes = self.sizes().into_iter().map(|(key, value)| {
            let origin = self.options.origin_of(&key);
            EffectiveSetting { field: field_of(&key), key, value, origin }
        });
        let defaults = surface::defaults();
        // These two are sizes, and stand there.
        let is_size = |key: &str| {
            key == "datafusion.execution.batch_size" || key == "datafusion.execution.target_partitions"
        };
        let entries = self.state.config_options().entries().into_iter();
        let settings = entries.filter(|entry| !is_size(&entry.key)).map(|entry| {
            let is_default = defaults.get(&entry.key) == Some(&entry.value);
            let given = self.options.origins.get(&entry.key).cloned();
            let origin = given.unwrap_or(if is_default { Origin::Datafusion } else { Origin::Program });
            let value = entry.value.unwrap_or_default();
            EffectiveSetting { field: field_of(&entry.key), key: entry.key, value, origin }
        });
        let mut settings: Vec<EffectiveSetting> = settings.collect();
        settings.sort_by(|left, right| left.key.cmp(&right.key));
        sizes.chain(settings).collect()
    }

    /// How much of the machine the session may use, by what was asked for: the same on every run. What is sized by the
    /// machine's free disk says so.
    #[must_use]
    pub fn profile(&self) -> BTreeMap<String, String> {
        let mut profile: BTreeMap<String, String> = self.sizes().into_iter().collect();
        if self.options.spill_limit_bytes.is_none() {
            profile.insert("spill_limit_bytes".to_owned(), "80% of what is free".to_owned());
        }
        let sizes =
            self.options.settings.iter().filter(|(key, _)| SIZES.iter().any(|size| size.key == **key));
        profile.extend(sizes.map(|(key, value)| (key.clone(), value.clone())));
        profile.insert("profile".to_owned(), self.options.profile.clone());
        profile
    }

    /// What the session is, as pairs of a name and a value, in a fixed order: versions, sizes, and every DataFusion
    /// setting that differs from its default.
    #[must_use]
    pub fn describe(&self) -> Vec<(String, String)> {
        let spill = self.options.spill_directory.as_ref();
        let spill = spill.map_or_else(|| "system".to_owned(), |path| path.display().to_string());
        let mut described = vec![("datafusion".to_owned(), datafusion::DATAFUSION_VERSION.to_owned())];
        described.extend(self.profile());
        described.push(("spill_directory".to_owned(), spill));
        described.extend(self.surface.planning_config_keys.clone());
        described
    }

    /// How much of the machine the session uses, as pairs of a name and a value. That decides how fast rows are
    /// computed and not which.
    #[must_use]
    pub fn sizes(&self) -> Vec<(String, String)> {
        let options = &self.options;
        let sizes = [
            ("target_partitions", options.partitions().to_string()),
            ("batch_size", options.rows_per_batch().to_string()),
            ("memory_limit_bytes", options.memory_limit_bytes.to_string()),
            ("spill_limit_bytes", self.spills.usage().limit_bytes.to_string()),
            ("footer_cache_bytes", options.footer_cache_bytes.to_string()),
        ];
        sizes.map(|(name, size)| (name.to_owned(), size)).to_vec()
    }

    /// What plans are made with.
    #[must_use]
    pub fn surface(&self) -> &PlanningSurface {
        &self.surface
    }

    /// The hash of [`Self::surface`].
    #[must_use]
    pub fn surface_hash(&self) -> ContentHash {
        self.surface_hash
    }

    /// The hash of the rules of [`Self::surface`].
    #[must_use]
    pub fn rules_hash(&self) -> ContentHash {
        self.rules_hash
    }

    /// The names of all functions a spec can call, in order.
    #[must_use]
    pub fn function_names(&self) -> Vec<String> {
        let state = &self.state;
        let names: std::collections::BTreeSet<&String> = state
            .scalar_functions()
            .keys()
            .chain(state.aggregate_functions().keys())
            .chain(state.window_functions().keys())
            .collect();
        names.into_iter().cloned().collect()
    }
}

/// The field of `runtime_profile` that sets a size or a setting.
fn field_of(key: &str) -> Option<&'static str> {
    KNOBS.iter().find(|knob| knob.turns.key() == key).map(|knob| knob.field)
}

/// The runtime to call the engine in: `threads` workers with stacks deep enough for long chains of views.
///
/// # Errors
/// When the system gives no threads.
pub fn runtime(threads: usize) -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.max(1))
        .thread_name("engine")
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()
}

fn build(
    options: &SessionOptions,
    spills: &Arc<SpillSpace>,
    more: impl Iterator<Item = Arc<ScalarUDF>>,
) -> Result<SessionState> {
    let builder = SessionStateBuilder::new()
        .with_config(config(options)?)
        .with_runtime_env(environment(options, spills)?)
        .with_default_features();
    let mut builder = semantics::planners(builder)
        .with_query_planner(Arc::new(EnginePlanner::default()))
        // Added after DataFusion's own rules; they all stay.
        .with_analyzer_rule(Arc::new(semantics::FalseDependencies))
        .with_optimizer_rules(logical_rules())
        .with_physical_optimizer_rules(physical_rules(options.memory_sizes(), None)?);
    // After the defaults, or they would replace ours of the same name; by pushing, or ours would replace the lot.
    builder.scalar_functions().get_or_insert_default().extend(functions::scalar_functions());
    builder.scalar_functions().get_or_insert_default().extend(more);
    builder.aggregate_functions().get_or_insert_default().extend(functions::aggregate_functions());
    builder.window_functions().get_or_insert_default().extend(functions::window_functions());
    Ok(builder.build())
}

/// The configuration with batches of so many rows, and all that depends on it.
pub(crate) fn with_rows_per_batch(config: SessionConfig, rows: usize) -> SessionConfig {
    config.with_batch_size(rows).with_sort_in_place_threshold_bytes(rows * SORTED_BYTES_PER_ROW)
}

fn config(options: &SessionOptions) -> Result<SessionConfig> {
    let mut config = with_rows_per_batch(SessionConfig::new(), options.rows_per_batch())
        .with_target_partitions(options.partitions())
        .with_information_schema(true);
    let settings = config.options_mut();
    settings.execution.time_zone = Some("UTC".to_owned());
    let merge = &mut settings.execution.sort_spill_reservation_bytes;
    *merge = options.merge_bytes().min(*merge);
    // A declared order is kept while rows are dealt out to partitions: merging sorted streams costs a fraction of
    // sorting again. Without an order there is nothing to keep, and plans do not change.
    settings.optimizer.prefer_existing_sort = true;
    // Dynamic filters change rows between runs when they go wrong, and gain little where whole tables are read;
    // their list form panics on dictionary keys. (The first switch sets the others only when set by its key.)
    settings.optimizer.enable_dynamic_filter_pushdown = false;
    settings.optimizer.enable_join_dynamic_filter_pushdown = false;
    settings.optimizer.enable_aggregate_dynamic_filter_pushdown = false;
    settings.optimizer.enable_topk_dynamic_filter_pushdown = false;
    settings.optimizer.hash_join_inlist_pushdown_max_size = 0;
    settings.optimizer.hash_join_inlist_pushdown_max_distinct_values = 0;
    // A field of a struct that is moved to the scan meets a column of the same name there (apache/datafusion#25412,
    // #25446).
    settings.optimizer.enable_leaf_expression_pushdown = false;
    // What keeps the first groups only takes every NaN for a group of its own.
    settings.optimizer.enable_topk_aggregation = false;
    // A limit above DISTINCT is told to the aggregation before operators get their order; over rows that come sorted, it then
    // takes itself for one that keeps the first groups, and fails.
    settings.optimizer.enable_distinct_aggregation_soft_limit = false;
    // DataFusion's logical plans know of some values that they are not NULL (`CASE WHEN a > b THEN a ELSE 0 END`), and its
    // operators do not; then it refuses to group by them.
    settings.execution.skip_physical_aggregate_schema_check = true;
    // The estimate of a scan is the size of its files, whatever columns are read. Building a table of this size on one
    // core takes less than distributing the rows of the other side, which is the larger one.
    settings.optimizer.hash_join_single_partition_threshold = COLLECTED_BYTES;
    // This switch turns three others, which have keys of their own: what these say goes before it.
    let (switch, others): (Vec<_>, Vec<_>) =
        options.settings.iter().partition(|(key, _)| *key == ALL_DYNAMIC_FILTERS);
    switch.into_iter().chain(others).try_for_each(|(key, value)| settings.set(key, value))?;
    Ok(config)
}

fn environment(options: &SessionOptions, spills: &Arc<SpillSpace>) -> Result<Arc<RuntimeEnv>> {
    let limit = options.memory_limit_bytes;
    let pool = if options.is_whole_process {
        LimitedPool::of_process(limit, machine::process_now)
    } else {
        LimitedPool::new(limit)
    };
    let files = Arc::new(SpillFiles(Arc::clone(spills)));
    let disk = DiskManagerBuilder::default().with_temp_file_factory(files);
    let caches = CacheManagerConfig::default().with_metadata_cache_limit(options.footer_cache_bytes);
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .with_disk_manager_builder(disk)
        .with_cache_manager(caches)
        .build_arc()
}
