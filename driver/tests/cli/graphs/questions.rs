//! `driver ask`: famous questions about a code graph.

use std::fs;
use std::path::Path;

use crate::program::{driver_in, err, exits, json, out};

/// A test calls `high`, which calls `middle`, which calls `low`; two classes, and two files that import each other.
fn graph() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join("repo").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("pkg/__init__.py", "");
    write("pkg/a.py", "from pkg import b\ndef low(): return 1\ndef middle(): return low()\n");
    write(
        "pkg/b.py",
        "from pkg.a import middle\ndef high(): return middle()\ndef idle(it): return it.go()\n",
    );
    write(
        "pkg/types.py",
        "class Base:\n    def __init__(self): pass\n    def go(self): pass\nclass Child(Base):\n    def go(self): pass\n",
    );
    write(
        "test_it.py",
        "from pkg.b import high\nfrom pkg.types import Child\ndef test_high():\n    high()\n    Child()\n",
    );
    exits(&driver_in(folder.path(), ["build", "repo", "--lake", "lake"]), 0);
    folder
}

fn rows(folder: &Path, question: &[&str]) -> Vec<String> {
    let all = [&["ask"], question, &["--lake", "lake", "--format", "csv"]].concat();
    let answer = driver_in(folder, all);
    exits(&answer, 0);
    out(&answer).lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn famous_questions_are_answered() {
    let graph = graph();
    let rows = |question: &[&str]| rows(graph.path(), question);
    assert_eq!(rows(&["callers", "low"]), ["1,pkg.a.middle,pkg.a.low,pkg/a.py,3,lexical,1.0"]);
    let far = rows(&["callers", "low", "--depth", "9"]);
    assert_eq!(far.len(), 3, "{far:?}");
    assert!(far[2].starts_with("3,test_it.test_high,pkg.b.high,test_it.py,4,"), "{far:?}");
    assert!(rows(&["callees", "high"])[0].starts_with("1,pkg.b.high,pkg.a.middle,pkg/b.py,2,"));
    // A class is called where its objects are made.
    assert!(
        rows(&["callers", "Base"])[0]
            .starts_with("1,test_it.test_high,pkg.types.Base.__init__,test_it.py,5,")
    );
    assert_eq!(rows(&["subclasses", "Base"]), ["1,pkg.types.Child,class,pkg/types.py,4"]);
    assert_eq!(
        rows(&["impact", "low"]),
        [
            "1,pkg.a.middle,function,false,pkg/a.py,3",
            "2,pkg.b.high,function,false,pkg/b.py,2",
            "3,test_it.test_high,function,true,test_it.py,3"
        ]
    );
    let path: Vec<String> = rows(&["path", "test_high", "a.low"])
        .iter()
        .map(|row| row.split(',').take(3).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        path,
        ["1 test_it.test_high pkg.b.high", "2 pkg.b.high pkg.a.middle", "3 pkg.a.middle pkg.a.low"]
    );
    assert_eq!(rows(&["path", "low", "test_high"]), Vec::<String>::new());
    let unused = rows(&["unused"]);
    assert_eq!(
        unused,
        [
            "pkg.b.idle,function,public,pkg/b.py,3,false",
            "pkg.types.Base.go,method,public,pkg/types.py,3,true",
        ]
    );
    assert_eq!(rows(&["cycles"]), ["pkg/a.py,pkg/a.py,pkg/b.py", "pkg/a.py,pkg/b.py,pkg/a.py"]);
    assert_eq!(rows(&["overrides", "Base.go"]), ["pkg.types.Child.go,pkg.types.Base.go,pkg/types.py,5"]);
    assert_eq!(rows(&["tests", "low"]), ["3,test_it.test_high,test_it.py,3"]);
    assert_eq!(rows(&["tests", "low", "--depth", "2"]), Vec::<String>::new());
    let uses = rows(&["references", "middle"]);
    assert_eq!(uses.len(), 2, "{uses:?}");
    assert!(uses[0].starts_with("pkg.a.middle,import,false,pkg/b.py,1,"), "{uses:?}");
    // Names are values, whatever is in them, and numbers are names.
    assert_eq!(rows(&["callers", "x' OR 'a' = 'a"]), Vec::<String>::new());
    assert_eq!(rows(&["callers", "7"]), Vec::<String>::new());
}

#[test]
fn a_question_is_a_query_that_can_be_asked_by_itself() {
    let graph = graph();
    let shown = driver_in(graph.path(), ["ask", "callers", "--show-query"]);
    exits(&shown, 0);
    fs::write(graph.path().join("callers.sql"), out(&shown)).unwrap();
    let asked = [
        "sql",
        "-f",
        "callers.sql",
        "--param",
        "1=low",
        "--param",
        "2=1",
        "--lake",
        "lake",
        "--format",
        "json",
    ];
    let rows = json(&driver_in(graph.path(), asked));
    assert_eq!(rows[0]["caller"], "pkg.a.middle");
    for (wrong, why) in [
        (&["ask", "callers"][..], "driver ask callers NAME"),
        (&["ask", "unused", "name"], "driver ask unused"),
        (&["ask", "path", "one"], "driver ask path NAME TO"),
        (&["ask", "cycles", "--depth", "2"], "--depth"),
        (&["ask", "callers", "low", "--depth", "0"], "--depth"),
        (&["ask", "who"], "callers"),
    ] {
        let refused = driver_in(graph.path(), wrong);
        exits(&refused, 2);
        assert!(err(&refused).contains(why), "{wrong:?}: {}", err(&refused));
    }
    let nowhere = driver_in(graph.path(), ["ask", "unused", "--lake", "nowhere"]);
    exits(&nowhere, 1);
    assert!(err(&nowhere).contains("driver build"), "{}", err(&nowhere));
}

/// Less detail leaves tables out, and changes no row of the others but nodes that no edge names.
#[test]
fn less_detail_leaves_tables_out() {
    let graph = graph();
    for detail in ["symbols", "edges"] {
        exits(&driver_in(graph.path(), ["build", "repo", "--lake", detail, "--detail", detail]), 0);
    }
    let count = |lake: &str, query: &str| {
        let answer = driver_in(graph.path(), ["sql", query, "--lake", lake, "--format", "csv"]);
        exits(&answer, 0);
        let mut lines: Vec<&str> = out(&answer).lines().collect();
        lines.get_mut(1..).into_iter().for_each(<[&str]>::sort_unstable);
        lines.join("\n")
    };
    for table in ["symbols", "calls", "\"references\"", "imports", "inherits", "members", "metrics"] {
        let columns = if table == "calls" { "caller, callee, path, line" } else { "*" };
        let query = format!("SELECT {columns} FROM {table}");
        let full = count("lake", &query);
        assert!(full.lines().count() > 1, "{table}");
        for detail in ["symbols", "edges"] {
            assert_eq!(full, count(detail, &query), "{table} of {detail}");
        }
    }
    let edges = "SELECT edge_kind, src_node_id, dst_node_id FROM cpg_edges WHERE edge_kind <> 'CONTAINS'";
    assert_eq!(count("lake", edges), count("edges", edges));
    let ends = "SELECT count(*) AS missing FROM cpg_edges e LEFT JOIN cpg_nodes s ON s.node_id = e.src_node_id \
                LEFT JOIN cpg_nodes d ON d.node_id = e.dst_node_id WHERE s.node_id IS NULL OR d.node_id IS NULL";
    assert_eq!(count("edges", ends), "missing\n0");
    let nodes = "SELECT count(*) AS nodes FROM cpg_nodes";
    let number = |text: String| text.lines().nth(1).unwrap().parse::<u64>().unwrap();
    assert!(number(count("edges", nodes)) * 10 < number(count("lake", nodes)) * 9);
    let gone = driver_in(graph.path(), ["sql", nodes, "--lake", "symbols"]);
    exits(&gone, 1);
    // Tables of more detail are not left beside those of another state.
    let refused = driver_in(graph.path(), ["build", "repo", "--lake", "lake", "--detail", "symbols"]);
    exits(&refused, 1);
    assert!(err(&refused).contains("cpg_"), "{}", err(&refused));
}
