//! Choices that a seed determines.

/// A stream of choices (SplitMix64: Steele, Lea, Flood, *Fast Splittable Pseudorandom Number Generators*, 2014).
#[derive(Clone, Debug)]
pub struct Choice(u64);

impl Choice {
    /// The choices of a seed. Different streams of one seed have nothing to do with each other.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut choice = Self(seed ^ stream.wrapping_mul(0xa076_1d64_78bd_642f));
        choice.next();
        choice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 where there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    /// True once in `of` times.
    pub fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = usize::try_from(high.saturating_sub(low)).unwrap_or(0).saturating_add(1);
        low.saturating_add(i64::try_from(self.below(width)).unwrap_or(0))
    }

    /// One of the options; there must be one.
    pub fn of<'o, T>(&mut self, options: &'o [T]) -> &'o T {
        let at = self.below(options.len());
        &options[at]
    }

    /// One of the options, if there is one.
    pub fn maybe_of<'o, T>(&mut self, options: &'o [T]) -> Option<&'o T> {
        let at = self.below(options.len());
        options.get(at)
    }
}
