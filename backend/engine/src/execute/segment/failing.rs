//! The rows that fail an assertion, read from the partitions of its segment.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{Failure, Progress, Runnable, all, next};
use crate::execute::FailingRows;

/// Reads what fails an assertion to its end: how much it is must be known.
pub(super) async fn failing_rows(progress: &Arc<Progress>, plan: &Runnable) -> Result<FailingRows, Failure> {
    let mut tasks = JoinSet::new();
    for partition in 0..plan.partitions() {
        let (progress, plan) = (Arc::clone(progress), plan.clone());
        tasks.spawn(async move {
            let mut shown = FailingRows::default();
            let mut stream = plan.opened(&progress, partition).await?;
            while let Some(batch) = next(&progress, &mut stream).await? {
                shown.add(&batch).map_err(|error| Failure::Engine(error.into()))?;
            }
            Ok((partition, shown))
        });
    }
    let (mut shown, failure) = all(progress, plan, tasks).await;
    if let Some(failure) = failure {
        return Err(failure);
    }
    shown.sort_by_key(|(partition, _)| *partition);
    let mut rows = FailingRows::default();
    shown.into_iter().for_each(|(_, more)| rows.extend(more));
    Ok(rows)
}
