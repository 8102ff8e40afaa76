//! Names that can be used, and lists that must not be empty.

use unicode_normalization::is_nfc;

use crate::diag::{Diagnostic, Findings, SpecPath, codes};

use super::{Assertion, NamedExpr, Spec, Transform};

/// The longest name, in characters.
const MAX_NAME_CHARACTERS: usize = 128;

/// Checks every name a spec introduces.
pub(super) fn check(spec: &Spec, findings: &mut Findings) {
    let root = SpecPath::root();
    for (index, input) in spec.input_relations.iter().enumerate() {
        let path = root.field("input_relations").index(index).field("logical_name");
        relation(&input.logical_name, path, findings);
    }
    for (index, view) in spec.view_definitions.iter().enumerate() {
        let path = root.field("view_definitions").index(index);
        relation(&view.name, path.field("name"), findings);
        assertions(&view.assertions, &path, findings);
        transform(&view.transform, &path.field("transform"), findings);
    }
    for (index, output) in spec.output_targets.iter().enumerate() {
        let path = root.field("output_targets").index(index);
        relation(&output.table_name, path.field("table_name"), findings);
        columns(&output.columns, &path.field("columns"), findings);
        assertions(&output.assertions, &path, findings);
    }
    let constraints = root.field("join_graph").field("constraints");
    for (index, constraint) in spec.join_graph.constraints.iter().enumerate() {
        label(&constraint.name, constraints.index(index).field("name"), findings);
    }
    for (index, test) in spec.tests.iter().enumerate() {
        label(&test.name, root.field("tests").index(index).field("name"), findings);
    }
    for (field, is_empty) in [
        ("view_definitions", spec.view_definitions.is_empty()),
        ("output_targets", spec.output_targets.is_empty()),
    ] {
        if is_empty {
            let message = format!("`{field}` is empty: there would be nothing to do");
            findings.push(Diagnostic::new(codes::EMPTY_LIST, message).at(root.field(field)));
        }
    }
}

/// Names of columns that a transform introduces.
fn transform(transform: &Transform, path: &SpecPath, findings: &mut Findings) {
    match transform {
        Transform::Project(project) => columns(&project.columns, &path.field("columns"), findings),
        Transform::Aggregate(aggregate) => {
            columns(&aggregate.group_by, &path.field("group_by"), findings);
            for (index, aggregation) in aggregate.aggregations.iter().enumerate() {
                column(&aggregation.alias, path.field("aggregations").index(index).field("alias"), findings);
            }
        }
        Transform::Window(window) => {
            for (index, computed) in window.columns.iter().enumerate() {
                column(&computed.name, path.field("columns").index(index).field("name"), findings);
            }
        }
        Transform::Union(union) => {
            if let Some(name) = &union.discriminator_column {
                column(name, path.field("discriminator_column"), findings);
            }
        }
        Transform::Unnest(unnest) => {
            if let Some(name) = &unnest.alias {
                column(name, path.field("alias"), findings);
            }
        }
        Transform::Relate(relate) => {
            for (index, entry) in relate.select.iter().enumerate() {
                if let super::SelectEntry::Column { name: Some(name), .. } = entry {
                    column(name, path.field("select").index(index), findings);
                }
            }
        }
        Transform::Normalize(_)
        | Transform::Filter(_)
        | Transform::Sql(_)
        | Transform::IncrementalCdf(_)
        | Transform::Metadata(_)
        | Transform::FileManifest(_)
        | Transform::CpgEmit(_) => {}
    }
}

/// Names of assertions of a view or an output.
fn assertions(assertions: &[Assertion], path: &SpecPath, findings: &mut Findings) {
    let named = assertions.iter().map(|assertion| &assertion.name).enumerate();
    for (index, name) in named.filter_map(|(index, name)| Some((index, name.as_ref()?))) {
        label(name, path.field("assertions").index(index).field("name"), findings);
    }
}

fn columns(columns: &[NamedExpr], path: &SpecPath, findings: &mut Findings) {
    for (index, named) in columns.iter().enumerate() {
        let entry = path.index(index);
        let place = if named.expr.is_some() { entry.field("name") } else { entry };
        column(&named.name, place, findings);
    }
}

/// Checks the name of an input, view or output.
fn relation(name: &str, path: SpecPath, findings: &mut Findings) {
    let problem = problem(name).or_else(|| {
        name.chars()
            .find(|c| matches!(c, '.' | '@'))
            .map(|c| format!("`{c}` is not allowed in the name of a table"))
    });
    report(name, problem, path, findings);
}

/// Checks the name of something that only messages and records speak of.
fn label(name: &str, path: SpecPath, findings: &mut Findings) {
    report(name, problem(name), path, findings);
}

/// Checks the name of a column.
fn column(name: &str, path: SpecPath, findings: &mut Findings) {
    report(name, problem(name), path, findings);
}

fn report(name: &str, problem: Option<String>, path: SpecPath, findings: &mut Findings) {
    if let Some(problem) = problem {
        findings
            .push(Diagnostic::new(codes::BAD_NAME, problem).at(path).found(name).help("choose another name"));
    }
}

/// What no name may have.
fn problem(name: &str) -> Option<String> {
    if name.trim().is_empty() {
        return Some("a name must not be empty".to_owned());
    }
    if name.chars().any(char::is_control) {
        return Some("a name must not have control characters".to_owned());
    }
    let length = name.chars().count();
    if length > MAX_NAME_CHARACTERS {
        return Some(format!(
            "a name must not be longer than {MAX_NAME_CHARACTERS} characters; this has {length}"
        ));
    }
    (!is_nfc(name)).then(|| "a name must be in Unicode normalization form C".to_owned())
}
