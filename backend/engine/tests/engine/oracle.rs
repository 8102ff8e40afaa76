//! What the compiler is told about expressions and operations.

mod determinism;

use arrow::datatypes::DataType;
use delta::Roots;
use engine::{EngineOracle, Tables};
use ir::determinism::Determinism;
use ir::expr::ScalarExpr;
use ir::graph::Node;
use ir::op::Evaluation;
use ir::oracle::{Oracle as _, TypeError, TypeErrorKind};
use ir::schema::Schema;

use crate::lake::{Lake, options};

fn oracle() -> EngineOracle {
    EngineOracle::new(engine::Session::new(options()).unwrap(), Tables::default())
}

fn input() -> Schema {
    Schema::parse("{id Int64!, name Utf8View, \"Odd Name\" Int32, xs List(nullable Int64)}").unwrap()
}

/// What is wrong with an expression.
fn wrong(expr: &str, evaluation: Evaluation) -> TypeErrorKind {
    *typed(expr, evaluation).unwrap_err().kind
}

fn typed(expr: &str, evaluation: Evaluation) -> Result<(DataType, bool), TypeError> {
    let expr = ScalarExpr::parse(expr).unwrap();
    oracle().expression(&expr, evaluation, &input()).map(|found| (found.data_type, found.nullable))
}

#[test]
fn types_are_those_after_implicit_conversion() {
    assert_eq!(typed("id + 1", Evaluation::Scalar), Ok((DataType::Int64, false)));
    assert_eq!(typed("\"Odd Name\"", Evaluation::Scalar), Ok((DataType::Int32, true)));
    assert_eq!(
        typed("CASE WHEN id > 1 THEN \"Odd Name\" ELSE id END", Evaluation::Scalar),
        Ok((DataType::Int64, true))
    );
    assert_eq!(typed("count(*)", Evaluation::Aggregate), Ok((DataType::Int64, false)));
    assert_eq!(typed("row_number() OVER (ORDER BY id)", Evaluation::Window), Ok((DataType::Int64, false)));
}

#[test]
fn an_unknown_column_comes_with_the_columns_there_are() {
    let TypeErrorKind::UnknownColumn { name, candidates } = wrong("idd + 1", Evaluation::Scalar) else {
        panic!("not an unknown column");
    };
    assert_eq!((name.as_str(), candidates.len()), ("idd", 4));
    assert!(candidates.contains(&"id".to_owned()));
}

#[test]
fn an_unknown_function_comes_with_its_neighbours() {
    for evaluation in [Evaluation::Scalar, Evaluation::Aggregate] {
        let TypeErrorKind::UnknownFunction { name, candidates } = wrong("stable_has64(name)", evaluation)
        else {
            panic!("not an unknown function");
        };
        assert_eq!(name, "stable_has64");
        assert_eq!(candidates.first().map(String::as_str), Some("stable_hash64"));
    }
}

#[test]
fn calls_must_suit_their_place() {
    for (expr, evaluation, reason) in [
        ("sum(id) + 1", Evaluation::Scalar, "aggregate call"),
        ("rank() OVER (ORDER BY id)", Evaluation::Scalar, "window call"),
        ("id + 1", Evaluation::Aggregate, "not an aggregate"),
        ("upper(name)", Evaluation::Window, "not a window call"),
        ("sum(id)", Evaluation::Window, "without OVER"),
        ("unnest(xs)", Evaluation::Scalar, "unnest"),
    ] {
        match wrong(expr, evaluation) {
            TypeErrorKind::Misplaced(text) | TypeErrorKind::NotAWindow(text) => {
                assert!(text.contains(reason), "{expr}: {text}");
            }
            other => panic!("{expr}: {other:?}"),
        }
    }
}

#[test]
fn a_type_error_is_in_clean_words() {
    let TypeErrorKind::Other(text) = wrong("id + xs", Evaluation::Scalar) else { panic!("another kind") };
    assert!(!text.contains("Error during planning") && !text.contains("backtrace"), "{text}");
}

/// Each sentence of DataFusion that is taken apart, pinned by what is made of it.
#[test]
fn wrong_arguments_are_told_in_types() {
    for (expr, evaluation, sentence, form) in [
        ("left(name)", Evaluation::Scalar, "`left` does not take (Utf8)", Some("left(Utf8, Int64)")),
        ("upper()", Evaluation::Scalar, "`upper` needs arguments", Some("upper(")),
        ("sum(name)", Evaluation::Aggregate, "`sum` does not take (Utf8)", None),
        (
            "span_len(name)",
            Evaluation::Scalar,
            "`span_len` does not take these arguments: span_len takes",
            None,
        ),
    ] {
        let error = typed(expr, evaluation).unwrap_err();
        let text = error.to_string();
        let TypeErrorKind::WrongArguments { forms, .. } = *error.kind else { panic!("{expr}: {text}") };
        assert!(text.starts_with(sentence), "{expr}: {text}");
        assert!(!text.contains("Error during planning"), "{expr}: {text}");
        let has_form = |form: &str| forms.iter().any(|one| one.starts_with(form));
        assert!(form.is_none_or(has_form), "{expr}: {forms:?}");
    }
}

#[test]
fn parts_of_a_call_that_its_function_does_not_take_are_refused() {
    for (expr, evaluation, part) in [
        ("upper(name) FILTER (WHERE id > 1)", Evaluation::Scalar, "FILTER"),
        ("upper(DISTINCT name)", Evaluation::Scalar, "DISTINCT"),
        ("abs(id) OVER ()", Evaluation::Window, "OVER"),
        ("abs(id ORDER BY id)", Evaluation::Scalar, "ORDER BY"),
        ("abs(id) IGNORE NULLS", Evaluation::Scalar, "IGNORE NULLS"),
        ("row_number() FILTER (WHERE id > 1) OVER (ORDER BY id)", Evaluation::Window, "FILTER"),
        ("lead(DISTINCT id) OVER (ORDER BY id)", Evaluation::Window, "DISTINCT"),
        ("rank() IGNORE NULLS OVER (ORDER BY id)", Evaluation::Window, "IGNORE NULLS"),
        ("sum(id) IGNORE NULLS OVER (ORDER BY id)", Evaluation::Window, "IGNORE NULLS"),
        ("sum(id) IGNORE NULLS", Evaluation::Aggregate, "IGNORE NULLS"),
    ] {
        match wrong(expr, evaluation) {
            TypeErrorKind::Clause { message, .. } => assert!(message.contains(part), "{expr}: {message}"),
            other => panic!("{expr}: {other:?}"),
        }
    }
    for (expr, evaluation) in [
        ("lead(id) IGNORE NULLS OVER (ORDER BY id)", Evaluation::Window),
        ("first_value(id) IGNORE NULLS OVER (ORDER BY id)", Evaluation::Window),
        ("sum(DISTINCT id) FILTER (WHERE id > 1)", Evaluation::Aggregate),
        ("count(id) FILTER (WHERE id > 1) OVER (ORDER BY id)", Evaluation::Window),
        ("array_agg(name ORDER BY id)", Evaluation::Aggregate),
    ] {
        assert!(typed(expr, evaluation).is_ok(), "{expr}: {:?}", typed(expr, evaluation));
    }
}

/// The words of a query an error points at.
fn pointed_at(query: &str) -> String {
    let node = node(&format!("query a query=({query}) relations=[a]"));
    let span = oracle().schema(&node, &[&input()]).unwrap_err().span;
    let bytes = span.and_then(|span| ir::expr::bytes_of(query, span));
    bytes.and_then(|bytes| query.get(bytes)).unwrap_or("no place").to_owned()
}

#[test]
fn errors_in_queries_point_at_their_word() {
    assert_eq!(pointed_at("SELECT a.id, b.nme FROM a JOIN a AS b ON a.id = b.id"), "b.nme");
    // The name exists elsewhere in the query; the second place is the wrong one.
    assert_eq!(
        pointed_at("SELECT (SELECT max(name) FROM a) AS m, name FROM (SELECT id FROM a) AS b"),
        "name"
    );
    assert_eq!(pointed_at("SELECT uper(name) FROM a"), "uper");
    assert_eq!(pointed_at("SELECT left(name) FROM a"), "left");
    assert_eq!(pointed_at("SELECT id FROM a JOIN a AS b ON a.id = b.id"), "id");
    // An answer is kept for equal queries; its place is not that of the other.
    assert_eq!(pointed_at("SELECT   upper(name, uper(name)) FROM a"), "uper");
}

fn node(statement: &str) -> Node {
    let text = format!("graph t phase=lowered\nv = {statement}\n");
    let graph = ir::text::parse(&text).unwrap().graph;
    graph.get(graph.find("v").unwrap()).unwrap().clone()
}

#[test]
fn an_unknown_relation_of_a_query_is_named() {
    let node = node("query a query=(SELECT * FROM a JOIN \"B\" ON true) relations=[a]");
    let found = oracle().schema(&node, &[&input()]);
    assert_eq!(*found.unwrap_err().kind, TypeErrorKind::UnknownRelation { name: "B".to_owned() });
}

#[test]
fn two_columns_of_one_name_are_refused() {
    let node = node("query a query=(SELECT x.id, y.id FROM a x JOIN a y ON x.id = y.id) relations=[a]");
    let TypeErrorKind::Other(text) = *oracle().schema(&node, &[&input()]).unwrap_err().kind else {
        panic!("another kind")
    };
    assert!(text.contains("two columns are named `id`"), "{text}");
}

#[test]
fn a_column_outside_of_an_aggregate_call_must_be_grouped_by() {
    let grouped = node("aggregate a group_by={id: id} measures={d: (max(\"Odd Name\") - id)}");
    assert_eq!(oracle().schema(&grouped, &[&input()]).unwrap().to_string(), "{id Int64!, d Int64}");
    let stray = node("aggregate a measures={d: (max(\"Odd Name\") - id)}");
    let TypeErrorKind::Other(text) = *oracle().schema(&stray, &[&input()]).unwrap_err().kind else {
        panic!("another kind")
    };
    assert!(text.contains("`id` is not grouped by"), "{text}");
}

#[test]
fn common_and_comparable_types() {
    let oracle = oracle();
    assert_eq!(oracle.common_type(&[DataType::Int32, DataType::Int64]), Some(DataType::Int64));
    assert_eq!(oracle.common_type(&[DataType::Utf8, DataType::Utf8View]), Some(DataType::Utf8View));
    assert!(oracle.comparable(&DataType::Int16, &DataType::Int64));
    assert!(!oracle.comparable(&DataType::Boolean, &DataType::Date32));
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_cannot_be_read_say_why() {
    use engine::TableRequest;
    use ir::op::{Input, Read};
    use ir::oracle::TableError;
    let lake = Lake::new();
    lake.table("t", "SELECT 1 AS id").await;
    std::fs::create_dir(lake.dir.path().join("empty")).unwrap();
    let request =
        |location: &str, version, read| TableRequest::Read { location: location.to_owned(), version, read };
    let feed = Read::Changes(ir::op::ChangeRange::default());
    let requests = [
        request("t", None, Read::Rows),
        request("t", Some(7), Read::Rows),
        request("t", None, feed.clone()),
        request("empty", None, Read::Rows),
        request("gone", None, Read::Rows),
    ];
    let oracle = EngineOracle::new(
        lake.session.clone(),
        Tables::resolve(lake.dir.path(), &Roots::everywhere(), &requests).await,
    );
    let ask = |location: &str, version, read: &Read| {
        oracle.table(&Input { location: location.to_owned(), version, lineage: false }, read)
    };
    let (scan, schema) = ask("t", None, &Read::Rows).unwrap();
    assert_eq!(
        (scan.version, scan.rows.to_string(), schema.to_string()),
        (0, "1".to_owned(), "{id Int64!}".to_owned())
    );
    assert_eq!(ask("t", Some(7), &Read::Rows), Err(TableError::NoVersion { wanted: 7, latest: 0 }));
    assert_eq!(ask("t", None, &feed), Err(TableError::NoChangeFeed));
    assert_eq!(ask("empty", None, &Read::Rows), Err(TableError::NotDelta("empty".to_owned())));
    assert_eq!(ask("gone", None, &Read::Rows), Err(TableError::NotFound("gone".to_owned())));
    assert!(!lake.dir.path().join("gone").exists(), "looking for a table must not create its folder");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_opened_once_whatever_it_is_called() {
    use engine::TableRequest;
    use ir::op::Read;
    let lake = Lake::new();
    lake.table("t", "SELECT 1 AS id").await;
    std::os::unix::fs::symlink("t", lake.dir.path().join("link")).unwrap();
    let url = format!("file://{}/./t", lake.dir.path().display());
    let spellings = ["t", "./t/", "x/../t", "link", &url];
    let read = |location: &&str| TableRequest::Read {
        location: (*location).to_owned(),
        version: None,
        read: Read::Rows,
    };
    let mut requests: Vec<TableRequest> = spellings.iter().map(read).collect();
    requests.extend(["./t", "link"].map(|location| TableRequest::Write { location: location.to_owned() }));
    let tables = Tables::resolve(lake.dir.path(), &Roots::everywhere(), &requests).await;
    assert_eq!(tables.iter().count(), 1, "{tables:?}");
    let oracle = EngineOracle::new(lake.session.clone(), tables.clone());
    for spelling in spellings {
        assert_eq!(tables.table(spelling, None).unwrap().version(), 0);
        assert_eq!(oracle.place(spelling), oracle.place("t"), "{spelling}");
    }
    assert_eq!(oracle.place("not asked for"), None);
    let versions =
        ["./t", "link"].map(|location| tables.base(location).unwrap().unwrap().table().unwrap().version());
    assert_eq!(versions, [0, 0]);
}

#[test]
fn a_question_is_planned_once_and_an_earlier_proof_not_at_all() {
    let first = oracle();
    let ask = |oracle: &EngineOracle| {
        let grouped = node("aggregate a group_by={id: id} measures={d: (count(*))}");
        let query = node("query a query=(SELECT id, random() AS r FROM a) relations=[a]");
        let wrong = node("filter a predicate=(nobody > 1)");
        let schemas: Vec<_> =
            [&grouped, &query, &wrong].iter().map(|node| oracle.schema(node, &[&input()])).collect();
        let levels: Vec<Determinism> =
            [&grouped, &query, &wrong].iter().map(|node| oracle.determinism(node, &[&input()])).collect();
        (schemas, levels)
    };
    let answers = ask(&first);
    assert_eq!(answers.1, [Determinism::Deterministic, Determinism::Volatile, Determinism::Volatile]);
    assert_eq!(first.plannings(), 3);
    assert_eq!(ask(&first), answers);
    assert_eq!(first.plannings(), 3);

    let envelope = ir::hash::ContentHash::of(b"test");
    let session = engine::Session::new(options()).unwrap();
    let second = EngineOracle::with_proofs(session, Tables::default(), envelope, &first.proofs(envelope));
    assert_eq!(ask(&second), answers);
    assert_eq!(second.plannings(), 1, "a mistake is no proof");
}
