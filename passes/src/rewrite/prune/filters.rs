//! Filters that all readers of a node have move below them.
//!
//! ```text
//! totals = aggregate … : {shop Utf8, day Date32, total Float64}
//! a = filter totals predicate=((shop = 'x') AND (total > 0))
//! b = filter totals predicate=((shop = 'y') AND (total > 0))
//! ```
//! becomes
//! ```text
//! totals = aggregate …
//! totals.common = filter totals predicate=(total > 0)
//! totals.any = filter totals.common predicate=((shop = 'x') OR (shop = 'y'))
//! a = filter totals.any predicate=(shop = 'x')
//! b = filter totals.any predicate=(shop = 'y')
//! ```
//!
//! A conjunct that all have moves below once, and the readers lose it. Of what is left, a row that passes no reader's
//! filter is of use to nobody: the disjunction of the filters goes below too, and the readers keep theirs. So what is
//! stored for several readers is what at least one of them wants, and the engine may push the disjunction further
//! down, to the tables. That is done only where it pays: for nodes that do more than read a table, where the
//! disjunction is estimated to drop at least [`DROPPED`] of the rows, and its predicates are cheap and few.
//!
//! Filters commute with each other, and a disjunction is true where one of its parts is, whatever the others are; so
//! every reader keeps its rows. Predicates that may not move because they give another answer each time
//! ([`crate::analysis::determinism`]) and those with subqueries stay where they are. What the spec says is never cached is
//! stored for nobody, so nothing is moved for it.

use ir::expr::ScalarExpr;
use ir::graph::{Graph, NodeId};
use ir::op::{Filter, Op};

use crate::analysis::cost;
use crate::analysis::determinism::{Rewrite, permits};
use crate::context::Context;

/// The part of the rows a disjunction must drop.
const DROPPED: f64 = 0.5;
/// The most readers whose filters make a disjunction.
const MOST_READERS: usize = 8;

/// Moves what the readers of a node filter by below them.
pub(super) fn move_below(graph: &mut Graph, cx: &mut Context<'_>, id: NodeId) {
    if graph.cache.never.iter().any(|name| name == graph.name_of(id)) {
        return;
    }
    let Some(filters) = Readers::of(graph, cx, id) else { return };
    let below = move_common(graph, cx, id, filters);
    // The readers may have changed, and some may be gone.
    if let Some(filters) = Readers::of(graph, cx, below) {
        add_disjunction(graph, cx, below, &filters);
    }
}

/// The readers of a node, all of them filters, with their conjuncts.
struct Readers(Vec<(NodeId, Vec<ScalarExpr>)>);

impl Readers {
    /// Nothing unless there are several and all of them are filters that may move.
    fn of(graph: &Graph, cx: &Context<'_>, id: NodeId) -> Option<Self> {
        let readers = graph.consumers(id);
        let conjuncts = |reader: NodeId| {
            let Op::Filter(filter) = &graph[reader].op else { return None };
            let may_move = permits(graph, cx.oracle, reader, Rewrite::Move);
            may_move.then(|| (reader, filter.predicate.conjuncts()))
        };
        let filters = readers.iter().map(|(reader, _)| conjuncts(*reader)).collect::<Option<Vec<_>>>()?;
        (filters.len() > 1).then_some(Self(filters))
    }

    /// The conjuncts all readers have.
    fn common(&self) -> Vec<ScalarExpr> {
        let [(_, first), rest @ ..] = self.0.as_slice() else { return Vec::new() };
        let everywhere = |conjunct: &&ScalarExpr| rest.iter().all(|(_, other)| other.contains(conjunct));
        first.iter().filter(everywhere).cloned().collect()
    }
}

/// Puts the conjuncts that all readers of a node have into one filter above it; gives what the readers read then.
fn move_common(graph: &mut Graph, cx: &mut Context<'_>, id: NodeId, readers: Readers) -> NodeId {
    let common = readers.common();
    let Some(predicate) = common.iter().cloned().reduce(ScalarExpr::and) else { return id };
    let remark = format!("all readers of {} filter by {predicate}", graph.name_of(id));
    let filter = insert_filter(graph, cx, id, "common", predicate, &remark);
    for (reader, conjuncts) in readers.0 {
        let left =
            conjuncts.into_iter().filter(|conjunct| !common.contains(conjunct)).reduce(ScalarExpr::and);
        match left {
            Some(predicate) => graph[reader].op = Op::Filter(Filter { predicate }),
            None => {
                cx.carry_cache_override(graph, reader, filter);
                graph.splice_out(reader);
            }
        }
    }
    filter
}

/// Puts a filter above a node that keeps the rows at least one reader keeps, where that pays.
fn add_disjunction(graph: &mut Graph, cx: &mut Context<'_>, id: NodeId, readers: &Readers) {
    let cheap = |conjuncts: &Vec<ScalarExpr>| {
        conjuncts.iter().all(|part| cost::calls(part.ast()) == 0 && !part.has_subquery())
    };
    let kept = cost::kept_by_any(readers.0.iter().map(|(_, conjuncts)| cost::kept_by_all(conjuncts)));
    let pays = readers.0.len() <= MOST_READERS
        && readers.0.iter().all(|(_, conjuncts)| cheap(conjuncts))
        && kept <= 1.0 - DROPPED
        && !cost::streams_from_table(graph, id);
    let parts =
        readers.0.iter().filter_map(|(_, conjuncts)| conjuncts.iter().cloned().reduce(ScalarExpr::and));
    let Some(predicate) = parts.reduce(ScalarExpr::or).filter(|_| pays) else { return };
    let remark = format!("no reader of {} keeps a row without {predicate}", graph.name_of(id));
    insert_filter(graph, cx, id, "any", predicate, &remark);
}

/// Puts a filter between a node and its readers.
fn insert_filter(
    graph: &mut Graph,
    cx: &mut Context<'_>,
    id: NodeId,
    step: &str,
    predicate: ScalarExpr,
    remark: &str,
) -> NodeId {
    let filter = graph.add_step_above(id, step, Op::Filter(Filter { predicate }));
    graph[filter].schema = graph[id].schema.clone();
    cx.remark(format!("{}: {remark}", graph.name_of(filter)));
    filter
}
