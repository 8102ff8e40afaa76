//! Which of the first `n` spans end at a bound or later: a tree of maxima over the ends of a sorted group.
//!
//! Level 0 holds the ends in the order of the spans; every entry of a higher level is the maximum of [`WIDTH`]
//! entries of the level below. Finding the next span that ends late enough climbs until a maximum does and comes
//! down again: `O(log n)` for each, and neighbours that match are found by reading on. With the spans sorted by
//! start, the question "who starts at or before a and ends at or after b" is a prefix of this, whatever a and b
//! are and in whatever order they are asked: the three-sided query of a priority search tree (McCreight,
//! *Priority Search Trees*, 1985), on an array.

/// Entries under one maximum: two cache lines.
const WIDTH: usize = 16;

/// The tree; see the module documentation.
#[derive(Debug)]
pub(super) struct EndTree {
    /// Level 0 has one entry a span, the last level at most [`WIDTH`].
    levels: Vec<Vec<i64>>,
}

impl EndTree {
    pub(super) fn new(ends: Vec<i64>) -> Self {
        let mut levels = vec![ends];
        while let Some(below) = levels.last().filter(|level| level.len() > WIDTH) {
            let maxima = below.chunks(WIDTH).filter_map(|chunk| chunk.iter().copied().max()).collect();
            levels.push(maxima);
        }
        Self { levels }
    }

    /// The first span at or after `from` that ends at `bound` or later.
    pub(super) fn next_ending_from(&self, from: usize, bound: i64) -> Option<usize> {
        let (mut level, mut index) = (0, from);
        loop {
            let ends = self.levels.get(level)?;
            let stop = ends.len().min((index / WIDTH + 1) * WIDTH);
            let rest = ends.get(index..stop).unwrap_or_default();
            match rest.iter().position(|end| *end >= bound) {
                Some(place) if level == 0 => return Some(index + place),
                Some(place) => {
                    index = (index + place) * WIDTH;
                    level -= 1;
                }
                None => {
                    index = index / WIDTH + 1;
                    level += 1;
                }
            }
        }
    }

    /// Lowers an end, so that the span is not found any more.
    pub(super) fn remove(&mut self, index: usize) {
        let (mut index, mut end) = (index, i64::MIN);
        for level in 0..self.levels.len() {
            let Some(entry) = self.levels.get_mut(level).and_then(|ends| ends.get_mut(index)) else { return };
            *entry = end;
            let first = index / WIDTH * WIDTH;
            let Some(ends) = self.levels.get(level) else { return };
            let siblings = ends.get(first..ends.len().min(first + WIDTH)).unwrap_or_default();
            end = siblings.iter().copied().max().unwrap_or(i64::MIN);
            index /= WIDTH;
        }
    }

    /// Bytes of a tree over so many spans.
    pub(super) fn memory(spans: usize) -> usize {
        (spans + spans / (WIDTH - 1)) * size_of::<i64>()
    }
}
