//! The bytes of a text file, hashed and checked to be UTF-8 on the way.

use std::io::Read as _;

use ir::hash::ContentHash;

use super::{Piece, open, unchanged};
use crate::error::Position;
use crate::listing::ListedFile;
use crate::{FileError, Result};

/// What marks a text as UTF-8. It is no part of it.
const MARK: &[u8] = b"\xEF\xBB\xBF";

const CHUNK: usize = 1 << 20;

/// How large the pieces are that a text is divided into, or a little more. In tests, small texts have several too.
const PIECE: u64 = if cfg!(test) { 64 } else { 8 << 20 };

/// Where a text may be divided: between two rows.
#[derive(Debug, Default)]
pub(crate) struct Pieces(Vec<Piece>);

impl Pieces {
    /// A row begins at this byte, in this line: perhaps a piece does.
    pub(crate) fn row(&mut self, at: u64, line: u64) {
        if self.0.last().is_none_or(|piece| at - piece.start >= PIECE) {
            self.close(at);
            self.0.push(Piece { start: at, end: at, line, bytes: 0 });
        }
    }

    /// All of them, of a text that ends at this byte.
    pub(crate) fn end(&mut self, at: u64) -> Vec<Piece> {
        self.close(at);
        std::mem::take(&mut self.0)
    }

    fn close(&mut self, at: u64) {
        if let Some(piece) = self.0.last_mut() {
            piece.end = at;
            piece.bytes = at - piece.start;
        }
    }
}

/// What takes the bytes of a text.
pub(crate) trait Syntax {
    /// The next bytes, the first of which stands at this byte of the file.
    fn feed(&mut self, bytes: &[u8], at: u64) -> Result<()>;
    /// The text ends at this byte.
    fn end(&mut self, at: u64) -> Result<()>;
}

/// Feeds a text to its syntax; gives the hash of the file.
pub(crate) fn read(file: &ListedFile, syntax: &mut impl Syntax) -> Result<ContentHash> {
    let mut opened = open(file)?;
    let mut hasher = ContentHash::hasher();
    let mut encoding = Encoding { file, cut: Vec::new(), line: 1 };
    let mut chunk = vec![0; CHUNK];
    let mut at: u64 = 0;
    loop {
        let mut read = 0;
        // A mark must not be cut.
        while let Some(free) = chunk.get_mut(read..).filter(|free| !free.is_empty()) {
            match opened.read(free) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(FileError::unreadable(&file.shown, error)),
            }
        }
        let bytes = chunk.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        hasher.add(bytes);
        let text = if at == 0 { without_mark(file, bytes)? } else { bytes };
        let begins = at + (bytes.len() - text.len()) as u64;
        encoding.check(text, begins)?;
        syntax.feed(text, begins)?;
        at += bytes.len() as u64;
    }
    encoding.end(at)?;
    syntax.end(at)?;
    unchanged(file, &opened)?;
    Ok(hasher.finish())
}

/// How many bytes a text begins with that are no part of it.
pub(crate) fn mark(beginning: &[u8]) -> u64 {
    if beginning.starts_with(MARK) { MARK.len() as u64 } else { 0 }
}

/// A text without its mark; other encodings have marks of their own.
fn without_mark<'a>(file: &ListedFile, bytes: &'a [u8]) -> Result<&'a [u8]> {
    let compressed = [(&b"\x1F\x8B"[..], "gzip"), (b"\x28\xB5\x2F\xFD", "zstd"), (b"BZh", "bzip2")];
    if let Some((_, name)) = compressed.into_iter().find(|(magic, _)| bytes.starts_with(magic)) {
        let reason =
            format!("it is compressed ({name}), which this build does not read; decompress it first");
        return Err(FileError::content(&file.shown, Position::File, reason));
    }
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        let reason = "it is written in UTF-16; write it in UTF-8";
        return Err(FileError::content(&file.shown, Position::LineAndByte(1, 0), reason));
    }
    Ok(bytes.strip_prefix(MARK).unwrap_or(bytes))
}

/// Whether bytes are UTF-8, piece by piece.
struct Encoding<'a> {
    file: &'a ListedFile,
    /// The beginning of a letter that the last piece ended in.
    cut: Vec<u8>,
    line: u64,
}

impl Encoding<'_> {
    fn check(&mut self, bytes: &[u8], at: u64) -> Result<()> {
        let mut rest = bytes;
        let mut begins = at;
        while !self.cut.is_empty() {
            let Some((&next, others)) = rest.split_first() else { return Ok(()) };
            self.cut.push(next);
            (rest, begins) = (others, begins + 1);
            match std::str::from_utf8(&self.cut) {
                Ok(_) => self.cut.clear(),
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return Err(self.wrong(begins - self.cut.len() as u64)),
            }
        }
        match std::str::from_utf8(rest) {
            Ok(_) => self.line += lines(rest),
            Err(error) => {
                let (valid, invalid) = rest.split_at(error.valid_up_to());
                self.line += lines(valid);
                if error.error_len().is_some() {
                    return Err(self.wrong(begins + valid.len() as u64));
                }
                self.cut = invalid.to_vec();
            }
        }
        Ok(())
    }

    fn end(&self, at: u64) -> Result<()> {
        if self.cut.is_empty() { Ok(()) } else { Err(self.wrong(at - self.cut.len() as u64)) }
    }

    fn wrong(&self, at: u64) -> FileError {
        let reason = "the bytes here are no UTF-8: the file is written in another encoding, or damaged; write it in UTF-8";
        FileError::content(&self.file.shown, Position::LineAndByte(self.line, at), reason)
    }
}

/// How many lines end in a text.
pub(crate) fn lines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte == b'\n')).sum()
}
