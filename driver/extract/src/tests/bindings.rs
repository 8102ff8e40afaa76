//! Which bindings a name may have where it is used, and what names hold.

use super::*;

/// Checks uses given as (line, name, lines of the bindings that are in force; none for a name that is not bound).
pub(super) fn check(text: &str, expected: &[(usize, &str, &[usize])]) {
    let tables = Tables::of(&[("a.py", text)]);
    let line = |row: &Row, column: &str| {
        let offset: usize = row[column].parse().expect("offset");
        text.get(..offset).expect("boundary").matches('\n').count() + 1
    };
    let refs = tables.rows(Table::Refs);
    let defs = tables.rows(Table::Defs);
    let bindings = tables.rows(Table::RefBindings);
    for &(at, name, wanted) in expected {
        let used = refs
            .iter()
            .find(|row| {
                row["name"] == name
                    && row["context"] != "attribute"
                    && row["context"] != "write"
                    && line(row, "bstart") == at
            })
            .unwrap_or_else(|| panic!("no use of {name} on line {at}"));
        let rows: Vec<&Row> = bindings.iter().filter(|row| row["ref_id"] == used["ref_id"]).collect();
        assert!(!rows.is_empty(), "nothing is said about {name} on line {at}");
        let mut found: Vec<usize> = rows
            .iter()
            .filter_map(|row| defs.iter().find(|def| def["def_id"] == row["def_id"]))
            .map(|def| line(def, "name_bstart"))
            .collect();
        found.sort_unstable();
        assert_eq!(found, wanted, "{name} on line {at}");
    }
}

#[test]
fn the_last_binding_before_a_use_is_in_force() {
    let text = "\
def f(): ...
f()
f = g
f()
def g(): f()
del f
f()
from m import f
";
    check(text, &[(2, "f", &[1]), (4, "f", &[3]), (5, "f", &[8]), (7, "f", &[])]);
}

#[test]
fn branches_leave_the_bindings_of_their_arms() {
    let text = "\
try:
    from a import f
except ImportError:
    from b import f
f()
if x:
    f = one
    f()
elif y:
    f = two
f()
if x:
    f = one
else:
    f = two
f()
if x:
    f = three
    raise SystemExit
f()
";
    let expected: &[(usize, &str, &[usize])] = &[
        (5, "f", &[2, 4]),
        (8, "f", &[7]),
        (11, "f", &[2, 4, 7, 10]),
        (16, "f", &[13, 15]),
        (20, "f", &[13, 15]),
    ];
    check(text, expected);
}

#[test]
fn loops_handlers_and_matches_join() {
    let text = "\
def f(): ...
for x in y:
    f()
    f = x
f()
while True:
    f = one
    if x: break
    f = two
f()
try:
    g = one
    g = two
except E:
    g()
finally:
    g()
match x:
    case 1: h = one
    case _: h = two
h()
with o as h: h()
for x in y:
    if x:
        k = one
        break
else:
    k = two
k()
";
    let expected: &[(usize, &str, &[usize])] = &[
        (3, "f", &[1, 4]),
        (5, "f", &[1, 4]),
        (10, "f", &[7, 9]),
        (15, "g", &[12, 13]),
        (17, "g", &[12, 13]),
        (21, "h", &[19, 20]),
        (22, "h", &[22]),
        (29, "k", &[25, 28]),
    ];
    check(text, expected);
}

#[test]
fn classes_read_the_module_until_they_bind_and_checks_of_types_do_not_run() {
    let text = "\
from typing import TYPE_CHECKING
def field(): ...
class Row:
    field = field()
    @property
    def size(self): ...
    @size.setter
    def size(self, value): ...
if TYPE_CHECKING:
    from a import made, only
else:
    from b import made
made()
only()
def late(): global made; made = 1
";
    check(text, &[(4, "field", &[2]), (13, "made", &[12, 15]), (14, "only", &[10])]);
    let sizes: Vec<(String, String)> = Tables::of(&[("a.py", text)])
        .rows(Table::Defs)
        .iter()
        .filter(|row| row["name"] == "size")
        .map(|row| (row["bstart"].clone(), row["reaches_end"].clone()))
        .collect();
    let ends: Vec<&str> = sizes.iter().map(|(_, ends)| ends.as_str()).collect();
    assert_eq!(ends, ["true", "false"], "a setter belongs to the property before it: {sizes:?}");
}

/// What `bound_values` has: the name, how it comes by the value, the name that the way starts from, and the steps.
fn values(tables: &Tables) -> Vec<String> {
    let defs = tables.rows(Table::Defs);
    let refs = tables.rows(Table::Refs);
    let mut found: Vec<String> = tables
        .rows(Table::BoundValues)
        .iter()
        .map(|row| {
            let name = defs.iter().find(|def| def["def_id"] == row["def_id"]).map(|def| def["name"].clone());
            let head = refs.iter().find(|it| it["ref_id"] == row["head_ref_id"]).map(|it| it["name"].clone());
            format!("{} {} {} {}", name.expect("a name"), row["kind"], head.unwrap_or_default(), row["steps"])
        })
        .collect();
    found.sort();
    found
}

#[test]
fn values_are_told_by_the_way_to_them() {
    let text = "\
class A(m.B, C[int], metaclass=M):
    def __init__(this, a: 'Optional[A]', b=f):
        this.a, this.b = a, make().one[0]
        this.__c = x if y else (z)
    @staticmethod
    def s(self): self.no = 1
    def n(self) -> type[A]: return self
";
    let tables = Tables::of(&[("a.py", text)]);
    let found = values(&tables);
    let expected = [
        "A base C []/",
        "A base m .B/",
        "A metaclass M ",
        "_A__c assigned x ",
        "_A__c assigned z ",
        "a annotated A :/",
        "a assigned a ",
        "b assigned make ()/.one/[]/",
        "b default f ",
        "n annotated A ",
        "self receiver  NULL",
        "this receiver  NULL",
    ];
    assert_eq!(found, expected);
    let defs = tables.rows(Table::Defs);
    let fields: Vec<&str> =
        defs.iter().filter(|def| def["kind"] == "field").map(|def| def["name"].as_str()).collect();
    assert_eq!(fields, ["a", "b", "_A__c"]);
}

#[test]
fn values_of_functions_are_what_decorators_and_waiting_make_of_them() {
    let text = "\
@outer.most(1)
@inner
def wrapped(): return a
@property
def kept(): return b
@kept.setter
def kept(it): pass
async def waited(): return c
async def told() -> D: return d
async def wait():
    async with e() as f: pass
";
    let expected = [
        "f assigned e ()/.__aenter__/()/await/",
        "kept property  NULL",
        "kept returned b ",
        "told annotated D :/",
        "told coroutine  NULL",
        "wait coroutine  NULL",
        "waited coroutine  NULL",
        "waited returned c ",
        "wrapped decorated outer .most/()/()/",
    ];
    assert_eq!(values(&Tables::of(&[("a.py", text)])), expected);
}

#[test]
fn values_stand_in_patterns_brackets_and_calls_that_hand_them_on() {
    let text = "\
T = typing.TypeVar('T', bound=A.B)
(a := b).c()
d = staticmethod(e)
f = property(g, h)
def check[U: C](x: U): pass
try: pass
except (I, m.J) as error: pass
match a:
    case m.K(1) as k: pass
";
    let expected = [
        "T assigned A .B/",
        "U assigned C ",
        "a assigned b ",
        "d assigned e ",
        "error assigned I :/",
        "error assigned m .J/:/",
        "f assigned g ()/",
        "k assigned m .K/:/",
        "x annotated U :/",
    ];
    let tables = Tables::of(&[("a.py", text)]);
    assert_eq!(values(&tables), expected);
    let refs = tables.rows(Table::Refs);
    let called = refs.iter().find(|row| row["name"] == "c").expect("an attribute");
    assert_eq!(called["steps"], ".c/", "the way starts from the value of `:=`");
}

#[test]
fn contents_of_containers_are_told() {
    let text = "\
xs = [a, b.c, *d]
m = {'k': e, 'l': {}}
for x in xs: pass
for i, y in enumerate(xs): pass
for k, v in m.items(): pass
[z for z in sorted(xs)]
def gen(p: list[A], q: dict[str, 'B'], r: tuple[A, B]): yield g
(n, [o]), *rest, last = (h, [i]), 1, 2, j
";
    let expected = [
        "gen yielded g ",
        "last assigned j ",
        "m entry e ",
        "n assigned h ",
        "o assigned i ",
        "p annotated list []/:/",
        "p element A :/",
        "q annotated dict []/:/",
        "q entry B :/",
        "r annotated tuple []/:/",
        "v assigned m []/",
        "x assigned xs */",
        "xs element a ",
        "xs element b .c/",
        "y assigned xs */",
        "z assigned xs */",
    ];
    assert_eq!(values(&Tables::of(&[("a.py", text)])), expected);
}

#[test]
fn modules_say_what_they_export() {
    let exports = |text: &str| Tables::of(&[("a.py", text)]).rows(Table::Modules)[0]["exports"].clone();
    assert_eq!(exports("__all__ = ['a']\n__all__ += ['b', 'c']\n__all__.remove('b')\n"), "a/c/");
    assert_eq!(exports("__all__ = ['a']\n__all__.append('b')\n__all__.extend(('c',))\n"), "a/b/c/");
    assert_eq!(exports("__all__ = ['a']\n__all__.extend(other.__all__)\n"), "NULL");
}

#[test]
fn parameters_that_no_keyword_names_are_told() {
    let text = "def f(a, b=1, /, c=2, *d: int, e, **g): ...\nfor x in y: x += 1\n";
    let found = values(&Tables::of(&[("a.py", text)]));
    let positional: Vec<&String> = found.iter().filter(|value| value.contains("positional")).collect();
    let expected = ["a positional  NULL", "b positional  NULL", "d positional  NULL", "g positional  NULL"];
    assert_eq!(positional, expected);
    assert!(found.contains(&"x assigned x ".to_owned()), "`+=` keeps what was held: {found:?}");
}

#[test]
fn super_stands_for_the_bases_of_the_class_that_it_names() {
    let text = "\
class A(B):
    def f(self): super().f(); super(A, self).f(); super(m.A, self).f(); super(B, self).f(); super(cls, self).f()
";
    let tables = Tables::of(&[("a.py", text)]);
    let refs = tables.rows(Table::Refs);
    let known: Vec<bool> =
        refs.iter().filter(|row| row["name"] == "super").map(|row| row["class_node_id"] != "NULL").collect();
    assert_eq!(known, [true, true, true, false, false]);
    let tables = Tables::of(&[("a.py", "class A:\n    def f(self): __class__\n__class__\n")]);
    let refs = tables.rows(Table::Refs);
    let known: Vec<bool> = refs.iter().map(|row| row["class_node_id"] != "NULL").collect();
    assert_eq!(known, [true, false]);
}

#[test]
fn what_the_grammar_misreads_is_read_as_the_language_has_it() {
    let count = |text: &str, table: Table, column: &str, value: &str| {
        Tables::of(&[("a.py", text)]).rows(table).iter().filter(|row| row[column] == value).count()
    };
    assert_eq!(count("def f(): return f'{total:=10}'\n", Table::Defs, "name", "total"), 0);
    assert_eq!(count("def f(): return f'{total:=d}'\n", Table::Refs, "name", "d"), 0);
    assert_eq!(count("class Box[T: A = B, *S = C]: ...\n", Table::Defs, "name", "B"), 0);
    assert_eq!(count("class Box[T: A = B, *S = C]: ...\n", Table::Defs, "kind", "type_parameter"), 2);
    assert_eq!(count("y = [*f()]\n", Table::Calls, "callee_text", "f"), 1);
    assert_eq!(count("f(1, \\\n  2)\n", Table::Calls, "arg_count", "2"), 1);
    assert_eq!(count("def f(): pass\rf()\r", Table::ParseErrors, "kind", "error"), 0);
    let continued = "def f():\n    x = (1 +\n  2) # '\n    return x\n";
    assert_eq!(count(continued, Table::ParseErrors, "kind", "error"), 0);
    assert_eq!(count(continued, Table::Defs, "bend", &(continued.len() - 1).to_string()), 1);
    assert_eq!(count("def caf\u{e9}(): pass\ncafe\u{301}()\n", Table::Refs, "name", "caf\u{e9}"), 1);
}
