//! The logical node of a leaf: a view that is planned elsewhere.
//!
//! To its reader such a view is a leaf. Nothing a reader's plan does (pushing filters, pruning columns, planning the same
//! subtree twice) can reach the view's own plan.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::common::{DFSchemaRef, Result, plan_err};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

use crate::operators::dependencies::without_dependencies;

/// How the reader of a view comes to its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ViewReader {
    /// The view is a segment of its own, whose rows are stored. It may be read any number of times.
    Shared,
    /// The view is a part of the reader's segment, whose rows are passed on.
    Part,
}

impl ViewReader {
    fn name(self) -> &'static str {
        match self {
            Self::Shared => "SharedView",
            Self::Part => "Part",
        }
    }
}

/// A reader of a view that is planned elsewhere. Two readers of one view are equal.
#[derive(Clone)]
pub struct ViewReaderNode {
    kind: ViewReader,
    view: String,
    definition: Arc<LogicalPlan>,
    /// That of the definition, without what the definition claims of its rows before it is analyzed.
    schema: DFSchemaRef,
}

impl ViewReaderNode {
    /// A reader of the view with this definition.
    ///
    /// # Errors
    /// When DataFusion refuses the schema.
    pub fn try_new(kind: ViewReader, view: &str, definition: Arc<LogicalPlan>) -> Result<Self> {
        Ok(Self {
            kind,
            view: view.to_owned(),
            schema: without_dependencies(definition.schema())?,
            definition,
        })
    }

    /// How the rows are read.
    #[must_use]
    pub fn kind(&self) -> ViewReader {
        self.kind
    }

    /// The name of the view.
    #[must_use]
    pub fn view(&self) -> &str {
        &self.view
    }

    /// The plan that computes the view; it is not an input of this node.
    #[must_use]
    pub fn definition(&self) -> &Arc<LogicalPlan> {
        &self.definition
    }

    /// What makes two readers the same one.
    fn key(&self) -> (ViewReader, &str) {
        (self.kind, &self.view)
    }
}

impl PartialEq for ViewReaderNode {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for ViewReaderNode {}

impl Hash for ViewReaderNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl PartialOrd for ViewReaderNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.key().cmp(&other.key()))
    }
}

impl fmt::Debug for ViewReaderNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.kind.name(), self.view)
    }
}

impl UserDefinedLogicalNodeCore for ViewReaderNode {
    fn name(&self) -> &str {
        self.kind.name()
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
        write!(f, "{}: {}", self.kind.name(), self.view)
    }

    fn with_exprs_and_inputs(&self, _expressions: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        if inputs.is_empty() { Ok(self.clone()) } else { plan_err!("the reader of a view has no inputs") }
    }
}
