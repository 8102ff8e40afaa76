//! Answers to who writes a spec: what may stand here, what this is, where it is defined.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use ir::spec::json_schema;
use serde_json::Value;

use super::cursor::{Cursor, is_word};
use super::fields::{Meaning, NAMES_OF_RELATIONS, Word, words};
use super::known::{Known, Relation};
use super::outline::{Named, Outline};
use crate::record::PartKind;

/// The schema of specs.
static SCHEMA: LazyLock<Value> = LazyLock::new(json_schema);

/// So many bytes after the cursor are looked at for the names of relations in a query.
const LOOKED_AHEAD: usize = 4096;

/// What may stand somewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Completion {
    /// What sort of thing it is.
    pub kind: CompletionKind,
    /// What is written.
    pub text: String,
    /// Its type, in short.
    pub detail: Option<String>,
    /// What there is to know of it.
    pub about: Option<String>,
}

/// A sort of thing that may stand somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CompletionKind {
    /// A column of what is read.
    Column,
    /// A view or an input.
    Relation,
    /// A value that a field may have.
    Value,
    /// A field of the spec.
    Field,
    /// A function.
    Function,
}

/// What something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hover {
    /// Where it stands.
    pub bytes: Range<usize>,
    /// What there is to know of it, in Markdown.
    pub text: String,
}

/// What may stand at a byte of a text.
#[must_use]
pub fn completions(text: &str, byte: usize, known: &Known, outline: Option<&Outline>) -> Vec<Completion> {
    let cursor = Cursor::at(text, byte);
    let (fields, values) = words(&SCHEMA, &cursor);
    let mut found = BTreeSet::new();
    let mut add = |kind, word: Word| {
        found.insert(Completion { kind, text: word.text, detail: None, about: word.about });
    };
    let is_item = cursor.is_value && cursor.written.trim().len() == cursor.word().len();
    if !cursor.is_value || is_item {
        fields.into_iter().for_each(|word| add(CompletionKind::Field, word));
    }
    if cursor.is_value {
        values.into_iter().for_each(|word| add(CompletionKind::Value, word));
        let meaning = Meaning::of(&cursor.path);
        let is_qualified = cursor.qualifier().is_some();
        if matches!(meaning, Meaning::Relation | Meaning::Query) && !is_qualified {
            found.extend(relations(known, outline));
        }
        if matches!(meaning, Meaning::Column | Meaning::Expression | Meaning::Query) {
            found.extend(columns(text, byte, &cursor, meaning, known));
        }
        if matches!(meaning, Meaning::Function | Meaning::Expression | Meaning::Query) && !is_qualified {
            found.extend(known.functions.iter().map(|name| completion(CompletionKind::Function, name, None)));
        }
    }
    found.into_iter().collect()
}

fn completion(kind: CompletionKind, text: &str, detail: Option<String>) -> Completion {
    Completion { kind, text: text.to_owned(), detail, about: None }
}

/// The views and inputs of the text, and those that were known when it could be read.
fn relations(known: &Known, outline: Option<&Outline>) -> Vec<Completion> {
    let defined = outline.map(Outline::definitions).unwrap_or_default().iter();
    let defined = defined.filter(|it| it.kind != PartKind::Output).map(|it| (it.name.as_str(), it.kind));
    let known = known.relations.iter().map(|(name, relation)| (name.as_str(), relation.kind));
    let all: BTreeSet<(&str, PartKind)> = defined.chain(known).collect();
    let all = all.into_iter();
    all.map(|(name, kind)| completion(CompletionKind::Relation, name, Some(kind.name().to_owned()))).collect()
}

/// The columns of what is read at the cursor.
fn columns(
    text: &str,
    byte: usize,
    cursor: &Cursor,
    meaning: Meaning,
    known: &Known,
) -> BTreeSet<Completion> {
    let mut columns = BTreeSet::new();
    for relation in read_at(text, byte, cursor, meaning, known) {
        for field in relation.schema.fields() {
            let data_type = ir::schema::type_text(field.data_type());
            columns.insert(completion(CompletionKind::Column, field.name(), Some(data_type)));
        }
    }
    columns
}

/// What is read at the cursor: what a query names, or the fields beside; of an assertion, the view whose rows it is about.
fn read_at<'k>(
    text: &str,
    byte: usize,
    cursor: &Cursor,
    meaning: Meaning,
    known: &'k Known,
) -> Vec<&'k Relation> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    if meaning == Meaning::Query {
        let after = rest_of_value(text.get(byte..).unwrap_or_default());
        let words = [cursor.written.as_str(), after].map(|text| text.split(|letter| !is_word(letter)));
        let words: Vec<&str> = words.into_iter().flatten().filter(|word| !word.is_empty()).collect();
        match cursor.qualifier() {
            Some(alias) => names.extend(called(alias, &words, known)),
            None => names.extend(words),
        }
    } else if let Some(field) = side_of(cursor) {
        names.extend(cursor.text(field));
    } else {
        let named = cursor.beside.iter().filter(|(field, _)| NAMES_OF_RELATIONS.contains(&field.as_str()));
        names.extend(named.map(|(_, name)| name.as_str()));
        if cursor.is_within("assertions") {
            // An assertion may have a name as well, the view's comes before it.
            let mut named = cursor.beside.iter().filter(|(field, _)| field == "name");
            let view = named.find(|(_, name)| known.relations.contains_key(name));
            names.extend(view.map(|(_, name)| name.as_str()));
        }
    }
    names.into_iter().filter_map(|name| known.relations.get(name)).collect()
}

/// The relations that a name stands for in a query: that of this name, and those that it follows as their alias.
fn called<'w>(alias: &'w str, words: &[&'w str], known: &Known) -> Vec<&'w str> {
    let is_relation = |word: &&str| known.relations.contains_key(*word);
    let aliased = words.windows(3).filter_map(|three| match three {
        [relation, word, name] if *name == alias && word.eq_ignore_ascii_case("as") => Some(*relation),
        [relation, name, _] | [_, relation, name] if *name == alias => Some(*relation),
        _ => None,
    });
    aliased.chain([alias]).filter(is_relation).collect()
}

/// The field beside that names the one relation whose columns are meant; nothing where those of all are.
fn side_of(cursor: &Cursor) -> Option<&'static str> {
    match (cursor.field(), cursor.qualifier()) {
        (Some("left_keys"), _) => Some("left_relation"),
        (Some("right_keys"), _) => Some("right_relation"),
        (Some("to_columns"), _) => Some("to"),
        (_, Some("left")) => Some("left"),
        (_, Some("right")) => Some("right"),
        _ => None,
    }
}

/// A text up to the next line that begins with a key.
fn rest_of_value(text: &str) -> &str {
    let mut end = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let begin = line.trim_start().trim_start_matches("- ");
        let word = begin.trim_start_matches(is_word);
        if (number > 0 && word.len() < begin.len() && word.starts_with(':')) || end > LOOKED_AHEAD {
            break;
        }
        end += line.len();
    }
    text.get(..end).unwrap_or_default()
}

/// What stands at a byte of a text: a view or an input, or a column of what is read there.
#[must_use]
pub fn hover(text: &str, byte: usize, known: &Known) -> Option<Hover> {
    if let Some((bytes, name)) = named_at(text, byte, known.relations.keys().map(String::as_str))
        && let Some(relation) = known.relations.get(name)
    {
        return Some(Hover { bytes, text: described(name, relation) });
    }
    let bytes = word_at(text, byte)?;
    let cursor = Cursor::at(text, bytes.end);
    let meaning = Meaning::of(&cursor.path);
    if !matches!(meaning, Meaning::Column | Meaning::Expression | Meaning::Query) {
        return None;
    }
    let word = text.get(bytes.clone())?;
    let read = read_at(text, bytes.end, &cursor, meaning, known);
    let field = read.into_iter().find_map(|relation| relation.schema.field(word))?;
    let null = if field.is_nullable() { "may be NULL" } else { "never NULL" };
    let data_type = ir::schema::type_text(field.data_type());
    Some(Hover { bytes, text: format!("`{word}`: `{data_type}`, {null}") })
}

/// A relation in Markdown.
fn described(name: &str, relation: &Relation) -> String {
    let mut text = format!("**{} `{name}`**", relation.kind.name());
    if let Some(table) = &relation.table {
        text.push_str(&format!(": {table}"));
    }
    if let Some(placement) = &relation.placement {
        text.push_str(&format!(" {placement}"));
    }
    text.push_str("\n\n| column | type | NULL |\n|---|---|---|\n");
    for field in relation.schema.fields() {
        let null = if field.is_nullable() { "yes" } else { "no" };
        let column = field.name().replace('|', "\\|");
        text.push_str(&format!("| {column} | {} | {null} |\n", ir::schema::type_text(field.data_type())));
    }
    text
}

/// The definition of the view or input that is named at a byte of a text; its places are those of the outline's text.
#[must_use]
pub fn definition<'o>(text: &str, byte: usize, outline: &'o Outline) -> Option<&'o Named> {
    let relations = outline.definitions().iter().filter(|named| named.kind != PartKind::Output);
    let (_, name) = named_at(text, byte, relations.map(|named| named.name.as_str()))?;
    outline.relation(name)
}

/// The longest of these names that stands at a byte of a text, where a view or an input is named.
fn named_at<'n>(
    text: &str,
    byte: usize,
    names: impl Iterator<Item = &'n str>,
) -> Option<(Range<usize>, &'n str)> {
    let before = text.get(..byte)?;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let end = text.get(byte..)?.find('\n').map_or(text.len(), |at| byte + at);
    let line = text.get(start..end)?;
    let covers = |name: &'n str| {
        let whole = |at: usize| {
            let before = line.get(..at).and_then(|before| before.chars().next_back());
            let after = line.get(at + name.len()..).and_then(|after| after.chars().next());
            !before.is_some_and(is_word) && !after.is_some_and(is_word)
        };
        let found = line.match_indices(name).map(|(at, _)| at).filter(|at| whole(*at));
        let mut at_byte = found.map(|at| start + at..start + at + name.len());
        at_byte.find(|bytes| bytes.start <= byte && byte <= bytes.end)
    };
    let named = names.filter(|name| !name.is_empty()).filter_map(|name| Some((covers(name)?, name)));
    let (bytes, name) = named.max_by_key(|(bytes, _)| bytes.len())?;
    let cursor = Cursor::at(text, bytes.end);
    let is_name = matches!(cursor.field(), Some("name" | "logical_name" | "table_name"));
    let is_meant = cursor.is_value && is_name && cursor.path.segments().len() == 3;
    (is_meant || matches!(Meaning::of(&cursor.path), Meaning::Relation | Meaning::Query))
        .then_some((bytes, name))
}

/// The word around a byte.
fn word_at(text: &str, byte: usize) -> Option<Range<usize>> {
    let (before, after) = (text.get(..byte)?, text.get(byte..)?);
    let start = before.trim_end_matches(is_word).len();
    let end = text.len() - after.trim_start_matches(is_word).len();
    (start < end).then_some(start..end)
}
