//! What names mean of which there are several definitions in a scope.

use super::bindings::check;
use super::*;

#[test]
fn names_that_may_be_unbound_are_looked_up_further() {
    let text = "\
if x: range = one
range()
class A:
    if x: range = two
    range()
def f(): return range()
try: import m
except E: m = None
def g(): return m
";
    check(text, &[(2, "range", &[1]), (5, "range", &[1, 4]), (6, "range", &[1]), (9, "m", &[7, 8])]);
    let tables = Tables::of(&[("a.py", text)]);
    let refs = tables.rows(Table::Refs);
    let bindings = tables.rows(Table::RefBindings);
    let may_be_unbound = |line: &str| {
        let used = refs.iter().find(|row| row["line"] == line && row["context"] == "call").expect("a call");
        bindings.iter().any(|row| row["ref_id"] == used["ref_id"] && row["def_id"] == "NULL")
    };
    assert_eq!(["2", "5", "6"].map(may_be_unbound), [true; 3]);
}

#[test]
fn signatures_are_in_force_together_until_they_are_implemented() {
    let text = "\
@overload
def f(a: int): ...
@overload
def f(a: str): ...
f()
def f(a): ...
f()
";
    check(text, &[(5, "f", &[2, 4]), (7, "f", &[6])]);
}

#[test]
fn names_that_are_read_are_answered_where_the_first_definition_is_not_meant() {
    let text = "\
def f(): ...
def f(): ...
a = f
b = a
b = 1
c = b
del f
f
";
    check(text, &[(3, "f", &[2])]);
    let tables = Tables::of(&[("a.py", text)]);
    let answered: Vec<String> =
        tables.rows(Table::RefBindings).into_iter().map(|row| row["ref_id"].clone()).collect();
    let read = tables.rows(Table::Refs).into_iter().filter(|row| row["context"] == "read");
    let lines: Vec<String> =
        read.filter(|row| answered.contains(&row["ref_id"])).map(|row| row["line"].clone()).collect();
    assert_eq!(lines, ["3", "4", "6", "8"], "`a` and `b` are values of other names");
}
