//! Cells of texts and of bytes.

use std::hint::select_unpredictable;
use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, GenericByteArray, GenericByteViewArray, OffsetSizeTrait};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{ByteArrayType, ByteViewType, DataType};

use super::{Lengths, Lines, SLACK, Step, Values, unsupported};
use crate::rows::RowsError;

/// What stands before the bytes: whether there is a value, and their number.
const HEAD: usize = 5;
/// Texts of up to so many bytes are copied as so many: a branch on their length would be guessed wrong, and cost more.
const BLOCK: usize = 48;
// NULL ends before the head does.
const _: () = assert!(HEAD - 1 + BLOCK <= SLACK);
/// The longest text that a view holds itself.
const INLINE: usize = 12;

/// The values of an array of texts or bytes.
pub(super) fn values(array: &ArrayRef, column: &str) -> Result<Values, RowsError> {
    Ok(match array.data_type() {
        DataType::Utf8 => small(array.as_string()),
        DataType::Binary => small(array.as_binary()),
        DataType::LargeUtf8 => large(array.as_string(), column)?,
        DataType::LargeBinary => large(array.as_binary(), column)?,
        DataType::Utf8View => Values::View(Views::of(array.as_string_view())),
        DataType::BinaryView => Values::View(Views::of(array.as_binary_view())),
        DataType::FixedSizeBinary(_) => {
            let array = array.as_fixed_size_binary();
            let length = usize::try_from(array.value_length()).unwrap_or(0);
            Values::Equal { length, bytes: array.values().clone() }
        }
        _ => return Err(unsupported(array, column)),
    })
}

fn small<T: ByteArrayType<Offset = i32>>(array: &GenericByteArray<T>) -> Values {
    Values::Text { offsets: array.offsets().clone(), bytes: array.values().clone() }
}

fn large<T: ByteArrayType<Offset = i64>>(
    array: &GenericByteArray<T>,
    column: &str,
) -> Result<Values, RowsError> {
    let all = 0..array.len();
    if places(array.offsets(), &all).any(|(start, end)| u32::try_from(end - start).is_err()) {
        return Err(RowsError::TooLong { column: column.to_owned() });
    }
    Ok(Values::LargeText { offsets: array.offsets().clone(), bytes: array.values().clone() })
}

/// The lengths of the cells of `rows`.
pub(super) fn lengths<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>, rows: &Range<usize>) -> Lengths {
    // Longer ones were refused.
    Lengths::of(places(offsets, rows).map(|(start, end)| (end - start) as u32), HEAD)
}

/// Where the texts of `rows` begin and end.
fn places<O: OffsetSizeTrait>(
    offsets: &OffsetBuffer<O>,
    rows: &Range<usize>,
) -> impl Iterator<Item = (usize, usize)> + Clone {
    let (starts, ends) = (&offsets[rows.start..rows.end], &offsets[rows.start + 1..rows.end + 1]);
    starts.iter().zip(ends).map(|(start, end)| (start.as_usize(), end.as_usize()))
}

/// Writes the texts of a step.
pub(super) fn write<O: OffsetSizeTrait>(
    offsets: &OffsetBuffer<O>,
    source: &[u8],
    step: &Step,
    lines: &mut Lines,
) {
    let texts = places(offsets, &step.rows);
    match step.valid() {
        None if step.lengths.are_equal => {
            lines.write_alike(step.lengths.most, texts, |line, at, (start, stop)| {
                write_text(line, at, source, start, stop - start, true);
            });
        }
        None => lines.write_ragged(texts, |line, at, (start, stop)| {
            write_text(line, at, source, start, stop - start, true)
        }),
        Some(valid) => lines.write_ragged(texts.zip(valid), |line, at, ((start, stop), &valid)| {
            write_text(line, at, source, start, usize::from(valid) * (stop - start), valid)
        }),
    }
}

/// Views of texts.
pub(super) struct Views {
    views: ScalarBuffer<u128>,
    /// Where the texts stand. A short one stands in its view, behind its length; so the views are the first of the buffers.
    sources: Vec<Buffer>,
}

impl Views {
    fn of<T: ByteViewType + ?Sized>(array: &GenericByteViewArray<T>) -> Self {
        let views = array.views().clone();
        let buffers = array.data_buffers().iter().cloned();
        let sources = [views.inner().clone()].into_iter().chain(buffers).collect();
        Self { views, sources }
    }

    /// What the text of a row stands in, and where.
    #[inline(always)]
    pub(super) fn get(&self, row: usize) -> (&[u8], Range<usize>) {
        let length = length_of(self.views[row]);
        let (source, start) = self.place(row, self.views[row], length);
        (source, start..start + length)
    }

    /// Where the text of a row stands. Found without branches, which would often be guessed wrong.
    #[inline(always)]
    fn place(&self, row: usize, view: u128, length: usize) -> (&[u8], usize) {
        let is_long = length > INLINE;
        let buffer = select_unpredictable(is_long, 1 + (view >> 64) as u32 as usize, 0);
        let behind_length = row * size_of::<u128>() + size_of::<u32>();
        let start = select_unpredictable(is_long, (view >> 96) as usize, behind_length);
        (&self.sources[buffer], start)
    }

    /// The lengths of the cells of `rows` that have a value.
    pub(super) fn lengths(&self, rows: &Range<usize>, valid: Option<&[bool]>) -> Lengths {
        let lengths = self.views[rows.clone()].iter().map(|view| length_of(*view) as u32);
        match valid {
            None => Lengths::of(lengths, HEAD),
            // What stands for NULL is no view of anything, and may say that it is long.
            Some(valid) => {
                Lengths::of(lengths.zip(valid).map(|(length, valid)| u32::from(*valid) * length), HEAD)
            }
        }
    }

    /// Writes the texts of a step.
    pub(super) fn write(&self, step: &Step, lines: &mut Lines) {
        let all = step.rows.clone().zip(&self.views[step.rows.clone()]);
        let (most, are_short) = (step.lengths.most, step.lengths.most <= HEAD + INLINE);
        match step.valid() {
            None if step.lengths.are_equal && are_short => {
                lines.write_alike(most, all, |line, at, (_, view)| {
                    write_short(line, at, *view);
                });
            }
            None if step.lengths.are_equal => lines.write_alike(most, all, |line, at, (row, view)| {
                self.write_one(line, at, row, *view, true);
            }),
            None if are_short => lines.write_ragged(all, |line, at, (_, view)| write_short(line, at, *view)),
            None => {
                lines.write_ragged(all, |line, at, (row, view)| self.write_one(line, at, row, *view, true))
            }
            Some(valid) => lines.write_ragged(all.zip(valid), |line, at, ((row, view), &valid)| {
                self.write_one(line, at, row, *view, valid)
            }),
        }
    }

    /// Writes the cell of a view at `at`; gives its end.
    #[inline(always)]
    fn write_one(&self, line: &mut [u8], at: usize, row: usize, view: u128, valid: bool) -> usize {
        let length = usize::from(valid) * length_of(view);
        let (source, start) = self.place(row, view, length);
        write_text(line, at, source, start, length, valid)
    }
}

/// The lowest 32 bits of a view are the length.
#[inline(always)]
fn length_of(view: u128) -> usize {
    view as u32 as usize
}

// A call for every cell would take a third of the time, so these are not left to the compiler.

/// Writes the cell of a short text at `at`: its view has its length and its bytes as the cell does. Gives its end.
#[inline(always)]
fn write_short(line: &mut [u8], at: usize, view: u128) -> usize {
    let cell = &mut line[at..at + 1 + size_of::<u128>()];
    cell[0] = 1;
    cell[1..].copy_from_slice(&view.to_le_bytes());
    at + HEAD + length_of(view)
}

/// The room that the cell of a text of so many bytes is written to.
#[inline(always)]
pub(super) fn room(length: usize) -> usize {
    HEAD + length.max(BLOCK)
}

/// Writes the cell of a text at `at`, where there is [`room`] for it; gives its end.
#[inline(always)]
pub(super) fn write_text(
    line: &mut [u8],
    at: usize,
    source: &[u8],
    start: usize,
    length: usize,
    valid: bool,
) -> usize {
    let head = (u64::from(valid) | (length as u64) << 8).to_le_bytes();
    match source.get(start..start + BLOCK) {
        Some(from) if length <= BLOCK => {
            let cell = &mut line[at..at + HEAD + BLOCK];
            cell[..size_of::<u64>()].copy_from_slice(&head);
            cell[HEAD..].copy_from_slice(from);
        }
        _ => {
            line[at..at + size_of::<u64>()].copy_from_slice(&head);
            line[at + HEAD..at + HEAD + length].copy_from_slice(&source[start..start + length]);
        }
    }
    end_of_cell(at, length, valid)
}

/// The length of NULL is none.
#[inline(always)]
fn end_of_cell(at: usize, length: usize, valid: bool) -> usize {
    at + 1 + usize::from(valid) * (HEAD - 1) + length
}
