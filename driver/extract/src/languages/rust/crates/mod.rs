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
mod tree;
mod types;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use names::{Def, Names};
use outline::{Outline, Symbols};
use types::Members;

use crate::error::ExtractError;
use crate::lexical::Emitter;
use crate::linking::{Linker, Pieces, Settings, hand_over};
use crate::repository::names_of_repositories;
use crate::tables::{TableBuilders, file_id};
use crate::walk::FoundFile;

/// Of how many definitions a name may mean one; of more, each under a condition of its own, the first are kept.
const MAX_SAME: usize = 64;

/// The Rust files of repositories, to be linked.
struct Crates {
    manifests: Settings,
    /// Names of repositories, with which paths begin.
    repositories: BTreeSet<String>,
    symbols: Symbols,
    outlines: Mutex<Vec<Outline>>,
}

/// The linker of the crates among these files.
pub(crate) fn linker(files: &[FoundFile]) -> Box<dyn Linker> {
    Box::new(Crates {
        manifests: Settings::read(files, |name| name == convention::CRATE_FILE),
        repositories: names_of_repositories(files),
        symbols: Symbols::default(),
        outlines: Mutex::default(),
    })
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
        let (packages, errors) = manifest::packages(&self.manifests.texts, &paths, &self.repositories);
        let tree = tree::tree(&files, &packages, &|name| self.symbols.text(name));
        let names = Names::new(&files, &tree, &packages, &self.symbols);
        let members = Members::new(&names);
        let paths = files.iter().map(|file| file.path.as_str());
        let consequence = "the package is taken to have the usual crates and no dependencies";
        let more = |piece: &mut TableBuilders| self.manifests.report(&errors, consequence, piece);
        hand_over(paths, |index| answers::answers(&members, index), more, out)
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
