//! Bringing arrays to the types of a table's files.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
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
            let (offsets, used) = own_offsets(map.offsets());
            let own = map.entries().slice(used.start, used.len());
            let conformed = conform_struct(&own, fields, Matching::ByPosition).map_err(nested)?;
            let map =
                MapArray::try_new(Arc::clone(entries), offsets, conformed, map.nulls().cloned(), *sorted);
            Arc::new(map.map_err(within)?)
        }
        (DataType::List(_), DataType::List(item)) => {
            let list: &ListArray = array.as_list();
            let (offsets, used) = own_offsets(list.offsets());
            let values = conform(&list.values().slice(used.start, used.len()), item).map_err(nested)?;
            let list = ListArray::try_new(Arc::clone(item), offsets, values, list.nulls().cloned());
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

/// Offsets that start at 0, and the values they are about. A batch is often a slice of a much larger one that keeps
/// all of its values; converting those once per slice would be quadratic.
fn own_offsets(offsets: &OffsetBuffer<i32>) -> (OffsetBuffer<i32>, Range<usize>) {
    let first = offsets.first().copied().unwrap_or(0);
    let last = offsets.last().copied().unwrap_or(first);
    let own = offsets.iter().map(|offset| offset - first).collect::<ScalarBuffer<i32>>();
    (OffsetBuffer::new(own), first as usize..last as usize)
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

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, Int64Array};
    use arrow::datatypes::Int32Type;

    use super::*;

    #[test]
    fn a_slice_converts_its_own_values_only() {
        let rows = (0..100).map(|row| Some(vec![Some(row), Some(row + 1)]));
        let all: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(rows));
        let slice = all.slice(40, 2);
        let item = Arc::new(Field::new("item", DataType::Int64, true));
        let wanted = Field::new("list", DataType::List(item), true);
        let conformed = conform(&slice, &wanted).unwrap();
        let list: &ListArray = conformed.as_list();
        assert_eq!(list.values().len(), 4, "not the 200 values of the whole array");
        assert_eq!(list.value(1).as_ref(), &Int64Array::from(vec![41, 42]) as &dyn Array);
        assert_eq!(all.as_list::<i32>().value(41).as_ref(), &Int32Array::from(vec![41, 42]) as &dyn Array);
    }
}
