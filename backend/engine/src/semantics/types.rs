//! What types SQL names mean.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::Result;
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::sql::sqlparser::ast::{DataType as SqlType, TimezoneInfo};

/// `TIMESTAMP` is what a Delta table calls `timestamp`: microseconds in UTC. `TIMESTAMP WITHOUT TIME ZONE` is its
/// `timestamp_ntz`. DataFusion's `TIMESTAMP` counts nanoseconds, which end in 2262 (apache/datafusion#8336). All other
/// types are as in DataFusion.
#[derive(Debug)]
pub(super) struct DeltaTypes;

impl TypePlanner for DeltaTypes {
    fn plan_type_field(&self, sql_type: &SqlType) -> Result<Option<FieldRef>> {
        let zone = match sql_type {
            SqlType::Timestamp(_, TimezoneInfo::WithoutTimeZone) | SqlType::TimestampNtz(_) => None,
            SqlType::Timestamp(..) | SqlType::Datetime(_) => Some("UTC".into()),
            _ => return Ok(None),
        };
        let data_type = DataType::Timestamp(TimeUnit::Microsecond, zone);
        Ok(Some(Arc::new(Field::new("", data_type, true))))
    }
}
