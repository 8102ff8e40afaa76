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

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use manifest::Package;
use names::{Def, Names};
use outline::{Outline, Symbols};
use types::Members;

use super::LANGUAGE;
use crate::error::ExtractError;
use crate::lexical::Emitter;
use crate::linking::{Linker, Pieces, Settings, Work, hand_over};
use crate::modules::{ModuleName, split};
use crate::repository::names_of_repositories;
use crate::tables::{TableBuilders, file_id};
use crate::walk::FoundFile;

/// Of how many definitions a name may mean one; of more, each under a condition of its own, the first are kept.
const MAX_SAME: usize = 64;

/// The Rust files of repositories, to be linked.
struct Crates {
    manifests: Settings,
    /// Paths of manifests that are not understood, and why.
    not_understood: Vec<(String, String)>,
    packages: BTreeMap<String, Package>,
    /// The file that each crate begins with, with its name.
    roots: HashMap<String, String>,
    symbols: Symbols,
    outlines: Mutex<Vec<Outline>>,
}

/// The linker of the crates among these files.
pub(crate) fn linker(files: &[FoundFile]) -> Box<dyn Linker> {
    let manifests = Settings::read(files, |name| name == convention::CRATE_FILE);
    let is_rust = |file: &&FoundFile| file.language.is_some_and(|language| language.name == LANGUAGE.name);
    let paths: BTreeSet<&str> = files.iter().filter(is_rust).map(|file| file.path.as_str()).collect();
    let (packages, not_understood) =
        manifest::packages(&manifests.texts, &paths, &names_of_repositories(files));
    let targets = packages.values().flat_map(|package| &package.targets);
    let roots = targets.map(|target| (target.root.clone(), target.name.clone())).collect();
    let (symbols, outlines) = (Symbols::default(), Mutex::default());
    Box::new(Crates { manifests, not_understood, packages, roots, symbols, outlines })
}

impl Linker for Crates {
    fn add(&self, file: &Emitter<'_, '_>) {
        let outline = outline::outline(file, &self.symbols);
        self.outlines.lock().unwrap_or_else(PoisonError::into_inner).push(outline);
    }

    /// Names that begin with the crate's.
    fn outer_name(&self, path: &str, module: &ModuleName) -> Option<String> {
        let inside =
            module.name.strip_prefix("crate").filter(|rest| rest.is_empty() || rest.starts_with("::"))?;
        Some(format!("{}{inside}", self.crate_of(path)?))
    }

    fn link(&self, work: &Work<'_>, out: &mut Pieces<'_>) -> Result<(), ExtractError> {
        let mut files = std::mem::take(&mut *self.outlines.lock().unwrap_or_else(PoisonError::into_inner));
        files.sort_by_cached_key(|file| file_id(&file.path));
        let tree = tree::tree(&files, &self.packages, &|name| self.symbols.text(name));
        let names = Names::new(&files, &tree, &self.packages, &self.symbols, work);
        let members = Members::new(&names);
        let paths = files.iter().map(|file| file.path.as_str());
        let consequence = "the package is taken to have the usual crates and no dependencies";
        let more =
            |piece: &mut TableBuilders| self.manifests.report(&self.not_understood, consequence, piece);
        hand_over(work, paths, |index| answers::answers(&members, index), more, out)
    }
}

impl Crates {
    /// The name of the crate of a file, as far as folders tell: the one that begins with it, or in the innermost folder around it
    /// in which one begins. Of a library and others of one folder it is the library.
    fn crate_of(&self, path: &str) -> Option<&str> {
        if let Some(own) = self.roots.get(path) {
            return Some(own.as_str()).filter(|name| !name.is_empty());
        }
        let mut folder = split(path).0;
        loop {
            for file in ["lib.rs", "main.rs"] {
                if let Some(name) = self.roots.get(&manifest::join(folder, file)) {
                    return Some(name.as_str()).filter(|name| !name.is_empty());
                }
            }
            if let Some(package) = self.packages.get(folder) {
                return Some(package.library.as_str()).filter(|name| !name.is_empty());
            }
            if folder.is_empty() {
                return None;
            }
            folder = split(folder).0;
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
