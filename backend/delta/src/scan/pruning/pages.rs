//! Whether the page index of a file can be used.
//!
//! The reader skips rows by what the index says of them: which row is the first of a page, where its bytes are, and what
//! its bounds are. It takes that for a list in order; one that is not makes it give other rows, or stop the process.

use std::ops::Range;

use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::page_index::offset_index::PageLocation;

/// Whether a column of a row group has a page index, as the footer says.
pub(super) fn has_index(group: &RowGroupMetaData, leaf: usize) -> bool {
    let column = group.columns().get(leaf);
    column.is_some_and(|column| {
        column.column_index_offset().is_some() && column.offset_index_offset().is_some()
    })
}

/// Whether all of the page index is in the file: memory is taken for as much as the footer says.
pub(super) fn lie_inside(footer: &ParquetMetaData, file_size: u64) -> bool {
    let columns = footer.row_groups().iter().flat_map(|group| group.columns());
    let is_inside = |offset: Option<i64>, length: Option<i32>| match (offset, length) {
        (None, _) => true,
        (Some(offset), length) => {
            let end = offset.checked_add(i64::from(length.unwrap_or(0)));
            offset >= 0
                && length.is_none_or(|length| length >= 0)
                && end.and_then(|end| u64::try_from(end).ok()).is_some_and(|end| end <= file_size)
        }
    };
    columns.into_iter().all(|column| {
        is_inside(column.column_index_offset(), column.column_index_length())
            && is_inside(column.offset_index_offset(), column.offset_index_length())
    })
}

/// Whether the pages of all columns are in order in their row group, and the bounds of `leaves` are those of the pages.
pub(super) fn are_in_order(footer: &ParquetMetaData, leaves: &[usize]) -> bool {
    let (Some(bounds), Some(places)) = (footer.column_index(), footer.offset_index()) else { return false };
    let groups = footer.row_groups();
    if groups.len() != bounds.len() || groups.len() != places.len() {
        return false;
    }
    groups.iter().zip(bounds).zip(places).all(|((group, bounds), places)| {
        let columns = group.columns();
        let same = columns.len() == bounds.len() && columns.len() == places.len();
        let in_order = columns.iter().zip(places).all(|(column, places)| {
            follow_each_other(places.page_locations(), group.num_rows(), &bytes_of(column))
        });
        let counted = leaves.iter().all(|leaf| match (bounds.get(*leaf), places.get(*leaf)) {
            (Some(ColumnIndexMetaData::NONE), Some(_)) => true,
            (Some(bounds), Some(places)) => {
                u64::try_from(places.page_locations().len()) == Ok(bounds.num_pages())
            }
            _ => false,
        });
        same && in_order && counted
    })
}

/// Where the bytes of a column are in the file. The footer was checked.
fn bytes_of(column: &ColumnChunkMetaData) -> Range<i64> {
    let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
    start..start.saturating_add(column.compressed_size())
}

fn follow_each_other(pages: &[PageLocation], rows: i64, bytes: &Range<i64>) -> bool {
    let Some(first) = pages.first() else { return rows == 0 };
    let is_inside = |page: &PageLocation| {
        let end = page.offset.checked_add(i64::from(page.compressed_page_size));
        page.compressed_page_size >= 0
            && page.offset >= bytes.start
            && end.is_some_and(|end| end <= bytes.end)
            && page.first_row_index <= rows
    };
    let follow = |pages: &[PageLocation]| match pages {
        [before, after] => {
            before.first_row_index <= after.first_row_index
                && before.offset.saturating_add(i64::from(before.compressed_page_size)) <= after.offset
        }
        _ => false,
    };
    first.first_row_index == 0 && pages.iter().all(is_inside) && pages.windows(2).all(follow)
}
