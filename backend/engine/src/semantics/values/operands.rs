//! What an operator of SQL compares or chooses from, with its type before anything is converted.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, ExprSchemable as _};

/// One of several expressions that DataFusion brings to one type.
pub(super) struct Operand<'a> {
    pub(super) expr: &'a mut Expr,
    /// Nothing where it cannot be told before coercion.
    pub(super) data_type: Option<DataType>,
}

impl<'a> Operand<'a> {
    pub(super) fn new(expr: &'a mut Expr, schema: &DFSchema) -> Self {
        let data_type = expr.get_type(schema).ok();
        Self { expr, data_type }
    }

    pub(super) fn is(&self, wanted: fn(&DataType) -> bool) -> bool {
        self.data_type.as_ref().is_some_and(wanted)
    }
}
