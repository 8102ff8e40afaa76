//! What names of Rust lead to over the files of crates: which definition each call finds.

use std::fmt::Write as _;

use super::*;

const MANIFEST: &str = "[package]\nname = 'x'\nedition = '2021'\n";

/// What the call of `callee` in `path` leads to, as `path:name` of a definition or the name of what is outside.
pub(in crate::tests) fn target(tables: &Tables, path: &str, callee: &str) -> String {
    let calls = tables.rows(Table::Calls);
    let call = calls.iter().find(|call| call["path"] == path && call["callee_text"] == callee);
    let call = call.unwrap_or_else(|| panic!("no call of {callee} in {path}"));
    leads_to(tables, "calls", &call["node_id"])
}

pub(in crate::tests) fn leads_to(tables: &Tables, relation: &str, node_id: &str) -> String {
    let mut found = String::new();
    for row in tables.rows(Table::Resolutions) {
        if row["relation"] != relation || row["node_id"] != node_id {
            continue;
        }
        let separator = if found.is_empty() { "" } else { " or " };
        let target = &row["target_node_id"];
        let node = tables.rows(Table::SyntaxNodes).into_iter().find(|node| &node["node_id"] == target);
        let file = tables.rows(Table::Files).into_iter().find(|file| &file["node_id"] == target);
        match (node, file) {
            (Some(node), _) => write!(found, "{separator}{}:{}", node["path"], node["name"]),
            (None, Some(file)) => write!(found, "{separator}{}", file["path"]),
            (None, None) => write!(found, "{separator}{} ({})", row["external_name"], row["method"]),
        }
        .expect("text");
    }
    found
}

/// Checks calls given as (path, callee, what it leads to), in a package with these files.
fn check(files: &[(&str, &str)], expected: &[(&str, &str, &str)]) {
    let mut all = vec![("Cargo.toml", MANIFEST)];
    all.extend(files.iter().filter(|(path, _)| *path != "Cargo.toml"));
    if let Some(own) = files.iter().find(|(path, _)| *path == "Cargo.toml") {
        all[0] = *own;
    }
    let tables = Tables::of(&all);
    for &(path, callee, wanted) in expected {
        assert_eq!(target(&tables, path, callee), wanted, "{path}: {callee}");
    }
}

#[test]
fn every_target_of_a_package_is_a_crate() {
    check(
        &[
            ("src/lib.rs", "pub fn run() {}"),
            ("src/bin/tool/main.rs", "mod helper; use crate::helper::run; fn main() { run(); x::run() }"),
            ("src/bin/tool/helper.rs", "pub fn run() {}"),
            ("tests/common/mod.rs", "pub fn setup() {}"),
            ("tests/t.rs", "mod common; fn t() { crate::common::setup(); common::setup(); x::run() }"),
        ],
        &[
            ("src/bin/tool/main.rs", "run", "src/bin/tool/helper.rs:run"),
            ("src/bin/tool/main.rs", "x::run", "src/lib.rs:run"),
            ("tests/t.rs", "crate::common::setup", "tests/common/mod.rs:setup"),
            ("tests/t.rs", "common::setup", "tests/common/mod.rs:setup"),
            ("tests/t.rs", "x::run", "src/lib.rs:run"),
        ],
    );
}

#[test]
fn manifests_name_roots_and_other_crates() {
    check(
        &[
            (
                "Cargo.toml",
                "[workspace]\nmembers = ['a', 'b-b']\n[workspace.dependencies]\nb-b = { path = 'b-b' }\n",
            ),
            (
                "a/Cargo.toml",
                "[package]\nname = 'a'\nedition = '2021'\n[lib]\npath = 'top.rs'\n[dependencies]\nb-b.workspace = true\n\
                 other = { path = '../b-b', package = 'b-b' }\nserde = '1'\n",
            ),
            ("a/top.rs", "fn go() { b_b::f(); other::deep::g(); serde::h(); unknown::i() }"),
            ("b-b/Cargo.toml", "[package]\nname = 'b-b'\nedition = '2021'\n"),
            ("b-b/src/lib.rs", "pub fn f() {}\npub mod deep { pub fn g() {} }"),
        ],
        &[
            ("a/top.rs", "b_b::f", "b-b/src/lib.rs:f"),
            ("a/top.rs", "other::deep::g", "b-b/src/lib.rs:g"),
            ("a/top.rs", "serde::h", "serde::h (external_import)"),
        ],
    );
}

#[test]
fn modules_are_where_their_items_say() {
    check(
        &[
            (
                "src/lib.rs",
                "#[path = \"sys/unix.rs\"] mod imp; pub mod r#type; mod inline { pub mod deep; }\ninclude!(\"part.rs\");\n\
                 fn go() { imp::open(); r#type::parse(); inline::deep::f(); included(); r#dial() }\nfn dial() {}",
            ),
            ("src/imp.rs", "pub fn open() {}"),
            ("src/sys/unix.rs", "mod below; pub fn open() { below::b() }"),
            ("src/sys/below.rs", "pub fn b() {}"),
            ("src/type.rs", "pub fn parse() {}"),
            ("src/inline/deep.rs", "pub fn f() { super::super::dial() }"),
            ("src/part.rs", "fn included() { dial() }"),
        ],
        &[
            ("src/lib.rs", "imp::open", "src/sys/unix.rs:open"),
            ("src/sys/unix.rs", "below::b", "src/sys/below.rs:b"),
            ("src/lib.rs", "r#type::parse", "src/type.rs:parse"),
            ("src/lib.rs", "inline::deep::f", "src/inline/deep.rs:f"),
            ("src/inline/deep.rs", "super::super::dial", "src/lib.rs:dial"),
            ("src/lib.rs", "included", "src/part.rs:included"),
            ("src/part.rs", "dial", "src/lib.rs:dial"),
            ("src/lib.rs", "r#dial", "src/lib.rs:dial"),
        ],
    );
}

#[test]
fn imports_lead_through_any_number_of_others() {
    check(
        &[
            ("src/lib.rs", "pub mod a; pub mod b; pub mod c; pub mod d; mod user; pub use a::*;"),
            ("src/a.rs", "pub use crate::b::{self, f as g, *}; fn hidden() {} pub(crate) fn known() {}"),
            ("src/b.rs", "pub use super::c::f; pub use super::a::*; pub fn only_b() {}"),
            ("src/c.rs", "pub use crate::d::f;"),
            (
                "src/d.rs",
                "pub fn f() {}\npub mod m { pub fn f() {} }\npub fn m() {}\n#[macro_export] macro_rules! m { () => {} }",
            ),
            (
                "src/user.rs",
                "use crate::a::*; use crate::d::m;\nfn go() { g(); only_b(); known(); hidden(); m(); m::f(); m!(); b::f() }\n\
                 fn block() { use super::c::*; f() }",
            ),
        ],
        &[
            ("src/user.rs", "g", "src/d.rs:f"),
            ("src/user.rs", "only_b", "src/b.rs:only_b"),
            ("src/user.rs", "known", "src/a.rs:known"),
            ("src/user.rs", "hidden", "hidden (dynamic)"),
            ("src/user.rs", "m::f", "src/d.rs:f"),
            ("src/user.rs", "b::f", "src/d.rs:f"),
            ("src/user.rs", "f", "src/d.rs:f"),
        ],
    );
}

#[test]
fn one_import_brings_what_each_namespace_has() {
    let files = [
        ("src/lib.rs", "pub mod render; pub use self::render::render; mod user;"),
        ("src/render.rs", "pub fn render() {}\npub fn other() {}"),
        ("src/user.rs", "use crate::render; fn go() { render(); render::other() }"),
    ];
    check(
        &files,
        &[
            ("src/user.rs", "render", "src/render.rs:render"),
            ("src/user.rs", "render::other", "src/render.rs:other"),
        ],
    );
    let tables = Tables::of(&[[("Cargo.toml", MANIFEST)].as_slice(), files.as_slice()].concat());
    let imports = tables.rows(Table::Imports);
    let import = imports.iter().find(|import| import["path"] == "src/user.rs").expect("import");
    assert_eq!(leads_to(&tables, "imports", &import["node_id"]), "src/render.rs or src/render.rs:render");
}

#[test]
fn a_name_of_several_meanings_stays_open() {
    check(
        &[
            (
                "src/lib.rs",
                "#[cfg(unix)] fn f() {}\n#[cfg(windows)] fn f() {}\nfn go() { f(); rand() }\nuse a::*; use b::*;",
            ),
            ("tests/common/mod.rs", "pub fn s() { crate::here() }"),
            ("tests/a.rs", "mod common; fn here() {}"),
            ("tests/b.rs", "mod common; fn here() {}"),
        ],
        &[
            ("src/lib.rs", "f", "src/lib.rs:f or src/lib.rs:f"),
            ("src/lib.rs", "rand", "rand (dynamic)"),
            ("tests/common/mod.rs", "crate::here", "tests/a.rs:here or tests/b.rs:here"),
        ],
    );
}

#[test]
fn members_are_those_of_the_type_that_is_meant() {
    let lib = "mod one { #[derive(Default)] pub struct Job(pub u8); pub fn make() { Job::default(); } }\n\
        mod two { pub struct Job; impl Job { pub fn default() {} } pub fn make() { self::Job::default(); } }\n\
        pub trait Make { fn make() -> Self; fn twice() { Self::make(); } }\n\
        fn generic<Job: Make>() { Job::make(); }\n\
        enum Shape { Round(u8), Flat }\n\
        impl Shape { const N: u8 = 1; fn new() -> Self { Shape::Round(Self::N) } }\n";
    check(
        &[("src/lib.rs", lib)],
        &[
            ("src/lib.rs", "Job::default", "Default::default (external_import)"),
            ("src/lib.rs", "self::Job::default", "src/lib.rs:default"),
            ("src/lib.rs", "Self::make", "src/lib.rs:make"),
            ("src/lib.rs", "Job::make", "src/lib.rs:make"),
            ("src/lib.rs", "Shape::Round", "src/lib.rs:Round"),
        ],
    );
}

#[test]
fn receivers_have_the_types_that_are_written() {
    check(
        &[
            (
                "src/lib.rs",
                "mod p; use p::{P, Walk}; struct S { p: Box<P>, all: Vec<P> }\n\
                impl S { fn go(&self) { self.p.get(); self.own(); self.all.get() } fn own(&self) {} }\n\
                fn new() { let made = P::new(); made.a(); let P { .. } = made; }\n\
                fn written(x: &mut P) { x.b() }\nfn literal() { let y = P { n: 1 }; y.c(); let y = 1; y.d() }\n\
                fn chain() { P::new().next().unwrap().e(); P::new().walk() }\n\
                fn bound<T: Walk>(t: T, d: &dyn Walk, i: impl Walk) { t.f(); d.g(); i.h() }\n\
                fn fall(x: Option<P>) { if let Some(x) = x { x.i() } x.j() }",
            ),
            (
                "src/p.rs",
                "pub struct P { pub n: u8 }\n\
                impl P { pub fn new() -> Self { P { n: 1 } } pub fn get(&self) {} pub fn a(&self) {} pub fn b(&self) {}\n\
                pub fn c(&self) {} pub fn e(&self) {} pub fn next(&self) -> Option<P> { None } pub fn i(&self) {} }\n\
                pub trait Walk { fn walk(&self) {} fn f(&self) {} fn g(&self) {} fn h(&self) {} }\nimpl Walk for P {}",
            ),
        ],
        &[
            ("src/lib.rs", "self.p.get", "src/p.rs:get"),
            ("src/lib.rs", "self.own", "src/lib.rs:own"),
            ("src/lib.rs", "self.all.get", "?.get (dynamic)"),
            ("src/lib.rs", "made.a", "src/p.rs:a"),
            ("src/lib.rs", "x.b", "src/p.rs:b"),
            ("src/lib.rs", "y.c", "src/p.rs:c"),
            ("src/lib.rs", "y.d", "?.d (dynamic)"),
            ("src/lib.rs", "P::new().next().unwrap().e", "src/p.rs:e"),
            ("src/lib.rs", "P::new().walk", "src/p.rs:walk"),
            ("src/lib.rs", "t.f", "src/p.rs:f"),
            ("src/lib.rs", "d.g", "src/p.rs:g"),
            ("src/lib.rs", "i.h", "src/p.rs:h"),
            ("src/lib.rs", "x.i", "src/p.rs:i"),
            ("src/lib.rs", "x.j", "?.j (dynamic)"),
        ],
    );
}

#[test]
fn the_bounds_of_a_parameter_come_before_what_holds_for_all_types() {
    let lib = "pub trait Fast { fn step(&self) -> u8; }\n\
        pub trait Slow { fn step(&self) -> u8; fn run(&self) -> u8; }\n\
        impl<T: Fast> Slow for T { fn step(&self) -> u8 { 2 } fn run(&self) -> u8 { self.step() } }\n";
    let tables = Tables::of(&[("Cargo.toml", MANIFEST), ("src/lib.rs", lib)]);
    let calls = tables.rows(Table::Calls);
    let rows = tables.rows(Table::Resolutions);
    let row = rows.iter().find(|row| row["node_id"] == calls[0]["node_id"]).expect("answer");
    let nodes = tables.rows(Table::SyntaxNodes);
    let target = nodes.iter().find(|node| node["node_id"] == row["target_node_id"]).expect("target");
    assert_eq!(target["bstart"], lib.find("fn step").expect("first").to_string());
}

#[test]
fn hostile_types_and_imports_end() {
    let mut lib = String::from(
        "struct F<A, B>(A, B);\nimpl Clone for F<Self::X, Self> { fn clone(&self) -> Self { self.clone() } }\n\
         type A0 = F<A1, A1>;\ntype A1 = F<A0, A0>;\nmod m { pub use super::n::*; }\nmod n { pub use super::m::*; }\n\
         use m::x;\nuse x as y;\nuse y as x;\nfn go(a: A0) { a.0.0.0.clone(); x(); m::z() }\n",
    );
    for depth in 0..400 {
        writeln!(lib, "mod c{depth} {{ pub use super::c{}::deep; }}", depth + 1).expect("text");
    }
    lib.push_str("mod c400 { pub fn deep() {} }\nfn far() { c0::deep() }\n");
    check(
        &[("src/lib.rs", &lib)],
        &[("src/lib.rs", "m::z", "m::z (dynamic)"), ("src/lib.rs", "c0::deep", "c0::deep (dynamic)")],
    );
}

/// Modules that import all names of each other, and a name from all others: there are more ways than could be walked.
fn entangled(count: usize) -> Vec<(String, String)> {
    let module = |own: usize| {
        let others = (0..count).filter(|other| *other != own);
        let mut text: String = others.map(|other| format!("pub use crate::m{other}::t;\n")).collect();
        text += "pub use crate::*;\npub fn go() { t(); u() }\n";
        if own == 0 { "pub fn t() {} pub use crate::*; pub fn u() {}".to_owned() } else { text }
    };
    let library = (0..count).map(|own| format!("pub mod m{own}; pub use m{own}::*;\n")).collect();
    let modules = (0..count).map(|own| (format!("src/m{own}.rs"), module(own)));
    std::iter::once(("src/lib.rs".to_owned(), library)).chain(modules).collect()
}

fn texts(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect()
}

#[test]
fn modules_that_import_each_other_are_searched_once() {
    let files = entangled(10);
    check(&texts(&files), &[("src/m5.rs", "t", "src/m0.rs:t"), ("src/m9.rs", "u", "src/m0.rs:u")]);
}

#[test]
fn what_is_too_entangled_stays_open_and_is_said() {
    let files = entangled(24);
    let mut files = texts(&files);
    let plain = ("src/bin/other.rs", "fn main() { own() } fn own() {}");
    files.extend([("Cargo.toml", MANIFEST), plain]);
    let tables = Tables::of(&files);
    let errors = tables.rows(Table::ExtractErrors);
    assert!(!errors.is_empty());
    for error in &errors {
        assert_eq!(error["code"], "names_entangled");
        assert!(error["path"].starts_with("src/m"), "{error:?}");
    }
    assert_eq!(target(&tables, plain.0, "own"), "src/bin/other.rs:own");
    assert!(Tables::of(&texts(&entangled(4))).rows(Table::ExtractErrors).is_empty());
}
