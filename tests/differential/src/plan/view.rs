//! A view as entries of a spec.

use serde_json::{Map, Value as Json, json};

use super::query::listed;
use super::{
    Aggregate, Column, Graph, GraphTable, JoinKind, LogRead, Measure, Normalize, Op, Relate, Side,
    SpanRelation, View,
};

/// The view, and before it those that it is made by, where it is written as several.
pub(super) fn entries(view: &View) -> Vec<Json> {
    let name = &view.name;
    match &view.op {
        Op::Normalize(normalize) if normalize.span.is_some() => spans(name, normalize, &view.columns),
        Op::Graph(graph) => table_of_graph(name, graph, &view.columns),
        Op::Log(source, LogRead::Version) => {
            let facts = format!("{name}_facts");
            let column = json!([{"name": view.columns[0].0, "expr": "version"}]);
            vec![
                entry(&facts, json!({"kind": "Metadata", "source": source})),
                entry(name, json!({"kind": "Project", "source": facts, "columns": column})),
            ]
        }
        Op::Log(source, LogRead::Files) => {
            let files = format!("{name}_files");
            let columns = json!([
                {"name": view.columns[0].0, "expr": "rows"},
                {"name": view.columns[1].0, "expr": "deleted_rows"},
            ]);
            vec![
                entry(&files, json!({"kind": "FileManifest", "source": source})),
                entry(name, json!({"kind": "Project", "source": files, "columns": columns})),
            ]
        }
        op => {
            let mut transform = fields(op);
            transform.insert("kind".to_owned(), json!(op.kind()));
            vec![entry(name, Json::Object(transform))]
        }
    }
}

fn entry(name: &str, transform: Json) -> Json {
    json!({"name": name, "transform": transform})
}

fn normalized(normalize: &Normalize) -> Json {
    let mut fields = json!({"source": normalize.source});
    if !normalize.id_columns.is_empty() {
        fields["id_columns"] = json!(normalize.id_columns);
    }
    if let Some((columns, _)) = &normalize.span {
        fields["span_columns"] = json!(columns);
    }
    if !normalize.text_columns.is_empty() {
        fields["text_columns"] = json!(normalize.text_columns);
    }
    fields
}

/// Spans, and their lengths in their place.
fn spans(name: &str, normalize: &Normalize, columns: &[Column]) -> Vec<Json> {
    let with_spans = normalize.kind(name);
    let mut transform = normalized(normalize);
    transform["kind"] = json!("Normalize");
    let columns: Vec<Json> = columns
        .iter()
        .map(|(column, _)| match &normalize.span {
            Some((_, length)) if length == column => {
                json!({"name": column, "expr": "CAST(span_len(span) AS BIGINT)"})
            }
            _ => json!(column),
        })
        .collect();
    let lengths = json!({"kind": "Project", "source": with_spans, "columns": columns});
    vec![entry(&with_spans, transform), entry(name, lengths)]
}

/// Rows of the form that the table needs, the table, and its rows as they were.
fn table_of_graph(name: &str, graph: &Graph, columns: &[Column]) -> Vec<Json> {
    let mut entries = Vec::new();
    let mut sources = Vec::new();
    let (id, number, text, further): (&str, &str, &str, &[(&str, &str)]) = match graph.table {
        GraphTable::Nodes => ("node_id", "bstart", "node_kind", &[]),
        GraphTable::Props | GraphTable::PropsMap => {
            ("entity_id", "value_int", "entity_kind", &[("prop_key", "'key'"), ("value_type", "'int'")])
        }
        GraphTable::EdgesByDst => {
            ("src_node_id", "bstart", "edge_kind", &[("edge_id", "7"), ("dst_node_id", "3")])
        }
        GraphTable::Edges | GraphTable::EdgesBySrc => {
            ("edge_id", "bstart", "edge_kind", &[("src_node_id", "7"), ("dst_node_id", "3")])
        }
    };
    for (at, (source, [own_id, own_number, own_text])) in graph.sources.iter().enumerate() {
        let rows = format!("{name}_rows{at}");
        let mut columns = vec![
            json!({"name": id, "expr": format!("coalesce({own_id}, -1)")}),
            json!({"name": text, "expr": format!("coalesce({own_text}, '')")}),
            json!({"name": number, "expr": own_number}),
        ];
        columns.extend(further.iter().map(|(name, expr)| json!({"name": name, "expr": expr})));
        entries.push(entry(&rows, json!({"kind": "Project", "source": source, "columns": columns})));
        sources.push(rows);
    }
    let table = format!("{name}_table");
    let kind = format!("{:?}", graph.table);
    entries.push(entry(&table, json!({"kind": "CpgEmit", "output_kind": kind, "sources": sources})));
    let (list, inside) = match graph.table {
        GraphTable::PropsMap => ("props", &[number][..]),
        GraphTable::EdgesBySrc | GraphTable::EdgesByDst => ("edges", &[id, text, number][..]),
        _ => ("", &[][..]),
    };
    let flat = format!("{name}_flat");
    if !list.is_empty() {
        entries.push(entry(
            &flat,
            json!({"kind": "Unnest", "source": table, "column": list, "alias": "element"}),
        ));
    }
    let read = if list.is_empty() { table } else { flat };
    let back: Vec<Json> = columns
        .iter()
        .zip([id, number, text])
        .map(|((column, _), from)| {
            let expr = if inside.contains(&from) { format!("element['{from}']") } else { from.to_owned() };
            json!({"name": column, "expr": expr})
        })
        .collect();
    entries.push(entry(name, json!({"kind": "Project", "source": read, "columns": back})));
    entries
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
        Op::Normalize(normalize) => normalized(normalize),
        Op::Log(source, LogRead::Changes { from, to }) => {
            let mut fields = json!({"source": source});
            for (name, bound) in [("starting_version", from), ("ending_version", to)] {
                bound.iter().for_each(|version| fields[name] = json!(version));
            }
            fields
        }
        // Written as several views.
        Op::Graph(_) | Op::Log(..) => Json::Null,
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
    if measure.function == Aggregate::ArrayAggSorted {
        let keys = measure.order.iter().map(|key| key.column.clone());
        entry["arguments"] =
            measure.argument.iter().map(ToString::to_string).chain(keys).collect::<Vec<_>>().into();
    } else if !measure.order.is_empty() {
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
    if let Some(suffix) = &relate.suffix {
        fields["suffix"] = json!(suffix);
    } else if !relate.select.is_empty() {
        let entry = |(side, column, name): &(Side, String, String)| {
            let side = if *side == Side::Left { "left" } else { "right" };
            format!("{side}.{column} as {name}")
        };
        fields["select"] = relate.select.iter().map(entry).collect();
    }
    fields
}
