//! resolve: names become edges, tables become scans.
//!
//! ```text
//! orders = input location="tables/orders"
//! paid = filter orders predicate=(amount > 0)
//! new = change_feed orders range={starting_version: 1}
//! ```
//! becomes
//! ```text
//! new = scan location="tables/orders" version=3 read={changes: {starting_version: 1}} rows=?1000 : {…}
//! orders = scan location="tables/orders" version=3 rows=120 : {id Int64!, amount Float64}
//! paid = filter orders predicate=(amount > 0)
//! ```
//!
//! Every table is the version the oracle found when compilation began, so all readers of a table see one version.
//! Unknown names, cycles and tables that cannot be read are reported.

use std::collections::BTreeSet;
use std::ops::Range;

use ir::diag::{Code, Diagnostic, codes};
use ir::graph::{Graph, Node, NodeId, Owner, Role};
use ir::op::{Input, Op, Read};
use ir::oracle::TableError;
use ir::origin::{Place, SpecField};

use crate::context::Context;

/// What to do about a place that the spec may not use.
pub(super) const ALLOW: &str = "allow its folder with `--allow DIR`, or under `[roots]` in codeanatomy.toml, if the spec is to be trusted with it";

pub(crate) fn run(graph: &mut Graph, cx: &mut Context<'_>) {
    let ids: Vec<NodeId> = graph.ids().collect();
    // Reads of an input's table go first: they need the inputs as they were written.
    for &id in &ids {
        resolve_table_read(graph, cx, id);
    }
    for &id in &ids {
        resolve_input(graph, cx, id);
    }
    for &id in &ids {
        connect(graph, cx, id);
    }
    report_cycle(graph, cx);
}

/// Turns `change_feed`, `table_metadata` and `file_manifest` into scans of the table their input names.
fn resolve_table_read(graph: &mut Graph, cx: &mut Context<'_>, id: NodeId) {
    let node = &graph[id];
    let read = match &node.op {
        Op::ChangeFeed(feed) => Read::Changes(feed.range.clone()),
        Op::TableMetadata(_) => Read::Metadata,
        Op::FileManifest(_) => Read::Files,
        Op::Input(_)
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
        | Op::Join(_)
        | Op::SpanJoin(_)
        | Op::Union(_)
        | Op::Distinct(_)
        | Op::Sink(_)
        | Op::Check(_)
        | Op::Written(_) => return,
    };
    let source = node.sources.first().cloned().unwrap_or_default();
    let owner = node.owner.clone();
    let named = graph.find(&source).map(|id| graph[id].op.clone());
    match named {
        Some(Op::Input(input)) => scan(graph, cx, id, &input, &read),
        Some(_) => cx.report_broken(
            &owner,
            Diagnostic::new(
                codes::NOT_AN_INPUT,
                format!("`{source}` is a view; this transform reads an input's table"),
            )
            .at(cx.place(node, SpecField::Source(0)))
            .found(&source)
            .allowed(cx.told(|| inputs(graph))),
        ),
        // What it is is not known.
        None if cx.is_view_broken(&source) => cx.leave_out(owner),
        None => {
            let unknown = unknown_source(codes::UNKNOWN_SOURCE, &source)
                .at(cx.place(node, SpecField::Source(0)))
                .allowed(cx.told(|| inputs(graph)))
                .suggest_nearest();
            cx.report_broken(&owner, unknown);
        }
    }
}

fn resolve_input(graph: &mut Graph, cx: &mut Context<'_>, id: NodeId) {
    let Op::Input(input) = graph[id].op.clone() else { return };
    scan(graph, cx, id, &input, &Read::Rows);
}

/// Replaces a node by a scan of the table, or reports why the table cannot be read.
fn scan(graph: &mut Graph, cx: &mut Context<'_>, id: NodeId, input: &Input, read: &Read) {
    let result = cx.oracle.table(input, read);
    let node = &mut graph[id];
    node.sources.clear();
    match result {
        Ok((scan, schema)) => {
            node.op = Op::Scan(scan);
            node.schema = Some(schema);
        }
        Err(error) => {
            let owner = node.owner.clone();
            let (code, field) = table_error(&error);
            // Other reads name the table by its input.
            let field = if *read == Read::Rows { field } else { SpecField::Source(0) };
            let place = cx.place(node, field);
            // What is no place may hold a password; the error shows it without.
            let message = match &error {
                TableError::NoPlace(message)
                | TableError::OutsideRoots(message)
                | TableError::Files(message) => message.clone(),
                TableError::NotFound(_)
                | TableError::NotDelta(_)
                | TableError::FileOption { .. }
                | TableError::NoVersion { .. }
                | TableError::NoChangeFeed
                | TableError::Unreadable(_) => format!("`{}`: {error}", input.location),
            };
            let mut diagnostic = Diagnostic::new(code, message).at(place);
            match error {
                TableError::NoVersion { latest, .. } => {
                    let help = format!("versions 0 to {latest} exist; leave the pin out to read the latest");
                    diagnostic = diagnostic.help(help);
                }
                TableError::FileOption { option, known, .. } => {
                    diagnostic = diagnostic.found(option).allowed(known).suggest_nearest();
                }
                TableError::OutsideRoots(_) => diagnostic = diagnostic.help(ALLOW),
                TableError::NotFound(_)
                | TableError::NoPlace(_)
                | TableError::NotDelta(_)
                | TableError::NoChangeFeed
                | TableError::Files(_)
                | TableError::Unreadable(_) => {}
            }
            cx.report_broken(&owner, diagnostic);
        }
    }
}

fn table_error(error: &TableError) -> (Code, SpecField) {
    match error {
        TableError::NotFound(_) => (codes::INPUT_NOT_FOUND, SpecField::Location),
        TableError::NotDelta(_) => (codes::INPUT_NOT_DELTA, SpecField::Location),
        TableError::NoVersion { .. } => (codes::PIN_NOT_FOUND, SpecField::Version),
        TableError::OutsideRoots(_) => (codes::OUTSIDE_ROOTS, SpecField::Location),
        TableError::NoChangeFeed => (codes::CDF_NOT_ENABLED, SpecField::Location),
        TableError::FileOption { .. } => (codes::FILE_OPTION, SpecField::Options),
        TableError::Files(_) => (codes::INPUT_FILES, SpecField::Location),
        TableError::NoPlace(_) | TableError::Unreadable(_) => (codes::INPUT_UNREADABLE, SpecField::Location),
    }
}

/// Replaces the names of a node's inputs by edges.
fn connect(graph: &mut Graph, cx: &mut Context<'_>, id: NodeId) {
    let sources = std::mem::take(&mut graph[id].sources);
    for (port, source) in sources.iter().enumerate() {
        let owner = graph[id].owner.clone();
        let reads_table = matches!(graph[id].op, Op::Written(_));
        let may = |from: &NodeId| may_read(&graph[*from], &owner) || reads_table && graph[*from].is_sink();
        match graph.find(source).filter(may) {
            Some(from) => graph.connect(from, id, port),
            None if cx.is_view_broken(source) => cx.leave_out(owner),
            None => {
                let unknown = unknown_relation(graph, cx, id, port, source);
                cx.report_broken(&owner, unknown);
            }
        }
    }
}

/// Whether a node is what a name in the definition of `reader` can mean: the result of a view or an input, or one of
/// the reader's own steps.
fn may_read(node: &Node, reader: &Owner) -> bool {
    match node.role {
        Role::Result => node.owner.is_view(),
        Role::Step => node.owner == *reader,
    }
}

/// The diagnostic for a name among a node's inputs that nothing has.
fn unknown_relation(graph: &Graph, cx: &Context<'_>, id: NodeId, port: usize, source: &str) -> Diagnostic {
    let node = &graph[id];
    let in_query = matches!(node.op, Op::Query(_));
    let code = if node.owner.is_output() {
        codes::UNKNOWN_OUTPUT_SOURCE
    } else if in_query {
        codes::UNKNOWN_TABLE
    } else {
        codes::UNKNOWN_SOURCE
    };
    let relations = cx.told(|| relations(graph, cx));
    let place = cx.written(node, SpecField::Source(port));
    let bytes = bytes_of_relation(node, source, &place);
    let diagnostic = place.mark(unknown_source(code, source), bytes).allowed(&relations).suggest_nearest();
    match relations.iter().find(|name| in_query && name.eq_ignore_ascii_case(source)) {
        Some(name) => diagnostic
            .help(format!("unquoted names in SQL are lower case; write \"{name}\" in double quotes")),
        None => diagnostic,
    }
}

/// Where a query names a relation.
fn bytes_of_relation(node: &Node, relation: &str, place: &Place) -> Option<Range<usize>> {
    let Op::Query(query) = &node.op else { return None };
    query.query.place_of_relation(relation, place.sql.as_deref()?)
}

fn unknown_source(code: Code, source: &str) -> Diagnostic {
    Diagnostic::new(code, format!("there is no view or input `{source}`")).found(source)
}

fn inputs(graph: &Graph) -> Vec<&str> {
    let inputs = graph.ids().filter(|id| matches!(graph[*id].op, Op::Input(_)));
    inputs.map(|id| graph.name_of(id)).collect()
}

/// The names of views and inputs, also of those with a mistake that have no node.
fn relations(graph: &Graph, cx: &Context<'_>) -> Vec<String> {
    let results = graph.ids().filter(|id| graph[*id].role == Role::Result && graph[*id].owner.is_view());
    let broken = cx.reported.owners.iter().filter(|owner| owner.is_view()).map(Owner::name);
    let names: BTreeSet<&str> = results.map(|id| graph.name_of(id)).chain(broken).collect();
    names.into_iter().map(str::to_owned).collect()
}

fn report_cycle(graph: &mut Graph, cx: &mut Context<'_>) {
    let Some(cycle) = graph.cycle() else { return };
    let names: Vec<&str> = cycle.iter().chain(cycle.first()).map(|id| graph.name_of(*id)).collect();
    let mut diagnostic =
        Diagnostic::new(codes::CYCLE, format!("views read each other in a circle: {}", names.join(" <- ")));
    for (index, id) in cycle.iter().enumerate() {
        let place = cx.place(&graph[*id], SpecField::Name);
        diagnostic = match index {
            0 => diagnostic.at(place),
            _ => diagnostic.related(place, "part of the circle"),
        };
    }
    cx.report(diagnostic);
    // What is on the circle or behind it has no schema; the passes that follow must not ask for one.
    let sorted: BTreeSet<NodeId> = graph.topological().into_iter().collect();
    let stuck: Vec<NodeId> = graph.ids().filter(|id| !sorted.contains(id)).collect();
    stuck.into_iter().for_each(|id| cx.leave_out(graph[id].owner.clone()));
}
