//! Reads JSON (RFC 8259) with the bytes of every value.
//!
//! YAML 1.2 is meant to contain JSON, but the YAML parser refuses the surrogate pairs (`\ud83d\ude00`) that
//! JSON writers use for characters beyond U+FFFF. So JSON has a reader of its own.

use std::ops::Range;

use crate::diag::{Diagnostic, Findings, codes};

use super::tree::{Field, MAX_DEPTH, Node, Value, float, integer, too_deep, without_duplicates};

/// Reads a document. Findings that do not stop the reading go to `findings`.
///
/// # Errors
/// The syntax error, or too deep nesting, at which reading stopped.
pub(super) fn read(text: &str, findings: &mut Findings) -> Result<Node, Box<Diagnostic>> {
    let mut reader = Reader { text, at: 0, depth: 0, findings };
    let node = reader.value()?;
    reader.skip_space();
    match reader.peek() {
        None => Ok(node),
        Some(_) => Err(reader.failed("expected the end of the document")),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    findings: &'a mut Findings,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let matches = self.peek() == Some(byte);
        self.at += usize::from(matches);
        matches
    }

    /// A syntax error at the current character.
    fn failed(&self, expected: &str) -> Box<Diagnostic> {
        let next = self.text.get(self.at..).and_then(|rest| rest.chars().next());
        let (found, length) = match next {
            Some(character) => (format!("`{character}`"), character.len_utf8()),
            None => ("the end of the text".to_owned(), 0),
        };
        let message = format!("{expected}, found {found}");
        Box::new(Diagnostic::new(codes::SYNTAX, message).at_bytes(self.at..self.at + length))
    }

    fn value(&mut self) -> Result<Node, Box<Diagnostic>> {
        self.skip_space();
        let start = self.at;
        let value = match self.peek() {
            Some(b'{') => self.nested(Self::map)?,
            Some(b'[') => self.nested(Self::list)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Node { bytes: start..self.at, value, is_block: false })
    }

    fn nested(
        &mut self,
        read: fn(&mut Self) -> Result<Value, Box<Diagnostic>>,
    ) -> Result<Value, Box<Diagnostic>> {
        if self.depth == MAX_DEPTH {
            return Err(Box::new(too_deep(self.at..self.at + 1)));
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn map(&mut self) -> Result<Value, Box<Diagnostic>> {
        let mut fields = Vec::new();
        self.skip_space();
        if self.take(b'}') {
            return Ok(Value::Map(fields));
        }
        loop {
            self.skip_space();
            let key_start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.failed("expected a key in double quotes"));
            }
            let key = self.string()?;
            let key_bytes = key_start..self.at;
            self.skip_space();
            if !self.take(b':') {
                return Err(self.failed("expected `:` after the key"));
            }
            let value = self.value()?;
            fields.push(Field { key, key_bytes, value });
            self.skip_space();
            if self.take(b'}') {
                return Ok(Value::Map(without_duplicates(fields, self.findings)));
            }
            if !self.take(b',') {
                return Err(self.failed("expected `,` or `}`"));
            }
        }
    }

    fn list(&mut self) -> Result<Value, Box<Diagnostic>> {
        let mut items = Vec::new();
        self.skip_space();
        if self.take(b']') {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value()?);
            self.skip_space();
            if self.take(b']') {
                return Ok(Value::List(items));
            }
            if !self.take(b',') {
                return Err(self.failed("expected `,` or `]`"));
            }
        }
    }

    fn word(&mut self) -> Result<Value, Box<Diagnostic>> {
        let rest = self.text.get(self.at..).unwrap_or("");
        let words = [("null", Value::Null), ("true", Value::Boolean(true)), ("false", Value::Boolean(false))];
        for (word, value) in words {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.failed("expected a value"))
    }

    fn digits(&mut self) -> Result<(), Box<Diagnostic>> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.failed("expected a digit"));
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value, Box<Diagnostic>> {
        let start = self.at;
        self.take(b'-');
        if self.take(b'0') {
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.failed("a number must not start with 0"));
            }
        } else {
            self.digits()?;
        }
        let mut is_whole = true;
        if self.take(b'.') {
            is_whole = false;
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            is_whole = false;
            if !self.take(b'-') {
                self.take(b'+');
            }
            self.digits()?;
        }
        let bytes = start..self.at;
        let text = self.text.get(bytes.clone()).unwrap_or("");
        Ok(if is_whole {
            integer(text, 10, &bytes, self.findings)
        } else {
            float(text, &bytes, self.findings)
        })
    }

    /// Reads a text in quotes, from the opening to the closing quote.
    fn string(&mut self) -> Result<String, Box<Diagnostic>> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or("");
            let plain = rest.find(|c: char| c == '"' || c == '\\' || c < ' ').unwrap_or(rest.len());
            text.push_str(rest.get(..plain).unwrap_or(""));
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => return Err(self.failed("control characters in a text must be escaped")),
                None => {
                    let unfinished = Diagnostic::new(codes::SYNTAX, "this text has no closing quote");
                    return Err(Box::new(unfinished.at_bytes(start..start + 1)));
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Box<Diagnostic>> {
        let start = self.at;
        self.at += 1;
        let character = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode_escape(start);
            }
            _ => return Err(self.failed("expected one of `\"\\/bfnrtu` after `\\`")),
        };
        self.at += 1;
        Ok(character)
    }

    /// Reads what follows `\u`: four digits, or a pair of surrogates with `\u` between them.
    fn unicode_escape(&mut self, start: usize) -> Result<char, Box<Diagnostic>> {
        let first = self.four_digits()?;
        let code = if (0xd800..0xdc00).contains(&first) && self.take(b'\\') && self.take(b'u') {
            let second = self.four_digits()?;
            if (0xdc00..0xe000).contains(&second) {
                0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            } else {
                first
            }
        } else {
            first
        };
        char::from_u32(code).ok_or_else(|| Box::new(lone_surrogate(start..self.at)))
    }

    fn four_digits(&mut self) -> Result<u32, Box<Diagnostic>> {
        let mut number = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            number = number * 16
                + digit.ok_or_else(|| self.failed("expected four hexadecimal digits after `\\u`"))?;
            self.at += 1;
        }
        Ok(number)
    }
}

fn lone_surrogate(bytes: Range<usize>) -> Diagnostic {
    Diagnostic::new(codes::SYNTAX, "half of a surrogate pair is not a character")
        .at_bytes(bytes)
        .help("write both halves, as in `\\ud83d\\ude00`, or the character itself")
}
