//! Whether the footer of a data file, or of a checkpoint, makes sense, before anything is done for it.
//!
//! A Parquet file says in its footer how many row groups, columns and values it has, and the reader takes memory for
//! what it says. A file of a few kilobytes can claim two thousand million row groups, or four million million rows in
//! runs of one value. [`walk`] goes through the bytes of a footer and finds lists that claim more elements than there
//! are bytes; [`check`] compares what the parsed footer says with the size of the file.

use parquet::arrow::ARROW_SCHEMA_META_KEY;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};

use super::arrow_schema;

/// Bytes at the end of a file: the length of the footer, and a magic number.
pub(crate) const TAIL: u64 = 8;
/// A footer may be this long, in bytes: tens of thousands of columns in hundreds of row groups.
pub(crate) const FOOTER_BYTES: u64 = 256 * 1024 * 1024;
/// Rows that every file may have, whatever its size.
const ROWS: u64 = 1 << 24;
/// Rows more for each byte of the file: columns of one repeated value have some hundred.
const ROWS_PER_BYTE: u64 = 4096;
/// Bytes that every column of a row group may have after decompression.
const COLUMN_BYTES: u64 = 1 << 30;
/// Bytes more for each byte of the column in the file: Zstandard makes about 32,000 of one at most.
const BYTES_PER_BYTE: u64 = 32 * 1024;
/// As many bytes are read of a Bloom filter if the footer does not say how long it is.
pub(crate) const BLOOM_HEADER: usize = 20;
/// Bytes of a block of a Bloom filter.
const BLOCK: u64 = 32;
/// How deep the structures of a footer are nested; the format has five levels.
const DEPTH: usize = 16;

/// The length of the footer, from the last [`TAIL`] bytes of a file.
pub(crate) fn length(tail: &[u8], file_size: u64) -> Result<u64, String> {
    let (length, magic) = tail.split_first_chunk::<4>().ok_or("the file ends in its footer")?;
    if magic == b"PARE" {
        return Err("its footer is encrypted".into());
    }
    if magic != b"PAR1" {
        return Err("it is not a Parquet file".into());
    }
    let length = u64::from(u32::from_le_bytes(*length));
    if length > file_size.saturating_sub(TAIL + 4) {
        return Err(format!("its footer is said to have {length} bytes, the file has {file_size}"));
    }
    if length > FOOTER_BYTES {
        return Err(format!("its footer has {length} bytes; {FOOTER_BYTES} are read at most"));
    }
    Ok(length)
}

/// Goes through the bytes of a footer, a structure in Thrift's compact protocol.
pub(crate) fn walk(footer: &[u8]) -> Result<(), String> {
    Walk { rest: footer }.structure(DEPTH).ok_or_else(|| "its footer claims more than it holds".into())
}

/// Looks at a Bloom filter, or at its first [`BLOOM_HEADER`] bytes: a header says how many bytes follow. The reader takes
/// them for blocks, and looks one up without asking whether there is one.
pub(crate) fn bloom_filter(bytes: &[u8]) -> Result<(), String> {
    let mut walk = Walk { rest: bytes };
    let length = walk.bloom_filter_length();
    let rest = u64::try_from(walk.rest.len()).unwrap_or(u64::MAX);
    let is_beginning = bytes.len() <= BLOOM_HEADER;
    match length {
        Some(length) if length >= BLOCK && length % BLOCK == 0 && (is_beginning || rest == length) => Ok(()),
        _ => Err("a Bloom filter in it makes no sense".into()),
    }
}

struct Walk<'a> {
    rest: &'a [u8],
}

impl Walk<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn skip(&mut self, bytes: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(bytes).ok()?..)?;
        Some(())
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn structure(&mut self, depth: usize) -> Option<()> {
        loop {
            let header = self.byte()?;
            if header == 0 {
                return Some(());
            }
            if header >> 4 == 0 {
                self.number()?;
            }
            // Whether a field is true is in its header.
            if !matches!(header & 0x0f, 1 | 2) {
                self.value(header & 0x0f, depth)?;
            }
        }
    }

    fn value(&mut self, kind: u8, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            1..=3 => self.skip(1),
            4..=6 => self.number().map(drop),
            7 => self.skip(8),
            8 => {
                let length = self.number()?;
                self.skip(length)
            }
            9 | 10 => {
                let header = self.byte()?;
                let size = if header >> 4 == 15 { self.number()? } else { u64::from(header >> 4) };
                self.elements(size)?;
                (0..size).try_for_each(|_| self.value(header & 0x0f, depth))
            }
            11 => {
                let size = self.number()?;
                self.elements(size)?;
                let kinds = if size == 0 { 0 } else { self.byte()? };
                (0..size).try_for_each(|_| {
                    self.value(kinds >> 4, depth)?;
                    self.value(kinds & 0x0f, depth)
                })
            }
            12 => self.structure(depth),
            _ => None,
        }
    }

    /// What the header of a Bloom filter says of its length.
    fn bloom_filter_length(&mut self) -> Option<u64> {
        // Field 1, a whole number, whose sign is its last bit.
        let length = if self.byte()? == 0x15 { self.number()? } else { return None };
        self.structure(DEPTH)?;
        (length % 2 == 0).then_some(length / 2)
    }

    /// An element takes a byte at least.
    fn elements(&self, count: u64) -> Option<()> {
        (count <= u64::try_from(self.rest.len()).ok()?).then_some(())
    }
}

/// Compares what a footer says with the size of its file, and looks at the Arrow schema in it.
pub(crate) fn check(footer: &ParquetMetaData, file_size: u64) -> Result<(), String> {
    let counted =
        |count: i64| u64::try_from(count).map_err(|_| "it has a negative number of rows".to_owned());
    let mut rows: u64 = 0;
    for group in footer.row_groups() {
        rows = rows.saturating_add(counted(group.num_rows())?);
        for column in group.columns() {
            check_column(group, column, file_size)?;
        }
    }
    counted(footer.file_metadata().num_rows())?;
    if rows > ROWS.saturating_add(file_size.saturating_mul(ROWS_PER_BYTE)) {
        return Err(format!("it is said to have {rows} rows in {file_size} bytes"));
    }
    let pairs = footer.file_metadata().key_value_metadata().into_iter().flatten();
    let mut schemas = pairs.filter(|pair| pair.key == ARROW_SCHEMA_META_KEY);
    schemas.try_for_each(|pair| pair.value.as_deref().map_or(Ok(()), arrow_schema::check))
}

fn check_column(
    group: &RowGroupMetaData,
    column: &ColumnChunkMetaData,
    file_size: u64,
) -> Result<(), String> {
    let name = column.column_path().string();
    let size = |bytes: i64| u64::try_from(bytes).map_err(|_| format!("column `{name}` has a negative size"));
    let (stored, full) = (size(column.compressed_size())?, size(column.uncompressed_size())?);
    let start = size(column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset()))?;
    if start.checked_add(stored).is_none_or(|end| end > file_size) {
        return Err(format!("column `{name}` is said to lie beyond the end of the file"));
    }
    if full > COLUMN_BYTES.saturating_add(stored.saturating_mul(BYTES_PER_BYTE)) {
        return Err(format!("{stored} bytes of column `{name}` are said to be {full} after decompression"));
    }
    // Lists have as many values as they have elements.
    let is_flat = column.column_descr().max_rep_level() == 0;
    if column.num_values() < 0 || (is_flat && column.num_values() != group.num_rows()) {
        return Err(format!(
            "column `{name}` is said to have {} values in {} rows",
            column.num_values(),
            group.num_rows()
        ));
    }
    let values = u64::try_from(column.num_values()).unwrap_or(0);
    if values > ROWS.saturating_add(file_size.saturating_mul(ROWS_PER_BYTE)) {
        return Err(format!("column `{name}` is said to have {values} values in {file_size} bytes"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, ListArray, RecordBatch, StringArray};
    use arrow::datatypes::Int32Type;
    use parquet::arrow::ArrowWriter;
    use parquet::file::metadata::ParquetMetaDataReader;

    use super::*;

    fn file() -> Vec<u8> {
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), None]), None]);
        let columns: [(&str, ArrayRef); 3] = [
            ("id", Arc::new(Int64Array::from(vec![1, 2]))),
            ("name", Arc::new(StringArray::from(vec![Some("a"), None]))),
            ("list", Arc::new(lists)),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        bytes
    }

    fn footer(file: &[u8]) -> &[u8] {
        let size = file.len() as u64;
        let length = length(&file[file.len() - 8..], size).unwrap() as usize;
        &file[file.len() - 8 - length..file.len() - 8]
    }

    #[test]
    fn a_file_of_ours_makes_sense() {
        let file = file();
        walk(footer(&file)).unwrap();
        let parsed = ParquetMetaDataReader::decode_metadata(footer(&file)).unwrap();
        check(&parsed, file.len() as u64).unwrap();
        assert!(check(&parsed, 20).unwrap_err().contains("beyond the end"));
    }

    #[test]
    fn a_bloom_filter_has_the_blocks_it_says() {
        let header =
            |length: u8| vec![0x15, length * 2, 0x1c, 0x1c, 0, 0, 0x1c, 0x1c, 0, 0, 0x1c, 0x1c, 0, 0, 0];
        let with = |length: u8, bytes: usize| [header(length), vec![0; bytes]].concat();
        bloom_filter(&with(32, 32)).unwrap();
        bloom_filter(&with(32, 5)).unwrap();
        for wrong in [
            with(32, 31),
            with(32, 64),
            with(0, 0),
            with(0, 32),
            with(31, 31),
            vec![],
            header(32)[..9].to_vec(),
        ] {
            assert!(bloom_filter(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_footer_cut_anywhere_is_refused() {
        let file = file();
        let footer = footer(&file);
        for end in 0..footer.len() {
            assert!(walk(&footer[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn lists_that_claim_more_than_there_is_are_refused() {
        // Field 4, a list of 2,147,483,647 structures.
        let forged = [0x49, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00];
        assert!(walk(&forged).is_err());
        // A text of as many bytes, a map of as many entries, a structure in a structure without end.
        assert!(walk(&[0x18, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00]).is_err());
        assert!(walk(&[0x1b, 0xff, 0xff, 0xff, 0xff, 0x07, 0x55, 0x00]).is_err());
        assert!(walk(&[0x1c; 1000]).is_err());
    }

    #[test]
    fn what_is_no_footer_is_refused() {
        assert!(length(b"\x10\0\0\0PAR1", 100).is_ok());
        assert!(length(b"\xff\xff\xff\x7fPAR1", 100).unwrap_err().contains("2147483647 bytes"));
        assert!(length(b"\x10\0\0\0PARX", 100).unwrap_err().contains("not a Parquet file"));
        assert!(length(b"\x10\0\0\0PARE", 100).unwrap_err().contains("encrypted"));
        assert!(length(b"PAR1", 100).is_err());
    }
}
