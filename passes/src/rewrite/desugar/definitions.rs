//! Definitions of WITH, and subqueries that values are compared with, that must be computed once.
//!
//! ```text
//! v = query t query=(WITH r AS (SELECT id, random() AS x FROM t) SELECT a.x FROM r a JOIN r b ON a.x = b.x) relations=[t]
//! ```
//! becomes
//! ```text
//! v = query v.r query=(WITH r AS (SELECT * FROM "r 2") SELECT a.x FROM r a JOIN r b ON a.x = b.x) relations=["r 2"]
//! v.r = query t query=(WITH r AS (SELECT id, random() AS x FROM t) SELECT * FROM "r") relations=[t]
//! ```
//!
//! A planner puts a definition wherever it is named, so each place would see rows of its own. Which parts of a query may
//! be computed more than once says [`Query::repeated_parts`]; which of them must not be, the analysis of determinism.
//! What is cut out is a node with several readers like any other, which `place` shares. It may hold definitions itself,
//! and is looked at again. A definition that depends on the query around it cannot be cut out; it is refused.

use ir::determinism::Determinism;
use ir::diag::{Diagnostic, codes};
use ir::expr::{Part, Query};
use ir::graph::{Graph, Node, NodeId};
use ir::op::{self, Op};
use ir::origin::SpecField;
use ir::schema::Schema;

use crate::analysis::determinism::{Permission, Rewrite, permission};
use crate::context::Context;

/// Cuts out of a query what must be computed once.
pub(super) fn cut_out(graph: &mut Graph, cx: &mut Context<'_>, id: NodeId) {
    let mut waiting = vec![id];
    while let Some(id) = waiting.pop() {
        while let Some(found) = next(graph, cx, id) {
            match found {
                Ok(cut) => waiting.push(apply(graph, cx, id, cut)),
                Err(diagnostic) => {
                    let node = &graph[id];
                    let diagnostic = diagnostic.at(cx.place(node, SpecField::Transform));
                    cx.leave_out(node.owner.clone());
                    cx.report(diagnostic);
                    return;
                }
            }
        }
    }
}

/// What is cut out of a query.
struct Cut {
    /// How the step is called.
    name: String,
    /// What computes it, with its columns.
    step: op::Query,
    /// What it reads, by the ports of the query.
    ports: Vec<usize>,
    schema: Schema,
    /// The rest of the query.
    rest: Query,
}

/// The first part of a query that must be computed once and may be computed more often.
fn next(graph: &Graph, cx: &Context<'_>, id: NodeId) -> Option<Result<Cut, Diagnostic>> {
    let Op::Query(query) = &graph[id].op else { return None };
    let recomputable = |level: Determinism| permission(level, Rewrite::Recompute) != Permission::No;
    let inputs = graph.input_schemas(id);
    if recomputable(cx.oracle.determinism(&graph[id], &inputs)) {
        return None;
    }
    for part in query.query.repeated_parts() {
        let Some((step, ports, schema)) = typed(cx, query, &inputs, &part) else {
            // The engine knows whether a subquery that depends on the query around it is computed more than once.
            match &part.definition {
                Some(name) => return Some(Err(refused(name))),
                None => continue,
            }
        };
        let read: Vec<&Schema> = ports.iter().map(|port| inputs[*port]).collect();
        let node = Node::new("part", Op::Query(step.clone()));
        if recomputable(cx.oracle.determinism(&node, &read)) {
            continue;
        }
        let name = part.definition.clone().unwrap_or_else(|| "compared".to_owned());
        let rest = query.query.reading(&part, &query.query.free_relation_name(&name));
        let refused = refused(&name);
        let cut = rest.map(|rest| Cut { name, step, ports, schema, rest });
        return Some(cut.ok_or(refused));
    }
    None
}

/// The query that computes a part alone, the ports of the whole query that it reads, and its columns. Nothing where it
/// needs what is around it.
fn typed(
    cx: &Context<'_>,
    query: &op::Query,
    inputs: &[&Schema],
    part: &Part,
) -> Option<(op::Query, Vec<usize>, Schema)> {
    let alone = part.alone.clone()?;
    let relations: Vec<String> = alone.relations().into_iter().collect();
    let ports: Vec<usize> =
        relations.iter().map(|name| position(&query.relations, name)).collect::<Option<_>>()?;
    let read: Vec<&Schema> = ports.iter().map(|port| inputs[*port]).collect();
    let step = op::Query { query: alone, relations };
    let schema = cx.oracle.schema(&Node::new("part", Op::Query(step.clone())), &read).ok()?;
    Some((step, ports, schema))
}

fn position(relations: &[String], name: &str) -> Option<usize> {
    relations.iter().position(|relation| relation == name)
}

fn refused(name: &str) -> Diagnostic {
    let message = format!(
        "`{name}` gives other rows each time it is computed, it is read more than once, and it depends on the query around \
         it, so it cannot be computed once for all"
    );
    Diagnostic::new(codes::NOT_COMPUTED, message)
        .found(name)
        .help("write it as a view of its own, and read that")
}

/// Makes a part a step of its own that the query reads. The step is the result.
fn apply(graph: &mut Graph, cx: &mut Context<'_>, id: NodeId, cut: Cut) -> NodeId {
    let Cut { name, step, ports, schema, rest } = cut;
    let before = graph.inputs(id);
    let new = graph.add_step(id, &name, Op::Query(step));
    graph.set_inputs(new, &ports.iter().map(|port| before[*port]).collect::<Vec<_>>());
    graph[new].schema = Some(schema);
    cx.remark(format!(
        "{name} of {} gives other rows each time and is read more than once: it is computed once, as {}",
        graph.name_of(id),
        graph.name_of(new)
    ));
    let relations: Vec<String> = rest.relations().into_iter().collect();
    let Op::Query(query) = &mut graph[id].op else { return new };
    let old = std::mem::replace(query, op::Query { query: rest, relations: relations.clone() });
    let input = |own: &String| match position(&old.relations, own) {
        Some(port) => before[port],
        None => new,
    };
    graph.set_inputs(id, &relations.iter().map(input).collect::<Vec<_>>());
    new
}
