//! The archived form of a graph, and of what was proven about one: rkyv bytes behind a header.
//!
//! A run stores its graph in this form, and commands that read a graph take it. A compilation stores its [`Proofs`]; the next one
//! starts from them. Layout: eight bytes of
//! magic, four bytes of format version (little endian), twenty of BLAKE3 of the rest, then the archive: flat vectors,
//! for a graph those of [`FlatGraph`], edges by node index. Reading never trusts the bytes: magic,
//! version, checksum and every offset are checked first (bytecheck), and a graph that does not satisfy its phase is
//! found by the verifier like any other. The checksum catches damage that leaves a readable graph, such as another
//! letter in a name; it is no protection against forgery.

mod proofs;

pub use proofs::{Proofs, ProvenExpression, ProvenOperation, read_proofs, write_proofs};

use rkyv::rancor;
use rkyv::util::AlignedVec;

use crate::graph::{FlatGraph, Graph};

/// The first bytes of an archived graph.
const MAGIC: [u8; 8] = *b"CODEANIR";
/// Raised whenever the archived types change, of graphs or of proofs; archives of other versions are refused, never guessed
/// at. An archive of every version that was written stands among the fixtures of the pipeline (`driver/pipeline/testdata`),
/// where a test asks that it is refused by its number.
pub const FORMAT_VERSION: u32 = 7;
/// Header size; a multiple of the archive's alignment.
const HEADER: usize = 32;
/// Where the checksum lies in the header.
const CHECKSUM: std::ops::Range<usize> = 12..HEADER;

/// Why bytes could not be read as an archive.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The bytes do not start with the magic number.
    #[error("not an archive of this kind: the file does not start with `{}`", .0.escape_ascii())]
    Foreign([u8; 8]),
    /// The archive was written by a program with another format.
    #[error(
        "{kind} of format {found}, and this program reads format {FORMAT_VERSION}; compile the spec again, or use the \
         version of CodeAnatomy that wrote it"
    )]
    Version {
        /// What is archived, with its article.
        kind: &'static str,
        /// The version in the header.
        found: u32,
    },
    /// The bytes are damaged.
    #[error("the archive is damaged: {0}; compile the spec again")]
    Damaged(String),
}

/// Whether the bytes begin like an archive.
#[must_use]
pub fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// The archived form of a graph.
///
/// # Errors
/// When the archive would be larger than rkyv's 2 GiB offsets allow.
pub fn write(graph: &Graph) -> Result<Vec<u8>, ArchiveError> {
    let body = rkyv::to_bytes::<rancor::Error>(&graph.flatten()).map_err(damaged)?;
    Ok(seal(MAGIC, &body))
}

/// Puts the header before an archive.
fn seal(magic: [u8; 8], body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + body.len());
    bytes.extend_from_slice(&magic);
    bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes.extend(checksum(body));
    bytes.extend_from_slice(body);
    bytes
}

/// Reads an archived graph.
///
/// # Errors
/// When the bytes are not an archive, have another format version or are damaged.
pub fn read(bytes: &[u8]) -> Result<Graph, ArchiveError> {
    let body = open(MAGIC, "an archived graph", bytes)?;
    let flat = rkyv::from_bytes::<FlatGraph, rancor::Error>(&body).map_err(damaged)?;
    Graph::unflatten(flat).map_err(|error| ArchiveError::Damaged(error.to_string()))
}

/// The archive behind a header, aligned; `kind` says in messages what it is.
fn open(magic: [u8; 8], kind: &'static str, bytes: &[u8]) -> Result<AlignedVec, ArchiveError> {
    if !bytes.starts_with(&magic) {
        return Err(ArchiveError::Foreign(magic));
    }
    let version = bytes.get(8..12).and_then(|field| field.try_into().ok()).map(u32::from_le_bytes);
    match version {
        Some(FORMAT_VERSION) => {}
        Some(found) => return Err(ArchiveError::Version { kind, found }),
        None => return Err(ArchiveError::Damaged("it ends within its header".to_owned())),
    }
    // rkyv reads in place and needs its alignment, which a slice of a file does not promise.
    let mut aligned: AlignedVec = AlignedVec::with_capacity(bytes.len());
    aligned.extend_from_slice(bytes.get(HEADER..).unwrap_or_default());
    if bytes.get(CHECKSUM) != Some(checksum(&aligned).collect::<Vec<u8>>().as_slice()) {
        return Err(ArchiveError::Damaged("its checksum is wrong".to_owned()));
    }
    Ok(aligned)
}

/// The beginning of BLAKE3, as long as its place in the header.
fn checksum(body: &[u8]) -> impl Iterator<Item = u8> {
    hash::ContentHash::of(body).as_bytes().to_owned().into_iter().take(CHECKSUM.len())
}

fn damaged(error: rancor::Error) -> ArchiveError {
    ArchiveError::Damaged(error.to_string().lines().next().unwrap_or_default().to_owned())
}
