//! What is said of the symbols of small programs. Places are judged by searching the text.

use super::*;

const PYTHON: &str = "\
\"\"\"Shapes.

More.\"\"\"
LIMIT = 3
class Shape(Base):
    size: int = 1
    def __init__(self, ä, *, size: int = 2) -> None:
        self.size = size
        self._ä = 'ß'; self.other = ä
    def __area(self):
        '''Area of it.'''
        for part in self:
            if part and self.size or LIMIT:
                try:
                    pass
                except (A, B):
                    def inner(): return [x for x in part if x]
        return part if self else None
    def _open(self): pass
class TestShape:
    def test_it(self): pass
    def helper(self): pass
def test_all(): pass
[y for y in LIMIT]
";

const RUST: &str = "\
//! Crate.
/// Documented.
///
/// More.
pub struct Job<T> { pub id: u8, secret: T }
pub(crate) trait Run { fn run(&self); }
impl<T> Run for Job<T> {
    fn run(&self) { if self.id > 1 && true { match self.id { 1 => {}, _ => loop {} } } else if false { f()?; } }
}
impl<T> Job<T> { pub const MAX: u8 = 1; fn private(&self, other: &str) -> u8 { let inside = 1; inside } }
pub enum Kind { One, Two { a: u8 } }
pub(super) type Alias = u8;
#[macro_export] macro_rules! shout { () => {} }
mod tests { #[tokio::test] async fn it_works() {} #[test] fn other() {} }
";

const TYPESCRIPT: &str = "\
/** Adds. */
export function add(a: number, b?: number): number { return b ? a + b : a || 1 }
class Shape { private size = 1; #hidden = 2; protected area(): number { for (const x of y) { if (x) {} else if (z) {} } } }
export interface Named { name: string }
const LIMIT: number = 3;
";

/// Symbols as `kind qualified_name`, each followed by the columns asked for.
fn symbols(path: &str, text: &str, columns: &[&str]) -> Vec<String> {
    let tables =
        Tables::of(&[(path, text), ("Cargo.toml", "[package]\nname = 'x'\n"), ("pkg/__init__.py", "")]);
    let rows = tables.rows(Table::Symbols).into_iter().filter(|row| row["path"] == path);
    rows.map(|row| {
        let more: Vec<&str> = columns.iter().map(|column| row[*column].as_str()).collect();
        [&[row["kind"].as_str(), row["qualified_name"].as_str()], &*more].concat().join(" ")
    })
    .collect()
}

#[test]
fn names_and_kinds_are_those_of_the_language() {
    let found = symbols("pkg/m.py", PYTHON, &["visibility"]);
    for expected in [
        "module pkg.m public",
        "constant pkg.m.LIMIT public",
        "class pkg.m.Shape public",
        "field pkg.m.Shape.size public",
        "method pkg.m.Shape.__init__ public",
        "parameter pkg.m.Shape.__init__.<locals>.ä local",
        "field pkg.m.Shape._ä protected",
        "method pkg.m.Shape.__area private",
        "method pkg.m.Shape._open protected",
        "function pkg.m.Shape.__area.<locals>.inner local",
        "variable pkg.m.y local",
    ] {
        assert!(found.iter().any(|own| own == expected), "{expected} in {found:#?}");
    }
    // The class declares it, and a method assigns it.
    assert_eq!(found.iter().filter(|own| own.starts_with("field pkg.m.Shape.size")).count(), 1);
    let found = symbols("src/lib.rs", RUST, &["visibility"]);
    for expected in [
        "module x public",
        "class x::Job public",
        "type_parameter x::T local",
        "field x::Job::id public",
        "field x::Job::secret private",
        "interface x::Run package",
        "method x::Run::run public",
        "method x::Job::run public",
        "method x::Job::private private",
        "constant x::Job::MAX public",
        "enum x::Kind public",
        "enum_member x::Kind::One public",
        "type x::Alias restricted",
        "macro x::shout public",
        "module x::tests private",
        "function x::tests::other private",
        "variable x::Job::private::inside local",
    ] {
        assert!(found.iter().any(|own| own == expected), "{expected} in {found:#?}");
    }
    let found = symbols("web/a.ts", TYPESCRIPT, &["visibility"]);
    for expected in [
        "module web/a.ts public",
        "function web/a.ts.add public",
        "parameter web/a.ts.add.a local",
        "class web/a.ts.Shape package",
        "field web/a.ts.Shape.size private",
        "field web/a.ts.Shape.#hidden private",
        "method web/a.ts.Shape.area protected",
        "interface web/a.ts.Named public",
        "field web/a.ts.Named.name public",
        "constant web/a.ts.LIMIT package",
    ] {
        assert!(found.iter().any(|own| own == expected), "{expected} in {found:#?}");
    }
}

#[test]
fn declarations_are_shown_in_a_line_with_the_first_of_their_documentation() {
    let columns = ["signature", "documentation"];
    let found = symbols("pkg/m.py", PYTHON, &columns);
    for expected in [
        "module pkg.m NULL Shapes.",
        "class pkg.m.Shape class Shape(Base) NULL",
        "field pkg.m.Shape.size size: int NULL",
        "method pkg.m.Shape.__init__ def __init__(self, ä, *, size: int = 2) -> None NULL",
        "parameter pkg.m.Shape.__init__.<locals>.size size: int NULL",
        "method pkg.m.Shape.__area def __area(self) Area of it.",
    ] {
        assert!(found.iter().any(|own| own == expected), "{expected} in {found:#?}");
    }
    let found = symbols("src/lib.rs", RUST, &columns);
    for expected in [
        "module x NULL Crate.",
        "class x::Job pub struct Job<T> Documented.",
        "method x::Job::private fn private(&self, other: &str) -> u8 NULL",
        "parameter x::Job::private::other other: &str NULL",
        "constant x::Job::MAX pub const MAX: u8 NULL",
    ] {
        assert!(found.iter().any(|own| own == expected), "{expected} in {found:#?}");
    }
    let found = symbols("web/a.ts", TYPESCRIPT, &columns);
    let expected = "function web/a.ts.add function add(a: number, b?: number): number Adds.";
    assert!(found.iter().any(|own| own == expected), "{found:#?}");
}

#[test]
fn functions_are_measured_without_those_inside_them() {
    let columns = ["parameters", "branches", "nesting", "is_test"];
    let found = symbols("pkg/test_m.py", PYTHON, &columns);
    for expected in [
        "method pkg.test_m.Shape.__init__ 3 0 0 false",
        // for, if, and, or, except, the conditional expression; for { if { try.
        "method pkg.test_m.Shape.__area 1 6 3 false",
        // The comprehension and its condition.
        "function pkg.test_m.Shape.__area.<locals>.inner 0 2 0 false",
        "method pkg.test_m.TestShape.test_it 1 0 0 true",
        "method pkg.test_m.TestShape.helper 1 0 0 false",
        "function pkg.test_m.test_all 0 0 0 true",
        "class pkg.test_m.Shape NULL NULL NULL false",
    ] {
        assert!(found.iter().any(|own| own == expected), "{expected} in {found:#?}");
    }
    // Elsewhere such names are no tests.
    let elsewhere = symbols("pkg/m.py", PYTHON, &["is_test"]);
    assert!(elsewhere.iter().all(|own| own.ends_with("false")), "{elsewhere:#?}");
    let found = symbols("src/lib.rs", RUST, &columns);
    for expected in [
        // if, &&, two arms, else if, `?`; if { match { loop.
        "method x::Job::run 1 6 3 false",
        "function x::tests::it_works 0 0 0 true",
        "function x::tests::other 0 0 0 true",
    ] {
        assert!(found.iter().any(|own| own == expected), "{expected} in {found:#?}");
    }
    let found = symbols("web/a.ts", TYPESCRIPT, &columns);
    for expected in ["function web/a.ts.add 2 2 0 false", "method web/a.ts.Shape.area 0 3 2 false"] {
        assert!(found.iter().any(|own| own == expected), "{expected} in {found:#?}");
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset].iter().filter(|&&byte| byte == b'\n').count() + 1
}

#[test]
fn places_are_where_the_names_stand() {
    for (path, text) in [("pkg/m.py", PYTHON), ("src/lib.rs", RUST), ("web/a.ts", TYPESCRIPT)] {
        let tables = Tables::of(&[(path, text), ("Cargo.toml", "")]);
        let lines: Vec<&str> = text.lines().collect();
        let number = |row: &HashMap<String, String>, column: &str| row[column].parse::<usize>().unwrap();
        let mut seen = 0;
        for (table, name) in [(Table::Symbols, "name"), (Table::Defs, "name"), (Table::Refs, "name")] {
            for row in tables.rows(table).iter().filter(|row| row["path"] == path) {
                // A file has no name in itself, and `Self` is written as the type.
                let has_name = row.get("owner_node_id").is_none_or(|owner| owner != "NULL");
                if !has_name || row.get("kind").is_some_and(|kind| kind == "self_type") {
                    continue;
                }
                let line = lines[number(row, "line") - 1];
                let before = &line[..number(row, "column_utf8") - 1];
                let written = row[name].trim_start_matches("_Shape");
                assert!(line[before.len()..].starts_with(written), "{row:?}");
                assert_eq!(before.encode_utf16().count() + 1, number(row, "column_utf16"), "{row:?}");
                seen += 1;
            }
        }
        assert!(seen > 20, "{seen} of {path}");
        for row in tables.rows(Table::SyntaxNodes).iter().filter(|row| row["path"] == path) {
            let (start, end) = (number(row, "bstart"), number(row, "bend"));
            assert_eq!(line_of(text, start), number(row, "line"), "{row:?}");
            assert_eq!(line_of(text, end.max(start + 1) - 1), number(row, "end_line"), "{row:?}");
        }
    }
}

#[test]
fn names_of_rust_begin_with_the_crate() {
    let tables = Tables::of(&[
        (
            "Cargo.toml",
            "[package]\nname = 'my-kit'\nedition = '2021'\n[[test]]\nname = 'suite'\npath = 'checks/all.rs'\n",
        ),
        ("src/lib.rs", "pub mod part;"),
        ("src/part.rs", "pub fn f() {}"),
        ("src/bin/one-tool.rs", "fn main() {}"),
        ("src/bin/two/main.rs", "mod inner; fn main() {}"),
        ("src/bin/two/inner.rs", "fn g() {}"),
        ("tests/whole.rs", "fn t() {}"),
        ("build.rs", "fn main() {}"),
        ("named/Cargo.toml", "[package]\nname = 'named'\n[lib]\nname = 'other'\n"),
        ("named/src/lib.rs", "pub fn h() {}"),
        ("plain/src/main.rs", "fn main() {}"),
        ("plain/Cargo.toml", "[package]\nname = 'plain'\n"),
    ]);
    let rows = tables.rows(Table::Symbols);
    let named: Vec<&str> = rows
        .iter()
        .filter(|row| row["kind"] == "function")
        .map(|row| row["qualified_name"].as_str())
        .collect();
    for expected in [
        "my_kit::part::f",
        "one_tool::main",
        "two::main",
        "whole::t",
        "build_script_build::main",
        "other::h",
        "plain::main",
    ] {
        assert!(named.contains(&expected), "{expected} in {named:?}");
    }
}
