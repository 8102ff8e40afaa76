//! Which types hold every value of another one exactly, and what a value of another type is cast with.

use arrow::datatypes::{DataType, TimeUnit};

/// Whether a column of type `table` holds every value of type `data` exactly, so that it is converted without being
/// asked for. Both are types of Delta tables; nullability inside them does not count, struct fields match by name.
#[must_use]
pub fn holds(table: &DataType, data: &DataType) -> bool {
    use DataType::{Date32, Decimal128, Float32, Float64, Int8, Int16, Int32, Int64, Timestamp};
    match (table, data) {
        (DataType::List(table), DataType::List(data)) | (DataType::Map(table, _), DataType::Map(data, _)) => {
            holds(table.data_type(), data.data_type())
        }
        (DataType::Struct(table), DataType::Struct(data)) => {
            table.len() == data.len()
                && table.iter().all(|field| {
                    data.iter().any(|given| {
                        given.name() == field.name() && holds(field.data_type(), given.data_type())
                    })
                })
        }
        (Int16 | Int32 | Int64, Int8) | (Int32 | Int64, Int16) | (Int64, Int32) => true,
        // As many bits as the significand has.
        (Float32 | Float64, Int8 | Int16) | (Float64, Int32 | Float32) => true,
        (Decimal128(precision, scale), Int8 | Int16 | Int32 | Int64) => {
            whole_digits(*precision, *scale) >= digits(data)
        }
        (Decimal128(precision, scale), Decimal128(given, given_scale)) => {
            scale >= given_scale && whole_digits(*precision, *scale) >= whole_digits(*given, *given_scale)
        }
        // Midnight of that day, on every clock; with a zone it would depend on the zone.
        (Timestamp(TimeUnit::Microsecond, None), Date32) => true,
        (table, data) => table == data,
    }
}

fn whole_digits(precision: u8, scale: i8) -> i16 {
    i16::from(precision) - i16::from(scale)
}

/// Decimal digits the values of an integer type need.
fn digits(integer: &DataType) -> i16 {
    match integer {
        DataType::Int8 => 3,
        DataType::Int16 => 5,
        DataType::Int32 => 10,
        _ => 19,
    }
}

/// The SQL type that gives values of a column's type; `None` for types that SQL does not write in one word.
pub(super) fn sql_type(data_type: &DataType) -> Option<String> {
    let name = match data_type {
        DataType::Boolean => "BOOLEAN",
        DataType::Int8 => "TINYINT",
        DataType::Int16 => "SMALLINT",
        DataType::Int32 => "INT",
        DataType::Int64 => "BIGINT",
        DataType::Float32 => "REAL",
        DataType::Float64 => "DOUBLE",
        DataType::Utf8 => "VARCHAR",
        DataType::Binary => "BYTEA",
        DataType::Date32 => "DATE",
        DataType::Timestamp(_, None) => "TIMESTAMP",
        DataType::Timestamp(_, Some(_)) => "TIMESTAMP WITH TIME ZONE",
        DataType::Decimal128(precision, scale) => return Some(format!("DECIMAL({precision}, {scale})")),
        _ => return None,
    };
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_that_lose_nothing_are_converted() {
        use DataType::{Boolean, Date32, Float32, Float64, Int8, Int16, Int32, Int64, Utf8};
        let decimal = DataType::Decimal128;
        let zoneless = DataType::Timestamp(TimeUnit::Microsecond, None);
        let zoned = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        // (the table's type, the types it takes, types it does not take)
        let cases: [(DataType, Vec<DataType>, Vec<DataType>); 9] = [
            (Int64, vec![Int8, Int16, Int32, Int64], vec![Float32, decimal(10, 0), Utf8, Boolean, Date32]),
            (Int32, vec![Int8, Int16], vec![Int64, Float32]),
            (Int8, vec![], vec![Int16, Int32, Int64]),
            (Float64, vec![Float32, Int32, Int16, Int8], vec![Int64, decimal(5, 2), Utf8]),
            (Float32, vec![Int16, Int8], vec![Int32, Int64, Float64]),
            (
                decimal(20, 0),
                vec![Int64, Int32, decimal(20, 0), decimal(5, 0)],
                vec![decimal(21, 0), decimal(20, 1), Float64],
            ),
            (
                decimal(20, 2),
                vec![Int32, decimal(18, 0), decimal(20, 2), decimal(19, 1)],
                vec![Int64, decimal(20, 1), decimal(20, 3)],
            ),
            (zoneless.clone(), vec![Date32], vec![zoned.clone(), Int64, Utf8]),
            (zoned, vec![], vec![Date32, zoneless, Int64]),
        ];
        for (table, taken, refused) in cases {
            assert!(holds(&table, &table), "{table}");
            taken.iter().for_each(|data| assert!(holds(&table, data), "{table} should take {data}"));
            refused.iter().for_each(|data| assert!(!holds(&table, data), "{table} should refuse {data}"));
        }
        let list = |of| DataType::new_list(of, true);
        assert!(holds(&list(Int64), &list(Int32)));
        assert!(!holds(&list(Int32), &list(Int64)));
    }
}
