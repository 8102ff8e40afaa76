//! Graphs and compilations as JSON, for programs that look at them.

use std::collections::BTreeSet;

use ir::graph::{Graph, NodeId, Owner, Role};
use ir::phase::Phase;
use ir::schema::Schema;
use pipeline::Compilation;
use serde_json::{Value, json};

use crate::failure::Failure;

/// A compilation: its graph, and beside it, as `compilation`, what identifies it and what its schedule says of time.
pub(crate) fn compilation_json(compilation: &Compilation) -> Result<Value, Failure> {
    let mut value = graph_json(&compilation.graph);
    value["compilation"] = serde_json::to_value(compilation.response()?)
        .map_err(|error| Failure::Bug(format!("the compilation has no JSON form: {error}")))?;
    Ok(value)
}

/// The graph: its header, its nodes in topological order with their inputs by name, and its segments. The fields of
/// operations are those of the text form.
pub(crate) fn graph_json(graph: &Graph) -> Value {
    let mut order = graph.topological();
    // A graph with a cycle has nodes that no order contains.
    let ordered: BTreeSet<NodeId> = order.iter().copied().collect();
    order.extend(graph.ids().filter(|id| !ordered.contains(id)));
    json!({
        "name": graph.name,
        "phase": graph.phase.name(),
        "parameters": graph.parameters,
        "cache": graph.cache,
        "nodes": order.into_iter().map(|id| node_json(graph, id)).collect::<Vec<_>>(),
        "segments": graph.schedule.as_ref().map(|schedule| &schedule.segments),
    })
}

fn node_json(graph: &Graph, id: NodeId) -> Value {
    let node = &graph[id];
    let inputs: Vec<&str> = if graph.phase == Phase::Lowered {
        node.sources.iter().map(String::as_str).collect()
    } else {
        graph.inputs(id).into_iter().map(|input| graph.name_of(input)).collect()
    };
    json!({
        "name": node.name,
        "owner": {"kind": if node.owner.is_output() { "output" } else { "view" }, "name": node.owner.name()},
        "is_step": node.role == Role::Step,
        "operation": node.op,
        "inputs": inputs,
        "schema": node.schema.as_ref().map(schema_json),
        "expects": node.contract.as_ref().map(schema_json),
        "placement": node.placement.as_ref().map(|placement| {
            json!({"choice": placement.choice.name(), "reason": placement.reason})
        }),
    })
}

fn schema_json(schema: &Schema) -> Value {
    let column = |field: &arrow::datatypes::Field| json!({"name": field.name(), "type": field.data_type().to_string(), "nullable": field.is_nullable()});
    schema.fields().map(column).collect()
}

/// How many inputs, views and outputs of its spec a compilation has.
pub(crate) fn parts_in_scope(compilation: &Compilation) -> [usize; 3] {
    let (spec, in_scope) = (&compilation.source.spec, &compilation.in_scope);
    let has_view = |name: &str| in_scope.has(&Owner::View(name.to_owned()));
    let has_output = |name: &str| in_scope.has(&Owner::Output(name.to_owned()));
    [
        spec.input_relations.iter().filter(|input| has_view(&input.logical_name)).count(),
        spec.view_definitions.iter().filter(|view| has_view(&view.name)).count(),
        spec.output_targets.iter().filter(|output| has_output(&output.table_name)).count(),
    ]
}
