//! The session: one DataFusion state, built in one place and never changed afterwards.
//!
//! Oracle, emission, execution and ad-hoc queries all use the same state, so what one of them accepts the others
//! accept, and what is described is what runs.

mod additions;
mod build;
mod governance;
mod manifest;
mod options;
mod profile;
mod sizes;
mod surface;

pub(crate) use additions::AddedPlanners;
pub use additions::{FormatPolicy, PlanningSurfaceBuilder, PlanningSurfaceSpec, SurfaceSpecError};
pub(crate) use build::with_rows_per_batch;
use governance::ExtensionFunctions;
pub use governance::{Extension, FunctionCall};
pub use manifest::{MANIFEST_VERSION, SessionManifest, TypedPolicy};
pub use options::SessionOptions;
pub use profile::{KNOBS, Knob, Origin, SettingRefusal, Turns, setting_refusals};
pub use sizes::{SIZES, Size};
pub use surface::{FunctionPart, Part, PlanningSurface, Provider, SURFACE_VERSION, is_planning_setting};

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::session_state::SessionState;
use ir::hash::ContentHash;
use serde::Serialize;

use crate::capture::{CaptureCounters, CaptureUse};
use crate::error::EngineError;
use crate::resources::{
    CacheUse, FooterCache, LimitedPool, MemoryHolder, SpillSpace, SpillUse, caches, machine,
};
use crate::stop::{Cancellation, stoppable};

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
    footers: Arc<FooterCache>,
    captures: Arc<CaptureCounters>,
    /// See [`Self::extension_functions`].
    extension_functions: Arc<OnceLock<ExtensionFunctions>>,
    stop: Cancellation,
}

impl Session {
    /// A session with these resources.
    ///
    /// # Errors
    /// [`EngineError::Session`] when the folder for temporary files cannot be used.
    pub fn new(options: SessionOptions) -> Result<Self, EngineError> {
        Self::with_surface(options, &PlanningSurfaceSpec::default())
    }

    /// A session that also has what a program adds.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_surface(options: SessionOptions, added: &PlanningSurfaceSpec) -> Result<Self, EngineError> {
        let refused = |source| EngineError::Session { source: Box::new(source) };
        let folder = options.spill_directory.as_deref();
        let spills = SpillSpace::new(folder, options.spill_limit_bytes).map_err(refused)?;
        let footers = Arc::new(FooterCache::new(options.footer_cache_bytes));
        let state = build::state(&options, &spills, &footers, added.additions()).map_err(refused)?;
        let surface = PlanningSurface::of(&state, added.additions());
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
            footers,
            captures: Arc::default(),
            extension_functions: Arc::default(),
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

    /// What its caches hold, and how they were used so far.
    #[must_use]
    pub fn cache_use(&self) -> Vec<CacheUse> {
        caches(&self.footers)
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
