//! inline: projections and filters with one reader dissolve into it.
//!
//! ```text
//! a = project orders columns={id: id, net: (amount - tax)}
//! b = project a columns={id: id, double: (net * 2)}
//! c = filter b predicate=(double > 10)
//! d = filter c predicate=(id < 5)
//! ```
//! becomes
//! ```text
//! b = project orders columns={id: id, double: ((amount - tax) * 2)}
//! d = filter b predicate=((double > 10) AND (id < 5))
//! ```
//!
//! Walks in topological order and looks at each node's single input. Two projections fuse when no computed column
//! would be computed twice: each is used at most once, or is a plain column or literal, and no expression would nest
//! deeper than [`MAX_DEPTH`]. Two filters fuse into a
//! conjunction without what follows from the rest ([`super::conjunction`]), up to [`MAX_CONJUNCTS`]. What may not be
//! fused because it gives other rows each time ([`crate::analysis::determinism`]), views a cache override names, and
//! nodes with several readers stay as they are. Projections and filters have no state and see rows one by one, so fusing them gives
//! the same rows.

use std::collections::BTreeMap;

use ir::expr::ScalarExpr;
use ir::graph::{Graph, Node, NodeId};
use ir::op::{Filter, Op, Project};

use super::conjunction;
use crate::analysis::determinism::{Rewrite, permits};
use crate::context::Context;

/// The longest conjunction a fused filter may have. The engine's interval analysis of a filter is worse than
/// quadratic in the number of conjuncts, and the text form must be parsed again, so longer chains are left as several
/// filters.
const MAX_CONJUNCTS: usize = 32;

/// How deep the expressions of a fused projection may nest. A chain of `a + 1` is one expression as deep as the chain is
/// long; the parser of the text form, and everything that walks expressions, has a limit of depth.
const MAX_DEPTH: usize = 32;

pub(crate) fn run(graph: &mut Graph, cx: &mut Context<'_>) {
    for id in graph.topological() {
        let [below] = graph.inputs(id)[..] else { continue };
        if !may_dissolve(graph, cx, below) || !permits(graph, cx.oracle, id, Rewrite::Fuse) {
            continue;
        }
        let (node, producer) = (&graph[id], &graph[below]);
        // Most pairs of operations cannot be one.
        let Some(op) = fuse(&producer.op, &node.op) else { continue };
        cx.remark(format!("{} dissolves into {}", producer.name, node.name));
        graph[id].op = op;
        let inputs = graph.inputs(below);
        graph.set_inputs(id, &inputs);
        graph.remove(below);
    }
}

fn may_dissolve(graph: &Graph, cx: &Context<'_>, id: NodeId) -> bool {
    let named =
        |node: &Node| graph.cache.force.contains(&node.name) || graph.cache.never.contains(&node.name);
    graph.reader_count(id) == 1 && !named(&graph[id]) && permits(graph, cx.oracle, id, Rewrite::Fuse)
}

/// One operation that does what two did, if there is one.
fn fuse(below: &Op, above: &Op) -> Option<Op> {
    match (below, above) {
        (Op::Project(below), Op::Project(above)) => fuse_projections(below, above).map(Op::Project),
        (Op::Filter(below), Op::Filter(above)) => {
            let conjuncts = below.predicate.conjuncts().into_iter().chain(above.predicate.conjuncts());
            let conjuncts = conjunction::without_implied(conjuncts);
            if conjuncts.len() > MAX_CONJUNCTS {
                return None;
            }
            let predicate = conjuncts.into_iter().reduce(ScalarExpr::and)?;
            Some(Op::Filter(Filter { predicate }))
        }
        _ => None,
    }
}

fn fuse_projections(below: &Project, above: &Project) -> Option<Project> {
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for name in above.columns.iter().flat_map(|column| column.expr.column_references()) {
        *uses.entry(name).or_default() += 1;
    }
    let cheap = |expr: &ScalarExpr| expr.as_column().is_some() || expr.is_literal();
    let once = |name: &String| uses.get(name).copied().unwrap_or(0) <= 1;
    if !below.columns.iter().all(|column| cheap(&column.expr) || once(&column.name)) {
        return None;
    }
    let definitions = below.columns.iter().map(|column| (column.name.clone(), column.expr.clone())).collect();
    let columns = above
        .columns
        .iter()
        .map(|column| {
            let expr = column.expr.substitute(&definitions).filter(|expr| expr.depth() <= MAX_DEPTH)?;
            Some(ir::expr::NamedExpr::new(&column.name, expr))
        })
        .collect::<Option<_>>()?;
    Some(Project { columns })
}
