//! The footer of a file with nothing in it, about the columns of a condition, that means something else than the reader
//! takes it for.
//!
//! DataFusion's reader takes bounds in the type of the column and compares them as it compares values, whoever wrote
//! them. Older writers compared bytes as signed numbers, so that their greatest text is not the greatest; files of other
//! types than the table's are compared after a conversion. Of such columns all bounds are taken out.

use std::sync::Arc;

use arrow::datatypes::FieldRef;
use parquet::arrow::{ProjectionMask, parquet_to_arrow_schema_by_columns};
use parquet::basic::{ColumnOrder, Type};
use parquet::errors::Result;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;

use super::conditions::same_kind;
use super::pages;
use crate::scan::direct::footer::BLOOM_HEADER;

/// What the reader of a file has to know of a condition: its columns, and the size of the file.
#[derive(Debug, Clone, Copy)]
pub(in crate::scan) struct Believed<'a> {
    pub(in crate::scan) columns: &'a [FieldRef],
    pub(in crate::scan) file_size: u64,
}

impl Believed<'_> {
    /// Whether the page index of a file tells something about a column of the condition, and can be read.
    pub(in crate::scan) fn wants_pages(&self, footer: &ParquetMetaData) -> bool {
        let leaves = self.leaves(footer);
        let tells = |group: &RowGroupMetaData| leaves.iter().any(|leaf| pages::has_index(group, *leaf));
        footer.row_groups().iter().any(tells) && pages::lie_inside(footer, self.file_size)
    }

    /// `footer` with what is believed.
    pub(in crate::scan) fn of(&self, footer: Arc<ParquetMetaData>) -> Result<Arc<ParquetMetaData>> {
        let leaves = self.leaves(&footer);
        let strange = self.strange_leaves(&footer, &leaves);
        let has_pages = footer.column_index().is_some() || footer.offset_index().is_some();
        let keeps_pages = has_pages && pages::are_in_order(&footer, &leaves);
        let named = |group: &RowGroupMetaData| leaves.iter().any(|leaf| pages::has_index(group, *leaf));
        // What the footer names is read by the reader, if it is not there.
        let drops_pages = !keeps_pages && (has_pages || footer.row_groups().iter().any(named));
        if strange.is_empty() && !drops_pages {
            return Ok(footer);
        }
        let without_pages = if drops_pages { &leaves[..] } else { &[] };
        let mut builder = Arc::unwrap_or_clone(footer).into_builder();
        let mut groups = builder.take_row_groups();
        for column in groups.iter_mut().flat_map(|group| {
            let columns = group.columns_mut().iter_mut().enumerate();
            columns.filter(|(leaf, _)| strange.contains(leaf) || without_pages.contains(leaf))
        }) {
            let (leaf, column) = column;
            *column = without_bounds(column, strange.contains(&leaf))?;
        }
        let mut index = builder.take_column_index().filter(|_| keeps_pages);
        for group in index.iter_mut().flatten() {
            let columns = group.iter_mut().enumerate().filter(|(leaf, _)| strange.contains(leaf));
            columns.for_each(|(_, column)| *column = ColumnIndexMetaData::NONE);
        }
        let offsets = builder.take_offset_index().filter(|_| keeps_pages);
        let builder = builder.set_row_groups(groups).set_column_index(index).set_offset_index(offsets);
        Ok(Arc::new(builder.build()))
    }

    /// Where the columns of the condition are in the file.
    fn leaves(&self, footer: &ParquetMetaData) -> Vec<usize> {
        let columns = footer.file_metadata().schema_descr().columns().iter().enumerate();
        let is_read = |name: &str| self.columns.iter().any(|field| field.name() == name);
        columns
            .filter(|(_, column)| column.path().parts().first().is_some_and(|name| is_read(name)))
            .map(|(leaf, _)| leaf)
            .collect()
    }

    /// Which of them have bounds that are not believed.
    fn strange_leaves(&self, footer: &ParquetMetaData, leaves: &[usize]) -> Vec<usize> {
        if leaves.is_empty() {
            return Vec::new();
        }
        let schema = footer.file_metadata().schema_descr();
        let mask = ProjectionMask::leaves(schema, leaves.iter().copied());
        let Ok(found) = parquet_to_arrow_schema_by_columns(schema, mask, None) else {
            return leaves.to_vec();
        };
        let is_strange = |leaf: &usize| {
            let path = schema.column(*leaf);
            let [name] = path.path().parts() else { return true };
            let mut found = found.fields().iter().filter(|field| field.name() == name);
            let (Some(found), None) = (found.next(), found.next()) else { return true };
            let Some(field) = self.columns.iter().find(|field| field.name() == name) else { return true };
            !same_kind(field.data_type(), found.data_type()) || !self.is_ordered(footer, *leaf)
        };
        leaves.iter().copied().filter(is_strange).collect()
    }

    /// Whether bounds of a column are in the order of its values, and its Bloom filters lie in the file.
    fn is_ordered(&self, footer: &ParquetMetaData, leaf: usize) -> bool {
        let is_bytes = |column: &ColumnChunkMetaData| {
            matches!(column.column_type(), Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY)
        };
        let orders = footer.file_metadata().column_orders();
        let order = orders.and_then(|orders| orders.get(leaf));
        let has_order = matches!(order, Some(ColumnOrder::TYPE_DEFINED_ORDER(_)));
        footer.row_groups().iter().all(|group| {
            let Some(column) = group.columns().get(leaf) else { return false };
            let is_older = || column.statistics().is_some_and(|bounds| bounds.is_min_max_deprecated());
            let ordered = !is_bytes(column) || has_order && !is_older();
            ordered && self.has_room_for_bloom_filter(column)
        })
    }

    fn has_room_for_bloom_filter(&self, column: &ColumnChunkMetaData) -> bool {
        let Some(offset) = column.bloom_filter_offset() else { return true };
        let length = column.bloom_filter_length().map(usize::try_from);
        let length = length.unwrap_or(Ok(BLOOM_HEADER + 1)).ok().filter(|length| *length > BLOOM_HEADER);
        let end = u64::try_from(offset).ok().zip(length.and_then(|length| u64::try_from(length).ok()));
        end.and_then(|(offset, length)| offset.checked_add(length)).is_some_and(|end| end <= self.file_size)
    }
}

fn without_bounds(column: &ColumnChunkMetaData, of_the_row_group: bool) -> Result<ColumnChunkMetaData> {
    let builder = column.clone().into_builder();
    let builder = builder.set_column_index_offset(None).set_column_index_length(None);
    match of_the_row_group {
        true => builder.clear_statistics().set_bloom_filter_offset(None).build(),
        false => builder.build(),
    }
}

/// Where the Bloom filters of the columns begin in a file.
pub(in crate::scan) fn bloom_filters(footer: &ParquetMetaData, believed: &Believed<'_>) -> Vec<u64> {
    let leaves = believed.leaves(footer);
    let of_group = |group: &RowGroupMetaData| {
        let columns = leaves.iter().filter_map(|leaf| group.columns().get(*leaf));
        columns.filter_map(|column| u64::try_from(column.bloom_filter_offset()?).ok()).collect::<Vec<_>>()
    };
    footer.row_groups().iter().flat_map(of_group).collect()
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use arrow::datatypes::{DataType, Field};
    use bytes::Bytes;
    use parquet::arrow::ArrowWriter;
    use parquet::file::metadata::{FileMetaData, PageIndexPolicy, ParquetMetaDataReader};

    use super::*;

    /// A file with a number `n` and a text `s`.
    fn footer() -> ParquetMetaData {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
        let rows = RecordBatch::try_from_iter([("n", numbers), ("s", texts)]).unwrap();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), None).unwrap();
        writer.write(&rows).unwrap();
        writer.close().unwrap();
        let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
        reader.parse_and_finish(&Bytes::from(bytes)).unwrap()
    }

    /// Of which columns bounds are left, in the row group and in its pages.
    fn left(footer: ParquetMetaData, types: [DataType; 2]) -> [(bool, bool); 2] {
        let names = ["n", "s"].into_iter().zip(types);
        let columns: Vec<FieldRef> =
            names.map(|(name, data_type)| Arc::new(Field::new(name, data_type, true))).collect();
        let believed = Believed { columns: &columns, file_size: 1 << 20 };
        let footer = believed.of(Arc::new(footer)).unwrap();
        [0, 1].map(|leaf| {
            let pages = footer.column_index().map(|index| &index[0][leaf]);
            let has_pages = pages.is_some_and(|pages| !matches!(pages, ColumnIndexMetaData::NONE));
            (footer.row_group(0).column(leaf).statistics().is_some(), has_pages)
        })
    }

    #[test]
    fn bounds_are_left_where_the_file_has_the_type_of_the_table() {
        let (both, none) = ((true, true), (false, false));
        assert_eq!(left(footer(), [DataType::Int64, DataType::Utf8View]), [both, both]);
        assert_eq!(left(footer(), [DataType::Int32, DataType::Utf8]), [none, both]);
        assert_eq!(left(footer(), [DataType::Date32, DataType::BinaryView]), [none, none]);
    }

    #[test]
    fn bounds_of_bytes_need_an_order() {
        let mut builder = footer().into_builder();
        let (groups, pages, offsets) =
            (builder.take_row_groups(), builder.take_column_index(), builder.take_offset_index());
        let file = builder.build().file_metadata().clone();
        let (schema, rows) = (file.schema_descr_ptr(), file.num_rows());
        let unordered = ParquetMetaData::new(FileMetaData::new(1, rows, None, None, schema, None), groups);
        let unordered = unordered.into_builder().set_column_index(pages).set_offset_index(offsets).build();
        let found = left(unordered, [DataType::Int64, DataType::Utf8View]);
        assert_eq!(found, [(true, true), (false, false)]);
    }

    #[test]
    fn columns_that_no_condition_reads_are_left_alone() {
        let footer = Arc::new(footer());
        let believed = Believed { columns: &[], file_size: 1 << 20 };
        assert!(Arc::ptr_eq(&believed.of(Arc::clone(&footer)).unwrap(), &footer));
    }
}
