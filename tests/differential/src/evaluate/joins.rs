//! Joins: every row with every row.

use super::expressions::compared;
use super::{MOST_ROWS, Relation, TooLarge};
use crate::plan::{Comparison, JoinKind, Relate, Side, Span, SpanRelation};
use crate::value::{Value, rows};

/// For each row of the left side, the rows of the right side that it matches.
pub(super) type Matches = Vec<Vec<usize>>;

/// The rows of a join whose output is given by a function of both sides.
pub(super) fn joined(
    kind: JoinKind,
    left: &Relation,
    right: &Relation,
    matches: &Matches,
    output: impl Fn(Option<&[Value]>, Option<&[Value]>) -> Vec<Value>,
) -> Result<Vec<Vec<Value>>, TooLarge> {
    let mut made = Vec::new();
    let mut matched = vec![false; right.rows.len()];
    for (row, partners) in left.rows.iter().zip(matches) {
        partners.iter().for_each(|partner| matched[*partner] = true);
        match kind {
            JoinKind::Semi if partners.is_empty() => {}
            JoinKind::Anti if !partners.is_empty() => {}
            JoinKind::Semi | JoinKind::Anti => made.push(output(Some(row), None)),
            JoinKind::Left | JoinKind::Full if partners.is_empty() => made.push(output(Some(row), None)),
            _ => made.extend(partners.iter().map(|partner| output(Some(row), Some(&right.rows[*partner])))),
        }
        if made.len() > MOST_ROWS {
            return Err(TooLarge);
        }
    }
    if matches!(kind, JoinKind::Right | JoinKind::Full) {
        let alone = right.rows.iter().zip(&matched).filter(|(_, matched)| !**matched);
        made.extend(alone.map(|(row, _)| output(None, Some(row))));
    }
    Ok(made)
}

/// The matches of rows by equal keys and whatever else must hold.
pub(super) fn matches(
    left: &Relation,
    right: &Relation,
    on: &[(String, String)],
    holds: impl Fn(&[Value], &[Value]) -> bool,
) -> Matches {
    let keys: Vec<(usize, usize)> = on.iter().map(|(a, b)| (left.position(a), right.position(b))).collect();
    let equal = |a: &[Value], b: &[Value]| {
        let equal = |&(x, y): &(usize, usize)| compared(Comparison::Equal, &a[x], &b[y]) == Value::Bool(true);
        keys.iter().all(equal)
    };
    let partners = |row: &Vec<Value>| {
        let matching =
            right.rows.iter().enumerate().filter(|(_, other)| equal(row, other) && holds(row, other));
        matching.map(|(at, _)| at).collect()
    };
    left.rows.iter().map(partners).collect()
}

/// The rows of a `Relate` view.
pub(super) fn related(
    relate: &Relate,
    left: &Relation,
    right: &Relation,
) -> Result<Vec<Vec<Value>>, TooLarge> {
    let mut found = matches(left, right, &relate.on, |a, b| match &relate.span {
        Some(span) => lie_so(span, bounds(left, a, &span.left), bounds(right, b, &span.right)),
        None => true,
    });
    if let Some(span) = relate.span.as_ref().filter(|span| span.innermost) {
        found = tightest(span, left, right, found);
    }
    let select: Vec<(Side, usize)> = relate
        .select
        .iter()
        .map(|(side, column, _)| (*side, if *side == Side::Left { left } else { right }.position(column)))
        .collect();
    joined(relate.kind, left, right, &found, |a, b| {
        if select.is_empty() {
            return a.map(<[Value]>::to_vec).unwrap_or_default();
        }
        let value = |(side, at): &(Side, usize)| {
            let row = if *side == Side::Left { a } else { b };
            row.map_or(Value::Null, |row| row[*at].clone())
        };
        select.iter().map(value).collect()
    })
}

/// A span; nothing where a bound is NULL or the span is inverted.
fn bounds(relation: &Relation, row: &[Value], columns: &[String; 2]) -> Option<[i64; 2]> {
    let bound = |name: &String| match row[relation.position(name)] {
        Value::Int(bound) => Some(bound),
        _ => None,
    };
    let span = [bound(&columns[0])?, bound(&columns[1])?];
    (span[0] <= span[1]).then_some(span)
}

fn lie_so(span: &Span, left: Option<[i64; 2]>, right: Option<[i64; 2]>) -> bool {
    let (Some(left), Some(right)) = (left, right) else { return false };
    match span.relation {
        SpanRelation::Contains => left[0] <= right[0] && right[1] <= left[1],
        SpanRelation::Within => right[0] <= left[0] && left[1] <= right[1],
        SpanRelation::Overlaps => left[0] < right[1] && right[0] < left[1],
        SpanRelation::Equals => left == right,
    }
}

/// For each row that is contained, the shortest container; then the one that starts last; then the greatest row.
fn tightest(span: &Span, left: &Relation, right: &Relation, found: Matches) -> Matches {
    let better = |relation: &Relation, columns: &[String; 2], a: usize, b: usize| {
        let (one, other) = (&relation.rows[a], &relation.rows[b]);
        let measure = |row| bounds(relation, row, columns).map(|[start, end]| (end - start, -start));
        let nulls_lowest = || {
            let order = |x: &Value, y: &Value| match (x.is_null(), y.is_null()) {
                (false, false) => x.order(y),
                (x, y) => y.cmp(&x),
            };
            one.iter()
                .zip(other)
                .map(|(x, y)| order(y, x))
                .find(|order| order.is_ne())
                .unwrap_or_else(|| rows(one, other))
        };
        measure(one).cmp(&measure(other)).then_with(nulls_lowest)
    };
    if span.relation == SpanRelation::Within {
        let tightest = |partners: Vec<usize>| {
            partners.into_iter().min_by(|a, b| better(right, &span.right, *a, *b)).into_iter().collect()
        };
        return found.into_iter().map(tightest).collect();
    }
    // The left side contains: of all that contain a row of the right side, one keeps it.
    let mut kept: Matches = vec![Vec::new(); left.rows.len()];
    for partner in 0..right.rows.len() {
        let containers = (0..left.rows.len()).filter(|row| found[*row].contains(&partner));
        if let Some(row) = containers.min_by(|a, b| better(left, &span.left, *a, *b)) {
            kept[row].push(partner);
        }
    }
    kept
}
