//! `normalize`: an identifier, a span and normalised texts, as one projection.

use arrow_schema::DataType;
use ir::diag::{Diagnostic, codes};
use ir::expr::{NamedExpr, ScalarExpr};
use ir::op::{Normalize, Op, Project};
use ir::origin::SpecField;
use ir::schema::Schema;

use super::{Expansion, From, Issue};

pub(super) fn expand<'a>(
    mut expansion: Expansion<'a>,
    normalize: &Normalize,
    inputs: &[&Schema],
) -> Result<Expansion<'a>, Vec<Issue>> {
    let [input] = inputs else { return Ok(expansion) };
    let mut issues = Vec::new();
    check_columns(normalize, input, &mut issues);
    let mut columns: Vec<NamedExpr> = input.names().map(NamedExpr::column).collect();
    let mut add = |field: SpecField, name: String, expr: ScalarExpr| {
        if columns.iter().any(|column| column.name == name) {
            let message = format!("the source already has a column `{name}`, which `Normalize` adds");
            let diagnostic =
                Diagnostic::new(codes::DERIVED_NAME_TAKEN, message).help("rename it in a `Project` before");
            issues.push(Issue { field, diagnostic });
        }
        columns.push(NamedExpr::new(name, expr));
    };
    let parts = normalize.id_columns.iter().map(|column| ScalarExpr::column(column));
    let arguments = std::iter::once(ScalarExpr::text(&normalize.kind)).chain(parts).collect();
    if !normalize.id_columns.is_empty() {
        add(SpecField::Ids, "entity_id".to_owned(), ScalarExpr::call("stable_id128", arguments));
    }
    if let Some([start, end]) = &normalize.span_columns {
        let span = ScalarExpr::call("span_make", vec![ScalarExpr::column(start), ScalarExpr::column(end)]);
        add(SpecField::Spans, "span".to_owned(), span);
    }
    for column in &normalize.text_columns {
        let text = ScalarExpr::call("utf8_normalize", vec![ScalarExpr::column(column)]);
        add(SpecField::Texts, format!("{column}_normalized"), text);
    }
    if !issues.is_empty() {
        return Err(issues);
    }
    let op = Op::Project(Project { columns: columns.into_iter().collect() });
    expansion.step("columns", op, &[From::Port(0)], inputs)?;
    Ok(expansion)
}

fn check_columns(normalize: &Normalize, input: &Schema, issues: &mut Vec<Issue>) {
    let spans: &[String] = normalize.span_columns.as_ref().map_or(&[], |columns| columns);
    check(&normalize.id_columns, SpecField::Id, input, issues, |name, data_type| {
        let message =
            format!("`{name}` is {data_type}: a float has no exact text, so it cannot identify a row");
        data_type.is_floating().then(|| Diagnostic::new(codes::TYPE_MISMATCH, message))
    });
    check(spans, SpecField::Span, input, issues, |name, data_type| {
        let message = format!("`{name}` is {data_type}, not an integer");
        let diagnostic = || Diagnostic::new(codes::SPAN_COLUMN_TYPE, message).found(data_type.to_string());
        (!data_type.is_integer()).then(diagnostic)
    });
    check(&normalize.text_columns, SpecField::Text, input, issues, |name, data_type| {
        let message = format!("`{name}` is {data_type}, not text");
        (!is_text(data_type)).then(|| Diagnostic::new(codes::TYPE_MISMATCH, message))
    });
}

/// Checks that there are these columns, and that nothing is wrong with their types.
fn check(
    columns: &[String],
    field: fn(usize) -> SpecField,
    input: &Schema,
    issues: &mut Vec<Issue>,
    wrong: impl Fn(&str, &DataType) -> Option<Diagnostic>,
) {
    for (index, name) in columns.iter().enumerate() {
        let found = match input.field(name) {
            None => Some(super::unknown_column(name, input)),
            Some(column) => wrong(name, column.data_type()),
        };
        issues.extend(found.map(|diagnostic| Issue { field: field(index), diagnostic }));
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "other types of Arrow are no texts")]
fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, value) => is_text(value),
        other => matches!(other, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View),
    }
}
