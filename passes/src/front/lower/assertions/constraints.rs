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
            let to_columns = partners(cx, edges, [from, to], columns, place)?;
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

/// The columns of the second relation that a constraint compares its own with: the keys on the other side of the edge that has
/// these on the first one's side, in any order; without an edge, the same names. Nothing where edges disagree, which is
/// reported.
fn partners<'s>(
    cx: &mut Context<'_>,
    edges: &'s [JoinEdge],
    [from, to]: [&str; 2],
    columns: &'s [String],
    place: &SpecPath,
) -> Option<Vec<&'s str>> {
    let mut found: Option<(usize, Vec<&str>)> = None;
    for (index, edge) in edges.iter().enumerate() {
        for (relations, own, others) in [
            ([&edge.left_relation, &edge.right_relation], &edge.left_keys, &edge.right_keys),
            ([&edge.right_relation, &edge.left_relation], &edge.right_keys, &edge.left_keys),
        ] {
            let is_between = relations == [from, to];
            let Some(keys) = is_between.then(|| partner_keys(own, others, columns)).flatten() else {
                continue;
            };
            match &found {
                Some((first, other)) if *other != keys => {
                    let said = |keys: &[&str]| keys.join(", ");
                    let message = format!(
                        "two edges have these columns of `{from}`: with {} and with {} of `{to}`",
                        said(other),
                        said(&keys)
                    );
                    let edges = SpecPath::root().field("join_graph").field("edges");
                    let found = Diagnostic::new(codes::AMBIGUOUS_EDGE, message).at(place.field("columns"));
                    let found = found.related(edges.index(*first), "one edge");
                    cx.report(found.related(edges.index(index), "the other"));
                    return None;
                }
                Some(_) => {}
                None => found = Some((index, keys)),
            }
        }
    }
    let same = || columns.iter().map(String::as_str).collect();
    Some(found.map_or_else(same, |(_, keys)| keys))
}

/// The keys of the other side for these columns, in their order; nothing where the edge has others.
fn partner_keys<'s>(own: &'s [String], others: &'s [String], columns: &[String]) -> Option<Vec<&'s str>> {
    let mut pairs: Vec<(&str, &str)> =
        own.iter().map(String::as_str).zip(others.iter().map(String::as_str)).collect();
    let mut keys = Vec::with_capacity(columns.len());
    for column in columns {
        let at = pairs.iter().position(|(own, _)| own == column)?;
        keys.push(pairs.remove(at).1);
    }
    (pairs.is_empty() && own.len() == others.len()).then_some(keys)
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
