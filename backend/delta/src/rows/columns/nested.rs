//! Cells of nested types. What lies inside them is added up column by column too.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, GenericListArray, OffsetSizeTrait};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::DataType;

use super::{Cells, Column, Values, unsupported};
use crate::rows::RowsError;
use crate::rows::mixing::{KeyTree, Keys, hash_of};

/// Items whose states are made at a time: few enough that they stay in the nearest cache.
const STEP_ITEMS: usize = 512;

/// The values of an array of lists, maps or structs; `keys` are those of what lies inside.
pub(super) fn values(array: &ArrayRef, keys: &[KeyTree], column: &str) -> Result<Values, RowsError> {
    Ok(match array.data_type() {
        DataType::List(_) => list(array.as_list::<i32>(), keys, column)?,
        DataType::LargeList(_) => list(array.as_list::<i64>(), keys, column)?,
        DataType::FixedSizeList(_, items) => {
            let ends = Ends::Equal(usize::try_from(*items).unwrap_or(0));
            let items = columns([array.as_fixed_size_list().values()], keys, column)?;
            Values::List(Lists { ends, items: Items::of(items) })
        }
        DataType::Map(_, _) => {
            let map = array.as_map();
            let (ends, used) = Ends::of(map.offsets());
            let entries = [map.keys(), map.values()].map(|array| array.slice(used.start, used.len()));
            let items = columns(entries.iter(), keys, column)?;
            Values::List(Lists { ends, items: Items::of(items) })
        }
        DataType::Struct(_) => {
            let columns = columns(array.as_struct().columns(), keys, column)?;
            Values::Struct(Fields { columns, states: Vec::new() })
        }
        _ => return Err(unsupported(array, column)),
    })
}

fn list<O: OffsetSizeTrait>(
    array: &GenericListArray<O>,
    keys: &[KeyTree],
    column: &str,
) -> Result<Values, RowsError> {
    let (ends, used) = Ends::of(array.offsets());
    // A slice of a large array keeps all of its items.
    let items = array.values().slice(used.start, used.len());
    Ok(Values::List(Lists { ends, items: Items::of(columns([&items], keys, column)?) }))
}

fn columns<'a>(
    arrays: impl IntoIterator<Item = &'a ArrayRef>,
    keys: &[KeyTree],
    column: &str,
) -> Result<Vec<Column>, RowsError> {
    arrays.into_iter().zip(keys).map(|(array, keys)| Column::new(array, keys, column)).collect()
}

/// Where the items of the lists of an array end. Each list begins where the one before ends.
enum Ends {
    /// The beginning of the first list, and these.
    Offsets(Vec<usize>),
    /// Each has as many items.
    Equal(usize),
}

impl Ends {
    /// Those by offsets, counted from the first of them on; and the items that lists have.
    fn of<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>) -> (Self, Range<usize>) {
        let first = offsets.first().map_or(0, |offset| offset.as_usize());
        let last = offsets.last().map_or(first, |offset| offset.as_usize());
        (Self::Offsets(offsets.iter().map(|offset| offset.as_usize() - first).collect()), first..last)
    }

    /// Where the list of a row begins, and that of the row before ends.
    #[inline(always)]
    fn start(&self, row: usize) -> usize {
        match self {
            Self::Offsets(offsets) => offsets[row],
            Self::Equal(items) => row * items,
        }
    }
}

/// Lists, or maps.
pub(super) struct Lists {
    ends: Ends,
    items: Items,
}

impl Lists {
    pub(super) fn add(&mut self, rows: Range<usize>, cells: Cells<'_>) {
        let Self { ends, items } = self;
        let (keys, mut start) = (*cells.keys, ends.start(rows.start));
        items.begin(start..ends.start(rows.end));
        cells.add(rows, |row| {
            let list = start..ends.start(row + 1);
            start = list.end;
            items.sum(list, &keys)
        });
    }
}

/// What lists are made of, gone through from the first item to the last.
struct Items {
    /// One for the items of lists; keys and values of maps.
    columns: Vec<Column>,
    /// The items that lists of these rows have.
    all: Range<usize>,
    /// Those whose states are made.
    made: Range<usize>,
    states: Vec<u128>,
}

impl Items {
    fn of(columns: Vec<Column>) -> Self {
        Self { columns, all: 0..0, made: 0..0, states: Vec::new() }
    }

    fn begin(&mut self, all: Range<usize>) {
        self.made = all.start..all.start;
        self.all = all;
    }

    /// What a list adds: the sum of the hashes of its items, each with its number.
    #[inline(always)]
    fn sum(&mut self, list: Range<usize>, keys: &Keys) -> u128 {
        let (mut sum, mut number) = (0_u128, 0_u64);
        for item in list {
            if item >= self.made.end {
                self.step();
            }
            number += 1;
            let state = self.states[item - self.made.start].wrapping_add(keys.number(number));
            sum = sum.wrapping_add(hash_of(state));
        }
        sum
    }

    /// Makes the states of the next items.
    #[inline(never)]
    fn step(&mut self) {
        let start = self.made.end;
        self.made = start..self.all.end.min(start + STEP_ITEMS);
        self.states.clear();
        self.states.resize(self.made.len(), 0);
        self.columns.iter_mut().for_each(|column| column.add(self.made.clone(), &mut self.states));
    }
}

/// Structs.
pub(super) struct Fields {
    columns: Vec<Column>,
    /// What structs of these rows have, where some are NULL: then fields that have a value do not count.
    states: Vec<u128>,
}

impl Fields {
    pub(super) fn add(&mut self, rows: Range<usize>, cells: Cells<'_>) {
        let Self { columns, states } = self;
        if cells.valid.is_none() {
            return columns.iter_mut().for_each(|column| column.add(rows.clone(), cells.states));
        }
        states.clear();
        states.resize(rows.len(), 0);
        columns.iter_mut().for_each(|column| column.add(rows.clone(), states));
        cells.add(states.iter(), |state| *state);
    }
}
