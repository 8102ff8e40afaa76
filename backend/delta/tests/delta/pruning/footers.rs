//! Footers and indexes as other writers leave them: in the older form, without counts, out of order, forged.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::data_type::ByteArray;
use parquet::file::metadata::{OffsetIndexBuilder, ParquetMetaData};
use parquet::file::page_index::offset_index::{OffsetIndexMetaData, PageLocation};
use parquet::file::statistics::Statistics;

use super::measured::numbers;
use super::{measures, parquet, same_rows, small, table, with_columns, with_footer, without_pages};
use crate::claims::comparisons;
use crate::fixtures::{Lake, overwrite};

fn text(value: &str) -> Option<ByteArray> {
    Some(ByteArray::from(value))
}

// Writers before 2017 compared bytes as signed numbers: `é` came before `a`.
#[tokio::test]
async fn older_bounds_of_texts_say_nothing() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", "é", "b", "é", "c", "d"]));
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![0, 1, 2, 3, 4, 5]));
    let rows = RecordBatch::try_from_iter_with_nullable([("c", texts, true), ("v", numbers, true)]).unwrap();
    let file = parquet(&rows, small(6, 2).build());
    let file = with_columns(&without_pages(&file), |name, column| match name {
        "c" => column.set_statistics(Statistics::byte_array(text("é"), text("d"), None, None, true)),
        _ => column,
    });
    let lake = Lake::new();
    let location = table(&lake, &rows, file, overwrite()).await;
    let asked: Vec<String> =
        ["a", "c", "é", "z"].iter().flat_map(|text| comparisons(&format!("'{text}'"), "'b'")).collect();
    same_rows(&location, "v, c", &asked).await;
}

// A count that is missing is taken for zero by the reader.
#[tokio::test]
async fn missing_counts_of_null() {
    let values: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, None, Some(2), Some(3), Some(4)]));
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![0, 1, 2, 3, 4, 5]));
    let rows = RecordBatch::try_from_iter_with_nullable([("c", values, true), ("v", numbers, true)]).unwrap();
    let file = parquet(&rows, small(2, 1).build());
    for (least, greatest, older) in [(Some(1), Some(4), false), (Some(1), Some(4), true), (None, None, false)]
    {
        let file = with_columns(&file, |name, column| match name {
            "c" => column.set_statistics(Statistics::int64(least, greatest, None, None, older)),
            _ => column,
        });
        let lake = Lake::new();
        let location = table(&lake, &rows, file, overwrite()).await;
        let asked: Vec<String> =
            comparisons("2", "3").into_iter().chain(["c IS NULL OR c = 9".to_owned()]).collect();
        same_rows(&location, "v, c", &asked).await;
    }
}

#[tokio::test]
async fn no_statistics_and_no_page_index() {
    use parquet::file::properties::EnabledStatistics;
    for level in [EnabledStatistics::None, EnabledStatistics::Chunk, EnabledStatistics::Page] {
        let lake = Lake::new();
        let file = parquet(&numbers(100), small(10, 5).set_statistics_enabled(level).build());
        let file = without_pages(&file);
        let location = table(&lake, &numbers(100), file, overwrite()).await;
        let asked = ["id = 55", "s = '000055'", "late", "price < 3.00", "id > 98 OR id IS NULL"];
        same_rows(&location, "id", &asked.map(str::to_owned)).await;
    }
}

/// `file` with other places of the pages of its second row group.
fn with_places(file: &[u8], change: impl Fn(&mut Vec<PageLocation>)) -> Vec<u8> {
    with_footer(file, |metadata: ParquetMetaData| {
        let mut builder = metadata.into_builder();
        let mut index = builder.take_offset_index().unwrap();
        for column in &mut index[1] {
            let mut places = column.page_locations().clone();
            change(&mut places);
            *column = offsets(&places);
        }
        builder.set_offset_index(Some(index)).build()
    })
}

fn offsets(places: &[PageLocation]) -> OffsetIndexMetaData {
    let mut builder = OffsetIndexBuilder::new();
    for (place, page) in places.iter().enumerate() {
        builder.append_offset_and_size(page.offset, page.compressed_page_size);
        let next = places.get(place + 1).map_or(page.first_row_index, |next| next.first_row_index);
        builder.append_row_count(next - page.first_row_index);
    }
    builder.build()
}

#[tokio::test]
async fn page_indexes_that_are_out_of_order_are_not_used() {
    let rows = numbers(100);
    let file = parquet(&rows, small(50, 10).build());
    type Change = fn(&mut Vec<PageLocation>);
    let changes: [(&str, Change); 7] = [
        ("rows in another order", |places| {
            let last = places.len() - 1;
            (places[last].first_row_index, places[1].first_row_index) = (10, 40);
        }),
        ("more rows than there are", |places| places[4].first_row_index = 1_000_000),
        ("fewer pages", |places| places.truncate(2)),
        ("no pages", Vec::clear),
        ("beyond the end", |places| places[3].offset = 1 << 40),
        ("before the begin", |places| places[3].offset = -5),
        ("one size too large", |places| places[3].compressed_page_size = i32::MAX),
    ];
    for (name, change) in changes {
        let lake = Lake::new();
        let location = table(&lake, &rows, with_places(&file, change), overwrite()).await;
        let asked = ["id = 55", "id BETWEEN 75 AND 91", "id < 3", "s LIKE '00009%'"];
        same_rows(&location, "id", &asked.map(str::to_owned)).await;
        let found = measures(&location, "SELECT id FROM t WHERE id = 55").await;
        assert_eq!((found.skipped_by_bounds, found.skipped_pages), (1, 0), "{name}");
    }
}

#[tokio::test]
async fn page_indexes_that_are_not_there_are_not_read() {
    let rows = numbers(100);
    let file = parquet(&rows, small(50, 10).build());
    let size = i64::try_from(file.len()).unwrap();
    for (offset, length) in [(size * 2, 10), (4, i32::MAX), (-1, 10), (4, -10), (4, 3)] {
        let lake = Lake::new();
        let file = with_columns(&without_pages(&file), |_, column| {
            let column = column.set_column_index_offset(Some(offset)).set_column_index_length(Some(length));
            column.set_offset_index_offset(Some(offset)).set_offset_index_length(Some(length))
        });
        let location = table(&lake, &rows, file, overwrite()).await;
        same_rows(&location, "id", &["id = 55".to_owned(), "late AND s > '000090'".to_owned()]).await;
    }
}

#[tokio::test]
async fn bloom_filters_that_make_no_sense_are_not_used() {
    let rows = numbers(100);
    let file = parquet(&rows, small(50, 10).set_bloom_filter_enabled(true).build());
    let size = i64::try_from(file.len()).unwrap();
    for (offset, length) in [
        (size * 2, Some(100)),
        (4, Some(100)),
        (4, None),
        (-4, Some(64)),
        (4, Some(-1)),
        (4, Some(0)),
        (4, Some(20)),
        (i64::MAX, Some(i32::MAX)),
    ] {
        let lake = Lake::new();
        let file = with_columns(&file, |_, column| {
            column.set_bloom_filter_offset(Some(offset)).set_bloom_filter_length(length)
        });
        let location = table(&lake, &rows, file, overwrite()).await;
        same_rows(&location, "id", &["id = 55".to_owned(), "s IN ('000090', 'x')".to_owned()]).await;
    }
}
