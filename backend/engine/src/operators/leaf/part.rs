//! The border between two parts of a segment: a leaf above, a root below.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::common::stats::Precision;
use datafusion::common::{Result, Statistics};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, PlanProperties, SendableRecordBatchStream};

use super::rows::RowSource;
use crate::operators::Cardinalities;

/// The planned parts of a segment, by view.
#[derive(Debug, Default)]
pub(crate) struct PlannedParts(Mutex<HashMap<String, Planned>>);

/// A part that is planned.
#[derive(Debug)]
struct Planned {
    /// The optimized plan.
    logical: LogicalPlan,
    /// The operators, until somebody reads them: they may be executed by one reader only.
    operators: Option<Arc<dyn ExecutionPlan>>,
}

impl PlannedParts {
    pub(crate) fn insert(&self, view: &str, logical: LogicalPlan, operators: Arc<dyn ExecutionPlan>) {
        let planned = Planned { logical, operators: Some(operators) };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(view.to_owned(), planned);
    }

    /// The operators of a part for its first reader, its optimized plan for every other.
    pub(crate) fn take(&self, view: &str) -> Option<Result<Arc<dyn ExecutionPlan>, LogicalPlan>> {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let planned = parts.get_mut(view)?;
        Some(planned.operators.take().ok_or_else(|| planned.logical.clone()))
    }
}

/// The rows of a part, partition by partition. The plan of the part is no child of the leaf, so that no rule of the reading
/// part walks into it.
#[derive(Debug)]
pub(crate) struct PlannedPart {
    view: String,
    plan: Arc<dyn ExecutionPlan>,
    /// By partition; all partitions together without one. They are asked for by every join above.
    statistics: Mutex<HashMap<Option<usize>, Arc<Statistics>>>,
}

impl PlannedPart {
    /// The part that computes this view, by this plan.
    pub(crate) fn new(view: &str, plan: Arc<dyn ExecutionPlan>) -> Self {
        Self { view: view.to_owned(), plan, statistics: Mutex::default() }
    }
}

impl RowSource for PlannedPart {
    fn name(&self) -> &'static str {
        "PartExec"
    }

    fn view(&self) -> Option<&str> {
        Some(&self.view)
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.plan.properties()
    }

    /// What is measured is measured by the operators of the part.
    fn rows(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
        _metrics: &ExecutionPlanMetricsSet,
    ) -> Result<SendableRecordBatchStream> {
        self.plan.execute(partition, context)
    }

    fn statistics(&self, args: &StatisticsArgs) -> Result<Arc<Statistics>> {
        let known =
            self.statistics.lock().unwrap_or_else(PoisonError::into_inner).get(&args.partition()).cloned();
        if let Some(found) = known {
            return Ok(found);
        }
        let mut computed = StatisticsContext::new().compute(self.plan.as_ref(), args)?;
        if let (None, Some(guess)) = (args.partition(), Cardinalities::default().of(&self.plan)?)
            && guess.joined
        {
            let computed = Arc::make_mut(&mut computed);
            computed.num_rows = Precision::Inexact(guess.rows as usize);
            computed.total_byte_size = Precision::Absent;
        }
        let mut found = self.statistics.lock().unwrap_or_else(PoisonError::into_inner);
        found.insert(args.partition(), Arc::clone(&computed));
        Ok(computed)
    }

    fn plan(&self) -> Option<&Arc<dyn ExecutionPlan>> {
        Some(&self.plan)
    }

    /// The operators of the part begin anew with those that read it.
    fn anew(&self) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        Ok(Some(Self::new(&self.view, reset_plan_states(Arc::clone(&self.plan))?).leaf()))
    }
}
