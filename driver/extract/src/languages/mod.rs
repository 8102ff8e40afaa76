//! The languages: a folder and a row each.

mod python;
mod rust;
mod typescript;

use std::collections::BTreeMap;

use crate::language::Language;
use crate::linking::Linker;
use crate::walk::FoundFile;

/// All languages.
static LANGUAGES: &[&Language] = &[&python::LANGUAGE, &rust::LANGUAGE, &typescript::LANGUAGE];

/// The language of the file at `path`, by its extension.
pub(crate) fn language_of(path: &str) -> Option<&'static Language> {
    let (_, extension) = path.rsplit('/').next()?.rsplit_once('.')?;
    LANGUAGES.iter().copied().find(|language| language.extensions.contains(&extension))
}

/// Names of the files by whose folders modules are named, of all languages.
pub(crate) fn markers() -> impl Iterator<Item = &'static str> {
    LANGUAGES.iter().flat_map(|language| language.markers.iter().copied())
}

/// What links the files of each language that has something for it, by the language's name.
pub(crate) type Linkers = BTreeMap<&'static str, Box<dyn Linker>>;

/// The linkers of the languages of these files.
pub(crate) fn linkers(files: &[FoundFile]) -> Linkers {
    let used = |language: &Language| {
        files.iter().any(|file| file.language.is_some_and(|own| own.name == language.name))
    };
    let with_linker = LANGUAGES.iter().filter_map(|language| Some((language, language.linker?)));
    with_linker
        .filter(|(language, _)| used(language))
        .map(|(language, linker)| (language.name, linker(files)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::LANGUAGES;

    #[test]
    fn an_extension_is_of_one_language() {
        let mut owners = BTreeMap::new();
        for language in LANGUAGES {
            for extension in language.extensions {
                assert_eq!(owners.insert(extension, language.name), None, "`.{extension}`");
            }
        }
    }

    /// The answers of a case are what says that a language's facts are right.
    #[test]
    fn every_language_has_a_case() {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases");
        let repositories: Vec<_> = std::fs::read_dir(&cases)
            .unwrap()
            .map(|case| case.unwrap().path())
            .filter(|case| case.join("repo").is_dir() && case.join("answers").is_dir())
            .flat_map(|case| ignore::Walk::new(case.join("repo")))
            .map(|entry| entry.unwrap().into_path())
            .collect();
        for language in LANGUAGES {
            let is_one = |path: &Path| {
                path.extension().is_some_and(|it| language.extensions.iter().any(|own| it == *own))
            };
            assert!(
                repositories.iter().any(|path| is_one(path)),
                "no case of tests/cases has {} in its repo",
                language.name
            );
        }
    }
}
