//! Bringing arrays to the types of a table's files.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef};
use arrow::error::ArrowError;

/// `array` as `wanted`. Struct fields match by name, map keys and values by position, and everything else
/// is cast; a value that does not fit is an error, never NULL.
///
/// Arrow's own cast matches nested fields by position and keeps their names, and the Delta library's
/// matches map entries by names writers do not agree on.
///
/// # Errors
/// Names the path of the field and says what does not fit.
pub(crate) fn conform(array: &ArrayRef, wanted: &Field) -> Result<ArrayRef, String> {
    let within = |error: ArrowError| format!("column `{}`: {error}", wanted.name());
    let nested = |error: String| format!("column `{}`: {error}", wanted.name());
    if array.data_type() == wanted.data_type() {
        return Ok(Arc::clone(array));
    }
    Ok(match (array.data_type(), wanted.data_type()) {
        (DataType::Struct(_), DataType::Struct(fields)) => {
            Arc::new(conform_struct(array.as_struct(), fields, Matching::ByName).map_err(nested)?)
        }
        (DataType::Map(_, _), DataType::Map(entries, sorted)) => {
            let map = array.as_map();
            let DataType::Struct(fields) = entries.data_type() else {
                return Err(nested("a map without entries".into()));
            };
            let conformed = conform_struct(map.entries(), fields, Matching::ByPosition).map_err(nested)?;
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            let map = MapArray::try_new(Arc::clone(entries), offsets, conformed, nulls, *sorted);
            Arc::new(map.map_err(within)?)
        }
        (DataType::List(_), DataType::List(item)) => {
            let list: &ListArray = array.as_list();
            let values = conform(list.values(), item).map_err(nested)?;
            let list =
                ListArray::try_new(Arc::clone(item), list.offsets().clone(), values, list.nulls().cloned());
            Arc::new(list.map_err(within)?)
        }
        (
            DataType::LargeList(item)
            | DataType::ListView(item)
            | DataType::LargeListView(item)
            | DataType::FixedSizeList(item, _),
            DataType::List(_),
        ) => {
            let list = cast(array, &DataType::List(Arc::clone(item))).map_err(within)?;
            conform(&list, wanted)?
        }
        (DataType::Dictionary(_, values), target) if target.is_nested() => {
            conform(&cast(array, values).map_err(within)?, wanted)?
        }
        (_, target) => cast(array, target).map_err(within)?,
    })
}

/// How the fields of two structs belong together.
#[derive(Clone, Copy)]
enum Matching {
    ByName,
    ByPosition,
}

fn conform_struct(
    array: &StructArray,
    fields: &arrow::datatypes::Fields,
    matching: Matching,
) -> Result<StructArray, String> {
    let child = |(index, field): (usize, &FieldRef)| {
        let child = match matching {
            Matching::ByName => array.column_by_name(field.name()),
            Matching::ByPosition => array.columns().get(index),
        };
        conform(child.ok_or_else(|| format!("field `{}` is missing", field.name()))?, field)
    };
    let children = fields.iter().enumerate().map(child).collect::<Result<Vec<_>, _>>()?;
    StructArray::try_new_with_length(fields.clone(), children, array.nulls().cloned(), array.len())
        .map_err(|error| error.to_string())
}

fn cast(array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, data_type, &options)
}
