//! What stands in the calls and definitions of macros of Rust.

use super::*;

fn names(tables: &Tables, table: Table, column: &str) -> Vec<String> {
    tables.rows(table).iter().map(|row| row[column].clone()).collect()
}

fn of(text: &str) -> Tables {
    Tables::of(&[("Cargo.toml", "[package]\nname = 'x'\nedition = '2021'\n"), ("src/lib.rs", text)])
}

#[test]
fn arguments_are_expressions_where_they_parse() {
    let text = "fn g() { assert_eq!(f(1), 2, \"{}\", h()); vec![k(); 3]; println!(\"{}\", matches!(p(), Some(Q { .. }) if r())); }";
    let tables = of(text);
    let called = names(&tables, Table::Calls, "callee_text");
    for callee in ["f", "h", "k", "p", "r"] {
        assert!(called.iter().any(|called| called == callee), "{callee} in {called:?}");
    }
    for call in tables.rows(Table::Calls) {
        let (start, end): (usize, usize) = (call["bstart"].parse().unwrap(), call["bend"].parse().unwrap());
        assert!(text[start..end].starts_with(&call["callee_text"]), "{}", &text[start..end]);
    }
}

#[test]
fn items_in_macros_belong_to_what_is_around() {
    let tables = of(
        "cfg_rt! {\n    /// Text.\n    #[inline]\n    pub fn f() {}\n    cfg_fs! { pub mod m { pub fn deep() {} } }\n}\n\
        cfg_if::cfg_if! { if #[cfg(unix)] { fn a() {} } else { fn b() {} } }\nfn g() { f() }",
    );
    let defined = names(&tables, Table::Defs, "name");
    for name in ["f", "m", "deep", "a", "b", "g"] {
        assert!(defined.iter().any(|defined| defined == name), "{name} in {defined:?}");
    }
    assert_eq!(names(&tables, Table::Docstrings, "text"), ["Text."]);
    assert_eq!(tables.rows(Table::ParseErrors).len(), 0);
    let resolutions = tables.rows(Table::Resolutions);
    let called: Vec<&str> = resolutions
        .iter()
        .filter(|row| row["relation"] == "calls" && row["target_node_id"] != "NULL")
        .map(|row| row["method"].as_str())
        .collect();
    assert_eq!(called, ["lexical"]);
}

#[test]
fn quotes_and_unknown_tokens_stay_tokens() {
    let tables =
        of("fn g() { quote! { fn no() { f() } }; html! { <a href=f()> }; stringify!(f()); }\nfn f() {}");
    assert_eq!(names(&tables, Table::Defs, "name"), ["g", "f"]);
    assert_eq!(names(&tables, Table::Calls, "callee_text"), ["quote", "html", "stringify"]);
}

#[test]
fn format_strings_name_variables() {
    let tables = of(
        "const LIMIT: u8 = 3;\nfn f(user: u8, width: usize) -> String { format!(\"{user:>width$} {LIMIT} {x} {{no}}\", x = 1) }",
    );
    let used = names(&tables, Table::Refs, "name");
    for name in ["user", "width", "LIMIT"] {
        assert!(used.iter().any(|used| used == name), "{name} in {used:?}");
    }
    assert!(!used.iter().any(|used| used == "no" || used == "x"), "{used:?}");
}

#[test]
fn the_body_of_a_macro_uses_items() {
    let tables =
        of("fn helper() {}\nmacro_rules! twice { ($a:expr) => {{ let local = helper(); local + $a }} }");
    let used: Vec<Row> =
        tables.rows(Table::Refs).into_iter().filter(|used| used["context"] == "macro_body").collect();
    assert!(used.iter().any(|used| used["name"] == "helper"), "{used:?}");
    // What the body itself declares is nowhere else.
    assert!(tables.rows(Table::Resolutions).iter().all(|row| row["external_name"] != "local"));
}

#[test]
fn nested_macros_cost_no_more_than_their_levels() {
    let text = format!("fn f() {{ {}g(){} }}", "m!(".repeat(2000), ")".repeat(2000));
    let tables = of(&text);
    assert_eq!(tables.rows(Table::Calls).len(), 17);
}
