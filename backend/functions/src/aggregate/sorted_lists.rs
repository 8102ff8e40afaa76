//! The rows of many groups, kept as they came and turned into one ordered list per group at the end.
//!
//! Nothing is allocated per group or per row while rows arrive: input columns are kept whole next to one group
//! number per row. At the end a counting sort brings the rows into group order, each group is sorted by the
//! row-format bytes of its keys, and every column is gathered once with the resulting permutation.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{SortOptions, filter, interleave};
use arrow::datatypes::{DataType, Field};
use arrow::row::{RowConverter, SortField};
use datafusion::common::{Result, exec_err, internal_datafusion_err, internal_err};

use super::columns::{column_bytes, gather};
use super::key_order::KeyOrder;

/// Input columns (the value first, then the keys) and the group of every row.
#[derive(Debug)]
struct Chunk {
    columns: Vec<ArrayRef>,
    groups: Vec<u32>,
}

/// The rows of all groups seen so far.
#[derive(Debug)]
pub(crate) struct SortedLists {
    /// Type of the value, then of each key.
    types: Vec<DataType>,
    chunks: Vec<Chunk>,
    groups: usize,
    memory: usize,
    /// The addresses of the shared buffers that are counted already.
    seen: HashSet<usize>,
}

/// The rows of all chunks in list order.
struct Layout {
    /// Row numbers over the concatenated chunks; `None` when rows are already in list order.
    order: Option<Vec<u32>>,
    /// Where each group begins in that order, and the total at the end.
    offsets: Vec<u32>,
}

impl SortedLists {
    /// No groups yet. `types` are those of the value and of at least one key.
    pub(crate) fn new(types: Vec<DataType>) -> Self {
        Self { types, chunks: Vec::new(), groups: 0, memory: 0, seen: HashSet::new() }
    }

    /// Number of groups announced so far.
    pub(crate) fn groups(&self) -> usize {
        self.groups
    }

    /// Makes room for groups `0..groups`.
    pub(crate) fn reserve_groups(&mut self, groups: usize) {
        self.groups = self.groups.max(groups);
    }

    /// Memory held, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.memory + self.chunks.capacity() * size_of::<Chunk>()
    }

    /// Adds rows: one group number for each row of `columns`.
    pub(crate) fn push(&mut self, columns: Vec<ArrayRef>, groups: Vec<u32>) -> Result<()> {
        if columns.len() != self.types.len() || columns.iter().any(|column| column.len() != groups.len()) {
            return internal_err!("array_agg_sorted: columns and groups differ in number or length");
        }
        if let Some(group) = groups.iter().max().filter(|group| **group as usize >= self.groups) {
            return internal_err!("array_agg_sorted: group {group} was not announced");
        }
        if !groups.is_empty() {
            let bytes: usize = columns.iter().map(|column| column_bytes(column, &mut self.seen)).sum();
            self.memory += bytes + groups.capacity() * size_of::<u32>();
            self.chunks.push(Chunk { columns, groups });
        }
        Ok(())
    }

    /// Adds the elements of partial lists: row `i` of every list column belongs to group `groups[i]`.
    pub(crate) fn push_lists(&mut self, lists: &[ArrayRef], groups: &[u32]) -> Result<()> {
        let mut columns = Vec::with_capacity(lists.len());
        let mut lengths: Option<Vec<u32>> = None;
        for list in lists {
            let (elements, counts) = elements(list)?;
            if lengths.as_ref().is_some_and(|lengths| *lengths != counts) {
                return internal_err!("array_agg_sorted: partial lists of values and keys differ in length");
            }
            lengths = Some(counts);
            columns.push(elements);
        }
        let counts = lengths.unwrap_or_default();
        let repeated = groups
            .iter()
            .zip(&counts)
            .flat_map(|(&group, &count)| std::iter::repeat_n(group, count as usize));
        let repeated = repeated.collect();
        self.push(columns, repeated)
    }

    /// Takes groups `0..first` out; the others move down by that number.
    pub(crate) fn split_first(&mut self, first: usize) -> Result<Self> {
        let mut taken = Self::new(self.types.clone());
        if first >= self.groups {
            std::mem::swap(self, &mut taken);
            return Ok(taken);
        }
        taken.groups = first;
        let boundary = u32::try_from(first).unwrap_or(u32::MAX);
        let mut kept = Self::new(self.types.clone());
        kept.groups = self.groups - first;
        for chunk in std::mem::take(&mut self.chunks) {
            let leaves: BooleanArray = chunk.groups.iter().map(|&group| Some(group < boundary)).collect();
            let leaving = leaves.true_count();
            if leaving > 0 {
                taken.push(
                    select(&chunk.columns, &leaves)?,
                    part(&chunk.groups, |group| group < boundary, 0),
                )?;
            }
            if leaving < chunk.groups.len() {
                let stays = BooleanArray::new(!leaves.values(), None);
                let groups = part(&chunk.groups, |group| group >= boundary, boundary);
                kept.push(select(&chunk.columns, &stays)?, groups)?;
            }
        }
        *self = kept;
        Ok(taken)
    }

    /// The list of values of every group, ordered by the keys; NULL for a group without rows.
    pub(crate) fn ordered(&self) -> Result<ListArray> {
        let mut layout = self.group_order()?;
        self.sort_groups(&mut layout)?;
        let nulls: NullBuffer = layout
            .offsets
            .windows(2)
            .map(|bounds| bounds.first() != bounds.last())
            .collect::<Vec<_>>()
            .into();
        let nulls = (nulls.null_count() > 0).then_some(nulls);
        self.list(0, &layout, nulls)
    }

    /// The partial state: for the value and for each key the list of its elements, in no particular order but
    /// the same one for all columns. A group without rows has empty lists.
    pub(crate) fn unordered(&self) -> Result<Vec<ArrayRef>> {
        let layout = self.group_order()?;
        (0..self.types.len())
            .map(|column| Ok(Arc::new(self.list(column, &layout, None)?) as ArrayRef))
            .collect()
    }

    /// Rows by group, in order of arrival inside each group.
    fn group_order(&self) -> Result<Layout> {
        let rows: usize = self.chunks.iter().map(|chunk| chunk.groups.len()).sum();
        if i32::try_from(rows).is_err() {
            return exec_err!(
                "array_agg_sorted: {rows} rows do not fit into one list column (2^31 - 1); \
                 aggregate in more partitions or over a part of the input"
            );
        }
        let mut offsets = vec![0_u32; self.groups + 1];
        let mut in_order = true;
        let mut previous = 0;
        for &group in self.chunks.iter().flat_map(|chunk| &chunk.groups) {
            in_order &= previous <= group;
            previous = group;
            if let Some(count) = offsets.get_mut(group as usize + 1) {
                *count += 1;
            }
        }
        let mut total = 0;
        for offset in &mut offsets {
            total += *offset;
            *offset = total;
        }
        if in_order {
            return Ok(Layout { order: None, offsets });
        }
        let mut next = offsets.clone();
        let mut order = vec![0_u32; rows];
        for (row, &group) in (0_u32..).zip(self.chunks.iter().flat_map(|chunk| &chunk.groups)) {
            if let Some(position) = next.get_mut(group as usize) {
                if let Some(place) = order.get_mut(*position as usize) {
                    *place = row;
                }
                *position += 1;
            }
        }
        Ok(Layout { order: Some(order), offsets })
    }

    /// Orders the rows of each group by the keys and, where all keys are equal, by the value.
    fn sort_groups(&self, layout: &mut Layout) -> Result<()> {
        let rows = self.chunks.iter().map(|chunk| chunk.groups.len()).sum();
        let keys = self.chunks.iter().map(|chunk| chunk.columns.get(1..).unwrap_or_default());
        let keys = KeyOrder::try_new(self.types.get(1..).unwrap_or_default(), rows, keys)?;
        let mut order = layout.order.take().unwrap_or_else(|| (0..rows as u32).collect());
        let mut changed = false;
        let mut ties: Vec<Range<usize>> = Vec::new();
        let mut keyed: Vec<(u128, u32)> = Vec::new();
        for bounds in layout.offsets.windows(2) {
            let &[from, to] = bounds else { continue };
            let (from, to) = (from as usize, to as usize);
            let Some(group) = order.get_mut(from..to).filter(|group| group.len() > 1) else { continue };
            keyed.clear();
            keyed.extend(group.iter().map(|&row| (keys.leading(row), row)));
            let compare =
                |a: &(u128, u32), b: &(u128, u32)| a.0.cmp(&b.0).then_with(|| keys.compare_rest(a.1, b.1));
            if !keyed.is_sorted_by(|a, b| compare(a, b).is_le()) {
                keyed.sort_by(compare);
                changed = true;
                group.iter_mut().zip(&keyed).for_each(|(place, (_, row))| *place = *row);
            }
            let mut start = from;
            for run in keyed.chunk_by(|a, b| compare(a, b).is_eq()) {
                if run.len() > 1 {
                    ties.push(start..start + run.len());
                }
                start += run.len();
            }
        }
        changed |= self.order_ties(&ties, &mut order)?;
        let identity = !changed && order.iter().zip(0_u32..).all(|(&row, position)| row == position);
        layout.order = (!identity).then_some(order);
        Ok(())
    }

    /// Orders the rows of each range of `order` by their values, so that lists do not depend on the order of
    /// arrival. Values of types without an order stay as they arrived. True when there was anything to order.
    fn order_ties(&self, ties: &[Range<usize>], order: &mut [u32]) -> Result<bool> {
        let field = SortField::new_with_options(self.value_type()?.clone(), SortOptions::new(false, false));
        if ties.is_empty() || !RowConverter::supports_fields(std::slice::from_ref(&field)) {
            return Ok(false);
        }
        let tied: Vec<u32> =
            ties.iter().flat_map(|run| order.get(run.clone()).unwrap_or_default()).copied().collect();
        let values = self.values_at(&tied)?;
        let values = RowConverter::new(vec![field])?.convert_columns(&[values])?;
        let mut ranked: Vec<usize> = Vec::new();
        let mut start = 0;
        for run in ties {
            ranked.clear();
            ranked.extend(start..start + run.len());
            ranked.sort_by(|&a, &b| values.row(a).cmp(&values.row(b)));
            let places = order.get_mut(run.clone()).unwrap_or_default();
            places.iter_mut().zip(&ranked).for_each(|(place, &rank)| {
                if let Some(&row) = tied.get(rank) {
                    *place = row;
                }
            });
            start += run.len();
        }
        Ok(true)
    }

    /// The values of a few rows.
    fn values_at(&self, rows: &[u32]) -> Result<ArrayRef> {
        let mut ends = Vec::with_capacity(self.chunks.len());
        let mut end = 0;
        for chunk in &self.chunks {
            end += chunk.groups.len();
            ends.push(end);
        }
        let place = |row: usize| {
            let chunk = ends.partition_point(|end| *end <= row);
            let start = chunk.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
            (chunk, row - start)
        };
        let places: Vec<(usize, usize)> = rows.iter().map(|&row| place(row as usize)).collect();
        let parts: Vec<&dyn Array> =
            self.chunks.iter().filter_map(|chunk| chunk.columns.first()).map(|part| part.as_ref()).collect();
        Ok(interleave(&parts, &places)?)
    }

    fn value_type(&self) -> Result<&DataType> {
        self.types.first().ok_or_else(|| internal_datafusion_err!("array_agg_sorted without a value"))
    }

    /// A column as lists by group.
    fn list(&self, column: usize, layout: &Layout, nulls: Option<NullBuffer>) -> Result<ListArray> {
        let Some(data_type) = self.types.get(column) else {
            return internal_err!("array_agg_sorted has no column {column}");
        };
        let order = layout.order.as_ref().map(|order| UInt32Array::from(order.clone()));
        let elements = self.gather(column, order.as_ref())?;
        let offsets: ScalarBuffer<i32> = layout.offsets.iter().map(|&offset| offset as i32).collect();
        let field = Arc::new(Field::new_list_field(data_type.clone(), true));
        Ok(ListArray::try_new(field, OffsetBuffer::new(offsets), elements, nulls)?)
    }

    /// All rows of a column, in the given order.
    fn gather(&self, column: usize, order: Option<&UInt32Array>) -> Result<ArrayRef> {
        let parts: Vec<&dyn Array> = self
            .chunks
            .iter()
            .filter_map(|chunk| chunk.columns.get(column))
            .map(|part| part.as_ref())
            .collect();
        match self.types.get(column) {
            Some(data_type) => gather(data_type, &parts, order),
            None => internal_err!("array_agg_sorted has no column {column}"),
        }
    }
}

/// The elements of a list column and the number of them in each row. NULL lists have none.
fn elements(lists: &ArrayRef) -> Result<(ArrayRef, Vec<u32>)> {
    let Some(lists) = lists.as_list_opt::<i32>() else {
        return internal_err!("array_agg_sorted: a partial state is {} and not a list", lists.data_type());
    };
    if lists.null_count() > 0 {
        let known = BooleanArray::new((0..lists.len()).map(|row| lists.is_valid(row)).collect(), None);
        let (elements, counts) = elements(&filter(lists, &known)?)?;
        let mut counts = counts.into_iter();
        let all = known.values().iter().map(|known| if known { counts.next().unwrap_or(0) } else { 0 });
        return Ok((elements, all.collect()));
    }
    let offsets = lists.value_offsets();
    let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
    let counts = offsets.windows(2).map(|bounds| match bounds {
        &[from, to] => (to - from) as u32,
        _ => 0,
    });
    Ok((lists.values().slice(first as usize, (last - first) as usize), counts.collect()))
}

fn select(columns: &[ArrayRef], rows: &BooleanArray) -> Result<Vec<ArrayRef>> {
    if rows.true_count() == rows.len() {
        return Ok(columns.to_vec());
    }
    Ok(columns.iter().map(|column| filter(column, rows)).collect::<Result<_, _>>()?)
}

fn part(groups: &[u32], belongs: impl Fn(u32) -> bool, moved_down: u32) -> Vec<u32> {
    groups.iter().filter(|&&group| belongs(group)).map(|&group| group - moved_down).collect()
}
