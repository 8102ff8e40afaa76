//! The forms of graphs.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File};
use std::path::Path;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Int64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::Value;

use super::{exported, number, rows};

const NODES: &str = "SELECT node_id AS id, node_kind AS kind, name, language, path, line, column_utf8, column_utf16, end_line, \
                     bstart, bend FROM cpg_nodes";
const EDGES: &str = "SELECT edge_id AS id, src_node_id AS source, dst_node_id AS target, edge_kind AS kind, path, bstart, bend, \
                     resolution_method AS method, confidence, score, ambiguity_group_id AS ambiguity_group, reason FROM cpg_edges";

/// The nodes and edges of a file of JSON.
fn lines(path: &Path) -> [Vec<Value>; 2] {
    let mut found = [Vec::new(), Vec::new()];
    for line in fs::read_to_string(path).unwrap().lines() {
        let mut row: Value = serde_json::from_str(line).unwrap();
        let what = row.as_object_mut().unwrap().shift_remove("type").unwrap();
        assert!(what == "edge" || found[1].is_empty(), "a node behind an edge");
        found[usize::from(what == "edge")].push(row);
    }
    found
}

#[test]
fn lines_of_json_are_the_rows_of_the_tables() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("graph.jsonl");
    let said = exported(&path, "jsonl", &[]);
    let [nodes, edges] = lines(&path);
    assert_eq!(nodes, rows(&format!("{NODES} ORDER BY 1")));
    assert_eq!(edges, rows(&format!("{EDGES} ORDER BY 1")));
    assert!(nodes.len() > 100 && edges.len() > 100);
    assert!(said.starts_with(&format!("{} nodes and {} edges in ", nodes.len(), edges.len())), "{said}");
}

#[test]
fn kinds_choose_edges_and_the_nodes_at_their_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.jsonl");
    exported(&path, "jsonl", &["--kinds", "CALLS,INHERITS"]);
    let [nodes, edges] = lines(&path);
    assert_eq!(edges, rows(&format!("{EDGES} WHERE edge_kind IN ('CALLS', 'INHERITS') ORDER BY 1")));
    let ends: BTreeSet<i64> = edges
        .iter()
        .flat_map(|edge| [&edge["source"], &edge["target"]])
        .map(|id| id.as_i64().unwrap())
        .collect();
    let ids: Vec<i64> = nodes.iter().map(|node| node["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, ends.into_iter().collect::<Vec<_>>());
    // A kind that the program knows, and that the graph has no edge of.
    assert_eq!(number("SELECT count(*) FROM cpg_edges WHERE edge_kind = 'HAS_DECORATOR'"), 0);
    let said = exported(&folder.path().join("none"), "dot", &["--kinds", "HAS_DECORATOR"]);
    assert!(said.starts_with("0 nodes and 0 edges"), "{said}");
}

#[test]
fn symbols_are_what_people_ask_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("symbols.jsonl");
    exported(&path, "jsonl", &["--symbols"]);
    let [nodes, edges] = lines(&path);
    let named: BTreeMap<i64, &str> = nodes
        .iter()
        .map(|node| (node["id"].as_i64().unwrap(), node["qualified_name"].as_str().unwrap()))
        .collect();
    let of = |kind: &str| {
        let edges = edges.iter().filter(|edge| edge["kind"] == kind);
        let ends = edges.map(|edge| ["source", "target"].map(|end| named[&edge[end].as_i64().unwrap()]));
        ends.collect::<BTreeSet<_>>()
    };
    // By hand, from the sources.
    let calls = of("CALLS");
    for pair in [
        ["small::add", "small::inner::twice"],
        ["pkg.shapes.Square.area", "pkg.tools.double"],
        ["pkg.shapes.total", "pkg.shapes.Square.area"],
        ["pkg.shapes.total", "sum"],
    ] {
        assert!(calls.contains(&pair), "no {pair:?} in {calls:?}");
    }
    let inherits = of("INHERITS");
    assert_eq!(inherits.len(), 1);
    assert!(inherits.iter().all(|[derived, base]| derived.ends_with(".Derived") && base.ends_with(".Base")));
    assert!(
        of("OVERRIDES")
            .iter()
            .all(|[own, other]| own.ends_with("Derived.area") && other.ends_with("Base.area"))
    );
    assert!(of("IMPORTS").contains(&["pkg.shapes", "pkg.tools.double"]));
    assert!(of("CONTAINS").contains(&["pkg.shapes.Square", "pkg.shapes.Square.area"]));
    let count = |kind: &str| edges.iter().filter(|edge| edge["kind"] == kind).count();
    for (kind, query) in [
        ("CALLS", "SELECT count(*) FROM calls WHERE callee IS NOT NULL"),
        ("IMPORTS", "SELECT count(*) FROM imports WHERE imported IS NOT NULL"),
        ("INHERITS", "SELECT count(*) FROM inherits WHERE base IS NOT NULL"),
        ("OVERRIDES", "SELECT count(*) FROM overrides"),
        ("REFERS_TO", "SELECT count(*) FROM \"references\" WHERE symbol IS NOT NULL"),
        ("CONTAINS", "SELECT count(*) FROM symbols WHERE owner_id IS NOT NULL"),
        ("TESTS", "SELECT count(*) FROM tests_of"),
    ] {
        assert_eq!(count(kind), number(query), "{kind}");
    }
    let external = nodes.iter().filter(|node| node["kind"] == "external").count();
    assert_eq!(nodes.len() - external, number("SELECT count(*) FROM symbols"));
}

fn table(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

fn numbers(table: &RecordBatch, column: &str) -> Vec<i64> {
    table.column_by_name(column).unwrap().as_primitive::<Int64Type>().values().to_vec()
}

fn texts(table: &RecordBatch, column: &str) -> Vec<String> {
    let column = cast(table.column_by_name(column).unwrap(), &DataType::Utf8).unwrap();
    column.as_string::<i32>().iter().map(|text| text.unwrap().to_owned()).collect()
}

fn ids(rows: &[Value], column: &str) -> Vec<i64> {
    rows.iter().map(|row| row[column].as_i64().unwrap()).collect()
}

#[test]
fn parquet_has_a_row_for_every_node_and_edge() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("graph");
    exported(&path, "parquet", &[]);
    let (nodes, edges) = (table(&path.join("nodes.parquet")), table(&path.join("edges.parquet")));
    let wanted = rows(&format!("{NODES} ORDER BY 1"));
    assert_eq!(numbers(&nodes, "id"), ids(&wanted, "id"));
    let kinds: Vec<String> = wanted.iter().map(|row| row["kind"].as_str().unwrap().to_owned()).collect();
    assert_eq!(texts(&nodes, "kind"), kinds);
    let wanted = rows(&format!("{EDGES} ORDER BY 1"));
    for column in ["id", "source", "target"] {
        assert_eq!(numbers(&edges, column), ids(&wanted, column), "{column}");
    }
}

#[test]
fn pairs_of_indices_are_the_edges() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("graph");
    exported(&path, "coo", &[]);
    let (nodes, edges) = (table(&path.join("nodes.parquet")), table(&path.join("edges.parquet")));
    let ids_of_nodes = numbers(&nodes, "id");
    assert_eq!(numbers(&nodes, "index"), (0..).take(ids_of_nodes.len()).collect::<Vec<i64>>());
    assert_eq!(ids_of_nodes, ids(&rows(&format!("{NODES} ORDER BY 1")), "id"));
    let end = |column: &str| -> Vec<i64> {
        numbers(&edges, column)
            .into_iter()
            .map(|index| ids_of_nodes[usize::try_from(index).unwrap()])
            .collect()
    };
    let wanted = rows(&format!("{EDGES} ORDER BY edge_kind, src_node_id, dst_node_id"));
    assert_eq!((end("src_index"), end("dst_index")), (ids(&wanted, "source"), ids(&wanted, "target")));
    let kinds: Vec<String> = wanted.iter().map(|row| row["kind"].as_str().unwrap().to_owned()).collect();
    assert_eq!(texts(&edges, "edge_kind"), kinds);
}

/// The attributes of an element of XML.
fn attributes(element: &BytesStart<'_>) -> BTreeMap<String, String> {
    let attributes = element.attributes().map(|attribute| {
        let attribute = attribute.unwrap();
        let value = String::from_utf8(attribute.value.to_vec()).unwrap();
        (String::from_utf8(attribute.key.as_ref().to_vec()).unwrap(), value)
    });
    attributes.collect()
}

/// What a file of GraphML has: elements by their names, with their attributes and values.
fn elements(path: &Path) -> Vec<(String, BTreeMap<String, String>)> {
    let text = fs::read_to_string(path).unwrap();
    let mut reader = Reader::from_str(&text);
    reader.config_mut().check_end_names = true;
    let mut found: Vec<(String, BTreeMap<String, String>)> = Vec::new();
    let mut key: Option<String> = None;
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return found,
            Event::Start(element) | Event::Empty(element) => {
                let name = String::from_utf8(element.name().as_ref().to_vec()).unwrap();
                if name == "data" {
                    let named = attributes(&element).remove("key").unwrap();
                    // Declared before it is used, and for this kind of element.
                    let (of, known) = (found.last().unwrap().0.clone(), &found);
                    let is_it = |(name, key): &&(String, BTreeMap<String, String>)| {
                        name == "key" && key["id"] == named && key["for"] == of
                    };
                    let column = known.iter().find(is_it).unwrap().1["attr.name"].clone();
                    found.last_mut().unwrap().1.insert(column.clone(), String::new());
                    key = Some(column);
                } else {
                    found.push((name, attributes(&element)));
                }
            }
            Event::End(element) if element.name().as_ref() == b"data" => key = None,
            Event::Text(text) => {
                let text = text.decode().unwrap().into_owned();
                value(&mut found, key.as_deref(), &text);
            }
            Event::GeneralRef(reference) => {
                let name = reference.decode().unwrap().into_owned();
                let text = match (name.as_str(), reference.resolve_char_ref().unwrap()) {
                    (_, Some(character)) => character.to_string(),
                    ("lt", None) => "<".to_owned(),
                    ("gt", None) => ">".to_owned(),
                    ("amp", None) => "&".to_owned(),
                    (other, None) => panic!("the entity {other}"),
                };
                value(&mut found, key.as_deref(), &text);
            }
            _ => {}
        }
    }
}

fn value(found: &mut [(String, BTreeMap<String, String>)], key: Option<&str>, text: &str) {
    if let (Some(key), Some((_, values))) = (key, found.last_mut()) {
        values.entry(key.to_owned()).or_default().push_str(text);
    }
}

/// Rows as the texts of their values, with those that are not NULL.
fn as_texts(rows: &[Value]) -> Vec<BTreeMap<String, String>> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let row = |row: &Value| {
        let cells = row.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
        // A character that XML has not is seen as another.
        cells.map(|(key, value)| (key.clone(), text(value).replace('\u{1}', "␁"))).collect()
    };
    rows.iter().map(row).collect()
}

#[test]
fn graphml_has_the_values_of_the_tables() {
    let folder = tempfile::tempdir().unwrap();
    for (options, name) in [(&[][..], "graph"), (&["--symbols"], "symbols")] {
        let (path, lines_path) = (folder.path().join(name), folder.path().join(format!("{name}.jsonl")));
        exported(&path, "graphml", options);
        exported(&lines_path, "jsonl", options);
        let found = elements(&path);
        let of = |element: &str| -> Vec<BTreeMap<String, String>> {
            found.iter().filter(|(name, _)| name == element).map(|(_, values)| values.clone()).collect()
        };
        // Against the lines of JSON, which another test compares with the tables.
        let [nodes, edges] = lines(&lines_path);
        assert_eq!(of("node"), as_texts(&nodes));
        assert_eq!(of("edge"), as_texts(&edges));
        let ends: HashSet<String> = of("node").into_iter().map(|node| node["id"].clone()).collect();
        assert!(
            of("edge").iter().all(|edge| ends.contains(&edge["source"]) && ends.contains(&edge["target"]))
        );
        let types: BTreeSet<String> = of("key").into_iter().map(|key| key["attr.type"].clone()).collect();
        assert!(
            types.iter().all(|name| ["boolean", "int", "long", "double", "string"].contains(&name.as_str()))
        );
    }
    let text = fs::read_to_string(folder.path().join("symbols")).unwrap();
    assert!(
        text.contains("def odd(a=\"␁&lt;&amp;&gt;\\\"]]&gt;\")"),
        "the signature with a control character"
    );
    assert!(text.contains("pkg/o\"d&lt;d&gt;&amp;`.py"));
}

/// The statements of a file of DOT, with texts as they are meant: nodes are one name, edges two; then attributes.
fn statements(path: &Path) -> [Vec<BTreeMap<String, String>>; 2] {
    let mut found = [Vec::new(), Vec::new()];
    let text = fs::read_to_string(path).unwrap();
    let inner = text.strip_prefix("digraph code {\n").unwrap().strip_suffix("}\n").unwrap();
    for line in inner.lines() {
        let mut texts = Vec::new();
        let (mut between, mut characters) = (String::new(), line.chars());
        while let Some(character) = characters.next() {
            if character != '"' {
                between.push(character);
                continue;
            }
            let mut text = String::new();
            loop {
                match characters.next().expect("a text ends on its line") {
                    '"' => break,
                    '\\' => match characters.next().unwrap() {
                        'n' => text.push('\n'),
                        other => text.push(other),
                    },
                    other => text.push(other),
                }
            }
            texts.push(text);
            between.push('§');
        }
        let is_edge = between.starts_with("  § -> § [label=§");
        assert!(is_edge || between.starts_with("  § [label=§"), "{line}");
        assert!(between.ends_with("];"), "{line}");
        let names = between.split('[').nth(1).unwrap().trim_end_matches("];").split(", ");
        let names = names.map(|part| part.strip_suffix("=§").unwrap());
        let ends: &[&str] = if is_edge { &["source", "target"] } else { &["id"] };
        let all = ends.iter().copied().chain(names).map(str::to_owned);
        found[usize::from(is_edge)].push(all.zip(texts).collect());
    }
    found
}

#[test]
fn dot_has_the_values_of_the_tables() {
    let folder = tempfile::tempdir().unwrap();
    for (options, name) in [(&[][..], "graph"), (&["--symbols"], "symbols")] {
        let (path, lines_path) = (folder.path().join(name), folder.path().join(format!("{name}.jsonl")));
        exported(&path, "dot", options);
        exported(&lines_path, "jsonl", options);
        let [nodes, edges] = lines(&lines_path).map(|rows| as_texts(&rows));
        let labelled = |mut row: BTreeMap<String, String>, label: &str| {
            let label = row.remove(label).unwrap_or_else(|| row["kind"].clone());
            row.insert("label".to_owned(), label.replace('&', "&amp;"));
            row
        };
        let nodes: Vec<_> = nodes.into_iter().map(|row| labelled(row, "name")).collect();
        let edges: Vec<_> = edges.into_iter().map(|row| labelled(row, "no such column")).collect();
        assert_eq!(statements(&path), [nodes, edges]);
    }
}
