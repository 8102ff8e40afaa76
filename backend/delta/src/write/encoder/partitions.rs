//! Which rows of a batch belong to which partition of the table, and what a partition is called.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Schema, TimeUnit, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};
use arrow::temporal_conversions::{date32_to_datetime, timestamp_us_to_datetime};
use deltalake::logstore::object_store::path::Path;

/// What the folder of rows with NULL is called.
const FOLDER_OF_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The partition columns of a table.
pub(super) struct PartitionColumns {
    names: Vec<String>,
    /// Their places in a batch.
    places: Vec<usize>,
    /// Places of the columns that are in files.
    in_files: Vec<usize>,
    /// Makes keys of values. Absent without partition columns.
    keys: Option<RowConverter>,
}

/// The values that all rows of a partition have, as the log has them.
pub(super) type PartitionValues = Vec<(String, Option<String>)>;

impl PartitionColumns {
    /// The columns `names` of `schema`.
    pub(super) fn new(schema: &Schema, names: &[String]) -> Result<Self, ArrowError> {
        let places: Vec<usize> = names.iter().map(|name| schema.index_of(name)).collect::<Result<_, _>>()?;
        let in_files = (0..schema.fields().len()).filter(|place| !places.contains(place)).collect();
        let fields = places.iter().map(|place| SortField::new(schema.field(*place).data_type().clone()));
        let keys = (!names.is_empty()).then(|| RowConverter::new(fields.collect())).transpose()?;
        Ok(Self { names: names.to_vec(), places, in_files, keys })
    }

    /// The columns of a batch that are in files.
    pub(super) fn in_files(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        if self.places.is_empty() { Ok(batch.clone()) } else { batch.project(&self.in_files) }
    }

    /// A key for every row of a batch: equal keys are equal values. `None` without partition columns.
    pub(super) fn keys(&self, batch: &RecordBatch) -> Result<Option<Rows>, ArrowError> {
        let columns: Vec<ArrayRef> =
            self.places.iter().filter_map(|place| batch.columns().get(*place)).map(Arc::clone).collect();
        self.keys.as_ref().map(|keys| keys.convert_columns(&columns)).transpose()
    }

    /// The values of a row.
    ///
    /// # Errors
    /// When one cannot be the name of a partition.
    pub(super) fn values(&self, batch: &RecordBatch, row: usize) -> Result<PartitionValues, String> {
        let value = |(name, place): (&String, &usize)| {
            let text = batch.columns().get(*place).map(|column| text(column.as_ref(), row));
            let text = text.unwrap_or_else(|| Err("is missing".to_owned()));
            text.map(|text| (name.clone(), text))
                .map_err(|reason| format!("partition column `{name}` {reason}"))
        };
        self.names.iter().zip(&self.places).map(value).collect()
    }
}

/// The folder of a partition, relative to the table's.
///
/// # Errors
/// When a column's name cannot be in a path.
pub(super) fn folder(values: &PartitionValues) -> Result<String, String> {
    let level = |(name, value): &(String, Option<String>)| match value {
        Some(value) => format!("{name}={}", encoded(value)),
        None => format!("{name}={FOLDER_OF_NULL}"),
    };
    let folder = values.iter().map(level).collect::<Vec<_>>().join("/");
    Path::parse(&folder).map(|path| path.to_string()).map_err(|error| error.to_string())
}

/// A value in the name of a folder: percent-encoded but for letters, digits and `-`, `.`, `_`, `~`, as Delta's protocol
/// has it.
fn encoded(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// A value as the log has it; `None` for NULL.
fn text(column: &dyn Array, row: usize) -> Result<Option<String>, String> {
    if column.is_null(row) {
        return Ok(None);
    }
    let beyond = || "has a date that no calendar has".to_owned();
    Ok(Some(match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Int8 => column.as_primitive::<Int8Type>().value(row).to_string(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float32 => column.as_primitive::<Float32Type>().value(row).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Date32 => {
            let day =
                date32_to_datetime(column.as_primitive::<Date32Type>().value(row)).ok_or_else(beyond)?;
            day.format("%Y-%m-%d").to_string()
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            let time = timestamp_us_to_datetime(micros).ok_or_else(beyond)?;
            time.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
        }
        DataType::Decimal128(_, scale) => {
            decimal(column.as_primitive::<Decimal128Type>().value(row), usize::try_from(*scale).unwrap_or(0))
        }
        other => return Err(format!("is {other}, which cannot name a partition")),
    }))
}

fn decimal(unscaled: i128, scale: usize) -> String {
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if unscaled < 0 { "-" } else { "" };
    let point = if scale > 0 { "." } else { "" };
    format!("{sign}{whole}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        BooleanArray, Date32Array, Decimal128Array, Int8Array, StringArray, TimestampMicrosecondArray,
    };
    use arrow::datatypes::Field;

    use super::*;

    #[test]
    fn values_are_written_as_the_protocol_has_them() {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("t", Arc::new(StringArray::from(vec![Some("a/b é~"), None]))),
            ("b", Arc::new(BooleanArray::from(vec![true, false]))),
            ("n", Arc::new(Int8Array::from(vec![-7, 7]))),
            ("d", Arc::new(Date32Array::from(vec![0, -1]))),
            ("at", Arc::new(TimestampMicrosecondArray::from(vec![1, -1]))),
            ("x", Arc::new(Decimal128Array::from(vec![-5, 12_345]).with_precision_and_scale(9, 2).unwrap())),
        ];
        let names: Vec<String> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let partitions = PartitionColumns::new(&batch.schema(), &names).unwrap();
        let texts = |row| {
            let values = partitions.values(&batch, row).unwrap();
            values.into_iter().map(|(_, text)| text.unwrap_or("NULL".into())).collect::<Vec<_>>()
        };
        assert_eq!(texts(0), ["a/b é~", "true", "-7", "1970-01-01", "1970-01-01 00:00:00.000001", "-0.05"]);
        assert_eq!(texts(1), ["NULL", "false", "7", "1969-12-31", "1969-12-31 23:59:59.999999", "123.45"]);
        let first = partitions.values(&batch, 0).unwrap();
        assert_eq!(
            folder(&first).unwrap(),
            "t=a%2Fb%20%C3%A9~/b=true/n=-7/d=1970-01-01/at=1970-01-01%2000%3A00%3A00.000001/x=-0.05"
        );
        let second = partitions.values(&batch, 1).unwrap();
        assert!(folder(&second).unwrap().starts_with("t=__HIVE_DEFAULT_PARTITION__/"));
    }

    #[test]
    fn a_table_without_partitions_has_one_folder() {
        let schema = Schema::new(vec![Field::new("n", DataType::Int8, true)]);
        let partitions = PartitionColumns::new(&schema, &[]).unwrap();
        let batch =
            RecordBatch::try_from_iter([("n", Arc::new(Int8Array::from(vec![1])) as ArrayRef)]).unwrap();
        assert!(partitions.keys(&batch).unwrap().is_none());
        assert_eq!(folder(&partitions.values(&batch, 0).unwrap()).unwrap(), "");
    }
}
