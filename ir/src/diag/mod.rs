//! Diagnostics: what is wrong with a user's spec, data or environment, as values.
//!
//! Findings accumulate: a stage reports all it can find as a list of [`Diagnostic`]s and never stops at the
//! first. Each has a [`Code`] from one table ([`codes`]), a place in the spec ([`SpecPath`]), what was found,
//! what is allowed, the nearest allowed name, and a hint. [`render()`] turns them into text with the line of
//! the spec, [`resolve`] into a serializable form with line and column.
//!
//! Broken IR is not a diagnostic: it is a mistake of the compiler and has its own type.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::stage::Stage;

pub mod codes;
mod escape;
mod findings;
mod nearest;
mod path;
mod render;
mod scalar;
mod source;

pub use codes::{Code, Severity};
pub use escape::{MAX_TEXT_BYTES, escape_text, without_secrets};
pub(crate) use findings::Findings;
pub use nearest::nearest_name;
pub use path::{ParsePathError, Segment, SpecPath};
pub use render::{RenderOptions, ResolvedDiagnostic, ResolvedNote, render, resolve, summary};
pub use scalar::TextPart;
pub(crate) use source::{Inside, Place};
pub use source::{Location, SourceMap, SourceName};

/// One finding.
///
/// Built with the methods that carry the fields' names:
///
/// ```
/// use ir::diag::{Diagnostic, SpecPath, codes};
///
/// let finding = Diagnostic::new(codes::UNKNOWN_COLUMN, "view `calls` has no column `calee`")
///     .at(SpecPath::root().field("view_definitions").index(3).field("transform").field("predicate"))
///     .found("calee")
///     .allowed(["caller", "callee"])
///     .suggest_nearest();
/// assert_eq!(finding.suggestion.as_deref(), Some("callee"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of finding it is.
    pub code: Code,
    /// How grave it is. Given by the code unless overridden.
    pub severity: Severity,
    /// One sentence that names the thing.
    pub message: String,
    /// The place in the spec; none for findings about the whole file or the environment.
    pub location: Option<SpecPath>,
    /// The bytes of the text it is about, where that is not the value at [`location`](Self::location): a
    /// syntax error, the second of two equal keys.
    pub bytes: Option<Range<usize>>,
    /// The part of the text value at [`location`](Self::location) that it is about.
    pub part: Option<TextPart>,
    /// The offending text: a name, a type, a value. When it occurs in the text at
    /// [`location`](Self::location), only that part is underlined.
    pub found: Option<String>,
    /// What would be right there, in the order to show it.
    pub allowed: Vec<String>,
    /// The allowed text that was probably meant.
    pub suggestion: Option<String>,
    /// What to do next.
    pub help: Option<String>,
    /// Other places that matter, each with a remark.
    pub related: Vec<(SpecPath, String)>,
    /// The stage in which it was found; nothing until somebody says so.
    pub stage: Option<Stage>,
    /// What the message speaks of, by what it is: `view`, `column`, `file`.
    pub context: BTreeMap<&'static str, String>,
    /// Rows of tables that show it, as lines. They are data: they are shown, and no record keeps them.
    pub rows: Vec<String>,
}

impl Diagnostic {
    /// A finding without a place. The severity is the code's.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            message: message.into(),
            location: None,
            bytes: None,
            part: None,
            found: None,
            allowed: Vec::new(),
            suggestion: None,
            help: None,
            related: Vec::new(),
            stage: None,
            context: BTreeMap::new(),
            rows: Vec::new(),
        }
    }

    /// Adds what the message speaks of, for programs: what kind of thing it is, and its name or value.
    #[must_use]
    pub fn about(mut self, kind: &'static str, name: impl Into<String>) -> Self {
        self.context.insert(kind, name.into());
        self
    }

    /// Sets the rows of tables that show it, as lines.
    #[must_use]
    pub fn rows(mut self, rows: Vec<String>) -> Self {
        self.rows = rows;
        self
    }

    /// Sets the stage in which it was found, unless that is said already.
    #[must_use]
    pub fn in_stage(mut self, stage: Stage) -> Self {
        self.stage.get_or_insert(stage);
        self
    }

    /// Sets the place in the spec.
    #[must_use]
    pub fn at(mut self, location: SpecPath) -> Self {
        self.location = Some(location);
        self
    }

    /// Sets the bytes of the text it is about.
    #[must_use]
    pub fn at_bytes(mut self, bytes: Range<usize>) -> Self {
        self.bytes = Some(bytes);
        self
    }

    /// Sets the part of the text at the place, given as bytes of that text.
    #[must_use]
    pub fn at_part(mut self, text: &str, bytes: Range<usize>) -> Self {
        self.part = Some(TextPart::new(text, bytes));
        self
    }

    /// Sets the offending text.
    #[must_use]
    pub fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }

    /// Sets what would be right there.
    #[must_use]
    pub fn allowed<T: Into<String>>(mut self, allowed: impl IntoIterator<Item = T>) -> Self {
        self.allowed = allowed.into_iter().map(Into::into).collect();
        self
    }

    /// Sets what was probably meant.
    #[must_use]
    pub fn suggestion(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// Sets the suggestion to the allowed text nearest to what was found, if one is near enough.
    #[must_use]
    pub fn suggest_nearest(mut self) -> Self {
        if let Some(found) = &self.found {
            self.suggestion = nearest_name(found, self.allowed.iter().map(String::as_str)).map(str::to_owned);
        }
        self
    }

    /// Sets what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds another place that matters, with a remark.
    #[must_use]
    pub fn related(mut self, location: SpecPath, remark: impl Into<String>) -> Self {
        self.related.push((location, remark.into()));
        self
    }

    /// Overrides the severity of the code.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Whether the finding forbids going on.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// The message and the code on one line; [`render()`] gives the full text.
impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}[{}]: {}", self.severity, self.code, escape_text(&self.message))?;
        match &self.location {
            Some(location) if !location.is_root() => {
                write!(f, " (at {})", escape_text(&location.to_string()))
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}

#[cfg(test)]
mod tests;
