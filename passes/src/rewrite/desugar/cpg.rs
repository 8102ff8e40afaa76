//! `cpg_emit`: the tables of a code property graph.
//!
//! Nodes, edges and properties are stacked sources brought to the table's columns: the ones listed here first, then
//! whatever else the sources have. The other three tables are grouped from them: a row per entity or node with an
//! ordered list of what belongs to it.

use arrow_schema::DataType;
use ir::diag::{Diagnostic, codes};
use ir::expr::{NamedExpr, ScalarExpr};
use ir::op::{Aggregate, CpgTable, Op};
use ir::origin::SpecField;
use ir::schema::{Schema, same_logical_type};

use super::{Expansion, Issue, union};

/// A column of a table: its name, its type, and whether every source must have it.
type Column = (&'static str, DataType, bool);

const NODES: &[Column] = &[
    ("node_id", DataType::Int64, true),
    ("node_kind", DataType::Utf8, true),
    ("file_id", DataType::Int64, false),
    ("path", DataType::Utf8, false),
    ("bstart", DataType::Int64, false),
    ("bend", DataType::Int64, false),
    ("name", DataType::Utf8, false),
    ("language", DataType::Utf8, false),
];

const EDGES: &[Column] = &[
    ("edge_id", DataType::Int64, true),
    ("edge_kind", DataType::Utf8, true),
    ("src_node_id", DataType::Int64, true),
    ("dst_node_id", DataType::Int64, true),
    ("file_id", DataType::Int64, false),
    ("path", DataType::Utf8, false),
    ("bstart", DataType::Int64, false),
    ("bend", DataType::Int64, false),
    ("origin", DataType::Utf8, false),
    ("resolution_method", DataType::Utf8, false),
    ("confidence", DataType::Float64, false),
];

const PROPS: &[Column] = &[
    ("entity_kind", DataType::Utf8, true),
    ("entity_id", DataType::Int64, true),
    ("node_kind", DataType::Utf8, false),
    ("prop_key", DataType::Utf8, true),
    ("value_type", DataType::Utf8, true),
    ("value_string", DataType::Utf8, false),
    ("value_int", DataType::Int64, false),
    ("value_float", DataType::Float64, false),
    ("value_bool", DataType::Boolean, false),
    ("value_json", DataType::Utf8, false),
];

/// A table of lists: what rows are grouped by, the name of the list, what an element holds
/// and what the list is ordered by.
struct Grouping {
    by: &'static [&'static str],
    list: &'static str,
    element: &'static [&'static str],
    order: &'static [&'static str],
}

const PROPS_MAP: Grouping = Grouping {
    by: &["entity_kind", "entity_id", "node_kind"],
    list: "props",
    element: &[
        "prop_key",
        "value_type",
        "value_string",
        "value_int",
        "value_float",
        "value_bool",
        "value_json",
    ],
    order: &["prop_key"],
};

const EDGES_BY_SRC: Grouping = Grouping {
    by: &["src_node_id"],
    list: "edges",
    element: &[
        "edge_id",
        "edge_kind",
        "dst_node_id",
        "path",
        "bstart",
        "bend",
        "origin",
        "resolution_method",
        "confidence",
    ],
    order: &["edge_kind", "dst_node_id", "edge_id"],
};

const EDGES_BY_DST: Grouping = Grouping {
    by: &["dst_node_id"],
    list: "edges",
    element: &[
        "edge_id",
        "edge_kind",
        "src_node_id",
        "path",
        "bstart",
        "bend",
        "origin",
        "resolution_method",
        "confidence",
    ],
    order: &["edge_kind", "src_node_id", "edge_id"],
};

pub(super) fn expand<'a>(
    mut expansion: Expansion<'a>,
    table: CpgTable,
    inputs: &[&Schema],
) -> Result<Expansion<'a>, Vec<Issue>> {
    let (rows, grouping) = match table {
        CpgTable::Nodes => (NODES, None),
        CpgTable::Edges => (EDGES, None),
        CpgTable::Props => (PROPS, None),
        CpgTable::PropsMap => (PROPS, Some(&PROPS_MAP)),
        CpgTable::EdgesBySrc => (EDGES, Some(&EDGES_BY_SRC)),
        CpgTable::EdgesByDst => (EDGES, Some(&EDGES_BY_DST)),
    };
    let issues = check_sources(&expansion, rows, inputs);
    if !issues.is_empty() {
        return Err(issues);
    }
    let mut columns: Vec<(String, DataType)> = rows
        .iter()
        .map(|(name, data_type, _)| ((*name).to_owned(), stored_type(name, data_type, inputs)))
        .collect();
    if grouping.is_none() {
        for field in inputs.iter().flat_map(|input| input.fields()) {
            if !columns.iter().any(|(name, _)| name == field.name()) {
                columns.push((field.name().clone(), field.data_type().clone()));
            }
        }
    }
    let names: Vec<String> = (1..=inputs.len()).map(|number| format!("source{number}")).collect();
    let tags = inputs.iter().map(|_| None);
    let stacked = union::stack(&mut expansion, &names, tags, &columns, inputs)?;
    if let Some(grouping) = grouping {
        expansion.step("lists", Op::Aggregate(group(grouping)), &[stacked], inputs)?;
    }
    Ok(expansion)
}

/// The type a column gets: the first source's, where it is only another encoding of the table's type.
fn stored_type(name: &str, wanted: &DataType, inputs: &[&Schema]) -> DataType {
    inputs
        .iter()
        .filter_map(|input| input.field(name))
        .map(|field| field.data_type())
        .find(|found| same_logical_type(found, wanted))
        .unwrap_or(wanted)
        .clone()
}

/// `array_agg_sorted(named_struct(…), order…)` per group.
fn group(grouping: &Grouping) -> Aggregate {
    let element =
        grouping.element.iter().flat_map(|name| [ScalarExpr::text(name), ScalarExpr::column(name)]).collect();
    let arguments = std::iter::once(ScalarExpr::call("named_struct", element))
        .chain(grouping.order.iter().map(|name| ScalarExpr::column(name)))
        .collect();
    Aggregate {
        group_by: grouping.by.iter().map(|name| NamedExpr::column(name)).collect(),
        measures: [NamedExpr::new(grouping.list, ScalarExpr::call("array_agg_sorted", arguments))]
            .into_iter()
            .collect(),
    }
}

fn check_sources(expansion: &Expansion<'_>, rows: &[Column], inputs: &[&Schema]) -> Vec<Issue> {
    let mut issues = Vec::new();
    for (port, input) in inputs.iter().enumerate() {
        for (name, wanted, required) in rows {
            let message = match input.field(name) {
                None if *required => format!("the source has no column `{name}` ({wanted})"),
                Some(field) if !fits(expansion, field.data_type(), wanted) => {
                    format!("`{name}` is {}, the table needs {wanted}", field.data_type())
                }
                _ => continue,
            };
            let diagnostic = Diagnostic::new(codes::CPG_COLUMN, message);
            issues.push(Issue { field: SpecField::Source(port), diagnostic });
        }
    }
    issues
}

/// Whether values of a type can stand in a column of another without losing anything.
fn fits(expansion: &Expansion<'_>, found: &DataType, wanted: &DataType) -> bool {
    same_logical_type(found, wanted)
        || *found == DataType::Null
        || expansion
            .oracle
            .common_type(&[found.clone(), wanted.clone()])
            .is_some_and(|common| common == *wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groupings_name_columns_of_their_rows() {
        for (grouping, rows) in [(&PROPS_MAP, PROPS), (&EDGES_BY_SRC, EDGES), (&EDGES_BY_DST, EDGES)] {
            for name in grouping.by.iter().chain(grouping.element).chain(grouping.order) {
                assert!(rows.iter().any(|(column, _, _)| column == name), "{name}");
            }
        }
    }
}
