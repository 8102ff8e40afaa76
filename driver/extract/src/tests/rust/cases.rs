//! Small packages that compile, with what the calls and names in them lead to, written beside them (`cases/*.txt`).
//!
//! `=== name` begins a package and `--- path` a file of it. `//# label` at the end of a line gives what is defined there a label,
//! `//= callee=label ...` says what the calls of the line go to: one or several (`a|b`) of them, `^` or `^path` something
//! outside, `-` nothing that is known. `~label` allows the last as well. `&name` is a use of a name instead of a call; one that
//! the file itself answers for has no row to look at, and is not judged.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use super::*;

const MANIFEST: &str = "[package]\nname = 'x'\nversion = '0.1.0'\nedition = '2021'\n";

/// A place of a package: file and line, from 1.
type Line<'c> = (&'c str, usize);

/// A package with what is expected of it.
struct Case<'c> {
    name: &'c str,
    files: Vec<(&'c str, &'c str)>,
    labels: HashMap<&'c str, Line<'c>>,
    expected: Vec<(Line<'c>, &'c str, &'c str)>,
}

impl<'c> Case<'c> {
    fn new(text: &'c str) -> Self {
        let (name, body) = text.split_once('\n').expect("name");
        let mut case =
            Case { name: name.trim(), files: Vec::new(), labels: HashMap::new(), expected: Vec::new() };
        // The first file follows the name's line at once.
        let files = body.strip_prefix("--- ").expect("file");
        files.split("\n--- ").for_each(|file| case.file(file));
        if case.files.iter().all(|(path, _)| *path != "Cargo.toml") {
            case.files.push(("Cargo.toml", MANIFEST));
        }
        case
    }

    fn file(&mut self, own: &'c str) {
        let (path, text) = own.split_once('\n').unwrap_or((own, ""));
        self.files.push((path, text));
        for (line, text) in text.lines().enumerate() {
            let line = (path, line + 1);
            let Some((_, notes)) = text.split_once("//#").or_else(|| text.split_once("//=")) else {
                continue;
            };
            let (label, wanted) = match text.split_once("//#") {
                Some(_) => notes.split_once(" = ").unwrap_or((notes, "")),
                None => ("", notes),
            };
            if !label.is_empty() {
                let known = self.labels.insert(label.trim(), line);
                assert_eq!(known, None, "{}: two of {label}", self.name);
            }
            self.expected.extend(words(wanted).into_iter().map(|(callee, wanted)| (line, callee, wanted)));
        }
    }
}

/// `callee=what` for each of the words: the callee may have spaces, what it leads to not.
fn words(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let is_end = |&(at, _): &(usize, &str)| {
            let wanted = rest[at + 1..].split(' ').next().unwrap_or_default();
            let is_label = |part: &str| {
                part.trim_start_matches(['~', '^', '-'])
                    .chars()
                    .all(|c| c.is_alphanumeric() || c == '_' || c == ':')
            };
            !wanted.is_empty()
                && !rest[..at].ends_with(['=', '!', '<', '>'])
                && wanted.split('|').all(is_label)
        };
        let (at, _) = rest.match_indices('=').find(is_end).expect("callee=what");
        let (wanted, after) = rest[at + 1..].split_once(' ').unwrap_or((&rest[at + 1..], ""));
        found.push((&rest[..at], wanted));
        rest = after.trim_start();
    }
    found
}

/// What a package gives, by what is asked.
struct Answers {
    /// Calls and uses of names: file, line, text, node.
    places: Vec<(String, usize, String, String, &'static str)>,
    /// File and line of each node that is an end.
    nodes: HashMap<String, (String, usize)>,
    /// By relation and node: target or name of what is outside, method.
    rows: HashMap<(String, String), Vec<Row>>,
}

impl Answers {
    fn of(case: &Case<'_>) -> Self {
        let tables = Tables::of(&case.files);
        let texts: HashMap<&str, &str> = case.files.iter().copied().collect();
        let line = |row: &Row| {
            let before = &texts[row["path"].as_str()][..row["bstart"].parse().expect("byte")];
            before.matches('\n').count() + 1
        };
        let place = |row: &Row, text: &str, relation| {
            (row["path"].clone(), line(row), row[text].clone(), row["node_id"].clone(), relation)
        };
        let mut places: Vec<_> =
            tables.rows(Table::Calls).iter().map(|row| place(row, "callee_text", "calls")).collect();
        places.extend(tables.rows(Table::Refs).iter().map(|row| place(row, "name", "refers_to")));
        let mut rows: HashMap<(String, String), Vec<Row>> = HashMap::new();
        for row in tables.rows(Table::Resolutions) {
            rows.entry((row["relation"].clone(), row["node_id"].clone())).or_default().push(row);
        }
        let nodes = tables.rows(Table::SyntaxNodes);
        let nodes =
            nodes.iter().map(|row| (row["node_id"].clone(), (row["path"].clone(), line(row)))).collect();
        Self { places, nodes, rows }
    }

    /// What is wrong with what a place leads to.
    fn wrong(&self, case: &Case<'_>, line: Line<'_>, name: &str, wanted: &str) -> Option<String> {
        let (relation, text) = name.strip_prefix('&').map_or(("calls", name), |name| ("refers_to", name));
        let here: Vec<&String> = self
            .places
            .iter()
            .filter(|place| (place.0.as_str(), place.1) == line && place.2 == text && place.4 == relation)
            .map(|place| &place.3)
            .collect();
        if here.is_empty() {
            return Some("is not there".to_owned());
        }
        let may_be_open = wanted.starts_with('~') || wanted == "-";
        let labels: BTreeSet<(String, usize)> = wanted
            .trim_start_matches('~')
            .split('|')
            .filter_map(|label| case.labels.get(label))
            .map(|&(path, line)| (path.to_owned(), line))
            .collect();
        let mut wrong = None;
        for node in here {
            let Some(rows) = self.rows.get(&(relation.to_owned(), node.clone())) else {
                if relation == "calls" {
                    wrong = Some("has no answer".to_owned());
                }
                continue;
            };
            let ends: BTreeSet<(String, usize)> =
                rows.iter().filter_map(|row| self.nodes.get(&row["target_node_id"]).cloned()).collect();
            let outside = rows.iter().find(|row| row["target_node_id"] == "NULL");
            let is_open = outside.is_some_and(|row| matches!(row["method"].as_str(), "dynamic" | "unbound"));
            let is_right = match wanted.strip_prefix('^') {
                Some(path) => {
                    outside.is_some_and(|row| !is_open && (path.is_empty() || row["external_name"] == path))
                }
                None if is_open => may_be_open,
                None => !labels.is_empty() && ends == labels && outside.is_none(),
            };
            if !is_right {
                let outside = outside.map(|row| format!("{} ({})", row["external_name"], row["method"]));
                wrong = Some(format!("leads to {ends:?} {}", outside.unwrap_or_default()));
            }
        }
        wrong
    }
}

fn check(text: &str) {
    let mut report = String::new();
    for part in format!("\n{text}").split("\n=== ").skip(1) {
        let case = Case::new(part);
        let answers = Answers::of(&case);
        for &(line, name, wanted) in &case.expected {
            if let Some(wrong) = answers.wrong(&case, line, name, wanted) {
                let (path, line) = line;
                writeln!(report, "{} {path}:{line} {name} {wrong}, not {wanted}", case.name).expect("text");
            }
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

#[test]
fn crates() {
    check(include_str!("cases/crates.txt"));
}

#[test]
fn modules() {
    check(include_str!("cases/modules.txt"));
}

#[test]
fn imports() {
    check(include_str!("cases/imports.txt"));
}

#[test]
fn types() {
    check(include_str!("cases/types.txt"));
}

#[test]
fn receivers() {
    check(include_str!("cases/receivers.txt"));
}

#[test]
fn traits() {
    check(include_str!("cases/traits.txt"));
}

#[test]
fn macros_hold() {
    check(include_str!("cases/macros.txt"));
}

#[test]
fn conditions() {
    check(include_str!("cases/conditions.txt"));
}

#[test]
fn flows() {
    check(include_str!("cases/flows.txt"));
}
