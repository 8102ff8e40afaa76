//! What an operator measures that lets operators of DataFusion do the work, part by part.

use std::sync::{Arc, Mutex, PoisonError};

use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricsSet};

/// What such an operator did.
#[derive(Debug, Default)]
pub(in crate::operators) struct Measures {
    /// What it did itself.
    pub(in crate::operators) own: ExecutionPlanMetricsSet,
    parts: Mutex<Vec<MetricsSet>>,
}

impl Measures {
    /// Adds what an operator measures that does a part of the work. Its counters may still grow.
    pub(in crate::operators) fn add(&self, part: MetricsSet) {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).push(part);
    }

    /// Everything together.
    pub(in crate::operators) fn all(&self) -> MetricsSet {
        let mut all = self.own.clone_inner();
        for part in self.parts.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            part.iter().for_each(|metric| all.push(Arc::clone(metric)));
        }
        all
    }
}
