//! Joins with little memory give the rows of DataFusion's join with enough of it.

#![expect(clippy::wildcard_enum_match_arm, reason = "modes of joins of which one is meant")]

use arrow::array::{Array as _, ArrayRef, AsArray as _, Int64Array, RecordBatch, StringViewArray};
use arrow::compute::concat_batches;
use arrow::datatypes::Schema;
use arrow::util::display::array_value_to_string;
use datafusion::common::{JoinSide, JoinType, NullEquality, ScalarValue};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, Literal};
use datafusion::physical_expr::{LexOrdering, Partitioning, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::joins::utils::{ColumnIndex, JoinFilter};
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::{collect, collect_partitioned};
use datafusion::prelude::SessionConfig;

use super::*;
use crate::operators::ExchangeExec;
use crate::operators::spill::Scarce;

/// SplitMix64 (Steele, Lea, Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit.max(1)
    }
}

const BATCH_SIZE: usize = 64;
const ALL_TYPES: [JoinType; 10] = [
    JoinType::Inner,
    JoinType::Left,
    JoinType::Right,
    JoinType::Full,
    JoinType::LeftSemi,
    JoinType::LeftAnti,
    JoinType::LeftMark,
    JoinType::RightSemi,
    JoinType::RightAnti,
    JoinType::RightMark,
];

/// What a table is like.
#[derive(Clone, Copy, Debug)]
struct Shape {
    rows: u64,
    keys: u64,
    /// How many of a hundred rows have one and the same key, and how many have none.
    skewed: u64,
    nulls: u64,
}

fn table(random: &mut Random, shape: Shape, partitions: usize) -> Arc<dyn ExecutionPlan> {
    let key = |random: &mut Random| match random.below(100) {
        chance if chance < shape.nulls => None,
        chance if chance < shape.nulls + shape.skewed => Some(0),
        _ => Some(random.below(shape.keys) as i64),
    };
    let batches: Vec<RecordBatch> = (0..shape.rows.div_ceil(BATCH_SIZE as u64))
        .map(|number| {
            let rows = (shape.rows - number * BATCH_SIZE as u64).min(BATCH_SIZE as u64);
            let keys: Int64Array = (0..rows).map(|_| key(random)).collect();
            let ids: Int64Array = (0..rows).map(|row| (number * BATCH_SIZE as u64 + row) as i64).collect();
            let texts: StringViewArray =
                ids.iter().map(|id| Some(format!("the text of row number {}", id.unwrap_or(0)))).collect();
            let columns: Vec<(&str, ArrayRef, bool)> = vec![
                ("k", Arc::new(keys), true),
                ("id", Arc::new(ids), false),
                ("text", Arc::new(texts.gc()), true),
            ];
            RecordBatch::try_from_iter_with_nullable(columns).unwrap()
        })
        .collect();
    let schema = table_schema();
    let mut parts = vec![Vec::new(); partitions];
    for (number, batch) in batches.into_iter().enumerate() {
        parts[number % partitions].push(batch);
    }
    MemorySourceConfig::try_new_exec(&parts, schema, None).unwrap()
}

fn table_schema() -> Arc<Schema> {
    use arrow::datatypes::{DataType, Field};
    Arc::new(Schema::new(vec![
        Field::new("k", DataType::Int64, true),
        Field::new("id", DataType::Int64, false),
        Field::new("text", DataType::Utf8View, true),
    ]))
}

fn key(index: usize) -> Arc<dyn PhysicalExpr> {
    Arc::new(Column::new(if index == 0 { "k" } else { "id" }, index))
}

/// `(left.id + right.id) % 3 <> 0`
fn residual() -> JoinFilter {
    let schema = Schema::new(vec![
        table_schema().field(1).clone().with_name("left_id"),
        table_schema().field(1).clone().with_name("right_id"),
    ]);
    let of = |name: &str, index| -> Arc<dyn PhysicalExpr> { Arc::new(Column::new(name, index)) };
    let number = |value| -> Arc<dyn PhysicalExpr> { Arc::new(Literal::new(ScalarValue::Int64(Some(value)))) };
    let binary =
        |left, operator, right| -> Arc<dyn PhysicalExpr> { Arc::new(BinaryExpr::new(left, operator, right)) };
    let sum = binary(of("left_id", 0), Operator::Plus, of("right_id", 1));
    let condition = binary(binary(sum, Operator::Modulo, number(3)), Operator::NotEq, number(0));
    let indices =
        vec![ColumnIndex { index: 1, side: JoinSide::Left }, ColumnIndex { index: 1, side: JoinSide::Right }];
    JoinFilter::new(condition, indices, Arc::new(schema))
}

#[derive(Clone, Copy, Debug)]
struct Case {
    join_type: JoinType,
    mode: PartitionMode,
    partitions: usize,
    filter: bool,
    nulls: NullEquality,
    project: bool,
    ordered: bool,
}

fn planned(case: Case, left: &Arc<dyn ExecutionPlan>, right: &Arc<dyn ExecutionPlan>) -> HashJoinExec {
    let exchanged = |side: &Arc<dyn ExecutionPlan>| -> Arc<dyn ExecutionPlan> {
        let by = Partitioning::Hash(vec![key(0)], case.partitions);
        Arc::new(ExchangeExec::new(Arc::new(RepartitionExec::try_new(Arc::clone(side), by).unwrap())))
    };
    let in_order = |side: Arc<dyn ExecutionPlan>| -> Arc<dyn ExecutionPlan> {
        let order = LexOrdering::new([PhysicalSortExpr::new_default(key(1))]).unwrap();
        Arc::new(SortExec::new(order, side).with_preserve_partitioning(true))
    };
    let right = match case.mode {
        PartitionMode::Partitioned => exchanged(right),
        _ => Arc::clone(right),
    };
    let left = match case.mode {
        PartitionMode::Partitioned => exchanged(left),
        _ => Arc::clone(left),
    };
    let right = if case.ordered { in_order(right) } else { right };
    let filter = case.filter.then(residual);
    let on = vec![(key(0), key(0))];
    let join =
        HashJoinExec::try_new(left, right, on, filter, &case.join_type, None, case.mode, case.nulls, false)
            .unwrap();
    let columns = join.schema().fields().len();
    if case.project { join.with_projection(Some(vec![columns - 1, 0])).unwrap() } else { join }
}

fn context(memory: Option<usize>) -> Arc<TaskContext> {
    let builder = RuntimeEnvBuilder::new();
    let builder = match memory {
        Some(bytes) => builder.with_memory_pool(Scarce::pool("hash join", bytes)),
        None => builder,
    };
    let config = SessionConfig::new().with_batch_size(BATCH_SIZE).with_sort_spill_reservation_bytes(0);
    Arc::new(TaskContext::default().with_session_config(config).with_runtime(builder.build_arc().unwrap()))
}

fn rows_of(batches: &[RecordBatch]) -> Vec<String> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|column| {
                if column.is_null(row) {
                    "NULL".to_owned()
                } else {
                    array_value_to_string(column, row).unwrap()
                }
            });
            rows.push(cells.collect::<Vec<_>>().join("|"));
        }
    }
    rows
}

async fn compare(case: Case, shapes: [Shape; 2], memory: usize, seed: u64) -> bool {
    let mut random = Random(seed);
    let split = if case.mode == PartitionMode::CollectLeft { 1 } else { case.partitions };
    let left = table(&mut random, shapes[0], split);
    let right = table(&mut random, shapes[1], case.partitions);
    let join = planned(case, &left, &right);
    let ours: Arc<dyn ExecutionPlan> = Arc::new(SpillingHashJoinExec::new(Arc::new(join), None));
    let mut expected =
        rows_of(&collect(Arc::new(planned(case, &left, &right)), context(None)).await.unwrap());
    let parts = collect_partitioned(Arc::clone(&ours), context(Some(memory))).await.unwrap();
    if case.ordered {
        assert!(ExecutionPlan::maintains_input_order(ours.as_ref())[1]);
        for part in parts.iter().filter(|part| !part.is_empty()) {
            let whole = concat_batches(&ours.schema(), part).unwrap();
            // The column `id` of the probe side.
            let ids =
                whole.column(if matches!(case.join_type, JoinType::Inner | JoinType::Right) { 4 } else { 1 });
            let ids = ids.as_any().downcast_ref::<Int64Array>().unwrap();
            assert!(ids.values().is_sorted(), "{case:?} {shapes:?} {memory} seed {seed}");
        }
    }
    let mut found = rows_of(&parts.concat());
    expected.sort();
    found.sort();
    assert_eq!(found, expected, "{case:?} {shapes:?} memory {memory} seed {seed}");
    ours.metrics().and_then(|metrics| metrics.spill_count()).unwrap_or(0) > 0
}

const EVEN: Shape = Shape { rows: 3_000, keys: 1_500, skewed: 0, nulls: 5 };
const SKEWED: Shape = Shape { rows: 3_000, keys: 1_500, skewed: 20, nulls: 10 };
const NULLS: Shape = Shape { rows: 1_300, keys: 700, skewed: 0, nulls: 95 };
const SMALL: Shape = Shape { rows: 40, keys: 300, skewed: 0, nulls: 5 };
const NOTHING: Shape = Shape { rows: 0, keys: 1, skewed: 0, nulls: 0 };

fn case(join_type: JoinType, mode: PartitionMode) -> Case {
    Case {
        join_type,
        mode,
        partitions: 1,
        filter: false,
        nulls: NullEquality::NullEqualsNothing,
        project: false,
        ordered: false,
    }
}

#[tokio::test]
async fn every_join_type_gives_its_rows_whatever_the_memory() {
    let mut spilled = 0;
    for join_type in ALL_TYPES {
        for mode in [PartitionMode::Partitioned, PartitionMode::CollectLeft] {
            for (partitions, filter) in [(1, true), (3, false)] {
                for shapes in [[EVEN, EVEN], [SKEWED, EVEN], [SMALL, SKEWED], [NULLS, EVEN], [EVEN, NOTHING]]
                {
                    for memory in [110_000 * partitions, 1 << 30] {
                        let case = Case { partitions, filter, ..case(join_type, mode) };
                        spilled += usize::from(compare(case, shapes, memory, 17).await);
                    }
                }
            }
        }
    }
    assert!(spilled > 60, "only {spilled} joins spilled");
}

/// All rows of the build side have one key, so that splitting them does not help.
#[tokio::test]
async fn one_key_that_does_not_fit_is_joined_block_by_block() {
    let one_key = Shape { rows: 6_000, keys: 1, skewed: 0, nulls: 0 };
    let few = Shape { rows: 8, keys: 3, skewed: 0, nulls: 10 };
    for join_type in ALL_TYPES {
        for (mode, project) in [(PartitionMode::Partitioned, false), (PartitionMode::CollectLeft, true)] {
            let case = Case { filter: project, project, ..case(join_type, mode) };
            assert!(compare(case, [one_key, few], 260_000, 6).await, "{case:?} did not spill");
        }
    }
}

#[tokio::test]
async fn nulls_that_are_equal_projections_and_skew_on_both_sides() {
    for join_type in ALL_TYPES {
        for (nulls, project) in
            [(NullEquality::NullEqualsNull, false), (NullEquality::NullEqualsNothing, true)]
        {
            for mode in [PartitionMode::Partitioned, PartitionMode::CollectLeft] {
                let narrow = Shape { rows: 2_500, skewed: 5, ..SKEWED };
                let case = Case { nulls, project, partitions: 2, filter: true, ..case(join_type, mode) };
                assert!(compare(case, [narrow, narrow], 200_000, 4).await, "{case:?} did not spill");
            }
        }
    }
}

#[tokio::test]
async fn the_order_of_the_probe_side_is_kept() {
    for join_type in [JoinType::Inner, JoinType::Right, JoinType::RightSemi, JoinType::RightAnti] {
        for mode in [PartitionMode::Partitioned, PartitionMode::CollectLeft] {
            let case = Case { ordered: true, partitions: 2, ..case(join_type, mode) };
            // The sorts of the probe side must fit beside the join.
            compare(case, [SKEWED, EVEN], 1 << 30, 5).await;
            assert!(compare(case, [SKEWED, EVEN], 200_000, 5).await, "{case:?} did not spill");
        }
    }
}

#[tokio::test]
async fn a_null_aware_join_looks_at_all_of_the_probe_side() {
    for nulls in [0, 1] {
        let mut random = Random(8);
        let left = table(&mut random, EVEN, 1);
        let right = table(&mut random, Shape { nulls, keys: 1_000, ..EVEN }, 2);
        let join = |left, right| {
            HashJoinExec::try_new(
                left,
                right,
                vec![(key(0), key(0))],
                None,
                &JoinType::LeftAnti,
                None,
                PartitionMode::CollectLeft,
                NullEquality::NullEqualsNothing,
                true,
            )
            .unwrap()
        };
        let expected =
            collect(Arc::new(join(Arc::clone(&left), Arc::clone(&right))), context(None)).await.unwrap();
        let ours: Arc<dyn ExecutionPlan> =
            Arc::new(SpillingHashJoinExec::new(Arc::new(join(Arc::clone(&left), Arc::clone(&right))), None));
        let found = collect(Arc::clone(&ours), context(Some(90_000))).await.unwrap();
        assert!(ours.metrics().unwrap().spill_count().unwrap_or(0) > 0);
        let (mut expected, mut found) = (rows_of(&expected), rows_of(&found));
        expected.sort();
        found.sort();
        assert_eq!(found, expected);
        assert_eq!(found.is_empty(), nulls == 1, "the case must tell the two apart");
    }
}

/// A join says what it would need where not even one batch fits.
#[tokio::test]
async fn one_batch_that_does_not_fit_is_an_error() {
    let mut random = Random(9);
    let join = planned(
        case(JoinType::Inner, PartitionMode::Partitioned),
        &table(&mut random, EVEN, 1),
        &table(&mut random, EVEN, 1),
    );
    let ours = Arc::new(SpillingHashJoinExec::new(Arc::new(join), None));
    let error = collect(ours, context(Some(1_000))).await.unwrap_err();
    assert!(error.to_string().contains("hash join on k@0 = k@0"), "{error}");
}

/// Each batch of the build side points into a buffer for every row. What is joined with it is built into the next join.
#[tokio::test]
async fn joined_rows_point_into_few_buffers() {
    const BATCHES: i64 = 20;
    let batch = |number: i64| {
        let keys: Int64Array = (0..64).map(|row| Some(number * 64 + row)).collect();
        // The copy has a buffer of just its text.
        let one = |row: i64| {
            StringViewArray::from_iter_values([format!("a text that is no part of a view {row}")]).gc()
        };
        let parts: Vec<StringViewArray> = (0..64).map(one).collect();
        let parts: Vec<&dyn arrow::array::Array> = parts.iter().map(|part| part as _).collect();
        let texts = arrow::compute::concat(&parts).unwrap();
        assert_eq!(texts.as_string_view().data_buffers().len(), 64);
        RecordBatch::try_from_iter([("k", Arc::new(keys) as ArrayRef), ("text", texts)]).unwrap()
    };
    let batches: Vec<RecordBatch> = (0..BATCHES).map(batch).collect();
    let schema = batches[0].schema();
    let table = || {
        MemorySourceConfig::try_new_exec(std::slice::from_ref(&batches), Arc::clone(&schema), None).unwrap()
    };
    let joined = |left: Arc<dyn ExecutionPlan>| {
        let on: Vec<(Arc<dyn PhysicalExpr>, Arc<dyn PhysicalExpr>)> =
            vec![(Arc::new(Column::new("k", 0)), Arc::new(Column::new("k", 0)))];
        let mode = PartitionMode::CollectLeft;
        let join = HashJoinExec::try_new(
            left,
            table(),
            on,
            None,
            &JoinType::Left,
            Some(vec![0, 1]),
            mode,
            NullEquality::NullEqualsNothing,
            false,
        );
        Arc::new(SpillingHashJoinExec::new(Arc::new(join.unwrap()), None)) as Arc<dyn ExecutionPlan>
    };
    let plan = joined(joined(joined(table())));
    // Of batches that are full DataFusion copies no text.
    let config = SessionConfig::new().with_batch_size(BATCH_SIZE);
    let rows = collect(plan, Arc::new(TaskContext::default().with_session_config(config))).await.unwrap();
    assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 64 * BATCHES as usize);
    let buffers = rows.iter().map(|batch| batch.column(1).as_string_view().data_buffers().len()).max();
    assert!(buffers.unwrap() <= BATCHES as usize, "{buffers:?}");
}
