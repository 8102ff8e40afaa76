//! The best row of every group, for values and keys of any type Arrow's row format can order.

use arrow::array::{Array, ArrayRef, BooleanArray, UInt32Array};
use arrow::buffer::NullBuffer;
use arrow::compute::{SortOptions, cast, take};
use arrow::datatypes::DataType;
use arrow::row::{Row, RowConverter, SortField};
use datafusion::common::{Result, internal_err};

use super::passing;

/// Where a group's best row lies in the arena.
#[derive(Debug, Clone, Copy)]
struct Slot {
    start: usize,
    len: usize,
}

/// For every group the row that comes first by (key, value), kept as its row-format bytes: one comparison of
/// byte strings decides whether a row replaces the best one, whatever the types. All bytes lie in one arena,
/// which is compacted when more than half of it is garbage.
#[derive(Debug)]
pub(crate) struct BestRows {
    converter: RowConverter,
    value_type: DataType,
    key_type: DataType,
    slots: Vec<Option<Slot>>,
    arena: Vec<u8>,
    garbage: usize,
}

impl BestRows {
    /// No groups yet. `descending` prefers large keys; ties always prefer small values.
    pub(crate) fn try_new(value_type: DataType, key_type: DataType, descending: bool) -> Result<Self> {
        let key_order = SortOptions { descending, nulls_first: false };
        let converter = RowConverter::new(vec![
            SortField::new_with_options(key_type.clone(), key_order),
            SortField::new_with_options(value_type.clone(), SortOptions::new(false, false)),
        ])?;
        Ok(Self { converter, value_type, key_type, slots: Vec::new(), arena: Vec::new(), garbage: 0 })
    }

    /// Makes room for groups `0..groups`.
    pub(crate) fn reserve_groups(&mut self, groups: usize) {
        if groups > self.slots.len() {
            self.slots.resize(groups, None);
        }
    }

    /// Offers rows to their groups. Rows whose value or key is NULL, or that the filter does not let through,
    /// are skipped.
    pub(crate) fn offer(
        &mut self,
        value: &ArrayRef,
        key: &ArrayRef,
        filter: Option<&BooleanArray>,
        group_of: impl Fn(usize) -> usize,
    ) -> Result<()> {
        let known = known_rows(value, key, filter);
        let rows = self.converter.convert_columns(&[ArrayRef::clone(key), ArrayRef::clone(value)])?;
        for (index, row) in rows.iter().enumerate() {
            if known.as_ref().is_none_or(|known| known.is_valid(index)) {
                self.offer_row(group_of(index), row)?;
            }
        }
        if self.garbage > self.arena.len() / 2 {
            self.compact();
        }
        Ok(())
    }

    fn offer_row(&mut self, group: usize, row: Row<'_>) -> Result<()> {
        let bytes = row.data();
        let Some(slot) = self.slots.get_mut(group) else {
            return internal_err!("group {group} was not announced");
        };
        let reused = match slot {
            Some(best) => {
                let current = self.arena.get_mut(best.start..best.start + best.len).unwrap_or_default();
                if bytes >= &*current {
                    return Ok(());
                }
                self.garbage += best.len.saturating_sub(bytes.len());
                match current.get_mut(..bytes.len()) {
                    Some(place) => {
                        place.copy_from_slice(bytes);
                        best.len = bytes.len();
                        true
                    }
                    None => {
                        self.garbage += best.len;
                        false
                    }
                }
            }
            None => false,
        };
        if !reused {
            *slot = Some(Slot { start: self.arena.len(), len: bytes.len() });
            self.arena.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn compact(&mut self) {
        let mut arena = Vec::with_capacity(self.arena.len() - self.garbage);
        for slot in self.slots.iter_mut().flatten() {
            let start = arena.len();
            arena.extend_from_slice(self.arena.get(slot.start..slot.start + slot.len).unwrap_or_default());
            slot.start = start;
        }
        self.arena = arena;
        self.garbage = 0;
    }

    /// The values and keys of the best rows of groups `0..groups`; NULL for a group that saw none.
    pub(crate) fn columns(&self, groups: usize) -> Result<(ArrayRef, ArrayRef)> {
        let parser = self.converter.parser();
        let mut seen = 0;
        let mut positions = Vec::with_capacity(groups);
        let mut rows = Vec::new();
        for slot in self.slots.iter().take(groups) {
            positions.push(slot.map(|_| seen));
            if let Some(slot) = slot {
                let bytes = self.arena.get(slot.start..slot.start + slot.len).unwrap_or_default();
                rows.push(parser.parse(bytes));
                seen += 1;
            }
        }
        positions.resize(groups, None);
        let positions = UInt32Array::from(positions);
        let columns = self.converter.convert_rows(rows)?;
        let [key, value] = columns.as_slice() else {
            return internal_err!("the row format returned {} columns instead of 2", columns.len());
        };
        Ok((
            take(&cast(value, &self.value_type)?, &positions, None)?,
            take(&cast(key, &self.key_type)?, &positions, None)?,
        ))
    }

    /// Forgets groups `0..groups`; the others move down by that number.
    pub(crate) fn forget_first(&mut self, groups: usize) {
        let groups = groups.min(self.slots.len());
        self.garbage += self.slots.drain(..groups).flatten().map(|slot| slot.len).sum::<usize>();
        self.compact();
    }

    /// Forgets everything and releases the memory.
    pub(crate) fn clear(&mut self) {
        self.slots = Vec::new();
        self.arena = Vec::new();
        self.garbage = 0;
    }

    /// Number of groups announced so far.
    pub(crate) fn groups(&self) -> usize {
        self.slots.len()
    }

    /// Memory held, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.arena.capacity() + self.slots.capacity() * size_of::<Option<Slot>>() + self.converter.size()
    }
}

/// Valid where value and key are known and the filter lets the row through; `None` when that is everywhere.
pub(crate) fn known_rows(
    value: &ArrayRef,
    key: &ArrayRef,
    filter: Option<&BooleanArray>,
) -> Option<NullBuffer> {
    let known = NullBuffer::union(value.logical_nulls().as_ref(), key.logical_nulls().as_ref());
    let passed = filter.map(|filter| NullBuffer::new(passing(filter)));
    NullBuffer::union(known.as_ref(), passed.as_ref())
}
