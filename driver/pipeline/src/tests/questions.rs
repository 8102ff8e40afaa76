//! Statements about a lake.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use engine::Cancellation;
use ir::diag::{RenderOptions, render};
use ir::spec::{GivenParameter, GivenValue};

use super::workers;
use crate::query::write_rows;
use crate::{Asking, Lake, PipelineError, Result, Statement, Workers};

/// Rows as lines of texts with `|` between them.
fn rows(lake: &Lake, text: &str, asking: &Asking<'_>) -> Result<Vec<String>> {
    let (statements, _) = Statement::all("query", text);
    let mut lines = Vec::new();
    for statement in &statements {
        let answer = lake.ask(statement, asking)?;
        for batch in answer.rows(asking.workers)? {
            lines.extend(lines_of(&batch?));
        }
    }
    Ok(lines)
}

fn lines_of(batch: &RecordBatch) -> Vec<String> {
    let format = FormatOptions::default().with_null("NULL");
    let columns: Vec<ArrayFormatter<'_>> =
        batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &format).unwrap()).collect();
    let line = |row| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|");
    (0..batch.num_rows()).map(line).collect()
}

/// What is said of a text that cannot be answered.
fn refused(lake: &Lake, text: &str, workers: &Workers) -> String {
    match rows(lake, text, &Asking::new(workers)) {
        Err(PipelineError::Findings { diagnostics, map }) => {
            render(&diagnostics, &map, RenderOptions { color: false })
        }
        other => panic!("`{text}` gives {other:?}"),
    }
}

/// `t` and `s.t`, each with a column `n` and a column of its own.
fn lake(folder: &Path, workers: &Workers) -> Lake {
    for (place, own, count) in [("t", "a", 20_000), ("s/t", "b", 3)] {
        let field = |name| Field::new(name, DataType::Int64, true);
        let numbers = || Arc::new(Int64Array::from_iter_values((0..count).rev())) as _;
        let batch = RecordBatch::try_new(
            Arc::new(Schema::new(vec![field("n"), field(own)])),
            vec![numbers(), numbers()],
        );
        write_rows(batch.unwrap(), place, folder, workers).unwrap().unwrap();
    }
    Lake::at(folder).unwrap()
}

#[test]
fn tables_of_schemas_are_read_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let workers = workers(&Cancellation::new());
    let lake = lake(folder.path(), &workers);
    let rows = |text: &str| rows(&lake, text, &Asking::new(&workers)).unwrap();
    assert_eq!(rows("SHOW TABLES"), ["t", "s.t"]);
    assert_eq!(rows("SELECT count(*) FROM main.t JOIN s.t AS u ON u.b = t.a"), ["3"]);
    assert_eq!(rows("SELECT s.t.b FROM S.t ORDER BY t.n LIMIT 1"), ["0"]);
    assert_eq!(
        rows("DESCRIBE s.t; DESC SELECT n + 0.5 AS m FROM t"),
        ["n|Int64|YES", "b|Int64|YES", "m|Float64|YES"]
    );
    let columns =
        "SELECT table_schema, column_name FROM information_schema.columns WHERE ordinal_position = 2";
    assert_eq!(rows(&format!("{columns} ORDER BY 1")), ["main|a", "s|b"]);
    assert_eq!(rows("SELECT count(*) FROM information_schema.tables JOIN t ON t.n = 7"), ["2"]);
    assert_eq!(rows("SELECT * FROM information_schema.schemata"), ["information_schema", "main", "s"]);
    let routines = "SELECT count(*) FROM information_schema.routines WHERE routine_name = 'to_char'";
    assert_eq!(rows(routines), ["1"]);
}

/// Also where the rows come in many batches, and from several partitions.
#[test]
fn rows_come_in_the_order_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let workers = workers(&Cancellation::new());
    let lake = lake(folder.path(), &workers);
    for order in ["n", "n DESC", "a % 7, n"] {
        let text = format!("SELECT n FROM t ORDER BY {order}");
        let found = rows(&lake, &text, &Asking::new(&workers)).unwrap();
        let mut wanted: Vec<i64> = (0..20_000).collect();
        match order {
            "n" => {}
            "n DESC" => wanted.reverse(),
            _ => wanted.sort_by_key(|n| (n % 7, *n)),
        }
        let found: Vec<i64> = found.iter().map(|line| line.parse().unwrap()).collect();
        assert!(found == wanted, "ORDER BY {order}");
    }
}

#[test]
fn mistakes_have_their_place_in_the_text() {
    let folder = tempfile::tempdir().unwrap();
    let workers = workers(&Cancellation::new());
    let lake = lake(folder.path(), &workers);
    for (text, place, said) in [
        ("SELECT n\nFROM t\nWHERE b = 1", "query:3:7", "there is no column `b`"),
        ("SELECT 1;\nSELECT * FROM tt", "query:2:15", "did you mean `t`?"),
        ("DESCRIBE s.tt", "query:1:10", "did you mean `s.t`?"),
        ("EXPLAIN SELECT m FROM t", "query:1:16", "there is no column `m`"),
        ("SELECT * FROM t WHERE a = \"paid\"", "query:1:27", "a text stands in single quotes: 'paid'"),
        ("SELECT strftime(a) FROM t", "query:1:8", "to_char(moment, '%Y-%m-%d')"),
        ("SELECT a FROM t WHERE", "query:1:22", "does not parse"),
        ("-- é\nSHOW ME", "query:2:1", "SHOW TABLES"),
        ("SELECT $1", "query:1:8", "--param 1=VALUE"),
        ("SELECT CAST(concat('x', n) AS BIGINT) FROM t", "query:1:1", "Cannot cast string 'x"),
    ] {
        let shown = refused(&lake, text, &workers);
        assert!(shown.contains(place) && shown.contains(said), "{text}: no `{place}`, `{said}` in\n{shown}");
    }
}

#[test]
fn a_table_that_cannot_be_opened_is_told_where_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let workers = workers(&Cancellation::new());
    let lake = lake(folder.path(), &workers);
    std::fs::create_dir_all(folder.path().join("broken/_delta_log")).unwrap();
    let shown = refused(&lake, "SELECT 1 AS x\nFROM broken", &workers);
    assert!(shown.contains("query:2:6") && shown.contains("broken"), "{shown}");
    // Nothing is said of a table that is not named.
    assert_eq!(rows(&lake, "SELECT count(*) FROM t", &Asking::new(&workers)).unwrap(), ["20000"]);
}

#[test]
fn placeholders_have_the_values_that_are_given() {
    let folder = tempfile::tempdir().unwrap();
    let workers = workers(&Cancellation::new());
    let lake = lake(folder.path(), &workers);
    let given = |label: &str, text: &str| GivenParameter {
        label: label.to_owned(),
        value: GivenValue::Text(text.to_owned()),
    };
    let parameters = [given("1", "3"), given("2", "it's"), given("3", "1.5")];
    let asking = Asking { parameters: &parameters, ..Asking::new(&workers) };
    let found = rows(&lake, "SELECT count(*), $2 AS s FROM t WHERE n < $1; SELECT 2 * $1 AS m", &asking);
    assert_eq!(found.unwrap(), ["3|it's", "6"]);
}

#[test]
fn plans_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let workers = workers(&Cancellation::new());
    let lake = lake(folder.path(), &workers);
    let text = |text: &str| rows(&lake, text, &Asking::new(&workers)).unwrap().join("\n");
    let plan = text("EXPLAIN SELECT count(*) FROM t");
    assert!(plan.contains("AggregateExec") && plan.contains("DeltaTableScanExec"), "{plan}");
    let all = text("EXPLAIN VERBOSE SELECT count(*) FROM t");
    assert!(["== graph", "== optimized", "== physical"].iter().all(|part| all.contains(part)), "{all}");
    let ran = text("EXPLAIN ANALYZE SELECT n FROM t WHERE n < 5");
    assert!(ran.starts_with("5 rows in ") && ran.contains("rows=5"), "{ran}");
}

/// What is written in the place of a function that other systems have can be computed, and the function does not exist.
#[test]
fn functions_of_other_systems_are_told_what_is_written_here() {
    let folder = tempfile::tempdir().unwrap();
    let workers = workers(&Cancellation::new());
    let lake = Lake::at(folder.path()).unwrap();
    let from = "FROM (SELECT TIMESTAMP '2026-01-02T03:04:05' AS moment, TIMESTAMP '2026-01-02T00:00:00' AS earlier, \
                TIMESTAMP '2026-01-09T00:00:00' AS later, '2026-01-02' AS text, 3 AS number, make_array(1, 2) AS list, \
                4 AS value) AS t";
    let there = workers.session().unwrap().function_names();
    let mut wrong = Vec::new();
    for (names, here) in passes::FUNCTIONS_ELSEWHERE {
        if let Err(error) = rows(&lake, &format!("SELECT {here} AS answer {from}"), &Asking::new(&workers)) {
            wrong.push(format!("{here}: {error:?}"));
        }
        wrong.extend(
            names
                .iter()
                .filter(|name| there.iter().any(|it| it == *name))
                .map(|name| format!("`{name}` exists")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut all: Vec<&str> =
        passes::FUNCTIONS_ELSEWHERE.iter().flat_map(|(names, _)| *names).copied().collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count, "a name stands twice");
}
