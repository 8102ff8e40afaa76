//! A case as a folder of `tests/cases`: the spec, the tables as fixtures, and the rows that are right.
//!
//! Fixtures are written by the program's own writer, so how a table was laid out is not in the folder; a comment says it.

use std::fs::{create_dir_all, write};
use std::io;
use std::path::Path;

use serde_json::{Map, Value as Json, json};

use crate::generate::Case;
use crate::plan::spec_text;
use crate::table::Table;
use crate::value::{Type, Value, moment};

/// Writes a case to a folder.
///
/// # Errors
/// When a file cannot be written, or the evaluator does not come to its end.
pub fn write_case(case: &Case, about: &str, folder: &Path) -> io::Result<()> {
    create_dir_all(folder.join("tables"))?;
    create_dir_all(folder.join("expected"))?;
    let about: String = about.lines().map(|line| format!("# {line}\n")).collect();
    write(folder.join("spec.yaml"), format!("{about}{}", spec_text(&case.plan)))?;
    for table in &case.tables {
        if case.plan.inputs.iter().any(|input| input.table == table.name) {
            write(folder.join(format!("tables/{}.yaml", table.name)), fixture(table))?;
        }
    }
    let rows = case.rows().map_err(|_| io::Error::other("the evaluator does not come to its end"))?;
    for output in &case.plan.outputs {
        let Some(relation) = rows.get(&output.view) else { continue };
        let line = |cells: Vec<String>| format!("{}\n", cells.join(" | "));
        let mut text = line(relation.columns.iter().map(|(name, _)| name.clone()).collect());
        relation
            .clone()
            .sorted()
            .rows
            .iter()
            .for_each(|row| text.push_str(&line(row.iter().map(cell).collect())));
        write(folder.join(format!("expected/{}.txt", output.table)), text)?;
    }
    Ok(())
}

fn fixture(table: &Table) -> String {
    let schema: Map<String, Json> =
        table.columns.iter().map(|(name, of)| (name.clone(), json!(type_text(*of)))).collect();
    let mut text = format!("# {:?}\nschema: {}\n", table.layout, Json::Object(schema));
    if !table.partition_by.is_empty() {
        text.push_str(&format!("partition_by: {}\n", json!(table.partition_by)));
    }
    text.push_str("commits:\n");
    for commit in &table.commits {
        let mode = if commit.overwrites { "overwrite" } else { "append" };
        text.push_str(&format!("  - mode: {mode}\n    rows:"));
        let rows = commit.files.iter().flatten().enumerate().filter(|(at, _)| !commit.deleted.contains(at));
        let rows: Vec<String> = rows
            .map(|(_, row)| {
                let cells: Map<String, Json> = table
                    .columns
                    .iter()
                    .zip(row)
                    .map(|((name, _), value)| (name.clone(), of_value(value)))
                    .collect();
                format!("\n      - {}", Json::Object(cells))
            })
            .collect();
        text.push_str(&if rows.is_empty() { " []".to_owned() } else { rows.concat() });
        text.push('\n');
    }
    text
}

/// The type as fixtures name it.
fn type_text(of: Type) -> &'static str {
    match of {
        Type::Int => "Int64",
        Type::Float => "Float64",
        Type::Text => "Utf8",
        Type::Bool => "Boolean",
        Type::Decimal => "Decimal128(12, 2)",
        Type::Date => "Date32",
        Type::Timestamp => "Timestamp(\u{b5}s, \"UTC\")",
        Type::Ints => "List(Int64)",
        Type::Texts => "List(Utf8)",
        Type::Pair => "Struct(\"a\": Int64, \"b\": Utf8)",
    }
}

fn of_value(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Int(value) => json!(value),
        Value::Float(value) if value.is_finite() => json!(value),
        Value::Bool(value) => json!(value),
        Value::List(values) => values.iter().map(of_value).collect(),
        Value::Pair(fields) => json!({"a": of_value(&fields[0]), "b": of_value(&fields[1])}),
        other => json!(cell(other)),
    }
}

/// The value as Arrow writes it.
fn cell(value: &Value) -> String {
    match value {
        Value::Timestamp(micros) => format!("{}Z", moment(*micros, 'T', 6)),
        other => other.to_string(),
    }
}
