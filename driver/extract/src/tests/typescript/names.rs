//! Names inside files of TypeScript and JavaScript: which definition each use finds.

use super::super::lexical::check;
use super::*;

#[test]
fn variables_belong_to_functions_or_blocks() {
    let text = "\
const x = 1;
function f(a, b = a + x, c = () => y) {
  { let x = 2; x; var v = x; }
  x; v;
  for (const x of [x]) x;
  for (let i = 0; i < x; i++) { let i = 3; i; }
  const y = 5;
  return y;
}
f(); v; y;
if (x) { function inner() {} inner(); }
inner();
try { } catch (error) { error; let x = error; x; }
error;
switch (x) { case 1: let s = 1; default: s; }
s;
const y = 6;
";
    let expected = [
        (2, "a", 2),
        (2, "x", 1),
        (2, "y", 17),
        (3, "x", 3),
        (4, "x", 1),
        (4, "v", 3),
        (5, "x", 5),
        (8, "y", 7),
        (10, "f", 2),
        (10, "v", 0),
        (10, "y", 17),
        (11, "inner", 11),
        (12, "inner", 0),
        (13, "error", 13),
        (13, "x", 13),
        (14, "error", 0),
        (15, "s", 15),
        (16, "s", 0),
    ];
    check("m.js", text, &expected);
    check("m.ts", text, &expected);
}

#[test]
fn functions_and_classes_have_names_inside_and_outside() {
    let text = "\
hoisted();
function hoisted() {}
const g = function named(named2) { named; named2; };
named;
const C = class Inner<T> extends Base<T> { m(): T { return new Inner(); } };
Inner;
class Base<T> { static s = Base; #p = this.#p; }
const arrow = async x => x + later;
let later = (a, ...rest) => { a; rest; arguments; };
outer: for (;;) { break outer; }
const o = { hoisted, method() { return method; }, key: later };
o.hoisted; o[hoisted]; `${later} ${`${o}`}`;
";
    check(
        "m.ts",
        text,
        &[
            (1, "hoisted", 2),
            (3, "named", 3),
            (3, "named2", 3),
            (4, "named", 0),
            (5, "Base", 7),
            (5, "T", 5),
            (5, "Inner", 5),
            (6, "Inner", 0),
            (7, "Base", 7),
            (8, "x", 8),
            (8, "later", 9),
            (9, "a", 9),
            (9, "rest", 9),
            (9, "arguments", 0),
            (11, "hoisted", 2),
            (11, "method", 0),
            (11, "later", 9),
            (12, "hoisted", 2),
            (12, "later", 9),
            (12, "o", 11),
        ],
    );
    let tables = Tables::of(&[("m.ts", text)]);
    assert!(tables.rows(Table::Refs).iter().all(|row| row["name"] != "outer" && row["name"] != "break"));
    let members: Vec<String> = tables
        .rows(Table::Defs)
        .iter()
        .filter(|row| row["namespace"] == "member")
        .map(|row| format!("{} {}", row["kind"], row["name"]))
        .collect();
    let expected = ["method m", "field s", "field #p", "field hoisted", "method method", "field key"];
    assert_eq!(members, expected);
}

#[test]
fn types_are_a_namespace_of_their_own() {
    let text = "\
interface A { x: B; }
type B = typeof A | A;
const A = 1;
class K { k: K = new K(); }
enum E { One, Two = One }
namespace N { export const n = 1; export type T = E; n; }
function f<T extends A, A2 = T>(p: T, q: (p: A2) => p is K): asserts p is T { p; }
type M<S> = { [P in keyof S]: P } & { m(a: S): S };
type I<S> = S extends (infer U)[] ? U : S extends { a: infer V } ? V : never;
let t: [first: A, second?: N.T] = [E.One, N.n];
A; N; E;
import type { Z } from './z';
import Y, * as W from './y';
let z: Z & W.Deep.Type = Y as Y;
x as const;
";
    check(
        "m.ts",
        text,
        &[
            (1, "B", 2),
            (4, "K", 4),
            (5, "One", 5),
            (6, "E", 5),
            (6, "n", 6),
            (7, "T", 7),
            (7, "A", 1),
            (7, "A2", 7),
            (7, "K", 4),
            (7, "p", 7),
            (8, "S", 8),
            (8, "P", 8),
            (9, "S", 9),
            (9, "U", 9),
            (9, "V", 9),
            (10, "A", 1),
            (10, "N", 6),
            (10, "E", 5),
            (11, "A", 3),
            (11, "N", 6),
            (11, "E", 5),
            (14, "Z", 12),
            (14, "W", 13),
            (14, "Y", 13),
        ],
    );
    let both = "interface A {}\ntype B =\n typeof A | \nA;\nconst A = 1;\n";
    check("n.ts", both, &[(3, "A", 5), (4, "A", 1)]);
    let tables = Tables::of(&[("m.ts", text)]);
    assert!(tables.rows(Table::Refs).iter().all(|row| row["name"] != "first" && row["name"] != "const"));
}

#[test]
fn patterns_bind_and_write() {
    let text = "\
const { a, b: { c = a, ...d }, ['k' + a]: e = c, f = a } = source, [g, , h = g, ...i] = a;
a; b; c; d; e; f; g; h; i;
({ a: j, k, l = a, ...m } = source);
[n.o, p[q]] = a;
function fn({ a, z = a }, [y] = z) { a; z; y; }
let j, k, l, m, n, p, q;
for ({ j } of [k]) j;
const go = ({ w }: { w: number }) => w;
";
    check(
        "m.ts",
        text,
        &[
            (1, "a", 1),
            (1, "c", 1),
            (1, "g", 1),
            (2, "a", 1),
            (2, "b", 0),
            (2, "c", 1),
            (2, "d", 1),
            (2, "e", 1),
            (2, "f", 1),
            (2, "h", 1),
            (2, "i", 1),
            (3, "j", 6),
            (3, "k", 6),
            (3, "l", 6),
            (3, "m", 6),
            (4, "n", 6),
            (4, "p", 6),
            (4, "q", 6),
            (5, "a", 5),
            (5, "z", 5),
            (5, "y", 5),
            (7, "j", 6),
            (8, "w", 8),
        ],
    );
    let tables = Tables::of(&[("m.ts", text)]);
    let written: Vec<String> = tables
        .rows(Table::Refs)
        .iter()
        .filter(|row| row["context"] == "write")
        .map(|row| row["name"].clone())
        .collect();
    assert_eq!(written, ["j", "k", "l", "m", "j"]);
}

#[test]
fn elements_are_names_unless_they_are_the_hosts() {
    let text = "\
import { Card } from './card';
const Button = ({ label }) => <button onClick={click}>{label}</button>;
const App = () => <><Button label=\"x\" {...rest}>text</Button><Card.Body /><svg:path /></>;
const rest = {}, click = () => {}, generic = <T,>(x: T) => x;
";
    check(
        "m.tsx",
        text,
        &[(2, "label", 2), (2, "click", 4), (3, "Button", 2), (3, "rest", 4), (3, "Card", 1), (4, "T", 4)],
    );
    let tables = Tables::of(&[("m.tsx", text)]);
    assert!(tables.rows(Table::ParseErrors).is_empty());
    let names: Vec<String> = tables.rows(Table::Refs).iter().map(|row| row["name"].clone()).collect();
    assert!(
        names.iter().all(|name| !["button", "svg", "path", "onClick"].contains(&name.as_str())),
        "{names:?}"
    );
    assert_eq!(names.iter().filter(|name| *name == "Button").count(), 2);
}

#[test]
fn comments_and_decorators_belong_to_what_follows() {
    let text = "\
/** @fileoverview About. */

/**
 * Says one.
 * And two.
 */
export const one = () => 1, two = 2;
@Component({ a: 1 }) @other
export class C {
  /** The field. */
  @Input() field = 1;
  /** Not this. */ // but
  /** The method. */
  @logged.deep method(@Arg('x') a: string) {}
}
/** A type. */
export interface I { /** Its member. */ m: string }
/* no doc */ function plain() {}
";
    let tables = Tables::of(&[("m.ts", text)]);
    let named = |id: &str| {
        let node = tables.rows(Table::SyntaxNodes).into_iter().find(|node| node["node_id"] == id);
        node.map_or("file".to_owned(), |node| format!("{} {}", node["kind"], node["name"]))
    };
    let docs: Vec<(String, String)> = tables
        .rows(Table::Docstrings)
        .iter()
        .map(|row| (named(&row["owner_node_id"]), row["text"].clone()))
        .collect();
    let expected = [
        ("file", "@fileoverview About."),
        ("variable_declarator one", "Says one.\nAnd two."),
        ("interface_declaration I", "A type."),
        ("public_field_definition field", "The field."),
        ("method_definition method", "The method."),
        ("property_signature m", "Its member."),
    ];
    assert_eq!(docs, expected.map(|(owner, text)| (owner.to_owned(), text.to_owned())));
    let decorators: Vec<(String, String)> = tables
        .rows(Table::Decorators)
        .iter()
        .map(|row| (row["name"].clone(), named(&row["owner_node_id"])))
        .collect();
    let expected = [
        ("Component", "class_declaration C"),
        ("other", "class_declaration C"),
        ("logged.deep", "method_definition method"),
        ("Input", "public_field_definition field"),
        ("Arg", "required_parameter a"),
    ];
    assert_eq!(decorators, expected.map(|(name, owner)| (name.to_owned(), owner.to_owned())));
}

#[test]
fn hostile_files_take_time_in_proportion() {
    let started = std::time::Instant::now();
    let deep = format!("x = {}1{};\n", "(".repeat(100_000), ")".repeat(100_000));
    let chain = format!("const y = a{};\n", ".b()".repeat(30_000));
    let nested = format!("const z = {}0;\n", "c ? d : ".repeat(50_000));
    let lists = format!("const l = {}{};\n", "[".repeat(50_000), "]".repeat(50_000));
    let arrows = format!("const f = {}this.x;\n", "() => ".repeat(50_000));
    let types = format!("type U = {}A;\n", "A | ".repeat(50_000));
    let same = "function same(){}\n".repeat(50_000) + &"same();\n".repeat(5_000);
    let members = format!("class M {{ {} }}\nnew M().m();", "m() { return this.m(); }\n".repeat(5_000));
    let aliases: String = (1..20_000).map(|at| format!("const v{at} = v{};\n", at - 1)).collect();
    let backwards: String = (1..20_000).rev().map(|at| format!("const w{at} = w{};\n", at - 1)).collect();
    let line = format!("const big = [{}];", "\"0123456789\",".repeat(90_000));
    let broken = "class { ( [ => `${ ".repeat(5_000);
    let files: Vec<(&str, &str)> = vec![
        ("deep.ts", &deep),
        ("chain.js", &chain),
        ("nested.ts", &nested),
        ("lists.ts", &lists),
        ("arrows.js", &arrows),
        ("types.ts", &types),
        ("same.ts", &same),
        ("members.ts", &members),
        ("aliases.ts", &aliases),
        ("backwards.ts", &backwards),
        ("line.js", &line),
        ("broken.tsx", &broken),
    ];
    let tables = Tables::of(&files);
    let calls = tables.0[&Table::Calls].iter().map(RecordBatch::num_rows).sum::<usize>();
    assert!(calls > 40_000, "{calls}");
    assert!(started.elapsed().as_secs() < 120, "{:?}", started.elapsed());
}
