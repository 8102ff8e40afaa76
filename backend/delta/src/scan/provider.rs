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
use datafusion::physical_plan::ExecutionPlan;
use deltalake::delta_datafusion::DeltaScanConfig;

use super::boundary::DeltaTableScanExec;
use super::change_feed::marked::{MarkedFile, check_marked, with_live_rows};
use super::conform::{conformed, with_partitions};
use super::direct::{self, Base, Request, guarded, is_exact, is_plain};
use super::features::understood;
use super::mapped;
use super::ordered::{Division, OrderedScanExec, arranged, kept_order};
use crate::error::{DeltaError, Result};
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
/// scans it, and refuses inserts. Filters that compare partition columns with literals are applied; others leave out
/// files, row groups and pages and stay above. If the table declares an order ([`ResolvedTable::sort_columns`]) in no more
/// sorted runs than the session has partitions, the scan declares it.
///
/// # Errors
/// [`DeltaError::FileColumnTaken`]; [`DeltaError::Engine`] when the snapshot cannot be scanned.
pub fn provider(table: &ResolvedTable, options: &ScanOptions) -> Result<Arc<dyn TableProvider>> {
    let schema = scan_schema(table, options)?;
    let source = if is_plain(table) {
        Source::Files { file_column: options.file_column.clone() }
    } else {
        let mut config = scan_config();
        if let Some(column) = &options.file_column {
            config = config.with_file_column_name(column);
        }
        Source::Library { config, file_column: options.file_column.clone() }
    };
    Ok(Arc::new(Scan::new(table, source, schema)))
}

/// Where rows come from.
pub(super) enum Source {
    /// The data files, read as they are.
    Files {
        /// The name of the column with the files' URLs.
        file_column: Option<String>,
    },
    /// The scan of the Delta library.
    Library {
        /// How it reads.
        config: DeltaScanConfig,
        /// The name of the column with the files' URLs.
        file_column: Option<String>,
    },
    /// The change feed of the Delta library.
    Changes {
        /// The feed.
        feed: Arc<dyn TableProvider>,
        /// The files with deletion vectors.
        marked: Vec<MarkedFile>,
    },
}

/// Rows of a table, with the column types this crate promises.
///
/// The library gives the file column, and in change feeds the partition columns, as dictionaries. Casting
/// them here costs a view per row and keeps dictionaries out of join keys and outputs.
pub(crate) struct Scan {
    name: String,
    table: ResolvedTable,
    source: Source,
    schema: SchemaRef,
}

impl Scan {
    /// `schema` has the columns of `source`, in order, perhaps with other types.
    pub(super) fn new(table: &ResolvedTable, source: Source, schema: SchemaRef) -> Self {
        Self { name: format!("{table:?}"), table: table.clone(), source, schema }
    }

    /// What is scanned.
    pub(super) fn table(&self) -> &ResolvedTable {
        &self.table
    }

    /// Whether its rows are changes.
    pub(super) fn is_change_feed(&self) -> bool {
        matches!(self.source, Source::Changes { .. })
    }

    /// Lets a session read from the table's storage.
    pub(super) fn register_store(&self, session: &dyn Session) -> EngineResult<()> {
        let table = &self.table.inner.table;
        table.update_datafusion_session(session).map_err(|error| DataFusionError::External(Box::new(error)))
    }

    /// `plan`, the scan of the table's files, in order if the table has one.
    fn in_order(
        &self,
        session: &dyn Session,
        plan: Arc<dyn ExecutionPlan>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let Some(order) = &self.table.inner.order else { return Ok(plan) };
        let kept = kept_order(order, &plan.schema());
        if kept.is_empty() {
            return Ok(plan);
        }
        let optimizer = &session.config_options().optimizer;
        let division = Division {
            partitions: if optimizer.repartition_file_scans {
                session.config().target_partitions()
            } else {
                1
            },
            min_bytes: u64::try_from(optimizer.repartition_file_min_size).unwrap_or(u64::MAX),
        };
        Ok(match arranged(&plan, order, division)? {
            Some(arranged) => Arc::new(OrderedScanExec::new(&self.name, arranged, kept)),
            None => plan,
        })
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
        self.register_store(session)?;
        let request = |file_column| Request {
            table: &self.table,
            schema: &self.schema,
            file_column,
            projection,
            filters,
            limit,
        };
        match &self.source {
            Source::Files { file_column } => {
                let plan = direct::plan(session, &request(file_column.as_deref()))?;
                self.in_order(session, plan)
            }
            Source::Library { config, file_column } => {
                let library = understood(&self.table, config.clone())
                    .await
                    .map_err(|error| DataFusionError::External(Box::new(error)))?;
                mapped::plan(session, &library, &request(file_column.as_deref())).await
            }
            Source::Changes { feed, marked } => {
                check_marked(session, &self.table, marked).await?;
                let schema = match projection {
                    Some(columns) => Cow::Owned(self.schema.project(columns)?),
                    None => Cow::Borrowed(self.schema.as_ref()),
                };
                // By name: the library's feed has columns of no type, too.
                let given = feed.schema();
                let columns = schema.fields().iter().map(|field| given.index_of(field.name()));
                let columns = columns.collect::<Result<Vec<_>, _>>()?;
                let plan = feed.scan(session, Some(&columns), &[], limit).await?;
                let plan = with_live_rows(plan, marked)?;
                let plan = guarded(session, plan, &self.table, Base::Table, &[])?;
                let plan = conformed(with_partitions(plan)?, &schema)?;
                Ok(Arc::new(DeltaTableScanExec::new(&self.table, plan)))
            }
        }
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> EngineResult<Vec<TableProviderFilterPushDown>> {
        let partitions = self.table.partition_columns();
        let support = |filter: &&Expr| match &self.source {
            Source::Files { .. } if is_exact(filter, &self.schema, partitions) => {
                TableProviderFilterPushDown::Exact
            }
            Source::Files { .. } | Source::Library { .. } => TableProviderFilterPushDown::Inexact,
            Source::Changes { .. } => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }
}
