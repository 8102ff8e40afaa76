//! What an extraction is told, and what it tells.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::ExtractError;

/// Which syntax nodes become rows of `syntax_nodes`. All other rows are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Syntax {
    /// All that have a name in their grammar.
    #[default]
    Whole,
    /// Those that other rows name.
    Named,
    /// None.
    None,
}

/// How to extract.
#[derive(Clone, Debug)]
pub struct Options {
    /// Largest source file that is parsed, in bytes; larger ones become rows of `extract_errors`. Values
    /// over 1 GiB count as 1 GiB.
    pub max_file_bytes: u64,
    /// How long one file may be worked on; one that takes longer becomes a row of `extract_errors`.
    pub file_time_limit: Duration,
    /// Which syntax nodes become rows.
    pub syntax: Syntax,
    /// Worker threads.
    pub threads: NonZeroUsize,
    /// Paths to leave out, as `.gitignore` patterns relative to the repository.
    pub exclude: Vec<String>,
    /// Ends the extraction once it is true.
    pub stop: Arc<AtomicBool>,
}

impl Default for Options {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self {
            max_file_bytes: 8 << 20,
            syntax: Syntax::Whole,
            file_time_limit: Duration::from_secs(30),
            threads,
            exclude: Vec::new(),
            stop: Arc::default(),
        }
    }
}

impl Options {
    /// Fails once the extraction is to end.
    pub(crate) fn must_go_on(&self) -> Result<(), ExtractError> {
        if self.stop.load(Ordering::Acquire) { Err(ExtractError::Stopped) } else { Ok(()) }
    }

    /// The limit that applies: spans are 32-bit offsets while a file is analysed.
    pub(crate) fn effective_limit(&self) -> u64 {
        self.max_file_bytes.min(1 << 30)
    }
}

/// What an extraction saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files found.
    pub files: u64,
    /// Files parsed.
    pub parsed: u64,
    /// Bytes in all files.
    pub bytes: u64,
    /// Syntax nodes.
    pub nodes: u64,
    /// Places the parser could not make sense of.
    pub parse_errors: u64,
    /// Files, or paths, that could not be extracted.
    pub extract_errors: u64,
    /// Files and folders that nobody meant to extract: ignored, excluded, links, pipes. A folder is one, with all in it.
    pub passed_over: u64,
    /// References for which spans do not give the scope the language's rule gives; 0 unless one scope would
    /// need two answers for one name.
    pub ambiguous_lookups: u64,
}

impl Summary {
    /// Counts what another part of the extraction saw.
    pub(crate) fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.parsed += other.parsed;
        self.bytes += other.bytes;
        self.nodes += other.nodes;
        self.parse_errors += other.parse_errors;
        self.extract_errors += other.extract_errors;
        self.passed_over += other.passed_over;
        self.ambiguous_lookups += other.ambiguous_lookups;
    }
}
