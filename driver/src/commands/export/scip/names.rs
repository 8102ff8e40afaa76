//! What symbols are called: `codeanatomy . . . app/`models.py`/Base#area().`. A symbol of the repository is named by its file and the
//! symbols around it, one from outside by its language and name: `codeanatomy python . . math/pi.`.
//!
//! The grammar is that of `Symbol` in `scip.proto`. Symbols that would have the same name get a number: overloads as their
//! disambiguator, others behind their name.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::super::questions::{Question, Questions};
use super::rows::Columns;
use crate::failure::Failure;

/// Symbols around a symbol that are named. Nothing in a repository is that deep; what is, is named by its inner part.
const MOST_OWNERS: usize = 500;

/// How the name of a symbol ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    File,
    Namespace,
    Type,
    Term,
    Method,
    Parameter,
    TypeParameter,
    Macro,
}

impl Ending {
    fn of(word: &str) -> Self {
        match word {
            "file" => Self::File,
            "namespace" => Self::Namespace,
            "type" => Self::Type,
            "method" => Self::Method,
            "parameter" => Self::Parameter,
            "type_parameter" => Self::TypeParameter,
            "macro" => Self::Macro,
            _ => Self::Term,
        }
    }
}

/// A symbol. Its name is a part of one text of all names.
#[derive(Clone, Copy, Debug)]
struct Named {
    id: i64,
    owner: Option<i64>,
    path: usize,
    name: (usize, usize),
    ordinal: i64,
    ending: Ending,
}

/// The names of all symbols: what is held of a symbol are its name and some 72 bytes.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// By identifier.
    symbols: Vec<Named>,
    texts: String,
    paths: Vec<String>,
}

impl Names {
    /// Reads them.
    pub(super) fn read(questions: &Questions<'_>) -> Result<Self, Failure> {
        let mut names = Self::default();
        let mut paths: HashMap<String, usize> = HashMap::new();
        let question = Question::plain(include_str!("../../../../exports/scip_names.sql"));
        questions.each(&question, |batch| {
            for row in Columns::of(batch)?.rows() {
                let next = paths.len();
                let path = *paths.entry(row.text("path").to_owned()).or_insert(next);
                if path == next {
                    names.paths.push(row.text("path").to_owned());
                }
                let start = names.texts.len();
                names.texts.push_str(row.text("name"));
                names.symbols.push(Named {
                    id: row.number("symbol_id"),
                    owner: row.known("owner_id").then(|| row.number("owner_id")),
                    path,
                    name: (start, names.texts.len()),
                    ordinal: row.number("ordinal"),
                    ending: Ending::of(row.text("ending")),
                });
            }
            Ok(())
        })?;
        Ok(names)
    }

    fn named(&self, id: i64) -> Option<&Named> {
        let place = self.symbols.binary_search_by_key(&id, |named| named.id).ok()?;
        self.symbols.get(place)
    }

    /// The name of a symbol of the repository; nothing for one from outside.
    pub(super) fn of(&self, id: i64) -> Option<String> {
        let named = self.named(id)?;
        let mut chain = vec![named];
        let mut above = *named;
        while let Some(owner) =
            above.owner.and_then(|owner| self.named(owner)).filter(|_| chain.len() < MOST_OWNERS)
        {
            chain.push(owner);
            above = *owner;
        }
        let mut text = "codeanatomy . . . ".to_owned();
        for part in self.paths.get(above.path)?.split('/') {
            let _ = write!(text, "{}/", identifier(part));
        }
        for part in chain.into_iter().rev() {
            self.describe(part, &mut text);
        }
        Some(text)
    }

    /// Writes a symbol's own part of its name. That of a file is its path.
    fn describe(&self, named: &Named, text: &mut String) {
        let own = self.texts.get(named.name.0..named.name.1).unwrap_or_default();
        let name = match (named.ending, named.ordinal) {
            (Ending::File, _) => return,
            (Ending::Method, _) | (_, 0) => identifier(own),
            (_, ordinal) => identifier(&format!("{own}+{ordinal}")),
        };
        // Writing to a text does not fail.
        let _ = match (named.ending, named.ordinal) {
            (Ending::File, _) => Ok(()),
            (Ending::Namespace, _) => write!(text, "{name}/"),
            (Ending::Type, _) => write!(text, "{name}#"),
            (Ending::Term, _) => write!(text, "{name}."),
            (Ending::Method, 0) => write!(text, "{name}()."),
            (Ending::Method, ordinal) => write!(text, "{name}(+{ordinal})."),
            (Ending::Parameter, _) => write!(text, "({name})"),
            (Ending::TypeParameter, _) => write!(text, "[{name}]"),
            (Ending::Macro, _) => write!(text, "{name}!"),
        };
    }
}

/// The name of something outside, by its name in a language.
pub(super) fn external(language: &str, name: &str) -> String {
    let separator = if language == "rust" { "::" } else { "." };
    let mut parts: Vec<&str> = name.split(separator).collect();
    if parts.iter().any(|part| part.is_empty()) {
        parts = vec![name];
    }
    let mut text = format!("codeanatomy {} . . ", if language.is_empty() { "unknown" } else { language });
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let _ = write!(text, "{}/", identifier(part));
    }
    let _ = write!(text, "{}.", identifier(last));
    text
}

/// A name, between backticks unless it is simple.
fn identifier(name: &str) -> String {
    let is_simple = |character: char| character.is_ascii_alphanumeric() || "_+-$".contains(character);
    match name {
        // There is no empty identifier.
        "" => "_".to_owned(),
        simple if simple.chars().all(is_simple) => simple.to_owned(),
        other => format!("`{}`", other.replace('`', "``")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_grammar() {
        let cases = [("a_b-$+1", "a_b-$+1"), ("é", "`é`"), ("a`b", "`a``b`"), ("a b", "`a b`"), ("", "_")];
        for (name, wanted) in cases {
            assert_eq!(identifier(name), wanted);
        }
        assert_eq!(external("python", "math.pi"), "codeanatomy python . . math/pi.");
        assert_eq!(external("rust", "std::fmt::Display"), "codeanatomy rust . . std/fmt/Display.");
        assert_eq!(external("python", "..x"), "codeanatomy python . . `..x`.");
    }

    #[test]
    fn symbols_are_named_by_what_is_around_them() {
        let symbol = |id, owner, ending, name: (usize, usize), ordinal| Named {
            id,
            owner,
            path: 0,
            name,
            ordinal,
            ending,
        };
        let names = Names {
            symbols: vec![
                symbol(1, None, Ending::File, (0, 1), 0),
                symbol(2, Some(1), Ending::Type, (1, 2), 1),
                symbol(3, Some(2), Ending::Method, (2, 3), 2),
                symbol(4, Some(3), Ending::Parameter, (3, 4), 0),
                // Around itself.
                symbol(5, Some(5), Ending::Term, (4, 5), 0),
            ],
            texts: "mCfpx".to_owned(),
            paths: vec!["src/a.py".to_owned()],
        };
        assert_eq!(names.of(1).unwrap(), "codeanatomy . . . src/`a.py`/");
        assert_eq!(names.of(4).unwrap(), "codeanatomy . . . src/`a.py`/C+1#f(+2).(p)");
        assert!(names.of(5).unwrap().starts_with("codeanatomy . . . src/`a.py`/x.x."));
        assert_eq!(names.of(6), None);
    }
}
