//! The table provider of a resolved table.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result as EngineResult;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, cast};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;
use deltalake::DeltaTable;
use deltalake::delta_datafusion::DeltaScanNext;
use deltalake::kernel::EagerSnapshot;

use super::ordered::{Division, OrderedScanExec, arranged, kept_order};
use super::statistics::described;
use crate::error::{DeltaError, Result};
use crate::order::TableOrder;
use crate::snapshot::{ResolvedTable, scan_config};

/// How a table is scanned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanOptions {
    /// Name of a column to append that holds the absolute URL of the file each row comes from.
    pub file_column: Option<String>,
}

/// The columns [`provider`] produces with these options: the table's columns, then the file column as a
/// string that is never NULL.
///
/// # Errors
/// [`DeltaError::FileColumnTaken`] when the table has a column of that name (case ignored).
pub fn scan_schema(table: &ResolvedTable, options: &ScanOptions) -> Result<SchemaRef> {
    let Some(column) = &options.file_column else { return Ok(Arc::clone(table.schema())) };
    if table.schema().fields().iter().any(|field| field.name().eq_ignore_ascii_case(column)) {
        return Err(DeltaError::FileColumnTaken {
            location: table.location().to_string(),
            column: column.clone(),
        });
    }
    let mut fields = table.schema().fields().to_vec();
    fields.push(Arc::new(Field::new(column, DataType::Utf8View, false)));
    Ok(Arc::new(Schema::new(fields)))
}

/// A provider over the table's snapshot. It registers the table's object store with whatever session
/// scans it, pushes filters to file skipping and the Parquet reader (row-level only when the session's
/// `parquet.pushdown_filters` is on), and refuses inserts. If the table declares an order
/// ([`ResolvedTable::sort_columns`]) in no more sorted runs than the session has partitions, the scan declares it.
///
/// # Errors
/// [`DeltaError::FileColumnTaken`]; [`DeltaError::Engine`] when the snapshot cannot be scanned.
pub fn provider(
    table: &ResolvedTable,
    options: &ScanOptions,
    session: &dyn Session,
) -> Result<Arc<dyn TableProvider>> {
    let schema = scan_schema(table, options)?;
    let pushdown = session.config().options().execution.parquet.pushdown_filters;
    let mut config = scan_config().with_parquet_pushdown(pushdown);
    if let Some(column) = &options.file_column {
        config = config.with_file_column_name(column);
    }
    let inner = DeltaScanNext::new(Arc::clone(&table.inner.snapshot), config)
        .map_err(|error| DeltaError::engine(table.location().text(), "preparing the scan", error))?;
    let scan = Scan::new(table, Arc::new(inner), schema, true);
    Ok(Arc::new(scan.ordered(table.inner.order.clone())))
}

/// A provider of the Delta library, with the column types this crate promises.
///
/// The library gives the file column, and in change feeds the partition columns, as dictionaries. Casting
/// them here costs a view per row and keeps dictionaries out of join keys and outputs.
pub(crate) struct Scan {
    name: String,
    table: DeltaTable,
    snapshot: Arc<EagerSnapshot>,
    inner: Arc<dyn TableProvider>,
    schema: SchemaRef,
    push_filters: bool,
    /// The order of the rows of `inner`, if it is that of the table.
    order: Option<Arc<TableOrder>>,
}

impl Scan {
    /// `schema` has the columns of `inner`, in order, perhaps with other types. With `push_filters` the
    /// filters go to `inner`, so columns its filters may use must have the same type in both.
    pub(crate) fn new(
        table: &ResolvedTable,
        inner: Arc<dyn TableProvider>,
        schema: SchemaRef,
        push_filters: bool,
    ) -> Self {
        Self {
            name: format!("{:?}", table),
            table: table.inner.table.clone(),
            snapshot: Arc::clone(&table.inner.snapshot),
            inner,
            schema,
            push_filters,
            order: None,
        }
    }

    /// With the order the table declares.
    fn ordered(self, order: Option<Arc<TableOrder>>) -> Self {
        Self { order, ..self }
    }

    /// `plan`, the scan of the Delta library, with the columns of `schema`, and in order if the table has one.
    fn finished(
        &self,
        session: &dyn Session,
        plan: Arc<dyn ExecutionPlan>,
        schema: &Schema,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let Some(order) = &self.order else { return conformed(plan, schema) };
        let kept = kept_order(order, schema);
        if kept.is_empty() {
            return conformed(plan, schema);
        }
        let optimizer = &session.config_options().optimizer;
        let division = Division {
            partitions: session.config().target_partitions(),
            min_bytes: u64::try_from(optimizer.repartition_file_min_size).unwrap_or(u64::MAX),
        };
        match arranged(&plan, order, division)? {
            Some(arranged) => {
                let scan = conformed(arranged, schema)?;
                Ok(Arc::new(OrderedScanExec::new(&self.name, scan, kept)))
            }
            None => conformed(plan, schema),
        }
    }
}

impl fmt::Debug for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scan({})", self.name)
    }
}

#[async_trait]
impl TableProvider for Scan {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        self.table
            .update_datafusion_session(session)
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        let mut plan = self.inner.scan(session, projection, filters, limit).await?;
        if self.push_filters {
            let files =
                self.snapshot.try_log_data().map_err(|error| DataFusionError::External(Box::new(error)))?;
            plan = described(plan, &files)?;
        }
        let schema = match projection {
            Some(columns) => Cow::Owned(self.schema.project(columns)?),
            None => Cow::Borrowed(self.schema.as_ref()),
        };
        self.finished(session, plan, &schema)
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> EngineResult<Vec<TableProviderFilterPushDown>> {
        if self.push_filters {
            return self.inner.supports_filters_pushdown(filters);
        }
        Ok(vec![TableProviderFilterPushDown::Unsupported; filters.len()])
    }
}

/// `plan` with the column types of `schema`; the plan itself when it has them.
fn conformed(plan: Arc<dyn ExecutionPlan>, schema: &Schema) -> EngineResult<Arc<dyn ExecutionPlan>> {
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
