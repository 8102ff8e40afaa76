//! The join graph: its constraints are assertions, its edges are compared with the views that join.

use std::collections::BTreeMap;

use ir::diag::{Diagnostic, SpecPath, codes};
use ir::graph::Owner;
use ir::spec::{
    AssertionSeverity, ConstraintType, JoinConstraint, JoinEdge, JoinGraph, JoinType, Relate, Transform,
};

use super::rules::Rule;
use super::{Draft, Subject};
use crate::context::{Context, JoinDeclaration};
use crate::front::lower::read;
use crate::pass::SpecSource;

/// Adds the constraints to the assertions of their first relations, and notes the edges for when types are known.
pub(super) fn add<'s>(
    subjects: &mut BTreeMap<Owner, Subject<'s>>,
    cx: &mut Context<'_>,
    source: &SpecSource<'s>,
) {
    let JoinGraph { edges, constraints } = &source.spec.join_graph;
    let root = SpecPath::root().field("join_graph");
    for (index, edge) in edges.iter().enumerate() {
        let place = root.field("edges").index(index);
        if edge.left_keys.len() != edge.right_keys.len() {
            let (left, right) = (edge.left_keys.len(), edge.right_keys.len());
            let message = format!("{left} keys on the left are compared with {right} on the right");
            cx.report(Diagnostic::new(codes::JOIN_EDGE_KEYS, message).at(place.field("right_keys")));
            continue;
        }
        compare(cx, edge, &place, source);
        cx.joins.push(JoinDeclaration {
            relations: [edge.left_relation.clone(), edge.right_relation.clone()],
            keys: edge.left_keys.iter().cloned().zip(edge.right_keys.iter().cloned()).collect(),
            place,
        });
    }
    for (index, constraint) in constraints.iter().enumerate() {
        let place = root.field("constraints").index(index);
        if let Some((subject, rule)) = rule(cx, constraint, edges, &place) {
            let (name, severity) = (Some(constraint.name.clone()), AssertionSeverity::Error);
            let draft = Draft { name, severity, rule, place, is_constraint: true };
            subjects.entry(Owner::View(subject.to_owned())).or_default().drafts.push(draft);
        }
    }
}

/// The relation that a constraint is about, and what it says of it.
fn rule<'s>(
    cx: &mut Context<'_>,
    constraint: &'s JoinConstraint,
    edges: &'s [JoinEdge],
    place: &SpecPath,
) -> Option<(&'s str, Rule<'s>)> {
    let columns = constraint.columns.as_slice();
    match (constraint.constraint_type, constraint.relations.as_slice()) {
        (ConstraintType::Unique, [relation]) => Some((relation, Rule::Unique(columns))),
        (ConstraintType::NotNull, [relation]) => Some((relation, Rule::NotNull(columns))),
        (ConstraintType::Relation, [from, to]) => {
            let to_columns = partner_keys(edges, from, to, columns)
                .unwrap_or_else(|| columns.iter().map(String::as_str).collect());
            Some((from, Rule::Relation { columns, to, to_columns }))
        }
        (kind, relations) => {
            let wanted = if kind == ConstraintType::Relation {
                "two relations, the one with the references first"
            } else {
                "one relation"
            };
            let message = format!("this constraint is about {wanted}, not {}", relations.len());
            cx.report(Diagnostic::new(codes::ASSERTION_FORM, message).at(place.field("relations")));
            None
        }
    }
}

/// The keys on the other side of an edge of the two relations that has these on the first one's side.
fn partner_keys<'s>(edges: &'s [JoinEdge], from: &str, to: &str, columns: &[String]) -> Option<Vec<&'s str>> {
    edges.iter().find_map(|edge| {
        let forth = edge.left_relation == from && edge.right_relation == to && edge.left_keys == columns;
        let back = edge.right_relation == from && edge.left_relation == to && edge.right_keys == columns;
        let keys = if forth { Some(&edge.right_keys) } else { back.then_some(&edge.left_keys) };
        keys.filter(|keys| keys.len() == columns.len()).map(|keys| keys.iter().map(String::as_str).collect())
    })
}

/// Warns of views that join the relations of an edge in another way. Joins by spans alone have no keys to differ in.
fn compare(cx: &mut Context<'_>, edge: &JoinEdge, place: &SpecPath, source: &SpecSource<'_>) {
    let wanted = (edge.join_type, sorted(edge.left_keys.iter().zip(&edge.right_keys)));
    for (index, view) in read(&source.spec.view_definitions, &source.unread.views) {
        let Transform::Relate(relate) = &view.transform else { continue };
        let found = if relate.left == edge.left_relation && relate.right == edge.right_relation {
            (relate.join_type, sorted(keys(relate)))
        } else if relate.left == edge.right_relation && relate.right == edge.left_relation {
            (mirrored(relate.join_type), sorted(keys(relate).map(|(left, right)| (right, left))))
        } else {
            continue;
        };
        if found == wanted || found.1.is_empty() {
            continue;
        }
        let said = |(join_type, keys): &(JoinType, Vec<(&String, &String)>)| {
            let keys = keys.iter().map(|(left, right)| format!("{left} = {right}"));
            format!("{join_type:?} by {}", keys.collect::<Vec<_>>().join(" AND "))
        };
        let message = format!(
            "`{}` and `{}` are said to join {}, the view `{}` joins them {}",
            edge.left_relation,
            edge.right_relation,
            said(&wanted),
            view.name,
            said(&found)
        );
        let transform = SpecPath::root().field("view_definitions").index(index).field("transform");
        let warning = Diagnostic::new(codes::JOIN_EDGE_DIFFERS, message).at(place.clone());
        cx.report(warning.about("view", &view.name).related(transform, "the view joins here"));
    }
}

fn keys(relate: &Relate) -> impl Iterator<Item = (&String, &String)> {
    let keys = relate.on.iter().map(|key| (&key.left, &key.right));
    keys.chain(relate.join_keys.iter().map(|key| (&key.left_key, &key.right_key)))
}

fn sorted<'k>(keys: impl Iterator<Item = (&'k String, &'k String)>) -> Vec<(&'k String, &'k String)> {
    let mut keys: Vec<_> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The type of a join that gives the same rows with its sides exchanged; semi and anti joins have no such type.
fn mirrored(join_type: JoinType) -> JoinType {
    match join_type {
        JoinType::Left => JoinType::Right,
        JoinType::Right => JoinType::Left,
        JoinType::Inner | JoinType::Full | JoinType::Semi | JoinType::Anti => join_type,
    }
}
