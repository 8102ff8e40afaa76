//! A case as a folder of `tests/cases`: the spec, the tables as fixtures, and the rows that are right.
//!
//! Fixtures are written by the program's own writer; the tables as they were laid out here are in `as_written`. Specs that ran
//! before are `before0.yaml` and so on.

use std::fs::{create_dir_all, write};
use std::io;
use std::path::Path;

use serde_json::{Map, Value as Json, json};

use crate::evaluate::Relation;
use crate::generate::Case;
use crate::plan::{Plan, portable_query, spec_text};
use crate::table::{self, Table};
use crate::value::{Type, Value, moment};

/// Writes a case to a folder.
///
/// # Errors
/// When a file cannot be written, or the evaluator does not come to its end.
pub fn write_case(case: &Case, about: &str, folder: &Path) -> io::Result<()> {
    create_dir_all(folder.join("tables"))?;
    create_dir_all(folder.join("expected"))?;
    let about: String = about.lines().map(|line| format!("# {line}\n")).collect();
    // Places count from the folder of the spec.
    let text = |plan: &Plan| spec_text(plan).replace("file://{home}/", "").replace("{home}/", "");
    let results = case.results().map_err(|_| io::Error::other("the evaluator does not come to its end"))?;
    let last = case.rounds.len().saturating_sub(1);
    for (number, (plan, right)) in case.rounds.iter().zip(&results).enumerate() {
        if number < last {
            write(folder.join(format!("before{number}.yaml")), text(plan))?;
            continue;
        }
        write(folder.join("spec.yaml"), format!("{about}{}", text(plan)))?;
        for output in &plan.outputs {
            if let Some(relation) = right.tables.get(&output.table) {
                write(folder.join(format!("expected/{}.txt", output.table)), expected(relation))?;
            }
        }
    }
    for table in &case.tables {
        if case.rounds.iter().flat_map(|plan| &plan.inputs).any(|input| input.table == table.name) {
            write(folder.join(format!("tables/{}.yaml", table.name)), fixture(table))?;
            table::write(table, &folder.join("as_written"))?;
        }
    }
    Ok(())
}

/// Writes the rows of all relations of a case, and the views as queries, for another engine: a file for each spec.
///
/// # Errors
/// When a file cannot be written, or the evaluator does not come to its end.
pub fn write_queries(case: &Case, seed: u64, folder: &Path) -> io::Result<()> {
    create_dir_all(folder)?;
    let results = case.results().map_err(|_| io::Error::other("the evaluator does not come to its end"))?;
    for (number, (plan, right)) in case.rounds.iter().zip(&results).enumerate() {
        let queries: Map<String, Json> = plan
            .views
            .iter()
            .filter_map(|view| Some((view.name.clone(), json!(portable_query(plan, view)?))))
            .collect();
        let relation = |relation: &Relation| {
            let columns: Vec<Json> =
                relation.columns.iter().map(|(name, of)| json!([name, format!("{of:?}")])).collect();
            let rows: Vec<Vec<Json>> =
                relation.rows.iter().map(|row| row.iter().map(typed_value).collect()).collect();
            json!({"columns": columns, "rows": rows})
        };
        let relations: Map<String, Json> =
            right.relations.iter().map(|(name, of)| (name.clone(), relation(of))).collect();
        let text = json!({"queries": queries, "relations": relations}).to_string();
        write(folder.join(format!("{seed}-{number}.json")), text)?;
    }
    Ok(())
}

/// The value without loss: as text where JSON has no such number.
fn typed_value(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Int(value) => json!(value),
        Value::Bool(value) => json!(value),
        Value::List(values) => values.iter().map(typed_value).collect(),
        Value::Pair(fields) => json!({"a": typed_value(&fields[0]), "b": typed_value(&fields[1])}),
        other => json!(other.to_string()),
    }
}

fn expected(relation: &Relation) -> String {
    let line = |cells: Vec<String>| format!("{}\n", cells.join(" | "));
    let mut text = line(relation.columns.iter().map(|(name, _)| name.clone()).collect());
    let sorted = relation.clone().sorted();
    sorted.rows.iter().for_each(|row| text.push_str(&line(row.iter().map(cell).collect())));
    text
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
        Type::Text | Type::Token => "Utf8",
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
