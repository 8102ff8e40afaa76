//! The rows of a step, side by side, while columns write their cells to them.

/// Room behind the cells of a line. A copy of a fixed size is several times as fast as one of just the right size, and what
/// it writes too much, later cells of the row write over.
pub(in crate::rows) const SLACK: usize = 56;

/// Rows that cells are written to, all with the same room.
///
/// As long as the cells of every column were of one length, the next ones go to the same place in all lines, and nobody
/// looks at the ends of the lines.
#[derive(Clone, Default)]
pub(in crate::rows) struct Lines {
    bytes: Vec<u8>,
    /// Bytes of a line.
    stride: usize,
    /// Where the next cell of each line goes, but for `ahead`.
    ends: Vec<usize>,
    ahead: usize,
    /// Whether the ends differ.
    is_ragged: bool,
}

impl Lines {
    /// Begins `count` lines of at least `stride` bytes.
    pub(in crate::rows) fn begin(&mut self, count: usize, stride: usize) {
        self.stride = stride.max(1);
        self.ahead = 0;
        self.is_ragged = false;
        self.ends.clear();
        self.ends.resize(count, 0);
        if self.bytes.len() < count * self.stride {
            self.bytes.resize(count * self.stride, 0);
        }
    }

    /// The bytes that it keeps.
    pub(in crate::rows) fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// What was written to each line.
    pub(in crate::rows) fn rows(&self) -> impl Iterator<Item = &[u8]> {
        let lines = self.bytes.chunks_exact(self.stride).zip(&self.ends);
        lines.map(|(line, end)| &line[..*end + self.ahead])
    }

    /// Writes a cell of `length` bytes for each value. `write` gets the line and the place in it.
    #[inline(always)]
    pub(super) fn write_alike<T>(
        &mut self,
        length: usize,
        values: impl Iterator<Item = T>,
        write: impl Fn(&mut [u8], usize, T),
    ) {
        let (ahead, lines) = (self.ahead, self.bytes.chunks_exact_mut(self.stride));
        if self.is_ragged {
            for ((line, end), value) in lines.zip(&self.ends).zip(values) {
                write(line, *end + ahead, value);
            }
        } else {
            // There are more lines than values, if there were more in the step before.
            for (line, value) in lines.zip(values) {
                write(line, ahead, value);
            }
        }
        self.ahead += length;
    }

    /// Writes a cell for each value. `write` gets the line and the place in it, and gives the end of the cell.
    #[inline(always)]
    pub(super) fn write_ragged<T>(
        &mut self,
        values: impl Iterator<Item = T>,
        write: impl Fn(&mut [u8], usize, T) -> usize,
    ) {
        let ahead = std::mem::take(&mut self.ahead);
        self.is_ragged = true;
        let lines = self.bytes.chunks_exact_mut(self.stride);
        for ((line, end), value) in lines.zip(&mut self.ends).zip(values) {
            *end = write(line, *end + ahead, value);
        }
    }
}
