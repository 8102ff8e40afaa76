//! What a plan means, row by row.
//!
//! The evaluator shares nothing with the program but the plan: it looks at every pair of rows of a join, at every row for
//! every row of a window. It refuses what would take it too long ([`TooLarge`]); then the plan is made otherwise.

mod aggregates;
mod expressions;
mod identifiers;
mod joins;
mod queries;
mod windows;

use std::collections::BTreeMap;

use crate::plan::{Column, Expr, LogRead, Op, Plan, RowFilter, View};
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

/// What is right after a spec has run.
#[derive(Clone, Debug)]
pub struct Round {
    /// The rows of its inputs and views.
    pub relations: Relations,
    /// The rows of all tables that were written until then.
    pub tables: Relations,
}

/// The rows of all views, given those of the inputs and what their logs say.
///
/// # Errors
/// When there are too many.
pub fn all(plan: &Plan, mut inputs: Relations) -> Result<Relations, TooLarge> {
    for input in &plan.inputs {
        if let Some(relation) = inputs.get_mut(&input.name) {
            keep(&plan.filters, &input.name, true, relation);
        }
    }
    for view in &plan.views {
        let mut made = one(view, &inputs)?;
        keep(&plan.filters, &view.name, false, &mut made);
        inputs.insert(view.name.clone(), made);
    }
    Ok(inputs)
}

/// The name under which the evaluator has what the log of an input says.
#[must_use]
pub fn log_of(input: &str, read: &LogRead) -> String {
    let word = match read {
        LogRead::Changes { .. } => "changes",
        LogRead::Version => "version",
        LogRead::Files => "files",
    };
    format!("the {word} of {input}")
}

/// Leaves the rows that parameters keep.
pub(crate) fn keep(filters: &[RowFilter], name: &str, is_input: bool, relation: &mut Relation) {
    for filter in filters.iter().filter(|filter| filter.is_of(name, is_input, &relation.columns)) {
        let at = relation.position(&filter.column);
        relation.rows.retain(|row| row[at] == filter.value);
    }
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
            let value = |(at, row): (usize, &Vec<Value>)| {
                let scope = Scope::of(source, row, known);
                let value = |expr: &Expr| match expr {
                    Expr::Fresh(_) => Value::Text(format!("{} {at}", view.name)),
                    other => scope.value(other),
                };
                columns.iter().map(|(_, expr)| value(expr)).collect()
            };
            source.rows.iter().enumerate().map(value).collect()
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
        Op::Normalize(normalize) => {
            identifiers::normalized(&view.name, normalize, relation(known, &normalize.source))
        }
        Op::Graph(graph) => graph
            .sources
            .iter()
            .flat_map(|(source, columns)| of_graph(relation(known, source), columns))
            .collect(),
        Op::Log(input, read) => log_rows(relation(known, &log_of(input, read)), read),
    };
    if rows.len() > MOST_ROWS {
        return Err(TooLarge);
    }
    Ok(Relation { columns: view.columns.clone(), rows })
}

fn relation<'k>(known: &'k Relations, name: &str) -> &'k Relation {
    known.get(name).unwrap_or_else(|| panic!("the plan reads the relation `{name}` before it is made"))
}

/// The rows that a table of a graph is made of and turned back into: no NULL identifies or names anything.
fn of_graph(source: &Relation, [id, number, text]: &[String; 3]) -> Vec<Vec<Value>> {
    let or = |value: &Value, other: Value| if value.is_null() { other } else { value.clone() };
    let places = [id, number, text].map(|name| source.position(name));
    let row = |row: &Vec<Value>| {
        let [id, number, text] = places.map(|at| &row[at]);
        vec![or(id, Value::Int(-1)), number.clone(), or(text, Value::Text(String::new()))]
    };
    source.rows.iter().map(row).collect()
}

/// What a log says; of changes, those of some versions.
fn log_rows(log: &Relation, read: &LogRead) -> Vec<Vec<Value>> {
    let LogRead::Changes { from, to } = read else { return log.rows.clone() };
    let at = log.position("_commit_version");
    let is_in = |row: &&Vec<Value>| match row[at] {
        Value::Int(version) => {
            let after = from.is_none_or(|from| version >= from as i64);
            after && to.is_none_or(|to| version <= to as i64)
        }
        _ => false,
    };
    log.rows.iter().filter(is_in).cloned().collect()
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
