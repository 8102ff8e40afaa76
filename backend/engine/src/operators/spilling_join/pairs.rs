//! Joins files of the build side with files of the probe side that have the same keys.
//!
//! A pair whose build side fits is joined as it is. One that does not fit is split again. One that splitting makes
//! hardly smaller has a key with very many rows, and is joined in *blocks*: as many rows of one side as fit, with the
//! whole file of the other side, again and again. That is right as long as no row of the file that is read again is
//! given for itself. So the blocks are of the side whose rows can come out without a match:
//!
//! | join | blocks of |
//! |---|---|
//! | inner, left, left semi, left anti, left mark | the build side |
//! | right, right semi, right anti, right mark | the probe side, with the sides swapped |
//! | full | the build side, for a left join; then the probe side, for its rows without a match |

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use datafusion::common::{JoinType, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::joins::PartitionMode;
use datafusion::physical_plan::limit::LimitStream;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, SpillManager};
use futures::future::BoxFuture;
use futures::{FutureExt as _, Stream, StreamExt as _, TryStreamExt as _, stream};

use super::memory::{Memory, Resident, table_bytes};
use super::probe::{Join, OWNER, after_table};
use crate::operators::leaf::once;
use crate::operators::spill::{
    CompactExec, DEEPEST, Part, Splitter, held_while, in_memory, is_skewed, with_schema,
};

/// Files with the rows of the same keys.
struct Pair {
    build: Part,
    probe: Part,
    /// By which bits of the hash to split it.
    depth: u32,
    /// Whether splitting does not help.
    skewed: bool,
}

/// The joining of files.
pub(super) struct Pairs;

impl Pairs {
    /// The rows of a join of a build side in files with these partitions of the probe side.
    ///
    /// # Errors
    /// When the output cannot be sorted.
    pub(super) fn joined(
        join: &Arc<Join>,
        build: Vec<Part>,
        partitions: &[usize],
    ) -> Result<SendableRecordBatchStream> {
        let probes: Vec<SendableRecordBatchStream> =
            partitions.iter().map(|partition| join.probe(*partition, None)).collect();
        let own = Arc::clone(join);
        let rows = stream::once(async move {
            let pairs = if own.planned.null_aware {
                whole(&own, build, probes).await
            } else {
                split(&own, build, probes).await
            };
            pairs.map(|pairs| all(own, pairs))
        });
        let rows: SendableRecordBatchStream =
            Box::pin(RecordBatchStreamAdapter::new(join.schema(), rows.try_flatten()));
        let rows = match join.planned.properties().output_ordering() {
            // Files have mixed up the order of the probe side, which the plan relies on.
            Some(order) => SortExec::new(order.clone(), CompactExec::below(once(rows), join.widths.as_ref()))
                .execute(0, Arc::clone(&join.context))?,
            None => rows,
        };
        Ok(match join.planned.fetch() {
            Some(fetch) => {
                let metrics = BaselineMetrics::new(&ExecutionPlanMetricsSet::new(), join.partition);
                Box::pin(LimitStream::new(rows, 0, Some(fetch), metrics))
            }
            None => rows,
        })
    }
}

/// Pairs of the files of the build side with those of the probe side, which are written here.
async fn split(join: &Join, build: Vec<Part>, probes: Vec<SendableRecordBatchStream>) -> Result<Vec<Pair>> {
    let mut files = join.probe_splitter(0, unwanted(join, &build));
    for rows in probes {
        files.add_all(rows).await?;
    }
    Ok(paired(build, files.finish()?, 1))
}

/// A null-aware join asks of every row whether the probe side has rows and whether one of them is NULL: every file of
/// the build side meets all of the probe side.
async fn whole(join: &Join, build: Vec<Part>, probes: Vec<SendableRecordBatchStream>) -> Result<Vec<Pair>> {
    let [_, spills] = &join.spills;
    let mut file = Splitter::whole(OWNER, spills.clone());
    for rows in probes {
        file.add_all(rows).await?;
    }
    let probe = file.finish_whole()?;
    let pair = |build| Pair { build, probe: probe.clone(), depth: DEEPEST, skewed: true };
    Ok(build.into_iter().map(pair).collect())
}

/// Which files of the probe side match nothing and give nothing.
fn unwanted(join: &Join, build: &[Part]) -> Vec<bool> {
    let needs_build = nothing_without_build(*join.planned.join_type());
    build.iter().map(|part| needs_build && part.rows == 0).collect()
}

fn paired(build: Vec<Part>, probe: Vec<Part>, depth: u32) -> Vec<Pair> {
    let rows: usize = build.iter().map(|part| part.rows).sum();
    let pair = |(build, probe): (Part, Part)| {
        let skewed = depth > DEEPEST || is_skewed(build.rows, rows);
        Pair { build, probe, depth, skewed }
    };
    build.into_iter().zip(probe).map(pair).collect()
}

fn nothing_without_build(join_type: JoinType) -> bool {
    match join_type {
        JoinType::Inner
        | JoinType::Left
        | JoinType::LeftSemi
        | JoinType::LeftAnti
        | JoinType::LeftMark
        | JoinType::RightSemi => true,
        JoinType::Right | JoinType::RightAnti | JoinType::RightMark | JoinType::Full => false,
    }
}

fn nothing_without_probe(join_type: JoinType) -> bool {
    match join_type {
        JoinType::Inner
        | JoinType::Right
        | JoinType::RightSemi
        | JoinType::RightAnti
        | JoinType::RightMark
        | JoinType::LeftSemi => true,
        JoinType::Left | JoinType::LeftAnti | JoinType::LeftMark | JoinType::Full => false,
    }
}

/// The rows of all pairs, one after the other.
fn all(join: Arc<Join>, pairs: Vec<Pair>) -> SendableRecordBatchStream {
    let schema = join.schema();
    let rows = stream::iter(pairs).then(move |pair| joined_pair(Arc::clone(&join), pair)).try_flatten();
    Box::pin(RecordBatchStreamAdapter::new(schema, rows))
}

fn joined_pair(join: Arc<Join>, pair: Pair) -> BoxFuture<'static, Result<SendableRecordBatchStream>> {
    async move {
        let join_type = *join.planned.join_type();
        let empty = (pair.build.rows == 0 && nothing_without_build(join_type))
            || (pair.probe.rows == 0 && nothing_without_probe(join_type));
        if empty {
            return Ok(join.nothing());
        }
        let needed = pair.build.bytes * 2 + table_bytes(pair.build.rows)?;
        let reservation = join.reservation();
        if reservation.try_grow(needed).is_ok() {
            let memory = Arc::new(Memory::new(reservation, pair.build.bytes));
            let [build, probe] = &join.spills;
            let left = once(pair.build.read(build)?);
            let right = once(after_table(pair.probe.read(probe)?, Arc::clone(&memory)));
            let planned = join.with_inputs(left, right, join_type)?;
            return Ok(held_while(join.run(&planned, 0)?, memory));
        }
        drop(reservation);
        if pair.skewed {
            return Ok(in_blocks(&join, pair));
        }
        let [build, probe] = &join.spills;
        let mut files = join.build_splitter(pair.depth);
        files.add_all(pair.build.read(build)?).await?;
        let parts = files.finish()?;
        let mut files = join.probe_splitter(pair.depth, unwanted(&join, &parts));
        files.add_all(pair.probe.read(probe)?).await?;
        let pairs = paired(parts, files.finish()?, pair.depth + 1);
        Ok(all(join, pairs))
    }
    .boxed()
}

/// As many rows of a file at a time as fit.
fn blocks(
    join: Arc<Join>,
    part: Part,
    spills: SpillManager,
) -> impl Stream<Item = Result<(Vec<RecordBatch>, Arc<Memory>)>> + Send {
    let rows = stream::once(async move { part.read(&spills) }).try_flatten().boxed();
    stream::try_unfold((join, rows, None), |(join, mut rows, mut refused)| async move {
        let mut block = Resident::new(join.reservation());
        loop {
            let batch = match refused.take() {
                Some(batch) => Some(batch),
                None => rows.try_next().await?,
            };
            let Some(batch) = batch else { break };
            if let Err((batch, error)) = block.add(batch) {
                if block.batches.is_empty() {
                    return Err(error);
                }
                refused = Some(batch);
                break;
            }
        }
        if block.batches.is_empty() {
            return Ok(None);
        }
        let (batches, memory) = block.into_memory();
        Ok(Some(((batches, Arc::new(memory)), (join, rows, refused))))
    })
}

fn in_blocks(join: &Arc<Join>, pair: Pair) -> SendableRecordBatchStream {
    match *join.planned.join_type() {
        kept @ (JoinType::Inner
        | JoinType::Left
        | JoinType::LeftSemi
        | JoinType::LeftAnti
        | JoinType::LeftMark) => blocks_of_build(join, pair.build, pair.probe, kept),
        kept @ (JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark) => {
            blocks_of_probe(join, pair.build, pair.probe, kept)
        }
        JoinType::Full => {
            let matched = blocks_of_build(join, pair.build.clone(), pair.probe.clone(), JoinType::Left);
            let rest = blocks_of_probe(join, pair.build, pair.probe, JoinType::RightAnti);
            let own = Arc::clone(join);
            let rest = rest.map(move |rows| padded(&own, &rows?));
            let schema = join.schema();
            Box::pin(RecordBatchStreamAdapter::new(schema, matched.chain(rest)))
        }
    }
}

/// Joins blocks of the build side with the whole probe side.
fn blocks_of_build(
    join: &Arc<Join>,
    build: Part,
    probe: Part,
    join_type: JoinType,
) -> SendableRecordBatchStream {
    let [build_spills, probe_spills] = join.spills.clone();
    let own = Arc::clone(join);
    let rows = blocks(Arc::clone(join), build, build_spills).and_then(move |(batches, memory)| {
        let joined = || {
            let left = once(in_memory(own.planned.left().schema(), batches));
            let right = once(after_table(probe.read(&probe_spills)?, Arc::clone(&memory)));
            let planned = own.with_inputs(left, right, join_type)?;
            Ok(held_while(own.run(&planned, 0)?, memory))
        };
        std::future::ready(joined())
    });
    // The types of the columns are the same; a left join does not know that its left columns can be NULL in a full one.
    let schema = join.schema();
    let rows = rows.try_flatten().map(move |rows| with_schema(&rows?, &schema));
    Box::pin(RecordBatchStreamAdapter::new(join.schema(), rows))
}

/// Joins blocks of the probe side with the whole build side, as build side of a join with swapped sides.
fn blocks_of_probe(
    join: &Arc<Join>,
    build: Part,
    probe: Part,
    join_type: JoinType,
) -> SendableRecordBatchStream {
    let [build_spills, probe_spills] = join.spills.clone();
    let own = Arc::clone(join);
    let is_part = join_type != *join.planned.join_type();
    let rows = blocks(Arc::clone(join), probe, probe_spills).and_then(move |(batches, memory)| {
        let joined = || {
            let left = once(after_table(build.read(&build_spills)?, Arc::clone(&memory)));
            let right = once(in_memory(own.planned.right().schema(), batches));
            let builder = own.planned.builder().reset_state().recompute_properties().with_type(join_type);
            // The projection is that of the whole join.
            let builder = if is_part { builder.with_projection(None) } else { builder };
            let planned = builder.with_new_children(vec![left, right])?.build()?;
            let swapped = planned.swap_inputs(PartitionMode::Partitioned)?;
            Ok(held_while(own.run(swapped.as_ref(), 0)?, memory))
        };
        std::future::ready(joined())
    });
    let schema = if is_part { join.planned.right().schema() } else { join.schema() };
    let own = Arc::clone(&schema);
    let rows = rows.try_flatten().map(move |rows| with_schema(&rows?, &own));
    Box::pin(RecordBatchStreamAdapter::new(schema, rows))
}

/// Rows of the probe side without a match, as a full join gives them.
fn padded(join: &Join, rows: &RecordBatch) -> Result<RecordBatch> {
    let left = join.planned.left().schema();
    let nulls = left.fields().iter().map(|field| new_null_array(field.data_type(), rows.num_rows()));
    let columns: Vec<ArrayRef> = nulls.chain(rows.columns().iter().cloned()).collect();
    let columns = match join.planned.projection.as_deref() {
        Some(projection) => projection.iter().filter_map(|index| columns.get(*index).cloned()).collect(),
        None => columns,
    };
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    Ok(RecordBatch::try_new_with_options(join.schema(), columns, &options)?)
}
