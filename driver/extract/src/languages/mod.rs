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
