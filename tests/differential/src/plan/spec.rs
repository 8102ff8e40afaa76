//! A generated spec as the text that the program reads.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::view::entries;
use super::{Expr, Input, Output, Plan, RowFilter};
use crate::value::{Type, Value};

/// The spec: YAML with a line for each input, view and output, which are JSON.
#[must_use]
pub fn spec_text(plan: &Plan) -> String {
    let list = |entries: Vec<Json>| entries.iter().map(|entry| format!("  - {entry}\n")).collect::<String>();
    let mut text = format!(
        "version: 4\ninput_relations:\n{}view_definitions:{}\n{}output_targets:\n{}",
        list(plan.inputs.iter().map(input).collect()),
        if plan.views.is_empty() { " []" } else { "" },
        list(plan.views.iter().flat_map(entries).collect()),
        list(plan.outputs.iter().map(output).collect()),
    );
    let actions = [("ForceCache", &plan.cache[0]), ("NeverCache", &plan.cache[1])];
    let overrides: Vec<Json> = actions
        .iter()
        .flat_map(|(action, views)| {
            views.iter().map(move |view| json!({"view_name": view, "action": action}))
        })
        .collect();
    if !overrides.is_empty() {
        text.push_str(&format!("cache_policy: {}\n", json!({"overrides": overrides})));
    }
    let mut parameters = numbered(&mut text, &placeholders(plan));
    parameters.extend(plan.filters.iter().map(row_filter));
    if !parameters.is_empty() {
        text.push_str(&format!("typed_parameters:\n{}", list(parameters)));
    }
    text
}

/// The values of all placeholders by their numbers.
fn placeholders(plan: &Plan) -> BTreeMap<usize, Json> {
    let all = plan.views.iter().flat_map(|view| view.op.all_expressions());
    let valued = all.filter_map(|expr| match expr {
        Expr::Placeholder(number, value, of) => Some((*number, parameter_value(value, *of))),
        _ => None,
    });
    valued.collect()
}

/// Gives placeholders the numbers that specs need: from 1 on, without a gap.
fn numbered(text: &mut String, values: &BTreeMap<usize, Json>) -> Vec<Json> {
    let mut parameters = Vec::new();
    // From the largest number on: no number begins with one that is replaced later.
    for (number, value) in values.iter().rev() {
        let position = parameters.len() + 1;
        *text = text.replace(&format!("${number}"), &format!("${{{position}}}"));
        parameters.push(json!({"target": {"kind": "PlaceholderPos", "position": position}, "value": value}));
    }
    for position in 1..=parameters.len() {
        *text = text.replace(&format!("${{{position}}}"), &format!("${position}"));
    }
    parameters
}

fn row_filter(filter: &RowFilter) -> Json {
    let mut target = json!({"kind": "FilterEq", "filter_column": filter.column});
    if let Some(relation) = &filter.relation {
        target["base_table"] = json!(relation);
    }
    json!({"target": target, "value": parameter_value(&filter.value, filter.of)})
}

/// Values of the types that parameters can have.
fn parameter_value(value: &Value, of: Type) -> Json {
    let name = match of {
        Type::Int => "Int64",
        Type::Float => "Float64",
        Type::Bool => "Boolean",
        Type::Date => "Date",
        _ => "Utf8",
    };
    match value {
        Value::Null => {
            let name = if of == Type::Date { "date32".to_owned() } else { name.to_lowercase() };
            json!({"type": "Null", "value": {"data_type": name}})
        }
        Value::Int(value) => json!({"type": name, "value": value}),
        Value::Float(value) => json!({"type": name, "value": value}),
        Value::Bool(value) => json!({"type": name, "value": value}),
        other => json!({"type": name, "value": other.to_string()}),
    }
}

fn input(input: &Input) -> Json {
    let mut entry = json!({"logical_name": input.name, "delta_location": input.location});
    if let Some(version) = input.version {
        entry["version_pin"] = json!(version);
    }
    entry
}

fn output(output: &Output) -> Json {
    let mut entry = json!({"table_name": output.table, "source_view": output.view});
    if !output.sort_by.is_empty() {
        let key = |key: &super::SortKey| json!({"column": key.column, "descending": key.descending});
        entry["sort_by"] = output.sort_by.iter().map(key).collect();
    }
    if output.location != output.table {
        entry["delta_location"] = json!(output.location);
    }
    if output.appends {
        entry["materialization_mode"] = json!("Append");
    }
    if !output.partition_by.is_empty() {
        entry["partition_by"] = json!(output.partition_by);
    }
    entry
}
