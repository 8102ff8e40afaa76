//! From options and additions to the one DataFusion state of a session.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::TableOptions;
use datafusion::execution::cache::cache_manager::{CacheManagerConfig, FileMetadataCache};
use datafusion::execution::disk_manager::DiskManagerBuilder;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::prelude::SessionConfig;

use super::SessionOptions;
use super::additions::{Added, AddedPlanners, Additions, FormatPolicy};
use crate::operators::EnginePlanner;
use crate::resources::{FooterCache, LimitedPool, SpillFiles, SpillSpace, machine};
use crate::rules::{logical_rules, physical_rules};
use crate::semantics;

/// A side of a join that is estimated smaller is not partitioned.
const COLLECTED_BYTES: usize = 4 << 20;
/// A sort puts batches together while they take less than this for each row of a full one. DataFusion's limit of one MiB, for
/// the usual number of rows: what is put together is given out again in batches that count the same texts.
const SORTED_BYTES_PER_ROW: usize = 128;
/// DataFusion's setting that sets those of each kind of dynamic filters, too.
const ALL_DYNAMIC_FILTERS: &str = "datafusion.optimizer.enable_dynamic_filter_pushdown";

/// The state with all that DataFusion, this program and `added` bring, each at its place.
pub(super) fn state(
    options: &SessionOptions,
    spills: &Arc<SpillSpace>,
    footers: &Arc<FooterCache>,
    added: &Additions,
) -> Result<SessionState> {
    let planners = AddedPlanners(values(&added.extension_planners).collect());
    let config = config(options, added.format_policy)?.with_extension(Arc::new(planners));
    let table_options = table_options(&config, added.format_policy);
    let builder = SessionStateBuilder::new()
        .with_table_options(table_options)
        .with_config(config)
        .with_runtime_env(environment(options, spills, footers)?)
        .with_default_features();
    let expr_planners = values(&added.expr_planners).collect();
    let relation_planners = values(&added.relation_planners).collect();
    let mut builder = semantics::planners(builder, expr_planners, relation_planners)
        .with_query_planner(Arc::new(EnginePlanner::default()))
        // Added after DataFusion's own rules; they all stay.
        .with_analyzer_rule(Arc::new(semantics::FalseDependencies))
        .with_optimizer_rules(logical_rules())
        .with_physical_optimizer_rules(physical_rules(options.memory_sizes(), None)?);
    // After the defaults, or they would replace ours of the same name; by pushing, or ours would replace the lot.
    builder.scalar_functions().get_or_insert_default().extend(functions::scalar_functions());
    builder.scalar_functions().get_or_insert_default().extend(values(&added.scalar_functions));
    builder.aggregate_functions().get_or_insert_default().extend(functions::aggregate_functions());
    builder.aggregate_functions().get_or_insert_default().extend(values(&added.aggregate_functions));
    builder.window_functions().get_or_insert_default().extend(functions::window_functions());
    builder.window_functions().get_or_insert_default().extend(values(&added.window_functions));
    builder.file_formats().get_or_insert_default().extend(values(&added.file_formats));
    for factory in &added.table_factories {
        builder = builder.with_table_factory(factory.name.clone(), Arc::clone(&factory.value));
    }
    let analyzer = builder.analyzer().get_or_insert_default();
    values(&added.function_rewrites).for_each(|rewrite| analyzer.add_function_rewrite(rewrite));
    Ok(builder.build())
}

/// What was added, in its order.
fn values<T: Clone>(added: &[Added<T>]) -> impl Iterator<Item = T> {
    added.iter().map(|it| it.value.clone())
}

/// The options of formats: those of the configuration, and what it has no setting for.
fn table_options(config: &SessionConfig, policy: FormatPolicy) -> TableOptions {
    let mut options = TableOptions::default_from_session_config(config.options());
    if let Some(delimiter) = policy.csv_delimiter {
        options.csv.delimiter = delimiter;
    }
    options
}

/// The configuration with batches of so many rows, and all that depends on it.
pub(crate) fn with_rows_per_batch(config: SessionConfig, rows: usize) -> SessionConfig {
    config.with_batch_size(rows).with_sort_in_place_threshold_bytes(rows * SORTED_BYTES_PER_ROW)
}

fn config(options: &SessionOptions, policy: FormatPolicy) -> Result<SessionConfig> {
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
    let parquet = &mut settings.execution.parquet;
    parquet.pushdown_filters = policy.parquet_pushdown_filters.unwrap_or(parquet.pushdown_filters);
    parquet.enable_page_index = policy.parquet_enable_page_index.unwrap_or(parquet.enable_page_index);
    // This switch turns three others, which have keys of their own: what these say goes before it.
    let (switch, others): (Vec<_>, Vec<_>) =
        options.settings.iter().partition(|(key, _)| *key == ALL_DYNAMIC_FILTERS);
    switch.into_iter().chain(others).try_for_each(|(key, value)| settings.set(key, value))?;
    Ok(config)
}

fn environment(
    options: &SessionOptions,
    spills: &Arc<SpillSpace>,
    footers: &Arc<FooterCache>,
) -> Result<Arc<RuntimeEnv>> {
    let limit = options.memory_limit_bytes;
    let pool = if options.is_whole_process {
        LimitedPool::of_process(limit, machine::process_now)
    } else {
        LimitedPool::new(limit)
    };
    let files = Arc::new(SpillFiles(Arc::clone(spills)));
    let disk = DiskManagerBuilder::default().with_temp_file_factory(files);
    let footers: Arc<FileMetadataCache> = Arc::clone(footers) as _;
    let caches = CacheManagerConfig::default()
        .with_file_metadata_cache(Some(footers))
        .with_metadata_cache_limit(options.footer_cache_bytes);
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .with_disk_manager_builder(disk)
        .with_cache_manager(caches)
        .build_arc()
}
