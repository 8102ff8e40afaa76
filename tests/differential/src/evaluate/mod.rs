//! What a plan means, row by row.
//!
//! The evaluator shares nothing with the program but the plan: it looks at every pair of rows of a join, at every row for
//! every row of a window. It refuses what would take it too long ([`TooLarge`]); then the plan is made otherwise.

mod aggregates;
mod expressions;
mod joins;
mod queries;
mod windows;

use std::collections::BTreeMap;

use crate::plan::{Column, Op, Plan, View};
use crate::value::{Value, rows};
use expressions::Scope;

/// More rows than this are not computed.
const MOST_ROWS: usize = 1500;

/// Rows, and the columns that they have.
#[derive(Clone, Debug, Default)]
pub struct Relation {
    /// The columns in their order.
    pub columns: Vec<Column>,
    /// The rows, in no order.
    pub rows: Vec<Vec<Value>>,
}

/// A view that gives more rows than the evaluator looks at, or whose numbers leave their type.
#[derive(Clone, Copy, Debug)]
pub struct TooLarge;

/// What was computed, by name.
pub type Relations = BTreeMap<String, Relation>;

impl Relation {
    /// The position of a column; the plan names only columns that are there.
    fn position(&self, name: &str) -> usize {
        let found = self.columns.iter().position(|(column, _)| column == name);
        found.unwrap_or_else(|| panic!("the plan reads the column `{name}` of {:?}", self.columns))
    }

    fn positions<'n>(&self, names: impl IntoIterator<Item = &'n String>) -> Vec<usize> {
        names.into_iter().map(|name| self.position(name)).collect()
    }

    /// The rows in an order that only equal rows do not tell.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.rows.sort_by(|a, b| rows(a, b));
        self
    }
}

/// The rows of all views, given those of the inputs.
///
/// # Errors
/// When there are too many.
pub fn all(plan: &Plan, mut inputs: Relations) -> Result<Relations, TooLarge> {
    for view in &plan.views {
        let made = one(view, &inputs)?;
        inputs.insert(view.name.clone(), made);
    }
    Ok(inputs)
}

/// The rows of a view, given those it reads.
///
/// # Errors
/// When there are too many.
pub fn one(view: &View, known: &Relations) -> Result<Relation, TooLarge> {
    let rows = match &view.op {
        Op::Filter { source, predicate } => {
            let source = relation(known, source);
            let kept = source.rows.iter().filter(|row| Scope::of(source, row, known).is_true(predicate));
            kept.cloned().collect()
        }
        Op::Project { source, columns } => {
            let source = relation(known, source);
            let value = |row: &Vec<Value>| {
                let scope = Scope::of(source, row, known);
                columns.iter().map(|(_, expr)| scope.value(expr)).collect()
            };
            source.rows.iter().map(value).collect()
        }
        Op::Aggregate { source, group } => {
            let source = relation(known, source);
            let scopes: Vec<Scope<'_>> =
                source.rows.iter().map(|row| Scope::of(source, row, known)).collect();
            aggregates::grouped(group, &scopes)?
        }
        Op::Window { source, columns } => {
            let source = relation(known, source);
            let calls: Vec<_> = columns.iter().map(|(_, call)| call).collect();
            windows::with(source, &calls)?
        }
        Op::Unnest { source, column, alias: _, keep_empty } => {
            unnested(relation(known, source), column, *keep_empty)
        }
        Op::Union { sources, discriminator, distinct } => {
            union(&view.columns, sources, discriminator.as_ref(), *distinct, known)
        }
        Op::Relate(relate) => {
            joins::related(relate, relation(known, &relate.left), relation(known, &relate.right))?
        }
        Op::Query(query) => queries::rows_of(query, known)?,
    };
    if rows.len() > MOST_ROWS {
        return Err(TooLarge);
    }
    Ok(Relation { columns: view.columns.clone(), rows })
}

fn relation<'k>(known: &'k Relations, name: &str) -> &'k Relation {
    known.get(name).unwrap_or_else(|| panic!("the plan reads the relation `{name}` before it is made"))
}

/// A row for each element, in the place of the list.
fn unnested(source: &Relation, column: &str, keep_empty: bool) -> Vec<Vec<Value>> {
    let at = source.position(column);
    let mut rows = Vec::new();
    for row in &source.rows {
        let with = |element: Value| {
            let mut row = row.clone();
            row[at] = element;
            row
        };
        match &row[at] {
            Value::List(elements) if !elements.is_empty() => rows.extend(elements.iter().cloned().map(with)),
            _ if keep_empty => rows.push(with(Value::Null)),
            _ => {}
        }
    }
    rows
}

fn union(
    columns: &[Column],
    sources: &[String],
    discriminator: Option<&String>,
    distinct: bool,
    known: &Relations,
) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    for name in sources {
        let source = relation(known, name);
        let places: Vec<Option<usize>> = columns
            .iter()
            .map(|(column, _)| source.columns.iter().position(|(own, _)| own == column))
            .collect();
        for row in &source.rows {
            let value = |(place, (column, _)): (&Option<usize>, &Column)| match place {
                _ if Some(column) == discriminator => Value::Text(name.clone()),
                Some(place) => row[*place].clone(),
                None => Value::Null,
            };
            rows.push(places.iter().zip(columns).map(value).collect());
        }
    }
    if distinct { once(rows) } else { rows }
}

/// Each row once.
fn once(mut all: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
    all.sort_by(|a, b| rows(a, b));
    all.dedup_by(|a, b| rows(a, b).is_eq());
    all
}
