//! The aggregate functions through SQL.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

mod sql;

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, AsArray, BooleanArray, Date32Array, DictionaryArray, Int32Array, Int64Array, LargeStringArray,
    RecordBatch, StringArray, StringViewArray, UInt64Array,
};
use datafusion::arrow::datatypes::Int32Type;
use datafusion::physical_plan::displayable;
use sql::{error, query, rows, session, sorted_table, table, value};

/// SplitMix64 (Steele, Lea, Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }

    fn sometimes<T>(&mut self, value: T) -> Option<T> {
        (self.below(8) > 0).then_some(value)
    }
}

/// A table `t` of groups `g`, conditions `b`, keys `k` and `s` (many ties), values `v` and a row number `id`.
fn random_table(
    context: &datafusion::prelude::SessionContext,
    seed: u64,
    count: usize,
    groups: u64,
    parts: usize,
) {
    let mut random = Random(seed);
    let mut column = |limit: u64| -> Vec<Option<i64>> {
        (0..count)
            .map(|_| {
                let value = random.below(limit) as i64;
                random.sometimes(value)
            })
            .collect()
    };
    let (g, b, k, s, v) = (column(groups), column(2), column(5), column(4), column(50));
    let text = |values: &[Option<i64>], word: &str| -> StringArray {
        values.iter().map(|value| value.map(|value| format!("{word}{value}"))).collect()
    };
    table(
        context,
        "t",
        vec![
            ("g", Arc::new(Int64Array::from(g)) as ArrayRef),
            ("b", Arc::new(BooleanArray::from(b.iter().map(|b| b.map(|b| b == 1)).collect::<Vec<_>>()))),
            ("k", Arc::new(Int64Array::from(k))),
            ("s", Arc::new(text(&s, "key number "))),
            ("v", Arc::new(text(&v, "value "))),
            ("id", Arc::new(Int64Array::from_iter_values(0..count as i64))),
        ],
        parts,
    );
}

/// Both queries must give the same rows on tables of several sizes, group counts and partition counts.
async fn agree(ours: &str, reference: &str) {
    for (seed, (count, groups)) in [(0, 3), (1, 1), (700, 4), (700, 600), (3000, 40)].into_iter().enumerate()
    {
        for partitions in [1, 4] {
            let context = session(partitions);
            random_table(&context, seed as u64, count, groups, partitions);
            let got = rows(&context, ours).await;
            let wanted = rows(&context, reference).await;
            assert_eq!(got, wanted, "seed {seed}, {count} rows, {partitions} partitions: {ours}");
        }
    }
}

#[tokio::test]
async fn count_if_counts_what_is_true() {
    agree(
        "SELECT g, count_if(b), count_if(k > 2) FILTER (WHERE b) FROM t GROUP BY g ORDER BY g",
        "SELECT g, count(*) FILTER (WHERE b), count(*) FILTER (WHERE k > 2 AND b) FROM t GROUP BY g ORDER BY g",
    )
    .await;
    agree("SELECT count_if(b), count_if(NULL) FROM t", "SELECT count(*) FILTER (WHERE b), 0 FROM t").await;
    let batch = query(&session(1), "SELECT count_if(true) AS n WHERE false").await;
    assert!(!batch.schema().field(0).is_nullable());
}

#[tokio::test]
async fn count_if_slides() {
    agree(
        "SELECT id, count_if(b) OVER (ORDER BY id ROWS BETWEEN 3 PRECEDING AND 1 FOLLOWING) FROM t ORDER BY id",
        "SELECT id, coalesce(sum(CASE WHEN b THEN 1 ELSE 0 END) \
         OVER (ORDER BY id ROWS BETWEEN 3 PRECEDING AND 1 FOLLOWING), 0) FROM t ORDER BY id",
    )
    .await;
}

#[tokio::test]
async fn arg_max_and_arg_min_take_the_smallest_value_of_the_best_key() {
    agree(
        "SELECT g, arg_max(v, k), arg_min(v, k), arg_max(id, s), arg_max(v, k) FILTER (WHERE b) \
         FROM t GROUP BY g ORDER BY g",
        "SELECT g, first_value(v ORDER BY k DESC, v) FILTER (WHERE k IS NOT NULL AND v IS NOT NULL), \
         first_value(v ORDER BY k, v) FILTER (WHERE k IS NOT NULL AND v IS NOT NULL), \
         first_value(id ORDER BY s DESC, id) FILTER (WHERE s IS NOT NULL), \
         first_value(v ORDER BY k DESC, v) FILTER (WHERE k IS NOT NULL AND v IS NOT NULL AND b) \
         FROM t GROUP BY g ORDER BY g",
    )
    .await;
    agree(
        "SELECT arg_max(v, s), arg_min(id, v) FROM t",
        "SELECT first_value(v ORDER BY s DESC, v) FILTER (WHERE s IS NOT NULL AND v IS NOT NULL), \
         first_value(id ORDER BY v, id) FILTER (WHERE v IS NOT NULL) FROM t",
    )
    .await;
}

#[tokio::test]
async fn arg_max_keeps_the_type_of_any_value() {
    let words = [Some("a"), None, Some("🦀"), Some("b")];
    let layouts: Vec<ArrayRef> = vec![
        Arc::new(LargeStringArray::from(words.to_vec())),
        Arc::new(StringViewArray::from(words.to_vec())),
        Arc::new(words.into_iter().collect::<DictionaryArray<Int32Type>>()),
    ];
    for layout in layouts {
        let context = session(2);
        let (expected, keys) = (layout.data_type().clone(), Int32Array::from(vec![1, 9, 3, 2]));
        table(&context, "t", vec![("x", layout), ("k", Arc::new(keys))], 2);
        for sql in ["SELECT arg_max(x, k) FROM t", "SELECT arg_max(x, k) FROM t GROUP BY k > 100"] {
            assert_eq!(rows(&context, sql).await, ["🦀"], "{expected}: {sql}");
            assert_eq!(query(&context, sql).await.column(0).data_type(), &expected);
        }
        assert_eq!(rows(&context, "SELECT arg_min(k, x) FROM t").await, ["1"], "{expected} as key");
    }
    assert_eq!(
        value("SELECT arg_min(make_array(x, 1), named_struct('k', x)) FROM (VALUES (5), (3)) AS t(x)").await,
        "[3, 1]"
    );
    assert_eq!(value("SELECT arg_max(x, NULL) FROM (VALUES (5), (3)) AS t(x)").await, "NULL");
    assert!(error("SELECT arg_max(1)").await.contains("a value and a key"));
}

#[tokio::test]
async fn arg_max_grows_with_its_window_and_refuses_to_slide() {
    let context = session(1);
    random_table(&context, 9, 300, 3, 1);
    let growing = "OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)";
    let got = rows(&context, &format!("SELECT id, arg_max(id, k) {growing} FROM t ORDER BY id")).await;
    let wanted = rows(
        &context,
        "SELECT a.id, (first_value(b.id ORDER BY b.k DESC, b.id) FILTER (WHERE b.k IS NOT NULL)) \
         FROM t AS a JOIN t AS b ON b.id <= a.id GROUP BY a.id ORDER BY a.id",
    )
    .await;
    assert_eq!(got, wanted);
    let sliding = "SELECT arg_max(id, k) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM t";
    assert!(context.sql(sliding).await.unwrap().collect().await.is_err());
}

const VALUE: &str = "named_struct('v', v, 'id', id, 'l', make_array(k, id))";

#[tokio::test]
async fn sorted_lists_equal_ordered_array_agg() {
    agree(
        &format!("SELECT g, array_agg_sorted({VALUE}, s, k, id) FROM t GROUP BY g ORDER BY g"),
        &format!("SELECT g, array_agg({VALUE} ORDER BY s, k, id) FROM t GROUP BY g ORDER BY g"),
    )
    .await;
    agree(
        "SELECT g, array_agg_sorted(v, k, id) FILTER (WHERE b) FROM t GROUP BY g ORDER BY g",
        "SELECT g, array_agg(v ORDER BY k, id) FILTER (WHERE b) FROM t GROUP BY g ORDER BY g",
    )
    .await;
    agree("SELECT array_agg_sorted(v, k, id) FROM t", "SELECT array_agg(v ORDER BY k, id) FROM t").await;
}

/// With equal keys the values decide, so the lists do not depend on the order of arrival.
#[tokio::test]
async fn ties_are_ordered_by_value() {
    agree(
        "SELECT g, array_agg_sorted(v, s), array_agg_sorted(id, k) FROM t GROUP BY g ORDER BY g",
        "SELECT g, array_agg(v ORDER BY s, v), array_agg(id ORDER BY k, id) FROM t GROUP BY g ORDER BY g",
    )
    .await;
}

/// An input sorted by the group makes DataFusion emit the first groups while rows still arrive.
#[tokio::test]
async fn groups_are_emitted_early_from_sorted_input() {
    for partitions in [1, 4] {
        let context = session(partitions);
        random_table(&context, 3, 3000, 200, partitions);
        sorted_table(&context, "sorted", "SELECT * FROM t ORDER BY g, k", "g").await;
        let ours = "SELECT g, array_agg_sorted(v, k, id), arg_max(v, k), count_if(b) FROM sorted GROUP BY g ORDER BY g";
        let plan = context.sql(ours).await.unwrap().create_physical_plan().await.unwrap();
        let shown = displayable(plan.as_ref()).indent(false).to_string();
        assert!(shown.contains("ordering_mode=Sorted"), "{shown}");
        let reference = "SELECT g, array_agg(v ORDER BY k, id), \
             first_value(v ORDER BY k DESC, v) FILTER (WHERE k IS NOT NULL AND v IS NOT NULL), \
             count(*) FILTER (WHERE b) FROM t GROUP BY g ORDER BY g";
        assert_eq!(rows(&context, ours).await, rows(&context, reference).await, "{partitions} partitions");
    }
}

/// With almost as many groups as rows DataFusion stops pre-aggregating and converts rows to partial states.
#[tokio::test]
async fn rows_become_partial_states_when_grouping_does_not_pay() {
    let context = session(2);
    let settings = "SET datafusion.execution.skip_partial_aggregation_probe_rows_threshold = 10";
    context.sql(settings).await.unwrap().collect().await.unwrap();
    random_table(&context, 5, 4000, 3900, 2);
    let ours = "SELECT g, array_agg_sorted(v, k, id), array_agg_sorted(v, id) FILTER (WHERE b), count_if(b), \
                arg_min(v, k), arg_min(v, k) FILTER (WHERE b) FROM t GROUP BY g ORDER BY g";
    let reference = "SELECT g, array_agg(v ORDER BY k, id), array_agg(v ORDER BY id) FILTER (WHERE b), \
         count(*) FILTER (WHERE b), first_value(v ORDER BY k, v) FILTER (WHERE v IS NOT NULL AND k IS NOT NULL), \
         first_value(v ORDER BY k, v) FILTER (WHERE v IS NOT NULL AND k IS NOT NULL AND b) \
         FROM t GROUP BY g ORDER BY g";
    assert_eq!(rows(&context, ours).await, rows(&context, reference).await);
}

#[tokio::test]
async fn sorted_lists_keep_every_value_type() {
    let words = [Some("b"), None, Some("🦀"), Some("a")];
    let layouts: Vec<ArrayRef> = vec![
        Arc::new(LargeStringArray::from(words.to_vec())),
        Arc::new(StringViewArray::from(words.to_vec())),
        Arc::new(words.into_iter().collect::<DictionaryArray<Int32Type>>()),
    ];
    for layout in layouts {
        let context = session(2);
        let expected = layout.data_type().clone();
        let keys = Int32Array::from(vec![Some(1), None, Some(3), Some(2)]);
        table(&context, "t", vec![("x", layout), ("k", Arc::new(keys))], 2);
        let grouped = "SELECT array_agg_sorted(x, k) FROM t GROUP BY k IS NOT DISTINCT FROM 77";
        for sql in ["SELECT array_agg_sorted(x, k) FROM t", grouped] {
            let batch: RecordBatch = query(&context, sql).await;
            assert_eq!(batch.column(0).as_list::<i32>().values().data_type(), &expected, "{sql}");
            assert_eq!(rows(&context, sql).await, ["[b, a, 🦀, ]"], "{expected}: {sql}");
        }
        assert_eq!(
            rows(&context, "SELECT array_agg_sorted(k, x) FROM t").await,
            ["[2, 1, 3, ]"],
            "{expected} as key"
        );
    }
}

/// Integer-like keys without NULL take a path of their own: signs, unsigned values above 2^63 and dates.
#[tokio::test]
async fn sorted_lists_order_every_kind_of_number() {
    let context = session(1);
    table(
        &context,
        "t",
        vec![
            ("i", Arc::new(Int32Array::from(vec![5, -7, i32::MIN, i32::MAX, 0, -7])) as ArrayRef),
            ("u", Arc::new(UInt64Array::from(vec![3, u64::MAX, 0, 1 << 63, 1, 7]))),
            ("d", Arc::new(Date32Array::from(vec![1, -1, 40_000, 0, -40_000, 2]))),
        ],
        1,
    );
    for key in ["i, u", "u, i", "d, u", "u", "d", "i, d"] {
        let got = rows(&context, &format!("SELECT array_agg_sorted(u, {key}) FROM t")).await;
        assert_eq!(got, rows(&context, &format!("SELECT array_agg(u ORDER BY {key}) FROM t")).await, "{key}");
    }
}

#[tokio::test]
async fn sorted_lists_of_nothing_are_null_and_null_structs_survive() {
    assert_eq!(value("SELECT array_agg_sorted(x, x) FROM (VALUES (1)) AS t(x) WHERE x > 1").await, "NULL");
    assert_eq!(
        value(
            "SELECT array_agg_sorted(CASE WHEN x = 2 THEN NULL ELSE named_struct('x', x) END, x) \
             FROM (VALUES (3), (2), (1)) AS t(x)"
        )
        .await,
        "[{x: 1}, , {x: 3}]"
    );
    let context = session(1);
    random_table(&context, 4, 50, 3, 1);
    let growing = "OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)";
    let got =
        rows(&context, &format!("SELECT array_agg_sorted(id, k, id) {growing} FROM t ORDER BY id")).await;
    let wanted = "SELECT array_agg(b.id ORDER BY b.k, b.id) FROM t AS a JOIN t AS b ON b.id <= a.id \
                  GROUP BY a.id ORDER BY a.id";
    assert_eq!(got, rows(&context, wanted).await);
}

#[tokio::test]
async fn sorted_lists_refuse_what_they_cannot_mean() {
    let from = "FROM (VALUES (1)) AS t(x)";
    assert!(error(&format!("SELECT array_agg_sorted(x) {from}")).await.contains("at least one key"));
    assert!(error(&format!("SELECT array_agg_sorted(DISTINCT x, x) {from}")).await.contains("DISTINCT"));
}
