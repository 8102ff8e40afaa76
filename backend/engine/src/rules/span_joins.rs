//! A logical rule: joins whose condition compares spans become span joins.
//!
//! ```text
//! Inner Join: a.file = d.file Filter: a.start <= d.start AND d.end <= a.end AND a.kind < d.kind
//!   a
//!   d
//! ```
//! becomes
//! ```text
//! Filter: a.kind < d.kind
//!   SpanJoin: Inner contains(a.start <= d.start, d.end <= a.end) on=[a.file = d.file]
//!     a
//!     d
//! ```
//!
//! DataFusion would look at every pair of rows with equal keys. The span join looks at the pairs that match (and, if
//! other conjuncts are left over, at those that would match without them).
//!
//! The rule runs after DataFusion's own: they have merged filters and cross joins into joins, split equalities off, put
//! conditions on one side below the join, turned subqueries into semi and anti joins, and written comparisons as
//! `<`, `<=`, `>` and `>=`. It leaves a join as it is when
//! * no two comparisons hold the left side from both ends (`l.x <= r.y AND r.z <= l.w`). Equal spans are keys, which a
//!   hash join handles in linear time;
//! * the compared values are not positions: integers, dates, times, timestamps, durations of one type after coercion.
//!   Floats have NaN, decimals more than 64 bits; `UInt64` and a signed integer meet as decimals;
//! * computing the compared values for rows that meet no partner could fail (but for sums of integers that leave their
//!   type, which are errors whatever they meet);
//! * other conjuncts are left over and the join is not an inner one: whether a row has a match depends on them;
//! * keys have a type whose equality is not that of its order (floats), or NULL keys match;
//! * something in it is volatile or refers to a subquery;
//! * it is a full join, a mark join, or the anti join of `NOT IN`.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, JoinType, NullEquality, Result};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, ExprSchemable as _, Extension, Filter, Join, LogicalPlan, Projection};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use super::comparisons::SpanCondition;
use crate::operators::span_join::{SpanComparison, SpanJoinKind};
use crate::operators::{SpanJoinKeys, SpanJoinMode, SpanJoinNode};
use crate::semantics::is_query;

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct SpanJoins;

impl OptimizerRule for SpanJoins {
    fn name(&self) -> &'static str {
        "span_joins"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Join(join) = &plan else { return Ok(Transformed::no(plan)) };
        match span_join(join)? {
            Some(rewritten) => Ok(Transformed::yes(rewritten)),
            None => Ok(Transformed::no(plan)),
        }
    }
}

fn span_join(join: &Join) -> Result<Option<LogicalPlan>> {
    let Some((kind, swapped)) = kind(join.join_type) else { return Ok(None) };
    let Some(filter) = &join.filter else { return Ok(None) };
    if join.null_aware || join.null_equality != NullEquality::NullEqualsNothing {
        return Ok(None);
    }
    let mut expressions = join.on.iter().flat_map(|(left, right)| [left, right]).chain([filter]);
    if expressions.any(|expr| expr.is_volatile() || has_subquery(expr)) {
        return Ok(None);
    }
    let on: Vec<(&Expr, &Expr)> =
        join.on.iter().map(|(left, right)| if swapped { (right, left) } else { (left, right) }).collect();
    let (left, right) = if swapped { (&join.right, &join.left) } else { (&join.left, &join.right) };
    for (left_key, right_key) in &on {
        let (left_type, right_type) =
            (left_key.get_type(left.schema())?, right_key.get_type(right.schema())?);
        if left_type != right_type || !is_key(&left_type) {
            return Ok(None);
        }
    }
    let Some(condition) = SpanCondition::find(filter, left.schema(), right.schema())? else {
        return Ok(None);
    };
    if !condition.rest.is_empty() && kind != SpanJoinKind::Inner {
        return Ok(None);
    }
    let mut sides = [Side::new(left, right), Side::new(right, left)];
    let [left_side, right_side] = &mut sides;
    let keys = SpanJoinKeys {
        on: on.iter().map(|(l, r)| (left_side.column(l), right_side.column(r))).collect(),
        left: condition.left.each_ref().map(|bound| left_side.column(bound)),
        right: condition.right.each_ref().map(|bound| right_side.column(bound)),
    };
    let comparison = SpanComparison::Plain { strict: condition.strict };
    let mode = SpanJoinMode { relation: condition.relation, comparison, kind, innermost: false };
    let [left, right] = sides.map(Side::plan);
    let node = SpanJoinNode::try_new(left?, right?, keys, mode)?;
    let mut plan = LogicalPlan::Extension(Extension { node: Arc::new(node) });
    if let Some(rest) = conjunction(condition.rest) {
        plan = LogicalPlan::Filter(Filter::try_new(rest, Arc::new(plan))?);
    }
    with_columns_of(&join.schema, plan).map(Some)
}

/// The span join's kind, and whether the sides must be swapped for it.
fn kind(join_type: JoinType) -> Option<(SpanJoinKind, bool)> {
    match join_type {
        JoinType::Inner => Some((SpanJoinKind::Inner, false)),
        JoinType::Left => Some((SpanJoinKind::Left, false)),
        JoinType::LeftSemi => Some((SpanJoinKind::LeftSemi, false)),
        JoinType::LeftAnti => Some((SpanJoinKind::LeftAnti, false)),
        JoinType::Right => Some((SpanJoinKind::Left, true)),
        JoinType::RightSemi => Some((SpanJoinKind::LeftSemi, true)),
        JoinType::RightAnti => Some((SpanJoinKind::LeftAnti, true)),
        JoinType::Full | JoinType::LeftMark | JoinType::RightMark => None,
    }
}

/// Whether values of the type are equal when they are the same in its order.
fn is_key(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_key(values),
        DataType::Boolean
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_)
        | DataType::Date32
        | DataType::Date64
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Timestamp(_, _)
        | DataType::Duration(_)
        | DataType::Decimal32(_, _)
        | DataType::Decimal64(_, _)
        | DataType::Decimal128(_, _)
        | DataType::Decimal256(_, _) => true,
        _ => data_type.is_integer(),
    }
}

fn has_subquery(expr: &Expr) -> bool {
    let mut found = false;
    let visited = expr.apply(|expr| {
        found |= is_query(expr) || matches!(expr, Expr::OuterReferenceColumn(_, _));
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    found || visited.is_err()
}

/// One input of the join, with a column for every expression that is compared.
struct Side<'a> {
    plan: &'a Arc<LogicalPlan>,
    /// The other input: the output has the columns of both.
    other: &'a LogicalPlan,
    added: Vec<(Expr, String)>,
}

impl<'a> Side<'a> {
    fn new(plan: &'a Arc<LogicalPlan>, other: &'a LogicalPlan) -> Self {
        Self { plan, other, added: Vec::new() }
    }

    /// The column that holds an expression's value; adds one if there is none.
    fn column(&mut self, expr: &Expr) -> Column {
        if let Expr::Column(column) = expr {
            return column.clone();
        }
        if let Some((_, name)) = self.added.iter().find(|(added, _)| added == expr) {
            return Column::from_name(name);
        }
        let taken = |name: &String| {
            let fields = self.plan.schema().fields().iter().chain(self.other.schema().fields());
            let fields = fields.map(|field| field.name());
            fields.chain(self.added.iter().map(|(_, name)| name)).any(|other| other == name)
        };
        let mut name = expr.schema_name().to_string();
        while taken(&name) {
            name.push('_');
        }
        self.added.push((expr.clone(), name.clone()));
        Column::from_name(name)
    }

    fn plan(self) -> Result<Arc<LogicalPlan>> {
        if self.added.is_empty() {
            return Ok(Arc::clone(self.plan));
        }
        let own = self.plan.schema().columns().into_iter().map(Expr::Column);
        let added = self.added.into_iter().map(|(expr, name)| expr.alias(name));
        let columns = own.chain(added).collect();
        Ok(Arc::new(LogicalPlan::Projection(Projection::try_new(columns, Arc::clone(self.plan))?)))
    }
}

/// The plan with the columns of the join that it replaces, in their order.
fn with_columns_of(schema: &DFSchema, plan: LogicalPlan) -> Result<LogicalPlan> {
    let columns = schema.columns();
    if plan.schema().columns() == columns {
        return Ok(plan);
    }
    let columns = columns.into_iter().map(Expr::Column).collect();
    Ok(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(plan))?))
}
