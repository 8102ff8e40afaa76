//! What the containment queries must answer, found the plain way.

use std::time::Duration;

use serde_json::{Value, json};

use super::syntax_tree::{Forest, Node};
use crate::limits::CpuTimer;

/// Which rows take part in a containment query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spans {
    /// Every row on both sides.
    All,
    /// Containers are the tenth of the rows with `kind < 10`, contained rows the fifth with `50 <= kind < 70`.
    TenthAndFifth,
    /// Containers are the rows with `kind < 10`, contained are all; only the tightest container counts.
    Innermost,
}

impl Spans {
    /// The condition on containers and that on contained rows, as SQL; none for all rows.
    pub(crate) fn conditions(self) -> [Option<&'static str>; 2] {
        match self {
            Self::All => [None, None],
            Self::TenthAndFifth => [Some("kind < 10"), Some("kind >= 50 AND kind < 70")],
            Self::Innermost => [Some("kind < 10"), None],
        }
    }

    fn contains(self, node: &Node) -> bool {
        self == Self::All || node.kind < 10
    }

    fn is_contained(self, node: &Node) -> bool {
        self != Self::TenthAndFifth || (50..70).contains(&node.kind)
    }
}

/// What a query over a forest must answer, by comparing all pairs of a file: the number of pairs and the sums of the
/// ids of containers and contained rows.
pub(crate) fn expected(forest: &Forest, spans: Spans) -> Value {
    let rows = forest.rows();
    let (mut pairs, mut containers, mut contained) = (0u64, 0u64, 0u64);
    for (file, nodes) in rows.chunks(forest.nodes.max(1)).enumerate() {
        let id = |place: usize| widen(file * forest.nodes + place);
        let candidates: Vec<(u64, &Node)> = (0..)
            .zip(nodes)
            .filter(|(_, node)| spans.contains(node))
            .map(|(place, node)| (id(place), node))
            .collect();
        for (place, node) in nodes.iter().enumerate().filter(|(_, node)| spans.is_contained(node)) {
            // Rows are ordered by start, so whatever contains this one begins among the first.
            let before = candidates.partition_point(|(_, candidate)| candidate.start <= node.start);
            let around = candidates[..before].iter().filter(|(_, candidate)| node.end <= candidate.end);
            let (count, ids) = if spans == Spans::Innermost {
                let tightest = around.min_by_key(|(_, candidate)| candidate.end - candidate.start);
                tightest.map_or((0, 0), |(id, _)| (1, *id))
            } else {
                around.fold((0, 0), |(count, sum), (id, _)| (count + 1, sum + id))
            };
            pairs += count;
            containers += ids;
            contained += count * id(place);
        }
    }
    json!({"n": pairs, "sum_a": containers, "sum_d": contained})
}

/// All pairs of a nested forest by one stack a file, over rows in memory that are sorted already: the number of pairs,
/// the sum of all their ids, and the CPU time. This is the least any program must do after reading and sorting.
///
/// The algorithm is the stack-tree join of Al-Khalifa et al., *Structural Joins*, ICDE 2002.
pub(crate) fn nested_pairs(forest: &Forest) -> (u64, u64, Duration) {
    let rows = forest.rows();
    let timer = CpuTimer::start();
    let (mut pairs, mut ids) = (0, 0);
    // Once takes too little time to be measured.
    for _ in 0..KERNEL_RUNS {
        (pairs, ids) = stack_join(std::hint::black_box(&rows));
    }
    (pairs, ids, timer.elapsed() / KERNEL_RUNS)
}

/// How often the kernel is run to be measured.
const KERNEL_RUNS: u32 = 50;

fn stack_join(rows: &[Node]) -> (u64, u64) {
    let (mut pairs, mut ids) = (0, 0);
    let mut open: Vec<(usize, usize, u64)> = Vec::new();
    for (place, node) in rows.iter().enumerate() {
        while open.last().is_some_and(|(file, end, _)| *file != node.file || *end < node.end) {
            open.pop();
        }
        open.push((node.file, node.end, widen(place)));
        pairs += widen(open.len());
        ids += open.iter().map(|(_, _, id)| id + widen(place)).sum::<u64>();
    }
    (pairs, ids)
}

fn widen(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::Shape;
    use super::*;

    #[test]
    fn the_stack_and_the_plain_way_agree() {
        let forest = Forest { shape: Shape::Nested, files: 4, nodes: 300, shuffled: false };
        let answer = expected(&forest, Spans::All);
        let (pairs, ids, _) = nested_pairs(&forest);
        assert_eq!(answer["n"], pairs);
        assert_eq!(answer["sum_a"].as_u64().unwrap() + answer["sum_d"].as_u64().unwrap(), ids);
    }

    #[test]
    fn nothing_on_a_staircase_contains_another() {
        let forest = Forest { shape: Shape::Staircase, files: 2, nodes: 50, shuffled: false };
        let answer = expected(&forest, Spans::All);
        assert_eq!(answer, json!({"n": 100, "sum_a": 4950, "sum_d": 4950}));
    }
}
