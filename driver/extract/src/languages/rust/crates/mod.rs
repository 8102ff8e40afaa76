//! Crates: their modules, and what the names in them lead to, over all files of a repository.
//!
//! While files are read, one after the other, an [`outline`] of each is kept. When all have been, the packages'
//! manifests say which crates there are ([`manifest`]), and `mod` items which files are their modules ([`tree`]). Names are
//! then looked up as the Rust reference has it ([`names`], its chapter 'Names'), types followed as far as signatures say
//! them ([`types`]), and every place of use gets its answer ([`answers`]).
//!
//! Macros are not expanded, bodies not type-checked: a receiver has a type when it is written, or is what a function of the
//! repository returns. What then has no answer, or several, is left open.

mod answers;
pub(crate) mod convention;
mod manifest;
mod names;
mod outline;
mod prelude;
mod textual;
mod traits;
mod tree;
mod types;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use names::{Def, Names};
use outline::{Outline, Symbols};
use types::Members;

use crate::error::ExtractError;
use crate::lexical::Emitter;
use crate::linking::{Linker, Pieces, hand_over};
use crate::modules::split;
use crate::tables::{ExtractErrorRow, FileKey, TableBuilders, file_id};
use crate::walk::FoundFile;

/// The largest manifest that is read, in bytes.
const MAX_MANIFEST: u64 = 1 << 20;

/// Of how many definitions a name may mean one; of more, each under a condition of its own, the first are kept.
const MAX_SAME: usize = 64;

/// The Rust files of a repository, to be linked.
struct Crates {
    manifests: BTreeMap<String, String>,
    /// Paths of manifests that cannot be read, and why.
    unread: Vec<(String, String)>,
    symbols: Symbols,
    outlines: Mutex<Vec<Outline>>,
}

/// The linker of the crates among these files.
pub(crate) fn linker(files: &[FoundFile]) -> Box<dyn Linker> {
    let mut crates = Crates {
        manifests: BTreeMap::new(),
        unread: Vec::new(),
        symbols: Symbols::default(),
        outlines: Mutex::default(),
    };
    for file in files {
        let (folder, name) = split(&file.path);
        if name != convention::CRATE_FILE {
            continue;
        }
        if file.size > MAX_MANIFEST {
            crates.unread.push((file.path.clone(), format!("it has more than {MAX_MANIFEST} bytes")));
            continue;
        }
        match std::fs::read_to_string(&file.location) {
            Ok(text) => {
                crates.manifests.insert(folder.to_owned(), text);
            }
            Err(error) => crates.unread.push((file.path.clone(), error.to_string())),
        }
    }
    Box::new(crates)
}

impl Linker for Crates {
    fn add(&self, file: &Emitter<'_, '_>) {
        let outline = outline::outline(file, &self.symbols);
        self.outlines.lock().unwrap_or_else(PoisonError::into_inner).push(outline);
    }

    fn link(&self, out: &mut Pieces<'_>) -> Result<(), ExtractError> {
        let mut files = std::mem::take(&mut *self.outlines.lock().unwrap_or_else(PoisonError::into_inner));
        files.sort_by_cached_key(|file| file_id(&file.path));
        let paths: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
        let (packages, errors) = manifest::packages(&self.manifests, &paths);
        let tree = tree::tree(&files, &packages, &|name| self.symbols.text(name));
        let names = Names::new(&files, &tree, &packages, &self.symbols);
        let members = Members::new(&names);
        let paths = files.iter().map(|file| file.path.as_str());
        let more = |piece: &mut TableBuilders| self.report(&errors, piece);
        hand_over(paths, |index| answers::answers(&members, index), more, out)
    }
}

impl Crates {
    /// Says which manifests are not understood.
    fn report(&self, errors: &[(String, String)], out: &mut TableBuilders) {
        let unparsed = errors.iter().map(|(folder, reason)| {
            let path = if folder.is_empty() {
                convention::CRATE_FILE.to_owned()
            } else {
                format!("{folder}/{}", convention::CRATE_FILE)
            };
            (path, reason.clone())
        });
        for (path, reason) in self.unread.iter().cloned().chain(unparsed) {
            let message =
                format!("{reason}; the package is taken to have the usual crates and no dependencies");
            let file = FileKey { file_id: file_id(&path), path: &path };
            out.extract_errors(ExtractErrorRow { code: "manifest", message: &message, file: &file });
        }
    }
}

/// Without repetitions, in order; no more than [`MAX_SAME`].
fn unique(found: Vec<Def>) -> Vec<Def> {
    let mut kept: Vec<Def> = Vec::with_capacity(found.len().min(MAX_SAME));
    for def in found {
        if kept.len() < MAX_SAME && !kept.contains(&def) {
            kept.push(def);
        }
    }
    kept
}
