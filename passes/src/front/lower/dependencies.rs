//! What views declare that they read.

use std::collections::BTreeSet;

use ir::diag::{Diagnostic, SpecPath, codes};
use ir::graph::Graph;

use super::named_views;
use crate::context::Context;
use crate::pass::SpecSource;

/// `view_dependencies` may be left out; given, they must be the views the transform reads.
pub(super) fn check(graph: &Graph, cx: &mut Context<'_>, source: &SpecSource<'_>) {
    let views: BTreeSet<&str> = named_views(source).into_iter().collect();
    for (index, view) in source.spec.view_definitions.iter().enumerate() {
        let Some(declared) = &view.view_dependencies else { continue };
        let place = SpecPath::root().field("view_definitions").index(index).field("view_dependencies");
        let mut unknown = false;
        for (at, name) in declared.iter().enumerate().filter(|(_, name)| !views.contains(name.as_str())) {
            unknown = true;
            cx.report(
                Diagnostic::new(codes::UNKNOWN_DEPENDENCY, format!("`{name}` is not a view"))
                    .at(place.index(at))
                    .found(name)
                    .allowed(cx.told(|| views.iter().copied().collect()))
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
