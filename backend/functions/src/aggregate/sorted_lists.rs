//! The rows of many groups, kept as they came and turned into one ordered list per group at the end.
//!
//! Nothing is allocated per group or per row while rows arrive: input columns are kept whole next to one group
//! number per row. [`GroupedRows`] makes the lists of them.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray};
use arrow::compute::filter;
use arrow::datatypes::DataType;
use datafusion::common::{Result, internal_err};

use super::columns::held_bytes;
use super::grouped_rows::{Chunks, GroupedRows, Place};

/// Input columns (the value first, then the keys) and the group of every row.
#[derive(Debug)]
struct Chunk {
    columns: Vec<ArrayRef>,
    groups: Vec<u32>,
}

/// The rows of all groups seen so far.
#[derive(Debug)]
pub struct SortedLists {
    /// Type of the value, then of each key.
    types: Vec<DataType>,
    chunks: Vec<Chunk>,
    groups: usize,
    /// The bytes of the columns, and of the numbers of their rows' groups.
    columns: usize,
    numbers: usize,
    /// The addresses of the shared buffers that are counted already.
    seen: HashSet<usize>,
}

impl SortedLists {
    /// No groups yet. `types` are those of the value and of at least one key.
    #[must_use]
    pub fn new(types: Vec<DataType>) -> Self {
        Self { types, chunks: Vec::new(), groups: 0, columns: 0, numbers: 0, seen: HashSet::new() }
    }

    /// Number of groups announced so far.
    pub(crate) fn groups(&self) -> usize {
        self.groups
    }

    /// Makes room for groups `0..groups`.
    pub fn reserve_groups(&mut self, groups: usize) {
        self.groups = self.groups.max(groups);
    }

    /// Memory held, in bytes. Buffers that several batches share are counted once.
    #[must_use]
    pub fn size(&self) -> usize {
        self.columns + self.size_besides_columns()
    }

    /// Memory held besides the columns, in bytes.
    #[must_use]
    pub fn size_besides_columns(&self) -> usize {
        self.numbers + self.chunks.capacity() * size_of::<Chunk>()
    }

    /// Adds rows: the value and the keys, and one group number for each row of them.
    ///
    /// # Errors
    /// When the columns do not fit each other or the types, or a group was not announced.
    pub fn push(&mut self, columns: Vec<ArrayRef>, groups: Vec<u32>) -> Result<()> {
        if columns.len() != self.types.len() || columns.iter().any(|column| column.len() != groups.len()) {
            return internal_err!("array_agg_sorted: columns and groups differ in number or length");
        }
        if let Some(group) = groups.iter().max().filter(|group| **group as usize >= self.groups) {
            return internal_err!("array_agg_sorted: group {group} was not announced");
        }
        if !groups.is_empty() {
            self.columns += held_bytes(&columns, &mut self.seen);
            self.numbers += groups.capacity() * size_of::<u32>();
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

    /// The rows by group, from which lists are made. The rows stay here as well.
    ///
    /// # Errors
    /// When there are 2^32 rows or more.
    pub fn grouped(&self) -> Result<GroupedRows> {
        let columns = self.chunks.iter().map(|chunk| chunk.columns.clone()).collect();
        let source = Box::new(Chunks { types: self.types.clone(), columns });
        let numbers: Vec<&[u32]> = self.chunks.iter().map(|chunk| chunk.groups.as_slice()).collect();
        let place = |chunk, row| Place { chunk: chunk as u32, row: row as u32 };
        GroupedRows::try_new(self.types.clone(), source, &numbers, place, self.groups)
    }

    /// The list of values of every group, ordered by the keys; NULL for a group without rows.
    pub(crate) fn ordered(&self) -> Result<ListArray> {
        self.grouped()?.ordered(0..self.groups)
    }

    /// The partial state: for the value and for each key the list of its elements, in no particular order but
    /// the same one for all columns. A group without rows has empty lists.
    pub(crate) fn unordered(&self) -> Result<Vec<ArrayRef>> {
        let rows = self.grouped()?;
        (0..self.types.len()).map(|column| Ok(Arc::new(rows.arrived(column)?) as ArrayRef)).collect()
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
