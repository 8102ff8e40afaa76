//! Types as they count in a digest, and what stands for the columns of a table.

use std::fmt::Write as _;

use arrow::datatypes::{DataType, Schema, TimeUnit};
use hash::canonical::Encoder;

use super::RowsError;

/// What the columns of a table are hashed as.
const DOMAIN: &str = "codeanatomy rows 2";

/// The type of a Delta table that an Arrow type stands for, as a text: as in the schema of a table, and nested types as
/// `array<T>`, `map<K,V>` and `struct<LENGTH:NAME:T,...>`, with the length of the name in bytes. Neither nullability nor
/// metadata are part of it, nor how Arrow keeps the values.
pub(super) fn delta_type(data_type: &DataType, column: &str) -> Result<String, RowsError> {
    let mut text = String::new();
    match push_type(&mut text, data_type) {
        Some(()) => Ok(text),
        None => {
            Err(RowsError::UnsupportedType { column: column.to_owned(), data_type: data_type.to_string() })
        }
    }
}

/// `None` for what no column of a Delta table is.
fn push_type(text: &mut String, data_type: &DataType) -> Option<()> {
    let name = match data_type {
        DataType::Null => "void",
        DataType::Boolean => "boolean",
        DataType::Int8 => "byte",
        DataType::Int16 => "short",
        DataType::Int32 => "integer",
        DataType::Int64 => "long",
        DataType::Float32 => "float",
        DataType::Float64 => "double",
        DataType::Date32 => "date",
        DataType::Timestamp(TimeUnit::Microsecond, None) => "timestamp_ntz",
        // A point in time is the same in every zone.
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "timestamp",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            "binary"
        }
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale) => {
            // Writing to a String does not fail.
            return write!(text, "decimal({precision},{scale})").ok().filter(|()| *scale >= 0);
        }
        DataType::Dictionary(_, values) => return push_type(text, values),
        DataType::RunEndEncoded(_, values) => return push_type(text, values.data_type()),
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::FixedSizeList(_, _)
        | DataType::Map(_, _)
        | DataType::Struct(_) => return push_nested(text, data_type),
        _ => return None,
    };
    text.push_str(name);
    Some(())
}

fn push_nested(text: &mut String, data_type: &DataType) -> Option<()> {
    match data_type {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            text.push_str("array<");
            push_type(text, item.data_type())?;
        }
        DataType::Map(entries, _) => {
            let DataType::Struct(entry) = entries.data_type() else { return None };
            let [key, value] = entry.as_ref() else { return None };
            text.push_str("map<");
            push_type(text, key.data_type())?;
            text.push(',');
            push_type(text, value.data_type())?;
        }
        DataType::Struct(fields) => {
            text.push_str("struct<");
            for (place, field) in fields.iter().enumerate() {
                let comma = if place > 0 { "," } else { "" };
                write!(text, "{comma}{}:{}:", field.name().len(), field.name()).ok()?;
                push_type(text, field.data_type())?;
            }
        }
        _ => return None,
    }
    text.push('>');
    Some(())
}

/// The places of the columns of `schema`, in the order of their names' UTF-8 bytes: tables that hold equal rows under equal
/// names are equal, wherever a column stands.
pub(super) fn by_name(schema: &Schema) -> Vec<usize> {
    let mut places: Vec<usize> = (0..schema.fields().len()).collect();
    places.sort_by_key(|place| schema.fields().get(*place).map(|field| field.name()));
    places
}

/// What the columns of `schema` are hashed as: tables with other names or other types of columns have another.
///
/// # Errors
/// [`RowsError::UnsupportedType`].
pub(super) fn encoded(schema: &Schema) -> Result<Encoder, RowsError> {
    let mut encoder = Encoder::new(DOMAIN);
    encoder.list(schema.fields().len());
    for field in by_name(schema).into_iter().filter_map(|place| schema.fields().get(place)) {
        encoder.list(2).text(field.name()).text(&delta_type(field.data_type(), field.name())?);
    }
    Ok(encoder)
}
