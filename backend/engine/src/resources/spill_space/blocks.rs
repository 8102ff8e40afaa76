//! The bytes of a temporary file, in blocks that are compressed where that is wanted and makes them smaller.
//!
//! Sorted and joined rows repeat themselves: those of a code graph take about a third of the disk (LZ4). A block begins with
//! its length on the disk and its length in memory, four bytes each, the lowest first. If both are equal, it is not
//! compressed. Lengths are checked; what lies between them is taken for what was written: the file has no name, so that
//! nobody else writes to it.

use std::io;

use bytes::Bytes;
use lz4_flex::block::{compress_into, decompress_into, get_maximum_output_size};

/// The most bytes of a block in memory. LZ4 looks back so far.
pub(super) const BLOCK: usize = 64 * 1024;
/// The two lengths.
const HEADER: usize = 8;

/// A block of these bytes, as it lies in the file; smaller than they are if they are to be compressed and can be.
pub(super) fn encoded(bytes: &[u8], compress: bool) -> Vec<u8> {
    let mut block = vec![0; HEADER + get_maximum_output_size(bytes.len())];
    let (header, content) = block.split_at_mut(HEADER);
    // It cannot fail in a buffer of this size; if it did, the bytes would be written as they are.
    let compressed = if compress { compress_into(bytes, content).ok() } else { None };
    let compressed = compressed.filter(|length| *length < bytes.len());
    let length = compressed.unwrap_or(bytes.len());
    if compressed.is_none() {
        content[..length].copy_from_slice(bytes);
    }
    for (field, length) in header.chunks_exact_mut(HEADER / 2).zip([length, bytes.len()]) {
        // A block is smaller than four GiB.
        field.copy_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    }
    block.truncate(HEADER + length);
    block
}

/// Reads blocks of a file whose bytes come in pieces.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    bytes: Vec<u8>,
    /// How many of the bytes have been read.
    read: usize,
}

impl Blocks {
    /// Adds bytes that follow those before.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.read);
        self.read = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The content of the next block, if all of it is there.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn next(&mut self) -> io::Result<Option<Bytes>> {
        let unread = self.bytes.get(self.read..).unwrap_or_default();
        let Some((header, unread)) = unread.split_first_chunk::<HEADER>() else { return Ok(None) };
        let [a, b, c, d, e, f, g, h] = *header;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        let in_memory = u32::from_le_bytes([e, f, g, h]) as usize;
        if in_memory > BLOCK || length > in_memory {
            return Err(damaged());
        }
        let Some(stored) = unread.get(..length) else { return Ok(None) };
        let block = if length == in_memory {
            Bytes::copy_from_slice(stored)
        } else {
            let mut block = vec![0; in_memory];
            let written = decompress_into(stored, &mut block).map_err(|_| damaged())?;
            if written != in_memory {
                return Err(damaged());
            }
            Bytes::from(block)
        };
        self.read += HEADER + length;
        Ok(Some(block))
    }

    /// # Errors
    /// When there is a part of a block.
    pub(super) fn end(&self) -> io::Result<()> {
        if self.read == self.bytes.len() { Ok(()) } else { Err(damaged()) }
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a temporary file has other bytes than were written to it")
}

#[cfg(test)]
mod tests {
    use super::super::tests::content;
    use super::*;

    #[test]
    fn blocks_come_back_however_they_are_cut() {
        let contents = [
            vec![7; BLOCK],
            content(BLOCK, 1),
            vec![1],
            content(3, 2),
            b"again and again and again and again".to_vec(),
        ];
        let blocks = |compress| contents.iter().flat_map(move |content| encoded(content, compress));
        let whole: usize = contents.iter().map(|content| HEADER + content.len()).sum();
        assert_eq!(blocks(false).count(), whole);
        // Both kinds may follow each other.
        let file: Vec<u8> = blocks(true).chain(blocks(false)).collect();
        assert!(file.len() < whole + BLOCK + 1500, "only one takes its length: {}", file.len());
        let contents = [contents.clone(), contents.clone()].concat();
        for step in [1, 9, 1000, file.len()] {
            let (mut blocks, mut read) = (Blocks::default(), Vec::new());
            for piece in file.chunks(step) {
                blocks.push(piece);
                while let Some(block) = blocks.next().unwrap() {
                    read.push(block.to_vec());
                }
            }
            blocks.end().unwrap();
            assert!(read == contents, "pieces of {step}");
        }
    }

    #[test]
    fn lengths_that_cannot_be_are_an_error() {
        let whole = encoded(&vec![7; 1000], true);
        let mut blocks = Blocks::default();
        blocks.push(&whole[..whole.len() - 1]);
        assert!(blocks.next().unwrap().is_none() && blocks.end().is_err());
        // The lengths on the disk and in memory.
        for place in [3, 7] {
            let mut other = whole.clone();
            other[place] ^= 0x40;
            let mut blocks = Blocks::default();
            blocks.push(&other);
            assert!(blocks.next().is_err(), "{place}");
        }
    }
}
