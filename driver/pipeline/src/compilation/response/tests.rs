//! Times of tasks: by hand, and against all ways through random schedules.

use ir::estimate::Estimate;

use super::*;

/// A segment with this cost that reads these.
fn segment(root: &str, cost: u64, bottom_level: u64, reads: &[&str]) -> ir::graph::Segment {
    ir::graph::Segment {
        root: root.to_owned(),
        level: 0,
        reads: reads.iter().map(|read| (*read).to_owned()).collect(),
        rows: Estimate::exact(1),
        cost,
        bottom_level,
        critical: false,
    }
}

fn list(numbers: &BTreeMap<String, u64>) -> Vec<(&str, u64)> {
    numbers.iter().map(|(task, number)| (task.as_str(), *number)).collect()
}

/// ```text
/// a 3 ──> c 4 ──> @e 2
/// b 2 ──┘        ┌┘
///   └───> d 1 ───┴─> @f 1
/// ```
#[test]
fn slack_is_the_latest_start_less_the_earliest() {
    let segments = vec![
        segment("a", 3, 9, &[]),
        segment("b", 2, 8, &[]),
        segment("c", 4, 6, &["a", "b"]),
        segment("d", 1, 3, &["b"]),
        segment("@e", 2, 2, &["c", "d"]),
        segment("@f", 1, 1, &["d"]),
    ];
    let times = Times::of(&ir::graph::Schedule { segments });
    assert_eq!(times.critical_path_length, 9, "a, c, @e");
    assert_eq!(list(&times.costs), [("@e", 2), ("@f", 1), ("a", 3), ("b", 2), ("c", 4), ("d", 1)]);
    // Earliest starts: a 0, b 0, c 3, d 2, @e 7, @f 3. Latest: a 0, b 1, c 3, d 6, @e 7, @f 8.
    assert_eq!(list(&times.slack), [("@e", 0), ("@f", 5), ("a", 0), ("b", 1), ("c", 0), ("d", 4)]);
    assert_eq!(times.dependencies["@e"], ["c", "d"]);
}

#[test]
fn no_tasks_take_no_time() {
    let times = Times::of(&ir::graph::Schedule { segments: Vec::new() });
    assert_eq!((times.critical_path_length, times.slack.len()), (0, 0));
}

/// Random numbers: SplitMix64 (Steele, Lea and Flood, *Fast Splittable Pseudorandom Number Generators*, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// Every way from `task` to a task that nobody reads, as tasks.
fn ways(task: usize, reads: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let readers: Vec<usize> = (0..reads.len()).filter(|reader| reads[*reader].contains(&task)).collect();
    if readers.is_empty() {
        return vec![vec![task]];
    }
    let onward = readers.into_iter().flat_map(|reader| ways(reader, reads));
    onward.map(|way| [vec![task], way].concat()).collect()
}

/// What a task can wait is what the costliest of all ways costs more than the costliest of those through it. So exactly the
/// tasks of critical paths cannot wait.
#[test]
fn slack_is_what_ways_through_a_task_are_cheaper_than_the_costliest() {
    for seed in 0..300 {
        let mut random = Random(seed);
        let count = 1 + usize::try_from(random.below(9)).unwrap();
        let costs: Vec<u64> = (0..count).map(|_| random.below(6)).collect();
        let reads: Vec<Vec<usize>> =
            (0..count).map(|task| (0..task).filter(|_| random.below(3) == 0).collect()).collect();
        let cost = |way: &[usize]| way.iter().map(|task| costs[*task]).sum::<u64>();
        let first = (0..count).filter(|task| reads[*task].is_empty());
        let all: Vec<Vec<usize>> = first.flat_map(|task| ways(task, &reads)).collect();
        let longest = all.iter().map(|way| cost(way)).max().unwrap();

        let name = |task: usize| format!("t{task}");
        let segments = (0..count).map(|task| {
            let bottom_level = ways(task, &reads).iter().map(|way| cost(way)).max().unwrap();
            let reads: Vec<String> = reads[task].iter().map(|read| name(*read)).collect();
            let reads: Vec<&str> = reads.iter().map(String::as_str).collect();
            segment(&name(task), costs[task], bottom_level, &reads)
        });
        let times = Times::of(&ir::graph::Schedule { segments: segments.collect() });
        assert_eq!(times.critical_path_length, longest, "seed {seed}");
        for task in 0..count {
            let through = all.iter().filter(|way| way.contains(&task)).map(|way| cost(way)).max().unwrap();
            assert_eq!(times.slack[&name(task)], longest - through, "seed {seed}, task {task}");
        }
    }
}
