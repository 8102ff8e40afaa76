//! A generated spec as the text that the program reads.

use serde_json::{Map, Value as Json, json};

use super::query::listed;
use super::{Input, JoinKind, Measure, Op, Output, Plan, Relate, Side, SpanRelation, View};

/// The spec: YAML with a line for each input, view and output, which are JSON.
#[must_use]
pub fn spec_text(plan: &Plan) -> String {
    let list = |entries: Vec<Json>| entries.iter().map(|entry| format!("  - {entry}\n")).collect::<String>();
    let mut text = format!(
        "version: 4\ninput_relations:\n{}view_definitions:{}\n{}output_targets:\n{}",
        list(plan.inputs.iter().map(input).collect()),
        if plan.views.is_empty() { " []" } else { "" },
        list(plan.views.iter().map(view).collect()),
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
    text
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
    if !output.partition_by.is_empty() {
        entry["partition_by"] = json!(output.partition_by);
    }
    entry
}

fn view(view: &View) -> Json {
    let mut transform = fields(&view.op);
    transform.insert("kind".to_owned(), json!(view.op.kind()));
    json!({"name": view.name, "transform": transform})
}

fn fields(op: &Op) -> Map<String, Json> {
    let named = |name: &String, expr: &dyn std::fmt::Display| json!({"name": name, "expr": expr.to_string()});
    let fields = match op {
        Op::Filter { source, predicate } => json!({"source": source, "predicate": predicate.to_string()}),
        Op::Project { source, columns } => {
            let columns: Vec<Json> = columns.iter().map(|(name, expr)| named(name, expr)).collect();
            json!({"source": source, "columns": columns})
        }
        Op::Aggregate { source, group } => {
            let keys: Vec<Json> = group.keys.iter().map(|(name, expr)| named(name, expr)).collect();
            let measures: Vec<Json> = group.measures.iter().map(|(name, one)| measure(name, one)).collect();
            json!({"source": source, "group_by": keys, "aggregations": measures})
        }
        Op::Window { source, columns } => {
            let columns: Vec<Json> = columns.iter().map(|(name, call)| named(name, call)).collect();
            json!({"source": source, "columns": columns})
        }
        Op::Unnest { source, column, alias, keep_empty } => {
            json!({"source": source, "column": column, "alias": alias, "keep_empty": keep_empty})
        }
        Op::Union { sources, discriminator, distinct } => {
            let mut fields = json!({"sources": sources, "distinct": distinct});
            if let Some(column) = discriminator {
                fields["discriminator_column"] = json!(column);
            }
            fields
        }
        Op::Relate(relate) => relation(relate),
        Op::Query(query) => json!({"query": query.to_string()}),
    };
    match fields {
        Json::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn measure(name: &str, measure: &Measure) -> Json {
    let mut entry = json!({"function": measure.function.name(), "alias": name});
    if let Some(argument) = &measure.argument {
        entry["arguments"] = json!([argument.to_string()]);
    }
    if measure.distinct {
        entry["distinct"] = json!(true);
    }
    if let Some(filter) = &measure.filter {
        entry["filter"] = json!(filter.to_string());
    }
    if !measure.order.is_empty() {
        entry["order_by"] =
            json!(measure.order.iter().map(|key| listed(std::slice::from_ref(key))).collect::<Vec<_>>());
    }
    entry
}

fn relation(relate: &Relate) -> Json {
    let kind = match relate.kind {
        JoinKind::Inner => "Inner",
        JoinKind::Left => "Left",
        JoinKind::Right => "Right",
        JoinKind::Full => "Full",
        JoinKind::Semi => "Semi",
        JoinKind::Anti => "Anti",
    };
    let on: Vec<Json> = relate.on.iter().map(|(left, right)| json!({"left": left, "right": right})).collect();
    let mut fields = json!({"left": relate.left, "right": relate.right, "join_type": kind, "on": on});
    if let Some(span) = &relate.span {
        let word = match span.relation {
            SpanRelation::Contains => "contains",
            SpanRelation::Within => "within",
            SpanRelation::Overlaps => "overlaps",
            SpanRelation::Equals => "equals",
        };
        fields["span"] = json!({"relation": word, "left": span.left, "right": span.right});
        if span.innermost {
            fields["innermost"] = json!(true);
        }
    }
    if !relate.select.is_empty() {
        let entry = |(side, column, name): &(Side, String, String)| {
            let side = if *side == Side::Left { "left" } else { "right" };
            format!("{side}.{column} as {name}")
        };
        fields["select"] = relate.select.iter().map(entry).collect();
    }
    fields
}
