//! That row groups and pages are skipped.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray,
};
use datafusion::prelude::{SessionConfig, SessionContext};
use delta::{SortColumn, WriteOptions};

use super::{measures, measures_in, parquet, same_rows, small, table, written};
use crate::fixtures::{Lake, append, open, overwrite, scan, write};

/// Numbers from 0 in every type by whose bounds rows are skipped.
pub(super) fn numbers(count: i64) -> RecordBatch {
    let texts: StringArray = (0..count).map(|row| Some(format!("{row:06}"))).collect();
    let days: Date32Array = (0..count).map(|row| Some(i32::try_from(row).unwrap())).collect();
    let prices: Decimal128Array = (0..count).map(|row| Some(i128::from(row) * 100)).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new((0..count).collect::<Int64Array>())),
        ("s", Arc::new(texts)),
        ("d", Arc::new(days)),
        ("price", Arc::new(prices.with_precision_and_scale(20, 2).unwrap())),
        ("late", Arc::new((0..count).map(|row| Some(row >= count / 2)).collect::<BooleanArray>())),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, values)| (name, values, true)))
        .unwrap()
}

#[tokio::test]
async fn row_groups_and_pages_are_skipped_by_bounds_of_every_type() {
    let lake = Lake::new();
    let location = written(&lake, &numbers(1000), small(100, 10).build()).await;
    for (condition, row_groups, pages) in [
        ("id = 555", 9, 9),
        ("id BETWEEN 555 AND 564", 9, 8),
        ("id IN (5, 555)", 8, 18),
        ("id < 100", 9, 0),
        ("s = '000555'", 9, 9),
        ("s LIKE '00055%'", 9, 9),
        ("s >= '000990'", 9, 9),
        ("d = DATE '1970-01-11'", 9, 9),
        ("price = CAST(555 AS DECIMAL(20, 2))", 9, 9),
        ("late", 5, 0),
        ("NOT late", 5, 0),
        ("id = 555 AND s <> 'x'", 9, 9),
        ("id = 2000", 10, 0),
        ("id % 2 = 0", 0, 0),
        ("id = 555 OR id % 2 = 0", 0, 0),
        ("id = 555 AND id % 5 = 0", 9, 9),
    ] {
        let found = measures(&location, &format!("SELECT * FROM t WHERE {condition}")).await;
        let skipped = (found.row_groups, found.skipped_by_bounds, found.skipped_pages);
        assert_eq!(skipped, (10, row_groups, pages), "{condition}");
        same_rows(&location, "id", &[condition.to_owned()]).await;
    }
    let all = measures(&location, "SELECT * FROM t").await;
    assert_eq!((all.row_groups, all.skipped_by_bounds, all.pages), (10, 0, 0));
    let one = measures(&location, "SELECT * FROM t WHERE id = 555").await;
    assert!(one.bytes * 2 < all.bytes, "{one:?} of {all:?}");
}

#[tokio::test]
async fn files_of_our_own_can_be_skipped_page_by_page() {
    let sort_by = vec![SortColumn { column: "id".into(), descending: false }];
    for sort_by in [Vec::new(), sort_by] {
        let lake = Lake::new();
        let location = lake.at("t");
        write(&location, &[numbers(300_000)], WriteOptions { sort_by: sort_by.clone(), ..overwrite() }).await;
        assert_eq!(open(&location).await.sort_columns().is_empty(), sort_by.is_empty());
        let all = measures(&location, "SELECT * FROM t").await;
        let one = measures(&location, "SELECT * FROM t WHERE id = 7777").await;
        assert_eq!((one.row_groups, one.skipped_by_bounds), (2, 1));
        assert!(one.skipped_pages + 1 == one.pages && one.pages > 10, "{one:?}");
        assert!(one.bytes * 5 < all.bytes, "{one:?} of {all:?}");
        let conditions = ["id = 7777", "id > 299990", "id BETWEEN 262140 AND 262150", "s = '000003'"];
        same_rows(&location, "id", &conditions.map(str::to_owned)).await;
    }
}

// An order that is declared is checked, also of the rows that are left.
#[tokio::test]
async fn sorted_runs_and_pieces_of_files_keep_their_order() {
    let lake = Lake::new();
    let location = lake.at("t");
    let sort_by = vec![SortColumn { column: "id".into(), descending: false }];
    let options = || WriteOptions { sort_by: sort_by.clone(), ..append() };
    write(&location, &[numbers(40_000)], options()).await;
    write(&location, &[numbers(50_000)], options()).await;
    let config = SessionConfig::new().with_target_partitions(4).with_repartition_file_min_size(1);
    let context = SessionContext::new_with_config(config);
    context.register_table("t", scan(&open(&location).await)).unwrap();
    let query = "SELECT id FROM t WHERE id BETWEEN 19000 AND 41000 ORDER BY id";
    let rows = context.sql(query).await.unwrap().collect().await.unwrap();
    let rows = arrow::compute::concat_batches(&rows[0].schema(), &rows).unwrap();
    let found: Vec<i64> = rows.column(0).as_any().downcast_ref::<Int64Array>().unwrap().values().to_vec();
    let wanted: Vec<i64> =
        (19_000..=41_000).flat_map(|id| std::iter::repeat_n(id, if id < 40_000 { 2 } else { 1 })).collect();
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn a_session_can_do_without() {
    let lake = Lake::new();
    let location = written(&lake, &numbers(1000), small(100, 10).build()).await;
    let mut config = SessionConfig::new();
    config.options_mut().execution.parquet.pruning = false;
    let context = SessionContext::new_with_config(config);
    let provider = scan(&open(&location).await);
    let found = measures_in(&context, provider, "SELECT * FROM t WHERE id = 555").await;
    assert_eq!((found.row_groups, found.skipped_by_bounds, found.pages), (10, 0, 0));
}

#[tokio::test]
async fn page_indexes_are_read_for_conditions_over_their_columns_only() {
    let lake = Lake::new();
    let location = written(&lake, &numbers(1000), small(100, 10).build()).await;
    let found = measures(&location, "SELECT id FROM t WHERE id % 2 = 0").await;
    assert_eq!(found.pages, 0);
}

#[tokio::test]
async fn bloom_filters_skip_row_groups_whose_bounds_say_nothing() {
    let lake = Lake::new();
    let ids = |row: i64| format!("{:016x}", row.wrapping_mul(0x1E37_79B9_7F4A_7C15));
    let texts: ArrayRef = Arc::new((0..1000).map(|row| Some(ids(row))).collect::<StringArray>());
    let numbers: ArrayRef = Arc::new((0..1000).map(|row| row * 7919 % 1009).collect::<Int64Array>());
    let rows = RecordBatch::try_from_iter([("node", texts), ("v", numbers)]).unwrap();
    let properties = small(100, 50).set_bloom_filter_fpp(0.001).set_bloom_filter_max_ndv(100).build();
    let location = table(&lake, &rows, parquet(&rows, properties), overwrite()).await;
    let conditions = [
        format!("node = '{}'", ids(555)),
        format!("node IN ('{}', '{}')", ids(1), ids(999)),
        "node = 'absent'".to_owned(),
        "v = 500".to_owned(),
        format!("node = '{}' OR v = 500", ids(555)),
        format!("node <> '{}'", ids(555)),
    ];
    same_rows(&location, "node", &conditions).await;
    let found = measures(&location, &format!("SELECT v FROM t WHERE {}", conditions[0])).await;
    assert!(found.skipped_by_bounds + found.skipped_by_bloom_filters >= 8, "{found:?}");
    assert!(found.skipped_by_bloom_filters > 0, "{found:?}");
    let found = measures(&location, "SELECT v FROM t WHERE v = 500").await;
    assert!(found.skipped_by_bounds + found.skipped_by_bloom_filters >= 8, "{found:?}");
    assert!(found.skipped_by_bloom_filters > 0, "{found:?}");
}
