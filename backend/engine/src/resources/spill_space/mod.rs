//! Where operators put rows for which there is no memory.
//!
//! One file without a name for each session, cut into extents: a temporary file of an operator is a list of extents. So
//! spilling needs one descriptor however many files operators make, an extent that is free again is used again, and
//! nothing is left on the disk however the process ends: the system takes the file back with its last descriptor. What
//! operators write is compressed ([`blocks`]).

mod blocks;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::human_readable_size;
use datafusion::execution::spill_file::{SpillFile, SpillWriter, TempFileFactory};
use futures::Stream;

use self::blocks::{BLOCK, Blocks};

/// How the error begins that says that there is no more space.
pub(crate) const SPILL_LIMIT: &str = "the limit for temporary files";
/// Bytes of an extent, and of a read.
const EXTENT: usize = 128 * 1024;
/// The part of the free disk that a session may use if nothing else is said, in percent.
const SHARE_OF_FREE_PERCENT: u64 = 80;
/// So many bytes are written as they are, and no more than this part of the limit.
const PLAIN_BYTES: u64 = 128 << 20;
const PLAIN_PART: u64 = 4;
/// The limit where the system does not tell what is free.
const UNKNOWN_FREE: u64 = 100 << 30;

/// The temporary files of a session.
#[derive(Debug)]
pub(crate) struct SpillSpace {
    folder: PathBuf,
    limit: u64,
    /// Made when the first operator spills.
    file: OnceLock<Arc<File>>,
    extents: Mutex<Extents>,
    written: AtomicU64,
}

#[derive(Debug, Default)]
struct Extents {
    /// Numbers of extents that were used and are free.
    free: Vec<u64>,
    /// How many there are.
    count: u64,
    /// The most that were in use at a time.
    peak: u64,
}

impl Extents {
    fn used(&self) -> u64 {
        self.count - u64::try_from(self.free.len()).unwrap_or(0)
    }
}

/// What a session put on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpillUse {
    /// The folder of the temporary file.
    pub folder: PathBuf,
    /// The most bytes it may take.
    pub limit_bytes: u64,
    /// The bytes it takes.
    pub used_bytes: u64,
    /// The most bytes it took.
    pub peak_bytes: u64,
    /// The bytes written to it.
    pub written_bytes: u64,
}

impl SpillSpace {
    /// Space in a folder, the system's if absent, of so many bytes at most; of a share of what is free if absent. The
    /// folder is made if need be.
    ///
    /// # Errors
    /// When no file can be made in the folder.
    pub(crate) fn new(folder: Option<&Path>, limit: Option<u64>) -> Result<Arc<Self>> {
        let folder = folder.map_or_else(std::env::temp_dir, Path::to_path_buf);
        let refused = |error: io::Error| {
            let text =
                format!("the folder for temporary files, {}, cannot be used: {error}", folder.display());
            DataFusionError::IoError(io::Error::new(error.kind(), text))
        };
        std::fs::create_dir_all(&folder).map_err(refused)?;
        // Before anything runs: a run must not find out in its middle.
        tempfile::tempfile_in(&folder).map_err(refused)?;
        let limit = limit.unwrap_or_else(|| free_bytes(&folder).map_or(UNKNOWN_FREE, share));
        let (extents, written) = (Mutex::default(), AtomicU64::new(0));
        Ok(Arc::new(Self { folder, limit, file: OnceLock::new(), extents, written }))
    }

    /// What has been put here.
    pub(crate) fn usage(&self) -> SpillUse {
        let extents = self.extents();
        SpillUse {
            folder: self.folder.clone(),
            limit_bytes: self.limit,
            used_bytes: extents.used() * EXTENT as u64,
            peak_bytes: extents.peak * EXTENT as u64,
            written_bytes: self.written.load(Ordering::Relaxed),
        }
    }

    /// Whether so much is in use that what follows is worth being compressed. Less the system keeps in its memory, where
    /// writing takes a part of the time of compressing.
    fn is_filling(&self) -> bool {
        self.extents().used() * EXTENT as u64 >= PLAIN_BYTES.min(self.limit / PLAIN_PART)
    }

    fn extents(&self) -> MutexGuard<'_, Extents> {
        self.extents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self) -> io::Result<&Arc<File>> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = Arc::new(tempfile::tempfile_in(&self.folder)?);
        Ok(self.file.get_or_init(|| file))
    }

    /// An extent for whoever asks.
    fn extent(&self) -> io::Result<u64> {
        let mut extents = self.extents();
        if (extents.used() + 1) * EXTENT as u64 > self.limit {
            return Err(io::Error::new(
                io::ErrorKind::QuotaExceeded,
                format!(
                    "{SPILL_LIMIT}, {}, is reached in {}",
                    human_readable_size(usize::try_from(self.limit).unwrap_or(usize::MAX)),
                    self.folder.display()
                ),
            ));
        }
        let extent = extents.free.pop().unwrap_or(extents.count);
        extents.count = extents.count.max(extent + 1);
        extents.peak = extents.peak.max(extents.used());
        Ok(extent)
    }
}

/// The part of the free disk that a session may use.
fn share(free: u64) -> u64 {
    free / 100 * SHARE_OF_FREE_PERCENT
}

/// What is free on the disk of a folder for this user, where the system tells.
fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

/// Makes temporary files of a space.
pub(crate) struct SpillFiles(pub(crate) Arc<SpillSpace>);

impl TempFileFactory for SpillFiles {
    fn create_temp_file(&self, _description: &str) -> Result<Arc<dyn SpillFile>> {
        Ok(Arc::new(ExtentFile(Arc::new(Content { space: Arc::clone(&self.0), held: Mutex::default() }))))
    }
}

/// A temporary file.
struct ExtentFile(Arc<Content>);

/// Its extents, which are free when nobody reads or writes them any more.
struct Content {
    space: Arc<SpillSpace>,
    held: Mutex<Held>,
}

#[derive(Clone, Debug, Default)]
struct Held {
    extents: Vec<u64>,
    length: usize,
}

impl Content {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a block at the end.
    fn append_block(&self, bytes: &[u8]) -> io::Result<()> {
        self.append(&blocks::encoded(bytes, self.space.is_filling()))
    }

    /// Adds bytes at the end.
    fn append(&self, mut bytes: &[u8]) -> io::Result<()> {
        let file = self.space.file()?;
        let mut held = self.held();
        while !bytes.is_empty() {
            let within = held.length % EXTENT;
            if within == 0 {
                held.extents.push(self.space.extent()?);
            }
            let Some(extent) = held.extents.last() else { break };
            let (now, later) = bytes.split_at(bytes.len().min(EXTENT - within));
            write_at(file, now, extent * EXTENT as u64 + within as u64)?;
            self.space.written.fetch_add(now.len() as u64, Ordering::Relaxed);
            held.length += now.len();
            bytes = later;
        }
        Ok(())
    }

    /// The bytes of one of its extents; nothing behind the last.
    fn read(&self, number: usize) -> io::Result<Option<Vec<u8>>> {
        let (extent, length) = {
            let held = self.held();
            let Some(extent) = held.extents.get(number) else { return Ok(None) };
            (*extent, (held.length - number * EXTENT).min(EXTENT))
        };
        let mut bytes = vec![0; length];
        read_at(self.space.file()?, &mut bytes, extent * EXTENT as u64)?;
        Ok(Some(bytes))
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        let extents = std::mem::take(&mut self.held().extents);
        self.space.extents().free.extend(extents);
    }
}

impl SpillFile for ExtentFile {
    fn size(&self) -> Option<u64> {
        u64::try_from(self.0.held().length).ok()
    }

    fn read_stream(&self) -> Result<Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>> {
        let reading = (Arc::clone(&self.0), 0, Blocks::default());
        Ok(Box::pin(futures::stream::try_unfold(reading, |(content, number, mut blocks)| async move {
            let mut next = number;
            loop {
                if let Some(block) = blocks.next()? {
                    return Ok(Some((block, (content, next, blocks))));
                }
                let own = Arc::clone(&content);
                let bytes = tokio::task::spawn_blocking(move || own.read(next)).await;
                let Some(bytes) = bytes.map_err(|error| DataFusionError::External(Box::new(error)))?? else {
                    blocks.end()?;
                    return Ok(None);
                };
                blocks.push(&bytes);
                next += 1;
            }
        })))
    }

    fn open_writer(&self) -> Result<Box<dyn SpillWriter>> {
        Ok(Box::new(ExtentWriter { content: Arc::clone(&self.0), buffer: Vec::with_capacity(BLOCK) }))
    }
}

/// Appends to a temporary file, block by block.
struct ExtentWriter {
    content: Arc<Content>,
    /// The beginning of the next block.
    buffer: Vec<u8>,
}

impl io::Write for ExtentWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(BLOCK - self.buffer.len());
        let (now, _) = bytes.split_at(taken);
        if taken == BLOCK {
            self.content.append_block(now)?;
        } else {
            self.buffer.extend_from_slice(now);
            if self.buffer.len() == BLOCK {
                self.flush()?;
            }
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.buffer.is_empty() {
            self.content.append_block(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }
}

impl SpillWriter for ExtentWriter {
    fn finish(&mut self) -> Result<()> {
        Ok(io::Write::flush(self)?)
    }
}

impl fmt::Debug for SpillFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "temporary files in {}", self.0.folder.display())
    }
}

fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}
