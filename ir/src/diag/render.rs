//! Diagnostics as text with lines of the spec, and as a serializable form with line and column.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;
use unicode_width::UnicodeWidthChar;

use super::escape::{escape_text, is_dangerous, push_escaped, secrets_of_line, without_secrets};
use super::{Code, Diagnostic, Location, Severity, SourceMap, SpecPath};
use crate::stage::Stage;

/// How text is rendered.
#[derive(Clone, Copy, Debug, Default)]
pub struct RenderOptions {
    /// Uses ANSI colours.
    pub color: bool,
}

/// A diagnostic with its places in the text.
#[derive(Clone, Debug, Serialize)]
pub struct ResolvedDiagnostic {
    /// The code, such as `E0107`.
    pub code: Code,
    /// The code's short name.
    pub slug: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// The source's name.
    pub file: String,
    /// The place as a path from the root of the spec.
    pub path: Option<SpecPath>,
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// The column in characters, counted from 1.
    pub column: Option<usize>,
    /// The bytes of the text.
    pub bytes: Option<Range<usize>>,
    /// The offending text.
    pub found: Option<String>,
    /// What would be right.
    pub allowed: Vec<String>,
    /// What was probably meant.
    pub suggestion: Option<String>,
    /// What to do next.
    pub help: Option<String>,
    /// Other places that matter.
    pub related: Vec<ResolvedNote>,
    /// The stage in which it was found.
    pub stage: Option<Stage>,
    /// What the message speaks of, by what it is.
    pub context: BTreeMap<&'static str, String>,
    /// Rows of tables that show it, as lines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<String>,
}

/// Another place that matters.
#[derive(Clone, Debug, Serialize)]
pub struct ResolvedNote {
    /// The remark.
    pub message: String,
    /// The place as a path from the root of the spec.
    pub path: SpecPath,
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// The column in characters, counted from 1.
    pub column: Option<usize>,
    /// The bytes of the text.
    pub bytes: Option<Range<usize>>,
}

/// The diagnostics in the order of their places (those without a place first), then of their codes, each with
/// line and column. Equal ones appear once.
#[must_use]
pub fn resolve(diagnostics: &[Diagnostic], source: &SourceMap) -> Vec<ResolvedDiagnostic> {
    let mut resolved: Vec<ResolvedDiagnostic> = diagnostics.iter().map(|d| resolve_one(d, source)).collect();
    let order = |d: &ResolvedDiagnostic| {
        (d.bytes.clone().map(|b| (b.start, b.end)), d.code, d.message.clone(), d.path.clone())
    };
    resolved.sort_by_cached_key(order);
    resolved.dedup_by_key(|diagnostic| order(diagnostic));
    resolved
}

fn resolve_one(diagnostic: &Diagnostic, source: &SourceMap) -> ResolvedDiagnostic {
    let place = place_of(diagnostic, source);
    let note = |(path, message): &(SpecPath, String)| {
        let place = source.locate(path);
        ResolvedNote {
            message: without_secrets(message).into_owned(),
            path: path.clone(),
            line: place.as_ref().map(|place| place.line),
            column: place.as_ref().map(|place| place.column),
            bytes: place.map(|place| place.bytes),
        }
    };
    ResolvedDiagnostic {
        code: diagnostic.code,
        slug: diagnostic.code.slug(),
        severity: diagnostic.severity,
        message: without_secrets(&diagnostic.message).into_owned(),
        file: source.name().as_str().to_owned(),
        path: diagnostic.location.clone(),
        line: place.as_ref().map(|place| place.line),
        column: place.as_ref().map(|place| place.column),
        bytes: place.map(|place| place.bytes),
        found: diagnostic.found.as_deref().map(|found| without_secrets(found).into_owned()),
        allowed: diagnostic.allowed.clone(),
        suggestion: diagnostic.suggestion.clone(),
        help: diagnostic.help.clone(),
        related: diagnostic.related.iter().map(note).collect(),
        stage: diagnostic.stage,
        context: diagnostic.context.clone(),
        rows: diagnostic.rows.clone(),
    }
}

/// The place to underline: the bytes the diagnostic names, or the value at its path, narrowed to what was
/// found in it.
fn place_of(diagnostic: &Diagnostic, source: &SourceMap) -> Option<Location> {
    if let Some(bytes) = &diagnostic.bytes {
        return Some(source.location(bytes.clone()));
    }
    let path = diagnostic.location.as_ref()?;
    if let Some(place) = diagnostic.part.as_ref().and_then(|part| source.locate_part(path, part)) {
        return Some(place);
    }
    let place = source.locate(path)?;
    let within = source.text().get(place.bytes.clone()).unwrap_or("");
    match diagnostic.found.as_deref().and_then(|found| find_word(within, found)) {
        Some(part) => Some(source.location(place.bytes.start + part.start..place.bytes.start + part.end)),
        None => Some(place),
    }
}

/// The first place where a text stands by itself, not as a part of a longer word.
fn find_word(text: &str, word: &str) -> Option<Range<usize>> {
    let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let stands_alone = |at: &usize| {
        let before = text.get(..*at).and_then(|before| before.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|after| after.chars().next());
        let (first, last) = (word.chars().next(), word.chars().next_back());
        !(joins(before) && joins(first) || joins(after) && joins(last))
    };
    if word.is_empty() {
        return None;
    }
    text.match_indices(word).map(|(at, _)| at).find(stands_alone).map(|at| at..at + word.len())
}

/// The diagnostics as text, in the order of [`resolve`], each followed by an empty line.
///
/// ```text
/// error[E0107]: `cals` is neither a view nor an input
///   --> spec.yaml:12:27
///    |
/// 12 |     transform: {source: cals, kind: Project}
///    |                         ^^^^ did you mean `calls`?
///    = allowed: calls, defs, raw_nodes
///    = help: correct the name, or add the view or input
/// ```
#[must_use]
pub fn render(diagnostics: &[Diagnostic], source: &SourceMap, options: RenderOptions) -> String {
    let mut page = Page { text: String::new(), color: options.color };
    for diagnostic in resolve(diagnostics, source) {
        page.diagnostic(&diagnostic, source);
        page.text.push('\n');
    }
    page.text
}

/// One line that counts errors and warnings: `2 errors, 1 warning`. Empty if there are none.
#[must_use]
pub fn summary(diagnostics: &[Diagnostic]) -> String {
    let count = |severity| diagnostics.iter().filter(|d| d.severity == severity).count();
    let counted = |number: usize, noun: &str| match number {
        0 => None,
        1 => Some(format!("1 {noun}")),
        many => Some(format!("{many} {noun}s")),
    };
    let parts = [counted(count(Severity::Error), "error"), counted(count(Severity::Warning), "warning")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Allowed texts listed in full; of more, these many and a count.
const MAX_ALLOWED: usize = 24;

/// The widest part of a source line that is shown, in characters.
const MAX_LINE_CHARACTERS: usize = 120;

const BOLD: &str = "\u{1b}[1m";
const BLUE: &str = "\u{1b}[1;34m";

fn color_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "\u{1b}[1;31m",
        Severity::Warning => "\u{1b}[1;33m",
        Severity::Note => "\u{1b}[1;32m",
    }
}

/// Text under construction.
struct Page {
    text: String,
    color: bool,
}

impl Page {
    fn paint(&mut self, color: &str, text: &str) {
        if self.color {
            self.text.push_str(color);
            self.text.push_str(text);
            self.text.push_str("\u{1b}[0m");
        } else {
            self.text.push_str(text);
        }
    }

    fn diagnostic(&mut self, diagnostic: &ResolvedDiagnostic, source: &SourceMap) {
        let severity = diagnostic.severity;
        self.paint(color_of(severity), &format!("{severity}[{}]", diagnostic.code));
        self.paint(BOLD, &format!(": {}", escape_text(&diagnostic.message)));
        self.text.push('\n');
        let lines = diagnostic.line.into_iter().chain(diagnostic.related.iter().filter_map(|note| note.line));
        let margin = lines.max().map_or(1, |line| line.to_string().len());
        let suggestion =
            diagnostic.suggestion.as_ref().map(|s| format!("did you mean `{}`?", escape_text(s)));
        match &diagnostic.bytes {
            Some(bytes) => {
                let label = suggestion.as_deref().unwrap_or("");
                self.snippet(source, bytes, margin, label, color_of(severity));
            }
            None => self.arrow(margin, &escape_text(&diagnostic.file)),
        }
        if diagnostic.bytes.is_none()
            && let Some(path) = &diagnostic.location_text()
        {
            self.remark(margin, "at", path);
        }
        if diagnostic.bytes.is_none()
            && let Some(suggestion) = &suggestion
        {
            self.remark(margin, "help", suggestion);
        }
        if !diagnostic.allowed.is_empty() {
            self.remark(margin, "allowed", &listed(&diagnostic.allowed));
        }
        if let Some(help) = &diagnostic.help {
            self.remark(margin, "help", &escape_text(help));
        }
        if !diagnostic.rows.is_empty() {
            self.remark(margin, "rows", "");
            for row in &diagnostic.rows {
                self.text.push_str(&" ".repeat(margin + 3));
                self.text.push_str(&escape_text(row));
                self.text.push('\n');
            }
        }
        for note in &diagnostic.related {
            self.remark(margin, "note", &escape_text(&note.message));
            match &note.bytes {
                Some(bytes) => self.snippet(source, bytes, margin, "", BLUE),
                None => self.remark(margin, "at", &escape_text(&note.path.to_string())),
            }
        }
    }

    fn arrow(&mut self, margin: usize, place: &str) {
        self.text.push_str(&" ".repeat(margin));
        self.paint(BLUE, "-->");
        self.text.push(' ');
        self.text.push_str(place);
        self.text.push('\n');
    }

    fn remark(&mut self, margin: usize, kind: &str, text: &str) {
        self.text.push_str(&" ".repeat(margin + 1));
        self.paint(BLUE, "=");
        self.text.push(' ');
        self.paint(BOLD, kind);
        self.text.push(':');
        if !text.is_empty() {
            self.text.push(' ');
            self.text.push_str(text);
        }
        self.text.push('\n');
    }

    /// The place, its first line, and the part of it underlined.
    fn snippet(&mut self, source: &SourceMap, bytes: &Range<usize>, margin: usize, label: &str, color: &str) {
        let place = source.location(bytes.clone());
        let name = escape_text(source.name().as_str()).into_owned();
        self.arrow(margin, &format!("{name}:{}:{}", place.line, place.column));
        let Some((line_start, line)) = source.line(place.line) else {
            return;
        };
        let shown =
            Shown::of(line, place.bytes.start - line_start, place.bytes.end.saturating_sub(line_start));
        let gutter = " ".repeat(margin);
        self.paint(BLUE, &format!("{gutter} |"));
        self.text.push('\n');
        self.paint(BLUE, &format!("{:>margin$} |", place.line));
        self.text.push(' ');
        self.text.push_str(&shown.text);
        self.text.push('\n');
        self.paint(BLUE, &format!("{gutter} |"));
        self.text.push_str(&" ".repeat(shown.before + 1));
        self.paint(color, &"^".repeat(shown.width.max(1)));
        if !label.is_empty() {
            self.text.push(' ');
            self.paint(color, label);
        }
        self.text.push('\n');
    }
}

impl ResolvedDiagnostic {
    /// The path, for places that are not in the text.
    fn location_text(&self) -> Option<String> {
        let path = self.path.as_ref().filter(|path| !path.is_root())?;
        Some(escape_text(&path.to_string()).into_owned())
    }
}

/// A part of a source line as it is shown.
struct Shown {
    text: String,
    /// Columns before the underlined part.
    before: usize,
    /// Columns of the underlined part.
    width: usize,
}

impl Shown {
    /// The line around the bytes `start..end` of it. Tabs become four spaces; what is unsafe to print is
    /// escaped, and what is secret hidden.
    fn of(line: &str, start: usize, end: usize) -> Self {
        let before = line.get(..start).map_or(0, |before| before.chars().count());
        let is_short = line.chars().nth(MAX_LINE_CHARACTERS).is_none();
        let skipped = if is_short { 0 } else { before.saturating_sub(MAX_LINE_CHARACTERS / 2) };
        let mut shown = Self { text: String::new(), before: 0, width: 0 };
        if skipped > 0 {
            shown.push("...", 3, false, true);
        }
        let secrets = secrets_of_line(line);
        let mut rest = line.char_indices().skip(skipped);
        for (at, character) in rest.by_ref().take(MAX_LINE_CHARACTERS) {
            let mut piece = String::new();
            let width = match character {
                _ if secrets.iter().any(|secret| secret.contains(&at)) => {
                    piece.push('*');
                    1
                }
                '\t' => {
                    piece.push_str("    ");
                    4
                }
                unsafe_to_print if is_dangerous(unsafe_to_print) => {
                    push_escaped(&mut piece, unsafe_to_print);
                    piece.len()
                }
                printable => {
                    piece.push(printable);
                    printable.width().unwrap_or(0)
                }
            };
            shown.push(&piece, width, (start..end).contains(&at), at < start);
        }
        if rest.next().is_some() {
            shown.text.push_str("...");
        }
        shown
    }

    fn push(&mut self, piece: &str, width: usize, is_marked: bool, is_before: bool) {
        self.text.push_str(piece);
        self.width += if is_marked { width } else { 0 };
        self.before += if is_before { width } else { 0 };
    }
}

/// Allowed texts, separated by commas.
fn listed(allowed: &[String]) -> String {
    let mut text =
        allowed.iter().take(MAX_ALLOWED).map(|name| escape_text(name)).collect::<Vec<_>>().join(", ");
    if let Some(more) = allowed.len().checked_sub(MAX_ALLOWED).filter(|more| *more > 0) {
        text.push_str(&format!(", and {more} more"));
    }
    escape_text(&text).into_owned()
}
