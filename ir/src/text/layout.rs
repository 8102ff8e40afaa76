//! Long SQL over several lines, where a reader looks for breaks.
//!
//! The canonical text of an expression or a query is one line. It is read as a tree of brackets, and what does not fit
//! into its line is broken at the first of these places that it has ([`Level`]): before clauses, behind commas, before the
//! branches of a `CASE`, before `AND` and `OR`, between words; a bracket with too much in it gets lines of its own,
//! indented. Clauses, branches and conditions have a line each, items and words fill lines (the consistent and the
//! inconsistent breaks of Oppen, "Prettyprinting", 1980). No other text than blanks is left out, and
//! [`super::parenthesised::joined`] puts them back.
//!
//! Words in capitals are keywords here wherever they stand: of a text that is no SQL lines are broken in odd places, and
//! nothing else comes of it.

use super::parenthesised::{Piece, closes, opens, pieces};

/// How deep brackets may nest in a text that is laid out: deeper than in any query that is read.
const MAX_DEPTH: usize = 256;

/// How far what is inside stands behind what is around it.
const INDENT: usize = 4;

/// Lays a text out in parentheses, each of them on a line of its own: the closing one behind `indent` blanks, what is
/// between them further in, in lines of up to `width` columns where it can be broken. Nothing where the text has other
/// white space than single blanks between words.
pub(super) fn lay_out(text: &str, indent: usize, width: usize) -> Option<String> {
    let units = tree(text, tokens(text)?)?;
    let mut lines = Lines { source: text, text: "(".to_owned(), column: 0, margin: indent, width };
    lines.block(&units);
    lines.text.push(')');
    Some(lines.text)
}

/// Breaks a text that begins behind `indent` blanks over several lines, the further ones further in; as [`lay_out`].
pub(super) fn break_lines(text: &str, indent: usize, width: usize) -> Option<String> {
    let units = tree(text, tokens(text)?)?;
    let mut lines = Lines { source: text, text: String::new(), column: indent, margin: indent, width };
    lines.lay(&units, indent + INDENT, Level::Clause);
    Some(lines.text)
}

/// A word, a comma or a bracket, with what is glued to neither side of it.
struct Token {
    start: usize,
    end: usize,
    /// Whether a blank stands before it.
    spaced: bool,
}

/// A token, or all from one that opens to the one that closes it.
struct Unit {
    start: usize,
    end: usize,
    spaced: bool,
    /// Of a group the end of what opens it, what is in it, and the start of what closes it.
    group: Option<(usize, Vec<Unit>, usize)>,
}

impl Unit {
    fn word(Token { start, end, spaced }: Token) -> Self {
        Self { start, end, spaced, group: None }
    }
}

/// A token that opens a group, and what has come behind it.
struct Open {
    token: Token,
    inside: Vec<Unit>,
}

impl Open {
    fn into_words(self, units: &mut Vec<Unit>) {
        units.push(Unit::word(self.token));
        units.extend(self.inside);
    }
}

/// The tokens of a text; nothing where it could not be told from its lines.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens: Vec<Token> = Vec::new();
    let (mut before, mut in_word) = ('(', false);
    for (start, piece) in pieces(text) {
        let (length, last) = match piece {
            Piece::Plain(' ') if before != ' ' && !opens(before) => {
                (before, in_word) = (' ', false);
                continue;
            }
            Piece::Plain(c) if c.is_whitespace() || c == '-' && before == '-' => return None,
            Piece::Plain(c) if closes(c) && before == ' ' => return None,
            Piece::Plain(c) => (c.len_utf8(), c),
            Piece::Quoted(quoted) => (quoted.len(), '\''),
        };
        let symbol = opens(last) || closes(last) || last == ',';
        let spaced = before == ' ';
        match tokens.last_mut() {
            Some(word) if in_word && !symbol => word.end = start + length,
            _ => tokens.push(Token { start, end: start + length, spaced }),
        }
        (before, in_word) = (last, !symbol);
    }
    (before != ' ').then_some(tokens)
}

/// The tree of a text's tokens. What is opened and not closed, or closed and not opened, is a word like any other.
fn tree(text: &str, tokens: Vec<Token>) -> Option<Vec<Unit>> {
    let mut done: Vec<Unit> = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for token in tokens {
        let name = &text[token.start..token.end];
        if name == "CASE" || name.starts_with(opens) {
            open.push(Open { token, inside: Vec::new() });
            if open.len() > MAX_DEPTH {
                return None;
            }
            continue;
        }
        let unit = match opened_by(text, &open, &token) {
            Some(found) => {
                let mut inside = Vec::new();
                let mut frames = open.drain(found..);
                let first = frames.next()?;
                inside.extend(first.inside);
                frames.for_each(|unclosed| unclosed.into_words(&mut inside));
                let Token { start, end: opened, spaced } = first.token;
                Unit { start, end: token.end, spaced, group: Some((opened, inside, token.start)) }
            }
            None => Unit::word(token),
        };
        open.last_mut().map_or(&mut done, |open| &mut open.inside).push(unit);
    }
    open.into_iter().for_each(|unclosed| unclosed.into_words(&mut done));
    Some(done)
}

/// What is open and closed by a token. Nothing else than a parenthesis ends beyond a parenthesis, and where a `CASE` or its
/// `END` touches what is inside, there is no blank to break at.
fn opened_by(text: &str, open: &[Open], token: &Token) -> Option<usize> {
    let name = |token: &Token| &text[token.start..token.end];
    let opening = match name(token) {
        ")" => "(",
        "]" => "[",
        "}" => "{",
        "END" => "CASE",
        _ => return None,
    };
    let found = open.iter().rposition(|open| [opening, "("].contains(&name(&open.token)))?;
    let (open, inner) = open.get(found..)?.split_first()?;
    let first = open.inside.first().map(|unit| unit.spaced).or(inner.first().map(|open| open.token.spaced));
    let apart = opening != "CASE" || token.spaced && first == Some(true);
    (name(&open.token) == opening && apart).then_some(found)
}

/// Where lines are broken, from what is broken first to what is broken last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// Before the clauses of a query.
    Clause,
    /// Behind commas.
    Item,
    /// Before `WHEN`, `ELSE` and the `ON` of a join.
    Branch,
    /// Before `AND` and `OR`.
    Condition,
    /// At any blank but that before an alias.
    Word,
}

impl Level {
    fn next(self) -> Option<Self> {
        match self {
            Self::Clause => Some(Self::Item),
            Self::Item => Some(Self::Branch),
            Self::Branch => Some(Self::Condition),
            Self::Condition => Some(Self::Word),
            Self::Word => None,
        }
    }
}

/// Lines as far as they are laid out.
struct Lines<'t> {
    source: &'t str,
    text: String,
    /// How wide the last line is.
    column: usize,
    /// How far the last line is indented.
    margin: usize,
    width: usize,
}

impl<'t> Lines<'t> {
    fn word(&self, unit: &Unit) -> &'t str {
        &self.source[unit.start..unit.end]
    }

    fn write(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.chars().count();
    }

    fn new_line(&mut self, indent: usize) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n(' ', indent));
        (self.column, self.margin) = (indent, indent);
    }

    /// Some units on one line.
    fn flat(&self, units: &[Unit]) -> &'t str {
        match units {
            [first, .., last] => &self.source[first.start..last.end],
            [unit] => self.word(unit),
            [] => "",
        }
    }

    fn fits(&self, units: &[Unit], column: usize) -> bool {
        column + self.flat(units).chars().count() <= self.width
    }

    /// What stands between brackets, on lines of its own.
    fn block(&mut self, units: &[Unit]) {
        let outside = self.margin;
        self.new_line(outside + INDENT);
        self.lay(units, outside + INDENT, Level::Clause);
        self.new_line(outside);
    }

    /// Some units from the end of the last line on; further lines are indented by `indent`.
    fn lay(&mut self, units: &[Unit], indent: usize, level: Level) {
        if self.fits(units, self.column) {
            return self.write(self.flat(units));
        }
        let starts: Vec<usize> = (1..units.len()).filter(|at| self.breaks(units, *at, level)).collect();
        let Some(next) = level.next() else { return self.words(units, &starts, indent) };
        if level == Level::Clause && self.is_query(units) {
            return self.clauses(units, &starts, indent);
        }
        if starts.is_empty() || level == Level::Clause {
            return self.lay(units, indent, next);
        }
        let fills = level == Level::Item && units.first().is_none_or(|unit| self.word(unit) != "WITH");
        let mut was_broken = false;
        for (number, part) in parts(units, &starts).enumerate() {
            if number > 0 {
                if fills && !was_broken && self.fits(part, self.column + 1) {
                    self.write(" ");
                } else {
                    self.new_line(indent);
                }
            }
            let length = self.text.len();
            self.lay(part, indent + INDENT, next);
            was_broken = self.text[length..].contains('\n');
        }
    }

    /// A line or more for each clause. The members of a `WITH` stand below it, other lines of a clause further in.
    fn clauses(&mut self, units: &[Unit], starts: &[usize], indent: usize) {
        for (number, clause) in parts(units, starts).enumerate() {
            if number > 0 {
                self.new_line(indent);
            }
            let with = clause.first().is_some_and(|unit| self.word(unit) == "WITH");
            self.lay(clause, if with { indent } else { indent + INDENT }, Level::Item);
        }
    }

    /// Words one after the other. One that fits into no line opens its bracket at the end of this one.
    fn words(&mut self, units: &[Unit], starts: &[usize], indent: usize) {
        for (number, word) in parts(units, starts).enumerate() {
            if number > 0 {
                if self.fits(word, self.column + 1) || !self.fits(word, indent) {
                    self.write(" ");
                } else {
                    self.new_line(indent);
                }
            }
            let broken = if self.fits(word, self.column) { None } else { self.widest_group(word) };
            for (at, unit) in word.iter().enumerate() {
                if at > 0 && unit.spaced {
                    self.write(" ");
                }
                match &unit.group {
                    Some((opened, inside, closing)) if broken == Some(at) => {
                        self.write(&self.source[unit.start..*opened]);
                        self.block(inside);
                        self.write(&self.source[*closing..unit.end]);
                    }
                    _ => self.write(self.word(unit)),
                }
            }
        }
    }

    fn widest_group(&self, units: &[Unit]) -> Option<usize> {
        let groups = units
            .iter()
            .enumerate()
            .filter(|(_, unit)| unit.group.as_ref().is_some_and(|(_, inside, _)| !inside.is_empty()));
        groups.max_by_key(|(_, unit)| self.word(unit).len()).map(|(at, _)| at)
    }

    fn is_query(&self, units: &[Unit]) -> bool {
        units
            .iter()
            .any(|unit| matches!(self.word(unit), "SELECT" | "VALUES" | "UNION" | "EXCEPT" | "INTERSECT"))
    }

    /// Whether a line may begin with a unit.
    fn breaks(&self, units: &[Unit], at: usize, level: Level) -> bool {
        let (before, unit) = (self.word(&units[at - 1]), self.word(&units[at]));
        units[at].spaced
            && match level {
                Level::Clause => self.begins_clause(units, at),
                Level::Item => before == ",",
                Level::Branch => matches!(unit, "WHEN" | "ELSE" | "ON"),
                Level::Condition => unit == "OR" || unit == "AND" && !self.is_of_between(units, at),
                Level::Word => before != "AS",
            }
    }

    fn begins_clause(&self, units: &[Unit], at: usize) -> bool {
        let before = self.word(&units[at - 1]);
        let mut following = units[at..].iter().map(|unit| self.word(unit));
        match following.next() {
            Some(
                "SELECT" | "WHERE" | "HAVING" | "QUALIFY" | "WINDOW" | "LIMIT" | "OFFSET" | "VALUES"
                | "UNION" | "EXCEPT" | "INTERSECT",
            ) => true,
            // `IS DISTINCT FROM` compares.
            Some("FROM") => before != "DISTINCT",
            Some("GROUP" | "ORDER") => following.next() == Some("BY"),
            Some("JOIN") => !is_of_join(before),
            Some(word) if is_of_join(word) && !is_of_join(before) => {
                following.find(|word| !is_of_join(word)) == Some("JOIN")
            }
            _ => false,
        }
    }

    /// Whether an `AND` belongs to the `BETWEEN` before it.
    fn is_of_between(&self, units: &[Unit], at: usize) -> bool {
        let before = units[..at].iter().rev().map(|unit| self.word(unit));
        before.into_iter().find(|word| matches!(*word, "AND" | "BETWEEN")) == Some("BETWEEN")
    }
}

/// Whether a word says what kind of join follows.
fn is_of_join(word: &str) -> bool {
    matches!(word, "NATURAL" | "INNER" | "LEFT" | "RIGHT" | "FULL" | "CROSS" | "OUTER" | "SEMI" | "ANTI")
}

/// The parts of a list that begin at its start and at these places.
fn parts<'u>(units: &'u [Unit], starts: &'u [usize]) -> impl Iterator<Item = &'u [Unit]> {
    let ends = starts.iter().copied().chain([units.len()]);
    std::iter::once(0).chain(starts.iter().copied()).zip(ends).map(|(start, end)| &units[start..end])
}
