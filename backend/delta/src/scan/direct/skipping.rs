//! Which filters a scan applies, and which files it leaves out.
//!
//! [`is_exact`] names the filters that are decided by partition values alone: comparisons of partition columns with
//! literals and their kin. They are evaluated here, once a file, by the engine's own expressions over the values every
//! row of the file has, so the answer is that of a filter above the scan.
//!
//! Of any other filter, a file is left out when its bounds in the log refute what the filter says of them
//! ([`refutable`]).

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::{Column, DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{Between, InList, Like};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::physical_optimizer::pruning::{PruningPredicateBuilder, PruningStatistics};

use super::Request;
use super::bounds::{Bounds, bounds};
use crate::scan::pruning::{DEPTH, Trust, prunes, refutable, same_kind};
use crate::snapshot::ResolvedTable;

/// Whether `filter` compares partition columns with literals and does nothing else, so that it is decided by the values
/// a file has in the log. `schema` has the columns of the scan.
pub(in crate::scan) fn is_exact(filter: &Expr, schema: &Schema, partitions: &[String]) -> bool {
    Exact { schema, partitions }.condition(filter, DEPTH)
}

struct Exact<'a> {
    schema: &'a Schema,
    partitions: &'a [String],
}

impl Exact<'_> {
    fn condition(&self, expr: &Expr, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        let condition = |expr: &Expr| self.condition(expr, depth);
        match expr {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And | Operator::Or, right }) => {
                condition(left) && condition(right)
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                is_comparison(*op) && (self.compared(left, right) || self.compared(right, left))
            }
            Expr::Not(inner) => condition(inner),
            Expr::IsNull(inner) | Expr::IsNotNull(inner) => self.column(inner).is_some(),
            Expr::IsTrue(inner)
            | Expr::IsFalse(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsNotUnknown(inner) => condition(inner),
            Expr::InList(InList { expr, list, .. }) => {
                self.column(expr).is_some() && list.iter().all(|value| self.compared(expr, value))
            }
            Expr::Between(Between { expr, low, high, .. }) => {
                self.compared(expr, low) && self.compared(expr, high)
            }
            Expr::Like(Like { expr, pattern, escape_char: None, .. }) => self.compared(expr, pattern),
            Expr::Column(_) => self.column(expr) == Some(&DataType::Boolean),
            _ => false,
        }
    }

    /// The type of a partition column.
    fn column(&self, expr: &Expr) -> Option<&DataType> {
        let Expr::Column(column) = expr else { return None };
        if !self.partitions.contains(&column.name) {
            return None;
        }
        self.schema.field_with_name(&column.name).ok().map(|field| field.data_type())
    }

    fn compared(&self, column: &Expr, literal: &Expr) -> bool {
        match (self.column(column), literal) {
            (Some(kind), Expr::Literal(value, _)) => same_kind(kind, &value.data_type()),
            _ => false,
        }
    }
}

fn is_comparison(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// Leaves out the files whose bounds refute a filter. `schema` has the columns that are in the files.
pub(super) fn keep_bounded(
    session: &dyn Session,
    request: &Request<'_>,
    schema: &SchemaRef,
    kept: &mut [bool],
) -> Result<()> {
    if kept.len() < 2 || !prunes(session) {
        // Of one file, the reader looks at the bounds in it anyhow.
        return Ok(());
    }
    let named = DFSchema::try_from(Arc::clone(schema))?;
    for filter in request.filters {
        let Some(condition) = refutable(filter, schema, Trust::of) else { continue };
        let condition = session.create_physical_expr(condition, &named)?;
        let predicate =
            PruningPredicateBuilder::new().with_file_schema(Arc::clone(schema)).try_build(condition)?;
        let files = Files { table: request.table, schema };
        for (kept, possible) in kept.iter_mut().zip(predicate.prune(&files)?) {
            *kept &= possible;
        }
    }
    Ok(())
}

/// The files of a table as DataFusion asks about them.
struct Files<'a> {
    table: &'a ResolvedTable,
    schema: &'a SchemaRef,
}

impl Files<'_> {
    fn bounds(&self, column: &Column) -> Option<Arc<Bounds>> {
        bounds(self.table, self.schema.field_with_name(&column.name).ok()?)
    }
}

impl PruningStatistics for Files<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        Some(Arc::clone(&self.bounds(column)?.least))
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        Some(Arc::clone(&self.bounds(column)?.greatest))
    }

    fn num_containers(&self) -> usize {
        self.table.files()
    }

    fn null_counts(&self, _column: &Column) -> Option<ArrayRef> {
        None
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        None
    }

    fn contained(&self, _column: &Column, _values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
