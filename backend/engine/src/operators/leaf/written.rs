//! The logical node of the table of an output as it will be, and its operators.
//!
//! The table is there once the output's segment has written its rows: the planner of a run gets it then, and plans of it are
//! scans like those of any table. A plan that is only shown has a leaf without rows.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchemaRef, Result, plan_err};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{cast, col};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;

/// Reads columns of the table of an output as it will be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct WrittenNode {
    table: String,
    schema: DFSchemaRef,
}

impl WrittenNode {
    /// A reader of these columns of the table that the output of this name writes.
    pub(crate) fn new(table: &str, schema: DFSchemaRef) -> Self {
        Self { table: table.to_owned(), schema }
    }

    /// The output.
    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    /// The columns.
    pub(crate) fn columns(&self) -> &DFSchemaRef {
        &self.schema
    }

    /// The scan of the table, with the types that the compiler has found it to have.
    ///
    /// # Errors
    /// When the table cannot be read or has other columns.
    pub(crate) async fn scan(
        &self,
        table: &dyn TableProvider,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (has, wanted) = (table.schema(), self.schema.as_arrow());
        let columns = wanted.fields().iter().map(|field| has.index_of(field.name()));
        let columns = columns.collect::<Result<Vec<usize>, _>>()?;
        let scan = table.scan(session, Some(&columns), &[], None).await?;
        let given = scan.schema();
        if given.fields().iter().zip(wanted.fields()).all(|(is, wanted)| is.data_type() == wanted.data_type())
        {
            return Ok(scan);
        }
        let converted = wanted.fields().iter().map(|field| {
            let column = cast(col(field.name(), &given)?, &given, field.data_type().clone())?;
            Ok((column, field.name().clone()))
        });
        let converted = converted.collect::<Result<Vec<(Arc<dyn PhysicalExpr>, String)>>>()?;
        Ok(Arc::new(ProjectionExec::try_new(converted, scan)?))
    }
}

impl PartialOrd for WrittenNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for WrittenNode {
    fn name(&self) -> &'static str {
        "Written"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        Vec::new()
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<&str> = self.schema.fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, "Written: {} columns=[{}]", self.table, columns.join(", "))
    }

    fn with_exprs_and_inputs(&self, _expressions: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        if inputs.is_empty() { Ok(self.clone()) } else { plan_err!("the reader of a table has no inputs") }
    }
}
