//! The shell in a pseudo-terminal.

use std::fs;

use super::terminal::Terminal;
use crate::program::with_tables;

/// Ten million rows with a text of a hundred letters each: a gigabyte, if anybody held them.
const MANY_ROWS: &str = "WITH d(n) AS (VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)), \
    k AS (SELECT a.n + 10 * b.n + 100 * c.n AS n FROM d a CROSS JOIN d b CROSS JOIN d c) \
    SELECT x.n * 10000 + y.n * 10 + d.n AS number, repeat('x', 100) AS filler FROM k x CROSS JOIN k y CROSS JOIN d;";

/// A query that would run for hours.
const LONG: &str = "WITH d(n) AS (VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)), \
    k AS (SELECT a.n + b.n AS n FROM d a CROSS JOIN d b CROSS JOIN d c CROSS JOIN d e) \
    SELECT count(*) AS c FROM k x CROSS JOIN k y CROSS JOIN k z WHERE x.n + y.n + z.n <> 1;";

/// The question between two pages.
const QUESTION: &str = "q: enough --";

#[test]
fn names_are_completed_and_statements_go_on_until_a_semicolon() {
    let folder = with_tables();
    let mut shell = Terminal::start(folder.path(), &["sql", "--lake", "tables"], 40, &[]);
    shell.sees("sql> ");
    shell.keys("SELECT count(*) AS how_many FROM de\t");
    shell.sees("FROM defs");
    // The line is not a statement yet.
    shell.keys("\rWHERE nam\t");
    shell.sees("WHERE name");
    let answer = shell.answers(" IS NULL AND bst\t >= 0;", "───");
    assert!(answer.contains("bstart >= 0;"), "{answer}");
    // Several ways to go on are listed.
    shell.keys("SELECT span_\t\t");
    shell.sees("span_overlaps(");
    shell.sees("sql> SELECT span_");
    shell.keys("\u{3}");
    shell.sees("sql> ");
    shell.line(".mode markdown", "sql> ");
    shell.answers("SELECT 41 + 1 AS answer;", "| 42 |");
    shell.keys("\u{4}");
    assert!(shell.ends().success());
}

#[test]
fn what_was_typed_is_there_in_the_next_shell() {
    let folder = with_tables();
    let mut first = Terminal::start(folder.path(), &["sql", "--lake", "tables"], 40, &[]);
    first.sees("sql> ");
    first.answers("SELECT 40 +\r2 AS answer;", "  42");
    first.keys("\u{4}");
    assert!(first.ends().success());
    let kept = fs::read_to_string(folder.path().join("state/codeanatomy/sql_history")).unwrap();
    assert!(kept.contains("AS answer"), "{kept}");
    let mut second = Terminal::start(folder.path(), &["sql", "--lake", "tables"], 40, &[]);
    second.sees("sql> ");
    // Arrow up.
    second.keys("\u{1b}[A");
    second.sees("2 AS answer;");
    second.answers("", "  42");
    second.line(".quit", "");
    assert!(second.ends().success());
}

#[test]
fn ctrl_c_ends_the_query_and_not_the_shell() {
    let folder = with_tables();
    let mut shell = Terminal::start(folder.path(), &["sql", "--lake", "tables"], 40, &[]);
    shell.sees("sql> ");
    for _ in 0..2 {
        // The query runs when its progress is shown.
        shell.line(LONG, "running the query");
        shell.keys("\u{3}");
        let seen = shell.sees("sql> ");
        assert!(seen.contains("stopped"), "{seen}");
        shell.answers("SELECT 6 * 7 AS answer;", "  42");
    }
    let wrong = shell.answers("SELECT nme FROM defs;", "did you mean `name`?");
    assert!(wrong.contains("query:1:8"), "{wrong}");
    shell.keys("\u{4}");
    assert!(shell.ends().success());
}

#[test]
fn ten_million_rows_are_paged_at_constant_memory() {
    let folder = with_tables();
    let mut shell = Terminal::start(folder.path(), &["sql", "--lake", "tables"], 20, &[]);
    shell.sees("sql> ");
    // Unless asked, nobody gets them all.
    shell.line(".timing on", "sql> ");
    shell.line(MANY_ROWS, QUESTION);
    shell.keys("G");
    shell.sees("the first 1,000 rows; `.rows all` shows all of them");
    shell.sees("sql> ");
    let before = shell.peak_mib();
    shell.line(".rows all", "sql> ");
    let page = shell.line(MANY_ROWS, QUESTION);
    assert!(page.contains("number") && page.matches("xxx").count() >= 17, "{page}");
    shell.keys(" ");
    let page = shell.sees(QUESTION);
    assert_eq!(page.lines().filter(|line| line.contains("xxx")).count(), 19, "{page}");
    shell.keys("G");
    shell.sees("10,000,000 rows in ");
    shell.sees("sql> ");
    let after = shell.peak_mib();
    assert!(after < before + 200, "{before} MiB before, {after} MiB after");
    // Who has seen enough computes no more.
    shell.line(MANY_ROWS, QUESTION);
    shell.keys("q");
    shell.sees("sql> ");
    shell.answers("SELECT 6 * 7 AS answer;", "  42");
}

#[test]
fn the_pager_of_the_user_shows_what_does_not_fit() {
    let folder = with_tables();
    let pager = [("PAGER", "head -n 4 | sed 's/^/paged/'")];
    let mut shell = Terminal::start(folder.path(), &["sql", "--lake", "tables"], 20, &pager);
    shell.sees("sql> ");
    shell.line(".rows all", "sql> ");
    let seen = shell.line(MANY_ROWS, "paged");
    let seen = seen + &shell.sees("sql> ");
    assert_eq!(seen.matches("paged").count(), 4, "{seen}");
    shell.answers("SELECT 6 * 7 AS answer;", "  42");
    shell.line(".pager off", "sql> ");
    shell.answers("SELECT n FROM (SELECT unnest(range(100)) AS n) AS t WHERE n > 40;", " 99");
}

#[test]
fn the_shell_says_what_there_is() {
    let folder = with_tables();
    let mut shell = Terminal::start(folder.path(), &["sql", "--lake", "tables"], 60, &[]);
    shell.sees("sql> ");
    shell.answers(".help", "Ctrl-C");
    shell.answers(".tables de", "defs");
    shell.answers(".schema defs", "bstart");
    shell.line(".param 1 41", "sql> ");
    shell.answers("SELECT $1 + 1 AS answer;", "  42");
    shell.line(".mode ndjson", "sql> ");
    shell.answers("SELECT CAST('NaN' AS DOUBLE) AS x;", "{\"x\":\"NaN\"}");
    shell.answers(".xyz", "there is no `.xyz`");
    shell.line(".output out.csv", "sql> ");
    shell.line(".mode csv", "sql> ");
    shell.line("SELECT 1 AS a, '' AS b, NULL AS c;", "sql> ");
    shell.line(".quit", "");
    assert!(shell.ends().success());
    assert_eq!(fs::read_to_string(folder.path().join("out.csv")).unwrap(), "a,b,c\n1,\"\",\n");
}
