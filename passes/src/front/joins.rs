//! The edges of the join graph: their relations and keys exist, and keys can be compared.

use ir::diag::{Diagnostic, SpecPath, codes};
use ir::graph::{Graph, Role};
use ir::schema::{Schema, same_logical_type};

use crate::context::{Context, JoinDeclaration};

/// Checks every edge. Of relations that are reported as wrong themselves nothing is said.
pub(super) fn check(graph: &Graph, cx: &mut Context<'_>) {
    for JoinDeclaration { relations: [left, right], keys, place } in std::mem::take(&mut cx.joins) {
        let left = schema(graph, cx, &left, place.field("left_relation"));
        let right = schema(graph, cx, &right, place.field("right_relation"));
        let (Some(left), Some(right)) = (left, right) else { continue };
        for (index, (left_key, right_key)) in keys.iter().enumerate() {
            let (left_place, right_place) =
                (place.field("left_keys").index(index), place.field("right_keys").index(index));
            let mut sound = true;
            for (key, schema, place) in
                [(left_key, left, left_place), (right_key, right, right_place.clone())]
            {
                if !schema.contains(key) {
                    let message = format!("there is no column `{key}`");
                    let found = Diagnostic::new(codes::UNKNOWN_COLUMN, message).at(place);
                    cx.report(found.found(key).allowed(schema.names()).suggest_nearest());
                    sound = false;
                }
            }
            if sound {
                compare(cx, (left_key, left), (right_key, right), right_place);
            }
        }
    }
}

fn compare(
    cx: &mut Context<'_>,
    (left_key, left): (&str, &Schema),
    (right_key, right): (&str, &Schema),
    place: SpecPath,
) {
    let (Some(left), Some(right)) = (left.field(left_key), right.field(right_key)) else { return };
    let (left, right) = (left.data_type(), right.data_type());
    if !same_logical_type(left, right) && !cx.are_comparable(left, right) {
        let message = format!("`{left_key}` is {left}, `{right_key}` is {right}; they cannot be compared");
        cx.report(Diagnostic::new(codes::JOIN_KEY_TYPES, message).at(place));
    }
}

/// The columns of a view or an input; nothing for one that is reported as wrong, or that there is not, which is reported.
fn schema<'g>(graph: &'g Graph, cx: &mut Context<'_>, name: &str, place: SpecPath) -> Option<&'g Schema> {
    let results = |id: &_| graph[*id].role == Role::Result && graph[*id].owner.is_view();
    match graph.find(name).filter(results) {
        Some(id) => graph[id].schema.as_ref(),
        None if cx.is_view_broken(name) => None,
        None => {
            let names = graph.ids().filter(results).map(|id| graph.name_of(id));
            let unknown =
                Diagnostic::new(codes::UNKNOWN_SOURCE, format!("there is no view or input `{name}`"));
            cx.report(unknown.at(place).found(name).allowed(names).suggest_nearest());
            None
        }
    }
}
