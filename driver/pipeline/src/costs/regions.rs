//! The nodes of a segment, known by what they do and by what is read below them.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::{OperatorKind, ScannedTable};
use ir::graph::{Graph, NodeId, Owner};
use ir::op::Op;

/// How often each table and shared view is read.
pub(super) type Leaves = BTreeMap<usize, usize>;

/// A table or a shared view.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Leaf {
    Table(ScannedTable),
    View(String),
}

/// Leaves by numbers, which are cheaper to compare.
#[derive(Default)]
pub(super) struct LeafNumbers(BTreeMap<Leaf, usize>);

impl LeafNumbers {
    pub(super) fn of(&mut self, leaf: Leaf) -> usize {
        let next = self.0.len();
        *self.0.entry(leaf).or_insert(next)
    }
}

/// A node of a segment.
pub(super) struct Region<'a> {
    pub(super) owner: &'a Owner,
    pub(super) op: &'a Op,
    /// The nodes it reads, but for leaves.
    inputs: Vec<usize>,
    pub(super) leaves: Arc<Leaves>,
    words: OnceCell<BTreeSet<String>>,
}

impl Region<'_> {
    /// Whether an operator of this kind may do what it says.
    pub(super) fn does(&self, kind: &OperatorKind) -> bool {
        if !matches!(self.op, Op::Query(_)) {
            return does(self.op, kind);
        }
        let clauses = clauses(kind);
        let says = |clause: &&str| self.words().contains(&clause.to_lowercase());
        !matches!(kind, OperatorKind::Scan(_)) && (clauses.is_empty() || clauses.iter().any(says))
    }

    /// The names and values in the text of its operation.
    pub(super) fn words(&self) -> &BTreeSet<String> {
        self.words.get_or_init(|| words(&ir::text::operation(self.op)))
    }
}

/// The nodes of a segment, each after its inputs.
pub(super) fn regions<'a>(graph: &'a Graph, root: NodeId, numbers: &mut LeafNumbers) -> Vec<Region<'a>> {
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
                let files = scan.files.as_ref().and(identity.listing).map(|listing| listing.to_string());
                let table_id = files.unwrap_or_else(|| identity.table_id.clone());
                let table = ScannedTable { table_id, version: scan.version };
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

pub(super) fn add(sum: &mut Leaves, more: &Leaves, times: usize) {
    for (leaf, count) in more {
        let total = sum.entry(*leaf).or_default();
        *total = total.saturating_add(count.saturating_mul(times));
    }
}

/// The words of SQL without which a query does not do what an operator of this kind does; none where there are too many ways
/// to say it.
fn clauses(kind: &OperatorKind) -> &'static [&'static str] {
    match kind {
        OperatorKind::Filter => &["WHERE", "HAVING", "QUALIFY", "JOIN"],
        OperatorKind::Window => &["OVER"],
        OperatorKind::Union => &["UNION", "GROUPING", "ROLLUP", "CUBE"],
        OperatorKind::Sort | OperatorKind::Limit => &["ORDER", "LIMIT", "FETCH", "OFFSET"],
        OperatorKind::Scan(_)
        | OperatorKind::SharedView(_)
        | OperatorKind::Projection
        | OperatorKind::Join
        | OperatorKind::Aggregate
        | OperatorKind::Unnest
        | OperatorKind::Passing => &[],
    }
}

/// Whether an operator of this kind may do what an operation other than a query says.
fn does(op: &Op, kind: &OperatorKind) -> bool {
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
        OperatorKind::Sort => matches!(op, Op::Sink(_)),
        OperatorKind::Limit | OperatorKind::SharedView(_) | OperatorKind::Passing => false,
    }
}

/// Whether one node reads another, directly or not; a node counts as reading itself.
pub(super) fn reads(regions: &[Region<'_>], reader: usize, read: usize) -> bool {
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
pub(super) fn words(text: &str) -> BTreeSet<String> {
    let parts = text.split(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == '@'));
    let names = parts.map(|part| part.split('@').next().unwrap_or_default());
    names.filter(|name| !name.is_empty()).map(str::to_lowercase).collect()
}
