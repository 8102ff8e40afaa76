//! Values in Arrow's columns, and back.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array,
    ListArray, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Fields, Float64Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampNanosecondType,
};

use crate::value::{PRECISION, SCALE, Type, Value};

/// The type in Arrow.
pub(crate) fn data_type(of: Type) -> DataType {
    match of {
        Type::Int => DataType::Int64,
        Type::Float => DataType::Float64,
        Type::Text | Type::Token => DataType::Utf8,
        Type::Bool => DataType::Boolean,
        Type::Decimal => DataType::Decimal128(PRECISION, SCALE as i8),
        Type::Date => DataType::Date32,
        Type::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Type::Ints | Type::Texts => DataType::List(Arc::new(element(of))),
        Type::Pair => DataType::Struct(pair_fields()),
    }
}

fn element(of: Type) -> Field {
    Field::new("element", data_type(of.element().unwrap_or(Type::Int)), true)
}

fn pair_fields() -> Fields {
    vec![Field::new("a", DataType::Int64, true), Field::new("b", DataType::Utf8, true)].into()
}

/// A column of values of one type.
pub(crate) fn array(of: Type, values: &[&Value]) -> ArrayRef {
    macro_rules! primitive {
        ($array:ty, $variant:ident) => {
            values
                .iter()
                .map(|value| match value {
                    Value::$variant(value) => Some(value.clone()),
                    _ => None,
                })
                .collect::<$array>()
        };
    }
    let valid = || Some(values.iter().map(|value| !value.is_null()).collect::<NullBuffer>());
    match of {
        Type::Int => Arc::new(primitive!(Int64Array, Int)),
        Type::Float => Arc::new(primitive!(Float64Array, Float)),
        Type::Text | Type::Token => Arc::new(primitive!(StringArray, Text)),
        Type::Bool => Arc::new(primitive!(BooleanArray, Bool)),
        Type::Date => Arc::new(primitive!(Date32Array, Date)),
        Type::Decimal => Arc::new(primitive!(Decimal128Array, Decimal).with_data_type(data_type(of))),
        Type::Timestamp => Arc::new(primitive!(TimestampMicrosecondArray, Timestamp).with_timezone("UTC")),
        Type::Ints | Type::Texts => {
            let lists = values.iter().map(|value| match value {
                Value::List(elements) => elements.as_slice(),
                _ => &[],
            });
            let offsets = OffsetBuffer::from_lengths(lists.clone().map(<[Value]>::len));
            let elements: Vec<&Value> = lists.flatten().collect();
            let elements = array(of.element().unwrap_or(Type::Int), &elements);
            Arc::new(ListArray::new(Arc::new(element(of)), offsets, elements, valid()))
        }
        Type::Pair => {
            let field = |index: usize| values.iter().map(|value| value.field(index)).collect::<Vec<_>>();
            let columns = vec![array(Type::Int, &field(0)), array(Type::Text, &field(1))];
            Arc::new(StructArray::new(pair_fields(), columns, valid()))
        }
    }
}

/// The value of a row of a column, and nothing for types that tables here do not have.
pub(crate) fn value(array: &dyn Array, row: usize) -> Option<Value> {
    if array.is_null(row) {
        return Some(Value::Null);
    }
    Some(match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Int64 => Value::Int(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => Value::Float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => Value::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => Value::Text(array.as_string::<i64>().value(row).to_owned()),
        DataType::Utf8View => Value::Text(array.as_string_view().value(row).to_owned()),
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
        DataType::Date32 => Value::Date(array.as_primitive::<Date32Type>().value(row)),
        DataType::Decimal128(_, scale) if *scale == SCALE as i8 => {
            Value::Decimal(array.as_primitive::<Decimal128Type>().value(row))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Value::Timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        // Literals of DataFusion alone are of this type; the program writes none.
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            Value::Timestamp(array.as_primitive::<TimestampNanosecondType>().value(row) / 1000)
        }
        DataType::List(_) => {
            let elements = array.as_list::<i32>().value(row);
            let values = (0..elements.len()).map(|at| value(elements.as_ref(), at));
            Value::List(values.collect::<Option<_>>()?)
        }
        DataType::Struct(_) => {
            let fields = array.as_struct();
            let [first, second] = fields.columns() else { return None };
            Value::Pair(Box::new([value(first.as_ref(), row)?, value(second.as_ref(), row)?]))
        }
        _ => return None,
    })
}
