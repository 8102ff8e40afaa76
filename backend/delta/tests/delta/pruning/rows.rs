//! That no row is lost: columns of every type, and files of other types than their tables.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray, TimestampNanosecondArray, UInt32Array,
};
use arrow::compute::take;

use super::{measures, parquet, same_rows, small, table, written};
use crate::claims::types::kinds;
use crate::claims::{comparisons, conditions};
use crate::fixtures::{Lake, overwrite};

/// Values in an order in which some row groups and pages have one value, some several, some only NULL.
fn spread(values: &ArrayRef) -> RecordBatch {
    let count = u32::try_from(values.len()).unwrap();
    let runs = (0..count).flat_map(|value| std::iter::repeat_n(value, 4));
    let places: UInt32Array = runs.chain((0..count * 2).map(|row| row % count)).map(Some).collect();
    let numbers: ArrayRef = Arc::new((0..i64::try_from(places.len()).unwrap()).collect::<Int64Array>());
    let values = take(values, &places, None).unwrap();
    RecordBatch::try_from_iter_with_nullable([("c", values, true), ("v", numbers, true)]).unwrap()
}

#[tokio::test]
async fn filters_over_row_groups_and_pages_of_every_type() {
    for kind in kinds() {
        let rows = spread(&kind.values);
        for (row_group, page) in [(2, 1), (6, 5)] {
            let lake = Lake::new();
            let properties = small(row_group, page).set_bloom_filter_enabled(page == 1);
            let properties = properties.set_statistics_truncate_length(Some(1));
            let properties = properties.set_column_index_truncate_length(Some(1));
            let location = written(&lake, &rows, properties.build()).await;
            let (one, two) = (kind.literals[0], kind.literals[1]);
            let asked = if page == 1 { conditions(one, two) } else { comparisons(one, two) };
            let asked: Vec<String> = asked.into_iter().chain(comparisons(two, one)).collect();
            same_rows(&location, "v, c", &asked).await;
        }
    }
}

#[tokio::test]
async fn nan_and_the_sign_of_zero_are_found() {
    let values = vec![Some(1.0), Some(-0.0), Some(0.0), Some(f64::NAN), Some(-f64::NAN), None, Some(2.5)];
    let rows = spread(&(Arc::new(Float64Array::from(values)) as ArrayRef));
    let lake = Lake::new();
    let location = written(&lake, &rows, small(4, 2).set_bloom_filter_enabled(true).build()).await;
    let literals = ["0.0", "-0.0", "1.0", "3.0", "'NaN'::DOUBLE"];
    let asked =
        literals.map(|literal| comparisons(&format!("CAST({literal} AS DOUBLE)"), "CAST(2.0 AS DOUBLE)"));
    let asked: Vec<String> = asked.into_iter().flatten().collect();
    same_rows(&location, "v, c", &asked).await;
    let found = measures(&location, "SELECT v FROM t WHERE c > 3.0").await;
    assert_eq!((found.skipped_by_bounds, found.skipped_pages), (0, 0), "NaN is in no bounds");
}

/// A table with the values `declared`, whose file holds `stored` instead.
async fn stored_otherwise(declared: ArrayRef, stored: ArrayRef, asked: &[String], skips: bool) {
    let numbers: ArrayRef = Arc::new((0..i64::try_from(stored.len()).unwrap()).collect::<Int64Array>());
    let rows = |values: ArrayRef| {
        let columns = [("c", values, true), ("v", Arc::clone(&numbers), true)];
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    };
    let lake = Lake::new();
    let file = parquet(&rows(stored), small(2, 1).set_bloom_filter_enabled(true).build());
    let location = table(&lake, &rows(declared), file, overwrite()).await;
    same_rows(&location, "v, c", asked).await;
    let mut skipped = 0;
    for condition in asked {
        let found = measures(&location, &format!("SELECT v FROM t WHERE {condition}")).await;
        skipped += found.skipped_by_bounds + found.skipped_pages + found.skipped_by_bloom_filters;
    }
    assert_eq!(skipped > 0, skips, "{asked:?}");
}

#[tokio::test]
async fn files_of_another_type_are_read_whole() {
    let stamps = |times: &[i64]| -> ArrayRef {
        Arc::new(TimestampNanosecondArray::from(times.to_vec()).with_timezone("UTC"))
    };
    let micros = |times: &[i64]| -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from(times.to_vec()).with_timezone("UTC"))
    };
    let decimals = |values: &[i128], precision, scale| -> ArrayRef {
        let values = Decimal128Array::from(values.to_vec());
        Arc::new(values.with_precision_and_scale(precision, scale).unwrap())
    };
    let longs: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
    let ints: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3, 4]));
    let time = |micros: i64| format!("arrow_cast({micros}, 'Timestamp(Microsecond, Some(\"UTC\"))')");
    let days: ArrayRef = Arc::new(Date32Array::from(vec![0, 1, 2, 3]));
    stored_otherwise(Arc::clone(&longs), Arc::clone(&longs), &comparisons("2", "3"), true).await;
    stored_otherwise(longs, ints, &comparisons("2", "3"), false).await;
    // What is cut off would make other values equal.
    let asked = comparisons(&time(1), &time(2));
    stored_otherwise(micros(&[1, 1, 2, 3]), stamps(&[1_000, 1_999, 2_001, 3_000]), &asked, false).await;
    let asked = comparisons(&time(43_200_000_000), &time(86_400_000_000));
    stored_otherwise(micros(&[0, 1, 2, 3]), days, &asked, false).await;
    let asked = comparisons("CAST(1.50 AS DECIMAL(12,4))", "CAST(2.25 AS DECIMAL(12,4))");
    let stored = decimals(&[150, 225, 300, 150], 10, 2);
    stored_otherwise(decimals(&[15_000, 22_500, 30_000, 15_000], 12, 4), stored, &asked, false).await;
}

// Texts are compared by their bytes, which are unsigned; the least and the greatest may be cut.
#[tokio::test]
async fn texts_that_are_longer_than_their_bounds() {
    let texts =
        ["a", "é", "z", "zz\u{10ffff}", "\u{10ffff}", "\u{10ffff}\u{10ffff}x", "0123456789abcdef", ""];
    let rows = spread(&(Arc::new(StringArray::from(texts.to_vec())) as ArrayRef));
    let mut asked: Vec<String> = ["a", "é", "z", "\u{10ffff}", "0123456789abcdee", "0123456789abcdef", ""]
        .iter()
        .flat_map(|text| comparisons(&format!("'{text}'"), "'m'"))
        .collect();
    for pattern in ["z%", "é%", "\u{10ffff}%", "zz\u{10ffff}%", "0123_%", "%", "%z", "_", "a", ""] {
        asked.extend([format!("c LIKE '{pattern}'"), format!("c NOT LIKE '{pattern}'")]);
        asked.push(format!("c ILIKE '{pattern}'"));
    }
    for length in [None, Some(1), Some(2), Some(8)] {
        let lake = Lake::new();
        let properties = small(4, 2).set_statistics_truncate_length(length);
        let properties = properties.set_column_index_truncate_length(length);
        let location = written(&lake, &rows, properties.build()).await;
        same_rows(&location, "v, c", &asked).await;
    }
}

#[tokio::test]
async fn columns_that_a_file_does_not_have_are_null() {
    let numbers: ArrayRef = Arc::new((0..100).collect::<Int64Array>());
    let rows =
        RecordBatch::try_from_iter_with_nullable([("c", Arc::clone(&numbers), true), ("v", numbers, true)]);
    let rows = rows.unwrap();
    let lake = Lake::new();
    let file = parquet(&rows.project(&[1]).unwrap(), small(10, 5).build());
    let location = table(&lake, &rows, file, overwrite()).await;
    let asked: Vec<String> = comparisons("5", "7").into_iter().chain(["c = 5 OR v = 6".to_owned()]).collect();
    same_rows(&location, "v, c", &asked).await;
}
