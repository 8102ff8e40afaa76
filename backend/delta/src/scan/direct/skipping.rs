//! Which filters a scan applies, and which files it leaves out.
//!
//! [`is_exact`] names the filters that are decided by partition values alone: comparisons of partition columns with
//! literals and their kin. They are evaluated here, once a file, by the engine's own expressions over the values every
//! row of the file has, so the answer is that of a filter above the scan.
//!
//! [`refutable`] makes of any other filter a weaker condition over bounds that are believed
//! ([`Trust`](super::bounds::Trust)): `column OP literal` with AND and OR, or nothing. A file is left out when its bounds
//! refute that condition; the filter itself stays above the scan.

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
use super::bounds::{Bounds, Trust, bounds};
use crate::snapshot::ResolvedTable;

/// As many values of an IN list are compared one by one; of longer lists, their least and greatest.
const COMPARED_VALUES: usize = 20;
/// Conditions nest this deep at most before one is given up: filters are made by programs too.
const DEPTH: usize = 64;

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

fn same_kind(column: &DataType, literal: &DataType) -> bool {
    column == literal || (is_text(column) && is_text(literal))
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// A condition that is true of every row that fulfils `filter`, and that bounds can refute: comparisons of columns of
/// `schema` with literals of their type, AND and OR. `None` when the filter says nothing bounds could refute.
pub(in crate::scan) fn refutable(filter: &Expr, schema: &Schema) -> Option<Expr> {
    weaker(filter, schema, DEPTH)
}

fn weaker(expr: &Expr, schema: &Schema, depth: usize) -> Option<Expr> {
    let depth = depth.checked_sub(1)?;
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            let (left, right) = (weaker(left, schema, depth), weaker(right, schema, depth));
            match (left, right) {
                (Some(left), Some(right)) => Some(left.and(right)),
                (left, right) => left.or(right),
            }
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            Some(weaker(left, schema, depth)?.or(weaker(right, schema, depth)?))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (left.as_ref(), right.as_ref()) {
            (Expr::Column(column), Expr::Literal(value, _)) => comparison(column, *op, value, schema),
            (Expr::Literal(value, _), Expr::Column(column)) => comparison(column, op.swap()?, value, schema),
            _ => None,
        },
        Expr::Between(Between { expr, negated: false, low, high }) => {
            let bound = |op, value: &Expr| match (expr.as_ref(), value) {
                (Expr::Column(column), Expr::Literal(value, _)) => comparison(column, op, value, schema),
                _ => None,
            };
            match (bound(Operator::GtEq, low), bound(Operator::LtEq, high)) {
                (Some(low), Some(high)) => Some(low.and(high)),
                (low, high) => low.or(high),
            }
        }
        Expr::InList(InList { expr, list, negated: false }) => match expr.as_ref() {
            Expr::Column(column) => one_of(column, list, schema),
            _ => None,
        },
        _ => None,
    }
}

/// `column OP value`, if the bounds of the column can refute it.
fn comparison(column: &Column, op: Operator, value: &ScalarValue, schema: &Schema) -> Option<Expr> {
    let field = schema.field_with_name(&column.name).ok()?;
    let trust = Trust::of(field)?;
    let can_refute = match op {
        Operator::Eq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq => true,
        // Refuted by bounds that are the same: only where they are values.
        Operator::NotEq => trust == Trust::Whole,
        _ => false,
    };
    if !can_refute || value.is_null() || !same_kind(field.data_type(), &value.data_type()) {
        return None;
    }
    let value = value.cast_to(field.data_type()).ok()?;
    let column = Expr::Column(Column::from_name(column.name.clone()));
    Some(datafusion::logical_expr::binary_expr(column, op, Expr::Literal(value, None)))
}

fn one_of(column: &Column, list: &[Expr], schema: &Schema) -> Option<Expr> {
    let values: Vec<&ScalarValue> = list
        .iter()
        .map(|value| match value {
            // A comparison with NULL is never true.
            Expr::Literal(value, _) => Some(value),
            _ => None,
        })
        .collect::<Option<_>>()?;
    let values: Vec<&ScalarValue> = values.into_iter().filter(|value| !value.is_null()).collect();
    if values.len() <= COMPARED_VALUES {
        let mut equal = values.iter().map(|value| comparison(column, Operator::Eq, value, schema));
        let first = equal.next()??;
        return equal.try_fold(first, |all, next| Some(all.or(next?)));
    }
    let first = *values.first()?;
    let (least, greatest) = values.iter().try_fold((first, first), |(least, greatest), value| {
        let least = if value.partial_cmp(&least)?.is_lt() { value } else { least };
        let greatest = if value.partial_cmp(&greatest)?.is_gt() { value } else { greatest };
        Some((least, greatest))
    })?;
    let low = comparison(column, Operator::GtEq, least, schema)?;
    Some(low.and(comparison(column, Operator::LtEq, greatest, schema)?))
}

/// Leaves out the files whose bounds refute a filter. `schema` has the columns that are in the files.
pub(super) fn keep_bounded(
    session: &dyn Session,
    request: &Request<'_>,
    schema: &SchemaRef,
    kept: &mut [bool],
) -> Result<()> {
    if kept.len() < 2 {
        // The reader looks at the bounds in the file anyhow.
        return Ok(());
    }
    let named = DFSchema::try_from(Arc::clone(schema))?;
    for filter in request.filters {
        let Some(condition) = refutable(filter, schema) else { continue };
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
