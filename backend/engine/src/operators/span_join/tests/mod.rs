//! The operator in real plans, planned by DataFusion's own rules, against a nested loop.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int32Array, Int64Array, RecordBatch, StringArray, UInt32Array, UInt64Array,
};
use arrow::datatypes::{Field, Int64Type, Schema};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::physical_plan::{ExecutionPlan, collect, displayable};
use datafusion::prelude::{SessionConfig, SessionContext};

use super::sweep::Span;
use super::{SpanComparison, SpanJoinExec, SpanJoinKind, SpanJoinSpec, SpanRelation};

mod behaviour;
mod sweep;

use sweep::{Random, crossing_spans, tree_spans};

#[derive(Debug, Clone)]
struct Row {
    file: Option<String>,
    unit: Option<i64>,
    start: Option<i64>,
    end: Option<i64>,
    rank: Option<i64>,
    id: i64,
}

impl Row {
    fn span(&self) -> Option<(i64, i64)> {
        self.start.zip(self.end).filter(|(start, end)| start <= end)
    }

    fn keys(&self, keys: usize) -> Option<(Option<&str>, Option<i64>)> {
        match keys {
            0 => Some((None, None)),
            1 => Some((Some(self.file.as_deref()?), None)),
            _ => Some((Some(self.file.as_deref()?), Some(self.unit?))),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    Tree,
    Crossing,
    Boundary,
}

fn rows(random: &mut Random, shape: Shape, count: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for file in 0..3 {
        let spans = match shape {
            Shape::Tree => tree_spans(random, count / 3, 40),
            Shape::Crossing => crossing_spans(random, count / 3, 40),
            Shape::Boundary => crossing_spans(random, count / 3, 2),
        };
        for Span { start, end } in spans {
            let mut row = Row {
                file: Some(format!("src/{file}.py")),
                unit: Some(random.below(2) as i64),
                start: Some(start),
                end: Some(end),
                rank: Some(random.below(3) as i64),
                id: rows.len() as i64,
            };
            match random.below(30) {
                0 => row.file = None,
                1 => row.unit = None,
                2 => row.start = None,
                3 => row.end = None,
                4 => std::mem::swap(&mut row.start, &mut row.end),
                5..10 => row.rank = None,
                _ => {}
            }
            rows.push(row);
        }
    }
    rows
}

/// Bounds have other integer types on the two sides: Int32 and Int64 on the left, UInt32 and UInt64 on the right.
fn batch(rows: &[Row], left: bool) -> RecordBatch {
    let starts = rows.iter().map(|row| row.start);
    let ends = rows.iter().map(|row| row.end);
    let (starts, ends): (ArrayRef, ArrayRef) = if left {
        let starts: Int32Array = starts.map(|v| v.map(|v| v as i32)).collect();
        (Arc::new(starts), Arc::new(ends.collect::<Int64Array>()))
    } else {
        let starts: UInt32Array = starts.map(|v| v.map(|v| v as u32)).collect();
        (Arc::new(starts), Arc::new(ends.map(|v| v.map(|v| v as u64)).collect::<UInt64Array>()))
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("file", Arc::new(rows.iter().map(|row| row.file.as_deref()).collect::<StringArray>())),
        ("unit", Arc::new(rows.iter().map(|row| row.unit).collect::<Int64Array>())),
        ("start", starts),
        ("end", ends),
        ("rank", Arc::new(rows.iter().map(|row| row.rank).collect::<Int64Array>())),
        ("id", Arc::new(rows.iter().map(|row| Some(row.id)).collect::<Int64Array>())),
    ];
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), *name != "id"))
        .collect();
    let columns = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn source(
    random: &mut Random,
    rows: &[Row],
    left: bool,
    partitions: usize,
    batch_size: usize,
) -> Arc<dyn ExecutionPlan> {
    let whole = batch(rows, left);
    let mut data: Vec<Vec<RecordBatch>> = vec![Vec::new(); partitions];
    let mut from = 0;
    while from < whole.num_rows() {
        let length = batch_size.min(1 + random.below(40)).min(whole.num_rows() - from);
        data[random.below(partitions)].push(whole.slice(from, length));
        from += length;
    }
    MemorySourceConfig::try_new_exec(&data, whole.schema(), None).unwrap()
}

fn spec(relation: SpanRelation, keys: usize, join: SpanJoinKind, innermost: bool) -> SpanJoinSpec {
    let on = [(0, 0), (1, 1)].into_iter().take(keys).collect();
    SpanJoinSpec {
        relation,
        comparison: SpanComparison::HalfOpen,
        on,
        left_start: 2,
        left_end: 3,
        right_start: 2,
        right_end: 3,
        join,
        innermost,
    }
}

fn plan(context: &SessionContext, join: SpanJoinExec) -> Arc<dyn ExecutionPlan> {
    let state = context.state();
    let plan: Arc<dyn ExecutionPlan> = Arc::new(join);
    let rules = state.physical_optimizers();
    rules.iter().fold(plan, |plan, rule| rule.optimize(plan, state.config_options()).unwrap())
}

fn context(partitions: usize, batch_size: usize) -> SessionContext {
    SessionContext::new_with_config(
        SessionConfig::new().with_target_partitions(partitions).with_batch_size(batch_size),
    )
}

/// Ids of the left and right rows; -1 for a missing right row or column.
fn ids(batches: &[RecordBatch]) -> Vec<(i64, i64)> {
    let mut ids = Vec::new();
    for batch in batches {
        let left = batch.column(5).as_primitive::<Int64Type>();
        let right = (batch.num_columns() > 6).then(|| batch.column(11).as_primitive::<Int64Type>());
        for row in 0..batch.num_rows() {
            let right = right.filter(|right| right.is_valid(row)).map_or(-1, |right| right.value(row));
            ids.push((left.value(row), right));
        }
    }
    ids.sort_unstable();
    ids
}

fn nested_loop(spec: &SpanJoinSpec, left: &[Row], right: &[Row]) -> Vec<(i64, i64)> {
    let matches = |l: &Row, r: &Row| {
        let keys = spec.on.len();
        let equal_keys = l.keys(keys).is_some() && l.keys(keys) == r.keys(keys);
        let (Some(l), Some(r)) = (l.span(), r.span()) else { return false };
        equal_keys
            && match spec.relation {
                SpanRelation::Contains => l.0 <= r.0 && r.1 <= l.1,
                SpanRelation::Within => r.0 <= l.0 && l.1 <= r.1,
                SpanRelation::Overlaps => l.0 < r.1 && r.0 < l.1,
                SpanRelation::Equals => l == r,
            }
    };
    let mut pairs = Vec::new();
    for l in left {
        pairs.extend(right.iter().filter(|r| matches(l, r)).map(|r| (l, r)));
    }
    if spec.innermost {
        let contains = spec.relation == SpanRelation::Contains;
        let all = pairs.clone();
        pairs.retain(|pair| {
            let (container, contained) = if contains { (pair.0, pair.1.id) } else { (pair.1, pair.0.id) };
            let rivals = all.iter().map(|p| if contains { (p.0, p.1.id) } else { (p.1, p.0.id) });
            let order = |row: &Row| {
                let (start, end) = row.span().unwrap();
                (start - end, start, row.file.clone(), row.unit, row.rank, row.id)
            };
            rivals.filter(|rival| rival.1 == contained).all(|rival| order(rival.0) <= order(container))
        });
    }
    let has_match = |l: &Row| pairs.iter().any(|pair| pair.0.id == l.id);
    let single = |wanted: bool| left.iter().filter(move |l| has_match(l) == wanted).map(|l| (l.id, -1));
    let paired = pairs.iter().map(|(l, r)| (l.id, r.id));
    let mut result: Vec<(i64, i64)> = match spec.join {
        SpanJoinKind::Inner => paired.collect(),
        SpanJoinKind::Left => paired.chain(single(false)).collect(),
        SpanJoinKind::LeftSemi => single(true).collect(),
        SpanJoinKind::LeftAnti => single(false).collect(),
    };
    result.sort_unstable();
    result
}

fn all_specs(keys: usize) -> Vec<SpanJoinSpec> {
    let mut specs = Vec::new();
    for relation in
        [SpanRelation::Contains, SpanRelation::Within, SpanRelation::Overlaps, SpanRelation::Equals]
    {
        for join in [SpanJoinKind::Inner, SpanJoinKind::Left, SpanJoinKind::LeftSemi, SpanJoinKind::LeftAnti]
        {
            specs.push(spec(relation, keys, join, false));
            if matches!(relation, SpanRelation::Contains | SpanRelation::Within) {
                specs.push(spec(relation, keys, join, true));
            }
        }
    }
    specs
}

async fn check_all(shape: Shape) {
    let mut seed = 7_000;
    for keys in 0..3 {
        for partitions in [1, 2, 8] {
            for batch_size in [1, 7, 8192] {
                let context = context(partitions, batch_size);
                for spec in all_specs(keys) {
                    seed += 1;
                    let mut random = Random(seed);
                    let (left, right) = (rows(&mut random, shape, 45), rows(&mut random, shape, 36));
                    let left_plan = source(&mut random, &left, true, partitions, batch_size);
                    let right_plan = source(&mut random, &right, false, 2, batch_size);
                    let join = SpanJoinExec::try_new(left_plan, right_plan, spec.clone()).unwrap();
                    let plan = plan(&context, join);
                    let batches = collect(Arc::clone(&plan), context.task_ctx()).await.unwrap();
                    let case = || {
                        let shown = displayable(plan.as_ref()).indent(false);
                        format!(
                            "seed {seed}, {shape:?}, {partitions} partitions, batches of {batch_size}\n{shown}"
                        )
                    };
                    assert!(batches.iter().all(|batch| batch.num_rows() <= batch_size), "{}", case());
                    assert!(batches.iter().all(|batch| batch.schema() == plan.schema()), "{}", case());
                    assert_eq!(ids(&batches), nested_loop(&spec, &left, &right), "{}", case());
                }
            }
        }
    }
}

#[tokio::test]
async fn trees_join_like_a_nested_loop() {
    check_all(Shape::Tree).await;
}

#[tokio::test]
async fn crossing_spans_join_like_a_nested_loop() {
    check_all(Shape::Crossing).await;
}

#[tokio::test]
async fn coinciding_bounds_join_like_a_nested_loop() {
    check_all(Shape::Boundary).await;
}
