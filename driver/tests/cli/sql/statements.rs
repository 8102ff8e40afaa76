//! Statements from the command line, files and stdin, and the forms of their rows.

use std::fs;

use serde_json::json;

use crate::program::{driver_in, driver_reading, err, exits, json as parsed, out, with_tables};

#[test]
fn statements_come_from_everywhere() {
    let folder = with_tables();
    let text = "SELECT 1 AS a;\n-- two\nSELECT ';' AS b\n;";
    fs::write(folder.path().join("two.sql"), text).unwrap();
    let wanted = "a\n1\nb\n;\n";
    for arguments in [vec![text], vec!["-c", text], vec!["-f", "two.sql"]] {
        let arguments = [vec!["sql", "--lake", "tables", "--format", "csv"], arguments].concat();
        let answer = driver_in(folder.path(), &arguments);
        exits(&answer, 0);
        assert_eq!(out(&answer), wanted, "{arguments:?}");
    }
    for arguments in [vec!["-"], vec![]] {
        let arguments = [vec!["sql", "--lake", "tables", "--format", "csv"], arguments].concat();
        let answer = driver_reading(folder.path(), &arguments, text.as_bytes());
        exits(&answer, 0);
        assert_eq!(out(&answer), wanted, "{arguments:?}");
    }
    let nothing = driver_in(folder.path(), ["sql", " ; -- nothing", "--lake", "tables"]);
    exits(&nothing, 1);
    assert!(err(&nothing).contains("no statement"), "{}", err(&nothing));
}

#[test]
fn mistakes_stop_the_rest_and_have_their_place() {
    let folder = with_tables();
    fs::write(folder.path().join("bad.sql"), "SELECT 1 AS a;\nSELECT b;\nSELECT 3 AS c").unwrap();
    let answer = driver_in(folder.path(), ["sql", "--lake", "tables", "-f", "bad.sql", "--format", "csv"]);
    exits(&answer, 1);
    assert_eq!(out(&answer), "a\n1\n");
    assert!(err(&answer).contains("bad.sql:2:8"), "{}", err(&answer));
    let text =
        driver_in(folder.path(), ["sql", "SELECT name FROM defs WHERE name = \"f\"", "--lake", "tables"]);
    assert!(err(&text).contains("query:1:36") && err(&text).contains("single quotes: 'f'"), "{}", err(&text));
    let other = driver_in(folder.path(), ["sql", "SELECT list(name) FROM defs", "--lake", "tables"]);
    assert!(err(&other).contains("`array_agg(value)`"), "{}", err(&other));
}

#[test]
fn there_is_a_limit_for_people_only() {
    let folder = with_tables();
    let many = "SELECT n FROM (SELECT unnest(range(3000)) AS n) AS t";
    let all = driver_in(folder.path(), ["sql", many, "--lake", "tables"]);
    assert_eq!((out(&all).lines().count(), err(&all)), (3002, ""), "a header, a line, and the rows");
    let few = driver_in(folder.path(), ["sql", many, "--lake", "tables", "--max-rows", "5"]);
    assert_eq!(out(&few).lines().count(), 7);
    assert!(err(&few).contains("the first 5 rows; `--max-rows all`"), "{}", err(&few));
}

#[test]
fn rows_are_written_in_every_form() {
    let folder = with_tables();
    let query = "SELECT * FROM (VALUES (1, 'a|b', CAST('NaN' AS DOUBLE)), (2, NULL, 0.5)) AS t(n, s, f)";
    let form = |form: &str| {
        let answer = driver_in(folder.path(), ["sql", query, "--lake", "tables", "--format", form]);
        exits(&answer, 0);
        out(&answer).to_owned()
    };
    assert_eq!(form("ndjson"), "{\"n\":1,\"s\":\"a|b\",\"f\":\"NaN\"}\n{\"n\":2,\"s\":null,\"f\":0.5}\n");
    assert_eq!(form("csv"), "n,s,f\n1,a|b,NaN\n2,,0.5\n");
    assert_eq!(form("markdown"), "| n | s | f |\n|--:|---|--:|\n| 1 | a\\|b | NaN |\n| 2 | NULL | 0.5 |\n");
    let rows = driver_in(folder.path(), ["sql", query, "--lake", "tables", "--format", "json"]);
    let first = json!({"n": 1, "s": "a|b", "f": "NaN"});
    assert_eq!(parsed(&rows), json!([first, {"n": 2, "s": null, "f": 0.5}]));
    let no_file = driver_in(folder.path(), ["sql", query, "--lake", "tables", "--format", "parquet"]);
    exits(&no_file, 2);
    assert!(err(&no_file).contains("--output FILE"), "{}", err(&no_file));
}

#[test]
fn a_parquet_file_is_an_input_again() {
    let folder = with_tables();
    let query = "SELECT n, CAST(n AS VARCHAR) AS s FROM (SELECT unnest(range(1000)) AS n) AS t";
    let to_file = ["sql", query, "--lake", "tables", "--format", "parquet", "--output", "rows.parquet"];
    let written = driver_in(folder.path(), to_file);
    exits(&written, 0);
    assert_eq!(out(&written), "");
    let spec = "version: 4\n\
        input_relations: [{logical_name: numbers, location: rows.parquet, format: parquet}]\n\
        view_definitions: [{name: all_of_them, transform: {kind: Sql, query: 'SELECT count(*) AS c, max(s) AS s FROM numbers'}}]\n\
        output_targets: [{table_name: all_of_them, source_view: all_of_them}]\n";
    fs::write(folder.path().join("parquet.yaml"), spec).unwrap();
    let rows = driver_in(folder.path(), ["preview", "parquet.yaml", "all_of_them", "--format", "ndjson"]);
    exits(&rows, 0);
    assert_eq!(out(&rows), "{\"c\":1000,\"s\":\"999\"}\n");
    // A query that fails leaves no file, and not the one that was there in pieces.
    let failing = "SELECT CAST(concat('x', n) AS BIGINT) FROM (SELECT unnest(range(9)) AS n) AS t";
    let again = ["sql", failing, "--lake", "tables", "--format", "parquet", "--output", "rows.parquet"];
    exits(&driver_in(folder.path(), again), 1);
    let rows = driver_in(folder.path(), ["preview", "parquet.yaml", "all_of_them", "--format", "csv"]);
    assert_eq!(out(&rows), "c,s\n1000,999\n");
    assert!(!folder.path().join("rows.parquet.unfinished").exists());
}

#[test]
fn parameters_have_values_from_outside() {
    let folder = with_tables();
    let query = "SELECT $1 + 1 AS n, $2 AS s";
    let sql = |given: &[&str]| {
        driver_in(folder.path(), [&["sql", query, "--lake", "tables", "--format", "csv"][..], given].concat())
    };
    let answer = sql(&["--param", "1=41", "--param", "2=it's"]);
    exits(&answer, 0);
    assert_eq!(out(&answer), "n,s\n42,it's\n");
    fs::write(folder.path().join("values.yaml"), "\"1\": 1\n\"2\": '7'\n").unwrap();
    assert_eq!(out(&sql(&["--params", "values.yaml", "--param", "1=2"])), "n,s\n3,7\n");
    let missing = sql(&["--param", "1=41"]);
    exits(&missing, 1);
    assert!(err(&missing).contains("--param"), "{}", err(&missing));
    let unused = sql(&["--param", "1=1", "--param", "2=2", "--param", "more=3"]);
    exits(&unused, 1);
    assert!(err(&unused).contains("no query has `$more`"), "{}", err(&unused));
}

#[test]
fn plans_and_columns_are_told() {
    let folder = with_tables();
    let text = |query: &str| {
        let answer = driver_in(folder.path(), ["sql", query, "--lake", "tables"]);
        exits(&answer, 0);
        out(&answer).to_owned()
    };
    let plan = text("EXPLAIN SELECT count(*) FROM defs");
    assert!(plan.starts_with("-- rows query") && plan.contains("AggregateExec"), "{plan}");
    assert!(text("EXPLAIN ANALYZE SELECT count(*) AS c FROM defs").starts_with("1 row in "));
    assert!(text("DESCRIBE defs").contains("bstart"));
    assert!(text("SHOW TABLES").contains("defs"));
    let columns = "SELECT count(*) > 3 AS several FROM information_schema.columns WHERE table_name = 'defs'";
    assert!(text(columns).contains("true"));
}
