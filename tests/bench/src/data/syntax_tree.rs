//! Synthetic syntax trees: many spans in many files, nested as the nodes of a syntax tree are, or not.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};

use crate::failure::Result;
use crate::table::TableWriter;

/// Trees do not get deeper than this.
const DEEPEST: usize = 24;
/// The chance that a node is a child of the node before it; else it is on the same level or up to three levels up,
/// which gives a mean depth of about five.
const CHILD: f64 = 0.52;
/// Longest span of crossing spans: about as many pairs as nested spans of the mean depth have.
const LONGEST_CROSSING: u64 = 74;
/// Nodes are of one of this many kinds.
const KINDS: u64 = 100;

/// How the spans of a file lie to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As a tree: two spans are disjoint or one contains the other.
    Nested,
    /// Random starts and lengths: most overlapping spans cross. About as many containments as nested ones.
    Crossing,
    /// Each starts and ends after the one before it, and lasts half the file: everything crosses, half the file is
    /// open everywhere, and nothing contains anything but itself.
    Staircase,
}

/// A table of spans, with the columns `file_id`, `s`, `e`, `depth`, `kind`, `id`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forest {
    /// How spans lie.
    pub(crate) shape: Shape,
    /// The number of files.
    pub(crate) files: usize,
    /// The nodes of each.
    pub(crate) nodes: usize,
    /// Whether the rows of the table are in random order instead of by file and start.
    pub(crate) shuffled: bool,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) file: usize,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) depth: usize,
    pub(super) kind: u64,
}

impl Forest {
    /// The name of the table, which says all of it.
    pub(crate) fn name(&self) -> String {
        let shape = match self.shape {
            Shape::Nested => "nested",
            Shape::Crossing => "crossing",
            Shape::Staircase => "staircase",
        };
        let order = if self.shuffled { "-shuffled" } else { "" };
        format!("{shape}-{}x{}{order}", self.files, self.nodes)
    }

    /// Writes the table.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let mut rows: Vec<(usize, Node)> = self.rows().into_iter().enumerate().collect();
        if self.shuffled {
            let mut random = SplitMix64(11);
            for place in (1..rows.len()).rev() {
                rows.swap(place, random.below(place + 1));
            }
        }
        let column = |of: &dyn Fn(&(usize, Node)) -> usize| {
            let values = rows.iter().map(|row| i64::try_from(of(row)).unwrap_or(i64::MAX));
            Arc::new(Int64Array::from_iter_values(values)) as ArrayRef
        };
        let columns = vec![
            column(&|(_, node)| node.file),
            column(&|(_, node)| node.start),
            column(&|(_, node)| node.end),
            column(&|(_, node)| node.depth),
            column(&|(_, node)| usize::try_from(node.kind).unwrap_or(usize::MAX)),
            column(&|(id, _)| *id),
        ];
        let names = ["file_id", "s", "e", "depth", "kind", "id"];
        let fields = names.map(|name| Field::new(name, DataType::Int64, true));
        let schema = Arc::new(Schema::new(fields.to_vec()));
        let mut writer = TableWriter::create(folder, &schema)?;
        writer.write(&RecordBatch::try_new(schema, columns)?)?;
        writer.finish()
    }

    /// All rows by file and start; a row's place is its id.
    pub(super) fn rows(&self) -> Vec<Node> {
        let mut random = SplitMix64(7);
        (0..self.files).flat_map(|file| self.file(file, &mut random)).collect()
    }

    fn file(&self, file: usize, random: &mut SplitMix64) -> Vec<Node> {
        let mut nodes: Vec<Node> = match self.shape {
            Shape::Nested => tree(self.nodes, random),
            Shape::Crossing => crossing(self.nodes, random),
            Shape::Staircase => (0..self.nodes).map(|place| span(place, place + self.nodes / 2)).collect(),
        };
        for node in &mut nodes {
            node.file = file;
            node.kind = random.next() % KINDS;
        }
        nodes
    }
}

fn span(start: usize, end: usize) -> Node {
    Node { file: 0, start, end, depth: 0, kind: 0 }
}

/// A random tree in preorder: node `i` starts at `2 i`, and ends before the next node that is not below it.
fn tree(nodes: usize, random: &mut SplitMix64) -> Vec<Node> {
    let mut found: Vec<Node> = Vec::with_capacity(nodes);
    let mut open: Vec<usize> = Vec::new();
    let mut depth = 0;
    for place in 0..nodes {
        if place > 0 {
            let goes_down = random.unit() < CHILD && depth < DEEPEST;
            depth = if goes_down { depth + 1 } else { depth.saturating_sub(random.below(4)).max(1) };
        }
        // The open nodes are the path to the root, so as many stay open as the new node is deep.
        for closed in open.drain(depth.min(open.len())..) {
            found[closed].end = (2 * place).saturating_sub(1);
        }
        open.push(place);
        found.push(Node { depth, ..span(2 * place, 0) });
    }
    for closed in open {
        found[closed].end = (2 * nodes).saturating_sub(1);
    }
    found
}

/// Spans at random places of random length, by start.
fn crossing(nodes: usize, random: &mut SplitMix64) -> Vec<Node> {
    let mut found: Vec<Node> = (0..nodes)
        .map(|_| {
            let start = random.below(2 * nodes);
            let length = random.next() % (LONGEST_CROSSING + 1);
            span(start, start + usize::try_from(length).unwrap_or_default())
        })
        .collect();
    found.sort_by_key(|node| (node.start, std::cmp::Reverse(node.end)));
    found
}

/// The generator of Steele, Lea and Flood, *Fast Splittable Pseudorandom Number Generators*, 2014.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0..limit`.
    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % limit).unwrap_or_default()
    }

    /// A number in `[0, 1)`, of 32 random bits.
    fn unit(&mut self) -> f64 {
        let bits = u32::try_from(self.next() >> 32).unwrap_or_default();
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forest(shape: Shape) -> Vec<Node> {
        Forest { shape, files: 3, nodes: 400, shuffled: false }.rows()
    }

    fn crosses(one: &Node, other: &Node) -> bool {
        one.file == other.file && one.start < other.start && other.start < one.end && one.end < other.end
    }

    #[test]
    fn nested_spans_never_cross() {
        let rows = forest(Shape::Nested);
        assert_eq!(rows.len(), 1200);
        assert!(rows.iter().all(|node| node.start < node.end));
        assert!(!rows.iter().any(|one| rows.iter().any(|other| crosses(one, other))));
        let deepest = rows.iter().map(|node| node.depth).max();
        assert!(deepest > Some(5), "{deepest:?}");
    }

    #[test]
    fn the_adversaries_cross() {
        for shape in [Shape::Crossing, Shape::Staircase] {
            let rows = forest(shape);
            let crossing = rows.iter().filter(|one| rows.iter().any(|other| crosses(one, other))).count();
            assert!(crossing > rows.len() / 2, "{shape:?}: {crossing}");
        }
    }
}
