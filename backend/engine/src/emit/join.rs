//! Joins by keys and by spans.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{Column, JoinType as PlanJoin, NullEquality, Result, TableReference, plan_err};
use datafusion::logical_expr::type_coercion::binary::comparison_coercion;
use datafusion::logical_expr::{
    Expr, ExprSchemable as _, Extension, Join as JoinPlan, JoinConstraint, LogicalPlan, SubqueryAlias, cast,
};
use ir::op::{Join, JoinColumn, JoinType, Side, SpanJoin};

use super::relational::{column, project};
use crate::operators::span_join::{SpanComparison, SpanJoinKind, SpanRelation};
use crate::operators::{SpanJoinKeys, SpanJoinMode, SpanJoinNode};
use crate::semantics::mixed::{self, common_float};

const LEFT: &str = "left";
const RIGHT: &str = "right";

pub(super) fn join(join: &Join, left: Arc<LogicalPlan>, right: Arc<LogicalPlan>) -> Result<LogicalPlan> {
    let on = join.on.iter().map(|(l, r)| (qualified(LEFT, l), qualified(RIGHT, r))).collect();
    if join.on.is_empty() {
        return plan_err!("a join needs at least one pair of keys");
    }
    let plan = JoinPlan::try_new(
        aliased(left, LEFT)?,
        aliased(right, RIGHT)?,
        on,
        None,
        join_type(join.join_type),
        JoinConstraint::On,
        NullEquality::NullEqualsNothing,
        false,
    )?;
    let plan = mixed::in_node(LogicalPlan::Join(plan))?.data;
    project(output(&join.columns), Arc::new(with_keys_of_equal_types(plan)?))
}

/// A join whose keys are converted where their types differ. Those that cannot be compared stay: they are found with their
/// place in the spec (`passes::front::validate`).
fn with_keys_of_equal_types(plan: LogicalPlan) -> Result<LogicalPlan> {
    let LogicalPlan::Join(mut join) = plan else { return Ok(plan) };
    for (left, right) in &mut join.on {
        let (left_schema, right_schema) = (join.left.schema(), join.right.schema());
        let (Ok(left_type), Ok(right_type)) = (left.get_type(left_schema), right.get_type(right_schema))
        else {
            continue;
        };
        if left_type == right_type {
            continue;
        }
        if let Some(common) = comparison_coercion(&left_type, &right_type) {
            *left = left.clone().cast_to(&common, left_schema)?;
            *right = right.clone().cast_to(&common, right_schema)?;
        }
    }
    Ok(LogicalPlan::Join(join))
}

pub(super) fn span_join(
    join: &SpanJoin,
    left: Arc<LogicalPlan>,
    right: Arc<LogicalPlan>,
) -> Result<LogicalPlan> {
    let (left, right, on) = comparable_keys(&join.on, left, right)?;
    let keys = SpanJoinKeys {
        on: on.into_iter().map(|(l, r)| (qualified_column(LEFT, &l), qualified_column(RIGHT, &r))).collect(),
        left: join.left.each_ref().map(|name| qualified_column(LEFT, name)),
        right: join.right.each_ref().map(|name| qualified_column(RIGHT, name)),
    };
    let node =
        SpanJoinNode::try_new(aliased(left, LEFT)?, aliased(right, RIGHT)?, keys, span_join_mode(join)?)?;
    let plan = LogicalPlan::Extension(Extension { node: Arc::new(node) });
    project(output(&join.columns), Arc::new(plan))
}

fn span_join_mode(join: &SpanJoin) -> Result<SpanJoinMode> {
    let relation = match join.relation {
        ir::op::SpanRelation::Contains => SpanRelation::Contains,
        ir::op::SpanRelation::Within => SpanRelation::Within,
        ir::op::SpanRelation::Overlaps => SpanRelation::Overlaps,
        ir::op::SpanRelation::Equals => SpanRelation::Equals,
    };
    let kind = match join.join_type {
        JoinType::Inner => SpanJoinKind::Inner,
        JoinType::Left => SpanJoinKind::Left,
        JoinType::Semi => SpanJoinKind::LeftSemi,
        JoinType::Anti => SpanJoinKind::LeftAnti,
        JoinType::Right | JoinType::Full => {
            return plan_err!("a span join cannot keep right rows without a match; swap the sides");
        }
    };
    Ok(SpanJoinMode { relation, comparison: SpanComparison::HalfOpen, kind, innermost: join.innermost })
}

fn join_type(join_type: JoinType) -> PlanJoin {
    match join_type {
        JoinType::Inner => PlanJoin::Inner,
        JoinType::Left => PlanJoin::Left,
        JoinType::Right => PlanJoin::Right,
        JoinType::Full => PlanJoin::Full,
        JoinType::Semi => PlanJoin::LeftSemi,
        JoinType::Anti => PlanJoin::LeftAnti,
    }
}

/// A side under a name of its own: both sides may have columns of the same name.
fn aliased(plan: Arc<LogicalPlan>, side: &str) -> Result<Arc<LogicalPlan>> {
    Ok(Arc::new(LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(plan, TableReference::bare(side))?)))
}

fn qualified_column(side: &str, name: &str) -> Column {
    Column::new(Some(TableReference::bare(side)), name)
}

fn qualified(side: &str, name: &str) -> Expr {
    Expr::Column(qualified_column(side, name))
}

fn output(columns: &[JoinColumn]) -> Vec<Expr> {
    let side = |from| match from {
        Side::Left => LEFT,
        Side::Right => RIGHT,
    };
    columns.iter().map(|column| qualified(side(column.from), &column.column).alias(&column.name)).collect()
}

type Keyed = (Arc<LogicalPlan>, Arc<LogicalPlan>, Vec<(String, String)>);

/// Both sides with key columns of equal types: where they differ, a converted copy of the key is added. (The
/// operator compares keys as they are; joins by keys alone convert them in place.)
fn comparable_keys(
    on: &[(String, String)],
    left: Arc<LogicalPlan>,
    right: Arc<LogicalPlan>,
) -> Result<Keyed> {
    let (mut left_extra, mut right_extra) = (Vec::new(), Vec::new());
    let mut keys = Vec::with_capacity(on.len());
    for (index, (l, r)) in on.iter().enumerate() {
        let left_type = left.schema().field_with_unqualified_name(l)?.data_type();
        let right_type = right.schema().field_with_unqualified_name(r)?.data_type();
        let common =
            common_float([left_type, right_type]).or_else(|| comparison_coercion(left_type, right_type));
        let Some(common) = common else {
            return plan_err!("`{l}` is {left_type} and `{r}` is {right_type}; they cannot be compared");
        };
        let left_key = converted(l, left_type, &common, index, &mut left_extra);
        let right_key = converted(r, right_type, &common, index, &mut right_extra);
        keys.push((left_key, right_key));
    }
    Ok((with_extra(left, left_extra)?, with_extra(right, right_extra)?, keys))
}

fn converted(name: &str, own: &DataType, common: &DataType, index: usize, extra: &mut Vec<Expr>) -> String {
    if own == common {
        return name.to_owned();
    }
    let key = format!("__key{index}");
    extra.push(cast(column(name), common.clone()).alias(&key));
    key
}

fn with_extra(plan: Arc<LogicalPlan>, extra: Vec<Expr>) -> Result<Arc<LogicalPlan>> {
    if extra.is_empty() {
        return Ok(plan);
    }
    let columns = plan.schema().fields().iter().map(|field| column(field.name())).chain(extra).collect();
    Ok(Arc::new(project(columns, plan)?))
}
