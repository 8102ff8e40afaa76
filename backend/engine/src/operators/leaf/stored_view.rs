//! Views that are computed once and read many times: the rows of a reader.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::{Result, Statistics, exec_err};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, RecordOutput as _};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{Partitioning, PlanProperties, SendableRecordBatchStream};
use futures::TryStreamExt as _;

use super::rows::RowSource;
use crate::operators::store::SharedStore;

/// The batches that a shared view's segment stored. They can be read any number of times: each time with a new cursor.
#[derive(Debug)]
pub struct StoredView {
    view: String,
    store: Option<Arc<SharedStore>>,
    properties: Arc<PlanProperties>,
}

impl StoredView {
    /// What is in a filled store.
    #[must_use]
    pub fn new(view: &str, store: Arc<SharedStore>) -> Self {
        store.add_reader();
        let properties = store.properties();
        Self { view: view.to_owned(), store: Some(store), properties }
    }

    /// What can be shown but not read, because nothing computed the view.
    #[must_use]
    pub fn unfilled(view: &str, schema: SchemaRef, partitions: usize) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let properties = Arc::new(properties.with_scheduling_type(SchedulingType::NonCooperative));
        Self { view: view.to_owned(), store: None, properties }
    }

    /// Where the rows are, if something computed the view.
    pub(crate) fn store(&self) -> Option<&Arc<SharedStore>> {
        self.store.as_ref()
    }
}

impl RowSource for StoredView {
    fn name(&self) -> &'static str {
        "SharedViewExec"
    }

    fn view(&self) -> Option<&str> {
        Some(&self.view)
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn rows(
        &self,
        partition: usize,
        _context: Arc<TaskContext>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<SendableRecordBatchStream> {
        let Some(store) = &self.store else {
            return exec_err!("the view `{}` is read by a plan that was made for display", self.view);
        };
        let schema = Arc::clone(self.properties.equivalence_properties().schema());
        let metrics = BaselineMetrics::new(metrics, partition);
        let batches = store.partition(partition)?.map_ok(move |batch| batch.record_output(&metrics));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    fn statistics(&self, args: &StatisticsArgs) -> Result<Arc<Statistics>> {
        match &self.store {
            Some(store) => store.statistics(args.partition()).map(Arc::new),
            None => Ok(Arc::new(Statistics::new_unknown(self.properties.equivalence_properties().schema()))),
        }
    }
}
