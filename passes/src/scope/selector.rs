//! What a command line says about which parts of a spec it means: `+daily`, `2+daily`, `orders+`, `stg_*`, `@daily`.
//!
//! ```text
//! selector = [depth "+"] name ["+" depth]      +: all that it reads, or all that read it; with a depth so many steps
//! name     = ["@"] pattern                     @: outputs only
//! pattern  = letters, with `*` for any letters and `?` for one; in double quotes as it is
//! ```

use std::fmt;
use std::str::FromStr;

use super::ScopeError;

/// How far a selector goes from what it names: steps to what is read, or to readers. Nothing is no step, and [`ALL`] all.
type Steps = usize;
const ALL: Steps = usize::MAX;

/// One selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    pub(super) sources: Steps,
    pub(super) outputs_only: bool,
    pub(super) pattern: Pattern,
    pub(super) readers: Steps,
}

/// What names match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Name(String),
    Glob(String),
}

impl Pattern {
    pub(super) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Name(wanted) => wanted == name,
            Self::Glob(pattern) => {
                let (pattern, name): (Vec<char>, Vec<char>) =
                    (pattern.chars().collect(), name.chars().collect());
                glob(&pattern, &name)
            }
        }
    }
}

/// Whether a pattern matches a whole name. The last `*` alone is tried again, so it takes the product of the lengths.
fn glob(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while let Some(letter) = name.get(read) {
        match pattern.get(at) {
            Some('*') => {
                last_star = Some((at, read));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == letter => (at, read) = (at + 1, read + 1),
            _ => match last_star {
                Some((star, from)) => {
                    last_star = Some((star, from + 1));
                    (at, read) = (star + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|rest| *rest == '*')
}

impl FromStr for Selector {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let wrong = |reason: &str| ScopeError::Syntax { text: text.to_owned(), reason: reason.to_owned() };
        let rest = text.trim();
        let (sources, rest) = match rest.split_once('+') {
            Some((depth, rest)) if is_depth(depth) => (steps(depth).ok_or_else(|| wrong(TOO_FAR))?, rest),
            _ => (0, rest),
        };
        let (readers, rest) = match rest.rsplit_once('+') {
            Some((rest, depth)) if is_depth(depth) => (steps(depth).ok_or_else(|| wrong(TOO_FAR))?, rest),
            _ => (0, rest),
        };
        let (outputs_only, rest) = rest.strip_prefix('@').map_or((false, rest), |rest| (true, rest));
        let quoted = rest
            .strip_prefix('"')
            .map(|rest| rest.strip_suffix('"').ok_or_else(|| wrong("a quote is not closed")));
        let pattern = match quoted.transpose()? {
            Some(name) => Pattern::Name(name.to_owned()),
            None if rest.contains(['+', '"']) => {
                return Err(wrong("a name with `+`, `,` or quotes stands in double quotes"));
            }
            None if rest.contains(['*', '?']) => Pattern::Glob(rest.to_owned()),
            None => Pattern::Name(rest.to_owned()),
        };
        if matches!(&pattern, Pattern::Name(name) if name.is_empty()) {
            return Err(wrong(
                "it has no name; write like `daily`, `+daily`, `daily+`, `2+daily` or `stg_*`",
            ));
        }
        Ok(Self { sources, outputs_only, pattern, readers })
    }
}

const TOO_FAR: &str = "the number of steps is too large";

fn is_depth(text: &str) -> bool {
    text.chars().all(|letter| letter.is_ascii_digit())
}

/// The steps that stand beside a `+`.
fn steps(depth: &str) -> Option<Steps> {
    if depth.is_empty() { Some(ALL) } else { depth.parse().ok() }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sources {
            0 => {}
            ALL => write!(f, "+")?,
            steps => write!(f, "{steps}+")?,
        }
        let at = if self.outputs_only { "@" } else { "" };
        match &self.pattern {
            Pattern::Name(name) if name.contains(['+', '*', '?', ',', '"', '@']) || name.trim() != name => {
                write!(f, "{at}\"{name}\"")?;
            }
            Pattern::Name(text) | Pattern::Glob(text) => write!(f, "{at}{text}")?,
        }
        match self.readers {
            0 => Ok(()),
            ALL => write!(f, "+"),
            steps => write!(f, "+{steps}"),
        }
    }
}

/// Several selectors: what any of them selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection(pub(super) Vec<Selector>);

impl Selection {
    /// What any of these texts selects; each has one selector, or several with commas between them.
    ///
    /// # Errors
    /// For what is no selector, and for none at all.
    pub fn parse(texts: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, ScopeError> {
        let mut selectors = Vec::new();
        for text in texts {
            for part in split(text.as_ref()) {
                selectors.push(part.parse()?);
            }
        }
        if selectors.is_empty() {
            let reason = "there is no selector".to_owned();
            return Err(ScopeError::Syntax { text: String::new(), reason });
        }
        Ok(Self(selectors))
    }

    /// What has these names, with all that reads it.
    #[must_use]
    pub fn with_readers<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let selector = |name: &str| Selector {
            sources: 0,
            outputs_only: false,
            pattern: Pattern::Name(name.to_owned()),
            readers: ALL,
        };
        Self(names.into_iter().map(selector).collect())
    }

    /// The selectors as texts that are parsed to the same.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

/// A text at its commas, but for those within double quotes.
fn split(text: &str) -> Vec<&str> {
    let mut quoted = false;
    text.split(|letter| {
        quoted ^= letter == '"';
        letter == ',' && !quoted
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_read_as_they_are_written() {
        for (text, sources, readers) in [
            ("daily", 0, 0),
            ("+daily", ALL, 0),
            ("daily+", 0, ALL),
            ("2+daily+13", 2, 13),
            ("+@daily+", ALL, ALL),
            ("+stg_*", ALL, 0),
            ("\"a+b,c\"", 0, 0),
        ] {
            let selector: Selector = text.parse().unwrap();
            assert_eq!((selector.sources, selector.readers), (sources, readers), "{text}");
            assert_eq!(selector.to_string(), text);
        }
        let several = Selection::parse(["a, +\"b,c\"", "d+"]).unwrap();
        assert_eq!(several.texts(), ["a", "+\"b,c\"", "d+"]);
        assert_eq!(Selection::parse(several.texts()), Ok(several));
        for wrong in ["", "+", "a,", "a+b", "99999999999999999999+a", "\"a", "a\"b"] {
            assert!(matches!(Selection::parse([wrong]), Err(ScopeError::Syntax { .. })), "{wrong}");
        }
    }

    #[test]
    fn globs_match_whole_names() {
        for (pattern, matching, others) in [
            ("stg_*", ["stg_", "stg_a"], ["stg", "a_stg_"]),
            ("*_v?", ["_v1", "a_v_v2"], ["a_v", "a_v12"]),
            ("*a*b", ["ab", "xaxbxb"], ["abx", "b"]),
        ] {
            let pattern = Pattern::Glob(pattern.to_owned());
            assert!(matching.iter().all(|name| pattern.matches(name)), "{pattern:?}");
            assert!(!others.iter().any(|name| pattern.matches(name)), "{pattern:?}");
        }
        let hostile = Pattern::Glob("*a".repeat(60));
        assert!(!hostile.matches(&"ab".repeat(60)), "and quickly");
    }
}
