//! The scan of a table with deletion vectors or mapped column names: through the Delta library.
//!
//! The library's scan is asked for rows and nothing else. Of filters it gets what bounds that are believed can refute
//! ([`refutable`]), because it leaves out files by bounds that this crate does not trust; the filters themselves stay
//! above. A scan without a column of the files would be answered from the row counts in the log, ignoring limits and
//! missing files, so one is read along.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig};
use datafusion::datasource::source::DataSourceExec;
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;
use deltalake::delta_datafusion::DeltaScanNext;

use super::boundary::DeltaTableScanExec;
use super::direct::{Request, Trust, is_exact, refutable, statistics};
use crate::guard::without_links;
use crate::snapshot::ResolvedTable;

/// The scan `request` asks for, of `library`, which has the columns of its schema, perhaps with other types. No filter
/// is applied.
pub(super) async fn plan(
    session: &dyn Session,
    library: &DeltaScanNext,
    request: &Request<'_>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = request.schema;
    let all: Vec<usize> = (0..schema.fields().len()).collect();
    let projection = request.projection.unwrap_or(&all);
    let filters: Vec<Expr> = request.filters.iter().filter_map(|filter| skipping(filter, request)).collect();
    let (read, added) = with_a_column_of_the_files(projection, request)?;
    let plan = library.scan(session, Some(&read), &filters, request.limit).await?;
    guard_links(&plan, request.table)?;
    let plan = match added {
        Some(added) => without_column(plan, added)?,
        None => plan,
    };
    let wanted = schema.project(projection)?;
    let statistics = statistics(request.table, &wanted);
    let plan = super::provider::conformed(plan, &wanted)?;
    let constant = constants(request);
    Ok(Arc::new(DeltaTableScanExec::new(plan, &constant).with_statistics(statistics)))
}

fn constants<'a>(request: &'a Request<'_>) -> HashSet<&'a str> {
    let partitions = request.table.partition_columns().iter().map(String::as_str);
    partitions.chain(request.file_column).collect()
}

/// What the library may leave out files by.
fn skipping(filter: &Expr, request: &Request<'_>) -> Option<Expr> {
    let partitions = request.table.partition_columns();
    let plain = |name: &str| {
        let field = request.schema.field_with_name(name).ok();
        field.is_some_and(|field| {
            matches!(field.data_type(), DataType::Utf8 | DataType::Utf8View)
                || Trust::of(field) == Some(Trust::Whole)
        })
    };
    if is_exact(filter, request.schema, partitions)
        && filter.column_refs().iter().all(|column| plain(&column.name))
    {
        return Some(filter.clone());
    }
    let in_files = |field: &&Arc<arrow::datatypes::Field>| {
        !partitions.contains(field.name()) && Trust::of(field) == Some(Trust::Whole)
    };
    let fields: Vec<_> = request.schema.fields().iter().filter(in_files).cloned().collect();
    refutable(filter, &Schema::new(fields))
}

/// `projection` with a column that is in the files if it has none, and the place of that column in the scan.
fn with_a_column_of_the_files(
    projection: &[usize],
    request: &Request<'_>,
) -> Result<(Vec<usize>, Option<usize>)> {
    let constant = constants(request);
    let fields = request.schema.fields();
    let in_files =
        |index: &usize| fields.get(*index).is_some_and(|field| !constant.contains(field.name().as_str()));
    if projection.iter().any(in_files) {
        return Ok((projection.to_vec(), None));
    }
    // The narrowest one.
    let width = |index: &usize| fields.get(*index).and_then(|field| field.data_type().primitive_width());
    let added = (0..fields.len()).filter(in_files).min_by_key(|index| width(index).unwrap_or(usize::MAX));
    let added = added.ok_or_else(|| DataFusionError::Plan("a table has no column in its files".into()))?;
    // The library puts the file column last.
    let is_file =
        |index: &usize| fields.get(*index).map(|field| field.name().as_str()) == request.file_column;
    let (last, mut read): (Vec<usize>, Vec<usize>) = projection.iter().partition(|index| is_file(index));
    let place = read.len();
    read.push(added);
    read.extend(last);
    Ok((read, Some(place)))
}

fn without_column(plan: Arc<dyn ExecutionPlan>, column: usize) -> Result<Arc<dyn ExecutionPlan>> {
    let schema: SchemaRef = plan.schema();
    let kept = schema.fields().iter().enumerate().filter(|(index, _)| *index != column);
    let kept = kept.map(|(index, field)| {
        let expr: Arc<dyn PhysicalExpr> = Arc::new(Column::new(field.name(), index));
        (expr, field.name().clone())
    });
    Ok(Arc::new(ProjectionExec::try_new(kept.collect::<Vec<_>>(), plan)?))
}

/// Refuses links that leave the table, before a file is opened.
fn guard_links(plan: &Arc<dyn ExecutionPlan>, table: &ResolvedTable) -> Result<()> {
    let Some(root) = table.location().as_path() else { return Ok(()) };
    plan.apply(|node| {
        let config = node
            .downcast_ref::<DataSourceExec>()
            .and_then(|source| source.data_source().downcast_ref::<FileScanConfig>());
        let groups = config.map_or(&[][..], |config| config.file_groups.as_slice());
        for file in groups.iter().flat_map(FileGroup::iter) {
            let path = Path::new("/").join(file.object_meta.location.as_ref());
            without_links(&path, &root, table.location().text())
                .map_err(|error| DataFusionError::External(Box::new(error)))?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}
