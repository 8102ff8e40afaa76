//! The Arrow schema that writers leave in the footers of Parquet files, looked at before it is read: the reader of it,
//! `arrow-ipc`, panics at units, widths and counts of children that there are not.
//!
//! The forms of types are those of the Arrow columnar format, `Schema.fbs`. What is no schema at all is left to the
//! reader, which refuses it.

use arrow::ipc::{
    DateUnit, Endianness, Field, Int, IntervalUnit, Precision, Time, TimeUnit, Type, root_as_message,
};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// Begins messages of the encapsulated format. The four bytes of their length follow.
const CONTINUATION: [u8; 4] = [0xff; 4];
const PREFIX_BYTES: usize = 8;

/// Looks at the Arrow schema of a footer, as it stands there.
pub(super) fn check(encoded: &str) -> Result<(), String> {
    let Ok(bytes) = BASE64_STANDARD.decode(encoded) else { return Ok(()) };
    let has_prefix = bytes.len() > PREFIX_BYTES && bytes.starts_with(&CONTINUATION);
    let message = if has_prefix { &bytes[PREFIX_BYTES..] } else { &bytes[..] };
    let Some(schema) = root_as_message(message).ok().and_then(|message| message.header_as_schema()) else {
        return Ok(());
    };
    let is_big = schema.endianness() == Endianness::Big;
    let fields = schema.fields().ok_or("the Arrow schema in its footer has no fields")?;
    match fields.iter().find(|field| !exists(field) || (is_big && field.type_type() == Type::Decimal)) {
        Some(field) => Err(format!(
            "the Arrow schema in its footer gives the column `{}` a type that does not exist",
            field.name().unwrap_or_default()
        )),
        None => Ok(()),
    }
}

/// Whether there is such a type.
fn exists(field: &Field<'_>) -> bool {
    let has_index = |int: Option<Int<'_>>| int.is_some_and(is_width);
    if field.dictionary().is_some_and(|dictionary| !has_index(dictionary.indexType())) {
        return false;
    }
    let has_form = match field.type_type() {
        Type::Int => has_index(field.type_as_int()),
        Type::FloatingPoint => field.type_as_floating_point().is_some_and(|float| {
            matches!(float.precision(), Precision::HALF | Precision::SINGLE | Precision::DOUBLE)
        }),
        Type::Decimal => field.type_as_decimal().is_some_and(|decimal| {
            matches!(decimal.bitWidth(), 32 | 64 | 128 | 256)
                && u8::try_from(decimal.precision()).is_ok()
                && i8::try_from(decimal.scale()).is_ok()
        }),
        Type::Date => field
            .type_as_date()
            .is_some_and(|date| matches!(date.unit(), DateUnit::DAY | DateUnit::MILLISECOND)),
        Type::Time => field.type_as_time().is_some_and(is_time),
        Type::Timestamp => field.type_as_timestamp().is_some_and(|timestamp| is_unit(timestamp.unit())),
        Type::Duration => field.type_as_duration().is_some_and(|duration| is_unit(duration.unit())),
        Type::Interval => field.type_as_interval().is_some_and(|interval| {
            let units = [IntervalUnit::YEAR_MONTH, IntervalUnit::DAY_TIME, IntervalUnit::MONTH_DAY_NANO];
            units.contains(&interval.unit())
        }),
        Type::FixedSizeBinary => {
            field.type_as_fixed_size_binary().is_some_and(|binary| binary.byteWidth() >= 0)
        }
        Type::FixedSizeList => field.type_as_fixed_size_list().is_some_and(|list| list.listSize() >= 0),
        Type::Map => field.type_as_map().is_some(),
        Type::Null | Type::Bool | Type::Struct_ | Type::RunEndEncoded => true,
        Type::Utf8 | Type::LargeUtf8 | Type::Utf8View => true,
        Type::Binary | Type::LargeBinary | Type::BinaryView => true,
        Type::List | Type::LargeList | Type::ListView | Type::LargeListView => true,
        // Parquet has no unions.
        _ => false,
    };
    let children = field.children();
    let count = children.map(|children| children.len());
    let has_children = match field.type_type() {
        Type::List | Type::LargeList | Type::ListView | Type::LargeListView => count == Some(1),
        Type::FixedSizeList | Type::Map => count == Some(1),
        Type::RunEndEncoded => count == Some(2),
        _ => true,
    };
    has_form && has_children && children.is_none_or(|children| children.iter().all(|child| exists(&child)))
}

fn is_width(int: Int<'_>) -> bool {
    matches!(int.bitWidth(), 8 | 16 | 32 | 64)
}

fn is_unit(unit: TimeUnit) -> bool {
    matches!(unit, TimeUnit::SECOND | TimeUnit::MILLISECOND | TimeUnit::MICROSECOND | TimeUnit::NANOSECOND)
}

fn is_time(time: Time<'_>) -> bool {
    match time.bitWidth() {
        32 => matches!(time.unit(), TimeUnit::SECOND | TimeUnit::MILLISECOND),
        64 => matches!(time.unit(), TimeUnit::MICROSECOND | TimeUnit::NANOSECOND),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;
    use std::sync::Arc;

    use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
    use arrow::ipc::convert::fb_to_schema;
    use parquet::arrow::encode_arrow_schema;

    use super::*;

    fn schema() -> Schema {
        let child = |data_type| Arc::new(Field::new("element", data_type, true));
        let entries = DataType::Struct(
            vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Date32, true)]
                .into(),
        );
        let types = [
            DataType::Int8,
            DataType::UInt64,
            DataType::Float32,
            DataType::Decimal128(38, 10),
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            DataType::Time32(TimeUnit::Second),
            DataType::Utf8View,
            DataType::FixedSizeBinary(16),
            DataType::List(child(DataType::Time64(TimeUnit::Nanosecond))),
            DataType::Map(Arc::new(Field::new("entries", entries, false)), false),
            DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        ];
        let fields =
            types.into_iter().enumerate().map(|(n, data_type)| Field::new(format!("c{n}"), data_type, true));
        Schema::new(fields.collect::<Vec<_>>())
    }

    #[test]
    fn what_writers_leave_is_taken() {
        assert_eq!(check(&encode_arrow_schema(&schema())), Ok(()));
    }

    /// Whatever byte is another: what is taken here is read without a panic, and something is refused.
    #[test]
    fn nothing_that_is_taken_makes_the_reader_panic() {
        let bytes = BASE64_STANDARD.decode(encode_arrow_schema(&schema())).unwrap();
        let mut refused = 0;
        for place in PREFIX_BYTES..bytes.len() {
            for value in [0, 1, 2, 3, 5, 21, 22, 64, 127, 255] {
                let mut forged = bytes.clone();
                forged[place] = value;
                if check(&BASE64_STANDARD.encode(&forged)).is_err() {
                    refused += 1;
                } else if let Ok(message) = root_as_message(&forged[PREFIX_BYTES..]) {
                    let read = catch_unwind(|| message.header_as_schema().map(fb_to_schema));
                    assert!(read.is_ok(), "byte {place} as {value}");
                }
            }
        }
        assert!(refused > 100, "{refused} were refused");
    }
}
