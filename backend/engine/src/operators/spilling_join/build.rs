//! The build side of a join: in memory as long as it fits, else split into files.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::ExecutionPlanProperties as _;
use datafusion::physical_plan::joins::HashJoinExec;
use futures::FutureExt as _;
use futures::TryStreamExt as _;
use futures::future::{BoxFuture, Shared};

use super::memory::{Memory, Resident};
use super::pairs::Pairs;
use super::probe::Join;
use crate::operators::spill::{Part, held_while};

/// A build side that has been taken in.
#[derive(Debug)]
pub(super) enum Build {
    InMemory(Vec<RecordBatch>, Memory),
    OnDisk(Vec<Part>),
}

impl Build {
    /// Takes in a build side.
    ///
    /// # Errors
    /// What the input fails with, and when it fits neither in memory nor on disk.
    pub(super) async fn collect(join: Arc<Join>, mut input: SendableRecordBatchStream) -> Result<Self> {
        let mut resident = Resident::new(join.reservation());
        let Some(refused) = resident.fill(&join, &mut input).await? else {
            let (batches, memory) = resident.into_memory();
            return Ok(Self::InMemory(batches, memory));
        };
        let mut files = join.build_splitter(0);
        for batch in std::mem::take(&mut resident.batches) {
            files.add(&batch)?;
        }
        drop(resident);
        files.add(&refused)?;
        drop(refused);
        while let Some(batch) = input.try_next().await? {
            join.measures.build_rows.add(batch.num_rows());
            files.add(&batch)?;
        }
        Ok(Self::OnDisk(files.finish()?))
    }

    /// Takes in a build side if it fits in memory.
    ///
    /// # Errors
    /// What the input fails with.
    pub(super) async fn in_memory(
        join: &Join,
        mut input: SendableRecordBatchStream,
    ) -> Result<Option<(Vec<RecordBatch>, Memory)>> {
        let mut resident = Resident::new(join.reservation());
        Ok(match resident.fill(join, &mut input).await? {
            None => Some(resident.into_memory()),
            Some(_) => None,
        })
    }

    /// The rows of the join with its own partition of the probe side.
    ///
    /// # Errors
    /// When the join cannot be planned.
    pub(super) fn joined(self, join: &Arc<Join>) -> Result<SendableRecordBatchStream> {
        match self {
            Self::InMemory(batches, memory) => {
                let memory = Arc::new(memory);
                let probe = join.probe(join.partition, Some(Arc::clone(&memory)));
                let planned = join.over(batches, vec![probe])?;
                Ok(held_while(join.run(planned.as_ref(), 0)?, memory))
            }
            Self::OnDisk(parts) => Pairs::joined(join, parts, &[join.partition]),
        }
    }
}

/// A build side for several partitions of the probe side.
#[derive(Debug)]
pub(super) enum Built {
    /// One hash table for all.
    InMemory(Arc<HashJoinExec>, Arc<Memory>),
    OnDisk(Vec<Part>),
}

impl Build {
    /// This build side for all partitions.
    ///
    /// # Errors
    /// When the join cannot be planned.
    pub(super) fn shared(self, join: &Join) -> Result<Built> {
        Ok(match self {
            Self::InMemory(batches, memory) => {
                let memory = Arc::new(memory);
                let partitions = join.planned.right().output_partitioning().partition_count();
                let probes = (0..partitions).map(|index| join.probe(index, Some(Arc::clone(&memory))));
                Built::InMemory(join.over(batches, probes.collect())?, memory)
            }
            Self::OnDisk(parts) => Built::OnDisk(parts),
        })
    }
}

impl Built {
    /// The rows of the join with one partition of the probe side.
    ///
    /// # Errors
    /// When the join cannot be planned.
    pub(super) fn joined(&self, join: &Arc<Join>) -> Result<SendableRecordBatchStream> {
        match self {
            Self::InMemory(planned, memory) => {
                Ok(held_while(join.run(planned.as_ref(), join.partition)?, Arc::clone(memory)))
            }
            Self::OnDisk(parts) if !join.keeps_build_rows() => {
                Pairs::joined(join, parts.clone(), &[join.partition])
            }
            // Which rows of the build side have no match is known when all of the probe side has been seen: one
            // partition joins for all.
            Self::OnDisk(parts) if join.partition == 0 => {
                let all = 0..join.planned.right().output_partitioning().partition_count();
                Pairs::joined(join, parts.clone(), &all.collect::<Vec<_>>())
            }
            Self::OnDisk(_) => Ok(join.nothing()),
        }
    }
}

type Building = BoxFuture<'static, Result<Arc<Built>, Arc<DataFusionError>>>;

/// A build side that several partitions wait for. Whoever waits drives it.
#[derive(Clone)]
pub(super) struct SharedBuild {
    building: Shared<Building>,
    /// How many partitions have not asked for it.
    missing: usize,
}

impl std::fmt::Debug for SharedBuild {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SharedBuild(for {} more)", self.missing)
    }
}

impl SharedBuild {
    pub(super) fn new(building: BoxFuture<'static, Result<Built>>, readers: usize) -> Self {
        let building = building.map(|built| built.map(Arc::new).map_err(Arc::new)).boxed();
        Self { building: building.shared(), missing: readers }
    }

    pub(super) fn asked(&mut self) {
        self.missing = self.missing.saturating_sub(1);
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.missing > 0
    }

    /// The build side.
    ///
    /// # Errors
    /// As [`Build::collect`].
    pub(super) async fn built(self) -> Result<Arc<Built>> {
        self.building.await.map_err(|error| DataFusionError::from(&error))
    }
}
