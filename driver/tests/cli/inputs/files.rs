//! Specs over files that are no Delta tables.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::writer::FileWriter;

use crate::program::{copy, driver_in, err, exits, json, out};

const ORDERS: &str = "\
id,day,customer,amount
1,2026-01-01,\"Ada, \"\"the first\"\"\",3.5
2,2026-01-01,,-1
3,2026-01-02,\"two
lines\",2
4,2026-01-03,ü,7.25
";

const NDJSON: &str = r#"{"id":1,"day":"2026-01-01","customer":"Ada, \"the first\"","amount":3.5}
{"id":2,"day":"2026-01-01","amount":-1}
{"id":3,"day":"2026-01-02","customer":"two\nlines","amount":2}

{"id":4,"day":"2026-01-03","customer":"ü","amount":7.25}
"#;

/// The spec of the README, and an output with every row, over this input.
fn spec(input: &str) -> String {
    format!(
        "version: 4
input_relations:
  - {{logical_name: orders, {input}}}
view_definitions:
  - name: paid
    transform: {{kind: Filter, source: orders, predicate: amount > 0}}
  - name: daily
    transform:
      kind: Aggregate
      source: paid
      group_by: [day]
      aggregations: [{{function: sum, column: amount, alias: total}}]
  - name: best
    transform: {{kind: Sql, query: 'SELECT day, total FROM daily ORDER BY total DESC LIMIT 3'}}
output_targets:
  - {{table_name: daily, source_view: daily}}
  - {{table_name: best, source_view: best}}
  - {{table_name: all, source_view: orders, delta_location: all}}
"
    )
}

/// The digests of the outputs of a spec over this input, in a folder of its own.
fn digests(folder: &Path, name: &str, input: &str) -> Vec<String> {
    let own = folder.join(name);
    copy(&folder.join("data"), &own.join("data"));
    fs::write(own.join("spec.yaml"), spec(input)).unwrap();
    let run = driver_in(&own, ["run", "spec.yaml", "--format", "json"]);
    exits(&run, 0);
    let outputs = json(&run)["outputs"].as_array().unwrap().clone();
    outputs.iter().map(|output| format!("{} {}", output["table"], output["digest"])).collect()
}

fn write_arrow(csv: &Path, arrow: &Path) {
    let field = |name, data_type| Field::new(name, data_type, true);
    let schema = Arc::new(Schema::new(vec![
        field("id", DataType::Int64),
        field("day", DataType::Date32),
        field("customer", DataType::Utf8),
        field("amount", DataType::Float64),
    ]));
    let reader = arrow::csv::ReaderBuilder::new(Arc::clone(&schema)).with_header(true);
    let reader = reader.build(fs::File::open(csv).unwrap()).unwrap();
    let mut writer = FileWriter::try_new(fs::File::create(arrow).unwrap(), &schema).unwrap();
    reader.for_each(|batch| writer.write(&batch.unwrap()).unwrap());
    writer.finish().unwrap();
}

#[test]
fn every_format_gives_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("orders.csv"), ORDERS).unwrap();
    fs::write(data.join("orders.ndjson"), NDJSON).unwrap();
    write_arrow(&data.join("orders.csv"), &data.join("orders.arrow"));
    let csv = digests(folder.path(), "csv", "location: data/orders.csv, format: csv");
    assert_eq!(csv.len(), 3, "{csv:?}");
    // The table that the run has written is a Delta table, and has one file of Parquet.
    copy(&folder.path().join("csv/all"), &data.join("table"));
    let file = fs::read_dir(data.join("table")).unwrap().map(|entry| entry.unwrap().path());
    let file = file.filter(|path| path.extension().is_some_and(|it| it == "parquet")).collect::<Vec<_>>();
    fs::copy(&file[0], data.join("orders.parquet")).unwrap();
    let typed = "schema: {id: Int64, day: Date32, customer: Utf8, \
                 amount: Float64}";
    for (name, input) in [
        ("arrow", "location: data/orders.arrow, format: arrow"),
        ("parquet", "location: data/orders.parquet, format: parquet"),
        ("ndjson", "location: data/orders.ndjson, format: ndjson"),
        ("typed", &format!("location: data/orders.ndjson, format: ndjson, {typed}")),
        ("pattern", "location: 'data/*.csv', format: csv"),
        ("delta", "delta_location: data/table"),
    ] {
        assert_eq!(digests(folder.path(), name, input), csv, "{name}");
    }
}

/// Files are part of what a run was: another content is told by the name of the file.
#[test]
fn a_run_over_files_is_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("1.csv"), ORDERS).unwrap();
    fs::write(data.join("2.csv"), "id,day,customer,amount\n5,2026-01-04,z,1\n").unwrap();
    let lineage = "location: data, format: csv, requires_lineage: true, lineage_column: source";
    fs::write(folder.path().join("spec.yaml"), spec(lineage)).unwrap();
    let run = driver_in(folder.path(), ["run", "spec.yaml", "--format", "json"]);
    exits(&run, 0);
    let id = json(&run)["run_id"].as_str().unwrap().to_owned();
    let files = driver_in(
        folder.path(),
        [
            "sql",
            "SELECT source, count(*) AS n FROM \"all\" GROUP BY source ORDER BY source",
            "--lake",
            ".",
            "--format",
            "csv",
        ],
    );
    exits(&files, 0);
    let lines: Vec<&str> = out(&files).lines().collect();
    assert!(lines[1].ends_with("/data/1.csv,4") && lines[2].ends_with("/data/2.csv,1"), "{lines:?}");
    exits(&driver_in(folder.path(), ["replay", &id, "--execute"]), 0);
    fs::write(data.join("2.csv"), "id,day,customer,amount\n5,2026-01-04,z,2\n").unwrap();
    let changed = driver_in(folder.path(), ["replay", &id]);
    exits(&changed, 1);
    assert!(out(&changed).contains("input orders.files.2.csv.content"), "{}", out(&changed));
    assert!(!out(&changed).contains("files.1.csv"), "{}", out(&changed));
}

/// What is found only when rows are read is told with the file and the line, and nothing is published.
#[test]
fn a_bad_value_publishes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let good: String = (0..1200).map(|row| format!("{row},2026-01-01,c,{row}\n")).collect();
    fs::write(folder.path().join("orders.csv"), format!("id,day,customer,amount\n{good}x,2026-01-01,c,1\n"))
        .unwrap();
    fs::write(folder.path().join("spec.yaml"), spec("location: orders.csv, format: csv")).unwrap();
    let run = driver_in(folder.path(), ["run", "spec.yaml"]);
    exits(&run, 1);
    let wanted = "`orders.csv`, line 1202: column `id`: `x` is no Int64";
    assert!(err(&run).contains("E0120") && err(&run).contains(wanted), "{}", err(&run));
    assert!(!folder.path().join("daily/_delta_log").exists());
}

/// A pattern would meet the table of an output the next time: it is told before the first.
#[test]
fn an_output_where_a_pattern_looks_for_files_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("data/more")).unwrap();
    fs::write(folder.path().join("data/more/orders.csv"), ORDERS).unwrap();
    for (pattern, is_refused) in [("'**/*.csv'", true), ("'data/*/*.csv'", false)] {
        fs::write(folder.path().join("spec.yaml"), spec(&format!("location: {pattern}, format: csv")))
            .unwrap();
        let checked = driver_in(folder.path(), ["check", "spec.yaml"]);
        exits(&checked, i32::from(is_refused));
        let wanted = "`daily` is where the pattern of the input `orders` looks for files";
        assert_eq!(
            err(&checked).contains("E0505") && err(&checked).contains(wanted),
            is_refused,
            "{}",
            err(&checked)
        );
    }
}

/// A reader of Arrow that panics is told of as any damaged file, without the panic.
#[test]
fn a_damaged_file_prints_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("data")).unwrap();
    fs::write(folder.path().join("orders.csv"), ORDERS).unwrap();
    let arrow = folder.path().join("orders.arrow");
    write_arrow(&folder.path().join("orders.csv"), &arrow);
    fs::write(folder.path().join("spec.yaml"), spec("location: orders.arrow, format: arrow")).unwrap();
    let whole = fs::read(&arrow).unwrap();
    for place in (0..whole.len()).step_by(97) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0xFF;
        fs::write(&arrow, damaged).unwrap();
        let run = driver_in(folder.path(), ["run", "spec.yaml"]);
        assert!(!err(&run).contains("panicked"), "byte {place}\n{}", err(&run));
    }
}
