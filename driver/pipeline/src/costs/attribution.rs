//! Which view an operator works for.
//!
//! A segment is planned as a whole: its plan has no operators of one view, but operators that filters were moved below and
//! projections melted into. What stays is which tables and shared views lie below what. So a node of the graph and an
//! operator are both known by their *leaves*, how often each table and shared view is read below them, and by what they do.
//!
//! 1. An operator belongs to the node that does the same over the same leaves. Where several do, it is the one that reads what
//!    the operators below belong to, then the one whose text has most words in common with the operator's, then the one in
//!    the same place from below.
//! 2. Where none does, because the operator was moved down or a part of a query, it is the lowest node that does the same over
//!    these leaves and more; then the lowest that reads them at all.
//! 3. An operator that serves the one above it, and what stands below a scan, belong to whom that one belongs to.
//!
//! Every operator has one owner, so the costs of all views are the costs of the run. What two views share after the optimizer
//! made one filter of two is told as the cost of one of them.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use engine::{OperatorKind, OperatorMetrics, ScannedTable};
use ir::estimate::Quality;
use ir::graph::{Graph, NodeId, Owner};
use ir::op::Op;

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
    let mut ranks: HashMap<(&OperatorKind, &Leaves), usize> = HashMap::new();
    let mut chosen: Vec<Option<usize>> = vec![None; operators.len()];
    // What the operators below each belong to, but for those that only serve others.
    let mut inputs: Vec<Vec<usize>> = vec![Vec::new(); operators.len()];
    // From below, as the regions are.
    for (index, operator) in operators.iter().enumerate().rev() {
        let (Some(below), Some(inputs_here)) = (read.get(index), inputs.get_mut(index)) else { continue };
        let read_from = std::mem::take(inputs_here);
        let wanted = Wanted { operator, below, read_from: &read_from };
        let serves = matches!(operator.kind, OperatorKind::Passing | OperatorKind::SharedView(_));
        let exact = if serves { None } else { wanted.exact(&regions, &same_leaves, &mut ranks) };
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

/// How often each table and shared view is read.
type Leaves = BTreeMap<usize, usize>;

/// A table or a shared view.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Leaf {
    Table(ScannedTable),
    View(String),
}

/// Leaves by numbers, which are cheaper to compare.
#[derive(Default)]
struct LeafNumbers(BTreeMap<Leaf, usize>);

impl LeafNumbers {
    fn of(&mut self, leaf: Leaf) -> usize {
        let next = self.0.len();
        *self.0.entry(leaf).or_insert(next)
    }
}

/// A node of a segment.
struct Region<'a> {
    owner: &'a Owner,
    op: &'a Op,
    /// The nodes it reads, but for leaves.
    inputs: Vec<usize>,
    leaves: Arc<Leaves>,
    words: OnceCell<BTreeSet<String>>,
}

impl Region<'_> {
    /// The names and values in the text of its operation.
    fn words(&self) -> &BTreeSet<String> {
        self.words.get_or_init(|| words(&ir::text::operation(self.op)))
    }
}

/// The nodes of a segment, each after its inputs.
fn regions<'a>(graph: &'a Graph, root: NodeId, numbers: &mut LeafNumbers) -> Vec<Region<'a>> {
    let mut below: BTreeMap<NodeId, Arc<Leaves>> = BTreeMap::new();
    let mut regions: Vec<Region<'_>> = Vec::new();
    let mut places: BTreeMap<NodeId, usize> = BTreeMap::new();
    for id in graph.topological_below(root, |id| graph[id].is_shared()).into_iter().rev() {
        let node = &graph[id];
        let leaves = match &node.op {
            _ if node.is_shared() && id != root => {
                Arc::new(Leaves::from([(numbers.of(Leaf::View(node.name.clone())), 1)]))
            }
            Op::Scan(scan) => Arc::new(scan.identity.as_ref().map_or_else(Leaves::new, |identity| {
                let table = ScannedTable { table_id: identity.table_id.clone(), version: scan.version };
                Leaves::from([(numbers.of(Leaf::Table(table)), 1)])
            })),
            _ => leaves_of_inputs(graph, id, &below),
        };
        below.insert(id, Arc::clone(&leaves));
        if id == root || !node.is_shared() {
            let inputs = graph.inputs(id).iter().filter_map(|input| places.get(input).copied()).collect();
            places.insert(id, regions.len());
            regions.push(Region { owner: &node.owner, op: &node.op, inputs, leaves, words: OnceCell::new() });
        }
    }
    regions
}

fn leaves_of_inputs(graph: &Graph, id: NodeId, below: &BTreeMap<NodeId, Arc<Leaves>>) -> Arc<Leaves> {
    let ports = graph.ports(id);
    let leaves = |input: &NodeId| below.get(input).cloned().unwrap_or_default();
    if let [(port, input)] = &ports[..]
        && graph.reads_of_port(id, *port) == 1
    {
        return leaves(input);
    }
    let mut sum = Leaves::new();
    for (port, input) in ports {
        add(&mut sum, &leaves(&input), graph.reads_of_port(id, port));
    }
    Arc::new(sum)
}

fn add(sum: &mut Leaves, more: &Leaves, times: usize) {
    for (leaf, count) in more {
        let total = sum.entry(*leaf).or_default();
        *total = total.saturating_add(count.saturating_mul(times));
    }
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

/// Whether an operator of this kind may do what an operation says.
fn does(op: &Op, kind: &OperatorKind) -> bool {
    // SQL may say anything.
    if let Op::Query(_) = op {
        return !matches!(kind, OperatorKind::Scan(_));
    }
    match kind {
        OperatorKind::Scan(_) => matches!(op, Op::Scan(_)),
        OperatorKind::Filter => matches!(op, Op::Filter(_)),
        OperatorKind::Projection => matches!(
            op,
            Op::Project(_)
                | Op::Aggregate(_)
                | Op::Window(_)
                | Op::Join(_)
                | Op::SpanJoin(_)
                | Op::Union(_)
                | Op::Unnest(_)
        ),
        OperatorKind::Join => matches!(op, Op::Join(_) | Op::SpanJoin(_)),
        OperatorKind::Aggregate => matches!(op, Op::Aggregate(_) | Op::Distinct(_)),
        OperatorKind::Window => matches!(op, Op::Window(_)),
        OperatorKind::Union => matches!(op, Op::Union(_)),
        OperatorKind::Unnest => matches!(op, Op::Unnest(_)),
        OperatorKind::Order => matches!(op, Op::Sink(_)),
        OperatorKind::SharedView(_) | OperatorKind::Passing => false,
    }
}

/// From so many nodes on that do the same over the same leaves, only their places are compared.
const MANY_CANDIDATES: usize = 64;

/// An operator whose node is wanted.
struct Wanted<'a, 'b> {
    operator: &'a OperatorMetrics,
    /// The leaves below it.
    below: &'a Leaves,
    /// The nodes that the operators below it belong to.
    read_from: &'b [usize],
}

impl<'a> Wanted<'a, '_> {
    /// The node that does the same over the same leaves. `ranks` counts operators of a kind over the same leaves, from below.
    fn exact(
        &self,
        regions: &[Region<'_>],
        same_leaves: &HashMap<Arc<Leaves>, Vec<usize>>,
        ranks: &mut HashMap<(&'a OperatorKind, &'a Leaves), usize>,
    ) -> Option<usize> {
        let does = |region: &usize| regions.get(*region).is_some_and(|region| self.is_done_by(region));
        let same = same_leaves.get(self.below).into_iter().flatten();
        let exact: Vec<usize> = same.copied().filter(does).collect();
        let rank = ranks.entry((&self.operator.kind, self.below)).or_default();
        let found = self.best(regions, &exact, *rank);
        *rank += 1;
        found
    }

    fn is_done_by(&self, region: &Region<'_>) -> bool {
        does(region.op, &self.operator.kind)
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

/// Whether one node reads another, directly or not; a node counts as reading itself.
fn reads(regions: &[Region<'_>], reader: usize, read: usize) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![reader];
    while let Some(region) = open.pop() {
        if region == read {
            return true;
        }
        // Nodes stand after those that they read.
        if region > read && seen.insert(region) {
            open.extend(regions.get(region).into_iter().flat_map(|region| &region.inputs));
        }
    }
    false
}

/// The names and values in a text. The places of columns, which a plan shows behind their names, are none.
fn words(text: &str) -> BTreeSet<String> {
    let parts = text.split(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == '@'));
    let names = parts.map(|part| part.split('@').next().unwrap_or_default());
    names.filter(|name| !name.is_empty()).map(str::to_lowercase).collect()
}
