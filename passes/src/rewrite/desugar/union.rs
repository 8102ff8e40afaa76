//! `union_by_name`: sources brought to the same columns, stacked.

use std::collections::{BTreeMap, BTreeSet};

use arrow_schema::DataType;
use ir::diag::{Diagnostic, codes};
use ir::expr::{NamedExpr, ScalarExpr};
use ir::op::{Distinct, Op, Project, Union, UnionByName};
use ir::origin::SpecField;
use ir::schema::Schema;

use super::{Expansion, From, Issue};

pub(super) fn expand<'a>(
    mut expansion: Expansion<'a>,
    union: &UnionByName,
    inputs: &[&Schema],
) -> Result<Expansion<'a>, Vec<Issue>> {
    let mut issues = Vec::new();
    let columns = common_columns(&expansion, union, inputs, &mut issues);
    issues.extend(drifted_columns(union, inputs));
    if let Some(name) =
        union.discriminator.as_ref().filter(|name| columns.iter().any(|(column, _)| column == *name))
    {
        let message = format!("a source already has a column `{name}`");
        let diagnostic = Diagnostic::new(codes::DERIVED_NAME_TAKEN, message);
        issues.push(Issue { field: SpecField::Discriminator, diagnostic });
    }
    if !issues.is_empty() {
        return Err(issues);
    }
    let tags = union.sources.iter().map(|source| {
        union.discriminator.as_ref().map(|name| NamedExpr::new(name, ScalarExpr::text(source)))
    });
    let names: Vec<String> = union.sources.clone();
    let last = stack(&mut expansion, &names, tags, &columns, inputs)?;
    if union.distinct {
        expansion.step("distinct", Op::Distinct(Distinct {}), &[last], inputs)?;
    }
    Ok(expansion)
}

/// Columns whose names differ in letter case only, of which a source has one and lacks the other: in the union each
/// would be NULL where the other has a value.
fn drifted_columns(union: &UnionByName, inputs: &[&Schema]) -> Vec<Issue> {
    let mut spellings: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for name in inputs.iter().flat_map(|input| input.names()) {
        spellings.entry(name.to_lowercase()).or_default().insert(name);
    }
    let has_all = |input: &Schema, names: &BTreeSet<&str>| names.iter().all(|name| input.contains(name));
    let has_some = |input: &Schema, names: &BTreeSet<&str>| names.iter().any(|name| input.contains(name));
    let drifted = spellings.into_values().filter(|names| {
        names.len() > 1 && inputs.iter().any(|input| has_some(input, names) && !has_all(input, names))
    });
    let issue = |names: BTreeSet<&str>| {
        let sources = union.sources.iter().zip(inputs);
        let found = sources.flat_map(|(source, input)| {
            let own = names.iter().filter(|name| input.contains(name));
            own.map(move |name| format!("{source}: {name}"))
        });
        let message = format!(
            "the name of a column differs by letter case between the sources ({}); each would be NULL in the rows of the other",
            found.collect::<Vec<_>>().join(", ")
        );
        let diagnostic = Diagnostic::new(codes::COLUMN_CASE, message)
            .help("give both one name in a `Project` before, such as {name: a, expr: '\"A\"'}");
        Issue { field: SpecField::Sources, diagnostic }
    };
    drifted.map(issue).collect()
}

/// Projects every input to the same columns and stacks the projections. One input is projected only.
pub(super) fn stack(
    expansion: &mut Expansion<'_>,
    names: &[String],
    tags: impl IntoIterator<Item = Option<NamedExpr>>,
    columns: &[(String, DataType)],
    inputs: &[&Schema],
) -> Result<From, Vec<Issue>> {
    let mut aligned = Vec::with_capacity(inputs.len());
    for ((port, input), (name, tag)) in inputs.iter().enumerate().zip(names.iter().zip(tags)) {
        let list =
            tag.into_iter().chain(columns.iter().map(|(column, data_type)| align(input, column, data_type)));
        let op = Op::Project(Project { columns: list.collect() });
        aligned.push(expansion.step(name, op, &[From::Port(port)], inputs)?);
    }
    match aligned.as_slice() {
        [only] => Ok(*only),
        _ => expansion.step("union", Op::Union(Union {}), &aligned, inputs),
    }
}

/// A column of an input with the common type; NULL where the input does not have it.
fn align(input: &Schema, column: &str, data_type: &DataType) -> NamedExpr {
    let null = || ScalarExpr::new(sqlparser::ast::Expr::Value(sqlparser::ast::Value::Null.into()));
    let expr = match input.field(column) {
        None => null().arrow_cast(data_type),
        Some(field) if field.data_type() == data_type => ScalarExpr::column(column),
        Some(_) => ScalarExpr::column(column).arrow_cast(data_type),
    };
    NamedExpr::new(column, expr)
}

/// The columns of all inputs: those of the first in their order, then new ones in order of appearance, each with
/// the type that all inputs' values can be brought to.
fn common_columns(
    expansion: &Expansion<'_>,
    union: &UnionByName,
    inputs: &[&Schema],
    issues: &mut Vec<Issue>,
) -> Vec<(String, DataType)> {
    let mut columns: Vec<(String, DataType)> = Vec::new();
    let mut seen = BTreeSet::new();
    for name in inputs.iter().flat_map(|input| input.names()) {
        if !seen.insert(name) {
            continue;
        }
        let types: Vec<DataType> = inputs
            .iter()
            .filter_map(|input| input.field(name))
            .map(|field| field.data_type().clone())
            .collect();
        let common = match types.as_slice() {
            [first, rest @ ..] if rest.iter().all(|other| other == first) => Some(first.clone()),
            _ => expansion.oracle.common_type(&types),
        };
        match common {
            Some(data_type) => columns.push((name.to_owned(), data_type)),
            None => {
                let found: Vec<String> = union
                    .sources
                    .iter()
                    .zip(inputs)
                    .filter_map(|(source, input)| {
                        Some(format!("{source}: {}", input.field(name)?.data_type()))
                    })
                    .collect();
                let message = format!("the types of `{name}` have nothing in common: {}", found.join(", "));
                let diagnostic = Diagnostic::new(codes::UNION_TYPES, message)
                    .help("cast the column in a `Project` before");
                issues.push(Issue { field: SpecField::Sources, diagnostic });
            }
        }
    }
    columns
}
