//! Joins.

use ir::diag::{Diagnostic, SpecPath, codes};
use ir::op::{JoinColumn, JoinType, Op, Relate, RelateSpan, SelectColumn, Side, SpanRelation};
use ir::origin::{Definition, SpecField};
use ir::spec::{self, SelectEntry};

use crate::context::Context;

pub(super) fn lower(
    cx: &mut Context<'_>,
    relate: &spec::Relate,
    place: &SpecPath,
    origin: &mut Definition,
) -> Option<(Op, Vec<String>)> {
    record(relate, place, origin);
    let mut on: Vec<(String, String)> =
        relate.on.iter().map(|key| (key.left.clone(), key.right.clone())).collect();
    on.extend(relate.join_keys.iter().map(|key| (key.left_key.clone(), key.right_key.clone())));
    let mistakes = mistakes(relate, on.is_empty(), place);
    if !mistakes.is_empty() {
        mistakes.into_iter().for_each(|diagnostic| cx.report(diagnostic));
        return None;
    }
    let select = (!relate.select.is_empty()).then(|| relate.select.iter().map(select_column).collect());
    let op = Relate {
        join_type: join_type(relate.join_type),
        on,
        span: relate.span.as_ref().map(|span| RelateSpan {
            relation: relation(span.relation),
            left: span.left.clone(),
            right: span.right.clone(),
            innermost: relate.innermost,
        }),
        select,
        suffix: relate.suffix.as_ref().map(|suffix| (suffix.left.clone(), suffix.right.clone())),
    };
    Some((Op::Relate(op), vec![relate.left.clone(), relate.right.clone()]))
}

/// Where the parts of a join stand. `on` and its older spelling are one list in the graph.
fn record(relate: &spec::Relate, place: &SpecPath, origin: &mut Definition) {
    origin.record(SpecField::Source(0), place.field("left"));
    origin.record(SpecField::Source(1), place.field("right"));
    let keys = (0..relate.on.len()).map(|index| place.field("on").index(index));
    let older_keys = (0..relate.join_keys.len()).map(|index| place.field("join_keys").index(index));
    for (index, place) in keys.chain(older_keys).enumerate() {
        origin.record(SpecField::Key(index), place);
    }
    if relate.span.is_some() {
        for (side, name) in [(Side::Left, "left"), (Side::Right, "right")] {
            let bounds = place.field("span").field(name);
            (0..2).for_each(|index| origin.record(SpecField::SpanBound(side, index), bounds.index(index)));
        }
    }
    origin.record_list(SpecField::Select, place.field("select"), relate.select.len(), SpecField::Selected);
}

/// What is wrong with a join whatever its sources are.
fn mistakes(relate: &spec::Relate, no_keys: bool, place: &SpecPath) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if no_keys && relate.span.is_none() {
        found.push(
            Diagnostic::new(
                codes::RELATE_WITHOUT_CONDITION,
                "every left row would be paired with every right row",
            )
            .at(place.clone())
            .help("give `on` (columns that must be equal), `span`, or both"),
        );
    }
    let contains = relate.span.as_ref().is_some_and(|span| {
        matches!(span.relation, spec::SpanRelation::Contains | spec::SpanRelation::Within)
    });
    if relate.innermost && !contains {
        found.push(
            Diagnostic::new(
                codes::INNERMOST_MISUSE,
                "`innermost` needs `span` with relation contains or within",
            )
            .at(place.field("innermost")),
        );
    }
    if relate.span.is_some() && relate.join_type == spec::JoinType::Full {
        found.push(
            Diagnostic::new(
                codes::SPAN_JOIN_TYPE,
                "a join by spans cannot keep both sides' rows without a match",
            )
            .at(place.field("join_type"))
            .found("Full")
            .allowed(["Inner", "Left", "Right", "Semi", "Anti"]),
        );
    }
    for (index, entry) in relate.select.iter().enumerate() {
        if !join_type(relate.join_type).keeps_right() && select_side(entry) == Side::Right {
            found.push(
                Diagnostic::new(codes::SELECT_RIGHT_OF_SEMI, "a semi or anti join gives left rows only")
                    .at(place.field("select").index(index)),
            );
        }
    }
    found
}

fn join_type(join_type: spec::JoinType) -> JoinType {
    match join_type {
        spec::JoinType::Inner => JoinType::Inner,
        spec::JoinType::Left => JoinType::Left,
        spec::JoinType::Right => JoinType::Right,
        spec::JoinType::Full => JoinType::Full,
        spec::JoinType::Semi => JoinType::Semi,
        spec::JoinType::Anti => JoinType::Anti,
    }
}

fn relation(relation: spec::SpanRelation) -> SpanRelation {
    match relation {
        spec::SpanRelation::Contains => SpanRelation::Contains,
        spec::SpanRelation::Within => SpanRelation::Within,
        spec::SpanRelation::Overlaps => SpanRelation::Overlaps,
        spec::SpanRelation::Equals => SpanRelation::Equals,
    }
}

fn side(side: spec::Side) -> Side {
    match side {
        spec::Side::Left => Side::Left,
        spec::Side::Right => Side::Right,
    }
}

fn select_side(entry: &SelectEntry) -> Side {
    match entry {
        SelectEntry::All(from) | SelectEntry::Column { from, .. } => side(*from),
    }
}

fn select_column(entry: &SelectEntry) -> SelectColumn {
    match entry {
        SelectEntry::All(from) => SelectColumn::All(side(*from)),
        SelectEntry::Column { from, column, name } => SelectColumn::One(JoinColumn {
            name: name.clone().unwrap_or_else(|| column.clone()),
            from: side(*from),
            column: column.clone(),
        }),
    }
}
