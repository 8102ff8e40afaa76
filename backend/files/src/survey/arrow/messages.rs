//! The messages of an Arrow IPC file, looked at before its reader sees them.
//!
//! The reader believes what messages say of themselves: it takes memory for a body of any length, cuts buffers out of it without
//! asking whether they are in it, and panics. A stream ends for it at the first mark of an end, whatever follows; a file has for
//! it the blocks that its footer names. So all messages are walked here, as the format orders them, which is the same in both
//! forms of it: a schema, then dictionaries and batches, then the end.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use arrow::datatypes::{DataType, Schema, UnionMode};
use arrow::ipc;

use crate::error::Position;
use crate::listing::ListedFile;
use crate::{FileError, Result};

/// What a file begins and ends with; a stream begins otherwise.
const MAGIC: &[u8] = b"ARROW1";
/// The beginning of a file, up to its first message.
const BEGINNING: u64 = 8;
/// What stands before the length of a message.
const CONTINUED: [u8; 4] = [0xFF; 4];
/// The length of what stands before a compressed buffer: its own, uncompressed.
const LENGTH: u64 = 8;
/// So many bytes one byte can stand for, compressed: a little more than any of the methods can do.
const MOST_COMPRESSED: u64 = 1 << 16;

/// Whether it is a file, and not a stream.
pub(super) fn is_file(opened: &mut File) -> std::io::Result<bool> {
    opened.seek(SeekFrom::Start(0))?;
    let mut beginning = Vec::new();
    std::io::Read::take(&mut *opened, MAGIC.len() as u64).read_to_end(&mut beginning)?;
    Ok(beginning == MAGIC)
}

/// Looks at all messages of a file or a stream.
pub(super) fn check(file: &ListedFile, opened: &mut File) -> Result<()> {
    let failed = |error: std::io::Error| FileError::unreadable(&file.shown, error);
    let is_file = is_file(opened).map_err(failed)?;
    let mut walk = Walk { file, opened, at: 0, end: file.stamp.size, blocks: Vec::new() };
    if !is_file {
        if !walk.messages()? {
            return Err(walk.wrong("the stream has no end; is the file cut?"));
        }
        return match walk.end - walk.at {
            0 => Ok(()),
            more => Err(walk.wrong(format!(
                "{more} bytes follow the end of its stream, from byte {} on; write what they hold to a file of its own",
                walk.at
            ))),
        };
    }
    let named = walk.footer()?;
    walk.padding()?;
    walk.messages()?;
    if walk.at == walk.end && walk.blocks == named {
        Ok(())
    } else {
        Err(walk
            .wrong("its footer does not name the messages that it has; is it put together of several files?"))
    }
}

/// Where a message is, as footers say it: its first byte, the bytes of its head, those of its body.
type Block = (u64, u64, u64);

struct Walk<'a> {
    file: &'a ListedFile,
    opened: &'a mut File,
    /// The byte that is looked at next, and the one behind the last message.
    at: u64,
    end: u64,
    /// Dictionaries and batches so far.
    blocks: Vec<Block>,
}

impl Walk<'_> {
    fn wrong(&self, reason: impl Into<String>) -> FileError {
        FileError::content(&self.file.shown, Position::File, reason)
    }

    fn damaged(&self, what: impl std::fmt::Display) -> FileError {
        self.wrong(format!("it is no Arrow file, or it is cut: at byte {}, {what}", self.at))
    }

    /// The bytes from a place on, as long as they are before the end.
    fn bytes(&mut self, at: u64, length: u64) -> Result<Vec<u8>> {
        if at.checked_add(length).is_none_or(|end| end > self.file.stamp.size) {
            return Err(self.damaged("it says that it goes on behind the end of the file"));
        }
        let failed = |error: std::io::Error| FileError::unreadable(&self.file.shown, error);
        self.opened.seek(SeekFrom::Start(at)).map_err(failed)?;
        let mut bytes = Vec::new();
        std::io::Read::take(&mut *self.opened, length).read_to_end(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }

    fn word(&mut self, at: u64) -> Result<[u8; 4]> {
        let bytes = self.bytes(at, 4)?;
        bytes.as_slice().try_into().map_err(|_| self.damaged("a length is missing"))
    }

    /// The blocks that the footer of a file names. Leaves the walk at the first message.
    fn footer(&mut self) -> Result<Vec<Block>> {
        let size = self.file.stamp.size;
        let tail = self.bytes(size.saturating_sub(10), 10.min(size))?;
        let length = tail.first_chunk().map(|length| i32::from_le_bytes(*length));
        let length = length.and_then(|length| u64::try_from(length).ok());
        let (true, Some(length)) = (size >= BEGINNING + 10 && tail.ends_with(MAGIC), length) else {
            return Err(self.damaged("there is no footer"));
        };
        let begins = (size - 10).checked_sub(length).filter(|begins| *begins >= BEGINNING);
        let Some(begins) = begins else { return Err(self.damaged("its footer is longer than the file")) };
        let bytes = self.bytes(begins, length)?;
        let footer = ipc::root_as_footer(&bytes).map_err(|error| self.damaged(error))?;
        let mut named: Vec<Block> = Vec::new();
        for block in footer.dictionaries().into_iter().chain(footer.recordBatches()).flatten() {
            let part = |number: i64| u64::try_from(number).unwrap_or(u64::MAX);
            let head = part(i64::from(block.metaDataLength()));
            named.push((part(block.offset()), head, part(block.bodyLength())));
        }
        // Readers take dictionaries first, wherever they are.
        named.sort_unstable();
        (self.at, self.end) = (BEGINNING, begins);
        Ok(named)
    }

    /// Goes to the first message: writers begin it at a multiple of what they align to.
    fn padding(&mut self) -> Result<()> {
        while self.at < self.end && self.word(self.at)? == [0; 4] {
            self.at += 4;
        }
        Ok(())
    }

    /// Goes behind the last message. Gives whether a mark of the end was there.
    fn messages(&mut self) -> Result<bool> {
        let mut schema = None;
        while self.at < self.end {
            let first = self.word(self.at)?;
            let prefix = if first == CONTINUED { 8 } else { 4 };
            let length = if first == CONTINUED { self.word(self.at + 4)? } else { first };
            let Ok(length) = u64::try_from(i32::from_le_bytes(length)) else {
                return Err(self.damaged("a message has a negative length"));
            };
            if length == 0 {
                self.at += prefix;
                return Ok(true);
            }
            let head = self.bytes(self.at + prefix, length)?;
            let message = ipc::root_as_message(&head).map_err(|error| self.damaged(error))?;
            let body = u64::try_from(message.bodyLength());
            let body = body.map_err(|_| self.damaged("the body of a message has a negative length"))?;
            let begins = self.at + prefix + length;
            if begins.checked_add(body).is_none_or(|end| end > self.end) {
                return Err(self.damaged("the body of a message goes on behind the end of the file"));
            }
            match schema.as_ref() {
                None => schema = Some(self.schema(&message)?),
                Some(schema) => {
                    self.batch(&message, schema, begins, body)?;
                    self.blocks.push((self.at, prefix + length, body));
                }
            }
            self.at = begins + body;
        }
        Ok(false)
    }

    fn schema(&self, message: &ipc::Message<'_>) -> Result<Schema> {
        let schema = message.header_as_schema();
        schema.map(ipc::convert::fb_to_schema).ok_or_else(|| self.damaged("there is no schema"))
    }

    /// Whether a dictionary or a batch has what the schema says, all of it in its body.
    fn batch(&mut self, message: &ipc::Message<'_>, schema: &Schema, begins: u64, body: u64) -> Result<()> {
        let dictionary = message.header_as_dictionary_batch();
        let batch = match &dictionary {
            Some(dictionary) => dictionary.data(),
            None => message.header_as_record_batch(),
        };
        let Some(batch) = batch else {
            return Err(self.damaged("there is neither a dictionary nor a batch"));
        };
        let nodes = batch.nodes().into_iter().flatten();
        let is_count = |number: i64, most: i64| (0..=most).contains(&number);
        if !is_count(batch.length(), i64::MAX)
            || !nodes
                .into_iter()
                .all(|node| is_count(node.length(), i64::MAX) && is_count(node.null_count(), node.length()))
        {
            return Err(self.damaged("a number of values is none"));
        }
        let buffers = batch.buffers();
        for buffer in buffers.into_iter().flatten() {
            let (offset, length) = (u64::try_from(buffer.offset()), u64::try_from(buffer.length()));
            let (Ok(offset), Ok(length)) = (offset, length) else {
                return Err(self.damaged("a buffer is at no place"));
            };
            if offset.checked_add(length).is_none_or(|end| end > body) {
                return Err(self.damaged("a buffer goes on behind the end of its message"));
            }
            if batch.compression().is_some() && length > 0 {
                self.compressed(begins + offset, length)?;
            }
        }
        let counts = batch.variadicBufferCounts().into_iter().flatten();
        let mut counts = counts.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        let has_null_buffers = message.version() < ipc::MetadataVersion::V5;
        // What a dictionary has is told by its field; its reader counts by itself, since it reads all of it.
        let needed =
            schema.fields().iter().map(|field| buffers_of(field.data_type(), has_null_buffers, &mut counts));
        let needed = needed.fold(0, usize::saturating_add);
        if dictionary.is_none() && buffers.map_or(0, |buffers| buffers.len()) < needed {
            return Err(self.damaged("a batch has fewer buffers than its schema has"));
        }
        Ok(())
    }

    /// Whether a compressed buffer says of itself what it can be.
    fn compressed(&mut self, at: u64, length: u64) -> Result<()> {
        let prefix = self.bytes(at, LENGTH.min(length))?;
        let uncompressed = prefix.first_chunk().map(|length| i64::from_le_bytes(*length));
        let is_possible = uncompressed.is_some_and(|uncompressed| {
            uncompressed == -1
                || u64::try_from(uncompressed)
                    .is_ok_and(|size| size <= length.saturating_mul(MOST_COMPRESSED))
        });
        if is_possible {
            Ok(())
        } else {
            Err(self.damaged("a compressed buffer cannot be as long as it says"))
        }
    }
}

/// How many buffers values of a type have in a message. `counts` are those of the types whose number is not fixed.
fn buffers_of(
    data_type: &DataType,
    has_null_buffers: bool,
    counts: &mut impl Iterator<Item = usize>,
) -> usize {
    let mut inner = |data_type: &DataType| buffers_of(data_type, has_null_buffers, &mut *counts);
    match data_type {
        DataType::Null => 0,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary => 3,
        DataType::Utf8View | DataType::BinaryView => counts.next().unwrap_or(usize::MAX).saturating_add(2),
        DataType::List(element) | DataType::LargeList(element) | DataType::Map(element, _) => {
            inner(element.data_type()).saturating_add(2)
        }
        DataType::ListView(element) | DataType::LargeListView(element) => {
            inner(element.data_type()).saturating_add(3)
        }
        DataType::FixedSizeList(element, _) => inner(element.data_type()).saturating_add(1),
        DataType::Struct(fields) => {
            fields.iter().map(|field| inner(field.data_type())).fold(1, usize::saturating_add)
        }
        DataType::RunEndEncoded(ends, values) => {
            inner(ends.data_type()).saturating_add(inner(values.data_type()))
        }
        DataType::Union(fields, mode) => {
            let own = 1 + usize::from(*mode == UnionMode::Dense) + usize::from(has_null_buffers);
            fields.iter().map(|(_, field)| inner(field.data_type())).fold(own, usize::saturating_add)
        }
        _ => 2,
    }
}
