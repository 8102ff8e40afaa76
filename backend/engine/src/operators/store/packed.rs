//! Columns of few different texts take a byte a row while they wait.
//!
//! A text column has a view of 16 bytes for every row, however often its texts repeat. What kinds, origins and paths there
//! are in a batch of rows fits into a dictionary of a few entries, so a store keeps such columns as numbers of its
//! entries ([`packed`]). Readers get them back as they came ([`unpacked`]).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, StringViewArray, UInt8Array, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Schema, SchemaRef, UInt8Type};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::Result;

/// A dictionary has so many texts at most: what a byte can number.
const MOST_TEXTS: usize = 256;
/// On average, so many rows have the same text, or the dictionary gains little.
const ROWS_OF_A_TEXT: usize = 8;
/// Texts of so many bytes together are copied, so that a batch does not keep a page of a file for a few names.
const COPIED_BYTES: usize = 4096;
/// The slots of a hash table for [`MOST_TEXTS`] texts.
const SLOTS: usize = 4 * MOST_TEXTS;
/// The bytes of a view, less the one that stays.
const SAVED_BYTES_PER_ROW: usize = size_of::<u128>() - 1;
/// Texts of up to so many bytes are in their views (Arrow columnar format, variable-size binary view layout).
const INLINE_BYTES: usize = 12;

/// A batch with columns of few texts as dictionaries.
pub(super) struct Packed {
    pub(super) batch: RecordBatch,
    /// How many bytes more its rows take when they are read.
    pub(super) saved: usize,
}

/// Packs the columns of a batch where that pays.
///
/// # Errors
/// None that is known; Arrow could refuse a column.
pub(super) fn packed(batch: RecordBatch) -> Result<Packed> {
    let mut columns = batch.columns().to_vec();
    let mut fields: Vec<_> = batch.schema_ref().fields().iter().cloned().collect();
    let mut saved = 0;
    for (column, field) in columns.iter_mut().zip(&mut fields) {
        let Some(texts) = column.as_string_view_opt() else { continue };
        let Some(dictionary) = dictionary_of(texts)? else { continue };
        saved += texts.len() * SAVED_BYTES_PER_ROW;
        *field = Arc::new(field.as_ref().clone().with_data_type(dictionary.data_type().clone()));
        *column = Arc::new(dictionary);
    }
    if saved == 0 {
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

/// The texts as a dictionary, where they are few.
fn dictionary_of(texts: &StringViewArray) -> Result<Option<DictionaryArray<UInt8Type>>> {
    let Some((keys, firsts)) = numbered(texts) else { return Ok(None) };
    let different = take(texts, &UInt32Array::from(firsts), None)?;
    let different: &StringViewArray = different.as_string_view();
    let different =
        if different.total_buffer_bytes_used() <= COPIED_BYTES { different.gc() } else { different.clone() };
    let keys = UInt8Array::new(keys.into(), texts.nulls().cloned());
    Ok(Some(DictionaryArray::try_new(keys, Arc::new(different))?))
}

/// The number of each row's text, and for each number the first row with it; nothing where there are too many. The number
/// of NULL means nothing.
fn numbered(texts: &StringViewArray) -> Option<(Vec<u8>, Vec<u32>)> {
    let most = MOST_TEXTS.min(texts.len() / ROWS_OF_A_TEXT);
    let views = texts.views();
    let mut slots = [u16::MAX; SLOTS];
    let mut firsts: Vec<u32> = Vec::new();
    let mut keys = Vec::with_capacity(texts.len());
    let mut last: Option<(u128, u8)> = None;
    for (row, &view) in views.iter().enumerate() {
        if let Some((_, key)) = last.filter(|(known, _)| *known == view) {
            keys.push(key);
            continue;
        }
        if texts.is_null(row) {
            keys.push(0);
            continue;
        }
        let mut at = slot(view, texts.value(row));
        let key = loop {
            let number = *slots.get(at)?;
            let Some(&first) = firsts.get(usize::from(number)) else {
                if firsts.len() >= most {
                    return None;
                }
                let key = u8::try_from(firsts.len()).ok()?;
                *slots.get_mut(at)? = u16::from(key);
                firsts.push(u32::try_from(row).ok()?);
                break key;
            };
            let first = first as usize;
            if *views.get(first)? == view || texts.value(first) == texts.value(row) {
                break u8::try_from(number).ok()?;
            }
            at = (at + 1) % SLOTS;
        };
        last = Some((view, key));
        keys.push(key);
    }
    // NULL has a number that must be there.
    if firsts.is_empty() { None } else { Some((keys, firsts)) }
}

/// Where to look for a text first: its length and first bytes are in its view, and the last tell paths of a folder apart.
fn slot(view: u128, text: &str) -> usize {
    let rest = if text.len() <= INLINE_BYTES {
        (view >> 64) as u64
    } else {
        text.as_bytes().last_chunk().map_or(0, |last| u64::from_le_bytes(*last))
    };
    let mixed = ((view as u64) ^ rest.rotate_left(29)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 48) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use arrow::array::Int64Array;
    use arrow::datatypes::Field;

    use super::*;

    fn batch(texts: Vec<Option<String>>) -> RecordBatch {
        let rows: Vec<i64> = (0..).take(texts.len()).collect();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("id", Arc::new(Int64Array::from(rows))),
            ("text", Arc::new(StringViewArray::from_iter(texts))),
        ];
        RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(name, column)| (name, column, true)),
        )
        .unwrap()
    }

    fn is_packed(batch: &RecordBatch) -> bool {
        matches!(batch.column(1).data_type(), DataType::Dictionary(..))
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
            assert_eq!(saved, 15 * plain.num_rows());
            assert_eq!(batch.column(1).as_dictionary::<UInt8Type>().values().len(), count);
            assert_eq!(unpacked(&batch, plain.schema_ref()).unwrap(), plain);
        }
    }

    #[test]
    fn many_texts_few_rows_and_nothing_but_null_stay() {
        let many = (0..3000).map(|row| Some(format!("name {}", row % 257))).collect();
        for texts in [many, vec![Some("one".to_owned()); 7], vec![None; 100], Vec::new()] {
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
}
