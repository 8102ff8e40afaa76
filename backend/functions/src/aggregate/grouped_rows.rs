//! Rows by group, and the ordered lists made of them, any groups at a time.
//!
//! A counting sort brings the *places* of the rows (which chunk, which row of it) into group order; the columns stay
//! as they came, or where they lie ([`RowSource`]). The lists of some groups are then made by ordering the places of each of these groups by the keys
//! and gathering the values once. Keys are looked at only where a group has several rows, and a few thousand rows at a
//! time, so that ordering needs no memory that grows with the rows.

use std::fmt;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of the chunk.
    pub chunk: u32,
    /// The number of the row in it.
    pub row: u32,
}

/// Where the values and the keys of rows lie.
pub trait RowSource: fmt::Debug + Send + Sync {
    /// These of the columns (the value is the first, the keys follow) at these places, in their order.
    ///
    /// # Errors
    /// When the rows cannot be brought together in an array, such as 2 GiB of text.
    fn gather(&self, columns: Range<usize>, places: &[Place]) -> Result<Vec<ArrayRef>>;
}

/// The rows of all groups, by group.
#[derive(Debug)]
pub struct GroupedRows {
    /// Type of the value, then of each key.
    types: Vec<DataType>,
    source: Box<dyn RowSource>,
    /// The rows, group by group; inside a group in order of arrival until the group is ordered.
    places: Vec<Place>,
    /// Where each group begins in `places`, and the total at the end.
    offsets: Vec<u32>,
}

impl GroupedRows {
    /// Brings the rows of `source` into group order. `types` are those of the value and of each key. `numbers` has the
    /// group, below `groups`, of every row, some rows at a time; `place` says where a row of them lies.
    ///
    /// # Errors
    /// When there are 2^32 rows or more.
    pub fn try_new(
        types: Vec<DataType>,
        source: Box<dyn RowSource>,
        numbers: &[&[u32]],
        place: impl Fn(usize, usize) -> Place,
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
        for (part, numbers) in numbers.iter().enumerate() {
            for (row, &group) in numbers.iter().enumerate() {
                let Some(position) = next.get_mut(group as usize) else { continue };
                if let Some(sorted) = places.get_mut(*position as usize) {
                    *sorted = place(part, row);
                }
                *position += 1;
            }
        }
        Ok(Self { types, source, places, offsets })
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
        let elements = self.gather(column, places)?;
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
        let keys = self.source.gather(1..self.types.len(), &rows)?;
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
        let values = self.gather(0, &tied)?;
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

    /// A column at these places.
    fn gather(&self, column: usize, places: &[Place]) -> Result<ArrayRef> {
        match self.source.gather(column..column + 1, places)?.pop() {
            Some(gathered) => Ok(gathered),
            None => internal_err!("array_agg_sorted has no column {column}"),
        }
    }
}

/// Rows in memory: the columns of each chunk, the value first, then the keys.
#[derive(Debug)]
pub(super) struct Chunks {
    pub(super) types: Vec<DataType>,
    pub(super) columns: Vec<Vec<ArrayRef>>,
}

impl RowSource for Chunks {
    fn gather(&self, columns: Range<usize>, places: &[Place]) -> Result<Vec<ArrayRef>> {
        let selection = Selection::new(places, self.columns.len());
        let gathered = columns.map(|column| {
            let Some(data_type) = self.types.get(column) else {
                return internal_err!("array_agg_sorted has no column {column}");
            };
            let chunks =
                selection.chunks.iter().filter_map(|&chunk| self.columns.get(chunk as usize)?.get(column));
            let parts: Vec<&dyn Array> = chunks.map(|part| part.as_ref()).collect();
            if parts.is_empty() {
                return Ok(new_empty_array(data_type));
            }
            Ok(interleave(&parts, &selection.rows)?)
        });
        gathered.collect()
    }
}

/// Rows to gather: the chunks they lie in, in order of appearance, and for every row the position of its chunk among
/// these and its number in the chunk. Rows of neighbouring groups lie in few of the chunks.
#[derive(Debug)]
pub struct Selection {
    /// The numbers of the chunks.
    pub chunks: Vec<u32>,
    /// For each row the position of its chunk in `chunks`, and its number in the chunk.
    pub rows: Vec<(usize, usize)>,
}

impl Selection {
    /// The rows at these places, which lie in some of so many chunks.
    #[must_use]
    pub fn new(places: &[Place], chunks: usize) -> Self {
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
