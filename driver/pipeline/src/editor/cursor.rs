//! Where in a spec a cursor stands, told from the text before it alone.
//!
//! A text that is being written is hardly ever a document: a brace is open, a key has no value. So nothing is parsed here.
//! The text is read once from its beginning to the cursor, line by line by indentation, letter by letter within `{ }` and
//! `[ ]`, as YAML and JSON have them; what cannot be understood is passed over.

use std::collections::BTreeMap;

use ir::diag::{Segment, SpecPath};

/// A place for text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The value that is being written, or the map whose key is.
    pub(super) path: SpecPath,
    /// Whether it is the value of `path`, or an item there, which may become a map; otherwise a key in it.
    pub(super) is_value: bool,
    /// What stands of it before the cursor, without the quote it begins with.
    pub(super) written: String,
    /// The texts of the maps around it that come before it, with their names: those of outer maps first.
    pub(super) beside: Vec<(String, String)>,
}

impl Cursor {
    /// The cursor at a byte of a text.
    #[must_use]
    pub(super) fn at(text: &str, byte: usize) -> Self {
        let mut end = byte.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let mut reader = Reader::default();
        for line in text.get(..end).unwrap_or_default().split_inclusive('\n') {
            reader.line(line);
        }
        reader.cursor()
    }

    /// The name of the field whose value this is, or in which it is an item.
    #[must_use]
    pub(super) fn field(&self) -> Option<&str> {
        self.path.segments().iter().rev().find_map(|segment| match segment {
            Segment::Field(name) => Some(name.as_str()),
            Segment::Index(_) => None,
        })
    }

    /// Whether it is somewhere in the value of a field of this name.
    #[must_use]
    pub(super) fn is_within(&self, field: &str) -> bool {
        let mut segments = self.path.segments().iter();
        segments.any(|segment| matches!(segment, Segment::Field(name) if name == field))
    }

    /// The text of this name that is nearest.
    #[must_use]
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.beside.iter().rev().find(|(key, _)| key == name).map(|(_, text)| text.as_str())
    }

    /// The name before a point before that word: `left` of `left.na`.
    #[must_use]
    pub(super) fn qualifier(&self) -> Option<&str> {
        let before = self.written.trim_end_matches(is_word).strip_suffix('.')?;
        before.get(before.trim_end_matches(is_word).len()..).filter(|name| !name.is_empty())
    }

    /// The word at the end of what is written: letters, digits and `_`.
    #[must_use]
    pub(super) fn word(&self) -> &str {
        let before = self.written.trim_end_matches(is_word);
        self.written.get(before.len()..).unwrap_or_default()
    }
}

/// Whether a letter is one of a name that needs no quotes.
pub(super) fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// A map or a list that is open.
#[derive(Clone, Debug)]
struct Open {
    /// The indentation of its entries; nothing within braces.
    indent: Option<usize>,
    /// Whether it is a list, or a map.
    is_list: bool,
    /// The entry that is being written; nothing before a key of a map is known.
    at: Option<Segment>,
    /// The texts of a map.
    texts: BTreeMap<String, String>,
}

impl Open {
    fn new(indent: Option<usize>, is_list: bool) -> Self {
        let at = (is_list && indent.is_none()).then_some(Segment::Index(0));
        Self { indent, is_list, at, texts: BTreeMap::new() }
    }
}

/// What the reader is within.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Within {
    /// Keys and values.
    #[default]
    Structure,
    /// A text in these quotes.
    Quotes(char),
    /// A block of text below a line of this indentation.
    Block(usize),
}

#[derive(Debug, Default)]
struct Reader {
    open: Vec<Open>,
    within: Within,
    /// What is written of the key or value.
    written: String,
    /// Whether a colon came before it.
    after_colon: bool,
}

impl Reader {
    fn is_flow(&self) -> bool {
        self.open.last().is_some_and(|open| open.indent.is_none())
    }

    /// The indentation of the innermost entries that have one.
    fn indent(&self) -> Option<usize> {
        self.open.iter().rev().find_map(|open| open.indent)
    }

    fn line(&mut self, line: &str) {
        let content = line.trim_end_matches(['\n', '\r']);
        let text = content.trim_start_matches(' ');
        let indent = content.len() - text.len();
        let ends = content.len() < line.len();
        if let Within::Block(around) = self.within {
            if indent > around || (text.is_empty() && ends) {
                self.written.push_str(line);
                return;
            }
            self.within = Within::Structure;
        }
        let mut rest = text;
        if !self.is_flow() && self.within == Within::Structure {
            // A text without quotes goes on further in; an empty line closes nothing.
            let goes_on = self.after_colon && !self.written.trim().is_empty();
            let goes_on = goes_on && self.indent().is_some_and(|own| indent > own);
            if text.is_empty() && ends {
                return;
            }
            if goes_on {
                self.written.push('\n');
            } else {
                rest = self.begin(indent, text);
            }
        }
        self.letters(rest);
        if ends && (self.is_flow() || self.within != Within::Structure) && !self.written.is_empty() {
            self.written.push('\n');
        }
    }

    /// Closes what a line with this indentation is not in, and opens the lists that begin on it. Gives the rest of the line.
    fn begin<'t>(&mut self, mut indent: usize, mut text: &'t str) -> &'t str {
        self.end_value();
        loop {
            let is_item = text == "-" || text.starts_with("- ");
            // The items of a list may stand below its key, as far in.
            while self.open.last().is_some_and(|open| {
                open.indent.is_none_or(|own| own > indent || (own == indent && open.is_list && !is_item))
            }) {
                self.open.pop();
            }
            let is_same = |open: &Open| open.indent == Some(indent) && open.is_list == is_item;
            if !self.open.last().is_some_and(is_same) {
                self.open.push(Open::new(Some(indent), is_item));
            }
            let Some(open) = self.open.last_mut() else { return text };
            if !is_item {
                open.at = None;
                return text;
            }
            open.at = Some(Segment::Index(match open.at {
                Some(Segment::Index(last)) => last + 1,
                _ => 0,
            }));
            let after = text.get(1..).unwrap_or_default();
            let inner = after.trim_start_matches(' ');
            indent += 1 + after.len() - inner.len();
            text = inner;
            if !has_key(text) && !text.starts_with("- ") {
                return text;
            }
        }
    }

    fn letters(&mut self, text: &str) {
        let mut before = ' ';
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            if let Within::Quotes(quote) = self.within {
                let is_escaped = quote == '"' && before == '\\';
                match letter == quote && !is_escaped {
                    true => self.within = Within::Structure,
                    false => self.written.push(letter),
                }
                before = if is_escaped { ' ' } else { letter };
                continue;
            }
            let is_first = self.written.trim().is_empty();
            let next = letters.peek().copied();
            match letter {
                '#' if before == ' ' => return,
                '"' | '\'' if is_first => {
                    self.written.clear();
                    self.within = Within::Quotes(letter);
                }
                '{' | '[' if is_first => {
                    self.written.clear();
                    self.open.push(Open::new(None, letter == '['));
                    self.after_colon = false;
                }
                '}' | ']' if self.is_flow() => {
                    self.end_value();
                    self.open.pop();
                    // It was the value of an entry.
                    self.after_colon = true;
                }
                ',' if self.is_flow() => {
                    self.end_value();
                    self.next_entry();
                }
                ':' if !self.after_colon && (next.is_none_or(|next| next == ' ') || before == '"') => {
                    self.key()
                }
                '|' | '>' if self.after_colon && is_first && !self.is_flow() => {
                    self.written.clear();
                    self.within = Within::Block(self.indent().unwrap_or(0));
                    return;
                }
                _ => self.written.push(letter),
            }
            before = letter;
        }
    }

    /// What was written is the key of an entry.
    fn key(&mut self) {
        let key = std::mem::take(&mut self.written).trim().to_owned();
        if let Some(open) = self.open.last_mut().filter(|open| !open.is_list) {
            open.at = Some(Segment::Field(key));
        }
        self.after_colon = true;
    }

    /// What was written is a whole value.
    fn end_value(&mut self) {
        let value = std::mem::take(&mut self.written).trim().to_owned();
        let is_text = std::mem::take(&mut self.after_colon) && !value.is_empty();
        if let Some(Open { at: Some(Segment::Field(key)), texts, .. }) = self.open.last_mut()
            && is_text
        {
            texts.insert(key.clone(), value);
        }
    }

    /// A comma within braces: the next item, or a key that is not known yet.
    fn next_entry(&mut self) {
        let Some(open) = self.open.last_mut() else { return };
        open.at = match open.at {
            Some(Segment::Index(at)) => Some(Segment::Index(at + 1)),
            Some(Segment::Field(_)) | None => None,
        };
    }

    fn cursor(mut self) -> Cursor {
        let is_value =
            self.open.last().is_some_and(|open| open.is_list || (self.after_colon && open.at.is_some()));
        let path: Vec<Segment> = self.open.iter().filter_map(|open| open.at.clone()).collect();
        let beside = self.open.iter_mut().flat_map(|open| std::mem::take(&mut open.texts)).collect();
        Cursor { path: path.into(), is_value, written: self.written, beside }
    }
}

/// Whether an item of a list begins with a key.
fn has_key(text: &str) -> bool {
    let key = text.split([' ', '{', '[', '"', '\'']).next().unwrap_or_default();
    key.len() > 1 && key.ends_with(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = "\
version: 4
input_relations:
- {logical_name: orders, delta_location: tables/orders}
view_definitions:
  - name: paid # what was paid
    transform: {kind: Filter, source: orders,
      predicate: \"amount > 0 AND na§1me\"}
  - name: daily
    transform:
      kind: Aggregate
      source: pa§2id
      group_by: [day, {name: month, ex§3pr: month(day)}]
      aggregations:
        - function: sum
          col§4umn: amount
  - name: best
    transform:
      kind: Sql
      query: |
        SELECT day: x
        FROM daily§5

  - name: plain
    transform:
      kind: Sql
      query: SELECT day
        FROM da§6ily
      §7
output_targets:
  - §8
";

    #[test]
    fn a_cursor_is_found_in_every_form_of_yaml() {
        let at = |mark: &str| {
            let byte = SPEC.find(&format!("§{mark}")).unwrap();
            let text = SPEC.replace('§', "");
            let before: usize = SPEC[..byte].matches('§').count();
            Cursor::at(&text, byte - before * '§'.len_utf8())
        };
        for (mark, path, is_value, word) in [
            ("1", "view_definitions[0].transform.predicate", true, "na"),
            ("2", "view_definitions[1].transform.source", true, "pa"),
            ("3", "view_definitions[1].transform.group_by[1]", false, "ex"),
            ("4", "view_definitions[1].transform.aggregations[0]", false, "col"),
            ("5", "view_definitions[2].transform.query", true, "daily"),
            ("6", "view_definitions[3].transform.query", true, "da"),
            ("7", "view_definitions[3].transform", false, ""),
            ("8", "output_targets[0]", true, ""),
        ] {
            let cursor = at(mark);
            let found = (cursor.path.to_string(), cursor.is_value, cursor.word().to_owned());
            assert_eq!(found, (path.to_owned(), is_value, word.to_owned()), "{mark}");
        }
        assert_eq!(at("1").text("source"), Some("orders"));
        assert_eq!(at("4").text("source"), Some("pa2id"));
        assert_eq!(at("4").text("kind"), Some("Aggregate"));
        assert_eq!(at("7").text("query"), Some("SELECT day\nFROM da6ily"));
    }

    #[test]
    fn json_and_texts_that_are_nothing_are_read_too() {
        let json = r#"{"version": 4, "view_definitions": [{"name": "a\"b", "transform": {"kind": "Filter", "source": "or"#;
        let cursor = Cursor::at(json, json.len());
        assert_eq!(cursor.path.to_string(), "view_definitions[0].transform.source");
        assert!(cursor.is_value && cursor.word() == "or");
        for text in ["", "}}]]", "- - -\n -", ": : :", "{[{[\n\n]", "a: 'é", "|\n >\n", "\u{feff}é: [ü, "]
        {
            for byte in 0..=text.len() + 1 {
                let _somewhere = Cursor::at(text, byte);
            }
        }
    }
}
