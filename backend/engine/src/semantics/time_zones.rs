//! `AT TIME ZONE`.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, ScalarUDF, lit};
use functions::scalar::instead::time_zone::AtTimeZone;

/// Calls [`AtTimeZone`] where DataFusion's planner has a conversion to nanoseconds of a zone: it makes them of nothing
/// else, since types that are written count microseconds in UTC.
pub(super) fn applied(expr: Expr) -> Result<Transformed<Expr>> {
    expr.transform_up(|expr| match expr {
        Expr::Cast(conversion) => {
            let DataType::Timestamp(TimeUnit::Nanosecond, Some(zone)) = conversion.field.data_type() else {
                return Ok(Transformed::no(Expr::Cast(conversion)));
            };
            let zone = lit(zone.as_ref());
            let function = Arc::new(ScalarUDF::from(AtTimeZone::new()));
            Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction::new_udf(
                function,
                vec![*conversion.expr, zone],
            ))))
        }
        other => Ok(Transformed::no(other)),
    })
}
