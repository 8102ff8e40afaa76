//! What may stand at a place of a line: tables, columns of the tables that it names, functions, words of SQL.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::SchemaRef;
use ir::expr::{identifier, statements};
use pipeline::LakeTable;

use super::dots;

/// Words of SQL that are completed.
const KEYWORDS: &[&str] = &[
    "ALL",
    "ANALYZE",
    "AND",
    "ANY",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "CROSS",
    "DATE",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "EXTRACT",
    "FALSE",
    "FILTER",
    "FIRST",
    "FROM",
    "FULL",
    "FUNCTIONS",
    "GROUP",
    "HAVING",
    "ILIKE",
    "IN",
    "INNER",
    "INTERSECT",
    "INTERVAL",
    "IS",
    "JOIN",
    "LAST",
    "LATERAL",
    "LEFT",
    "LIKE",
    "LIMIT",
    "NATURAL",
    "NOT",
    "NULL",
    "NULLS",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "PARTITION",
    "QUALIFY",
    "RANGE",
    "RECURSIVE",
    "RIGHT",
    "ROWS",
    "SELECT",
    "SHOW",
    "TABLES",
    "THEN",
    "TIMESTAMP",
    "TRUE",
    "UNION",
    "USING",
    "VALUES",
    "VERBOSE",
    "WHEN",
    "WHERE",
    "WINDOW",
    "WITH",
    "WITHIN",
];

/// Words after which a table is named.
const BEFORE_TABLES: &[&str] = &["FROM", "JOIN", "DESCRIBE", "TABLE", "IN"];

/// What is known of a lake.
pub(super) struct Known {
    /// Tables by their names in SQL, each with its columns.
    tables: BTreeMap<String, Vec<String>>,
    functions: Vec<String>,
}

impl Known {
    /// What can be named, as it is written.
    pub(super) fn of(tables: BTreeMap<LakeTable, SchemaRef>, functions: Vec<String>) -> Self {
        let columns = |schema: SchemaRef| {
            let names = schema.fields().iter().map(|field| identifier(field.name()).to_string());
            names.collect::<Vec<String>>()
        };
        let tables = tables.into_iter().map(|(table, schema)| (table.sql_name(), columns(schema)));
        Self { tables: tables.collect(), functions }
    }
}

/// What may stand at a place of a line, and where what is there of it begins.
pub(super) fn candidates(line: &str, position: usize, known: &Known) -> (usize, Vec<String>) {
    let before = line.get(..position).unwrap_or_default();
    let start = before.trim_end_matches(|letter: char| is_word(letter) || letter == '.').len();
    let word = before.get(start..).unwrap_or_default();
    if before.trim_start().starts_with('.') {
        return of_points(before, start, word, known);
    }
    let words: Vec<&str> = before.get(..start).unwrap_or_default().split_whitespace().collect();
    let last = words.last().map(|word| word.to_ascii_uppercase()).unwrap_or_default();
    if let Some((qualifier, _)) = word.rsplit_once('.') {
        return (start, of_qualifier(line, qualifier, word, known));
    }
    let mut found = BTreeSet::new();
    let tables = known.tables.keys().filter(|table| begins(table, word)).cloned();
    if BEFORE_TABLES.contains(&last.as_str()) {
        found.extend(tables);
        found.extend(begins("information_schema.", word).then(|| "information_schema.".to_owned()));
        return (start, found.into_iter().collect());
    }
    let named = named(line, known);
    let columns = known.tables.iter().filter(|(table, _)| named.is_empty() || named.contains(table.as_str()));
    let columns = columns.flat_map(|(_, columns)| columns).filter(|column| begins(column, word));
    let functions = known.functions.iter().filter(|name| begins(name, word)).map(|name| format!("{name}("));
    // Words are written as who types does.
    let is_lower = word.chars().next().is_some_and(char::is_lowercase);
    let cased = |keyword: &&str| if is_lower { keyword.to_lowercase() } else { (*keyword).to_owned() };
    let keywords = KEYWORDS.iter().filter(|keyword| begins(keyword, word)).map(cased);
    if word.is_empty() {
        // All functions and words would hide the rest.
        found.extend(columns.cloned().chain(tables));
    } else {
        found.extend(columns.cloned().chain(tables).chain(functions).chain(keywords));
    }
    (start, found.into_iter().collect())
}

/// What may stand in a line that is no SQL.
fn of_points(before: &str, start: usize, word: &str, known: &Known) -> (usize, Vec<String>) {
    let words: Vec<&str> = before.get(..start).unwrap_or_default().split_whitespace().collect();
    let found = match words.as_slice() {
        [] => dots::names().filter(|name| begins(name, word)).map(str::to_owned).collect(),
        [".schema"] => known.tables.keys().filter(|table| begins(table, word)).cloned().collect(),
        [name] => dots::values(name).filter(|value| begins(value, word)).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    (start, found)
}

/// What may stand behind a point: columns of a table or of what it is called in the line, tables of a schema.
fn of_qualifier(line: &str, qualifier: &str, word: &str, known: &Known) -> Vec<String> {
    let mut found: BTreeSet<String> =
        known.tables.keys().filter(|table| begins(table, word)).cloned().collect();
    let relations = ["columns", "routines", "schemata", "tables"];
    let relations = relations.map(|relation| format!("information_schema.{relation}"));
    found.extend(relations.into_iter().filter(|relation| begins(relation, word)));
    let table = called(line, qualifier, known).unwrap_or(qualifier);
    let columns = known.tables.get(table).into_iter().flatten();
    let columns = columns.map(|column| format!("{qualifier}.{column}"));
    found.extend(columns.filter(|column| begins(column, word)));
    found.into_iter().collect()
}

/// The words of a line: names with their points.
fn words(line: &str) -> Vec<&str> {
    let mut words: Vec<&str> = Vec::new();
    let mut end = None;
    for token in statements(line).statements.into_iter().flat_map(|statement| statement.tokens) {
        let text = line.get(token.clone()).unwrap_or_default();
        let joined = words
            .last()
            .zip(end)
            .filter(|(last, end)| *end == token.start && (text == "." || last.ends_with('.')));
        match joined.and_then(|(last, _)| line.get(token.start - last.len()..token.end)) {
            Some(longer) => {
                words.pop();
                words.push(longer);
            }
            None => words.push(text),
        }
        end = Some(token.end);
    }
    words
}

/// The tables that a line names.
fn named<'k>(line: &str, known: &'k Known) -> BTreeSet<&'k str> {
    let words = words(line);
    let is_named = |table: &&str| words.iter().any(|word| word.eq_ignore_ascii_case(table));
    known.tables.keys().map(String::as_str).filter(is_named).collect()
}

/// The table that a line calls by another name: `FROM orders AS o`, `JOIN orders o`.
fn called<'k>(line: &str, alias: &str, known: &'k Known) -> Option<&'k str> {
    let words = words(line);
    let table =
        |word: &str| known.tables.keys().map(String::as_str).find(|table| table.eq_ignore_ascii_case(word));
    words.windows(3).find_map(|three| match three {
        [name, word, own] if word.eq_ignore_ascii_case("as") && *own == alias => table(name),
        [name, own, _] if *own == alias => table(name),
        [_, name, own] if *own == alias => table(name),
        _ => None,
    })
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Whether a name begins with what is typed of it, in any case.
fn begins(name: &str, typed: &str) -> bool {
    let mut letters = name.chars().flat_map(char::to_lowercase);
    typed.chars().flat_map(char::to_lowercase).all(|letter| letters.next() == Some(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Known {
            tables: [
                ("orders".to_owned(), columns(&["amount", "day", "\"Order Id\""])),
                ("people".to_owned(), columns(&["age", "name"])),
                ("extract.files".to_owned(), columns(&["path"])),
            ]
            .into(),
            functions: columns(&["date_part", "sum"]),
        }
    }

    /// What is completed at `|`: what stands before it, and what may stand there.
    fn at(line: &str) -> (String, Vec<String>) {
        let position = line.find('|').unwrap();
        let whole = line.replacen('|', "", 1);
        let (start, found) = candidates(&whole, position, &known());
        (whole[start..position].to_owned(), found)
    }

    fn found(line: &str) -> Vec<String> {
        at(line).1
    }

    #[test]
    fn names_are_completed_where_they_may_stand() {
        assert_eq!(at("SELECT * FROM o|"), ("o".to_owned(), vec!["orders".to_owned()]));
        assert_eq!(found("select am| from orders"), ["amount"]);
        assert_eq!(found("SELECT a| FROM people;"), ["age", "all", "analyze", "and", "any", "asc"]);
        assert_eq!(found("SELECT da| FROM orders"), ["date", "date_part(", "day"]);
        assert_eq!(found("SELECT SU|"), ["sum("]);
        assert_eq!(found("SEL|"), ["SELECT"]);
        assert_eq!(found("sel|"), ["select"]);
        assert_eq!(found("SELECT | FROM people"), ["age", "extract.files", "name", "orders", "people"]);
    }

    #[test]
    fn what_stands_before_a_point_is_looked_up() {
        assert_eq!(found("SELECT o.a| FROM orders AS o"), ["o.amount"]);
        assert_eq!(found("SELECT p.n| FROM orders o JOIN people p ON true"), ["p.name"]);
        assert_eq!(found("SELECT orders.d|"), ["orders.day"]);
        assert_eq!(found("SELECT * FROM extract.|"), ["extract.files"]);
        assert_eq!(found("SELECT f.| FROM extract.files f"), ["f.path"]);
        assert_eq!(found("SELECT * FROM information_schema.t|"), ["information_schema.tables"]);
    }

    #[test]
    fn points_at_the_begin_of_a_line_are_commands() {
        assert_eq!(found(".mo|"), [".mode"]);
        assert_eq!(found(".mode mark|"), ["markdown"]);
        assert_eq!(found(".schema peo|"), ["people"]);
        assert_eq!(found(".timing o|"), ["on", "off"]);
    }
}
