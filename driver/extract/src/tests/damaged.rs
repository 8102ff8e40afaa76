//! Files that cannot be read as source code, and equal input.

use super::*;

#[test]
fn damaged_files_become_rows_and_do_not_stop_the_rest() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("file");
    write("bad.py", b"x = '\xff'\n");
    write("zero.py", b"x = 1\0\n");
    write("empty.py", b"");
    write("broken.py", b"def f(:\n  x = (\n");
    write("big.py", &[b'\n'; 100]);
    write("data.bin", &[0, 255]);
    write("ok.py", "é = 1\né\n".as_bytes());
    let mut tables = Tables::default();
    let options = Options { max_file_bytes: 64, ..Options::default() };
    let summary = extract(&[folder.path().into()], &options, &mut tables).expect("extraction");
    assert_eq!((summary.files, summary.parsed, summary.extract_errors), (7, 3, 3));
    let mut errors: Vec<_> = tables
        .rows(Table::ExtractErrors)
        .iter()
        .map(|row| (row["path"].clone(), row["code"].clone()))
        .collect();
    errors.sort();
    let expected = [("bad.py", "invalid_utf8"), ("big.py", "file_too_large"), ("zero.py", "binary")];
    assert_eq!(errors, expected.map(|(path, code)| (path.to_owned(), code.to_owned())));
    assert!(tables.rows(Table::ParseErrors).iter().all(|row| row["path"] == "broken.py"));
    assert!(!tables.rows(Table::ParseErrors).is_empty());
    let ids: Vec<i64> =
        tables.rows(Table::Files).iter().map(|row| row["file_id"].parse().expect("id")).collect();
    assert!(ids.len() == 7 && ids.is_sorted(), "files come in the order of their identifiers: {ids:?}");
    let data = tables.rows(Table::Files).into_iter().find(|row| row["path"] == "data.bin").expect("data.bin");
    assert_eq!(data["language"], "NULL");
}

#[test]
fn deep_nesting_does_not_exhaust_the_stack() {
    let deep = format!("x = {}1{}\n", "(".repeat(20_000), ")".repeat(20_000));
    let long = format!("y = 1{}\n", " + 1".repeat(20_000));
    let tables = Tables::of(&[("deep.py", &deep), ("long.py", &long)]);
    assert!(tables.rows(Table::SyntaxNodes).len() > 60_000);
}

#[test]
fn every_table_is_described_and_equal_input_gives_equal_rows() {
    for &table in Table::ALL {
        let columns: Vec<&str> = table.columns().iter().map(|column| column.name).collect();
        let schema = table.schema();
        let fields: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(columns, fields);
        assert!(table.columns().iter().all(|column| column.description.ends_with('.')), "{}", table.name());
        let named = table.row_id().into_iter().chain(table.order().iter().map(|key| key.column));
        for column in named {
            assert!(columns.contains(&column), "{} has no column {column}", table.name());
        }
    }
    let files =
        [("p/__init__.py", "from .m import f as g\n"), ("p/m.py", "def f(): ...\n"), ("z.rs", "fn f() {}")];
    let (first, second) = (Tables::of(&files), Tables::of(&files));
    for &table in Table::ALL {
        assert_eq!(first.rows(table), second.rows(table));
    }
    let import = &first.rows(Table::Imports)[0];
    assert_eq!(
        (import["module"].as_str(), import["name"].as_str(), import["alias"].as_str()),
        ("p.m", "f", "g")
    );
}

/// Whoever stores the tables relies on it, and the languages of a repository are linked one after the other.
#[test]
fn rows_of_tables_with_an_order_arrive_by_file() {
    let mut files = vec![("Cargo.toml".to_owned(), "[package]\nname = 'x'\n".to_owned())];
    for number in 0..9 {
        files.push((format!("src/bin/b{number}.rs"), "fn f() {}\nfn main() { f() }\n".to_owned()));
        files.push((format!("web/w{number}.ts"), "function f() {}\nf()\nconsole.log(f)\n".to_owned()));
        files.push((format!("p/m{number}.py"), "def f(): return g()\nf()\n".to_owned()));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let tables = Tables::of(&files);
    assert!(tables.rows(Table::Resolutions).len() > 18);
    for &table in Table::ALL.iter().filter(|table| !table.order().is_empty()) {
        let of_files = tables.rows(table).into_iter().map(|row| row["file_id"].parse::<i64>().unwrap());
        assert!(of_files.is_sorted(), "{}", table.name());
    }
}

/// Runs Git in a folder, as a user without any settings.
fn git(folder: &Path, arguments: &[&str]) {
    let mut git = std::process::Command::new("git");
    git.current_dir(folder).args(arguments).env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", folder);
    assert!(git.status().expect("git").success(), "{arguments:?}");
}

#[test]
fn every_file_is_in_the_graph_or_among_those_left_out_with_a_reason() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let root = folder.path();
    for (path, text) in [
        ("a.py", "x = 1\n"),
        (".gitignore", "generated/\nlocal.py\nkept.py\n"),
        ("generated/tracked.py", "def tracked(): pass\n"),
        ("generated/build.py", "x = 1\n"),
        ("generated/deep/tracked.py", "y = 1\n"),
        ("generated/excluded.py", "z = 1\n"),
        ("local.py", "x = 1\n"),
        ("kept.py", "x = 1\n"),
        ("vendor/b.py", "x = 1\n"),
    ] {
        std::fs::create_dir_all(root.join(path).parent().expect("parent")).expect("folder");
        std::fs::write(root.join(path), text).expect("file");
    }
    std::os::unix::fs::symlink("a.py", root.join("alias.py")).expect("link");
    assert!(
        std::process::Command::new("mkfifo").arg(root.join("pipe.py")).status().expect("mkfifo").success()
    );
    git(root, &["init", "-q"]);
    let tracked =
        ["a.py", "kept.py", "generated/tracked.py", "generated/deep/tracked.py", "generated/excluded.py"];
    git(root, &[&["add", "-f", "alias.py"], &tracked[..]].concat());
    let mut tables = Tables::default();
    let options = Options { exclude: vec!["vendor/".into(), "excluded.py".into()], ..Options::default() };
    let summary = extract(&[root.into()], &options, &mut tables).expect("extraction");
    let mut files: Vec<String> =
        tables.rows(Table::Files).into_iter().map(|mut row| row.remove("path").expect("path")).collect();
    files.sort();
    let expected = [".gitignore", "a.py", "generated/deep/tracked.py", "generated/tracked.py", "kept.py"];
    assert_eq!(files, expected);
    let left_out = tables.rows(Table::ExtractErrors);
    let mut reasons: Vec<(&str, &str)> =
        left_out.iter().map(|row| (row["path"].as_str(), row["code"].as_str())).collect();
    reasons.sort_unstable();
    let expected = [
        (".git/", "version_control"),
        ("alias.py", "link"),
        ("generated/", "ignored"),
        ("local.py", "ignored"),
        ("pipe.py", "special"),
        ("vendor/", "excluded"),
    ];
    assert_eq!(reasons, expected);
    assert_eq!((summary.extract_errors, summary.passed_over), (0, 6));
    // An index that is none is told, and hides nothing that is not ignored.
    std::fs::write(root.join(".git/index"), b"DIRC\0\0\0\x02\xff\xff\xff\xff").expect("index");
    let mut tables = Tables::default();
    let summary = extract(&[root.into()], &options, &mut tables).expect("extraction");
    assert_eq!((summary.files, summary.extract_errors), (2, 1));
    assert!(tables.rows(Table::ExtractErrors).iter().any(|row| row["code"] == "index_unreadable"));
}

#[test]
fn what_the_grammar_misreads_is_read_as_the_language_has_it() {
    let text = "type(x).y = f'{z:=10}'\ntype X = int\nclass A[T = int]: pass\n";
    let tables = Tables::of(&[("a.py", text), ("b.py", "def f():\r    return 1\rf()\r")]);
    let calls = tables.rows(Table::Calls);
    let of = |path: &str| -> Vec<&str> {
        calls.iter().filter(|row| row["path"] == path).map(|row| row["callee_text"].as_str()).collect()
    };
    assert_eq!((of("a.py"), of("b.py")), (vec!["type"], vec!["f"]));
    let defined: Vec<(String, String)> = tables
        .rows(Table::Defs)
        .into_iter()
        .filter(|row| row["path"] == "a.py")
        .map(|row| (row["name"].clone(), row["kind"].clone()))
        .collect();
    let expected = [("X", "type_alias"), ("A", "class"), ("T", "type_parameter")];
    assert_eq!(defined, expected.map(|(name, kind)| (name.to_owned(), kind.to_owned())));
}

#[test]
fn definitions_end_with_their_last_statements() {
    let text = "class A:\n    def f(self):\n        if a:\n            return 1\n            # inside\n    # behind\n\n# above\nx = 1\n";
    let tables = Tables::of(&[("a.py", text)]);
    let end = text.find("return 1").expect("statement") + "return 1".len();
    for (table, kinds) in [
        (Table::Defs, &["class", "method"][..]),
        (Table::SyntaxNodes, &["class_definition", "function_definition", "if_statement", "block"][..]),
    ] {
        let rows = tables.rows(table);
        let ends: Vec<&str> = rows
            .iter()
            .filter(|row| kinds.contains(&row["kind"].as_str()))
            .map(|row| row["bend"].as_str())
            .collect();
        assert!(ends.len() >= kinds.len() && ends.iter().all(|at| *at == end.to_string()), "{ends:?} {end}");
    }
    let nodes = tables.rows(Table::SyntaxNodes);
    assert!(nodes.iter().any(|row| row["kind"] == "module" && row["bend"] == text.len().to_string()));
    assert_eq!(nodes.iter().filter(|row| row["kind"] == "comment").count(), 3);
}

#[test]
fn files_that_programs_wrote_are_marked_and_read() {
    let tables = Tables::of(&[("a_pb2.py", "x = 1\n"), ("b.py", "# @generated\n"), ("c.py", "x = 1\n")]);
    let files = tables.rows(Table::Files);
    let mut marked: Vec<(&str, &str)> =
        files.iter().map(|row| (row["path"].as_str(), row["is_generated"].as_str())).collect();
    marked.sort_unstable();
    assert_eq!(marked, [("a_pb2.py", "true"), ("b.py", "true"), ("c.py", "false")]);
    assert!(tables.rows(Table::Defs).iter().any(|row| row["path"] == "a_pb2.py"));
}

#[test]
fn paths_that_are_not_utf8_stay_apart() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().expect("temporary folder");
    for name in [&b"a\xff.py"[..], b"a\xfe.py"] {
        let path = folder.path().join(std::ffi::OsStr::from_bytes(name));
        std::fs::write(path, "x = 1\n").expect("file");
    }
    let mut paths: Vec<String> = Tables::read(folder.path())
        .rows(Table::ExtractErrors)
        .into_iter()
        .map(|mut row| row.remove("path").expect("path"))
        .collect();
    paths.sort();
    assert_eq!(paths, ["a\\xfe.py", "a\\xff.py"]);
}
