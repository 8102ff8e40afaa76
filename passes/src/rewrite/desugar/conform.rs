//! `conform`: stacked sources with the columns of a table.
//!
//! The columns of the operation come first, then whatever else the sources have. Where there are lists, rows of these
//! columns are grouped: a row for each value of the grouping columns, with an ordered list of what belongs to it. Which
//! columns, and what they mean, is data of the operation.

use arrow_schema::DataType;
use ir::diag::{Diagnostic, codes};
use ir::expr::{NamedExpr, ScalarExpr};
use ir::op::{Aggregate, Conform, Lists, Op};
use ir::origin::SpecField;
use ir::schema::{Schema, same_logical_type};

use super::{Expansion, Issue, union};

pub(super) fn expand<'a>(
    mut expansion: Expansion<'a>,
    conform: &Conform,
    inputs: &[&Schema],
) -> Result<Expansion<'a>, Vec<Issue>> {
    let issues = check_sources(&expansion, &conform.columns, inputs);
    if !issues.is_empty() {
        return Err(issues);
    }
    let mut columns: Vec<(String, DataType)> = conform
        .columns
        .fields()
        .map(|field| (field.name().clone(), stored_type(field.name(), field.data_type(), inputs)))
        .collect();
    if conform.lists.is_none() {
        for field in inputs.iter().flat_map(|input| input.fields()) {
            if !columns.iter().any(|(name, _)| name == field.name()) {
                columns.push((field.name().clone(), field.data_type().clone()));
            }
        }
    }
    let names: Vec<String> = (1..=inputs.len()).map(|number| format!("source{number}")).collect();
    let tags = inputs.iter().map(|_| None);
    let stacked = union::stack(&mut expansion, &names, tags, &columns, inputs)?;
    if let Some(lists) = &conform.lists {
        expansion.step("lists", Op::Aggregate(group(lists)), &[stacked], inputs)?;
    }
    Ok(expansion)
}

/// The type a column gets: the first source's, where it is only another encoding of the table's type.
fn stored_type(name: &str, wanted: &DataType, inputs: &[&Schema]) -> DataType {
    inputs
        .iter()
        .filter_map(|input| input.field(name))
        .map(|field| field.data_type())
        .find(|found| same_logical_type(found, wanted))
        .unwrap_or(wanted)
        .clone()
}

/// `array_agg_sorted(named_struct(…), order…)` per group.
fn group(lists: &Lists) -> Aggregate {
    let element =
        lists.element.iter().flat_map(|name| [ScalarExpr::text(name), ScalarExpr::column(name)]).collect();
    let arguments = std::iter::once(ScalarExpr::call("named_struct", element))
        .chain(lists.order.iter().map(|name| ScalarExpr::column(name)))
        .collect();
    Aggregate {
        group_by: lists.by.iter().map(|name| NamedExpr::column(name)).collect(),
        measures: [NamedExpr::new(&lists.list, ScalarExpr::call("array_agg_sorted", arguments))]
            .into_iter()
            .collect(),
    }
}

fn check_sources(expansion: &Expansion<'_>, columns: &Schema, inputs: &[&Schema]) -> Vec<Issue> {
    let mut issues = Vec::new();
    for (port, input) in inputs.iter().enumerate() {
        for column in columns.fields() {
            let (name, wanted) = (column.name(), column.data_type());
            let message = match input.field(name) {
                None if !column.is_nullable() => format!("the source has no column `{name}` ({wanted})"),
                Some(field) if !fits(expansion, field.data_type(), wanted) => {
                    format!("`{name}` is {}, the table needs {wanted}", field.data_type())
                }
                _ => continue,
            };
            let diagnostic = Diagnostic::new(codes::CPG_COLUMN, message);
            issues.push(Issue { field: SpecField::Source(port), diagnostic });
        }
    }
    issues
}

/// Whether values of a type can stand in a column of another without losing anything.
fn fits(expansion: &Expansion<'_>, found: &DataType, wanted: &DataType) -> bool {
    same_logical_type(found, wanted)
        || *found == DataType::Null
        || expansion
            .oracle
            .common_type(&[found.clone(), wanted.clone()])
            .is_some_and(|common| common == *wanted)
}
