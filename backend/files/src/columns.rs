//! One list of columns for all files of a table.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use delta::holds;
use ir::op::{FileColumn, FileFormat, FileSource};
use ir::schema::parse_type;

use crate::error::{Position, type_name};
use crate::survey::{FileColumns, SurveyedFile};
use crate::{FileError, Result};

/// The columns of the table: those that are listed, or those of its files.
pub(crate) fn of(
    source: &FileSource,
    listed: Option<Arc<[Field]>>,
    files: &[SurveyedFile],
) -> Result<SchemaRef> {
    let fields = match listed {
        Some(listed) => listed.to_vec(),
        None => inferred(source.union_by_name, files)?,
    };
    for file in files {
        check(source, &fields, file)?;
    }
    Ok(Arc::new(Schema::new(fields)))
}

/// The columns that the source lists; nothing if it lists none.
pub(crate) fn listed(source: &FileSource, location: &str) -> Result<Option<Arc<[Field]>>> {
    let field = |column: &FileColumn| {
        let FileColumn { name, data_type, nullable } = column;
        let refused = |reason: String| FileError::NotFiles { location: location.to_owned(), reason };
        let data_type: DataType =
            parse_type(data_type).map_err(|error| refused(format!("column `{name}`: {error}")))?;
        let read_as = scanned(&data_type);
        if source.format == FileFormat::Csv && !is_written_as_text(&read_as) {
            let held = type_name(&data_type);
            return Err(refused(format!("column `{name}`: a CSV file holds no values of {held}")));
        }
        Ok(Field::new(name, read_as, *nullable))
    };
    source.columns.as_ref().map(|columns| columns.iter().map(field).collect()).transpose()
}

/// Whether the reader of CSV files makes values of this type.
fn is_written_as_text(data_type: &DataType) -> bool {
    data_type.is_integer()
        || data_type.is_floating()
        || matches!(
            data_type,
            DataType::Boolean
                | DataType::Utf8View
                | DataType::Date32
                | DataType::Timestamp(TimeUnit::Microsecond, _)
                | DataType::Decimal128(..)
                | DataType::Decimal256(..)
        )
}

/// The columns that all files have; with `union_by_name` those that any has. They are in the order in which they come.
fn inferred(union_by_name: bool, files: &[SurveyedFile]) -> Result<Vec<Field>> {
    let mut fields: Vec<Field> = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let found = file.fields();
        let differs = |what: String| {
            let first = files.first().map_or("", |first| first.file.shown.as_str());
            let reason = format!(
                "{what}, unlike `{first}` and those after it; give the input a `schema`, or `union_by_name: true` if files \
                 may lack columns that others have"
            );
            FileError::content(&file.file.shown, Position::File, reason)
        };
        for field in &mut fields {
            let Some(other) = found.iter().find(|other| other.name() == field.name()) else {
                if !union_by_name {
                    return Err(differs(format!("it has no column `{}`", field.name())));
                }
                field.set_nullable(true);
                continue;
            };
            let Some(joined) = joined(field.data_type(), other.data_type()) else {
                let (here, there) = (type_name(other.data_type()), type_name(field.data_type()));
                let name = field.name();
                return Err(differs(format!("its column `{name}` is {here} and not {there}")));
            };
            let nullable = field.is_nullable() || other.is_nullable();
            *field = Field::new(field.name(), joined, nullable);
        }
        for other in found {
            if fields.iter().any(|field| field.name() == other.name()) {
                continue;
            }
            if index > 0 && !union_by_name {
                return Err(differs(format!("it has a column `{}`", other.name())));
            }
            let nullable = index > 0 || other.is_nullable();
            fields.push(other.as_ref().clone().with_nullable(nullable));
        }
    }
    // A column in which no value was seen could hold anything that is written as a text.
    let seen = |field: Field| match field.data_type() {
        DataType::Null => field.with_data_type(DataType::Utf8View),
        _ => field,
    };
    Ok(fields.into_iter().map(seen).collect())
}

/// The type for values of two types, if they are of one kind.
fn joined(left: &DataType, right: &DataType) -> Option<DataType> {
    match (left, right) {
        _ if left == right => Some(left.clone()),
        (DataType::Null, known) | (known, DataType::Null) => Some(known.clone()),
        (DataType::Int64, DataType::Float64) | (DataType::Float64, DataType::Int64) => {
            Some(DataType::Float64)
        }
        _ => None,
    }
}

impl SurveyedFile {
    /// What the file says of its columns, as they are scanned.
    fn fields(&self) -> Vec<FieldRef> {
        let scanned = |field: &FieldRef| {
            let data_type = scanned(field.data_type());
            Arc::new(Field::new(field.name(), data_type, field.is_nullable()))
        };
        self.columns.fields().iter().map(scanned).collect()
    }
}

impl FileColumns {
    /// The columns of the file, in its order, with their types in it as far as it has types.
    pub(crate) fn fields(&self) -> &[FieldRef] {
        match self {
            Self::Typed(schema) => schema.fields(),
            Self::Sampled(fields) | Self::Unnamed(fields) => fields,
            Self::Unknown => &[],
        }
    }
}

/// Whether a file can give these columns.
fn check(source: &FileSource, wanted: &[Field], file: &SurveyedFile) -> Result<()> {
    let shown = &file.file.shown;
    let wrong = |reason: String| Err(FileError::content(shown, Position::File, reason));
    let found = file.columns.fields();
    match &file.columns {
        FileColumns::Unknown => return Ok(()),
        FileColumns::Unnamed(_) if found.len() != wanted.len() => {
            return wrong(format!("it has {} columns, and {} are wanted", found.len(), wanted.len()));
        }
        FileColumns::Unnamed(_) => return Ok(()),
        FileColumns::Typed(_) | FileColumns::Sampled(_) => {}
    }
    for column in wanted {
        let name = column.name();
        let Some(field) = found.iter().find(|field| field.name() == name) else {
            if source.union_by_name && column.is_nullable() {
                continue;
            }
            let names: Vec<&str> = found.iter().map(|field| field.name().as_str()).collect();
            let help = if column.is_nullable() {
                "; with `union_by_name: true` files may lack columns"
            } else {
                ", which must not be NULL"
            };
            return wrong(format!("it has no column `{name}`{help}. It has {}", names.join(", ")));
        };
        if matches!(file.columns, FileColumns::Typed(_))
            && !holds(column.data_type(), &scanned(field.data_type()))
        {
            let (wanted, is) = (type_name(column.data_type()), type_name(field.data_type()));
            return wrong(format!(
                "its column `{name}` is {is}, which cannot be read as {wanted} without loss"
            ));
        }
    }
    Ok(())
}

/// The type as which values of a file's type are scanned: that of Delta tables, which all else here expects. Texts and bytes
/// are views, timestamps are microseconds (of more precise ones the rest is cut off), unsigned integers have the signed type
/// that holds them.
pub(crate) fn scanned(data_type: &DataType) -> DataType {
    let inner = |field: &FieldRef| {
        Arc::new(Field::new(field.name(), scanned(field.data_type()), field.is_nullable()))
    };
    match data_type {
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
        DataType::Dictionary(_, values) => scanned(values),
        DataType::RunEndEncoded(_, values) => scanned(values.data_type()),
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
