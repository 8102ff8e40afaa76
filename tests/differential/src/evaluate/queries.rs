//! Queries.

use super::aggregates::{grouped, ordered};
use super::expressions::Scope;
use super::joins::{joined, matches};
use super::{Relation, Relations, TooLarge, once, relation, windows};
use crate::plan::{Body, From, Query, Select, SetOperation};
use crate::value::{Value, rows};

/// The rows of a query.
pub(super) fn rows_of(query: &Query, known: &Relations) -> Result<Vec<Vec<Value>>, TooLarge> {
    let (names, mut made) = body(&query.body, known)?;
    let position = |name: &String| names.iter().position(|column| column == name).unwrap_or_default();
    made.sort_by(|a, b| {
        ordered(&query.order, |key| {
            let at = position(&key.column);
            (a[at].clone(), b[at].clone())
        })
    });
    Ok(match query.limit {
        Some([skipped, most]) => made.into_iter().skip(skipped).take(most).collect(),
        None => made,
    })
}

/// The names of the columns, and the rows.
fn body(body_of: &Body, known: &Relations) -> Result<(Vec<String>, Vec<Vec<Value>>), TooLarge> {
    match body_of {
        Body::Select(select) => selected(select, known),
        Body::Set(operation, all, parts) => {
            let (names, left) = body(&parts[0], known)?;
            let (_, right) = body(&parts[1], known)?;
            Ok((names, put_together(*operation, *all, left, right)))
        }
    }
}

fn put_together(
    operation: SetOperation,
    all: bool,
    left: Vec<Vec<Value>>,
    mut right: Vec<Vec<Value>>,
) -> Vec<Vec<Value>> {
    let made = match operation {
        SetOperation::Union => left.into_iter().chain(right).collect(),
        // A row on the right goes with one of its copies on the left.
        SetOperation::Intersect | SetOperation::Except => {
            let (left, keeps_common) =
                (if all { left } else { once(left) }, operation == SetOperation::Intersect);
            let mut made = Vec::new();
            for row in left {
                let partner = right.iter().position(|other| rows(&row, other).is_eq());
                if let Some(partner) = partner
                    && all
                {
                    right.swap_remove(partner);
                }
                if partner.is_some() == keeps_common {
                    made.push(row);
                }
            }
            made
        }
    };
    if all { made } else { once(made) }
}

fn selected(select: &Select, known: &Relations) -> Result<(Vec<String>, Vec<Vec<Value>>), TooLarge> {
    let (sides, read) = read(&select.from, known)?;
    let mut scopes: Vec<Scope<'_>> = read.iter().map(|row| scope(&sides, row, known)).collect();
    scopes.retain(|scope| select.filter.as_ref().is_none_or(|filter| scope.is_true(filter)));
    let mut names: Vec<String> = match &select.group {
        Some(group) => group.names(),
        None => select.columns.iter().map(|(name, _)| name.clone()).collect(),
    };
    let mut made = match &select.group {
        Some(group) => grouped(group, &scopes)?,
        None => {
            let row = |scope: &Scope<'_>| select.columns.iter().map(|(_, expr)| scope.value(expr)).collect();
            scopes.iter().map(row).collect()
        }
    };
    if let ([source], false) = (sides.as_slice(), select.windows.is_empty()) {
        let kept = scopes.iter().filter_map(|scope| scope.row().map(<[Value]>::to_vec)).collect();
        let source = Relation { columns: source.columns.clone(), rows: kept };
        let calls: Vec<_> = select.windows.iter().map(|(_, call)| call).collect();
        let computed = windows::with(&source, &calls)?;
        let first = source.columns.len();
        made.iter_mut().zip(computed).for_each(|(row, with)| row.extend(with.into_iter().skip(first)));
        names.extend(select.windows.iter().map(|(name, _)| name.clone()));
    }
    Ok((names, if select.distinct { once(made) } else { made }))
}

/// The relations that are read, and the rows: those of a join are both sides' values one after the other.
fn read<'k>(from: &From, known: &'k Relations) -> Result<(Vec<&'k Relation>, Vec<Vec<Value>>), TooLarge> {
    let (kind, sides, on, residual) = match from {
        From::Relation(name) => {
            let source = relation(known, name);
            return Ok((vec![source], source.rows.clone()));
        }
        From::Join { kind, sides, on, residual } => (kind, sides, on, residual),
    };
    let [left, right] = [relation(known, &sides[0]), relation(known, &sides[1])];
    let found = matches(left, right, on, |a, b| {
        let scope = Scope::pair((left, a), (right, b), known);
        residual.as_ref().is_none_or(|residual| scope.is_true(residual))
    });
    let both = joined(*kind, left, right, &found, |a, b| {
        let values = |row: Option<&[Value]>, of: &Relation| {
            row.map_or_else(|| vec![Value::Null; of.columns.len()], <[Value]>::to_vec)
        };
        [values(a, left), values(b, right)].concat()
    })?;
    Ok((vec![left, right], both))
}

fn scope<'a>(sides: &[&'a Relation], row: &'a [Value], known: &'a Relations) -> Scope<'a> {
    match sides {
        [left, right] => {
            let (a, b) = row.split_at(left.columns.len());
            Scope::pair((left, a), (right, b), known)
        }
        sides => Scope::of(sides[0], row, known),
    }
}
