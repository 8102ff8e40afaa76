//! The tops of a DAG: a node for every table that is written and for every check, and one over all of them.

mod check;
mod write_exec;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::common::{DFSchema, DFSchemaRef, Result, plan_err};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::physical_plan::ExecutionPlan;
use ir::op::{Sink, SinkMode};

pub use check::CheckNode;
pub use write_exec::WriteExec;
pub(crate) use write_exec::ordering;
use write_exec::sort_text;

/// Writes its input to a table.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct WriteNode {
    table: String,
    sink: Sink,
    input: Arc<LogicalPlan>,
}

impl WriteNode {
    /// A node that writes `input` to `table`.
    #[must_use]
    pub fn new(table: &str, sink: &Sink, input: Arc<LogicalPlan>) -> Self {
        Self { table: table.to_owned(), sink: sink.clone(), input }
    }

    /// The table that is written.
    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    /// The plan of what is written.
    pub(crate) fn input(&self) -> &Arc<LogicalPlan> {
        &self.input
    }

    /// The node that writes the rows of another plan there.
    pub(crate) fn with_input(&self, input: LogicalPlan) -> Self {
        Self { table: self.table.clone(), sink: self.sink.clone(), input: Arc::new(input) }
    }

    /// What gives the rows, over a planned input. Rows that are returned come as the input gives them: in its order.
    pub(super) fn plan(&self, input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        match self.sink.has_table() {
            true => Arc::new(WriteExec::new(&self.table, &self.sink, input)),
            false => input,
        }
    }
}

impl fmt::Debug for WriteNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Write({})", self.table)
    }
}

impl PartialOrd for WriteNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for WriteNode {
    fn name(&self) -> &'static str {
        "Write"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match self.sink.mode {
            SinkMode::Append => "append",
            SinkMode::Overwrite => "overwrite",
            SinkMode::Return => "return",
        };
        write!(f, "Write: {} mode={mode}", self.table)?;
        if !self.sink.partition_by.is_empty() {
            write!(f, " partition_by=[{}]", self.sink.partition_by.join(", "))?;
        }
        if !self.sink.sort_by.is_empty() {
            write!(f, " sort_by=[{}]", sort_text(&self.sink.sort_by))?;
        }
        Ok(())
    }

    fn with_exprs_and_inputs(&self, _expressions: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        match <[LogicalPlan; 1]>::try_from(inputs) {
            Ok([input]) => Ok(self.with_input(input)),
            Err(inputs) => plan_err!("Write has one input, not {}", inputs.len()),
        }
    }
}

/// All outputs and checks of a graph.
#[derive(Clone)]
pub struct OutputsNode {
    inputs: Vec<LogicalPlan>,
    schema: DFSchemaRef,
}

impl OutputsNode {
    /// A node over the nodes that write and check.
    #[must_use]
    pub fn new(inputs: Vec<LogicalPlan>) -> Self {
        Self { inputs, schema: Arc::new(DFSchema::empty()) }
    }

    /// The nodes that write and check.
    pub(crate) fn tops(&self) -> impl Iterator<Item = &LogicalPlan> {
        self.inputs.iter()
    }
}

impl PartialEq for OutputsNode {
    fn eq(&self, other: &Self) -> bool {
        self.inputs == other.inputs
    }
}

impl Eq for OutputsNode {}

impl Hash for OutputsNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inputs.hash(state);
    }
}

impl PartialOrd for OutputsNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl fmt::Debug for OutputsNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outputs({})", self.inputs.len())
    }
}

impl UserDefinedLogicalNodeCore for OutputsNode {
    fn name(&self) -> &'static str {
        "Outputs"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        self.inputs.iter().collect()
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outputs")
    }

    fn with_exprs_and_inputs(&self, _expressions: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        Ok(Self { inputs, schema: Arc::clone(&self.schema) })
    }
}
