//! Tests of views become no nodes; what they name must be there.

use std::collections::BTreeMap;

use ir::diag::{Diagnostic, SpecPath, codes};
use ir::graph::{Graph, Role};

use crate::context::Context;
use crate::pass::SpecSource;

/// Checks the names in all tests.
pub(super) fn check(graph: &Graph, cx: &mut Context<'_>, source: &SpecSource<'_>) {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    let root = SpecPath::root().field("tests");
    for (index, test) in source.spec.tests.iter().enumerate() {
        let place = root.index(index);
        if let Some(other) = first.get(test.name.as_str()) {
            let message = format!("there is another test named `{}`", test.name);
            let found = Diagnostic::new(codes::DUPLICATE_TEST, message).at(place.field("name"));
            cx.report(found.related(root.index(*other).field("name"), "the first one"));
        } else {
            first.insert(&test.name, index);
        }
        check_name(graph, cx, &test.view, place.field("view"));
        for relation in test.given.keys() {
            check_name(graph, cx, relation, place.field("given").field(relation));
        }
    }
}

/// Reports the name of a relation that there is not. Of one that could not be lowered nothing is said.
fn check_name(graph: &Graph, cx: &mut Context<'_>, name: &str, place: SpecPath) {
    let is_relation = |id: &_| graph[*id].role == Role::Result && graph[*id].owner.is_view();
    if graph.find(name).as_ref().is_some_and(is_relation) || cx.is_view_broken(name) {
        return;
    }
    let names = cx.told(|| graph.ids().filter(is_relation).map(|id| graph.name_of(id)).collect());
    let unknown = Diagnostic::new(codes::UNKNOWN_SOURCE, format!("there is no view or input `{name}`"));
    cx.report(unknown.at(place).found(name).allowed(names).suggest_nearest());
}
