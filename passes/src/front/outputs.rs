//! What a run would refuse of its outputs, found while the spec is checked.
//!
//! Two kinds of rules. What the spec alone tells: partition and sort columns that do not work, types no table has, fields
//! that exclude each other, two outputs or an output and an input at one place. And what only the output's table tells,
//! its columns, partitioning, constraints and features: the oracle asks the writer itself, which decides on the table that
//! a run would write to, so that check and run cannot disagree.
//!
//! Places are what the oracle says locations are. A location is compared as text only when it is no place, which the
//! oracle then refuses.

use std::collections::{BTreeMap, BTreeSet};

use arrow_schema::DataType;
use ir::diag::{Diagnostic, codes};
use ir::graph::{Graph, Node};
use ir::op::{Op, Scan, SchemaMode, Sink, SinkMode};
use ir::oracle::{OutputProblem, OutputRefusal};
use ir::origin::SpecField;
use ir::schema::Schema;

use super::case;
use super::resolve::ALLOW;
use crate::context::Context;

/// Checks one output, whose rows have these columns. One that is `displaced`, at the place of another table, is not
/// compared with what is there.
pub(super) fn check(cx: &mut Context<'_>, node: &Node, sink: &Sink, schema: &Schema, displaced: bool) {
    let before = cx.diagnostics.len();
    for key in sink.metadata.keys().filter(|key| key.starts_with("codeanatomy.")) {
        let message = format!("`{key}` is written by CodeAnatomy itself");
        let place = cx.place(node, SpecField::Metadata(key.clone()));
        cx.report(Diagnostic::new(codes::RESERVED_METADATA, message).at(place));
    }
    if sink.mode == SinkMode::Append && sink.schema_mode == SchemaMode::Replace {
        let message = "an append keeps the rows of the table, so it cannot replace their columns";
        cx.report(
            Diagnostic::new(codes::NOT_SUPPORTED_COMBINATION, message)
                .at(cx.place(node, SpecField::SchemaMode))
                .help("`additive` adds columns to the table; with `materialization_mode: Overwrite`, `replace` works"),
        );
    }
    if sink.mode == SinkMode::Overwrite && sink.max_commit_retries.is_some_and(|retries| retries > 0) {
        let message = "an overwrite is never committed again after another commit: what it was computed from has changed";
        cx.report(
            Diagnostic::new(codes::NOT_SUPPORTED_COMBINATION, message)
                .at(cx.place(node, SpecField::CommitRetries))
                .help("leave `max_commit_retries` out; it is for `materialization_mode: Append`"),
        );
    }
    check_columns(cx, node, sink, schema);
    // The writer would refuse the same once more.
    if displaced || cx.diagnostics.get(before..).unwrap_or_default().iter().any(Diagnostic::is_error) {
        return;
    }
    let name = node.owner.name();
    for refusal in cx.oracle.output(name, sink, schema) {
        let mut diagnostic = Diagnostic::new(refusal.problem.code(), &refusal.message);
        if refusal.problem == OutputProblem::OutsideRoots {
            diagnostic = diagnostic.help(ALLOW);
        }
        cx.report(diagnostic.at(cx.place(node, refused_field(refusal))));
    }
}

/// The part of an output that a refusal of the writer is about.
fn refused_field(refusal: OutputRefusal) -> SpecField {
    match (refusal.problem, refusal.about) {
        (
            OutputProblem::Location
            | OutputProblem::OutsideRoots
            | OutputProblem::Unreachable
            | OutputProblem::NotWritable,
            _,
        )
        | (OutputProblem::Schema | OutputProblem::Type, None) => SpecField::Location,
        (OutputProblem::Schema | OutputProblem::Type, Some(column)) => SpecField::Written(column),
        (OutputProblem::Partitioning | OutputProblem::PartitionColumn, _) => SpecField::Partitioning,
        (OutputProblem::Order, _) => SpecField::Order,
        (OutputProblem::Metadata, Some(key)) => SpecField::Metadata(key),
        (OutputProblem::Metadata, None) => SpecField::Definition,
    }
}

/// A table that is read or written, and where.
struct Placed<'a> {
    node: &'a Node,
    /// The location as the spec gives it.
    location: &'a str,
    /// Ends in a slash.
    place: String,
}

/// Two outputs must not write to one place, and none where the same spec reads; nor one inside the other, where the log
/// of the outer table would lie beside files it does not know. Gives the names of the outputs that do.
pub(super) fn check_locations(graph: &Graph, cx: &mut Context<'_>) -> BTreeSet<String> {
    let (mut read, mut written) = (BTreeMap::new(), Vec::new());
    for node in graph.ids().map(|id| &graph[id]) {
        let (Op::Scan(Scan { location, .. }) | Op::Sink(Sink { location, .. })) = &node.op else { continue };
        if matches!(&node.op, Op::Sink(sink) if !sink.has_table()) {
            continue;
        }
        let as_text = || format!("{}/", location.trim_end_matches('/'));
        let place = cx.oracle.place(location).unwrap_or_else(as_text);
        let placed = Placed { node, location, place };
        if matches!(node.op, Op::Sink(_)) {
            written.push(placed);
        } else {
            read.entry(placed.place.clone()).or_insert(placed);
        }
    }
    let mut earlier: BTreeMap<String, Placed<'_>> = BTreeMap::new();
    let mut displaced = BTreeSet::new();
    for output in written {
        if let Some(other) = overlapping(&earlier, &output.place) {
            let other_name = other.node.owner.name();
            let message = match relation(&output, other) {
                Relation::Same => {
                    format!("`{}` is also written by the output `{other_name}`", output.location)
                }
                Relation::Inside => {
                    format!("`{}` is inside the table of the output `{other_name}`", output.location)
                }
                Relation::Around => {
                    format!("the table of the output `{other_name}` is inside `{}`", output.location)
                }
            };
            let diagnostic = Diagnostic::new(codes::DUPLICATE_LOCATION, message)
                .at(cx.place(output.node, SpecField::Location))
                .related(cx.place(other.node, SpecField::Location), "written here");
            cx.report(diagnostic);
            displaced.insert(output.node.name.clone());
        }
        if let Some(diagnostic) = read_there(graph, cx, &read, &output) {
            cx.report(diagnostic);
            displaced.insert(output.node.name.clone());
        }
        earlier.entry(output.place.clone()).or_insert(output);
    }
    displaced
}

/// What is wrong with an output at a place where the spec reads.
fn read_there(
    graph: &Graph,
    cx: &Context<'_>,
    read: &BTreeMap<String, Placed<'_>>,
    output: &Placed<'_>,
) -> Option<Diagnostic> {
    let location = output.location;
    let (input, message) = match overlapping(read, &output.place) {
        Some(other) => {
            let owner = other.node.owner.name();
            let message = match relation(output, other) {
                Relation::Same => format!("`{location}` is also read, by the input `{owner}`"),
                Relation::Inside => format!("`{location}` is inside the table of the input `{owner}`"),
                Relation::Around => format!("the table of the input `{owner}` is inside `{location}`"),
            };
            (other.node, message)
        }
        None => {
            let mut nodes = graph.ids().map(|id| &graph[id]);
            // A table there would be met when the files are listed the next time.
            let input = nodes.find(|node| {
                let Op::Scan(scan) = &node.op else { return false };
                scan.files.is_some() && cx.oracle.leads_into(&scan.location, location)
            })?;
            let owner = input.owner.name();
            (input, format!("`{location}` is where the pattern of the input `{owner}` looks for files"))
        }
    };
    let found =
        Diagnostic::new(codes::OUTPUT_IS_INPUT, message).at(cx.place(output.node, SpecField::Location));
    Some(found.related(cx.place(input, SpecField::Definition), "read here"))
}

/// A table at `place`, inside it, or around it.
fn overlapping<'a, 'g>(placed: &'a BTreeMap<String, Placed<'g>>, place: &str) -> Option<&'a Placed<'g>> {
    let ends = place.match_indices('/').map(|(slash, _)| place.get(..=slash).unwrap_or_default());
    let at_or_around = ends.filter_map(|folder| placed.get(folder)).next_back();
    let inside = || {
        let next = placed.range(place.to_owned()..).next()?;
        next.0.starts_with(place).then_some(next.1)
    };
    at_or_around.or_else(inside)
}

/// Where one table is, seen from another.
enum Relation {
    Same,
    Inside,
    Around,
}

fn relation(output: &Placed<'_>, other: &Placed<'_>) -> Relation {
    match output.place.len().cmp(&other.place.len()) {
        std::cmp::Ordering::Equal => Relation::Same,
        std::cmp::Ordering::Greater => Relation::Inside,
        std::cmp::Ordering::Less => Relation::Around,
    }
}

fn check_columns(cx: &mut Context<'_>, node: &Node, sink: &Sink, schema: &Schema) {
    let place = cx.place(node, SpecField::Definition);
    if schema.is_empty() {
        cx.report(Diagnostic::new(codes::NO_COLUMNS, "the table would have no columns").at(place.clone()));
    }
    let mut refuse = |index: usize, message: String| {
        let place = cx.place(node, SpecField::PartitionColumn(index));
        let diagnostic = Diagnostic::new(codes::PARTITION_COLUMN, message).at(place);
        let found = sink.partition_by.get(index).cloned().unwrap_or_default();
        cx.report(diagnostic.found(found).allowed(schema.names()).suggest_nearest());
    };
    for (index, name) in sink.partition_by.iter().enumerate() {
        match schema.field(name).map(|field| field.data_type()) {
            None => refuse(index, format!("the output has no column `{name}`")),
            Some(data_type) if data_type.is_nested() || data_type.is_floating() => {
                refuse(index, format!("`{name}` is {data_type}; rows cannot be partitioned by it"));
            }
            Some(_) if sink.partition_by.iter().take(index).any(|earlier| earlier == name) => {
                refuse(index, format!("`{name}` is there twice"));
            }
            Some(_) => {}
        }
    }
    if !schema.is_empty() && schema.names().all(|name| sink.partition_by.iter().any(|column| column == name))
    {
        let message = "every column is a partition column; data files would be empty";
        cx.report(
            Diagnostic::new(codes::PARTITION_COLUMN, message).at(cx.place(node, SpecField::Partitioning)),
        );
    }
    check_order(cx, node, sink, schema);
    for names in case::twins(schema) {
        let message = format!("the columns {} differ by letter case only", names.join(" and "));
        cx.report(Diagnostic::new(codes::COLUMN_CASE, message).at(place.clone()).help(
            "most programs that read Delta tables take them for one column; rename one of them in `columns`",
        ));
    }
    for field in schema.fields().filter(|field| !storable(field.data_type())) {
        let message = format!("`{}` is {}, which a Delta table cannot hold", field.name(), field.data_type());
        cx.report(
            Diagnostic::new(codes::OUTPUT_TYPE, message)
                .at(place.clone())
                .help("cast it with {name, expr} in `columns`"),
        );
    }
}

fn check_order(cx: &mut Context<'_>, node: &Node, sink: &Sink, schema: &Schema) {
    for (index, sort) in sink.sort_by.iter().enumerate() {
        let name = &sort.column;
        let message = match schema.field(name).map(|field| field.data_type()) {
            None => format!("the output has no column `{name}`"),
            Some(data_type) if data_type.is_nested() => {
                format!("`{name}` is {data_type}, which has no order")
            }
            Some(_) if sink.sort_by.iter().take(index).any(|earlier| earlier.column == *name) => {
                format!("`{name}` is there twice")
            }
            Some(_) => continue,
        };
        let place = cx.place(node, SpecField::OrderColumn(index));
        let diagnostic = Diagnostic::new(codes::SORT_COLUMN, message).at(place);
        cx.report(diagnostic.found(name.clone()).allowed(schema.names()).suggest_nearest());
    }
}

/// Whether the Delta protocol has a type for this one, at every depth.
#[expect(clippy::wildcard_enum_match_arm, reason = "new types of Arrow are asked about when a table is made")]
fn storable(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(inner) | DataType::LargeList(inner) | DataType::FixedSizeList(inner, _) => {
            storable(inner.data_type())
        }
        DataType::Struct(fields) => {
            !fields.is_empty() && fields.iter().all(|field| storable(field.data_type()))
        }
        DataType::Map(entries, _) => storable(entries.data_type()),
        DataType::Dictionary(_, value) => storable(value),
        DataType::Null
        | DataType::Float16
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Duration(_)
        | DataType::Interval(_)
        | DataType::Decimal256(..)
        | DataType::Union(..)
        | DataType::RunEndEncoded(..) => false,
        _ => true,
    }
}
