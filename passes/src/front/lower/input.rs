//! Inputs: which of the two kinds each is, and what its fields say.

use std::collections::BTreeMap;

use ir::diag::{Diagnostic, SpecPath, codes};
use ir::graph::{Graph, Node, Owner};
use ir::op::{FileColumn, FileFormat, Input, Op};
use ir::origin::{Definition, SpecField};
use ir::spec::InputRelation;

use super::{add, data_type};
use crate::context::Context;

/// The fields that mean something for files alone.
const OF_FILES: [&str; 4] = ["format", "options", "schema", "union_by_name"];

pub(super) fn lower(graph: &mut Graph, cx: &mut Context<'_>, input: &InputRelation, place: &SpecPath) {
    let name = &input.logical_name;
    let Some(op) = operation(cx, input, place) else {
        // Nothing is said of what reads it, unless another one has its name.
        if graph.find(name).is_none() {
            cx.leave_out(Owner::View(name.clone()));
        }
        return;
    };
    let mut origin = Definition::at(place.clone());
    let location = if input.delta_location.is_some() { "delta_location" } else { "location" };
    origin.record(SpecField::Location, place.field(location));
    origin.record(SpecField::Version, place.field("version_pin"));
    origin.record(SpecField::Options, place.field("options"));
    add(graph, cx, Node::new(name, Op::Input(op)), origin, |_| {
        Diagnostic::new(codes::DUPLICATE_INPUT, format!("there is another input named `{name}`"))
            .at(place.field("logical_name"))
    });
}

/// What an input reads; nothing if it does not say.
fn operation(cx: &mut Context<'_>, input: &InputRelation, place: &SpecPath) -> Option<Input> {
    let inside =
        |found: &Diagnostic| found.location.as_ref().and_then(SpecPath::parent).as_ref() == Some(place);
    let is_misread = cx.diagnostics.iter().any(inside);
    let found = cx.diagnostics.len();
    // It may be what was meant by a field that could not be read.
    if input.place().is_some() || !is_misread {
        check_form(cx, input, place);
    }
    if let Some(columns) = &input.schema {
        check_columns(cx, &columns.0, &place.field("schema"));
    }
    if cx.diagnostics.len() > found || is_misread {
        return None;
    }
    Some(Input {
        location: input.place()?.to_owned(),
        version: input.version_pin,
        files: input.files(),
        lineage: input.lineage(),
    })
}

/// Whether an input is one of the two kinds, with the fields of that kind.
fn check_form(cx: &mut Context<'_>, input: &InputRelation, place: &SpecPath) {
    let name = &input.logical_name;
    let mut report = |field: Option<&str>, message: String, help: &str| {
        let at = field.map_or_else(|| place.clone(), |field| place.field(field));
        cx.report(Diagnostic::new(codes::INPUT_FORM, message).at(at).help(help));
    };
    match (&input.delta_location, &input.location) {
        (Some(_), Some(_)) => report(
            Some("location"),
            format!("input `{name}` has two locations"),
            "a Delta table has a `delta_location`; files that are none have a `location` and a `format`",
        ),
        (None, None) => report(
            None,
            format!("input `{name}` has no location"),
            "give a Delta table's `delta_location`, or the `location` of files and their `format`",
        ),
        (Some(_), None) => {
            for field in OF_FILES.into_iter().filter(|field| says(input, field)) {
                let message = format!("`{field}` means nothing for a Delta table, which input `{name}` is");
                let help = "leave it out, or give a `location` instead of a `delta_location` to read files";
                report(Some(field), message, help);
            }
        }
        (None, Some(_)) => {
            if input.format.is_none() {
                let formats = FileFormat::ALL.map(FileFormat::name).join(", ");
                let help = format!("add `format`: {formats}; a Delta table has a `delta_location` instead");
                report(Some("location"), format!("input `{name}` does not say what its files are"), &help);
            }
            if input.version_pin.is_some() {
                let message = format!("input `{name}` is files, which have no versions");
                report(Some("version_pin"), message, "leave it out");
            }
        }
    }
    if input.lineage_column.as_deref() == Some("") {
        let message = format!("the column of files of input `{name}` has no name");
        report(Some("lineage_column"), message, "give it one, or leave it out for `__source_file`");
    }
    if input.lineage_column.is_some() && !input.requires_lineage {
        let message = format!("input `{name}` names a column of files, but does not ask for it");
        let help = "add `requires_lineage: true`, or leave the name out";
        report(Some("lineage_column"), message, help);
    }
}

/// Whether an input has something to say with this field of files.
fn says(input: &InputRelation, field: &str) -> bool {
    match field {
        "format" => input.format.is_some(),
        "options" => !input.options.is_empty(),
        "schema" => input.schema.is_some(),
        _ => input.union_by_name,
    }
}

/// Columns of files have different names, and types that exist.
fn check_columns(cx: &mut Context<'_>, columns: &[FileColumn], place: &SpecPath) {
    if columns.is_empty() {
        let found = Diagnostic::new(codes::INPUT_FORM, "files have at least one column").at(place.clone());
        cx.report(found.help("list the columns that are read, or leave `schema` out to infer them"));
    }
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    for (index, column) in columns.iter().enumerate() {
        let place = place.index(index);
        if column.name.is_empty() {
            let found = Diagnostic::new(codes::INPUT_FORM, "a column has no name").at(place.field("name"));
            cx.report(found.help("name the column as the files do"));
        }
        if let Some(other) = names.insert(column.name.to_lowercase(), &column.name) {
            let message = format!("there is another column `{other}`");
            cx.report(Diagnostic::new(codes::INPUT_FORM, message).at(place.field("name")));
        }
        data_type(cx, &column.data_type, place.field("type"));
    }
}
