//! Tables that are put together in one view: whether their formats agree. Part of validation.
//!
//! A table that maps its columns by id and one that maps them by name have columns of one name that need not be the same
//! column, so a join or a union of the two is refused; which is meant, a view in between must say. Tables of different
//! protocol versions can be read together and are warned of. A table without a mapping agrees with every other.

use std::collections::{BTreeMap, BTreeSet};

use ir::diag::{Diagnostic, codes};
use ir::graph::{Graph, NodeId};
use ir::op::{Op, Read};
use ir::oracle::TableFormat;
use ir::origin::SpecField;

use crate::context::Context;

/// The formats of the tables below a node, each with the name of the first scan that has it. There are few, however many
/// tables there are.
type Formats = BTreeMap<TableFormat, String>;

pub(super) fn check(graph: &Graph, cx: &mut Context<'_>) {
    let is_combination = |id: NodeId| matches!(graph[id].op, Op::Relate(_) | Op::UnionByName(_));
    if !graph.ids().any(is_combination) {
        return;
    }
    let mut below: BTreeMap<NodeId, Formats> = BTreeMap::new();
    for id in graph.topological() {
        let mut formats = Formats::new();
        let sources: Vec<&Formats> = graph.inputs(id).iter().filter_map(|input| below.get(input)).collect();
        for (format, scan) in sources.iter().flat_map(|source| source.iter()) {
            formats.entry(format.clone()).or_insert_with(|| scan.clone());
        }
        if is_combination(id) && sources.iter().all(|source| source.len() < formats.len()) {
            report(graph, cx, id, &formats);
        }
        if let Op::Scan(scan) = &graph[id].op
            && matches!(scan.read, Read::Rows | Read::Changes(_))
            && let Some(format) = cx.oracle.format(scan)
        {
            formats.insert(format, graph.name_of(id).to_owned());
        }
        below.insert(id, formats);
    }
}

/// Says what is different about the tables a node puts together.
fn report(graph: &Graph, cx: &mut Context<'_>, id: NodeId, formats: &Formats) {
    let node = &graph[id];
    if cx.is_broken(node) {
        return;
    }
    let place = cx.place(node, SpecField::Transform);
    let mappings: BTreeMap<&str, &String> =
        formats.iter().filter_map(|(format, scan)| Some((format.column_mapping.as_deref()?, scan))).collect();
    if mappings.len() > 1 {
        let list: Vec<String> =
            mappings.iter().map(|(mode, scan)| format!("`{scan}` maps columns by {mode}")).collect();
        let message = format!("{}; they cannot be put together", list.join(", "));
        cx.report(Diagnostic::new(codes::DELTA_MISMATCH, message).at(place));
        return;
    }
    let versions: BTreeSet<(i32, i32)> =
        formats.keys().map(|format| (format.min_reader_version, format.min_writer_version)).collect();
    if versions.len() > 1 {
        let list: Vec<String> = formats
            .iter()
            .map(|(format, scan)| {
                let TableFormat { min_reader_version, min_writer_version, .. } = format;
                format!(
                    "`{scan}` has reader version {min_reader_version} and writer version {min_writer_version}"
                )
            })
            .collect();
        let tables: Vec<&str> = formats.values().map(String::as_str).collect();
        let found = Diagnostic::new(codes::MIXED_PROTOCOLS, list.join(", ")).at(place);
        cx.report(found.about("view", node.owner.name()).about("tables", tables.join(", ")));
    }
}
