//! What compilations prove about a spec, kept from one to the next.
//!
//! Typing is what takes time in a compilation, and from one to the next most of it is the same. So the types that were
//! worked out are kept in `.codeanatomy/compiled/<spec>.proofs` beside the spec ([`ir::archive::Proofs`]): the next
//! compilation plans only what changed, and what reads it. A proof stands under its whole question, so a file can be
//! old, of another spec or gone; the result is the same, and only takes longer. So proofs of another build of the program,
//! in another format perhaps, are replaced without a warning, and those who ask how much was reused hear why nothing was.
//! Physical plans are not kept: they depend on the files of the tables.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use engine::{EngineOracle, Session, Tables};
use ir::archive::{ArchiveError, Proofs, read_proofs, write_proofs};
use ir::diag::{Diagnostic, codes};
use ir::hash::ContentHash;
use ir::hash::canonical::Encoder;
use ir::stage::Stage;

use super::memory::Kept;
use crate::folders::own_folder;

/// A compilation with fewer answers leaves no file: working them out takes less than reading one.
const KEPT_FROM: usize = 64;
/// Answers that a compilation did not need are kept too, for one that runs more passes, up to this many times what it
/// needed.
const UNUSED_FACTOR: usize = 4;
/// A larger file is not ours.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Where the proofs of a spec are kept; nowhere when the folder for them leads elsewhere.
pub(super) fn path(base_dir: &Path, name: &str) -> Option<PathBuf> {
    own_folder(base_dir, "compiled").ok().map(|folder| folder.join(format!("{name}.proofs")))
}

/// The proofs there were before a compilation.
pub(super) struct KnownProofs {
    path: Option<PathBuf>,
    envelope: ContentHash,
    proofs: Proofs,
    /// What an earlier compilation of the process was told; proofs are not read beside it, nor kept.
    kept: Option<Arc<EngineOracle>>,
    /// Why they could not be read.
    pub(super) warning: Option<Diagnostic>,
    /// Why they are sound, and of no use here.
    pub(super) outdated: Option<String>,
}

impl KnownProofs {
    /// What is kept in memory, the proofs given, or those kept at `path`.
    pub(super) fn find(
        given: Option<&Proofs>,
        path: Option<&Path>,
        kept: Option<&Kept>,
        session: &Session,
    ) -> Self {
        match (given, kept) {
            (_, Some(kept)) => Self { kept: Some(Arc::clone(&kept.oracle)), ..Self::read(None, session) },
            (Some(proofs), None) => Self { proofs: proofs.clone(), ..Self::read(None, session) },
            (None, None) => Self::read(path, session),
        }
    }

    /// Reads the proofs kept at `path`. Without a path, and where nobody can say which program this is, none are read
    /// and none will be kept.
    fn read(path: Option<&Path>, session: &Session) -> Self {
        let (path, program) = path.zip(program()).unzip();
        let mut encoder = Encoder::new("codeanatomy proofs 1");
        encoder.list(2).optional_text(program.as_deref()).hash(&session.surface_hash());
        let envelope = encoder.finish();
        let mut known = Self {
            path: path.map(Path::to_owned),
            envelope,
            proofs: Proofs::default(),
            kept: None,
            warning: None,
            outdated: None,
        };
        let Some(path) = path else { return known };
        match bytes_of(path).map(|bytes| bytes.map(|bytes| read_proofs(&bytes))) {
            Ok(None) => {}
            Ok(Some(Ok(proofs))) => {
                known.proofs = proofs;
                if !known.hold() {
                    let reason = "it was written by another build of the program, or for other settings";
                    known.outdated = Some(format!("`{}`: {reason}", path.display()));
                }
            }
            Ok(Some(Err(error @ ArchiveError::Version { .. }))) => {
                known.outdated = Some(format!("`{}`: {error}", path.display()));
            }
            Ok(Some(Err(error))) => known.warning = Some(warning(path, &error.to_string())),
            Err(error) => known.warning = Some(warning(path, &error.to_string())),
        }
        known
    }

    /// The digest of everything that decides an answer besides its question.
    pub(super) fn envelope(&self) -> ContentHash {
        self.envelope
    }

    /// The oracle that starts from the proofs.
    pub(super) fn oracle(&self, session: Session, tables: Tables) -> EngineOracle {
        match &self.kept {
            Some(kept) => kept.over(tables),
            None => EngineOracle::with_proofs(session, tables, self.envelope, &self.proofs),
        }
    }

    /// Whether there were proofs that hold, or what an earlier compilation was told.
    pub(super) fn are_of_use(&self) -> bool {
        self.kept.is_some() || (self.hold() && !self.proofs.operations.is_empty())
    }

    fn hold(&self) -> bool {
        self.proofs.envelope == *self.envelope.as_bytes()
    }

    /// Keeps what is proven now, if anything new is. A folder that nobody may write to keeps nothing: the next
    /// compilation takes longer, and nothing else. What was known stays, unless the whole spec was compiled and needed little
    /// of it.
    pub(super) fn write(&self, oracle: &EngineOracle, is_whole: bool) {
        let Some(path) = &self.path else { return };
        if oracle.plannings() == 0 {
            return;
        }
        let mut proofs = oracle.proofs(self.envelope);
        let needed = proofs.operations.len() + proofs.expressions.len();
        let known = self.proofs.operations.len() + self.proofs.expressions.len();
        if needed < KEPT_FROM {
            return;
        }
        if self.hold() && (!is_whole || known <= needed.saturating_mul(UNUSED_FACTOR)) {
            proofs.add(&self.proofs);
        }
        if let Ok(bytes) = write_proofs(&proofs) {
            let _ = replace(path, &bytes);
        }
    }
}

/// The bytes of a file, if there is one.
fn bytes_of(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

fn warning(path: &Path, error: &str) -> Diagnostic {
    let message = format!("`{}` cannot be used: {error}", path.display());
    let found = Diagnostic::new(codes::UNREADABLE_PROOFS, message).in_stage(Stage::Proofs);
    found.about("file", path.display().to_string()).about("cause", error)
}

/// Replaces a file by another in one step, so that no reader sees half of it.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let temporary = path.with_extension(format!("{}.partial", uuid::Uuid::new_v4()));
    let written = File::create_new(&temporary).and_then(|mut file| file.write_all(bytes));
    let written = written.and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Which program this is: its version, and the size and time of its file, which tell two builds of one version apart.
fn program() -> Option<String> {
    let file = std::env::current_exe().and_then(fs::metadata).ok()?;
    let changed = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!("{} {} {}", env!("CARGO_PKG_VERSION"), file.len(), changed.as_nanos()))
}
