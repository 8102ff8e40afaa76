//! Estimated rows and costs.
//!
//! Rows of scans come from the Delta log. Above them stand the rules of thumb of System R (Selinger et al., *Access
//! Path Selection in a Relational Database Management System*, SIGMOD 1979): an equality keeps a tenth of the rows,
//! a range a third, conjunctions multiply. They say how nodes compare, not how long they take. The unit of cost is
//! one row passing one simple operator.
//!
//! Where earlier runs have counted the rows of a node ([`super::history`]), the count stands for the estimate, and what lies
//! above is estimated from it.

use std::collections::BTreeMap;

use ir::estimate::{Estimate, Quality};
use ir::expr::{ScalarExpr, walk};
use ir::graph::{Graph, NodeId};
use ir::op::{JoinType, Op};
use sqlparser::ast::{BinaryOperator, Expr};

/// Rows of a query over its inputs, when there are none.
const UNKNOWN_ROWS: u64 = 1000;

/// What is estimated about one node.
#[derive(Clone, Copy, Debug)]
pub struct NodeCost {
    /// The rows it gives.
    pub rows: Estimate,
    /// What it costs to compute it from its inputs, in rows passing simple operators.
    pub own: u64,
}

/// The estimates for every node.
#[must_use]
pub fn estimate(graph: &Graph) -> BTreeMap<NodeId, NodeCost> {
    let mut costs: BTreeMap<NodeId, NodeCost> = BTreeMap::new();
    for id in graph.topological() {
        let node = &graph[id];
        let inputs: Vec<Estimate> = graph.inputs(id).iter().map(|input| costs[input].rows).collect();
        let rows = match graph.cache.counted.get(&node.name) {
            Some(counted) => within(counted.rows, &node.op, &inputs),
            None => rows(&node.op, &inputs),
        };
        let passing: u64 = inputs.iter().map(|input| input.rows).fold(0, u64::saturating_add);
        let own =
            node.op.facts().weight.saturating_mul(passing.max(if inputs.is_empty() { rows.rows } else { 0 }));
        costs.insert(id, NodeCost { rows, own });
    }
    costs
}

/// A count, unless it is of other rows than those of now and more than there can be: tables shrink.
fn within(counted: Estimate, op: &Op, inputs: &[Estimate]) -> Estimate {
    if counted.quality == Quality::Exact {
        return counted;
    }
    let most = match op {
        Op::Filter(_)
        | Op::Aggregate(_)
        | Op::Distinct(_)
        | Op::Project(_)
        | Op::Window(_)
        | Op::Sink(_)
        | Op::Check(_) => inputs.first().map(|input| input.rows),
        Op::Union(_) => Some(inputs.iter().map(|input| input.rows).fold(0, u64::saturating_add)),
        Op::Scan(scan) => Some(scan.rows.rows),
        Op::Unnest(_)
        | Op::Join(_)
        | Op::SpanJoin(_)
        | Op::Query(_)
        | Op::UnionByName(_)
        | Op::Input(_)
        | Op::ChangeFeed(_)
        | Op::TableMetadata(_)
        | Op::FileManifest(_)
        | Op::Normalize(_)
        | Op::Relate(_)
        | Op::Conform(_)
        | Op::Written(_) => None,
    };
    Estimate { rows: most.map_or(counted.rows, |most| counted.rows.min(most.max(1))), ..counted }
}

fn rows(op: &Op, inputs: &[Estimate]) -> Estimate {
    let first = inputs.first().copied().unwrap_or(Estimate::unknown(UNKNOWN_ROWS));
    let larger = inputs.iter().copied().max_by_key(|input| input.rows).unwrap_or(first);
    match op {
        Op::Scan(scan) => scan.rows,
        Op::Filter(filter) => first.scaled(kept_by_all(&filter.predicate.conjuncts())),
        Op::Aggregate(aggregate) if aggregate.group_by.is_empty() => Estimate::exact(1),
        Op::Aggregate(_) => first.scaled(0.1),
        Op::Distinct(_) => first.scaled(0.5),
        Op::Unnest(_) => first.scaled(3.0),
        Op::Join(join) => join_rows(join.join_type, first, larger),
        Op::SpanJoin(join) if join.innermost || !join.join_type.keeps_right() => {
            join_rows(join.join_type, first, larger)
        }
        // Every position of a syntax tree lies in a handful of nested spans.
        Op::SpanJoin(_) => larger.scaled(5.0),
        Op::Union(_) | Op::UnionByName(_) => inputs.iter().copied().reduce(Estimate::plus).unwrap_or(first),
        Op::Query(_) => Estimate { quality: Quality::Unknown, ..larger },
        Op::Input(_)
        | Op::ChangeFeed(_)
        | Op::TableMetadata(_)
        | Op::FileManifest(_)
        | Op::Normalize(_)
        | Op::Relate(_)
        | Op::Conform(_)
        | Op::Project(_)
        | Op::Window(_)
        | Op::Sink(_)
        | Op::Check(_)
        | Op::Written(_) => first,
    }
}

fn join_rows(join_type: JoinType, left: Estimate, larger: Estimate) -> Estimate {
    match join_type {
        JoinType::Semi | JoinType::Anti => left.scaled(0.5),
        JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => larger.scaled(1.0),
    }
}

/// The part of the rows that all of these predicates keep.
#[must_use]
pub fn kept_by_all(conjuncts: &[ScalarExpr]) -> f64 {
    conjuncts.iter().map(|part| selectivity(part.ast())).product()
}

/// The part of the rows that at least one of several filters keeps, each of which keeps this part.
#[must_use]
pub fn kept_by_any(kept: impl Iterator<Item = f64>) -> f64 {
    1.0 - kept.map(|part| 1.0 - part).product::<f64>()
}

/// Whether an operation passes rows on as they come, at next to no cost.
#[must_use]
pub fn streams(op: &Op) -> bool {
    op.facts().streams && op.expressions().iter().all(|used| calls(used.expr.ast()) == 0)
}

/// Whether a node is a table with nothing but cheap filters and projections above it.
#[must_use]
pub fn streams_from_table(graph: &Graph, mut id: NodeId) -> bool {
    while streams(&graph[id].op) {
        match graph.inputs(id).as_slice() {
            [input] => id = *input,
            inputs => return inputs.is_empty(),
        }
    }
    false
}

/// The part of the rows that a predicate keeps.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a third is the rule for expressions that nothing is known of"
)]
fn selectivity(predicate: &Expr) -> f64 {
    match predicate {
        Expr::BinaryOp { op: BinaryOperator::Eq, .. } => 0.1,
        Expr::BinaryOp {
            op: BinaryOperator::Lt | BinaryOperator::LtEq | BinaryOperator::Gt | BinaryOperator::GtEq,
            ..
        } => 1.0 / 3.0,
        Expr::BinaryOp { op: BinaryOperator::NotEq, .. } | Expr::IsNotNull(_) => 0.9,
        Expr::BinaryOp { left, op: BinaryOperator::Or, right } => {
            kept_by_any([selectivity(left), selectivity(right)].into_iter())
        }
        Expr::Nested(inner) => selectivity(inner),
        Expr::Between { .. } => 0.25,
        Expr::InList { list, .. } => {
            (f64::from(u32::try_from(list.len()).unwrap_or(u32::MAX)) * 0.1).min(0.5)
        }
        Expr::IsNull(_) => 0.1,
        _ => 1.0 / 3.0,
    }
}

/// Functions that choose among values and compute none.
const CHOICES: [&str; 2] = ["coalesce", "nullif"];

/// How many calls of functions, pattern matches and subqueries an expression has: the parts that cost more than a
/// comparison.
#[must_use]
pub fn calls(expr: &Expr) -> usize {
    let mut calls = 0;
    walk::expressions(expr, |part| {
        if let Expr::Function(function) = part {
            let name = function.name.to_string();
            calls += usize::from(!CHOICES.iter().any(|choice| name.eq_ignore_ascii_case(choice)));
        }
        calls += usize::from(matches!(
            part,
            Expr::Like { .. }
                | Expr::ILike { .. }
                | Expr::SimilarTo { .. }
                | Expr::RLike { .. }
                | Expr::InSubquery { .. }
                | Expr::Exists { .. }
                | Expr::Subquery(_)
        ));
    });
    calls
}
