//! Which row groups and pages of its files a scan leaves out.
//!
//! The Parquet reader gets a condition with the scan, and skips what bounds and Bloom filters in the file refute: row
//! groups by the footer, pages by the page index. The condition says less than the filters ([`refutable`]) and is asked of
//! no row, so the filters stay above the scan whatever the reader skips.
//!
//! What is skipped must not hold a row that the filters want, so in every file that is opened, only what means what a
//! comparison means is left in the footer ([`believed`]):
//!
//! | column | used |
//! |---|---|
//! | whole numbers, dates, decimals, timestamps, truth values, texts | if the file has the type of the table |
//! | floating point | never: bounds leave out NaN, and zero and minus zero are one number |
//! | widened columns, and columns of another type in the file | never |
//! | bounds of bytes in the older fields of the format, or without an order | never: they are compared as signed numbers |
//! | binary values, nested columns, what no file holds | never |
//!
//! A page index is read only for scans with a condition, of files that have one for its columns. It must name the rows and
//! bytes of its pages in order ([`pages`]), or the file is read without it.
//!
//! Rows are skipped only where nothing counts them: not in tables with deletion vectors, whose bits stand for the rows of a
//! file in their order, and not in change feeds.

mod believed;
mod conditions;
mod measures;
mod pages;
mod trust;

use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_expr::PhysicalExpr;

pub(in crate::scan) use believed::{Believed, bloom_filters};
pub(in crate::scan) use conditions::{DEPTH, refutable, same_kind};
pub use measures::ScanMeasures;
pub(in crate::scan) use trust::Trust;

use crate::snapshot::ResolvedTable;

/// The key of a field's metadata under which its name in the files stands.
const PHYSICAL_NAME: &str = "delta.columnMapping.physicalName";

/// Whether the scans of a session leave anything out by bounds. DataFusion's own switch, so that one setting is enough.
pub(in crate::scan) fn prunes(session: &dyn Session) -> bool {
    session.config_options().execution.parquet.pruning
}

/// What a reader of Parquet files skips rows by.
#[derive(Debug)]
pub(in crate::scan) struct Pruning {
    /// The condition, over the columns of the files.
    pub(in crate::scan) condition: Arc<dyn PhysicalExpr>,
    /// The columns it reads, with their names in the files and their types in the table.
    pub(in crate::scan) columns: Arc<[FieldRef]>,
}

impl Pruning {
    /// What `filters` allow to skip in files with columns of `schema`; `None` if it is nothing, or if the session says so.
    pub(in crate::scan) fn of(
        session: &dyn Session,
        filters: &[Expr],
        schema: &SchemaRef,
    ) -> Result<Option<Self>> {
        if !prunes(session) {
            return Ok(None);
        }
        let conditions = filters.iter().filter_map(|filter| refutable(filter, schema, Trust::in_footer));
        let Some(condition) = conjunction(conditions) else { return Ok(None) };
        Self::over(session, condition, schema).map(Some)
    }

    /// The same for files of `table` that have other names for its columns, those of `files`.
    pub(in crate::scan) fn mapped(
        session: &dyn Session,
        filters: &[Expr],
        table: &ResolvedTable,
        files: &SchemaRef,
    ) -> Result<Option<Self>> {
        if !prunes(session) || table.inner.files.has_deletion_vectors() {
            return Ok(None);
        }
        let name = |field: &Field| field.metadata().get(PHYSICAL_NAME).unwrap_or(field.name()).clone();
        let of_the_files = |field: &FieldRef| {
            let read = files.field_with_name(&name(field)).ok()?;
            let is_read = !table.partition_columns().contains(field.name())
                && same_kind(field.data_type(), read.data_type());
            is_read.then(|| Arc::new(field.as_ref().clone().with_data_type(read.data_type().clone())))
        };
        let fields: Vec<FieldRef> = table.schema().fields().iter().filter_map(of_the_files).collect();
        let schema = Schema::new(fields);
        let conditions = filters.iter().filter_map(|filter| refutable(filter, &schema, Trust::in_footer));
        let Some(condition) = conjunction(conditions) else { return Ok(None) };
        let renamed = condition.transform(|expr| {
            let Expr::Column(column) = &expr else { return Ok(Transformed::no(expr)) };
            let column = Column::from_name(name(schema.field_with_name(&column.name)?));
            Ok(Transformed::yes(Expr::Column(column)))
        })?;
        Self::over(session, renamed.data, files).map(Some)
    }

    fn over(session: &dyn Session, condition: Expr, schema: &SchemaRef) -> Result<Self> {
        let read = condition.column_refs();
        let columns = schema.fields().iter().filter(|field| {
            let has_the_name = |column: &&Column| &column.name == field.name();
            read.iter().any(has_the_name)
        });
        let columns = columns.cloned().collect();
        let condition = session.create_physical_expr(condition, &DFSchema::try_from(Arc::clone(schema))?)?;
        Ok(Self { condition, columns })
    }
}
