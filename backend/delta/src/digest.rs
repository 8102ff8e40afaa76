//! The digest of a file.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use hash::ContentHash;

/// The digest of the bytes of a file, read piece by piece.
pub(crate) fn of_file(path: &Path) -> io::Result<ContentHash> {
    let mut hasher = ContentHash::hasher();
    let mut file = File::open(path)?;
    let mut piece = vec![0; 64 << 10];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hasher.finish()),
            read => hasher.add(piece.get(..read).unwrap_or_default()),
        }
    }
}
