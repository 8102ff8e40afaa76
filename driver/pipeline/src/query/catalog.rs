//! What is told of tables, columns and functions: `SHOW`, `DESCRIBE` and the relations of `information_schema`.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use ir::diag::codes;
use ir::schema::type_text;

use super::{Lake, LakeTable, write_rows};
use crate::{PipelineError, Result, Workers};

/// The schema of the relations that tell of all others.
const SCHEMA: &str = "information_schema";
/// Its relations.
const RELATIONS: [&str; 4] = ["columns", "routines", "schemata", "tables"];

/// The names of the relations that tell of others.
pub(super) fn names() -> impl Iterator<Item = String> {
    RELATIONS.into_iter().map(|relation| format!("{SCHEMA}.{relation}"))
}

/// Writes the rows of a relation of `information_schema` as a table in a folder, and gives its place there. Nothing for another
/// relation.
///
/// # Errors
/// When the rows cannot be written, or the workers are stopped.
pub(super) fn write(relation: &str, lake: &Lake, folder: &Path, workers: &Workers) -> Result<Option<String>> {
    let Some(name) = relation.strip_prefix(SCHEMA).and_then(|rest| rest.strip_prefix('.')) else {
        return Ok(None);
    };
    let rows = match name {
        "columns" => columns(lake, workers)?,
        "routines" => routines(workers)?,
        "schemata" => schemata(lake),
        "tables" => tables(lake),
        _ => return Ok(None),
    };
    let rows = rows.map_err(|error| PipelineError::Bug(format!("`{relation}`: {error}")))?;
    let place = folder.join(name).display().to_string();
    write_rows(rows, &place, folder, workers)?.map_err(|error| {
        let message = format!("the rows of `{relation}` cannot be written to a temporary folder: {error}");
        PipelineError::finding(codes::WRITE_FAILED, message, relation)
    })?;
    Ok(Some(place))
}

type Rows = std::result::Result<RecordBatch, arrow::error::ArrowError>;

/// A column of texts.
fn texts<T: Into<String>>(name: &str, values: impl Iterator<Item = T>) -> (Field, ArrayRef) {
    let array: StringArray = values.map(|value| Some(value.into())).collect();
    (Field::new(name, array_type(&array), false), Arc::new(array))
}

fn array_type(array: &dyn arrow::array::Array) -> arrow::datatypes::DataType {
    array.data_type().clone()
}

fn rows<const N: usize>(columns: [(Field, ArrayRef); N]) -> Rows {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}

fn tables(lake: &Lake) -> Rows {
    let tables = lake.tables();
    rows([
        texts("table_schema", tables.iter().map(|table| &table.schema)),
        texts("table_name", tables.iter().map(|table| &table.name)),
        texts("table_type", tables.iter().map(|_| "BASE TABLE")),
    ])
}

fn schemata(lake: &Lake) -> Rows {
    let tables = lake.tables();
    let schemas: std::collections::BTreeSet<&str> =
        tables.iter().map(|table| table.schema.as_str()).chain([SCHEMA]).collect();
    rows([texts("schema_name", schemas.into_iter())])
}

fn routines(workers: &Workers) -> Result<Rows> {
    let names = workers.session()?.function_names();
    Ok(functions(names, "routine_name"))
}

/// The names of functions as rows.
pub(super) fn functions(names: Vec<String>, column: &str) -> Rows {
    rows([texts(column, names.into_iter())])
}

fn columns(lake: &Lake, workers: &Workers) -> Result<Rows> {
    let known = lake.columns(workers)?;
    let all = || {
        known.iter().flat_map(|(table, schema)| {
            schema.fields().iter().zip(1_i64..).map(move |(field, position)| (table, field, position))
        })
    };
    let positions: Int64Array = all().map(|(_, _, position)| Some(position)).collect();
    let positions = (Field::new("ordinal_position", array_type(&positions), false), Arc::new(positions) as _);
    Ok(rows([
        texts("table_schema", all().map(|(table, ..)| &table.schema)),
        texts("table_name", all().map(|(table, ..)| &table.name)),
        texts("column_name", all().map(|(_, field, _)| field.name())),
        positions,
        texts("is_nullable", all().map(|(_, field, _)| yes_or_no(field))),
        texts("data_type", all().map(|(_, field, _)| type_text(field.data_type()))),
    ]))
}

fn yes_or_no(field: &Field) -> &'static str {
    if field.is_nullable() { "YES" } else { "NO" }
}

/// The tables of a lake as `SHOW TABLES` has them.
pub(super) fn shown_tables(lake: &Lake) -> Rows {
    let tables = lake.tables();
    rows([texts("table", tables.iter().map(LakeTable::sql_name))])
}

/// Columns as `DESCRIBE` has them.
pub(super) fn described(schema: &Schema) -> Rows {
    let fields = || schema.fields().iter();
    rows([
        texts("column_name", fields().map(|field| field.name())),
        texts("data_type", fields().map(|field| type_text(field.data_type()))),
        texts("is_nullable", fields().map(|field| yes_or_no(field))),
    ])
}

/// Lines of a text as rows.
pub(super) fn lines(column: &str, text: &str) -> Rows {
    rows([texts(column, text.lines())])
}
