//! The scan of a table with deletion vectors or mapped column names: through the Delta library.
//!
//! The library's scan is asked for rows and nothing else. Of filters it gets what bounds that are believed can refute
//! ([`refutable`]), because it leaves out files by bounds that this crate does not trust; the filters themselves stay
//! above. Row groups and pages are left out of files without deletion vectors only, whose rows nobody counts
//! ([`Pruning`](super::pruning::Pruning)). A scan without a column of the files would be answered from the row counts in the log, ignoring limits and
//! missing files, so one is read along.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{Expr, when};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;
use deltalake::delta_datafusion::DeltaScanNext;

use super::boundary::DeltaTableScanExec;
use super::conform::{conformed, with_partitions};
use super::direct::{
    Base, Request, check_files, files_in, files_of, guarded, has_empty_values, is_exact, statistics,
    store_url, takes_empty, without_claims,
};
use super::pruning::{Trust, prunes, refutable};

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
    let filters: Vec<Expr> =
        request.filters.iter().filter_map(|filter| skipping(session, filter, request)).collect();
    let (read, added) = with_a_column_of_the_files(projection, request)?;
    check_parsed(session, request).await?;
    let plan = library.scan(session, Some(&read), &filters, request.limit).await?;
    let plan = if request.table.inner.files.has_deletion_vectors() {
        check_files(session, &store_url(request.table)?, request.table, files_in(&plan)?).await?;
        without_claims(plan)?
    } else {
        guarded(session, plan, request.table, Base::Storage, request.filters)?
    };
    let plan = match added {
        Some(added) => without_column(plan, added)?,
        None => plan,
    };
    let wanted = schema.project(projection)?;
    let statistics = statistics(session, request.table, &wanted);
    let plan = conformed(with_partitions(plan)?, &wanted)?;
    let plan = match has_empty_values(request.table) {
        true => without_empty(session, plan, request)?,
        false => plan,
    };
    let scan = DeltaTableScanExec::new(request.table, plan).with_statistics(statistics);
    let has_vectors = request.table.inner.files.has_deletion_vectors();
    Ok(Arc::new(if has_vectors { scan.with_fixed_input() } else { scan }))
}

/// Looks at the footers that the library parses when it plans, those of files with deletion vectors; once for a table.
async fn check_parsed(session: &dyn Session, request: &Request<'_>) -> Result<()> {
    let inner = &request.table.inner;
    if inner.footers_checked.load(Ordering::Acquire) {
        return Ok(());
    }
    let store = store_url(request.table)?;
    let files = files_of(request.table, inner.files.with_vectors())?;
    check_files(session, &store, request.table, files).await?;
    inner.footers_checked.store(true, Ordering::Release);
    Ok(())
}

/// `plan` with NULL for the empty texts of partition columns: the library takes them as they are.
fn without_empty(
    session: &dyn Session,
    plan: Arc<dyn ExecutionPlan>,
    request: &Request<'_>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = plan.schema();
    let named = DFSchema::try_from(Arc::clone(&schema))?;
    let column = |(index, field): (usize, &FieldRef)| -> Result<(Arc<dyn PhysicalExpr>, String)> {
        let name = field.name();
        let is_meant = request.table.partition_columns().contains(name)
            && takes_empty(field.data_type())
            && field.is_nullable();
        if !is_meant {
            return Ok((Arc::new(Column::new(name, index)), name.clone()));
        }
        let value = Expr::Column(datafusion::common::Column::from_name(name));
        let literal = |value: ScalarValue| Expr::Literal(value, None);
        let empty = ScalarValue::from("").cast_to(field.data_type())?;
        let null = ScalarValue::try_from(field.data_type())?;
        let case = when(value.clone().eq(literal(empty)), literal(null)).otherwise(value)?;
        Ok((session.create_physical_expr(case, &named)?, name.clone()))
    };
    let columns = schema.fields().iter().enumerate().map(column).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(ProjectionExec::try_new(columns, plan)?))
}

fn constants<'a>(request: &'a Request<'_>) -> HashSet<&'a str> {
    let partitions = request.table.partition_columns().iter().map(String::as_str);
    partitions.chain(request.file_column).collect()
}

/// What the library may leave out files by.
fn skipping(session: &dyn Session, filter: &Expr, request: &Request<'_>) -> Option<Expr> {
    let partitions = request.table.partition_columns();
    let plain = |name: &str| {
        let field = request.schema.field_with_name(name).ok();
        field.is_some_and(|field| {
            let is_text = matches!(field.data_type(), DataType::Utf8 | DataType::Utf8View);
            (is_text && !has_empty_values(request.table)) || Trust::of(field) == Some(Trust::Whole)
        })
    };
    let is_partition = is_exact(filter, request.schema, partitions);
    if !is_partition && !prunes(session) {
        return None;
    }
    if is_partition && filter.column_refs().iter().all(|column| plain(&column.name)) {
        return Some(filter.clone());
    }
    let in_files = |field: &&Arc<arrow::datatypes::Field>| {
        !partitions.contains(field.name()) && Trust::of(field) == Some(Trust::Whole)
    };
    let fields: Vec<_> = request.schema.fields().iter().filter(in_files).cloned().collect();
    refutable(filter, &Schema::new(fields), Trust::of)
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
