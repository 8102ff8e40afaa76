//! Name resolution on small programs: which definition each use finds.
//!
//! A test names uses by line and name, and the line of the definition each must find. Resolution is done here
//! with spans only, from the emitted tables, as readers of the tables do it.

use super::*;

fn number(row: &Row, column: &str) -> i64 {
    row[column].parse().expect("number")
}

/// The line of the declaration that a reference finds, by the span rule; none when it finds none.
fn resolve(tables: &Tables, reference: &Row, text: &str) -> Option<usize> {
    let (start, end) = (number(reference, "lookup_start"), number(reference, "lookup_end"));
    let mut around: Vec<Row> = tables.rows(Table::Scopes);
    around.retain(|scope| number(scope, "bstart") <= start && end <= number(scope, "bend"));
    around.sort_by_key(|scope| number(scope, "bend") - number(scope, "bstart"));
    let matches = |bound: &str| {
        let sought = reference["namespace"].as_str();
        bound != "member" && (bound == sought || bound == "any" || sought == "any")
    };
    let declared = |scope: &str| {
        tables.rows(Table::Defs).into_iter().find(|def| {
            def["scope_id"] == scope
                && def["name"] == reference["name"]
                && def["is_declaration"] == "true"
                && matches(&def["namespace"])
        })
    };
    for (position, scope) in around.iter().enumerate() {
        if position > 0 && scope["visible_to_nested"] == "false" {
            continue;
        }
        let redirect = tables.rows(Table::ScopeRedirects).into_iter().find(|redirect| {
            redirect["scope_id"] == scope["scope_id"] && redirect["name"] == reference["name"]
        });
        let found = match redirect {
            Some(redirect) => return declared(&redirect["target_scope_id"]).map(|def| line(text, &def)),
            None => declared(&scope["scope_id"]),
        };
        if let Some(def) = found {
            return Some(line(text, &def));
        }
    }
    None
}

fn line(text: &str, def: &Row) -> usize {
    line_at(text, number(def, "name_bstart"))
}

fn line_at(text: &str, offset: i64) -> usize {
    let before = text.get(..usize::try_from(offset).expect("offset")).expect("boundary");
    before.matches('\n').count() + 1
}

/// Checks uses given as (line, name, line of the definition or 0 for none).
pub(super) fn check(path: &str, text: &str, expected: &[(usize, &str, usize)]) {
    let tables = Tables::of(&[(path, text), ("Cargo.toml", "")]);
    for &(at, name, definition) in expected {
        let found: Vec<usize> = tables
            .rows(Table::Refs)
            .iter()
            .filter(|row| row["name"] == name && row["context"] != "attribute")
            .filter(|row| line_at(text, number(row, "bstart")) == at)
            .map(|row| resolve(&tables, row, text).unwrap_or(0))
            .collect();
        assert!(!found.is_empty(), "no use of {name} on line {at}");
        assert!(
            found.iter().all(|&line| line == definition),
            "{name} on line {at}: {found:?}, not {definition}"
        );
    }
}

#[test]
fn python_classes_hide_their_names_from_methods_only() {
    let text = "\
x = 1
class A:
    x = 2
    y = x
    def f(self, z=x):
        return x
    w = [x for _ in range(x)]
";
    check("a.py", text, &[(4, "x", 3), (5, "x", 3), (6, "x", 1)]);
    // The element of the comprehension sees the module's x, its first iterable the class's.
    let tables = Tables::of(&[("a.py", text)]);
    let lines: Vec<_> = tables
        .rows(Table::Refs)
        .iter()
        .filter(|row| row["name"] == "x" && line_at(text, number(row, "bstart")) == 7)
        .map(|row| resolve(&tables, row, text))
        .collect();
    assert_eq!(lines, [Some(1), Some(3)]);
}

#[test]
fn python_comprehensions_inside_first_iterables_see_past_the_outer_one() {
    let text = "\
def f(x, z):
    return [x
            for x in [y + x
                      for y in z]]
";
    check("a.py", text, &[(2, "x", 3), (4, "z", 1)]);
    let tables = Tables::of(&[("a.py", text)]);
    let reads: Vec<_> = tables
        .rows(Table::Refs)
        .iter()
        .filter(|row| row["name"] == "x" && row["context"] == "read")
        .map(|row| (line_at(text, number(row, "bstart")), resolve(&tables, row, text)))
        .collect();
    assert_eq!(reads, [(2, Some(3)), (3, Some(1))]);
}

#[test]
fn python_declarations_and_walrus_bind_where_python_binds() {
    let text = "\
n = 0
def f():
    global n, late
    k = 1
    def g():
        nonlocal k
        k = n
        late
    if any((hit := v) for v in [k]):
        return hit
    late = 2
def h():
    late
";
    check(
        "a.py",
        text,
        &[
            (7, "k", 4),
            (7, "n", 1),
            (8, "late", 11),
            (9, "hit", 9),
            (10, "hit", 9),
            (9, "v", 9),
            (13, "late", 11),
        ],
    );
}

#[test]
fn python_parameters_annotations_and_handlers() {
    let text = "\
T = int
d = 5
def f(T: T, *a: T, k=d, **o) -> T:
    try:
        T(a, k, o)
    except OSError as e:
        e
    match T:
        case [p, *q] if p:
            p, q
        case {'a': r, **s} | Cls(k=r):
            r, s, Cls
    del T
";
    check(
        "a.py",
        text,
        &[
            (3, "T", 1),
            (3, "d", 2),
            (5, "T", 3),
            (5, "a", 3),
            (5, "k", 3),
            (5, "o", 3),
            (7, "e", 6),
            (10, "p", 9),
            (10, "q", 9),
            (12, "r", 11),
            (12, "s", 11),
            (12, "Cls", 0),
            (13, "T", 3),
        ],
    );
}

#[test]
fn python_type_parameters_have_their_own_scope() {
    let text = "\
T = 1
class C[T: object]:
    B = T
    def m[U](self, x: B, y: T = T) -> U:
        return U, T, B
type L[T] = list[T]
T
";
    check(
        "a.py",
        text,
        &[(3, "T", 2), (4, "B", 3), (4, "U", 4), (5, "U", 4), (5, "T", 2), (5, "B", 0), (7, "T", 1)],
    );
    check("a.py", text, &[(6, "T", 6)]);
}

#[test]
fn rust_lets_shadow_from_their_end_on() {
    let text = "\
fn f(x: u8) -> u8 {
    let x = x + 1;
    let y = {
        let x = x;
        x
    };
    let g = |y: u8| y + x;
    if let Some(y) = h(y) && y > x { y; } else { y; }
    match y { 0 => y, z if z > 1 => z, _ => x };
    for i in 0..y { i; }
    h(x)
}
fn h(x: u8) -> u8 { x }
";
    check(
        "src/lib.rs",
        text,
        &[
            (2, "x", 1),
            (4, "x", 2),
            (5, "x", 4),
            (7, "x", 2),
            (7, "y", 7),
            (9, "z", 9),
            (10, "i", 10),
            (11, "x", 2),
            (11, "h", 13),
            (10, "y", 3),
        ],
    );
}

#[test]
fn rust_functions_and_modules_are_barriers() {
    let text = "\
const K: u8 = 1;
struct S;
fn f(a: u8) {
    fn g() { a; K; S; }
    struct S;
    let s: S = S;
    s
}
mod m {
    fn h() -> S { K }
    mod inner { use super::*; fn i() { h(); } }
}
impl S {
    fn new() -> Self { S }
    fn me(&self) { self; new(); }
}
";
    check(
        "src/lib.rs",
        text,
        &[
            (4, "a", 0),
            (4, "K", 1),
            (4, "S", 5),
            (6, "S", 5),
            (7, "s", 6),
            (10, "S", 0),
            (10, "K", 0),
            (11, "h", 10),
            (14, "S", 2),
            (14, "Self", 13),
            (15, "self", 15),
            (15, "new", 0),
        ],
    );
}

#[test]
fn rust_namespaces_keep_values_and_types_apart() {
    let text = "\
mod ids { pub fn next() {} }
fn f<T>(ids: T) -> T {
    ids::next();
    let T2 = 1;
    println!(\"{}\", ids);
    ids
}
";
    check("src/lib.rs", text, &[(3, "ids", 1), (5, "ids", 2), (6, "ids", 2), (2, "T", 2)]);
}
