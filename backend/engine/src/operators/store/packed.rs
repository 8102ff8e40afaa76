//! Columns of few different texts take a byte a row while they wait.
//!
//! A text column (`Utf8` or `Utf8View`) has a view of 16 bytes for every row, or a copy of the text, however often its texts repeat. What kinds, origins and paths there
//! are in a batch of rows fits into a dictionary of a few entries, so a store keeps such columns as numbers of its
//! entries ([`packed`]). Readers get them back as they came ([`unpacked`]).

#![expect(clippy::wildcard_enum_match_arm, reason = "types of Arrow of which few are meant")]

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, StringArrayType, UInt8Array, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Schema, SchemaRef, UInt8Type};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::Result;

use crate::operators::spill::{copied, is_scattered};

/// A dictionary has so many texts at most: what a byte can number.
const MOST_TEXTS: usize = 256;
/// On average, so many rows have the same text, or the dictionary gains little.
const ROWS_OF_A_TEXT: usize = 8;
/// Texts of so many bytes together are copied, so that a batch does not keep a page of a file for a few names.
const COPIED_BYTES: usize = 4096;
/// The slots of a hash table for [`MOST_TEXTS`] texts.
const SLOTS: usize = 4 * MOST_TEXTS;

/// A batch with columns of few texts as dictionaries.
pub(super) struct Packed {
    pub(super) batch: RecordBatch,
    /// How many bytes more its rows take when they are read.
    pub(super) saved: usize,
}

/// Packs the columns of a batch where that pays. Views of texts that point into many buffers get copies of their texts: what
/// is joined with them has the buffers of both sides, and operators look at all buffers of every batch.
///
/// # Errors
/// None that is known; Arrow could refuse a column.
pub(super) fn packed(batch: RecordBatch) -> Result<Packed> {
    let mut columns = batch.columns().to_vec();
    let mut fields: Vec<_> = batch.schema_ref().fields().iter().cloned().collect();
    let mut saved = 0;
    let mut gathered = false;
    for (column, field) in columns.iter_mut().zip(&mut fields) {
        let Some(dictionary) = dictionary_of(column)? else {
            if is_scattered(column) {
                *column = copied(column);
                gathered = true;
            }
            continue;
        };
        saved += plain_bytes(column).saturating_sub(dictionary.len());
        *field = Arc::new(field.as_ref().clone().with_data_type(dictionary.data_type().clone()));
        *column = Arc::new(dictionary);
    }
    if saved == 0 && !gathered {
        return Ok(Packed { batch, saved });
    }
    let batch = rebuilt(&batch, Arc::new(Schema::new(fields)), columns)?;
    Ok(Packed { batch, saved })
}

/// The batch as it came, with the columns of `schema`.
///
/// # Errors
/// None that is known; Arrow could refuse a column.
pub(super) fn unpacked(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    if batch.schema_ref() == schema {
        return Ok(batch.clone());
    }
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| unpacked_column(column, field.data_type()));
    rebuilt(batch, Arc::clone(schema), columns.collect::<Result<_>>()?)
}

/// A column of this type as it came.
///
/// # Errors
/// As [`unpacked`].
pub(super) fn unpacked_column(column: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    match dictionary(column, data_type) {
        Some(dictionary) => Ok(take(dictionary.values(), dictionary.keys(), None)?),
        None => Ok(Arc::clone(column)),
    }
}

/// The dictionary that stands for a column of this type; nothing where the column is as it came.
pub(super) fn dictionary<'a>(
    column: &'a ArrayRef,
    data_type: &DataType,
) -> Option<&'a DictionaryArray<UInt8Type>> {
    if column.data_type() == data_type { None } else { column.as_dictionary_opt() }
}

fn rebuilt(batch: &RecordBatch, schema: SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
}

/// The bytes that the rows of a column of texts take for themselves, without those that views share.
fn plain_bytes(texts: &ArrayRef) -> usize {
    match texts.as_string_opt::<i32>() {
        Some(texts) => {
            texts.value_offsets().last().zip(texts.value_offsets().first()).map_or(0, |(end, begin)| {
                size_of_val(texts.value_offsets()) + usize::try_from(end - begin).unwrap_or_default()
            })
        }
        None => texts.len() * size_of::<u128>(),
    }
}

/// A column of texts as a dictionary, where they are few.
fn dictionary_of(column: &ArrayRef) -> Result<Option<DictionaryArray<UInt8Type>>> {
    let numbered = match column.data_type() {
        DataType::Utf8 => numbered(column.as_string::<i32>()),
        DataType::Utf8View => numbered(column.as_string_view()),
        _ => None,
    };
    let Some((keys, firsts)) = numbered else { return Ok(None) };
    let different = take(column, &UInt32Array::from(firsts), None)?;
    let is_small =
        different.as_string_view_opt().is_some_and(|views| views.total_buffer_bytes_used() <= COPIED_BYTES);
    let different = if is_small || is_scattered(&different) { copied(&different) } else { different };
    let keys = UInt8Array::new(keys.into(), column.nulls().cloned());
    Ok(Some(DictionaryArray::try_new(keys, different)?))
}

/// The number of each row's text, and for each number the first row with it; nothing where there are too many. The number
/// of NULL means nothing.
fn numbered<'a>(texts: impl StringArrayType<'a>) -> Option<(Vec<u8>, Vec<u32>)> {
    let most = MOST_TEXTS.min(texts.len() / ROWS_OF_A_TEXT);
    let mut slots = [u16::MAX; SLOTS];
    let mut found: Vec<&str> = Vec::new();
    let mut firsts: Vec<u32> = Vec::new();
    let mut keys = Vec::with_capacity(texts.len());
    let mut last: Option<(&str, u8)> = None;
    for row in 0..texts.len() {
        if texts.is_null(row) {
            keys.push(0);
            continue;
        }
        let text = texts.value(row);
        if let Some((_, key)) = last.filter(|(known, _)| *known == text) {
            keys.push(key);
            continue;
        }
        let mut at = slot(text);
        let key = loop {
            let number = *slots.get(at)?;
            match found.get(usize::from(number)) {
                Some(known) if *known == text => break u8::try_from(number).ok()?,
                Some(_) => at = (at + 1) % SLOTS,
                None if found.len() >= most => return None,
                None => {
                    let key = u8::try_from(found.len()).ok()?;
                    *slots.get_mut(at)? = u16::from(key);
                    found.push(text);
                    firsts.push(u32::try_from(row).ok()?);
                    break key;
                }
            }
        };
        last = Some((text, key));
        keys.push(key);
    }
    if firsts.is_empty() && most > 0 {
        // All are NULL, and their number must be there.
        firsts.push(0);
    }
    if firsts.is_empty() { None } else { Some((keys, firsts)) }
}

/// Where to look for a text first. Kinds differ in their first bytes, and paths of a folder in their last.
fn slot(text: &str) -> usize {
    let bytes = text.as_bytes();
    let word = |bytes: Option<&[u8; 8]>| {
        bytes.map_or_else(
            || text.bytes().fold(0, |word, byte| word << 8 | u64::from(byte)),
            |bytes| u64::from_le_bytes(*bytes),
        )
    };
    let (first, last) = (word(bytes.first_chunk()), word(bytes.last_chunk()));
    let mixed = (first ^ last.rotate_left(29) ^ bytes.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 48) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray, StringViewArray};
    use arrow::datatypes::Field;

    use super::*;

    /// A batch with these texts in both layouts.
    fn batch(texts: Vec<Option<String>>) -> RecordBatch {
        let rows: Vec<i64> = (0..).take(texts.len()).collect();
        let columns: [(&str, ArrayRef); 3] = [
            ("id", Arc::new(Int64Array::from(rows))),
            ("views", Arc::new(StringViewArray::from_iter(texts.iter().map(Option::as_deref)))),
            ("copies", Arc::new(StringArray::from_iter(texts))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
    }

    fn is_packed(batch: &RecordBatch) -> bool {
        let packed = |column: usize| matches!(batch.column(column).data_type(), DataType::Dictionary(..));
        assert_eq!(packed(1), packed(2), "both layouts are alike");
        packed(1)
    }

    /// Short and long texts, some of which differ in one place only, with NULL first, last and between.
    #[test]
    fn few_texts_are_packed_and_come_back() {
        for count in [1, 2, 20, 256] {
            let text = |row: usize| match row % (count + 1) {
                0 => None,
                n if n % 3 == 0 => Some(format!("{n}")),
                n if n % 3 == 1 => Some(format!("/a/folder/with/a/name/{n}/module.py")),
                n => Some(format!("{n:07}/a/folder/with/a/name/module.py")),
            };
            let plain = batch((0..=count * 9).map(text).collect());
            let Packed { batch, saved } = packed(plain.clone()).unwrap();
            assert!(is_packed(&batch), "{count} texts");
            assert!(saved > 15 * plain.num_rows());
            assert_eq!(batch.column(1).as_dictionary::<UInt8Type>().values().len(), count);
            assert_eq!(unpacked(&batch, plain.schema_ref()).unwrap(), plain);
        }
    }

    #[test]
    fn nothing_but_null_is_packed() {
        let plain = batch(vec![None; 100]);
        let Packed { batch, .. } = packed(plain.clone()).unwrap();
        assert!(is_packed(&batch));
        assert_eq!(unpacked(&batch, plain.schema_ref()).unwrap(), plain);
    }

    #[test]
    fn many_texts_and_few_rows_stay() {
        let many = (0..3000).map(|row| Some(format!("name {}", row % 257))).collect();
        for texts in [many, vec![Some("one".to_owned()); 7], vec![None; 7], Vec::new()] {
            let plain = batch(texts);
            let Packed { batch, saved } = packed(plain.clone()).unwrap();
            assert!(!is_packed(&batch) && saved == 0);
            assert_eq!(unpacked(&batch, plain.schema_ref()).unwrap(), plain);
        }
    }

    /// A column that is a dictionary is none of ours.
    #[test]
    fn dictionaries_of_the_view_stay() {
        let keys = UInt8Array::from(vec![Some(0), None, Some(1)]);
        let values = StringViewArray::from(vec!["a", "b"]);
        let column = DictionaryArray::try_new(keys, Arc::new(values)).unwrap();
        let field = Field::new("kind", column.data_type().clone(), true);
        let schema = Arc::new(Schema::new(vec![field]));
        let plain = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(column)]).unwrap();
        assert_eq!(unpacked(&packed(plain.clone()).unwrap().batch, &schema).unwrap(), plain);
    }

    /// The texts of a batch must not keep the page they were read from, and large ones are not copied for every batch.
    #[test]
    fn small_texts_are_copied_and_large_ones_are_shared() {
        let long = |length: usize| batch(vec![Some("x".repeat(length)); 64]);
        for (plain, shares) in [(long(100), false), (long(10_000), true)] {
            let before = plain.column(1).as_string_view().data_buffers()[0].data_ptr();
            let Packed { batch, .. } = packed(plain.clone()).unwrap();
            let values = Arc::clone(batch.column(1).as_dictionary::<UInt8Type>().values());
            assert_eq!(values.as_string_view().data_buffers()[0].data_ptr() == before, shares);
        }
    }

    /// Joins hand on the buffers of both sides, and operators look at all buffers of every batch.
    #[test]
    fn texts_of_many_buffers_are_gathered() {
        let text = |row: usize| format!("/a/folder/with/a/name/{row}/module.py");
        let one = |row: usize| StringViewArray::from_iter_values([text(row)]);
        for (different, rows) in [(100, 100), (40, 400)] {
            let parts: Vec<_> = (0..rows).map(|row| one(row % different)).collect();
            let parts: Vec<&dyn Array> = parts.iter().map(|part| part as &dyn Array).collect();
            let scattered = arrow::compute::concat(&parts).unwrap();
            assert!(is_scattered(&scattered));
            let plain = RecordBatch::try_from_iter([("views", scattered)]).unwrap();
            let Packed { batch, .. } = packed(plain.clone()).unwrap();
            let held = match batch.column(0).as_dictionary_opt::<UInt8Type>() {
                Some(dictionary) => dictionary.values(),
                None => batch.column(0),
            };
            assert!(!is_scattered(held), "{different} texts");
            assert_eq!(unpacked(&batch, plain.schema_ref()).unwrap(), plain);
        }
    }
}
