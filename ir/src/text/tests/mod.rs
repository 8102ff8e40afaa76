//! The text form and the archive lose nothing, whatever is in a graph; hostile texts are errors with a line.

mod layout;
mod random;
mod values;

use super::{parse, print};
use crate::archive;
use crate::graph::{Graph, Owner, Role};
use values::Random;

/// How many random graphs are tried. Each holds every operation.
const GRAPHS: u64 = 60;
/// How long the header of an archive is, which has its number.
const HEADER: usize = 32;

fn node_names(graph: &Graph) -> Vec<&str> {
    graph.ids().map(|id| graph.name_of(id)).collect()
}

#[test]
fn printing_and_parsing_lose_nothing() {
    for seed in 0..GRAPHS {
        let graph = random::graph(&mut Random::new(seed));
        let text = print(&graph);
        let parsed = parse(&text).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}")).graph;
        assert!(parsed == graph, "seed {seed}: another graph\n{text}\nprints as\n{}", print(&parsed));
        assert_eq!(print(&parsed), text, "seed {seed}: another text");
    }
}

#[test]
fn archives_lose_nothing() {
    for seed in 0..GRAPHS {
        let graph = random::graph(&mut Random::new(seed));
        let bytes = archive::write(&graph).unwrap();
        let read = archive::read(&bytes).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert!(read == graph, "seed {seed}: {}\nbecomes\n{}", print(&graph), print(&read));
    }
}

/// A digest of archives that hold every operation, of the format with the number beside it. Types that are added or changed
/// give another one, even where an older archive could still be read: an older program could not read a newer one.
#[test]
fn the_number_of_the_archive_stands_for_its_types() {
    let mut archives = hash::ContentHash::hasher();
    for seed in 0..GRAPHS {
        archives.add(&archive::write(&random::graph(&mut Random::new(seed))).unwrap()[HEADER..]);
    }
    let digest: String = archives.finish().to_string().chars().take(16).collect();
    let found = (archive::FORMAT_VERSION, digest.as_str());
    assert_eq!(
        found,
        (7, "786773d8b0d2e1d6"),
        "archived types (or only these graphs) changed: where types did, raise FORMAT_VERSION and add the fixtures of \
         driver/pipeline/testdata; then put here what was found",
    );
}

/// What is changed anywhere is a graph, and one that prints and parses, or an error with a line of the text.
#[test]
fn damaged_texts_are_errors_with_a_line() {
    for seed in 0..GRAPHS {
        let mut random = Random::new(seed);
        let text = print(&random::graph(&mut random));
        for _ in 0..6 {
            let mut characters: Vec<char> = text.chars().collect();
            let at = random.below(characters.len());
            match random.below(4) {
                0 => drop(characters.remove(at)),
                1 => characters.truncate(at),
                2 => drop(characters.splice(at..at, values::text(&mut random).chars())),
                _ => characters.swap(at, 0),
            }
            let damaged: String = characters.into_iter().collect();
            match parse(&damaged) {
                Ok(parsed) => {
                    let printed = print(&parsed.graph);
                    let again =
                        parse(&printed).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{printed}"));
                    assert!(again.graph == parsed.graph, "seed {seed}:\n{printed}");
                }
                Err(error) => {
                    let lines = damaged.split('\n').count();
                    assert!((1..=lines).contains(&error.line), "seed {seed}: {error}\n{damaged}");
                }
            }
        }
    }
}

fn error(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn mistakes_name_their_line() {
    assert!(error("").starts_with("line 1: expected `graph NAME phase=PHASE`"));
    let header = "graph t phase=resolved\n# a comment\n";
    for (statement, wanted) in [
        ("a = scam x=1\n", "line 3: unknown variant `scam`"),
        ("a = filter b predicate=(x)\n", "line 3: there is no node named `b`"),
        ("a = distinct\na = distinct\n", "line 4: two nodes are named `a`"),
        ("a = filter a predicate=(x\n", "line 3: a `(` without its `)`"),
        ("a = distinct\n    place share 7\n", "line 4: expected a text in double quotes, found `7`"),
        ("a = distinct\n# inside\n    : {x Int65}\n", "line 5: `Int65` is not an Arrow type"),
        ("a = distinct of\n", "line 3: expected `view NAME`, `output NAME` or `assertion NAME`"),
        ("a = distinct 1: b, 0: b\n", "line 3: ports do not go back"),
        ("cache min_fanout=2\ncache min_fanout=3\n", "line 4: `cache` is given twice"),
        ("segments root=a\n", "line 3: expected `NAME = OPERATION …`, found `segments root=a`"),
    ] {
        let found = error(&format!("{header}{statement}"));
        assert!(found.starts_with(wanted), "{statement}{found}");
    }
    assert!(error("    a = distinct\n").starts_with("line 1: an indented line"));
}

#[test]
fn headers_have_one_field() {
    for (header, wanted) in [
        ("graph t", "line 1: `phase` is missing"),
        ("graph t phase=later", "line 1: `later` is not a phase"),
        ("graph t phase=core foo=1", "line 1: `foo` is no field of a graph"),
        ("graph t phase=core phase=typed", "line 1: `phase` is given twice"),
        ("graph t phase=core core", "line 1: expected the end of the statement, found `core`"),
        ("graphs t phase=core", "line 1: expected `graph NAME phase=PHASE`"),
        ("graph t\n    foo=1", "line 2: `foo` is no field of a graph"),
    ] {
        let found = error(header);
        assert!(found.starts_with(wanted), "{header}: {found}");
    }
}

#[test]
fn names_may_begin_with_keywords() {
    let text = "graph t phase=lowered\n\
        off = distinct offs of view off_all\n\
        places = filter placed predicate=x : {place_id Int64, expects_x Utf8} expects {of_x Int64} place share \"\"\n\
        x = union expects_all, offer, placebo, nulls, trueish\n";
    let graph = parse(text).unwrap().graph;
    assert_eq!(print(&graph), text);
    let x = &graph[graph.find("x").unwrap()];
    assert_eq!(x.sources, ["expects_all", "offer", "placebo", "nulls", "trueish"]);
}

#[test]
fn only_the_text_form_takes_parts_from_names() {
    let text = "graph t phase=resolved\n\
        @x = distinct\n\
        \"a.b\" = distinct of view \"a.b\"\n\
        a.b.c = distinct of view \"a.b\" step\n\
        free = distinct of output table step\n\
        a.b@unique_id = distinct\n\
        @x@unique_id.keys = distinct\n\
        named = distinct of assertion \"@x@unique_id\"\n";
    let graph = parse(&text.replace("\"a.b\" =", "a.b =")).unwrap().graph;
    let part = |name: &str| {
        let node = &graph[graph.find(name).unwrap()];
        (node.owner.clone(), node.role)
    };
    assert_eq!(part("@x"), (Owner::Output("x".to_owned()), Role::Result));
    assert_eq!(part("a.b"), (Owner::View("a.b".to_owned()), Role::Result));
    assert_eq!(part("a.b.c"), (Owner::View("a.b".to_owned()), Role::Step));
    assert_eq!(part("free"), (Owner::Output("table".to_owned()), Role::Step));
    assert_eq!(part("a.b@unique_id"), (Owner::Assertion("a.b@unique_id".to_owned()), Role::Result));
    assert_eq!(part("@x@unique_id.keys"), (Owner::Assertion("@x@unique_id".to_owned()), Role::Step));
    assert_eq!(part("named"), (Owner::Assertion("@x@unique_id".to_owned()), Role::Result));
    assert_eq!(parse(&print(&graph)).unwrap().graph, graph);
    assert_eq!(node_names(&graph).len(), 7);
}

#[test]
fn deep_texts_are_errors_and_no_overflow() {
    let deep = |open: &str| open.repeat(100_000);
    for text in [
        format!("a = scan location={}\n", deep("[")),
        format!("a = scan location={}\n", deep("{a: ")),
        format!("a = scan location={}\n", deep("(")),
        format!("a = distinct : {{x {}\n", deep("List(")),
        format!("a = distinct : {{x {}\n", deep("Struct(\"a\": ")),
        format!("a = filter predicate=({}x{})\n", deep("("), deep(")")),
    ] {
        assert!(error(&format!("graph t phase=resolved\n{text}")).starts_with("line 2: "));
    }
}

#[test]
fn large_graphs_parse() {
    let mut text = "graph t phase=resolved\nv0 = scan location=t version=0 rows=1 : {x Int64}\n".to_owned();
    for number in 1..20_000 {
        text.push_str(&format!("v{number} = filter v{} predicate=(x > {number})\n", number - 1));
    }
    assert_eq!(parse(&text).unwrap().graph.len(), 20_000);
}
