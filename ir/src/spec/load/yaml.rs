//! Reads YAML 1.2 (core schema) from the parser's events, with the bytes of every value.
//!
//! Anchors, aliases, tags and merge keys are reported and not followed, so no document can be larger in
//! memory than its text.

use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use crate::diag::{Diagnostic, Findings, codes};

use super::tree::{Field, MAX_DEPTH, Node, Value, float, integer, too_deep, without_duplicates};

/// Reads a document; none if the text has only space and comments.
///
/// # Errors
/// The syntax error, too deep nesting, or second document at which reading stopped.
pub(super) fn read(text: &str, findings: &mut Findings) -> Result<Option<Node>, Box<Diagnostic>> {
    let offsets = Offsets::of(text);
    let mut builder = Builder { text, offsets: &offsets, open: Vec::new(), root: None, findings };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| Box::new(syntax_error(&error, &offsets)))?;
        builder.event(event, span)?;
    }
    Ok(builder.root)
}

/// The parser counts characters; this finds their bytes.
struct Offsets {
    /// The byte of each character, unless all characters are one byte.
    bytes: Option<Vec<usize>>,
    end: usize,
}

impl Offsets {
    fn of(text: &str) -> Self {
        let bytes = (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect());
        Self { bytes, end: text.len() }
    }

    fn byte(&self, character: usize) -> usize {
        match &self.bytes {
            None => character.min(self.end),
            Some(bytes) => bytes.get(character).copied().unwrap_or(self.end),
        }
    }

    fn range(&self, span: Span) -> Range<usize> {
        self.byte(span.start.index())..self.byte(span.end.index())
    }
}

fn syntax_error(error: &ScanError, offsets: &Offsets) -> Diagnostic {
    let at = offsets.byte(error.marker().index());
    if error.info().contains("recursion limit") {
        return too_deep(at..at);
    }
    if error.info().contains("unknown anchor") {
        return Diagnostic::new(codes::ALIAS, "aliases are not allowed")
            .at_bytes(at..at)
            .help("write the value out; quote it if a text is meant");
    }
    Diagnostic::new(codes::SYNTAX, format!("not valid YAML: {}", error.info()))
        .at_bytes(at..at)
        .help("look at the indentation, quotes and brackets here and on the lines before")
}

fn key_is_no_text(bytes: Range<usize>) -> Box<Diagnostic> {
    Box::new(Diagnostic::new(codes::SYNTAX, "a key must be a text").at_bytes(bytes))
}

/// A map or list whose end has not come yet.
struct Open {
    start: usize,
    is_flow: bool,
    items: Items,
}

enum Items {
    List(Vec<Node>),
    Map { fields: Vec<Field>, key: Option<Key> },
}

/// A key whose value has not come yet.
struct Key {
    text: String,
    bytes: Range<usize>,
    /// Already reported: its value is no field.
    is_refused: bool,
}

struct Builder<'a> {
    text: &'a str,
    offsets: &'a Offsets,
    open: Vec<Open>,
    root: Option<Node>,
    findings: &'a mut Findings,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Box<Diagnostic>> {
        let bytes = self.offsets.range(span);
        match event {
            Event::Alias(_) => {
                self.refuse("aliases are not allowed", bytes.clone());
                if self.expects_key() {
                    self.key(String::new(), bytes, true);
                    return Ok(());
                }
                self.finished(Node { bytes, value: Value::Invalid, is_block: false })
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_properties(anchor, tag.is_some(), bytes.start);
                let bytes = self.trimmed(bytes, style);
                let is_plain = style == ScalarStyle::Plain;
                if self.expects_key() {
                    let is_merge = is_plain && text == "<<";
                    if is_merge {
                        self.refuse("merge keys are not allowed", bytes.clone());
                    }
                    self.key(text.into_owned(), bytes, is_merge);
                    return Ok(());
                }
                let value = if tag.is_some() {
                    Value::Invalid
                } else if is_plain {
                    plain(&text, &bytes, self.findings)
                } else {
                    Value::Text(text.into_owned())
                };
                let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                self.finished(Node { bytes, value, is_block })
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_properties(anchor, tag.is_some(), bytes.start);
                self.begin(bytes, Items::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_properties(anchor, tag.is_some(), bytes.start);
                self.begin(bytes, Items::Map { fields: Vec::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(bytes.end),
            Event::DocumentStart(_) if self.root.is_some() => {
                let second = Diagnostic::new(codes::SEVERAL_DOCUMENTS, "a second YAML document starts here");
                Err(Box::new(second.at_bytes(bytes).help("put each document into its own file")))
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { items: Items::Map { key: None, .. }, .. }))
    }

    fn key(&mut self, text: String, bytes: Range<usize>, is_refused: bool) {
        if let Some(Open { items: Items::Map { key, .. }, .. }) = self.open.last_mut() {
            *key = Some(Key { text, bytes, is_refused });
        }
    }

    fn begin(&mut self, bytes: Range<usize>, items: Items) -> Result<(), Box<Diagnostic>> {
        if self.open.len() == MAX_DEPTH {
            return Err(Box::new(too_deep(bytes)));
        }
        if self.expects_key() {
            return Err(key_is_no_text(bytes));
        }
        self.open.push(Open { start: bytes.start, is_flow: !bytes.is_empty(), items });
        Ok(())
    }

    fn end(&mut self, end: usize) -> Result<(), Box<Diagnostic>> {
        let Some(Open { start, is_flow, items }) = self.open.pop() else {
            return Ok(());
        };
        let (value, last) = match items {
            Items::List(items) => {
                let last = items.last().map(|item| item.bytes.end);
                (Value::List(items), last)
            }
            Items::Map { fields, .. } => {
                let last = fields.last().map(|field| field.value.bytes.end.max(field.key_bytes.end));
                (Value::Map(without_duplicates(fields, self.findings)), last)
            }
        };
        // The end event of a block comes with the next token, often lines later.
        let end = if is_flow { end } else { last.unwrap_or(start) };
        self.finished(Node { bytes: start..end.max(start), value, is_block: false })
    }

    /// Puts a finished value where it belongs.
    fn finished(&mut self, node: Node) -> Result<(), Box<Diagnostic>> {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open { items: Items::List(items), .. }) => items.push(node),
            Some(Open { items: Items::Map { fields, key }, .. }) => match key.take() {
                Some(Key { is_refused: true, .. }) => {}
                Some(Key { text, bytes, .. }) => {
                    fields.push(Field { key: text, key_bytes: bytes, value: node })
                }
                None => {
                    return Err(key_is_no_text(node.bytes));
                }
            },
        }
        Ok(())
    }

    fn refuse(&mut self, what: &str, bytes: Range<usize>) {
        let finding = Diagnostic::new(codes::ALIAS, what).at_bytes(bytes);
        self.findings.push(finding.help("write the value out; quote it if a text is meant"));
    }

    /// Reports the anchor and the tag before a value that starts at `start`.
    fn refuse_properties(&mut self, anchor: usize, has_tag: bool, start: usize) {
        for (is_there, character, what) in
            [(anchor > 0, '&', "anchors are not allowed"), (has_tag, '!', "tags are not allowed")]
        {
            if is_there {
                let before = self.text.get(..start).unwrap_or("");
                let at = before.rfind(character).unwrap_or(start);
                let length = before.get(at..).and_then(|rest| rest.find(char::is_whitespace));
                self.refuse(what, at..at + length.unwrap_or(start - at));
            }
        }
    }

    /// A block scalar's span goes on to the next token; the text ends before that.
    fn trimmed(&self, bytes: Range<usize>, style: ScalarStyle) -> Range<usize> {
        if !matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            return bytes;
        }
        let text = self.text.get(bytes.clone()).unwrap_or("").trim_end();
        bytes.start..bytes.start + text.len()
    }
}

/// What a text without quotes means in the core schema.
fn plain(text: &str, bytes: &Range<usize>, findings: &mut Findings) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Boolean(true),
        "false" | "False" | "FALSE" => return Value::Boolean(false),
        _ => {}
    }
    for (prefix, base) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix)
            && !digits.is_empty()
            && digits.chars().all(|c| c.is_digit(base))
        {
            return integer(digits, base, bytes, findings);
        }
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.is_empty() && unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return integer(text, 10, bytes, findings);
    }
    let is_special = matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN");
    if is_special || is_float(unsigned) {
        return float(text, bytes, findings);
    }
    Value::Text(text.to_owned())
}

/// Whether a text without sign is a number with a fraction or an exponent: `1.`, `.5`, `1e9`, `1.5E-3`.
fn is_float(unsigned: &str) -> bool {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    !(whole.is_empty() && fraction.is_empty())
        && all_digits(whole)
        && all_digits(fraction)
        && exponent.is_none_or(|digits| !digits.is_empty() && all_digits(digits))
}
