//! Modules: what names and members lead to over all files of a repository.
//!
//! While files are read, one after the other, an [`outline`] of each is kept: what it defines, imports and exports, and
//! where values come from as far as the text says it. When all have been read, the settings of packages and projects say
//! which file each name of a module means ([`files`]), values are followed from name to name ([`values`]), and every place
//! of use gets its answer ([`answers`]).
//!
//! Types are followed where they are written, made by `new`, or returned by what is written; there is no inference of type
//! arguments and no narrowing. What then has no answer, or several, is left open.

mod answers;
mod files;
mod globals;
mod outline;
mod values;

use std::sync::{Mutex, PoisonError};

use files::Files;
use outline::{Outline, Symbols};
use values::Values;

use crate::error::ExtractError;
use crate::lexical::Emitter;
use crate::linking::{Linker, Pieces, Settings, Work, hand_over};
use crate::tables::{TableBuilders, file_id};
use crate::walk::FoundFile;

/// The files of a repository, to be linked.
struct Modules {
    settings: Settings,
    symbols: Symbols,
    outlines: Mutex<Vec<Outline>>,
}

/// The linker of the modules among these files.
pub(super) fn linker(found: &[FoundFile]) -> Box<dyn Linker> {
    let is_settings = |name: &str| {
        files::SETTINGS.contains(&name) || (name.starts_with("tsconfig.") && name.ends_with(".json"))
    };
    Box::new(Modules {
        settings: Settings::read(found, is_settings),
        symbols: Symbols::default(),
        outlines: Mutex::default(),
    })
}

impl Linker for Modules {
    fn add(&self, file: &Emitter<'_, '_>) {
        let outline = outline::outline(file, &self.symbols);
        self.outlines.lock().unwrap_or_else(PoisonError::into_inner).push(outline);
    }

    fn link(&self, work: &Work<'_>, out: &mut Pieces<'_>) -> Result<(), ExtractError> {
        let mut files = std::mem::take(&mut *self.outlines.lock().unwrap_or_else(PoisonError::into_inner));
        files.sort_by_cached_key(|file| file_id(&file.path));
        let (known, errors) = Files::new(files.iter().map(|file| file.path.as_str()), &self.settings.texts);
        let values = Values::new(&files, &known, &self.symbols);
        let paths = files.iter().map(|file| file.path.as_str());
        let consequence = "names of modules mean what they mean without it";
        let more = |piece: &mut TableBuilders| self.settings.report(&errors, consequence, piece);
        hand_over(work, paths, |index| answers::answers(&values, index), more, out)
    }
}
