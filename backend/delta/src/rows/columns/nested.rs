//! Cells of nested types, and of all types inside them: one by one.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, GenericListArray, OffsetSizeTrait};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::DataType;

use super::{Column, Lengths, Lines, Values, decimal_bytes, double_bytes, float_bytes, texts, unsupported};
use crate::rows::RowsError;

/// Where the items of the lists of an array are.
pub(super) enum Spans {
    /// From each of these to the next.
    Offsets(Vec<usize>),
    /// One after the other, each with as many.
    Equal(usize),
}

impl Spans {
    /// Offsets from the first of them on.
    fn of<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>) -> (Self, Range<usize>) {
        let first = offsets.first().map_or(0, |offset| offset.as_usize());
        let last = offsets.last().map_or(first, |offset| offset.as_usize());
        (Self::Offsets(offsets.iter().map(|offset| offset.as_usize() - first).collect()), first..last)
    }

    fn get(&self, row: usize) -> Range<usize> {
        match self {
            Self::Offsets(offsets) => offsets[row]..offsets[row + 1],
            Self::Equal(items) => row * items..(row + 1) * items,
        }
    }
}

/// The values of an array of lists, maps or structs.
pub(super) fn values(array: &ArrayRef, column: &str) -> Result<Values, RowsError> {
    Ok(match array.data_type() {
        DataType::List(_) => list(array.as_list::<i32>(), column)?,
        DataType::LargeList(_) => list(array.as_list::<i64>(), column)?,
        DataType::FixedSizeList(_, items) => {
            let spans = Spans::Equal(usize::try_from(*items).unwrap_or(0));
            let items = Column::new(array.as_fixed_size_list().values(), column)?;
            Values::List { spans, items: Box::new(items) }
        }
        DataType::Map(_, _) => {
            let map = array.as_map();
            let (spans, used) = Spans::of(map.offsets());
            let keys = Column::new(&map.keys().slice(used.start, used.len()), column)?;
            let values = Column::new(&map.values().slice(used.start, used.len()), column)?;
            Values::Map { spans, keys: Box::new(keys), values: Box::new(values) }
        }
        DataType::Struct(_) => {
            let fields = array.as_struct().columns().iter();
            Values::Struct(fields.map(|field| Column::new(field, column)).collect::<Result<_, _>>()?)
        }
        _ => return Err(unsupported(array, column)),
    })
}

fn list<O: OffsetSizeTrait>(array: &GenericListArray<O>, column: &str) -> Result<Values, RowsError> {
    let (spans, used) = Spans::of(array.offsets());
    if (0..array.len()).any(|row| u32::try_from(spans.get(row).len()).is_err()) {
        return Err(RowsError::TooLong { column: column.to_owned() });
    }
    // A slice of a large array keeps all of its items.
    let items = Column::new(&array.values().slice(used.start, used.len()), column)?;
    Ok(Values::List { spans, items: Box::new(items) })
}

/// Bytes that cells are written behind each other to. There is always room behind the last of them: what a copy of a fixed
/// size writes too much, the next cell writes over.
#[derive(Default)]
struct Tape {
    bytes: Vec<u8>,
    /// Where the next cell goes.
    end: usize,
}

impl Tape {
    /// Makes room for so many bytes.
    #[inline(always)]
    fn make_room(&mut self, count: usize) {
        if self.bytes.len() < self.end + count {
            self.bytes.resize(2 * (self.end + count), 0);
        }
    }

    /// Writes bytes.
    #[inline(always)]
    fn write<const N: usize>(&mut self, bytes: [u8; N]) {
        self.make_room(N);
        self.bytes[self.end..self.end + N].copy_from_slice(&bytes);
        self.end += N;
    }

    /// Writes a value and the byte before it.
    #[inline(always)]
    fn write_value<const N: usize>(&mut self, value: [u8; N]) {
        self.make_room(1 + N);
        let cell = &mut self.bytes[self.end..self.end + 1 + N];
        cell[0] = 1;
        cell[1..].copy_from_slice(&value);
        self.end += 1 + N;
    }

    /// Writes the cell of a text that stands in `source`.
    #[inline(always)]
    fn write_text(&mut self, source: &[u8], text: Range<usize>) {
        self.make_room(texts::room(text.len()));
        self.end = texts::write_text(&mut self.bytes, self.end, source, text.start, text.len(), true);
    }

    /// Writes the first byte of a value and the number of its items, which was found to fit when the column was made.
    #[inline(always)]
    fn write_count(&mut self, items: usize) {
        self.write_value(u32::try_from(items).unwrap_or(u32::MAX).to_le_bytes());
    }
}

/// The cells of some rows of a column.
#[derive(Default)]
pub(super) struct Encoded {
    tape: Tape,
    ends: Vec<usize>,
}

impl Encoded {
    /// Makes them those of `rows`. Gives their lengths.
    pub(super) fn fill(&mut self, column: &Column, rows: &Range<usize>) -> Lengths {
        self.tape.end = 0;
        self.ends.clear();
        for row in rows.clone() {
            column.push(row, &mut self.tape);
            self.ends.push(self.tape.end);
        }
        Lengths { most: self.cells().map(<[u8]>::len).max().unwrap_or(0), are_equal: false }
    }

    fn cells(&self) -> impl Iterator<Item = &[u8]> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.tape.bytes[start..*end])
    }

    pub(super) fn write(&self, lines: &mut Lines) {
        lines.write_ragged(self.cells(), |line, at, cell| {
            line[at..at + cell.len()].copy_from_slice(cell);
            at + cell.len()
        });
    }
}

impl Column {
    /// Appends the cell of a row.
    fn push(&self, row: usize, out: &mut Tape) {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return out.write([0]);
        }
        match &self.values {
            Values::Void => out.write([0]),
            Values::Boolean(values) => out.write_value([u8::from(values.value(row))]),
            Values::Byte(values) => out.write_value(values[row].to_le_bytes()),
            Values::Short(values) => out.write_value(values[row].to_le_bytes()),
            Values::Integer(values) => out.write_value(values[row].to_le_bytes()),
            Values::Long(values) => out.write_value(values[row].to_le_bytes()),
            Values::Float(values) => out.write_value(float_bytes(values[row])),
            Values::Double(values) => out.write_value(double_bytes(values[row])),
            Values::Decimal32(values) => out.write_value(decimal_bytes(values[row])),
            Values::Decimal64(values) => out.write_value(decimal_bytes(values[row])),
            Values::Decimal128(values) => out.write_value(decimal_bytes(values[row])),
            Values::Text { offsets, bytes } => {
                out.write_text(bytes, offsets[row] as usize..offsets[row + 1] as usize);
            }
            Values::LargeText { offsets, bytes } => {
                out.write_text(bytes, offsets[row] as usize..offsets[row + 1] as usize);
            }
            Values::View(views) => {
                let (source, text) = views.get(row);
                out.write_text(source, text);
            }
            Values::Equal { length, bytes } => out.write_text(bytes, row * length..(row + 1) * length),
            Values::List { spans, items } => {
                let span = spans.get(row);
                out.write_count(span.len());
                span.for_each(|item| items.push(item, out));
            }
            Values::Map { spans, keys, values } => {
                let span = spans.get(row);
                out.write_count(span.len());
                for entry in span {
                    keys.push(entry, out);
                    values.push(entry, out);
                }
            }
            Values::Struct(fields) => {
                out.write([1]);
                fields.iter().for_each(|field| field.push(row, out));
            }
        }
    }
}
