//! The languages: a folder and a row each.

mod python;
mod rust;

use crate::language::Language;

/// All languages.
static LANGUAGES: &[&Language] = &[&python::LANGUAGE, &rust::LANGUAGE];

/// The language of the file at `path`, by its extension.
pub(crate) fn language_of(path: &str) -> Option<&'static Language> {
    let (_, extension) = path.rsplit('/').next()?.rsplit_once('.')?;
    LANGUAGES.iter().copied().find(|language| language.extensions.contains(&extension))
}

/// Names of the files by whose folders modules are named, of all languages.
pub(crate) fn markers() -> impl Iterator<Item = &'static str> {
    LANGUAGES.iter().flat_map(|language| language.markers.iter().copied())
}
