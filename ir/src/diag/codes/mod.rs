//! The table of codes: every kind of finding, with the text `driver explain CODE` prints.
//!
//! A row gives a constant its code, its slug, a title and an explanation: what it means, an example, how to
//! fix it. To add one, add a row to the module of its range. The suite asks for a spec, a graph or a case that shows it.
//!
//! | range | about |
//! |---|---|
//! | E00xx | reading the spec |
//! | E01xx | names and the graph of views |
//! | E02xx | types and columns |
//! | E03xx | transforms |
//! | E04xx | parameters |
//! | E05xx | outputs |
//! | E06xx | what is not supported or not allowed |
//! | E07xx | running |
//! | E09xx | the configuration |
//! | W0xxx | warnings |

use std::fmt;

mod configuration;
mod loading;
mod naming;
mod parameters;
mod running;
mod transforms;
mod typing;
mod warnings;

pub use configuration::*;
pub use loading::*;
pub use naming::*;
pub use parameters::*;
pub use running::*;
pub use transforms::*;
pub use typing::*;
pub use warnings::*;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing is run or written.
    Error,
    /// Worth a look; does not stop a run.
    Warning,
    /// Good to know.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// A row of the table.
#[derive(Debug)]
struct Row {
    id: &'static str,
    slug: &'static str,
    title: &'static str,
    explanation: &'static str,
}

/// The code of a kind of finding, such as `E0101`. The constants of this module are all there are.
#[derive(Clone, Copy)]
pub struct Code(&'static Row);

impl Code {
    /// The code as printed: a letter (`E` error, `W` warning) and four digits.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.0.id
    }

    /// A short name in words, such as `duplicate-name`.
    #[must_use]
    pub fn slug(self) -> &'static str {
        self.0.slug
    }

    /// One line that says what the code is about.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.0.title
    }

    /// What the code means, an example, and how to fix it, in Markdown.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        self.0.explanation
    }

    /// The severity its findings have unless they say otherwise.
    #[must_use]
    pub fn severity(self) -> Severity {
        if self.0.id.starts_with('W') { Severity::Warning } else { Severity::Error }
    }

    /// All codes, in order.
    #[expect(unused_qualifications, reason = "every range has a `ROWS`; the globs bring in the first")]
    pub fn all() -> impl Iterator<Item = Code> {
        let ranges: [&[Code]; 8] = [
            loading::ROWS,
            naming::ROWS,
            typing::ROWS,
            transforms::ROWS,
            parameters::ROWS,
            running::ROWS,
            configuration::ROWS,
            warnings::ROWS,
        ];
        ranges.into_iter().flat_map(<[Code]>::iter).copied()
    }

    /// The code with this id or slug, in any case.
    #[must_use]
    pub fn find(text: &str) -> Option<Code> {
        Self::all()
            .find(|code| code.id().eq_ignore_ascii_case(text) || code.slug().eq_ignore_ascii_case(text))
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Code {}

impl PartialOrd for Code {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Code {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.id().cmp(other.id())
    }
}

impl std::hash::Hash for Code {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.id(), self.slug())
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// Declares the codes of one range: a constant for each, and `ROWS` with all of them.
macro_rules! code_table {
    ($($name:ident = $id:literal, $slug:literal, $title:literal: $explanation:literal;)+) => {
        $(
            #[doc = concat!("`", $id, "`: ", $title, ".")]
            pub const $name: $crate::diag::Code = $crate::diag::codes::Code(&$crate::diag::codes::Row {
                id: $id,
                slug: $slug,
                title: $title,
                explanation: $explanation,
            });
        )+
        /// All codes of this range, in order.
        pub(super) const ROWS: &[$crate::diag::Code] = &[$($name),+];
    };
}
use code_table;
