//! Cells of texts and of bytes.
//!
//! The words of one of up to 44 bytes are its length and its bytes themselves. Of those of up to 12 bytes there is one pair,
//! and Arrow's views are this pair as they stand.

use std::hint::select_unpredictable;
use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, GenericByteArray, GenericByteViewArray, OffsetSizeTrait};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{ByteArrayType, ByteViewType, DataType};
use twox_hash::XxHash3_128;

use super::{Cells, Keys, Values};

/// Bytes of the longest text that is one pair of words, and that a view holds itself.
const SHORT: usize = 12;
/// Bytes of the longest text that is three pairs of words. The words of longer ones are their hash.
const MIDDLE: usize = 44;
/// Bytes of a word.
const WORD: usize = size_of::<u64>();

/// The values of an array of texts or bytes; nothing for other arrays.
pub(super) fn values(array: &ArrayRef) -> Option<Values> {
    Some(match array.data_type() {
        DataType::Utf8 => Values::Text(Offsets::of(array.as_string())),
        DataType::Binary => Values::Text(Offsets::of(array.as_binary())),
        DataType::LargeUtf8 => Values::LargeText(Offsets::of(array.as_string())),
        DataType::LargeBinary => Values::LargeText(Offsets::of(array.as_binary())),
        DataType::Utf8View => Values::View(Views::of(array.as_string_view())),
        DataType::BinaryView => Values::View(Views::of(array.as_binary_view())),
        DataType::FixedSizeBinary(_) => {
            let array = array.as_fixed_size_binary();
            let length = usize::try_from(array.value_length()).unwrap_or(0);
            Values::Equal(Equal { length, bytes: array.values().clone() })
        }
        _ => return None,
    })
}

/// What the text in `source` from `start` on adds.
#[inline(always)]
fn cell(keys: &Keys, source: &[u8], start: usize, length: usize, last: &mut Last) -> u128 {
    let text = &source[start..start + length];
    if length <= SHORT {
        return keys.pair::<0>(short(source, start, length));
    }
    if length <= MIDDLE {
        let first = word(text, 0) << u32::BITS | length as u64;
        return keys.pair::<0>([first, word(text, 4)]).wrapping_add(behind(keys, text));
    }
    let is_last = last.range.len() == length && source[last.range.clone()] == *text;
    if !is_last {
        *last = Last { range: start..start + length, added: long(keys, text) };
    }
    last.added
}

/// The last long text: the same often stands in many rows after each other.
#[derive(Default)]
struct Last {
    /// Where it stands.
    range: Range<usize>,
    added: u128,
}

/// The words of a text of up to [`SHORT`] bytes: what a view of it is.
#[inline(always)]
fn short(source: &[u8], start: usize, length: usize) -> [u64; 2] {
    let copied;
    let text: &[u8; SHORT] = match source[start..].first_chunk() {
        Some(text) => text,
        None => {
            copied = at_the_end(&source[start..start + length]);
            &copied
        }
    };
    let own = &OWN[SHORT - length..];
    let own_word = |at: usize| word(text, at) & word(own, at);
    [own_word(0) << u32::BITS | length as u64, own_word(4)]
}

/// Ones for bytes of a short text, zeros for those behind it, from where its length says: copying so many bytes as there are
/// would be a call, and many times slower.
static OWN: [u8; 2 * SHORT] = {
    let mut own = [0; 2 * SHORT];
    let mut byte = 0;
    while byte < SHORT {
        own[byte] = u8::MAX;
        byte += 1;
    }
    own
};

/// A short text behind which its source has no more bytes.
#[cold]
fn at_the_end(text: &[u8]) -> [u8; SHORT] {
    let mut copied = [0; SHORT];
    copied[..text.len()].copy_from_slice(text);
    copied
}

/// What the bytes of a text behind the first [`SHORT`] add, of which there are some and up to [`MIDDLE`] in all. The last word
/// ends where the text does, and what would stand behind it is that word again: there is no branch on the length, which
/// would often be guessed wrong, and nothing outside of the text is read.
#[inline(always)]
fn behind(keys: &Keys, text: &[u8]) -> u128 {
    let last = text.len() - WORD;
    let word = |at: usize| word(text, at.min(last));
    keys.pair::<1>([word(12), word(20)]).wrapping_add(keys.pair::<2>([word(28), word(36)]))
}

#[inline(always)]
fn word(text: &[u8], at: usize) -> u64 {
    let mut word = [0; WORD];
    word.copy_from_slice(&text[at..at + WORD]);
    u64::from_le_bytes(word)
}

/// What a text of more than [`MIDDLE`] bytes adds.
#[inline(never)]
fn long(keys: &Keys, text: &[u8]) -> u128 {
    keys.pair::<3>(halves(XxHash3_128::oneshot(text)))
}

#[inline(always)]
fn halves(both: u128) -> [u64; 2] {
    [both as u64, (both >> 64) as u64]
}

/// Texts that stand behind each other.
pub(super) struct Offsets<O: OffsetSizeTrait> {
    offsets: OffsetBuffer<O>,
    bytes: Buffer,
}

impl<O: OffsetSizeTrait> Offsets<O> {
    fn of<T: ByteArrayType<Offset = O>>(array: &GenericByteArray<T>) -> Self {
        Self { offsets: array.offsets().clone(), bytes: array.values().clone() }
    }

    pub(super) fn add(&self, rows: Range<usize>, cells: Cells<'_>) {
        let keys = *cells.keys;
        let (starts, ends) = (&self.offsets[rows.start..rows.end], &self.offsets[rows.start + 1..=rows.end]);
        let texts = starts.iter().zip(ends).map(|(start, end)| (start.as_usize(), end.as_usize()));
        if are_longer(texts.clone().map(|(start, end)| end - start), SHORT) {
            let mut last = Last::default();
            cells.add_valid(texts, |(start, end), _| cell(&keys, &self.bytes, start, end - start, &mut last));
        } else {
            cells.add(texts, |(start, end)| keys.pair::<0>(short(&self.bytes, start, end - start)));
        }
    }
}

/// Bytes that are all of one length.
pub(super) struct Equal {
    length: usize,
    bytes: Buffer,
}

impl Equal {
    pub(super) fn add(&self, rows: Range<usize>, cells: Cells<'_>) {
        let (keys, mut last) = (*cells.keys, Last::default());
        cells.add_valid(rows, |row, _| cell(&keys, &self.bytes, row * self.length, self.length, &mut last));
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

    pub(super) fn add(&self, rows: Range<usize>, cells: Cells<'_>) {
        let keys = *cells.keys;
        let views = &self.views[rows.clone()];
        let lengths = views.iter().map(|view| length_of(*view));
        // What stands for NULL is no view of anything, and may say that it is long.
        let valid = |view: &u128, is_valid: bool| if is_valid { *view } else { 0 };
        if !are_longer(lengths.clone(), SHORT) {
            cells.add(views.iter(), |view| keys.pair::<0>(halves(*view)));
        } else if !are_longer(lengths, MIDDLE) {
            cells.add_valid(rows.zip(views), |(row, view), is_valid| {
                self.middle(&keys, row, valid(view, is_valid))
            });
        } else {
            let mut last = (0, 0);
            cells.add_valid(rows.zip(views), |(row, view), is_valid| {
                let view = valid(view, is_valid);
                if length_of(view) <= MIDDLE {
                    return self.middle(&keys, row, view);
                }
                if view != last.0 {
                    let (source, start) = self.place(row, view);
                    last = (view, long(&keys, &source[start..start + length_of(view)]));
                }
                last.1
            });
        }
    }

    /// What a text of up to [`MIDDLE`] bytes adds, also if it is short.
    #[inline(always)]
    fn middle(&self, keys: &Keys, row: usize, view: u128) -> u128 {
        let (source, start) = self.place(row, view);
        let text = &source[start..start + length_of(view).max(SHORT)];
        let behind = select_unpredictable(length_of(view) > SHORT, behind(keys, text), 0);
        // A view has the first four bytes of every text.
        keys.pair::<0>([view as u64, word(text, 4)]).wrapping_add(behind)
    }

    /// Where the text of a row stands. Found without branches, which would often be guessed wrong.
    #[inline(always)]
    fn place(&self, row: usize, view: u128) -> (&[u8], usize) {
        let is_long = length_of(view) > SHORT;
        let buffer = select_unpredictable(is_long, 1 + (view >> 64) as u32 as usize, 0);
        let behind_length = row * size_of::<u128>() + size_of::<u32>();
        let start = select_unpredictable(is_long, (view >> 96) as usize, behind_length);
        (&self.sources[buffer], start)
    }
}

/// The lowest 32 bits of a view are the length.
#[inline(always)]
fn length_of(view: u128) -> usize {
    view as u32 as usize
}

/// Whether some of the texts have more bytes than this. A difference is negative then; all are looked at together, which takes
/// a fraction of the time that the largest takes.
#[inline(always)]
fn are_longer(lengths: impl Iterator<Item = usize>, than: usize) -> bool {
    lengths.fold(0, |all, length| all | than.wrapping_sub(length)) > usize::MAX / 2
}
