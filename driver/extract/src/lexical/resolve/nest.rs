//! The places around a place that have to do with a name, found without a climb through all others.
//!
//! Scopes lie in one another as deep as a file is long: every `let` of Rust opens one. So the scopes around a scope are not
//! walked. They are numbered in pre-order; for each name there is a list of the numbers at which the innermost scope that is
//! marked with it becomes another, and a search in this list finds the innermost one for any scope.

use std::collections::HashMap;

use super::super::names::NameId;

/// A forest, whose nodes are numbered in pre-order.
#[derive(Debug, Default)]
pub(crate) struct Nest {
    /// Of each node its number, and one past the greatest number in or below it.
    numbers: Vec<(u32, u32)>,
}

impl Nest {
    /// The forest in which every node has this parent; parents come before their children.
    pub(crate) fn new(parents: &[Option<usize>]) -> Self {
        let mut sizes = vec![1_u32; parents.len()];
        for (node, parent) in parents.iter().enumerate().rev() {
            let own = sizes.get(node).copied().unwrap_or_default();
            if let Some(size) = parent.and_then(|parent| sizes.get_mut(parent)) {
                *size += own;
            }
        }
        let mut numbers: Vec<(u32, u32)> = Vec::with_capacity(parents.len());
        // The number of the next child of each node, and of the next root.
        let mut free: Vec<u32> = Vec::with_capacity(parents.len());
        let mut next_root = 0;
        for (&parent, size) in parents.iter().zip(sizes) {
            let next = parent.and_then(|parent| free.get_mut(parent)).unwrap_or(&mut next_root);
            let first = *next;
            *next += size;
            numbers.push((first, first + size));
            free.push(first + 1);
        }
        Self { numbers }
    }

    /// The number of a node.
    pub(super) fn number(&self, node: usize) -> u32 {
        self.numbers.get(node).map_or(0, |&(number, _)| number)
    }

    /// Whether a node is another, or lies in it.
    pub(crate) fn is_inside(&self, node: usize, around: usize) -> bool {
        (self.number(around)..self.end(around)).contains(&self.number(node))
    }

    fn end(&self, node: usize) -> u32 {
        self.numbers.get(node).map_or(0, |&(_, end)| end)
    }

    /// Marks nodes with names; a node may have any number of them, each of them once.
    pub(super) fn mark(&self, mut marks: Vec<(NameId, usize)>) -> Marks {
        marks.sort_unstable_by_key(|&(name, node)| (name, self.number(node)));
        let mut made = Marks { marked: Vec::with_capacity(marks.len()), changes: HashMap::new() };
        for group in marks.chunk_by(|left, right| left.0 == right.0) {
            let Some(&(name, _)) = group.first() else { continue };
            made.changes.insert(name, self.changes(group, &mut made.marked));
        }
        made
    }

    /// Where the innermost of the nodes marked with one name becomes another.
    fn changes(
        &self,
        group: &[(NameId, usize)],
        marked: &mut Vec<(usize, Option<u32>)>,
    ) -> Vec<(u32, Option<u32>)> {
        let mut changes: Vec<(u32, Option<u32>)> = Vec::with_capacity(2 * group.len());
        let mut open: Vec<(u32, u32)> = Vec::new();
        let close = |open: &mut Vec<(u32, u32)>, until: u32| {
            let mut found = Vec::new();
            while let Some((end, _)) = open.pop_if(|(end, _)| *end <= until) {
                found.push((end, open.last().map(|&(_, mark)| mark)));
            }
            found
        };
        for &(_, node) in group {
            let number = self.number(node);
            changes.extend(close(&mut open, number));
            let mark = marked.len() as u32;
            marked.push((node, open.last().map(|&(_, outer)| outer)));
            open.push((self.end(node), mark));
            changes.push((number, Some(mark)));
        }
        changes.extend(close(&mut open, u32::MAX));
        changes
    }
}

/// The nodes of a [`Nest`] that are marked with names.
pub(super) struct Marks {
    /// Marked nodes, each with the place here of the next one around it that has the same name.
    marked: Vec<(usize, Option<u32>)>,
    /// By name: from which number on which mark is the innermost.
    changes: HashMap<NameId, Vec<(u32, Option<u32>)>>,
}

impl Marks {
    /// The node and those around it that are marked with the name, innermost first.
    pub(super) fn around(&self, nest: &Nest, node: usize, name: NameId) -> impl Iterator<Item = usize> {
        let number = nest.number(node);
        let innermost = self.changes.get(&name).and_then(|changes| {
            let after = changes.partition_point(|&(from, _)| from <= number);
            changes.get(after.checked_sub(1)?)?.1
        });
        let marked = |mark: u32| self.marked.get(mark as usize).copied();
        std::iter::successors(innermost.and_then(marked), move |&(_, outer)| outer.and_then(marked))
            .map(|(node, _)| node)
            .inspect(|_| {
                #[cfg(test)]
                crate::tree::work::step();
            })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::names::Names;
    use super::*;

    /// Compares with a climb from parent to parent, over forests and marks from a generator of numbers.
    #[test]
    fn marks_are_found_as_by_climbing() {
        let mut seed = 7_u64;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % below.max(1)
        };
        let mut names = Names::default();
        let words = ["a", "b", "c"].map(|word| names.intern(word));
        for size in 1..60 {
            let parents: Vec<Option<usize>> = (0..size)
                .map(|node| (node > 0 && random(9) > 0).then(|| node - 1 - random(node.min(4))))
                .collect();
            let mut marks = Vec::new();
            for node in 0..size {
                marks.extend(words.iter().filter(|_| random(3) == 0).map(|&word| (word, node)));
            }
            let nest = Nest::new(&parents);
            let made = nest.mark(marks.clone());
            for node in 0..size {
                for word in words {
                    let climbed: Vec<usize> =
                        std::iter::successors(Some(node), |&current| parents.get(current).copied().flatten())
                            .filter(|&current| marks.contains(&(word, current)))
                            .collect();
                    let found: Vec<usize> = made.around(&nest, node, word).collect();
                    assert_eq!(found, climbed, "{parents:?} {node}");
                }
            }
        }
    }
}
