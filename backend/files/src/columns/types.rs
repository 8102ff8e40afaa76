//! Types of columns: as they are scanned, and those of several files together.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};

/// The type as which values of a file's type are scanned: that of Delta tables, which all else here expects. Texts and bytes
/// are views, timestamps are microseconds, unsigned integers have the signed type that holds them. A value of which that would
/// change something is an error when it is read.
pub(crate) fn scanned(data_type: &DataType) -> DataType {
    mapped(data_type, false)
}

/// As [`scanned`], if need be with unsigned integers as they are, which hold less than what they are scanned as.
pub(super) fn mapped(data_type: &DataType, unsigned: bool) -> DataType {
    let inner = |field: &FieldRef| {
        Arc::new(Field::new(field.name(), mapped(field.data_type(), unsigned), field.is_nullable()))
    };
    match data_type {
        _ if unsigned && data_type.is_unsigned_integer() => data_type.clone(),
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_) => DataType::BinaryView,
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        DataType::UInt64 => DataType::Decimal128(20, 0),
        DataType::Float16 => DataType::Float32,
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Date64 => DataType::Date32,
        DataType::Timestamp(_, zone) => {
            DataType::Timestamp(TimeUnit::Microsecond, zone.as_ref().map(|_| "UTC".into()))
        }
        DataType::Dictionary(_, values) => mapped(values, unsigned),
        DataType::RunEndEncoded(_, values) => mapped(values.data_type(), unsigned),
        DataType::List(element)
        | DataType::LargeList(element)
        | DataType::FixedSizeList(element, _)
        | DataType::ListView(element)
        | DataType::LargeListView(element) => DataType::List(inner(element)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect()),
        DataType::Map(entries, sorted) => DataType::Map(inner(entries), *sorted),
        _ => data_type.clone(),
    }
}

/// The type for values of two types, if they are of one kind.
pub(super) fn joined(left: &DataType, right: &DataType) -> Option<DataType> {
    match (left, right) {
        _ if left == right => Some(left.clone()),
        (DataType::Null, known) | (known, DataType::Null) => Some(known.clone()),
        (DataType::Int64, DataType::Float64) | (DataType::Float64, DataType::Int64) => {
            Some(DataType::Float64)
        }
        (DataType::List(left), DataType::List(right)) => {
            let element = joined(left.data_type(), right.data_type())?;
            let nullable = left.is_nullable() || right.is_nullable();
            Some(DataType::List(Arc::new(Field::new(left.name(), element, nullable))))
        }
        (DataType::Struct(left), DataType::Struct(right)) if left.len() == right.len() => {
            let fields = left.iter().map(|left| {
                let right = right.iter().find(|right| right.name() == left.name())?;
                let data_type = joined(left.data_type(), right.data_type())?;
                Some(Field::new(left.name(), data_type, left.is_nullable() || right.is_nullable()))
            });
            Some(DataType::Struct(fields.collect::<Option<Vec<Field>>>()?.into()))
        }
        _ => None,
    }
}

/// A type with texts where no value was seen: anything can be written as one.
pub(super) fn known(data_type: &DataType) -> DataType {
    let inner = |field: &FieldRef| Arc::new(field.as_ref().clone().with_data_type(known(field.data_type())));
    match data_type {
        DataType::Null => DataType::Utf8View,
        DataType::List(element) => DataType::List(inner(element)),
        DataType::Map(entries, sorted) => DataType::Map(inner(entries), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect()),
        _ => data_type.clone(),
    }
}

/// A type of a file with what is wanted where the file has nothing but NULL.
pub(super) fn with_seen(given: &DataType, wanted: &DataType) -> DataType {
    let inner = |given: &FieldRef, wanted: &FieldRef| {
        Arc::new(given.as_ref().clone().with_data_type(with_seen(given.data_type(), wanted.data_type())))
    };
    match (given, wanted) {
        (DataType::Null, wanted) => wanted.clone(),
        (DataType::List(given), DataType::List(wanted)) => DataType::List(inner(given, wanted)),
        (DataType::Struct(given), DataType::Struct(wanted)) => {
            let fields = given.iter().map(|given| {
                let wanted = wanted.iter().find(|wanted| wanted.name() == given.name());
                wanted.map_or_else(|| Arc::clone(given), |wanted| inner(given, wanted))
            });
            DataType::Struct(fields.collect())
        }
        _ => given.clone(),
    }
}
