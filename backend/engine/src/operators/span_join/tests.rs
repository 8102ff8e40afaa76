//! The operator in real plans, planned by DataFusion's own rules, against a nested loop.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int32Array, Int64Array, RecordBatch, StringArray, UInt32Array, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::{ExecutionPlan, collect, displayable};
use datafusion::prelude::{SessionConfig, SessionContext};

use super::sweep::Span;
use super::sweep_tests::{Random, crossing_spans, tree_spans};
use super::{SpanJoinExec, SpanJoinKind, SpanJoinSpec, SpanRelation};

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
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), *name != "id")).collect();
    let columns = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn source(random: &mut Random, rows: &[Row], left: bool, partitions: usize, batch_size: usize) -> Arc<dyn ExecutionPlan> {
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
    SpanJoinSpec { relation, on, left_start: 2, left_end: 3, right_start: 2, right_end: 3, join, innermost }
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
    for relation in [SpanRelation::Contains, SpanRelation::Within, SpanRelation::Overlaps, SpanRelation::Equals] {
        for join in [SpanJoinKind::Inner, SpanJoinKind::Left, SpanJoinKind::LeftSemi, SpanJoinKind::LeftAnti] {
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
                        format!("seed {seed}, {shape:?}, {partitions} partitions, batches of {batch_size}\n{shown}")
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

/// One row per span, all of one file.
fn plain(spans: &[(i64, i64)]) -> Vec<Row> {
    let row = |(id, &(start, end))| Row {
        file: Some("a".to_owned()),
        unit: Some(0),
        start: Some(start),
        end: Some(end),
        rank: None,
        id,
    };
    (0..).zip(spans).map(row).collect()
}

fn exec(left: &[Row], right: &[Row], spec: SpanJoinSpec) -> SpanJoinExec {
    let mut random = Random(1);
    let left = source(&mut random, left, true, 1, 8192);
    let right = source(&mut random, right, false, 1, 8192);
    SpanJoinExec::try_new(left, right, spec).unwrap()
}

fn metric(plan: &Arc<dyn ExecutionPlan>, name: &str) -> usize {
    plan.metrics().unwrap().sum_by_name(name).map_or(0, |value| value.as_usize())
}

/// The join below whatever the optimizer put on top.
fn find_join(plan: &Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    if plan.is::<SpanJoinExec>() {
        return Arc::clone(plan);
    }
    find_join(plan.children()[0])
}

#[tokio::test]
async fn metrics_count_groups_fallbacks_pairs_and_inverted_spans() {
    let left = plain(&[(0, 9), (2, 5), (4, 8), (7, 1)]);
    let right = plain(&[(4, 5), (6, 3), (8, 2)]);
    let context = context(1, 8192);
    let plan = plan(&context, exec(&left, &right, spec(SpanRelation::Contains, 1, SpanJoinKind::Inner, false)));
    let batches = collect(Arc::clone(&plan), context.task_ctx()).await.unwrap();
    assert_eq!(ids(&batches), [(0, 0), (1, 0), (2, 0)]);
    let join = find_join(&plan);
    assert_eq!(metric(&join, "groups"), 1);
    assert_eq!(metric(&join, "fallback_groups"), 1);
    assert_eq!(metric(&join, "pairs"), 3);
    assert_eq!(metric(&join, "inverted_spans"), 3);
    assert_eq!(join.metrics().unwrap().output_rows(), Some(3));
    assert!(metric(&join, "build_mem") > 0);
}

#[tokio::test]
async fn sorted_inputs_are_not_sorted_again_and_unsorted_ones_are() {
    let context = context(4, 8192);
    let join = exec(&plain(&[(0, 9)]), &plain(&[(1, 2)]), spec(SpanRelation::Contains, 1, SpanJoinKind::Inner, false));
    let required = join.required_input_ordering();
    let sorts = |plan: &Arc<dyn ExecutionPlan>| {
        displayable(plan.as_ref()).indent(false).to_string().matches("SortExec").count()
    };
    let planned = plan(&context, join.clone());
    assert_eq!(sorts(&planned), 2, "{}", displayable(planned.as_ref()).indent(false));

    let children: Vec<Arc<dyn ExecutionPlan>> = join
        .children()
        .into_iter()
        .zip(required)
        .map(|(child, order)| {
            let order: Vec<_> = order.unwrap().into_single().into_iter().map(Into::into).collect();
            let source = child.downcast_ref::<datafusion::datasource::source::DataSourceExec>().unwrap();
            let memory = source.data_source().downcast_ref::<MemorySourceConfig>().unwrap().clone();
            let order = datafusion::physical_expr::LexOrdering::new(order).unwrap();
            let sorted = memory.try_with_sort_information(vec![order]).unwrap();
            datafusion::datasource::source::DataSourceExec::from_data_source(sorted) as Arc<dyn ExecutionPlan>
        })
        .collect();
    let [left, right] = <[_; 2]>::try_from(children).unwrap();
    let one = self::context(1, 8192);
    let planned = plan(&one, SpanJoinExec::try_new(left, right, join.spec().clone()).unwrap());
    assert_eq!(sorts(&planned), 0, "{}", displayable(planned.as_ref()).indent(false));
}

#[tokio::test]
async fn a_promised_order_that_does_not_hold_is_an_error() {
    let context = context(1, 8192);
    let left = plain(&[(5, 9), (0, 9)]);
    let spec = spec(SpanRelation::Within, 1, SpanJoinKind::Inner, false);
    let join = Arc::new(exec(&left, &plain(&[(0, 9)]), spec));
    let error = collect(join, context.task_ctx()).await.unwrap_err().to_string();
    assert!(error.contains("not sorted by its span"), "{error}");
}

#[tokio::test]
async fn a_group_beyond_the_memory_limit_is_an_error_that_says_so() {
    let runtime =
        RuntimeEnvBuilder::new().with_memory_pool(Arc::new(GreedyMemoryPool::new(10_000))).build_arc().unwrap();
    let context = SessionContext::new_with_config_rt(SessionConfig::new().with_target_partitions(1), runtime);
    let many: Vec<(i64, i64)> = (0..20_000).map(|start| (start, start + 1)).collect();
    let spec = spec(SpanRelation::Contains, 1, SpanJoinKind::Inner, false);
    let join = Arc::new(exec(&plain(&many), &plain(&[(0, 1)]), spec));
    let error = collect(join, context.task_ctx()).await.unwrap_err().to_string();
    assert!(error.contains("must fit in memory together"), "{error}");
}

#[tokio::test]
async fn positions_beyond_i64_are_an_error() {
    let schema: SchemaRef = Arc::new(Schema::new(vec![
        Field::new("start", DataType::UInt64, false),
        Field::new("end", DataType::UInt64, false),
    ]));
    let column: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::clone(&column), column]).unwrap();
    let input = MemorySourceConfig::try_new_exec(&[vec![batch]], schema, None).unwrap();
    let spec = SpanJoinSpec {
        relation: SpanRelation::Equals,
        on: Vec::new(),
        left_start: 0,
        left_end: 1,
        right_start: 0,
        right_end: 1,
        join: SpanJoinKind::Inner,
        innermost: false,
    };
    let input: Arc<dyn ExecutionPlan> = input;
    let join = Arc::new(SpanJoinExec::try_new(Arc::clone(&input), input, spec).unwrap());
    let error = collect(join, SessionContext::new().task_ctx()).await.unwrap_err().to_string();
    assert!(error.contains("18446744073709551615"), "{error}");
}

#[test]
fn wrong_specs_are_refused_by_name() {
    let table = plain(&[(0, 1)]);
    let good = spec(SpanRelation::Contains, 1, SpanJoinKind::Inner, false);
    let refused = |change: fn(&mut SpanJoinSpec)| -> String {
        let mut spec = good.clone();
        change(&mut spec);
        let mut random = Random(1);
        let left = source(&mut random, &table, true, 1, 9);
        let right = source(&mut random, &table, false, 1, 9);
        let result: Result<SpanJoinExec> = SpanJoinExec::try_new(left, right, spec);
        result.unwrap_err().to_string()
    };
    assert!(refused(|s| s.left_start = 0).contains("'file' is Utf8"));
    assert!(refused(|s| s.right_end = 77).contains("right input has no column 77"));
    assert!(refused(|s| s.on = vec![(0, 1)]).contains("differ in type"));
    assert!(refused(|s| (s.relation, s.innermost) = (SpanRelation::Overlaps, true)).contains("innermost"));
}
