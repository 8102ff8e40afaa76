//! Invariants of single nodes and their inputs.

use std::collections::BTreeSet;

use super::{Report, Rule, is_leaf};
use crate::expr::ScalarExpr;
use crate::graph::{Graph, Node, NodeId, Owner, Role};
use crate::op::{JoinColumn, JoinType, Op, Side};
use crate::oracle::Oracle;
use crate::phase::Phase;
use crate::schema::Schema;

pub(super) fn check(graph: &Graph, id: NodeId, oracle: &dyn Oracle, report: &mut Report) {
    let node = &graph[id];
    check_part(node, report);
    check_phase(graph, node, report);
    let wired = check_inputs(graph, id, node, report);
    check_schema(graph, node, report);
    check_readers(graph, id, node, report);
    if graph.phase >= Phase::Typed && wired {
        let inputs: Vec<Option<&Schema>> =
            graph.inputs(id).into_iter().map(|input| graph[input].schema.as_ref()).collect();
        if let Some(inputs) = inputs.into_iter().collect::<Option<Vec<_>>>() {
            check_columns(node, &inputs, report);
            check_derived(graph, node, &inputs, oracle, report);
        }
    }
}

/// Readers find a view by its name, so that is the name of its result; what writes the table of an output is its sink, and
/// what counts the failing rows of an assertion is its check.
fn check_part(node: &Node, report: &mut Report) {
    let (keyword, result) = (node.op.keyword(), node.role == Role::Result);
    let output_result = result && node.owner.is_output();
    let assertion_result = result && matches!(node.owner, Owner::Assertion(_));
    if node.is_sink() && !output_result {
        report.add(&node.name, Rule::V01, "a sink is not the result of an output");
    } else if !node.is_sink() && output_result {
        report.add(&node.name, Rule::V01, format!("the result of an output is a {keyword}, not a sink"));
    } else if node.is_check() && !assertion_result {
        report.add(&node.name, Rule::V01, "a check is not the result of an assertion");
    } else if !node.is_check() && assertion_result {
        report.add(&node.name, Rule::V01, format!("the result of an assertion is a {keyword}, not a check"));
    } else if result && !node.owner.is_output() && node.owner.name() != node.name {
        let view = node.owner.name();
        report.add(&node.name, Rule::V01, format!("is the result of `{view}` and has another name"));
    }
}

fn check_phase(graph: &Graph, node: &Node, report: &mut Report) {
    let phase = graph.phase;
    if !node.op.allowed_in(phase) {
        report.add(&node.name, Rule::V02, format!("{} is not allowed in phase {phase}", node.op.keyword()));
    }
    if phase >= Phase::Core && node.contract.is_some() {
        report.add(&node.name, Rule::V10, format!("a view contract is left in phase {phase}"));
    }
    if phase >= Phase::Bound {
        let mut left: BTreeSet<String> =
            node.op.expressions().iter().flat_map(|used| used.expr.placeholders()).collect();
        if let Op::Query(query) = &node.op {
            left.extend(query.query.placeholders().iter().cloned());
        }
        for name in left {
            report.add(&node.name, Rule::V09, format!("placeholder {name} is left"));
        }
    }
}

/// Whether the inputs are complete, so that checks against them make sense.
fn check_inputs(graph: &Graph, id: NodeId, node: &Node, report: &mut Report) -> bool {
    let ports: Vec<usize> = graph.ports(id).into_iter().map(|(port, _)| port).collect();
    let count = if graph.phase == Phase::Lowered {
        if !ports.is_empty() {
            report.add(&node.name, Rule::V03, "has edges in phase lowered");
        }
        node.sources.len()
    } else {
        if !node.sources.is_empty() {
            report.add(
                &node.name,
                Rule::V03,
                format!("unresolved source names: {}", node.sources.join(", ")),
            );
        }
        ports.len()
    };
    let arity = node.op.arity();
    let contiguous = ports.iter().copied().eq(0..ports.len());
    if !arity.allows(count) {
        report.add(&node.name, Rule::V03, format!("{} takes {arity} inputs, has {count}", node.op.keyword()));
    } else if !contiguous {
        report.add(&node.name, Rule::V03, format!("ports are {ports:?}"));
    }
    arity.allows(count) && contiguous
}

fn check_schema(graph: &Graph, node: &Node, report: &mut Report) {
    let needed = match graph.phase {
        Phase::Lowered => false,
        Phase::Resolved => is_leaf(&node.op),
        Phase::Typed | Phase::Bound | Phase::Core | Phase::Placed | Phase::Scheduled => true,
    };
    match &node.schema {
        None if needed => report.add(&node.name, Rule::V05, "has no schema"),
        None => {}
        Some(schema) => {
            let mut seen = BTreeSet::new();
            for name in schema.names().filter(|name| !seen.insert(*name)) {
                report.add(&node.name, Rule::V05, format!("two columns are named `{name}`"));
            }
        }
    }
}

fn check_readers(graph: &Graph, id: NodeId, node: &Node, report: &mut Report) {
    let readers = graph.reads(id);
    if readers > 0 && node.is_check() {
        report.add(&node.name, Rule::V08, "a check is read");
    }
    let written = |reader: &NodeId| matches!(graph[*reader].op, Op::Written(_));
    if node.is_sink() && !graph.consumers(id).iter().all(|(reader, _)| written(reader)) {
        report.add(&node.name, Rule::V08, "a sink is read by something else than `written`");
    }
    if matches!(node.op, Op::Written(_)) && !graph.inputs(id).iter().all(|input| graph[*input].is_sink()) {
        report.add(&node.name, Rule::V08, "reads what is written of something else than a sink");
    }
    match (&node.placement, graph.phase >= Phase::Placed) {
        (None, true) if readers > 1 && !node.is_sink() => {
            report.add(&node.name, Rule::V11, format!("{readers} readers and no placement"))
        }
        (Some(_), false) => {
            report.add(&node.name, Rule::V11, format!("has a placement in phase {}", graph.phase))
        }
        (Some(_), true) if node.is_root() => {
            report.add(&node.name, Rule::V11, "a sink or a check has a placement")
        }
        _ => {}
    }
}

/// Columns that the operation names must be columns of its inputs.
fn check_columns(node: &Node, inputs: &[&Schema], report: &mut Report) {
    for (port, input) in inputs.iter().enumerate() {
        for column in node.op.column_uses(port).into_iter().filter(|column| !input.contains(column)) {
            report.add(&node.name, Rule::V06, format!("input {port} has no column `{column}`"));
        }
    }
    if let [input] = inputs {
        let read: BTreeSet<String> =
            node.op.expressions().iter().flat_map(|used| ScalarExpr::columns(used.expr)).collect();
        for column in read.iter().filter(|column| !input.contains(column)) {
            report.add(
                &node.name,
                Rule::V06,
                format!("an expression reads `{column}`, which the input does not have"),
            );
        }
    }
    match &node.op {
        Op::Join(join) => check_join(node, join.join_type, &join.columns, inputs, report),
        Op::SpanJoin(join) => {
            check_join(node, join.join_type, &join.columns, inputs, report);
            if matches!(join.join_type, JoinType::Right | JoinType::Full) {
                report.add(&node.name, Rule::V13, "a span join cannot keep right rows without a match");
            }
        }
        Op::Union(_) => {
            for (port, input) in inputs.iter().enumerate().skip(1) {
                let columns = |schema: &Schema| -> Vec<_> {
                    schema.fields().map(|field| (field.name().clone(), field.data_type().clone())).collect()
                };
                if inputs.first().map(|first| columns(first)) != Some(columns(input)) {
                    report.add(&node.name, Rule::V14, format!("input {port} has other columns than input 0"));
                }
            }
        }
        Op::Input(_)
        | Op::ChangeFeed(_)
        | Op::TableMetadata(_)
        | Op::FileManifest(_)
        | Op::Normalize(_)
        | Op::Relate(_)
        | Op::UnionByName(_)
        | Op::Conform(_)
        | Op::Scan(_)
        | Op::Filter(_)
        | Op::Project(_)
        | Op::Aggregate(_)
        | Op::Window(_)
        | Op::Unnest(_)
        | Op::Query(_)
        | Op::Distinct(_)
        | Op::Sink(_)
        | Op::Check(_)
        | Op::Written(_) => {}
    }
}

fn check_join(
    node: &Node,
    join_type: JoinType,
    columns: &[JoinColumn],
    inputs: &[&Schema],
    report: &mut Report,
) {
    let mut names = BTreeSet::new();
    for column in columns {
        let port = usize::from(column.from == Side::Right);
        if port == 1 && !join_type.keeps_right() {
            report.add(
                &node.name,
                Rule::V13,
                format!("`{}` comes from the right side, which is not kept", column.name),
            );
        }
        if !inputs.get(port).is_some_and(|input| input.contains(&column.column)) {
            report.add(&node.name, Rule::V13, format!("input {port} has no column `{}`", column.column));
        }
        if !names.insert(&column.name) {
            report.add(&node.name, Rule::V13, format!("two output columns are named `{}`", column.name));
        }
    }
}

fn check_derived(graph: &Graph, node: &Node, inputs: &[&Schema], oracle: &dyn Oracle, report: &mut Report) {
    let of_a_table = is_leaf(&node.op) || matches!(node.op, Op::Written(_));
    let core = !of_a_table && node.op.allowed_in(Phase::Core);
    let unbound = graph.phase < Phase::Bound && !graph.parameters.is_empty();
    let (Some(schema), true, false) = (&node.schema, core, unbound) else { return };
    match oracle.schema(node, inputs) {
        Ok(derived) if derived == *schema => {}
        Ok(derived) => {
            report.add(&node.name, Rule::V07, format!("the schema says {schema}, derived is {derived}"))
        }
        Err(error) => {
            report.add(&node.name, Rule::V07, format!("the operation does not fit its inputs: {error}"))
        }
    }
}
