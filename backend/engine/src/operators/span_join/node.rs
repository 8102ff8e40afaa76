//! The logical node of a join by spans.

#![expect(clippy::wildcard_enum_match_arm, reason = "plans of which few nodes are meant")]

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use datafusion::common::{Column, DFSchema, DFSchemaRef, JoinType as PlanJoin, Result, plan_err};
use datafusion::logical_expr::builder::build_join_schema;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::physical_plan::ExecutionPlan;

use super::{SpanComparison, SpanJoinExec, SpanJoinKind, SpanJoinSpec, SpanRelation};

/// The columns a span join compares.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpanJoinKeys {
    /// Pairs of columns (left, right) of equal types that must be equal.
    pub on: Vec<(Column, Column)>,
    /// Start and end on the left side.
    pub left: [Column; 2],
    /// Start and end on the right side.
    pub right: [Column; 2],
}

impl SpanJoinKeys {
    /// All columns: the left keys, the right keys, the left bounds, the right bounds.
    fn columns(&self) -> impl Iterator<Item = &Column> {
        let lefts = self.on.iter().map(|(left, _)| left);
        let rights = self.on.iter().map(|(_, right)| right);
        lefts.chain(rights).chain(&self.left).chain(&self.right)
    }

    /// The keys with columns in the order of [`Self::columns`].
    fn from_columns(columns: Vec<Column>) -> Option<Self> {
        let pairs = columns.len().checked_sub(4)? / 2;
        let mut columns = columns.into_iter();
        let lefts: Vec<Column> = columns.by_ref().take(pairs).collect();
        let rights: Vec<Column> = columns.by_ref().take(pairs).collect();
        let [a, b, c, d] = <[Column; 4]>::try_from(columns.collect::<Vec<_>>()).ok()?;
        Some(Self { on: lefts.into_iter().zip(rights).collect(), left: [a, b], right: [c, d] })
    }
}

/// How a span join compares, and which rows it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpanJoinMode {
    /// How the left span must lie to the right one.
    pub relation: SpanRelation,
    /// How bounds are compared.
    pub comparison: SpanComparison,
    /// Which rows come out.
    pub kind: SpanJoinKind,
    /// Keep only the tightest container of each contained row.
    pub innermost: bool,
}

/// Joins two inputs by spans and, optionally, equal keys. The output is the left columns, then, unless the join
/// is a semi or anti join, the right columns.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SpanJoinNode {
    left: Arc<LogicalPlan>,
    right: Arc<LogicalPlan>,
    keys: SpanJoinKeys,
    mode: SpanJoinMode,
    schema: DFSchemaRef,
}

impl SpanJoinNode {
    /// A span join of inputs with different qualifiers.
    ///
    /// # Errors
    /// What [`SpanJoinSpec::validate`] finds: a compared column that is not in its input, bounds that are not
    /// positions or of types that do not compare.
    pub fn try_new(
        left: Arc<LogicalPlan>,
        right: Arc<LogicalPlan>,
        keys: SpanJoinKeys,
        mode: SpanJoinMode,
    ) -> Result<Self> {
        let kind = PlanJoin::from(mode.kind);
        let schema = Arc::new(build_join_schema(left.schema(), right.schema(), &kind)?);
        let node = Self { left, right, keys, mode, schema };
        let [left, right] = [node.left.schema(), node.right.schema()];
        node.spec(left, right)?.validate(left.as_arrow(), right.as_arrow())?;
        Ok(node)
    }

    fn spec(&self, left: &DFSchema, right: &DFSchema) -> Result<SpanJoinSpec> {
        let on = self.keys.on.iter();
        let on = on.map(|(l, r)| Ok((left.index_of_column(l)?, right.index_of_column(r)?)));
        Ok(SpanJoinSpec {
            relation: self.mode.relation,
            comparison: self.mode.comparison,
            on: on.collect::<Result<_>>()?,
            left_start: left.index_of_column(&self.keys.left[0])?,
            left_end: left.index_of_column(&self.keys.left[1])?,
            right_start: right.index_of_column(&self.keys.right[0])?,
            right_end: right.index_of_column(&self.keys.right[1])?,
            join: self.mode.kind,
            innermost: self.mode.innermost,
        })
    }

    /// The operator over planned inputs.
    pub(in crate::operators) fn plan(
        &self,
        logical: [&LogicalPlan; 2],
        physical: [Arc<dyn ExecutionPlan>; 2],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        // A physical plan has the columns of its logical plan in the same places.
        let [left, right] = logical.map(LogicalPlan::schema);
        let spec = self.spec(left, right)?;
        let [left, right] = physical;
        Ok(Arc::new(SpanJoinExec::try_new(left, right, spec)?))
    }
}

impl fmt::Debug for SpanJoinNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_for_explain(f)
    }
}

impl PartialOrd for SpanJoinNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for SpanJoinNode {
    fn name(&self) -> &'static str {
        "SpanJoin"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.left, &self.right]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        self.keys.columns().cloned().map(Expr::Column).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SpanJoinKeys { on, left: [a, b], right: [c, d] } = &self.keys;
        let SpanJoinMode { relation, comparison, kind, innermost } = self.mode;
        write!(f, "SpanJoin: {} ", PlanJoin::from(kind))?;
        match comparison {
            SpanComparison::HalfOpen => {
                let innermost = if innermost { " innermost" } else { "" };
                write!(f, "[{a}, {b}) {relation}{innermost} [{c}, {d})")?;
            }
            SpanComparison::Plain { strict } => {
                let [first, second] = strict.map(|strict| if strict { "<" } else { "<=" });
                match relation {
                    SpanRelation::Contains | SpanRelation::Equals => {
                        write!(f, "{relation}({a} {first} {c}, {d} {second} {b})")?;
                    }
                    SpanRelation::Within => write!(f, "{relation}({c} {first} {a}, {b} {second} {d})")?,
                    SpanRelation::Overlaps => write!(f, "{relation}({a} {first} {d}, {c} {second} {b})")?,
                }
            }
        }
        let on: Vec<String> = on.iter().map(|(left, right)| format!("{left} = {right}")).collect();
        if on.is_empty() { Ok(()) } else { write!(f, " on=[{}]", on.join(", ")) }
    }

    fn with_exprs_and_inputs(&self, expressions: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let columns: Option<Vec<Column>> = expressions
            .into_iter()
            .map(|expr| match expr {
                Expr::Column(column) => Some(column),
                _ => None,
            })
            .collect();
        let Some(keys) = columns.and_then(SpanJoinKeys::from_columns) else {
            return plan_err!("a rule has changed the columns a span join compares");
        };
        let Ok([left, right]) = <[LogicalPlan; 2]>::try_from(inputs) else {
            return plan_err!("a span join has two inputs");
        };
        Self::try_new(Arc::new(left), Arc::new(right), keys, self.mode)
    }

    /// The output columns wanted, each on its side; what is compared is added by the caller. Of several containers with equal
    /// spans the greatest by all columns is the innermost, so all are needed there.
    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let width = self.left.schema().fields().len();
        let (left, right): (Vec<usize>, Vec<usize>) =
            output_columns.iter().partition(|index| **index < width);
        let mut needed = [left, right.into_iter().map(|index| index - width).collect()];
        match self.mode.relation {
            SpanRelation::Contains if self.mode.innermost => needed[0] = (0..width).collect(),
            SpanRelation::Within if self.mode.innermost => {
                needed[1] = (0..self.right.schema().fields().len()).collect();
            }
            _ => {}
        }
        Some(needed.to_vec())
    }
}
