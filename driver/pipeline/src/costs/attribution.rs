//! Which view an operator works for.
//!
//! A segment is planned as a whole: its plan has no operators of one view, but operators that filters were moved below and
//! projections melted into. What stays is which tables and shared views lie below what. So a node of the graph and an
//! operator are both known by their *leaves*, how often each table and shared view is read below them, and by what they do.
//!
//! 1. An operator belongs to the node that does the same over the same leaves. Where there are as many nodes as operators, each
//!    has one: in their order, if each node reads the one before and they are no filters, which are moved. Else it is the node
//!    that reads what the operators below belong to, then the one whose text has most words in common with the operator's,
//!    then the one in the same place from below. A query does what its clauses say.
//! 2. Where none does, because the operator was moved down or a part of a query, it is the lowest node that does the same over
//!    these leaves and more; then the lowest that reads them at all.
//! 3. An operator that serves the one above it, and what stands below a scan, belong to whom that one belongs to.
//!
//! Every operator has one owner, so the costs of all views are those of all operators. What two views share after the optimizer
//! made one filter of two is told as the cost of one of them, and the operators of a subquery may be taken for those of a view
//! that asks the same of the same table: it is a guess, and a good one where views are views.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use engine::{OperatorKind, OperatorMetrics};
use ir::estimate::Quality;
use ir::graph::{Graph, NodeId, Owner};
use ir::op::Op;

use super::regions::{Leaf, LeafNumbers, Leaves, Region, add, reads, regions, words};

/// Whom an operator works for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attributed {
    /// The view, input or output.
    pub(crate) owner: Owner,
    /// The operator above it.
    pub(crate) parent: Option<usize>,
    /// The rows of the table, if the operator reads one whose log counts them.
    pub(crate) table_rows: Option<u64>,
}

/// Whom each operator of a segment works for; `root` is the node at its top.
pub(super) fn attributed(graph: &Graph, root: NodeId, operators: &[OperatorMetrics]) -> Vec<Attributed> {
    let mut leaves = LeafNumbers::default();
    let regions = regions(graph, root, &mut leaves);
    let parents = parents(operators);
    let read = leaves_below(operators, &parents, &mut leaves);
    let mut same_leaves: HashMap<Arc<Leaves>, Vec<usize>> = HashMap::new();
    for (index, region) in regions.iter().enumerate() {
        same_leaves.entry(Arc::clone(&region.leaves)).or_default().push(index);
    }
    let mut groups: HashMap<(&OperatorKind, &Leaves), Group> = HashMap::new();
    for (operator, below) in operators.iter().zip(&read) {
        groups.entry((&operator.kind, below)).or_default().operators += 1;
    }
    let mut chosen: Vec<Option<usize>> = vec![None; operators.len()];
    // What the operators below each belong to, but for those that only serve others.
    let mut inputs: Vec<Vec<usize>> = vec![Vec::new(); operators.len()];
    // From below, as the regions are.
    for (index, operator) in operators.iter().enumerate().rev() {
        let (Some(below), Some(inputs_here)) = (read.get(index), inputs.get_mut(index)) else { continue };
        let read_from = std::mem::take(inputs_here);
        let wanted = Wanted { operator, below, read_from: &read_from };
        let serves = serves(operators, &parents, index);
        let exact = if serves { None } else { wanted.exact(&regions, &same_leaves, &mut groups) };
        if let Some(place) = chosen.get_mut(index) {
            *place = if serves { None } else { exact.or_else(|| wanted.wider(&regions)) };
        }
        // What was moved down stands below nodes that it reads.
        let above = exact.map_or(read_from, |exact| vec![exact]);
        if let Some(Some(parent)) = parents.get(index)
            && let Some(inputs) = inputs.get_mut(*parent)
        {
            inputs.extend(above);
        }
    }
    let top = &graph[root].owner;
    let mut all: Vec<Attributed> = Vec::with_capacity(operators.len());
    for (index, parent) in parents.into_iter().enumerate() {
        let above = parent.and_then(|parent| Some((operators.get(parent)?, all.get(parent)?)));
        let own = chosen.get(index).copied().flatten().and_then(|region| regions.get(region));
        let (owner, op) = match (above, own) {
            (Some((OperatorMetrics { kind: OperatorKind::Scan(_), .. }, above)), _) => (&above.owner, None),
            (_, Some(region)) => (region.owner, Some(region.op)),
            (Some((_, above)), None) => (&above.owner, None),
            (None, None) => (top, None),
        };
        let table_rows = match op {
            Some(Op::Scan(scan)) if scan.rows.quality == Quality::Exact => Some(scan.rows.rows),
            _ => None,
        };
        all.push(Attributed { owner: owner.clone(), parent, table_rows });
    }
    all
}

/// The place of the operator above each.
fn parents(operators: &[OperatorMetrics]) -> Vec<Option<usize>> {
    let mut above: Vec<usize> = Vec::new();
    let mut parents = Vec::with_capacity(operators.len());
    for (index, operator) in operators.iter().enumerate() {
        above.truncate(operator.depth);
        parents.push(above.last().copied());
        above.push(index);
    }
    parents
}

/// What is read below each operator.
fn leaves_below(
    operators: &[OperatorMetrics],
    parents: &[Option<usize>],
    numbers: &mut LeafNumbers,
) -> Vec<Leaves> {
    let mut read: Vec<Leaves> = operators
        .iter()
        .map(|operator| match &operator.kind {
            OperatorKind::Scan(table) => Leaves::from([(numbers.of(Leaf::Table(table.clone())), 1)]),
            OperatorKind::SharedView(view) => Leaves::from([(numbers.of(Leaf::View(view.clone())), 1)]),
            _ => Leaves::new(),
        })
        .collect();
    for (index, parent) in parents.iter().enumerate().rev() {
        let Some(parent) = *parent else { continue };
        // Operators stand after those above them.
        if let Some((above, below)) = read.split_at_mut_checked(index)
            && let (Some(sum), Some(own)) = (above.get_mut(parent), below.first())
        {
            add(sum, own, 1);
        }
    }
    read
}

/// Whether an operator only serves the one above it: it passes rows on, or sorts them for a window, a join or an
/// aggregation.
fn serves(operators: &[OperatorMetrics], parents: &[Option<usize>], index: usize) -> bool {
    let kind = |index: usize| operators.get(index).map(|operator| &operator.kind);
    match kind(index) {
        Some(OperatorKind::Sort) => {
            let mut above = parents.get(index).copied().flatten();
            while let Some(next) = above.filter(|above| kind(*above) == Some(&OperatorKind::Passing)) {
                above = parents.get(next).copied().flatten();
            }
            let sorted_for = above.and_then(kind);
            matches!(sorted_for, Some(OperatorKind::Window | OperatorKind::Join | OperatorKind::Aggregate))
        }
        kind => matches!(kind, Some(OperatorKind::Passing | OperatorKind::SharedView(_))),
    }
}

/// From so many nodes on that do the same over the same leaves, only their places are compared.
const MANY_CANDIDATES: usize = 64;

/// Operators of one kind over the same leaves.
#[derive(Default)]
struct Group {
    operators: usize,
    /// How many of them, from below, were looked at.
    looked_at: usize,
    /// The nodes that these belong to.
    taken: BTreeSet<usize>,
}

/// An operator whose node is wanted.
struct Wanted<'a, 'b> {
    operator: &'a OperatorMetrics,
    /// The leaves below it.
    below: &'a Leaves,
    /// The nodes that the operators below it belong to.
    read_from: &'b [usize],
}

impl<'a> Wanted<'a, '_> {
    /// The node that does the same over the same leaves. `groups` knows of the operators that do.
    fn exact(
        &self,
        regions: &[Region<'_>],
        same_leaves: &HashMap<Arc<Leaves>, Vec<usize>>,
        groups: &mut HashMap<(&'a OperatorKind, &'a Leaves), Group>,
    ) -> Option<usize> {
        let does = |region: &usize| regions.get(*region).is_some_and(|region| self.is_done_by(region));
        let same = same_leaves.get(self.below).into_iter().flatten();
        let exact: Vec<usize> = same.copied().filter(does).collect();
        let group = groups.entry((&self.operator.kind, self.below)).or_default();
        let rank = group.looked_at;
        group.looked_at += 1;
        if exact.len() != group.operators || exact.len() >= MANY_CANDIDATES {
            return self.best(regions, &exact, rank);
        }
        // As many nodes as operators: each has one. Filters are moved, and what else stands above another stays there.
        let is_chain = || exact.windows(2).all(|pair| reads(regions, pair[1], pair[0]));
        let found = if self.operator.kind != OperatorKind::Filter && is_chain() {
            exact.get(rank).copied()
        } else {
            let left: Vec<usize> = exact.into_iter().filter(|region| !group.taken.contains(region)).collect();
            self.best(regions, &left, 0)
        };
        group.taken.extend(found);
        found
    }

    fn is_done_by(&self, region: &Region<'_>) -> bool {
        region.does(&self.operator.kind)
    }

    /// Of nodes that do the same over the same leaves, the one that it is most likely of; it is the operator in this place of
    /// all that do, from below.
    fn best(&self, regions: &[Region<'_>], candidates: &[usize], rank: usize) -> Option<usize> {
        let last = candidates.len().checked_sub(1)?;
        let by_rank = candidates.get(rank.min(last)).copied();
        if last == 0 || last >= MANY_CANDIDATES {
            return by_rank;
        }
        let words = words(&self.operator.described);
        let score = |candidate: &usize| {
            let in_common = |region: &Region<'_>| region.words().intersection(&words).count();
            let reads = self.read_from.iter().filter(|input| reads(regions, *candidate, **input)).count();
            (reads, regions.get(*candidate).map_or(0, in_common))
        };
        let scores: Vec<(usize, usize)> = candidates.iter().map(score).collect();
        let most = scores.iter().copied().max()?;
        if scores.get(rank.min(last)) == Some(&most) {
            return by_rank;
        }
        candidates.iter().zip(&scores).find(|(_, score)| **score == most).map(|(region, _)| *region)
    }

    /// The lowest node that reads these leaves and perhaps more, of those that do what the operator does if there are any.
    fn wider(&self, regions: &[Region<'_>]) -> Option<usize> {
        let reads = |region: &Region<'_>| {
            self.below.iter().all(|(leaf, count)| region.leaves.get(leaf).is_some_and(|read| read >= count))
        };
        let wide = || regions.iter().enumerate().filter(|(_, region)| reads(region));
        let Some((_, lowest)) = wide().find(|(_, region)| self.is_done_by(region)) else {
            return wide().next().map(|(index, _)| index);
        };
        let same = |region: &Region<'_>| region.leaves == lowest.leaves && self.is_done_by(region);
        let same: Vec<usize> = wide().filter(|(_, region)| same(region)).map(|(index, _)| index).collect();
        self.best(regions, &same, 0)
    }
}
