//! Demand: which columns of a node its readers use.

use std::collections::{BTreeMap, BTreeSet};

use ir::graph::{Graph, NodeId};
use ir::op::{JoinColumn, Op, Side};
use ir::schema::Schema;

/// The columns of every node that its readers use. A node nobody reads has none.
#[must_use]
pub fn columns(graph: &Graph) -> BTreeMap<NodeId, BTreeSet<String>> {
    let mut demand: BTreeMap<NodeId, BTreeSet<String>> = BTreeMap::new();
    for id in graph.topological().into_iter().rev() {
        let wanted = demand.entry(id).or_default().clone();
        for (port, input) in graph.ports(id) {
            let used = of_input(&graph[id].op, port, &wanted, graph.schema(input));
            demand.entry(input).or_default().extend(used);
        }
    }
    demand
}

/// The columns an operation uses of input `port` when `wanted` columns of its own output are used.
fn of_input(op: &Op, port: usize, wanted: &BTreeSet<String>, input: &Schema) -> BTreeSet<String> {
    let all = || input.names().map(str::to_owned).collect();
    let mut used: BTreeSet<String> = op.column_uses(port).into_iter().map(str::to_owned).collect();
    match op {
        Op::Filter(filter) => {
            used.extend(wanted.iter().cloned());
            used.extend(filter.predicate.columns());
        }
        Op::Project(project) => {
            let kept = kept(&project.columns.0, |column| &column.name, wanted, true);
            used.extend(kept.flat_map(|column| column.expr.columns()));
        }
        Op::Window(window) => {
            used.extend(wanted.iter().filter(|name| input.contains(name)).cloned());
            let kept = kept(&window.columns.0, |column| &column.name, wanted, true);
            used.extend(kept.flat_map(|column| column.expr.columns()));
        }
        Op::Aggregate(aggregate) => {
            used.extend(aggregate.group_by.iter().flat_map(|column| column.expr.columns()));
            let must_have_one = aggregate.group_by.is_empty();
            let kept = kept(&aggregate.measures.0, |column| &column.name, wanted, must_have_one);
            used.extend(kept.flat_map(|column| column.expr.columns()));
        }
        Op::Unnest(unnest) => {
            let element = unnest.alias.as_ref().unwrap_or(&unnest.column);
            used.extend(wanted.iter().filter(|name| *name != element).cloned());
        }
        Op::Query(query) => match query.query.mentioned_names() {
            Some(names) => used.extend(names.iter().filter(|name| input.contains(name)).cloned()),
            None => return all(),
        },
        Op::Join(join) => used.extend(of_join(&join.columns, port, wanted)),
        // Of several containers with equal spans the greatest by all columns is taken.
        Op::SpanJoin(join) if join.innermost && join.container() == Some(port) => return all(),
        Op::SpanJoin(join) => used.extend(of_join(&join.columns, port, wanted)),
        Op::Union(_) => {
            // Columns of a union are matched by position; the inputs have the same names by invariant.
            used.extend(wanted.iter().cloned());
            // It keeps its first column where nothing is wanted.
            if wanted.is_empty() {
                used.extend(input.names().next().map(str::to_owned));
            }
        }
        // Distinct compares all columns; a sink writes all, and a check shows them; surface operations are taken as a whole.
        Op::Distinct(_)
        | Op::Sink(_)
        | Op::Check(_)
        | Op::Written(_)
        | Op::Normalize(_)
        | Op::Relate(_)
        | Op::UnionByName(_)
        | Op::Conform(_)
        | Op::ChangeFeed(_)
        | Op::TableMetadata(_)
        | Op::FileManifest(_) => return all(),
        Op::Input(_) | Op::Scan(_) => {}
    }
    used
}

fn of_join<'a>(
    columns: &'a [JoinColumn],
    port: usize,
    wanted: &'a BTreeSet<String>,
) -> impl Iterator<Item = String> + 'a {
    kept(columns, |column| &column.name, wanted, true)
        .filter(move |column| (column.from == Side::Right) == (port == 1))
        .map(|column| column.column.clone())
}

/// The columns of an operation that stay when only some are wanted: an operation that must have one keeps its first.
pub fn kept<'c, C>(
    columns: &'c [C],
    name: impl Fn(&C) -> &str,
    wanted: &BTreeSet<String>,
    must_have_one: bool,
) -> impl Iterator<Item = &'c C> {
    let is_wanted: Vec<bool> = columns.iter().map(|column| wanted.contains(name(column))).collect();
    let none = must_have_one && !is_wanted.contains(&true);
    let stays = is_wanted.into_iter().enumerate().map(move |(at, wanted)| wanted || none && at == 0);
    columns.iter().zip(stays).filter(|(_, stays)| *stays).map(|(column, _)| column)
}
