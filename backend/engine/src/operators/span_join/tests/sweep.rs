//! The sweep against the definition of its relations, on random spans of every shape.

use super::super::sweep::{OutOfOrder, Span, Stored, Sweep, Wanted};

/// SplitMix64 (Steele, Lea, Flood, 2014): small, seeded, good enough to make test data.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % limit.max(1) as u64) as usize
    }

    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// Spans that nest like a syntax tree: adjacent children, empty nodes, nodes with their only child's span.
pub(super) fn tree_spans(random: &mut Random, count: usize, length: i64) -> Vec<Span> {
    let mut spans = vec![Span { start: 0, end: length }];
    let mut next = 0;
    while spans.len() < count && next < spans.len() {
        let parent = spans[next];
        next += 1;
        let mut start = parent.start;
        for _ in 0..=random.below(3) {
            let end = start + random.below((parent.end - start) as usize + 1) as i64;
            spans.push(Span { start, end });
            start = end;
        }
    }
    spans.truncate(count);
    spans
}

/// Spans with bounds drawn at random, so that most of them cross and many bounds coincide.
pub(super) fn crossing_spans(random: &mut Random, count: usize, length: i64) -> Vec<Span> {
    let position = |random: &mut Random| random.below(length as usize + 1) as i64;
    (0..count)
        .map(|_| {
            let (a, b) = (position(random), position(random));
            Span { start: a.min(b), end: a.max(b) }
        })
        .collect()
}

fn stored(mut spans: Vec<Span>) -> Vec<Stored> {
    spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
    spans.into_iter().zip(0..).map(|(span, row)| Stored { span, row }).collect()
}

/// The definition, one stored span at a time.
fn expected(wanted: Wanted, stored: &[Stored], probe: Span) -> Vec<u32> {
    let contains = |s: &Stored| s.span.start <= probe.start && probe.end <= s.span.end;
    let matching = stored.iter().filter(|s| match wanted {
        Wanted::Containers | Wanted::Innermost => contains(s),
        Wanted::Overlapping => s.span.start < probe.end && probe.start < s.span.end,
        Wanted::Equal => s.span == probe,
    });
    let rows: Vec<&Stored> = matching.collect();
    if wanted != Wanted::Innermost {
        return rows.iter().map(|s| s.row).collect();
    }
    let best = rows.into_iter().max_by_key(|s| (-(s.span.end - s.span.start), s.span.start, s.row));
    best.map(|s| s.row).into_iter().collect()
}

fn check(seed: u64, stored_spans: Vec<Span>, mut probes: Vec<Span>) -> bool {
    let mut random = Random(seed);
    probes.sort();
    let mut crossing = false;
    for wanted in [Wanted::Containers, Wanted::Innermost, Wanted::Overlapping, Wanted::Equal] {
        let stored = stored(stored_spans.clone());
        let mut sweep = Sweep::new(wanted, stored.clone()).unwrap();
        for &probe in &probes {
            sweep.seek(probe).unwrap();
            let mut found = Vec::new();
            let abandon = random.chance(10);
            while !sweep.take(1 + random.below(4), &mut found) && !abandon {}
            let mut want = expected(wanted, &stored, probe);
            found.sort_unstable();
            want.sort_unstable();
            if abandon {
                assert!(found.iter().all(|row| want.contains(row)), "seed {seed}: {wanted:?} of {probe:?}");
            } else {
                assert_eq!(found, want, "seed {seed}: {wanted:?} of {probe:?} in {stored:?}");
            }
        }
        crossing |= sweep.has_crossing();
    }
    crossing
}

#[test]
fn random_spans_match_by_definition() {
    let mut crossed = 0;
    for seed in 0..600 {
        let mut random = Random(seed);
        let length = [3, 12, 60][random.below(3)];
        let count = random.below(30);
        let probes = crossing_spans(&mut random, 40, length);
        let tree = tree_spans(&mut random, count, length);
        assert!(!check(seed, tree.clone(), probes.clone()), "seed {seed}: a tree does not cross: {tree:?}");
        crossed += usize::from(check(seed, crossing_spans(&mut random, count, length), probes));
    }
    assert!(crossed > 300, "only {crossed} of 600 random sets crossed: the fallback is hardly tested");
}

#[test]
fn touching_spans_nest_and_an_empty_span_between_them_lies_in_both() {
    let spans = vec![Span { start: 0, end: 5 }, Span { start: 5, end: 9 }, Span { start: 5, end: 5 }];
    let mut sweep = Sweep::new(Wanted::Containers, stored(spans)).unwrap();
    let mut found = Vec::new();
    sweep.seek(Span { start: 5, end: 5 }).unwrap();
    assert!(sweep.take(usize::MAX, &mut found));
    found.sort_unstable();
    assert_eq!(found, [0, 1, 2]);
    assert!(!sweep.has_crossing());
}

#[test]
fn extreme_positions_do_not_overflow() {
    let whole = Span { start: i64::MIN, end: i64::MAX };
    let last = Span { start: i64::MAX, end: i64::MAX };
    for (wanted, matches) in [(Wanted::Containers, 2), (Wanted::Innermost, 1), (Wanted::Overlapping, 0)] {
        let mut sweep = Sweep::new(wanted, stored(vec![whole, last])).unwrap();
        let mut found = Vec::new();
        sweep.seek(last).unwrap();
        sweep.take(9, &mut found);
        assert_eq!(found.len(), matches, "{wanted:?}");
    }
}

#[test]
fn wrong_order_is_refused() {
    let unsorted = [3, 1].map(|start| Stored { span: Span { start, end: 9 }, row: 0 }).to_vec();
    assert_eq!(Sweep::new(Wanted::Containers, unsorted).err(), Some(OutOfOrder));
    let mut sweep = Sweep::new(Wanted::Overlapping, Vec::new()).unwrap();
    sweep.seek(Span { start: 4, end: 5 }).unwrap();
    assert_eq!(sweep.seek(Span { start: 3, end: 5 }), Err(OutOfOrder));
}
