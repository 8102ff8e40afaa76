//! Joins written as comparisons of spans: planned as span joins, with the rows that DataFusion gives without them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, DictionaryArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    StringViewArray, TimestampMicrosecondArray, UInt32Array, UInt64Array,
};
use arrow::datatypes::Int32Type;
use arrow::util::display::array_value_to_string;
use datafusion::datasource::MemTable;
use datafusion::logical_expr::col;
use datafusion::physical_plan::{ExecutionPlan, displayable};
use datafusion::prelude::{SessionConfig, SessionContext};
use engine::{Session, SessionOptions};

/// SplitMix64 (Steele, Lea, Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % limit.max(1) as u64) as i64
    }

    fn chance(&mut self, percent: i64) -> bool {
        self.below(100) < percent
    }
}

/// A span of a random shape: nested, crossing, empty, equal to others, inverted, with NULLs.
type Spans = Vec<(Option<i64>, Option<i64>)>;

fn spans(random: &mut Random, count: i64) -> Spans {
    let length = [4, 40, 400][random.below(3) as usize];
    let nested = random.chance(50);
    let proper = random.chance(30);
    let mut spans: Vec<(i64, i64)> = vec![(0, length)];
    while (spans.len() as i64) < count {
        let (start, end) = match nested {
            true => spans[random.below(spans.len() as i64) as usize],
            false => (0, length),
        };
        let (a, b) =
            (start + random.below((end - start).abs() + 1), start + random.below((end - start).abs() + 1));
        let inverted = !proper && random.chance(10);
        spans.push(if inverted { (a.max(b), a.min(b)) } else { (a.min(b), a.max(b)) });
    }
    let hide = |random: &mut Random, value| (proper || !random.chance(5)).then_some(value);
    spans.into_iter().map(|(s, e)| (hide(random, s), hide(random, e))).collect()
}

fn table(random: &mut Random, rows: i64, partitions: usize, batch_size: usize) -> MemTable {
    let spans = spans(random, rows);
    let count = spans.len();
    let mut column = |limit: i64, nulls: i64| -> Int64Array {
        (0..count).map(|_| (!random.chance(nulls)).then(|| random.below(limit))).collect()
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new((0..count as i64).collect::<Int64Array>())),
        ("f", Arc::new(column(3, 10))),
        ("g", Arc::new(column(2, 0))),
        ("v", Arc::new(column(9, 20))),
        ("s", Arc::new(spans.iter().map(|(s, _)| *s).collect::<Int64Array>())),
        ("e", Arc::new(spans.iter().map(|(_, e)| *e).collect::<Int64Array>())),
    ];
    let whole =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap();
    mem_table(random, &whole, partitions, batch_size)
}

fn mem_table(random: &mut Random, whole: &RecordBatch, partitions: usize, batch_size: usize) -> MemTable {
    let mut data: Vec<Vec<RecordBatch>> = vec![Vec::new(); partitions];
    let mut from = 0;
    while from < whole.num_rows() {
        let length = batch_size.min(1 + random.below(50) as usize).min(whole.num_rows() - from);
        data[random.below(partitions as i64) as usize].push(whole.slice(from, length));
        from += length;
    }
    MemTable::try_new(whole.schema(), data).unwrap()
}

fn session(partitions: usize, batch_size: usize) -> SessionContext {
    let options =
        SessionOptions { target_partitions: partitions, batch_size, ..SessionOptions::for_this_machine() };
    SessionContext::new_with_state(Session::new(options).unwrap().state().clone())
}

/// DataFusion as it comes.
fn plain() -> SessionContext {
    SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2))
}

fn register(context: &SessionContext, name: &str, table: &Arc<MemTable>) {
    context.register_table(name, Arc::clone(table) as _).unwrap();
}

async fn physical(context: &SessionContext, query: &str) -> (Arc<dyn ExecutionPlan>, String) {
    let plan = context.sql(query).await.unwrap().create_physical_plan().await.unwrap();
    let shown = displayable(plan.as_ref()).indent(false).to_string();
    (plan, shown)
}

async fn rows(context: &SessionContext, query: &str) -> Vec<String> {
    let batches = context.sql(query).await.unwrap().collect().await.unwrap();
    let mut rows = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let values = batch.columns().iter().map(|column| array_value_to_string(column, row).unwrap());
            rows.push(values.collect::<Vec<_>>().join("|"));
        }
    }
    rows.sort_unstable();
    rows
}

/// Two comparisons of every strictness, spelling and arrangement.
fn condition(random: &mut Random) -> String {
    let mut compare = |smaller: &str, greater: &str| match random.below(5) {
        0 => format!("{smaller} <= {greater}"),
        1 => format!("{greater} >= {smaller}"),
        2 => format!("{smaller} < {greater}"),
        3 => format!("NOT ({greater} <= {smaller})"),
        _ => format!("{greater} > {smaller}"),
    };
    let (first, second) = match compare("", "").len() % 4 {
        0 => (compare("a.s", "d.s"), compare("d.e", "a.e")),
        1 => (compare("d.s", "a.s"), compare("a.e", "d.e")),
        2 => (compare("a.s", "d.e"), compare("d.s", "a.e")),
        _ => (compare("a.s + 1", "d.s"), compare("d.s", "a.e")),
    };
    match random.below(6) {
        0 => "d.s BETWEEN a.s AND a.e".to_owned(),
        1..4 => format!("{first} AND {second}"),
        _ => format!("{second} AND {first}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_join_type_and_comparison_gives_the_rows_of_datafusion() {
    let joins = [
        "JOIN",
        "LEFT JOIN",
        "RIGHT JOIN",
        "LEFT SEMI JOIN",
        "RIGHT SEMI JOIN",
        "LEFT ANTI JOIN",
        "RIGHT ANTI JOIN",
    ];
    for seed in 0..210 {
        let mut random = Random(seed);
        let partitions = 1 + random.below(8) as usize;
        let batch_size = [1, 7, 100, 8192][random.below(4) as usize];
        let join = joins[seed as usize % joins.len()];
        let keys = ["", "a.f = d.f AND ", "a.f = d.f AND a.g = d.g AND "][random.below(3) as usize];
        let inner = join == "JOIN";
        let rest =
            if inner { ["", " AND a.v < d.v", " AND a.v + d.v > 5"][random.below(3) as usize] } else { "" };
        let query = format!("SELECT * FROM a {join} d ON {keys}{}{rest}", condition(&mut random));
        let [left, right] = [60, 50].map(|most| {
            let rows = random.below(most);
            Arc::new(table(&mut random, rows, partitions, batch_size))
        });
        let (ours, judge) = (session(partitions, batch_size), plain());
        for context in [&ours, &judge] {
            register(context, "a", &left);
            register(context, "d", &right);
        }
        let (_, plan) = physical(&ours, &query).await;
        let case = format!("seed {seed}, {partitions} partitions, batches of {batch_size}\n{query}\n{plan}");
        assert!(plan.contains("SpanJoinExec"), "{case}");
        let (_, judged) = physical(&judge, &query).await;
        assert!(!judged.contains("SpanJoinExec"), "{case}");
        assert_eq!(rows(&ours, &query).await, rows(&judge, &query).await, "{case}");
    }
}

/// Spans that would be empty or inverted at the ends of the range, where a strict comparison has no next position.
#[tokio::test(flavor = "multi_thread")]
async fn comparisons_at_the_ends_of_the_range_are_exact() {
    let ends = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX];
    let pairs = || ends.iter().flat_map(|s| ends.iter().map(move |e| (*s, *e)));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("s", Arc::new(pairs().map(|(s, _)| s).collect::<Int64Array>())),
        ("e", Arc::new(pairs().map(|(_, e)| e).collect::<Int64Array>())),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let table = Arc::new(mem_table(&mut Random(1), &batch, 1, 100));
    let (ours, judge) = (session(1, 100), plain());
    for context in [&ours, &judge] {
        register(context, "a", &table);
        register(context, "d", &table);
    }
    for (first, second) in [("<", "<"), ("<", "<="), ("<=", "<"), ("<=", "<=")] {
        for (x, y, z, w) in
            [("a.s", "d.s", "d.e", "a.e"), ("d.s", "a.s", "a.e", "d.e"), ("a.s", "d.e", "d.s", "a.e")]
        {
            let query = format!("SELECT * FROM a JOIN d ON {x} {first} {y} AND {z} {second} {w}");
            assert!(physical(&ours, &query).await.1.contains("SpanJoinExec"), "{query}");
            assert_eq!(rows(&ours, &query).await, rows(&judge, &query).await, "{query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subqueries_and_filters_of_that_shape_are_span_joins() {
    let table = Arc::new(table(&mut Random(11), 60, 2, 20));
    let (ours, judge) = (session(2, 20), plain());
    for context in [&ours, &judge] {
        register(context, "a", &table);
        register(context, "d", &table);
    }
    let within = "a.f = d.f AND a.s <= d.s AND d.e <= a.e";
    for query in [
        format!("SELECT a.id FROM a WHERE EXISTS (SELECT 1 FROM d WHERE {within})"),
        format!("SELECT a.id FROM a WHERE NOT EXISTS (SELECT 1 FROM d WHERE {within})"),
        format!("SELECT a.id, d.id FROM a, d WHERE {within} AND a.v > d.v"),
        format!("SELECT a.id, count(*) FROM a CROSS JOIN d WHERE {within} GROUP BY a.id"),
        format!("SELECT count(*) FROM a JOIN d ON {within} WHERE a.id <> d.id LIMIT 3"),
        format!("SELECT a.id FROM a JOIN d ON {within} AND a.s < d.e AND d.s < a.e"),
        "SELECT a.id, d.id FROM a JOIN d ON d.s >= a.s AND d.s < a.e".to_owned(),
        "SELECT a.id, d.id FROM a JOIN d ON a.f + 1 = d.f - 1 AND d.s >= a.s AND d.e < a.e + 3".to_owned(),
    ] {
        let (_, plan) = physical(&ours, &query).await;
        assert!(plan.contains("SpanJoinExec"), "{query}\n{plan}");
        assert_eq!(rows(&ours, &query).await, rows(&judge, &query).await, "{query}\n{plan}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn joins_that_a_span_join_cannot_do_exactly_are_left_alone() {
    let count = 40;
    let mut random = Random(12);
    let mut numbers = || -> Vec<i64> { (0..count).map(|_| random.below(20)).collect() };
    let (s, e) = (numbers(), numbers());
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from_iter_values(0..count))),
        ("s", Arc::new(Int64Array::from(s.clone()))),
        ("e", Arc::new(Int64Array::from(e.clone()))),
        ("us", Arc::new(s.iter().map(|v| Some(*v as u64)).collect::<UInt64Array>())),
        ("fs", Arc::new(s.iter().map(|v| Some(*v as f64)).collect::<Float64Array>())),
        ("fe", Arc::new(e.iter().map(|v| Some(*v as f64)).collect::<Float64Array>())),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let table = Arc::new(mem_table(&mut Random(13), &batch, 2, 100));
    let (ours, judge) = (session(2, 100), plain());
    for context in [&ours, &judge] {
        register(context, "a", &table);
        register(context, "d", &table);
    }
    for condition in [
        // Both from the same end; only one; equal spans, which are keys.
        "JOIN d ON a.s <= d.s AND a.e <= d.e",
        "JOIN d ON a.s <= d.s",
        "JOIN d ON a.s = d.s AND a.e = d.e",
        // Values without positions, or of types that only meet in one without.
        "JOIN d ON a.fs <= d.fs AND d.fe <= a.fe",
        "JOIN d ON a.us <= d.s AND d.e <= a.us",
        // What cannot be computed for every row.
        "JOIN d ON 100 / (a.s + 1) <= d.s AND d.e <= a.e",
        // Keys whose equality is not that of their order.
        "JOIN d ON a.fs = d.fs AND a.s <= d.s AND d.e <= a.e",
        // A match depends on more than the spans.
        "LEFT JOIN d ON a.s <= d.s AND d.e <= a.e AND a.id < d.id",
        "LEFT ANTI JOIN d ON a.s <= d.s AND d.e <= a.e AND a.id < d.id",
        "FULL JOIN d ON a.s <= d.s AND d.e <= a.e",
        "JOIN d ON (a.id IS NOT DISTINCT FROM d.id) AND a.s <= d.s AND d.e <= a.e",
    ] {
        let query = format!("SELECT * FROM a {condition}");
        let (_, plan) = physical(&ours, &query).await;
        assert!(!plan.contains("SpanJoinExec"), "{query}\n{plan}");
        assert_eq!(rows(&ours, &query).await, rows(&judge, &query).await, "{query}\n{plan}");
    }
    let volatile = "SELECT * FROM a JOIN d ON a.s <= d.s AND d.e <= a.e AND random() < a.id + d.id";
    let (_, plan) = physical(&ours, volatile).await;
    assert!(!plan.contains("SpanJoinExec"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_and_keys_of_many_types_compare_as_in_sql() {
    let count = 50;
    let mut random = Random(14);
    let mut numbers = |limit: i64| -> Vec<i64> { (0..count).map(|_| random.below(limit)).collect() };
    let (s, e, k) = (numbers(30), numbers(40), numbers(3));
    // Positions around 2^63, which are not those of their bits as signed integers.
    let large = |v: i64| (1_u64 << 63) - 15 + v as u64;
    let words: Vec<String> = k.iter().map(|k| format!("key {k}")).collect();
    let words = || words.iter().map(|word| Some(word.as_str()));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from_iter_values(0..count))),
        ("s", Arc::new(Int64Array::from(s.clone()))),
        ("e", Arc::new(Int64Array::from(e.clone()))),
        ("s32", Arc::new(s.iter().map(|v| Some(*v as i32)).collect::<Int32Array>())),
        ("e32", Arc::new(e.iter().map(|v| Some(*v as u32)).collect::<UInt32Array>())),
        ("s64", Arc::new(s.iter().map(|v| Some(large(*v))).collect::<UInt64Array>())),
        ("e64", Arc::new(e.iter().map(|v| Some(large(*v))).collect::<UInt64Array>())),
        ("sd", Arc::new(s.iter().map(|v| Some(*v as i32)).collect::<Date32Array>())),
        ("ed", Arc::new(e.iter().map(|v| Some(*v as i32)).collect::<Date32Array>())),
        ("st", Arc::new(s.iter().map(|v| Some(*v)).collect::<TimestampMicrosecondArray>())),
        ("et", Arc::new(e.iter().map(|v| Some(*v)).collect::<TimestampMicrosecondArray>())),
        ("k", Arc::new(Int64Array::from(k.clone()))),
        ("k32", Arc::new(k.iter().map(|v| Some(*v as i32)).collect::<Int32Array>())),
        ("text", Arc::new(words().collect::<StringArray>())),
        ("view", Arc::new(words().collect::<StringViewArray>())),
        ("dictionary", Arc::new(words().collect::<DictionaryArray<Int32Type>>())),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let table = Arc::new(mem_table(&mut Random(15), &batch, 3, 100));
    let (ours, judge) = (session(3, 100), plain());
    for context in [&ours, &judge] {
        register(context, "a", &table);
        register(context, "d", &table);
    }
    for condition in [
        "a.s32 <= d.s AND d.e32 <= a.e",
        "a.s32 < d.e32 AND d.s < a.e32",
        "a.s64 <= d.s64 AND d.e64 < a.e64",
        "a.s64 < d.e64 AND d.s64 < a.e64",
        "a.sd <= d.sd AND d.ed <= a.ed",
        "a.st <= d.st AND d.st < a.et",
        "a.k32 = d.k AND a.s <= d.s AND d.e <= a.e",
        "a.text = d.view AND a.s <= d.s AND d.e <= a.e",
        "a.dictionary = d.dictionary AND a.s <= d.s AND d.e <= a.e",
        "a.dictionary = d.text AND a.s32 <= d.s32 AND d.e32 <= a.e32",
    ] {
        let query = format!("SELECT a.id, d.id FROM a JOIN d ON {condition}");
        let (_, plan) = physical(&ours, &query).await;
        assert!(plan.contains("SpanJoinExec"), "{query}\n{plan}");
        assert_eq!(rows(&ours, &query).await, rows(&judge, &query).await, "{query}\n{plan}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_columns_that_are_used_are_read_and_returned() {
    let table = Arc::new(table(&mut Random(16), 20, 1, 20));
    let context = session(1, 20);
    register(&context, "a", &table);
    register(&context, "d", &table);
    let query =
        "SELECT count(*), sum(a.id), max(d.v) FROM a JOIN d ON a.f = d.f AND a.s <= d.s AND d.e <= a.e";
    let (plan, shown) = physical(&context, query).await;
    assert!(shown.contains("contains(s@2 <= s@2, e@3 <= e@3), projection=[id@0, v@5]"), "{shown}");
    // The inputs: `g` is not read at all, `v` only on the right and `id` only on the left.
    let mut widths = Vec::new();
    let mut plans = vec![plan];
    while let Some(plan) = plans.pop() {
        if plan.name() == "SpanJoinExec" {
            widths.extend(plan.children().iter().map(|child| child.schema().fields().len()));
        }
        plans.extend(plan.children().into_iter().cloned());
    }
    assert_eq!(widths, [4, 4], "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_that_declare_the_order_are_not_sorted() {
    let table = table(&mut Random(17), 50, 1, 100);
    let context = session(1, 100);
    register(&context, "unsorted", &Arc::new(table));
    let sorted =
        context.sql("SELECT * FROM unsorted ORDER BY f, s, e DESC").await.unwrap().collect().await.unwrap();
    let order = vec![col("f").sort(true, false), col("s").sort(true, false), col("e").sort(false, true)];
    let sorted = MemTable::try_new(sorted[0].schema(), vec![sorted]).unwrap().with_sort_order(vec![order]);
    let sorted = Arc::new(sorted);
    register(&context, "a", &sorted);
    register(&context, "d", &sorted);
    let query = "SELECT a.id, d.id FROM a JOIN d ON a.f = d.f AND a.s <= d.s AND d.e <= a.e";
    let (_, plan) = physical(&context, query).await;
    assert!(plan.contains("SpanJoinExec") && !plan.contains("SortExec"), "{plan}");
    let unsorted = query.replace("FROM a JOIN d", "FROM unsorted a JOIN unsorted d");
    let (_, unsorted_plan) = physical(&context, &unsorted).await;
    assert_eq!(unsorted_plan.matches("SortExec").count(), 2, "{unsorted_plan}");
    assert_eq!(rows(&context, query).await, rows(&context, &unsorted).await);
}
