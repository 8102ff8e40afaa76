//! Rows by group, and the ordered lists made of them, any groups at a time.
//!
//! A counting sort brings the *places* of the rows (which chunk, which row of it) into group order; the columns stay
//! as they came. The lists of some groups are then made by ordering the places of each of these groups by the keys
//! and gathering the values once. Keys are looked at only where a group has several rows, and a few thousand rows at a
//! time, so that ordering needs no memory that grows with the rows.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray, new_empty_array};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{SortOptions, interleave};
use arrow::datatypes::{DataType, Field};
use arrow::row::{RowConverter, SortField};
use datafusion::common::{Result, exec_err, internal_err};

use super::key_order::KeyOrder;

/// Rows whose keys are compared at a time: enough to make the preparation cheap, few enough to stay in the cache.
/// A larger group is one piece.
const PIECE_ROWS: usize = 8192;

/// A chunk, and a row of it.
#[derive(Clone, Copy, Debug)]
struct Place {
    chunk: u32,
    row: u32,
}

/// The rows of all groups, by group.
#[derive(Debug)]
pub struct GroupedRows {
    /// Type of the value, then of each key.
    types: Vec<DataType>,
    /// The columns of each chunk: the value first, then the keys.
    chunks: Vec<Vec<ArrayRef>>,
    /// The rows, group by group; inside a group in order of arrival until the group is ordered.
    places: Vec<Place>,
    /// Where each group begins in `places`, and the total at the end.
    offsets: Vec<u32>,
}

impl GroupedRows {
    /// Brings the rows of `chunks` into group order; `numbers` has the group, below `groups`, of every row.
    pub(super) fn try_new(
        types: Vec<DataType>,
        chunks: Vec<Vec<ArrayRef>>,
        numbers: &[&[u32]],
        groups: usize,
    ) -> Result<Self> {
        let rows: usize = numbers.iter().map(|numbers| numbers.len()).sum();
        if u32::try_from(rows).is_err() {
            return exec_err!(
                "array_agg_sorted: {rows} rows in one partition are more than 2^32 - 1; \
                 aggregate in more partitions or over a part of the input"
            );
        }
        let mut offsets = vec![0_u32; groups + 1];
        for &group in numbers.iter().copied().flatten() {
            if let Some(count) = offsets.get_mut(group as usize + 1) {
                *count += 1;
            }
        }
        let mut total = 0;
        for offset in &mut offsets {
            total += *offset;
            *offset = total;
        }
        let mut next = offsets.clone();
        let mut places = vec![Place { chunk: 0, row: 0 }; rows];
        for (chunk, numbers) in (0_u32..).zip(numbers) {
            for (row, &group) in (0_u32..).zip(*numbers) {
                let Some(position) = next.get_mut(group as usize) else { continue };
                if let Some(place) = places.get_mut(*position as usize) {
                    *place = Place { chunk, row };
                }
                *position += 1;
            }
        }
        Ok(Self { types, chunks, places, offsets })
    }

    /// Memory held besides the columns, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.places.capacity() * size_of::<Place>() + self.offsets.capacity() * size_of::<u32>()
    }

    /// The lists of values of these groups, each ordered by the keys and, where all keys are equal, by the value;
    /// NULL for a group without rows.
    ///
    /// # Errors
    /// When the lists together have 2^31 rows or more, or the text of a column 2 GiB.
    pub fn ordered(&mut self, groups: Range<usize>) -> Result<ListArray> {
        self.sort(groups.clone())?;
        let bounds = self.offsets.get(groups.start..groups.end + 1).unwrap_or_default();
        let known: Vec<bool> = bounds.windows(2).map(|bounds| bounds.first() != bounds.last()).collect();
        let nulls = Some(NullBuffer::from(known)).filter(|nulls| nulls.null_count() > 0);
        self.lists(0, groups, nulls)
    }

    /// A column as one list a group, in the order of the rows' arrival unless they were ordered before. A group
    /// without rows has an empty list.
    pub(super) fn arrived(&self, column: usize) -> Result<ListArray> {
        self.lists(column, 0..self.offsets.len().saturating_sub(1), None)
    }

    /// The places of a group's rows.
    fn rows_of(&self, group: usize) -> Range<usize> {
        let offset = |at: usize| self.offsets.get(at).copied().unwrap_or_default() as usize;
        offset(group)..offset(group + 1)
    }

    fn lists(&self, column: usize, groups: Range<usize>, nulls: Option<NullBuffer>) -> Result<ListArray> {
        let Some(data_type) = self.types.get(column) else {
            return internal_err!("array_agg_sorted has no column {column}");
        };
        let bounds = self.offsets.get(groups.start..groups.end + 1).unwrap_or_default();
        let (first, last) =
            (bounds.first().copied().unwrap_or_default(), bounds.last().copied().unwrap_or_default());
        let rows = last - first;
        if i32::try_from(rows).is_err() {
            return exec_err!(
                "array_agg_sorted: {rows} rows do not fit into one list column (2^31 - 1); \
                 aggregate in more partitions or over a part of the input"
            );
        }
        let places = self.places.get(first as usize..last as usize).unwrap_or_default();
        let elements = self.gather(column, &Selection::new(places, self.chunks.len()))?;
        let offsets: ScalarBuffer<i32> = bounds.iter().map(|offset| (offset - first) as i32).collect();
        let field = Arc::new(Field::new_list_field(data_type.clone(), true));
        Ok(ListArray::try_new(field, OffsetBuffer::new(offsets), elements, nulls)?)
    }

    /// Orders the rows of each of these groups.
    fn sort(&mut self, groups: Range<usize>) -> Result<()> {
        let mut piece: Vec<Range<usize>> = Vec::new();
        let mut rows = 0;
        for group in groups {
            let group = self.rows_of(group);
            if group.len() > 1 {
                rows += group.len();
                piece.push(group);
            }
            if rows >= PIECE_ROWS {
                self.sort_piece(&piece)?;
                piece.clear();
                rows = 0;
            }
        }
        self.sort_piece(&piece)
    }

    fn sort_piece(&mut self, groups: &[Range<usize>]) -> Result<()> {
        if groups.is_empty() {
            return Ok(());
        }
        let rows: Vec<Place> = groups.iter().flat_map(|group| self.group(group)).copied().collect();
        let selection = Selection::new(&rows, self.chunks.len());
        let keys: Vec<ArrayRef> =
            (1..self.types.len()).map(|key| self.gather(key, &selection)).collect::<Result<_>>()?;
        let keys = KeyOrder::try_new(&keys)?;
        let compare =
            |a: &(u128, u32), b: &(u128, u32)| a.0.cmp(&b.0).then_with(|| keys.compare_rest(a.1, b.1));
        let mut ties: Vec<Range<usize>> = Vec::new();
        let mut keyed: Vec<(u128, u32)> = Vec::new();
        let mut unordered = rows.as_slice();
        let mut first = 0_u32;
        for group in groups {
            let (arrived, rest) = unordered.split_at(group.len());
            keyed.clear();
            keyed.extend((first..).take(group.len()).map(|row| (keys.leading(row), row)));
            if !keyed.is_sorted_by(|a, b| compare(a, b).is_le()) {
                keyed.sort_by(compare);
                let places = self.places.get_mut(group.clone()).unwrap_or_default();
                for (place, &(_, row)) in places.iter_mut().zip(&keyed) {
                    *place = arrived.get((row - first) as usize).copied().unwrap_or(*place);
                }
            }
            let mut start = group.start;
            for run in keyed.chunk_by(|a, b| compare(a, b).is_eq()) {
                if run.len() > 1 {
                    ties.push(start..start + run.len());
                }
                start += run.len();
            }
            first += arrived.len() as u32;
            unordered = rest;
        }
        self.order_ties(&ties)
    }

    /// Orders the rows of each range by their values, so that lists do not depend on the order of arrival. Values
    /// of types without an order stay as they arrived.
    fn order_ties(&mut self, ties: &[Range<usize>]) -> Result<()> {
        let Some(value_type) = self.types.first() else {
            return internal_err!("array_agg_sorted without a value");
        };
        let field = SortField::new_with_options(value_type.clone(), SortOptions::new(false, false));
        if ties.is_empty() || !RowConverter::supports_fields(std::slice::from_ref(&field)) {
            return Ok(());
        }
        let tied: Vec<Place> = ties.iter().flat_map(|run| self.group(run)).copied().collect();
        let values = self.gather(0, &Selection::new(&tied, self.chunks.len()))?;
        let values = RowConverter::new(vec![field])?.convert_columns(&[values])?;
        let mut ranked: Vec<usize> = Vec::new();
        let mut start = 0;
        for run in ties {
            ranked.clear();
            ranked.extend(start..start + run.len());
            ranked.sort_by(|&a, &b| values.row(a).cmp(&values.row(b)));
            let places = self.places.get_mut(run.clone()).unwrap_or_default();
            for (place, &rank) in places.iter_mut().zip(&ranked) {
                *place = tied.get(rank).copied().unwrap_or(*place);
            }
            start += run.len();
        }
        Ok(())
    }

    fn group(&self, places: &Range<usize>) -> &[Place] {
        self.places.get(places.clone()).unwrap_or_default()
    }

    /// The selected rows of a column, in their order.
    fn gather(&self, column: usize, selection: &Selection) -> Result<ArrayRef> {
        let Some(data_type) = self.types.get(column) else {
            return internal_err!("array_agg_sorted has no column {column}");
        };
        let chunks =
            selection.chunks.iter().filter_map(|&chunk| self.chunks.get(chunk as usize)?.get(column));
        let parts: Vec<&dyn Array> = chunks.map(|part| part.as_ref()).collect();
        if parts.is_empty() {
            return Ok(new_empty_array(data_type));
        }
        Ok(interleave(&parts, &selection.rows)?)
    }
}

/// Rows to gather: the chunks they lie in, in order of appearance, and for every row the position of its chunk among
/// these and its number in the chunk. Rows of neighbouring groups lie in few of the chunks.
struct Selection {
    chunks: Vec<u32>,
    rows: Vec<(usize, usize)>,
}

impl Selection {
    fn new(places: &[Place], chunks: usize) -> Self {
        let mut positions: Vec<Option<usize>> = vec![None; chunks];
        let mut selected = Vec::new();
        let rows = places.iter().map(|place| {
            let position = match positions.get_mut(place.chunk as usize) {
                Some(known) => *known.get_or_insert_with(|| {
                    selected.push(place.chunk);
                    selected.len() - 1
                }),
                None => 0,
            };
            (position, place.row as usize)
        });
        let rows = rows.collect();
        Self { chunks: selected, rows }
    }
}
