//! Which Delta schema a schema of record batches becomes, and how two schemas differ.

mod compare;
mod conform;
mod evolve;
mod widen;

pub use compare::{SchemaDiff, cast_alignment, schema_hash};
pub(crate) use conform::conform;
pub use widen::holds;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use deltalake::kernel::engine::arrow_conversion::{TryIntoArrow, TryIntoKernel};
use deltalake::kernel::{StructField, StructType};

use crate::error::{DeltaError, Result};

/// A schema in both vocabularies.
#[derive(Debug, Clone)]
pub(crate) struct TableSchema {
    pub(crate) delta: StructType,
    /// The Arrow schema Delta's own conversion gives `delta`: what files are written with.
    pub(crate) arrow: SchemaRef,
}

impl TableSchema {
    pub(crate) fn of_delta(delta: StructType, location: &str) -> Result<Self> {
        let arrow: Schema = (&delta).try_into_arrow().map_err(|error: arrow::error::ArrowError| {
            DeltaError::InvalidSchema { location: location.into(), reason: error.to_string() }
        })?;
        Ok(Self { delta, arrow: Arc::new(arrow) })
    }

    /// The schema a table gets for batches of `schema`. Field metadata is not carried over.
    ///
    /// Every string encoding becomes string, every binary one binary, dictionaries and runs their values,
    /// timestamps microseconds (UTC if they have a zone, else without zone), Date64 date, Float16 float;
    /// unsigned integers the signed type of the next width, UInt64 decimal(20,0).
    pub(crate) fn of_batches(schema: &Schema, location: &str) -> Result<Self> {
        let invalid = |reason: String| DeltaError::InvalidSchema { location: location.into(), reason };
        if schema.fields().is_empty() {
            return Err(invalid("it has no columns".into()));
        }
        let mut names = BTreeMap::new();
        for field in schema.fields() {
            if let Some(other) = names.insert(field.name().to_lowercase(), field.name()) {
                return Err(invalid(format!(
                    "columns `{other}` and `{}` have the same name for Delta, which ignores case: rename one",
                    field.name()
                )));
            }
        }
        let fields = schema.fields().iter().map(|field| stored_field(field, "", location));
        let arrow = Schema::new(fields.collect::<Result<Vec<_>>>()?);
        let delta: StructType = (&arrow)
            .try_into_kernel()
            .map_err(|error: arrow::error::ArrowError| invalid(error.to_string()))?;
        Self::of_delta(delta, location)
    }

    fn find(&self, name: &str) -> Option<(&StructField, &FieldRef)> {
        self.delta.fields().zip(self.arrow.fields()).find(|(field, _)| field.name == name)
    }
}

/// The columns that a new table has for rows of these. `name` is what errors call the table.
///
/// # Errors
/// For rows without columns, two columns of one name for Delta, and types that no table has.
pub fn table_schema(rows: &Schema, name: &str) -> Result<SchemaRef> {
    TableSchema::of_batches(rows, name).map(|schema| schema.arrow)
}

fn stored_field(field: &FieldRef, parent: &str, location: &str) -> Result<FieldRef> {
    let column = if parent.is_empty() { field.name().clone() } else { format!("{parent}.{}", field.name()) };
    let data_type = stored_type(field.data_type(), &column, location)?;
    Ok(Arc::new(Field::new(field.name(), data_type, field.is_nullable())))
}

fn stored_type(data_type: &DataType, column: &str, location: &str) -> Result<DataType> {
    let refuse = |advice: &str| {
        Err(DeltaError::UnsupportedType {
            location: location.into(),
            column: column.into(),
            data_type: data_type.to_string(),
            advice: advice.into(),
        })
    };
    Ok(match data_type {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Date32 => data_type.clone(),
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        DataType::UInt64 => DataType::Decimal128(20, 0),
        DataType::Float16 => DataType::Float32,
        DataType::Date64 => DataType::Date32,
        DataType::Timestamp(_, None) => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(_, Some(_)) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            DataType::Binary
        }
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => {
            if *precision > 38 || *scale < 0 {
                return refuse("Delta decimals have at most 38 digits and no negative scale: cast it");
            }
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Dictionary(_, values) => stored_type(values, column, location)?,
        DataType::RunEndEncoded(_, values) => stored_type(values.data_type(), column, location)?,
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => {
            let data_type = stored_type(item.data_type(), &format!("{column}.element"), location)?;
            DataType::List(Arc::new(Field::new("element", data_type, item.is_nullable())))
        }
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| stored_field(field, column, location));
            DataType::Struct(fields.collect::<Result<Vec<_>>>()?.into())
        }
        DataType::Map(entries, sorted) => DataType::Map(stored_field(entries, column, location)?, *sorted),
        DataType::Null
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Duration(_)
        | DataType::Interval(_)
        | DataType::Union(_, _) => return refuse(way_out(data_type)),
    })
}

/// What to do about a type Delta lacks.
fn way_out(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Null => "give it a type with CAST(NULL AS ...)",
        DataType::Union(_, _) => "split it into one column per alternative",
        _ => "cast it to a string or to a number of microseconds",
    }
}
