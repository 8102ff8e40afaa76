//! What outputs hold beside what is right.
//!
//! Rows are compared as multisets, and those of a file by the order that the output asks for. Two kinds of outputs are told by
//! relations only: rows that are any of those which come first (`LIMIT` under an order with ties), and texts that are never
//! twice the same, of which only where they occur again is known.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::{Fault, Found};
use crate::evaluate::{self, Relation, Round};
use crate::plan::{Op, Output, Plan, Query, SortKey, View};
use crate::table::{self, Files};
use crate::value::{Type, Value, rows};

type Row = Vec<Value>;

/// Compares all tables that a spec writes.
pub(crate) fn compare(plan: &Plan, right: &Round, home: &Path) -> Result<(), Found> {
    let mut found = BTreeMap::new();
    for output in &plan.outputs {
        let Some(expected) = right.tables.get(&output.table) else {
            return Err((Fault::Case, format!("there is no view {}", output.view)));
        };
        let files = table::read(&home.join(&output.table), &expected.columns, &output.partition_by).map_err(
            |error| (Fault::Output, format!("the output {} cannot be read: {error}", output.table)),
        )?;
        check_order(output, &expected.columns, &files)?;
        let relation = Relation { columns: expected.columns.clone(), rows: files.concat() };
        found.insert(output.table.clone(), relation);
    }
    let mut by_view: BTreeMap<&str, &Relation> = BTreeMap::new();
    for output in &plan.outputs {
        let (Some(expected), Some(rows)) = (right.tables.get(&output.table), found.get(&output.table)) else {
            continue;
        };
        match plan.views.iter().find(|view| view.name == output.view && view.is_open()) {
            Some(view) => {
                first_rows(view, rows, right)?;
                // All outputs of one view have the same rows.
                let earlier = by_view.entry(&view.name).or_insert(rows);
                same(output, without_tokens(earlier), without_tokens(rows))?;
            }
            None => same(output, without_tokens(expected), without_tokens(rows))?,
        }
    }
    occurrences(plan, right, &found)
}

/// Rows of one multiset.
fn same(output: &Output, right: Relation, found: Relation) -> Result<(), Found> {
    let (right, found) = (right.sorted(), found.sorted());
    if found.rows == right.rows {
        return Ok(());
    }
    let missing = Difference(&right, &found);
    let extra = Difference(&found, &right);
    let why = format!(
        "the output {} ({}) has {} rows, {} are right\nmissing:\n{missing}extra:\n{extra}",
        output.table,
        output.view,
        found.rows.len(),
        right.rows.len()
    );
    Err((Fault::Rows, why))
}

/// Every file has its rows in the order of the output.
fn check_order(output: &Output, columns: &[(String, Type)], files: &Files) -> Result<(), Found> {
    let place = |key: &SortKey| columns.iter().position(|(name, _)| *name == key.column).unwrap_or_default();
    let keys: Vec<(usize, bool)> = output.sort_by.iter().map(|key| (place(key), key.descending)).collect();
    for pair in files.iter().flat_map(|rows| rows.windows(2)) {
        // NULL is the largest value.
        let by = |(at, descending): &(usize, bool)| {
            let order = pair[0][*at].order(&pair[1][*at]);
            if *descending { order.reverse() } else { order }
        };
        if keys.iter().map(by).find(|order| order.is_ne()).is_some_and(std::cmp::Ordering::is_gt) {
            let why = format!("{} is not sorted: {:?} before {:?}", output.table, pair[0], pair[1]);
            return Err((Fault::Order, why));
        }
    }
    Ok(())
}

/// The rows are as many as the limit leaves, are rows of the input, and have the keys that come first.
fn first_rows(view: &View, found: &Relation, right: &Round) -> Result<(), Found> {
    let Op::Query(query) = &view.op else { return Ok(()) };
    let unlimited = Query { limit: None, order: Vec::new(), ..query.clone() };
    let all = View { op: Op::Query(unlimited), ..view.clone() };
    let all = evaluate::one(&all, &right.relations).map_err(|_| (Fault::Case, "too many rows".to_owned()))?;
    let (all, found) = (without_tokens(&all).sorted(), without_tokens(found).sorted());
    let strange = Difference(&found, &all).to_string();
    let wrong = |why: String| Err((Fault::Rows, format!("the view {}: {why}", view.name)));
    if !strange.is_empty() {
        return wrong(format!("these rows are not in what it reads:\n{strange}"));
    }
    let Some(chosen) = right.relations.get(&view.name) else { return Ok(()) };
    let keys = |relation: &Relation| {
        let places: Vec<usize> = query
            .order
            .iter()
            .filter_map(|key| relation.columns.iter().position(|(name, _)| *name == key.column))
            .collect();
        let keys = relation.rows.iter().map(|row| places.iter().map(|at| row[*at].clone()).collect::<Row>());
        let mut keys: Vec<Row> = keys.collect();
        keys.sort_by(|a, b| rows(a, b));
        keys
    };
    let (right_keys, found_keys) = (keys(chosen), keys(&found));
    if right_keys != found_keys {
        return wrong(format!("the keys of its rows are {found_keys:?}, not {right_keys:?}"));
    }
    Ok(())
}

fn is_token((_, of): &(String, Type)) -> bool {
    *of == Type::Token
}

fn without_tokens(relation: &Relation) -> Relation {
    let kept: Vec<usize> =
        (0..relation.columns.len()).filter(|at| !is_token(&relation.columns[*at])).collect();
    let of = |row: &Row| kept.iter().map(|at| row[*at].clone()).collect();
    Relation {
        columns: kept.iter().map(|at| relation.columns[*at].clone()).collect(),
        rows: relation.rows.iter().map(of).collect(),
    }
}

/// Texts of chance occur together as they should: for each, all the rows of all outputs that have it.
fn occurrences(plan: &Plan, right: &Round, found: &BTreeMap<String, Relation>) -> Result<(), Found> {
    // Which of the rows an open view has is not known here.
    let outputs: Vec<&Output> = plan
        .outputs
        .iter()
        .filter(|output| !plan.views.iter().any(|view| view.name == output.view && view.is_open()))
        .collect();
    let of = |tables: &BTreeMap<String, Relation>| {
        let mut places: BTreeMap<Value, Vec<(String, usize, Row)>> = BTreeMap::new();
        for output in &outputs {
            let Some(table) = tables.get(&output.table) else { continue };
            let rest = without_tokens(table);
            for (row, rest) in table.rows.iter().zip(rest.rows) {
                for (at, _) in table.columns.iter().enumerate().filter(|(_, column)| is_token(column)) {
                    // Rows without a text are together, as those of one text.
                    let token = row[at].clone();
                    places.entry(token).or_default().push((output.table.clone(), at, rest.clone()));
                }
            }
        }
        let mut places: Vec<_> = places.into_values().collect();
        places.iter_mut().for_each(|rows| rows.sort());
        places.sort();
        places
    };
    let (right, found) = (of(&right.tables), of(found));
    match right.iter().zip(&found).find(|(right, found)| right != found) {
        Some((right, found)) => Err((
            Fault::Rows,
            format!(
                "a text of chance is in these rows: {found:?}\nand another in these, which should have one: {right:?}"
            ),
        )),
        None if right.len() != found.len() => {
            Err((Fault::Rows, format!("{} texts of chance, {} are right", found.len(), right.len())))
        }
        None => Ok(()),
    }
}

/// The rows of one relation that another has not, both sorted.
struct Difference<'a>(&'a Relation, &'a Relation);

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut others = self.1.rows.iter().peekable();
        let mut shown = 0;
        for row in &self.0.rows {
            while others.next_if(|other| rows(other, row).is_lt()).is_some() {}
            if others.next_if(|other| rows(other, row).is_eq()).is_some() {
                continue;
            }
            shown += 1;
            if shown > 10 {
                return writeln!(f, "  ...");
            }
            let values: Vec<String> = row.iter().map(ToString::to_string).collect();
            writeln!(f, "  {}", values.join(" | "))?;
        }
        Ok(())
    }
}
