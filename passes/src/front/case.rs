//! Names of columns that differ in letter case only.
//!
//! The compiler compares names exactly, most programs that read Delta tables do not. Such a pair is refused in an
//! output, and remarked where it arises in a view.

use std::collections::BTreeMap;

use arrow_schema::{DataType, Field};
use ir::diag::{Diagnostic, codes};
use ir::graph::Node;
use ir::op::Op;
use ir::origin::SpecField;
use ir::schema::Schema;

use crate::context::Context;

/// The columns, and fields of struct columns, that differ by letter case only from others beside them.
pub(super) fn twins(schema: &Schema) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let fields: Vec<&Field> = schema.fields().collect();
    add_twins("", &fields, &mut found);
    found
}

fn add_twins(prefix: &str, fields: &[&Field], found: &mut Vec<Vec<String>>) {
    let mut spellings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for field in fields {
        let name = format!("{prefix}{}", field.name());
        spellings.entry(name.to_lowercase()).or_default().push(name.clone());
        let inside = inner_fields(field.data_type());
        if !inside.is_empty() {
            add_twins(&format!("{name}."), &inside, found);
        }
    }
    found.extend(spellings.into_values().filter(|names| names.len() > 1));
}

/// The fields of the struct in a type, through lists and maps.
#[expect(clippy::wildcard_enum_match_arm, reason = "other types have no fields")]
fn inner_fields(data_type: &DataType) -> Vec<&Field> {
    match data_type {
        DataType::Struct(fields) => fields.iter().map(AsRef::as_ref).collect(),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            inner_fields(item.data_type())
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => {
                fields.iter().flat_map(|field| inner_fields(field.data_type())).collect()
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Remarks a pair that a view makes: none of its inputs has it.
pub(super) fn check(cx: &mut Context<'_>, node: &Node, inputs: &[&Schema]) {
    // Inputs have what their tables have, and outputs are refused.
    if matches!(node.op, Op::Scan(_) | Op::Input(_) | Op::Sink(_) | Op::Written(_)) {
        return;
    }
    let Some(schema) = &node.schema else { return };
    let known: Vec<Vec<String>> = inputs.iter().flat_map(|input| twins(input)).collect();
    for names in twins(schema).into_iter().filter(|names| !known.contains(names)) {
        let message = format!("the columns {} differ by letter case only", names.join(" and "));
        cx.report(
            Diagnostic::new(codes::COLUMN_CASE_IN_VIEW, message)
                .about("view", node.owner.name())
                .about("columns", names.join(", "))
                .at(cx.place(node, SpecField::Transform))
                .help("give both one name if one column is meant"),
        );
    }
}
