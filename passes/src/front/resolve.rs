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
//! Unknown names, cycles, tables that cannot be read and declared dependencies that disagree with what a view
//! reads are reported.

use std::collections::BTreeSet;
use std::ops::Range;

use ir::diag::{Code, Diagnostic, SpecPath, codes};
use ir::graph::{Graph, Node, NodeId, Owner, Role};
use ir::op::{Input, Op, Read};
use ir::oracle::TableError;

use super::lower::named_views;
use crate::context::Context;

pub(crate) fn run(graph: &mut Graph, cx: &mut Context<'_>) {
    check_declared_dependencies(graph, cx);
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
        | Op::Sink(_) => return,
    };
    let place = cx.place_in_transform(node).field("source");
    let source = node.sources.first().cloned().unwrap_or_default();
    let owner = node.owner.clone();
    let named = graph.find(&source).map(|id| graph[id].op.clone());
    match named {
        Some(Op::Input(input)) => scan(graph, cx, id, &input, &read, place),
        Some(_) => cx.report_broken(
            &owner,
            Diagnostic::new(
                codes::NOT_AN_INPUT,
                format!("`{source}` is a view; this transform reads an input's table"),
            )
            .at(place)
            .found(&source)
            .allowed(inputs(graph)),
        ),
        // What it is is not known.
        None if cx.broken.contains(&Owner::View(source.clone())) => {
            cx.broken.insert(owner);
        }
        None => {
            let code = codes::UNKNOWN_SOURCE;
            let unknown = unknown_source(code, &source, place).allowed(inputs(graph)).suggest_nearest();
            cx.report_broken(&owner, unknown);
        }
    }
}

fn resolve_input(graph: &mut Graph, cx: &mut Context<'_>, id: NodeId) {
    let node = &graph[id];
    let Op::Input(input) = node.op.clone() else { return };
    let place = cx.place(node);
    scan(graph, cx, id, &input, &Read::Rows, place);
}

/// Replaces a node by a scan of the table, or reports why the table cannot be read.
fn scan(graph: &mut Graph, cx: &mut Context<'_>, id: NodeId, input: &Input, read: &Read, place: SpecPath) {
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
            let place = if *read == Read::Rows { place.field(field) } else { place };
            // What is no place may hold a password; the error shows it without.
            let message = if let TableError::NoPlace(message) = &error {
                message.clone()
            } else {
                format!("`{}`: {error}", input.location)
            };
            let mut diagnostic = Diagnostic::new(code, message).at(place);
            if let TableError::NoVersion { latest, .. } = error {
                diagnostic = diagnostic
                    .help(format!("versions 0 to {latest} exist; leave the pin out to read the latest"));
            }
            cx.report_broken(&owner, diagnostic);
        }
    }
}

fn table_error(error: &TableError) -> (Code, &'static str) {
    match error {
        TableError::NotFound(_) => (codes::INPUT_NOT_FOUND, "delta_location"),
        TableError::NotDelta(_) => (codes::INPUT_NOT_DELTA, "delta_location"),
        TableError::NoVersion { .. } => (codes::PIN_NOT_FOUND, "version_pin"),
        TableError::NoChangeFeed => (codes::CDF_NOT_ENABLED, "delta_location"),
        TableError::NoPlace(_) | TableError::Unreadable(_) => (codes::INPUT_UNREADABLE, "delta_location"),
    }
}

/// Replaces the names of a node's inputs by edges.
fn connect(graph: &mut Graph, cx: &mut Context<'_>, id: NodeId) {
    let sources = std::mem::take(&mut graph[id].sources);
    for (port, source) in sources.iter().enumerate() {
        let owner = graph[id].owner.clone();
        match graph.find(source).filter(|from| may_read(&graph[*from], &owner)) {
            Some(from) => graph.connect(from, id, port),
            None if cx.broken.contains(&Owner::View(source.clone())) => {
                cx.broken.insert(owner);
            }
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
        Role::Result => !node.owner.is_output(),
        Role::Step => node.owner == *reader,
    }
}

/// The field of the spec that names a node's input.
fn source_place(cx: &Context<'_>, node: &Node, port: usize) -> SpecPath {
    if node.owner.is_output() {
        return cx.place(node).field("source_view");
    }
    let transform = cx.place_in_transform(node);
    match &node.op {
        Op::Relate(_) => transform.field(if port == 0 { "left" } else { "right" }),
        Op::UnionByName(_) | Op::Conform(_) => transform.field("sources").index(port),
        Op::Query(_) => transform.field("query"),
        Op::Input(_)
        | Op::ChangeFeed(_)
        | Op::TableMetadata(_)
        | Op::FileManifest(_)
        | Op::Normalize(_)
        | Op::Scan(_)
        | Op::Filter(_)
        | Op::Project(_)
        | Op::Aggregate(_)
        | Op::Window(_)
        | Op::Unnest(_)
        | Op::Join(_)
        | Op::SpanJoin(_)
        | Op::Union(_)
        | Op::Distinct(_)
        | Op::Sink(_) => transform.field("source"),
    }
}

/// The text of a query and where in it a relation is named.
fn place_in_query<'s>(
    cx: &Context<'s>,
    node: &Node,
    source: &str,
    place: &SpecPath,
) -> Option<(&'s str, Range<usize>)> {
    let Op::Query(query) = &node.op else { return None };
    let text = cx.text(place)?;
    Some((text, query.query.place_of_relation(source, text)?))
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
    let relations = relations(graph, cx);
    let place = source_place(cx, node, port);
    let part = place_in_query(cx, node, source, &place);
    let mut diagnostic = unknown_source(code, source, place).allowed(&relations).suggest_nearest();
    if let Some((text, bytes)) = part {
        diagnostic = diagnostic.at_part(text, bytes);
    }
    match relations.iter().find(|name| in_query && name.eq_ignore_ascii_case(source)) {
        Some(name) => diagnostic
            .help(format!("unquoted names in SQL are lower case; write \"{name}\" in double quotes")),
        None => diagnostic,
    }
}

fn unknown_source(code: Code, source: &str, place: SpecPath) -> Diagnostic {
    Diagnostic::new(code, format!("there is no view or input `{source}`")).at(place).found(source)
}

fn inputs(graph: &Graph) -> Vec<&str> {
    let inputs = graph.ids().filter(|id| matches!(graph[*id].op, Op::Input(_)));
    inputs.map(|id| graph.name_of(id)).collect()
}

/// The names of views and inputs, also of those with a mistake that have no node.
fn relations(graph: &Graph, cx: &Context<'_>) -> Vec<String> {
    let results = graph.ids().filter(|id| graph[*id].role == Role::Result && !graph[*id].owner.is_output());
    let broken = cx.broken.iter().filter(|owner| !owner.is_output()).map(Owner::name);
    let names: BTreeSet<&str> = results.map(|id| graph.name_of(id)).chain(broken).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// `view_dependencies` may be left out; given, they must be the views the transform reads.
fn check_declared_dependencies(graph: &Graph, cx: &mut Context<'_>) {
    let Some(spec) = cx.spec else { return };
    let views: BTreeSet<&str> = named_views(spec, cx.unread).into_iter().collect();
    for (index, view) in spec.view_definitions.iter().enumerate() {
        let Some(declared) = &view.view_dependencies else { continue };
        let place = SpecPath::root().field("view_definitions").index(index).field("view_dependencies");
        let mut unknown = false;
        for (at, name) in declared.iter().enumerate().filter(|(_, name)| !views.contains(name.as_str())) {
            unknown = true;
            cx.report(
                Diagnostic::new(codes::UNKNOWN_DEPENDENCY, format!("`{name}` is not a view"))
                    .at(place.index(at))
                    .found(name)
                    .allowed(views.iter().copied())
                    .suggest_nearest(),
            );
        }
        // A view with a mistake has no node.
        let Some(id) = graph.find(&view.name) else { continue };
        let read: BTreeSet<&str> =
            graph[id].sources.iter().map(String::as_str).filter(|name| views.contains(name)).collect();
        let declared: BTreeSet<&str> = declared.iter().map(String::as_str).collect();
        if !unknown && read != declared {
            let list = |names: &BTreeSet<&str>| names.iter().copied().collect::<Vec<_>>().join(", ");
            cx.report(
                Diagnostic::new(
                    codes::DEPENDENCIES_DISAGREE,
                    format!("`{}` does not read what it declares", view.name),
                )
                .at(place)
                .found(list(&declared))
                .allowed([list(&read)])
                .help("leave `view_dependencies` out; they are derived from the transform"),
            );
        }
    }
}

fn report_cycle(graph: &mut Graph, cx: &mut Context<'_>) {
    let Some(cycle) = graph.cycle() else { return };
    let names: Vec<&str> = cycle.iter().chain(cycle.first()).map(|id| graph.name_of(*id)).collect();
    let mut diagnostic =
        Diagnostic::new(codes::CYCLE, format!("views read each other in a circle: {}", names.join(" <- ")));
    for (index, id) in cycle.iter().enumerate() {
        let place = cx.place(&graph[*id]).field("name");
        diagnostic = match index {
            0 => diagnostic.at(place),
            _ => diagnostic.related(place, "part of the circle"),
        };
    }
    cx.report(diagnostic);
    // What is on the circle or behind it has no schema; the passes that follow must not ask for one.
    let sorted: BTreeSet<NodeId> = graph.topological().into_iter().collect();
    let stuck: Vec<NodeId> = graph.ids().filter(|id| !sorted.contains(id)).collect();
    cx.broken.extend(stuck.into_iter().map(|id| graph[id].owner.clone()));
}
