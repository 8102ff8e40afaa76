//! Parquet files, which say themselves what they hold.

use std::fs::File;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::{ConvertedType, LogicalType, Type as PhysicalType};
use parquet::errors::ParquetError;
use parquet::file::metadata::{FileMetaData, ParquetMetaData};
use parquet::schema::types::{SchemaDescriptor, Type};

use super::{FileColumns, Piece, SurveyedFile, hash, open};
use crate::error::Position;
use crate::listing::ListedFile;
use crate::{FileError, Result};

/// How large the pieces are that a Parquet file is divided into, or a little more.
const PIECE: u64 = 32 << 20;

/// Looks at a Parquet file.
pub(crate) fn survey(file: &ListedFile, binary_as_string: bool) -> Result<SurveyedFile> {
    let mut opened = open(file)?;
    let content = hash(file, &mut opened)?;
    let metadata = footer(file, &opened, binary_as_string)?;
    let rows = u64::try_from(metadata.metadata().file_metadata().num_rows()).ok();
    let mut pieces: Vec<Piece> = Vec::new();
    for (group, row_group) in (0..).zip(metadata.metadata().row_groups()) {
        let bytes = u64::try_from(row_group.compressed_size()).unwrap_or(0);
        match pieces.last_mut() {
            Some(piece) if piece.bytes < PIECE => {
                piece.end = group + 1;
                piece.bytes = piece.bytes.saturating_add(bytes);
            }
            _ => pieces.push(Piece { start: group, end: group + 1, line: 0, bytes }),
        }
    }
    let columns = FileColumns::Typed(metadata.schema().clone());
    Ok(SurveyedFile { file: file.clone(), content, rows, pieces, columns })
}

/// What the end of a Parquet file says. Timestamps of 96 bits are read as microseconds: as nanoseconds, which is how the
/// reader would take them, most of their years are out of range.
///
/// The reader checks that texts are UTF-8 where the file's own schema says that they are texts, and not where only a copy of an
/// Arrow schema in the file says so, or the one who reads: so it is given a schema that says so of all of them.
pub(crate) fn footer(
    file: &ListedFile,
    opened: &File,
    binary_as_string: bool,
) -> Result<ArrowReaderMetadata> {
    let wrong = |error: ParquetError| {
        let reason = format!("it is no Parquet file, or it is cut: {error}");
        FileError::content(&file.shown, Position::File, reason)
    };
    let mut metadata = ArrowReaderMetadata::load(opened, ArrowReaderOptions::new()).map_err(wrong)?;
    let parquet_schema = metadata.metadata().file_metadata().schema_descr();
    let texts = unchecked_texts(metadata.schema(), parquet_schema, binary_as_string);
    if texts.contains(&true) {
        let checked = with_texts(metadata.metadata(), &texts).map_err(wrong)?;
        metadata =
            ArrowReaderMetadata::try_new(Arc::new(checked), ArrowReaderOptions::new()).map_err(wrong)?;
    }
    let parquet_schema = metadata.metadata().file_metadata().schema_descr();
    let wanted = read_as(metadata.schema(), parquet_schema);
    if wanted == **metadata.schema() {
        return Ok(metadata);
    }
    let options = ArrowReaderOptions::new().with_schema(Arc::new(wanted));
    ArrowReaderMetadata::try_new(metadata.metadata().clone(), options).map_err(wrong)
}

/// The types as which the reader is to give the columns of a file.
fn read_as(schema: &Schema, parquet_schema: &SchemaDescriptor) -> Schema {
    let read_as = |field: &Arc<Field>| {
        let is_int96 = || {
            let mut leaves = parquet_schema.columns().iter();
            leaves.any(|leaf| {
                leaf.path().parts() == [field.name().clone()] && leaf.physical_type() == PhysicalType::INT96
            })
        };
        match field.data_type() {
            DataType::Timestamp(TimeUnit::Nanosecond, zone) if is_int96() => {
                let micros = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
                Arc::new(field.as_ref().clone().with_data_type(micros))
            }
            _ => Arc::clone(field),
        }
    };
    Schema::new_with_metadata(
        schema.fields().iter().map(read_as).collect::<Vec<_>>(),
        schema.metadata().clone(),
    )
}

/// For each leaf of a Parquet schema, whether it is read as texts that the reader would not check.
fn unchecked_texts(schema: &Schema, parquet_schema: &SchemaDescriptor, binary_as_string: bool) -> Vec<bool> {
    let mut types: Vec<(&DataType, bool)> = Vec::new();
    schema.fields().iter().for_each(|field| leaves(field.data_type(), true, &mut types));
    let leaves = parquet_schema.columns().iter().zip(types);
    let is_unchecked = leaves.map(|(leaf, (data_type, is_column))| {
        let is_text = match data_type {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => binary_as_string && is_column,
            _ => false,
        };
        is_text
            && leaf.physical_type() == PhysicalType::BYTE_ARRAY
            && leaf.converted_type() != ConvertedType::UTF8
    });
    is_unchecked.collect()
}

/// The types without parts inside of a type, in the order of the leaves of a Parquet schema, with whether each is a column.
fn leaves<'a>(data_type: &'a DataType, is_column: bool, found: &mut Vec<(&'a DataType, bool)>) {
    match data_type {
        DataType::List(inner)
        | DataType::LargeList(inner)
        | DataType::FixedSizeList(inner, _)
        | DataType::ListView(inner)
        | DataType::LargeListView(inner)
        | DataType::Map(inner, _) => leaves(inner.data_type(), false, found),
        DataType::RunEndEncoded(_, values) => leaves(values.data_type(), is_column, found),
        DataType::Struct(fields) => fields.iter().for_each(|field| leaves(field.data_type(), false, found)),
        DataType::Dictionary(_, values) => found.push((values, is_column)),
        _ => found.push((data_type, is_column)),
    }
}

/// The metadata of a file, with these leaves said to be texts.
fn with_texts(metadata: &ParquetMetaData, texts: &[bool]) -> Result<ParquetMetaData, ParquetError> {
    let file = metadata.file_metadata();
    let schema = marked(file.schema_descr().root_schema(), &mut texts.iter().copied())?;
    let file = FileMetaData::new(
        file.version(),
        file.num_rows(),
        file.created_by().map(str::to_owned),
        file.key_value_metadata().cloned(),
        Arc::new(SchemaDescriptor::new(Arc::new(schema))),
        file.column_orders().cloned(),
    );
    Ok(ParquetMetaData::new(file, metadata.row_groups().to_vec()))
}

/// A part of a schema, with those of its leaves said to be texts.
fn marked(part: &Type, texts: &mut impl Iterator<Item = bool>) -> Result<Type, ParquetError> {
    let info = part.get_basic_info();
    let id = info.has_id().then(|| info.id());
    if part.is_primitive() {
        if texts.next() != Some(true) {
            return Ok(part.clone());
        }
        return Type::primitive_type_builder(info.name(), part.get_physical_type())
            .with_repetition(info.repetition())
            .with_logical_type(Some(LogicalType::String))
            .with_id(id)
            .build();
    }
    let fields = part.get_fields().iter().map(|field| marked(field, texts).map(Arc::new));
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    let mut group = Type::group_type_builder(info.name())
        .with_converted_type(info.converted_type())
        .with_logical_type(info.logical_type_ref().cloned())
        .with_fields(fields)
        .with_id(id);
    if info.has_repetition() {
        group = group.with_repetition(info.repetition());
    }
    group.build()
}
