//! Rows without a value, as the reader sees them.

use std::io::{BufRead, Read};

use super::{Records, Step};

/// A text of rows with one column, in which empty lines are quoted values without a letter: the reader, which passes over empty
/// lines, makes rows of these.
pub(crate) struct BlankRows<R> {
    text: R,
    records: Records,
    /// What was made of the text and not read yet.
    made: Vec<u8>,
    read: usize,
}

impl<R: BufRead> BlankRows<R> {
    /// Over a text whose rows `records` has yet to find.
    pub(crate) fn new(text: R, records: Records) -> Self {
        Self { text, records, made: Vec::new(), read: 0 }
    }

    /// Makes more of the text; nothing where it has ended.
    fn make(&mut self) -> std::io::Result<()> {
        self.made.clear();
        self.read = 0;
        let bytes = self.text.fill_buf()?;
        let quote = self.records.form.quote;
        for byte in bytes {
            // The text was looked at before, so it has no faults.
            let step = self.records.step(*byte, 0).map_err(std::io::Error::other)?;
            if step == Step::BlankRow {
                self.made.extend([quote, quote]);
            }
            self.made.push(*byte);
        }
        let used = bytes.len();
        self.text.consume(used);
        Ok(())
    }
}

impl<R: BufRead> Read for BlankRows<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.read == self.made.len() {
            self.make()?;
        }
        let left = self.made.get(self.read..).unwrap_or_default();
        let taken = left.len().min(into.len());
        if let (Some(into), Some(left)) = (into.get_mut(..taken), left.get(..taken)) {
            into.copy_from_slice(left);
        }
        self.read += taken;
        Ok(taken)
    }
}
