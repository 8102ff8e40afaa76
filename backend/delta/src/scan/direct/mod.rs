//! The scan of a plain table: its files, read by DataFusion's own Parquet reader.
//!
//! Most tables need nothing of the Delta library once their log is replayed: no deletion vectors, no mapped column
//! names. For these the scan is built here, because then nothing has to be believed: which files can hold matching rows
//! is decided by [`skipping`] from bounds it trusts, partition values are constants of each file, rows are counted by
//! the footers of the files, and a limit cuts streams of rows. It is also what makes large tables cheap to plan: a file
//! costs one entry, not a replay of the log a reference.
//!
//! Every other table goes through the library ([`super::mapped`]).

mod arrow_schema;
pub(crate) mod bounds;
pub(super) mod files;
pub(crate) mod footer;
pub(super) mod many_files;
mod reader;
mod skipping;

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::config::TableParquetOptions;
use datafusion::common::stats::Precision;
use datafusion::common::{DFSchema, DataFusionError, Result, Statistics};
use datafusion::datasource::physical_plan::{FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use deltalake::kernel::EagerSnapshot;
use url::Position;

pub(super) use bounds::{has_empty_values, takes_empty};
pub(super) use files::file_scan;
pub(super) use reader::{Base, check_files, files_in, files_of, footers, guarded, without_claims};
pub(super) use skipping::is_exact;

use files::ScannedFiles;

use super::boundary::DeltaTableScanExec;
use super::pruning::Pruning;
use crate::active::ActiveFiles;
use crate::snapshot::ResolvedTable;

/// Whether the files of `table` can be read as they are.
pub(super) fn is_plain(table: &ResolvedTable) -> bool {
    is_plain_snapshot(&table.inner.snapshot, &table.inner.files, table.schema())
}

/// The same of a table that is being resolved, with these columns.
pub(crate) fn is_plain_snapshot(snapshot: &EagerSnapshot, files: &ActiveFiles, schema: &Schema) -> bool {
    let metadata = snapshot.metadata();
    let mapped = metadata.configuration().get("delta.columnMapping.mode").is_some_and(|mode| mode != "none");
    let readable = |field: &FieldRef| match metadata.partition_columns().contains(field.name()) {
        // The log keeps binary values in an encoding of its own.
        true => !field.data_type().is_nested() && !is_binary(field.data_type()),
        false => is_relaxed(field.data_type()),
    };
    !mapped && !files.has_deletion_vectors() && schema.fields().iter().all(readable)
}

fn is_binary(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}

/// Whether no nested field is NOT NULL: what is nullable in a file and not in the table has to be checked row by row,
/// which the reader does for whole columns only.
fn is_relaxed(data_type: &DataType) -> bool {
    let relaxed = |field: &FieldRef| field.is_nullable() && is_relaxed(field.data_type());
    match data_type {
        DataType::Struct(fields) => fields.iter().all(relaxed),
        DataType::List(element) | DataType::LargeList(element) => relaxed(element),
        nested if nested.is_nested() => false,
        _ => true,
    }
}

/// What a scan reads.
pub(super) struct Request<'a> {
    pub(super) table: &'a ResolvedTable,
    /// The columns of the table, and the file column after them if there is one.
    pub(super) schema: &'a SchemaRef,
    /// The name of the file column.
    pub(super) file_column: Option<&'a str>,
    pub(super) projection: Option<&'a Vec<usize>>,
    pub(super) filters: &'a [Expr],
    pub(super) limit: Option<usize>,
}

/// The scan `request` asks for. Filters that [`is_exact`] says are exact are applied; the others only let files, row
/// groups and pages be left out.
pub(super) fn plan(session: &dyn Session, request: &Request<'_>) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = request.schema;
    let all: Vec<usize> = (0..schema.fields().len()).collect();
    let projection = request.projection.unwrap_or(&all);
    let columns = Columns::of(request);
    let files = files(session, request, &columns)?;
    if files.count() == 0 {
        return Ok(Arc::new(EmptyExec::new(Arc::new(schema.project(projection)?))));
    }
    let pruning = Pruning::of(session, request.filters, &columns.in_files)?;
    let store = store_url(request.table)?;
    let source = source(session, request, &columns, &store, pruning.as_ref())?;
    let indices = projection.iter().map(|&index| columns.place(schema, index)).collect::<Result<_>>()?;
    // The files of an ordered table are dealt out by their order, see `ordered`.
    let is_ordered = request.table.inner.order.is_some();
    let files = if is_ordered { files } else { files.divided(session) };
    let groups = if is_ordered { files.groups()? } else { files.empty_groups()? };
    let config = FileScanConfigBuilder::new(store, Arc::new(source))
        .with_statistics(statistics_of(session, request.table, &columns, &files))
        .with_file_groups(groups)
        // A limit counts rows that pass the filters.
        .with_limit(request.limit.filter(|_| pruning.is_none()))
        .with_projection_indices(Some(indices))?
        .build();
    let scan = DeltaTableScanExec::new(request.table, DataSourceExec::from_data_source(config));
    Ok(Arc::new(if is_ordered { scan } else { scan.with_files(Arc::new(files)) }))
}

/// What reads the files, of which it skips what `pruning` refutes.
fn source(
    session: &dyn Session,
    request: &Request<'_>,
    columns: &Columns,
    store: &ObjectStoreUrl,
    pruning: Option<&Pruning>,
) -> Result<ParquetSource> {
    let parquet = TableParquetOptions {
        global: datafusion::common::config::ParquetOptions {
            // Nanoseconds, the other reading, end in the year 2262.
            coerce_int96: Some("us".to_owned()),
            ..session.config().options().execution.parquet.clone()
        },
        ..TableParquetOptions::default()
    };
    let source = ParquetSource::new(columns.as_table())
        .with_table_parquet_options(parquet)
        .with_parquet_file_reader_factory(reader::factory(session, store, request.table, pruning)?);
    Ok(match pruning {
        Some(pruning) => source.with_predicate(Arc::clone(&pruning.condition)),
        None => source,
    })
}

/// Where the storage of `table` begins.
pub(super) fn store_url(table: &ResolvedTable) -> Result<ObjectStoreUrl> {
    let url = table.location().url();
    ObjectStoreUrl::parse(&url[..Position::BeforePath])
}

/// The columns of a scan, as the Parquet reader takes them: those in files first, constants of each file after them.
struct Columns {
    in_files: SchemaRef,
    /// The partition columns in the table's order, and the file column.
    constant: Vec<FieldRef>,
    partitions: Vec<FieldRef>,
}

impl Columns {
    fn of(request: &Request<'_>) -> Self {
        let is_constant = |field: &&FieldRef| {
            request.table.partition_columns().contains(field.name())
                || request.file_column == Some(field.name().as_str())
        };
        let (constant, in_files): (Vec<&FieldRef>, Vec<_>) =
            request.schema.fields().iter().partition(is_constant);
        let is_partition = |field: &&FieldRef| request.file_column != Some(field.name().as_str());
        Self {
            in_files: Arc::new(Schema::new(in_files.into_iter().cloned().collect::<Vec<_>>())),
            partitions: constant.iter().copied().filter(is_partition).cloned().collect(),
            constant: constant.into_iter().cloned().collect(),
        }
    }

    fn as_table(&self) -> TableSchema {
        TableSchema::builder(Arc::clone(&self.in_files))
            .with_table_partition_cols(self.constant.clone())
            .build()
    }

    /// Where the column at `index` of `schema` is.
    fn place(&self, schema: &Schema, index: usize) -> Result<usize> {
        let name = schema.field(index).name();
        let found =
            self.in_files.fields().iter().chain(&self.constant).position(|field| field.name() == name);
        found.ok_or_else(|| DataFusionError::Internal(format!("a scan has no column `{name}`")))
    }
}

/// The files that can hold rows for the filters.
fn files(session: &dyn Session, request: &Request<'_>, columns: &Columns) -> Result<ScannedFiles> {
    let table = request.table;
    let partitions: Vec<ArrayRef> = columns
        .partitions
        .iter()
        .map(|field| bounds::partition_values(table, field))
        .collect::<Result<_>>()?;
    let mut kept = vec![true; table.files()];
    keep_partitions(session, request, columns, &partitions, &mut kept)?;
    skipping::keep_bounded(session, request, &columns.in_files, &mut kept)?;
    let kept = kept.iter().enumerate().filter_map(|(index, kept)| kept.then_some(index)).collect();
    Ok(ScannedFiles::new(table, kept, partitions, request.file_column.is_some()))
}

/// Leaves out the files whose partition values do not fulfil the filters over partition columns. These are more than the
/// exact ones as they were asked about: the optimizer may have made others of them since, and takes them for applied.
fn keep_partitions(
    session: &dyn Session,
    request: &Request<'_>,
    columns: &Columns,
    values: &[ArrayRef],
    kept: &mut [bool],
) -> Result<()> {
    let partitions = request.table.partition_columns();
    let of_partitions = |filter: &&Expr| {
        !filter.is_volatile() && filter.column_refs().iter().all(|column| partitions.contains(&column.name))
    };
    let filters: Vec<&Expr> = request.filters.iter().filter(of_partitions).collect();
    if filters.is_empty() || kept.is_empty() {
        return Ok(());
    }
    let schema = Arc::new(Schema::new(columns.partitions.clone()));
    let named = DFSchema::try_from(Arc::clone(&schema))?;
    let options = RecordBatchOptions::new().with_row_count(Some(kept.len()));
    let batch = RecordBatch::try_new_with_options(schema, values.to_vec(), &options)?;
    for filter in filters {
        let fulfilled = session
            .create_physical_expr(filter.clone(), &named)
            .and_then(|expr| expr.evaluate(&batch)?.into_array(kept.len()));
        match fulfilled {
            Ok(fulfilled) => keep(kept, &as_boolean(&fulfilled)?),
            // What divides by zero for a file may be asked of none of its rows. It is asked again above the scan.
            Err(_) if !is_exact(filter, request.schema, partitions) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A condition without a column may have become NULL without a type.
fn as_boolean(values: &ArrayRef) -> Result<BooleanArray> {
    let values = arrow::compute::cast(values, &DataType::Boolean)?;
    Ok(values.as_boolean().clone())
}

fn keep(kept: &mut [bool], fulfilled: &BooleanArray) {
    for (kept, fulfilled) in kept.iter_mut().zip(fulfilled) {
        *kept &= fulfilled == Some(true);
    }
}

/// What is known about the rows of a whole table with these columns: estimates, all of them. Nothing where the session
/// collects no statistics.
pub(super) fn statistics(session: &dyn Session, table: &ResolvedTable, schema: &Schema) -> Statistics {
    if !session.config_options().execution.collect_statistics {
        return Statistics::new_unknown(schema);
    }
    let rows = table.rows().and_then(|rows| usize::try_from(rows).ok());
    let rows = rows.map_or(Precision::Absent, Precision::Inexact);
    let bytes = usize::try_from(table.bytes()).unwrap_or(usize::MAX);
    let columns = schema.fields().iter().map(|field| bounds::described(table, field, rows));
    Statistics {
        num_rows: rows,
        total_byte_size: Precision::Inexact(bytes),
        column_statistics: columns.collect(),
    }
}

/// The same, when only `files` are read.
fn statistics_of(
    session: &dyn Session,
    table: &ResolvedTable,
    columns: &Columns,
    files: &ScannedFiles,
) -> Statistics {
    let fields = columns.in_files.fields().iter().chain(&columns.constant).cloned();
    let mut statistics = statistics(session, table, &Schema::new(fields.collect::<Vec<_>>()));
    if files.count() < table.files() {
        let bytes = files.bytes();
        // What single files hold is asked of the whole table only: their share of the rows is that of the bytes.
        let share = |rows: usize| {
            let share = u128::try_from(rows).ok()? * u128::from(bytes) / u128::from(table.bytes().max(1));
            usize::try_from(share.max(1)).ok()
        };
        let rows = statistics.num_rows.get_value().and_then(|rows| share(*rows));
        statistics.num_rows = rows.map_or(Precision::Absent, Precision::Inexact);
        if statistics.total_byte_size != Precision::Absent {
            statistics.total_byte_size = Precision::Inexact(usize::try_from(bytes).unwrap_or(usize::MAX));
        }
    }
    statistics
}
