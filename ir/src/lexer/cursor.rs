//! Reading a text from left to right: the one scanner of everything the text form holds.

use std::str::FromStr;

use super::{bare, take_word};

/// Why a text cannot be read, and where in it.
#[derive(Debug)]
pub(crate) struct Fault {
    /// How many bytes of the text were read before.
    pub(crate) at: usize,
    /// What was found and what was expected.
    pub(crate) message: String,
}

/// What reading gives.
pub(crate) type Read<T> = Result<T, Fault>;

/// A text and how far it has been read. White space between tokens is skipped.
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, rest: text }
    }

    /// What is still to be read, from the next token on.
    pub(crate) fn peek(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        self.rest
    }

    /// Goes on to a later part of [`Self::peek`].
    pub(crate) fn go_on(&mut self, rest: &'a str) {
        self.rest = rest;
    }

    /// A fault at the next token.
    pub(crate) fn fault<T>(&mut self, message: impl Into<String>) -> Read<T> {
        let at = self.text.len() - self.peek().len();
        Err(Fault { at, message: message.into() })
    }

    /// A fault at the next token that says what was expected there.
    pub(crate) fn expected<T>(&mut self, what: &str) -> Read<T> {
        let line = self.peek().lines().next().unwrap_or_default();
        let piece: String = line.chars().take(20).collect();
        let found = if piece.is_empty() { "the end".to_owned() } else { format!("`{piece}`") };
        self.fault(format!("expected {what}, found {found}"))
    }

    /// Takes a symbol if it comes next.
    pub(crate) fn take(&mut self, symbol: &str) -> bool {
        let found = self.peek().strip_prefix(symbol);
        if let Some(rest) = found {
            self.rest = rest;
        }
        found.is_some()
    }

    pub(crate) fn expect(&mut self, symbol: &str) -> Read<()> {
        if self.take(symbol) { Ok(()) } else { self.expected(&format!("`{symbol}`")) }
    }

    /// Whether an unquoted word comes next that is exactly this one, and not the beginning of another.
    pub(crate) fn at_keyword(&mut self, keyword: &str) -> bool {
        bare(self.peek()).is_some_and(|(word, _)| word == keyword)
    }

    /// Takes a keyword if it comes next.
    pub(crate) fn take_keyword(&mut self, keyword: &str) -> bool {
        match bare(self.peek()) {
            Some((word, rest)) if word == keyword => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Takes a symbol that looks like a word if it comes next and does not go on as another one.
    pub(crate) fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = self.peek().strip_prefix(symbol);
        match found.filter(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    pub(crate) fn at_digit(&mut self) -> bool {
        self.peek().starts_with(|c: char| c.is_ascii_digit())
    }

    /// Whether a character comes next.
    pub(crate) fn peek_is(&mut self, character: char) -> bool {
        self.peek().starts_with(character)
    }

    /// The word that comes next, quoted or not, and what is behind it.
    fn next_word(&mut self) -> Option<(String, &'a str)> {
        take_word(self.peek())
    }

    pub(crate) fn at_word(&mut self) -> bool {
        self.next_word().is_some()
    }

    /// Whether `word=` comes next.
    pub(crate) fn at_field(&mut self) -> bool {
        self.next_word().is_some_and(|(_, rest)| rest.starts_with('='))
    }

    pub(crate) fn word(&mut self) -> Read<String> {
        match self.next_word() {
            Some((word, rest)) => {
                self.rest = rest;
                Ok(word)
            }
            None => self.expected("a name"),
        }
    }

    /// A JSON string.
    pub(crate) fn quoted(&mut self) -> Read<String> {
        if self.peek().starts_with('"') { self.word() } else { self.expected("a text in double quotes") }
    }

    /// A text in single quotes, which has no escapes.
    pub(crate) fn single_quoted(&mut self) -> Read<String> {
        let found = self.peek().strip_prefix('\'').and_then(|rest| rest.split_once('\''));
        match found {
            Some((text, rest)) => {
                self.rest = rest;
                Ok(text.to_owned())
            }
            None => self.expected("a text in single quotes"),
        }
    }

    /// A whole number.
    pub(crate) fn integer<T: FromStr>(&mut self) -> Read<T> {
        let text = self.peek();
        let sign = usize::from(text.starts_with('-'));
        let digits = text.bytes().skip(sign).take_while(u8::is_ascii_digit).count();
        let (number, rest) = text.split_at(sign + digits);
        match number.parse() {
            Ok(number) => {
                self.rest = rest;
                Ok(number)
            }
            Err(_) => self.expected("a whole number that fits"),
        }
    }

    /// Nothing comes any more.
    pub(crate) fn end(&mut self) -> Read<()> {
        if self.peek().is_empty() { Ok(()) } else { self.expected("the end of the statement") }
    }
}
