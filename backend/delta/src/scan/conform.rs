//! What the Delta library scans, as this crate promises it: the column types of the table, and at least one partition.

use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::common::Result as EngineResult;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::error::DataFusionError;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, cast};
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties as _};

/// `plan` with one partition without rows where it has none, as the library's scans of no files: what needs one partition
/// does not take none.
pub(super) fn with_partitions(plan: Arc<dyn ExecutionPlan>) -> EngineResult<Arc<dyn ExecutionPlan>> {
    let plan = plan.transform_up(|node| match node.output_partitioning().partition_count() {
        0 => Ok(Transformed::yes(Arc::new(EmptyExec::new(node.schema())) as Arc<dyn ExecutionPlan>)),
        _ => Ok(Transformed::no(node)),
    })?;
    Ok(plan.data)
}

/// `plan` with the column types of `schema`; the plan itself when it has them.
pub(super) fn conformed(
    plan: Arc<dyn ExecutionPlan>,
    schema: &Schema,
) -> EngineResult<Arc<dyn ExecutionPlan>> {
    let given = plan.schema();
    if given.fields().len() != schema.fields().len() {
        return Err(DataFusionError::Internal(format!(
            "a Delta scan produced {} columns instead of {}",
            given.fields().len(),
            schema.fields().len()
        )));
    }
    let same = given
        .fields()
        .iter()
        .zip(schema.fields())
        .all(|(given, wanted)| given.data_type() == wanted.data_type());
    if same {
        return Ok(plan);
    }
    let columns = given.fields().iter().zip(schema.fields()).enumerate();
    let columns: Vec<(Arc<dyn PhysicalExpr>, String)> = columns
        .map(|(index, (field, wanted))| {
            let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(field.name(), index));
            let column = cast(column, &given, wanted.data_type().clone())?;
            Ok((column, wanted.name().clone()))
        })
        .collect::<EngineResult<_>>()?;
    Ok(Arc::new(ProjectionExec::try_new(columns, plan)?))
}
