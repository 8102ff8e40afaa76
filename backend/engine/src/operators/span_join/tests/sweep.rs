//! The sweep against the definition of its relations, on random spans of every shape.

use super::super::sweep::{OutOfOrder, Query, Span, Stored, Sweep, Wanted};

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

/// A sweep to which all spans have been added.
fn sweep(wanted: Wanted, stored: &[Stored]) -> Sweep {
    let mut sweep = Sweep::new(wanted);
    stored.iter().for_each(|stored| sweep.add(*stored).unwrap());
    sweep.complete();
    sweep
}

/// The spans that contain a span.
fn containing(span: Span) -> Query {
    Query { start_at_most: span.start, end_at_least: span.end }
}

/// The definition, one stored span at a time.
fn expected(wanted: Wanted, stored: &[Stored], query: Query) -> Vec<u32> {
    let Query { start_at_most, end_at_least } = query;
    let matching = stored.iter().filter(|s| match wanted {
        Wanted::Containers | Wanted::Innermost | Wanted::Overlapping => {
            s.span.start <= start_at_most && end_at_least <= s.span.end
        }
        Wanted::Equal => (s.span.start, s.span.end) == (start_at_most, end_at_least),
    });
    let rows: Vec<&Stored> = matching.collect();
    if wanted != Wanted::Innermost {
        return rows.iter().map(|s| s.row).collect();
    }
    let best = rows.into_iter().max_by_key(|s| (-(s.span.end - s.span.start), s.span.start, s.row));
    best.map(|s| s.row).into_iter().collect()
}

fn check(seed: u64, stored_spans: &[Span], mut queries: Vec<Query>) -> bool {
    let mut random = Random(seed);
    queries.sort_by_key(|query| query.start_at_most);
    let mut crossing = false;
    for wanted in [Wanted::Containers, Wanted::Innermost, Wanted::Overlapping, Wanted::Equal] {
        let proper = wanted == Wanted::Innermost;
        let spans = stored_spans.iter().filter(|span| !proper || span.start <= span.end);
        let stored = stored(spans.copied().collect());
        let mut sweep = sweep(wanted, &stored);
        for &query in queries.iter().filter(|query| !proper || !query.looks_back()) {
            sweep.seek(query).unwrap();
            let mut found = Vec::new();
            let abandon = random.chance(10);
            while !sweep.take(1 + random.below(4), &mut found) && !abandon {}
            let mut want = expected(wanted, &stored, query);
            found.sort_unstable();
            want.sort_unstable();
            if abandon {
                assert!(found.iter().all(|row| want.contains(row)), "seed {seed}: {wanted:?} of {query:?}");
            } else {
                assert_eq!(found, want, "seed {seed}: {wanted:?} of {query:?} in {stored:?}");
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
        let count = [random.below(30), random.below(600)][usize::from(seed % 10 == 0)];
        let probes = crossing_spans(&mut random, 40, length);
        let mut queries: Vec<Query> = probes.iter().map(|probe| containing(*probe)).collect();
        let tree = tree_spans(&mut random, count, length);
        assert!(!check(seed, &tree, queries.clone()), "seed {seed}: a tree does not cross: {tree:?}");
        let mut spans = crossing_spans(&mut random, count, length);
        crossed += usize::from(check(seed, &spans, queries.clone()));
        // The same with inverted spans among the others.
        let invert = |span: &mut Span| std::mem::swap(&mut span.start, &mut span.end);
        spans.iter_mut().filter(|_| random.chance(20)).for_each(invert);
        let swap = |query: &mut Query| std::mem::swap(&mut query.start_at_most, &mut query.end_at_least);
        queries.iter_mut().filter(|_| random.chance(20)).for_each(swap);
        check(seed, &spans, queries);
    }
    assert!(crossed > 300, "only {crossed} of 600 random sets crossed: the fallback is hardly tested");
}

/// Spans are added only when a query asks for them, and what has ended is let go of at random moments.
#[test]
fn spans_that_are_added_late_and_forgotten_early_match_by_definition() {
    let mut forgotten = 0;
    for seed in 0..400 {
        let mut random = Random(seed);
        let spans = match seed % 2 {
            0 => tree_spans(&mut random, 120, 200),
            _ => crossing_spans(&mut random, 120, 200),
        };
        let stored = stored(spans);
        let mut queries: Vec<Query> =
            crossing_spans(&mut random, 60, 200).iter().map(|span| containing(*span)).collect();
        queries.sort_by_key(|query| query.start_at_most);
        for wanted in [Wanted::Containers, Wanted::Equal] {
            let mut sweep = Sweep::new(wanted);
            // Which row the sweep's numbers stand for.
            let mut rows: Vec<u32> = Vec::new();
            let mut next = stored.iter();
            for &query in &queries {
                while !sweep.is_ready_for(query) {
                    match next.next() {
                        Some(stored) => {
                            sweep.add(Stored { row: rows.len() as u32, ..*stored }).unwrap();
                            rows.push(stored.row);
                        }
                        None => sweep.complete(),
                    }
                    if random.chance(10) {
                        sweep.approach(query);
                    }
                    if random.chance(10) {
                        let kept = sweep.forget_ended();
                        forgotten += rows.len() - kept.len();
                        rows = kept.iter().map(|row| rows[*row as usize]).collect();
                    }
                }
                sweep.seek(query).unwrap();
                let mut found = Vec::new();
                while !sweep.take(3, &mut found) {}
                let mut found: Vec<u32> = found.iter().map(|row| rows[*row as usize]).collect();
                found.sort_unstable();
                assert_eq!(found, expected(wanted, &stored, query), "seed {seed}: {wanted:?} of {query:?}");
            }
        }
    }
    assert!(forgotten > 10_000, "only {forgotten} spans were forgotten");
}

/// What is reported once has matched, all that has matched is reported, and nothing is paid for the pairs.
#[test]
fn spans_with_a_match_are_reported_once() {
    let mut pairs = 0;
    for seed in 0..600 {
        let mut random = Random(seed);
        let mut spans = match seed % 3 {
            0 => tree_spans(&mut random, 200, 60),
            1 => vec![Span { start: 0, end: 60 }; 100],
            _ => crossing_spans(&mut random, 200, 60),
        };
        let mut queries: Vec<Query> =
            crossing_spans(&mut random, 120, 60).iter().map(|span| containing(*span)).collect();
        queries.extend(spans.iter().take(20).map(|span| containing(*span)));
        queries.sort_by_key(|query| query.start_at_most);
        if seed % 2 == 0 {
            spans
                .iter_mut()
                .filter(|_| random.chance(10))
                .for_each(|span| std::mem::swap(&mut span.start, &mut span.end));
        }
        let stored = stored(spans);
        for wanted in [Wanted::Containers, Wanted::Overlapping, Wanted::Equal] {
            let mut sweep = sweep(wanted, &stored);
            let (mut found, mut want) = (Vec::new(), std::collections::BTreeSet::new());
            for &query in &queries {
                sweep.seek(query).unwrap();
                sweep.take_new(&mut found);
                let matching = expected(wanted, &stored, query);
                pairs += matching.len();
                want.extend(matching);
                let so_far: std::collections::BTreeSet<u32> = found.iter().copied().collect();
                assert_eq!(so_far, want, "seed {seed}: {wanted:?} of {query:?} in {stored:?}");
            }
            assert!(
                found.len() <= 3 * stored.len(),
                "seed {seed}: {wanted:?} reported {} spans",
                found.len()
            );
        }
    }
    assert!(pairs > 1_000_000, "only {pairs} pairs");
}

#[test]
fn touching_spans_nest_and_an_empty_span_between_them_lies_in_both() {
    let spans = vec![Span { start: 0, end: 5 }, Span { start: 5, end: 9 }, Span { start: 5, end: 5 }];
    let mut sweep = sweep(Wanted::Containers, &stored(spans));
    let mut found = Vec::new();
    sweep.seek(containing(Span { start: 5, end: 5 })).unwrap();
    assert!(sweep.take(usize::MAX, &mut found));
    found.sort_unstable();
    assert_eq!(found, [0, 1, 2]);
    assert!(!sweep.has_crossing());
}

#[test]
fn extreme_positions_do_not_overflow() {
    let whole = Span { start: i64::MIN, end: i64::MAX };
    let last = Span { start: i64::MAX, end: i64::MAX };
    for (wanted, matches) in [(Wanted::Containers, 2), (Wanted::Innermost, 1), (Wanted::Overlapping, 2)] {
        let mut sweep = sweep(wanted, &stored(vec![whole, last]));
        let mut found = Vec::new();
        sweep.seek(containing(last)).unwrap();
        sweep.take(9, &mut found);
        assert_eq!(found.len(), matches, "{wanted:?}");
    }
}

#[test]
fn wrong_order_is_refused() {
    let mut stored = Sweep::new(Wanted::Containers);
    let [first, second] = [3, 1].map(|start| Stored { span: Span { start, end: 9 }, row: 0 });
    assert_eq!(stored.add(first), Ok(()));
    assert_eq!(stored.add(second), Err(OutOfOrder));
    let mut sweep = sweep(Wanted::Containers, &[]);
    sweep.seek(containing(Span { start: 4, end: 5 })).unwrap();
    assert_eq!(sweep.seek(containing(Span { start: 3, end: 5 })), Err(OutOfOrder));
}
