//! Arrow types as text.
//!
//! The text is that of Arrow, except that names are JSON strings: Arrow's parser does not read back every name that
//! its printer writes. Metadata of fields is not part of a type ([`plain_type`]).
//!
//! ```text
//! type  = word [ "(" … ")" ]                         Int64, Decimal128(38, 9), Timestamp(µs, "UTC")
//! list  = word "(" inner [ "," "field:" name ] ")"   List(non-null Utf8, field: 'element')
//! field = string ":" inner                           Struct("a": Int64, "b": non-null Utf8)
//! inner = [ "non-null" | "nullable" ] type
//! ```

use std::fmt;
use std::sync::Arc;

use arrow_schema::{DataType, Field, IntervalUnit, TimeUnit, UnionFields, UnionMode};
use serde_json::Value;

use crate::lexer::{Cursor, Read};

/// How deep types may nest in a text. What calls itself while it reads foreign text needs a bound.
const MAX_DEPTH: usize = 128;

/// The types that are one word.
const WORDS: [(&str, DataType); 21] = [
    ("Null", DataType::Null),
    ("Boolean", DataType::Boolean),
    ("Int8", DataType::Int8),
    ("Int16", DataType::Int16),
    ("Int32", DataType::Int32),
    ("Int64", DataType::Int64),
    ("UInt8", DataType::UInt8),
    ("UInt16", DataType::UInt16),
    ("UInt32", DataType::UInt32),
    ("UInt64", DataType::UInt64),
    ("Float16", DataType::Float16),
    ("Float32", DataType::Float32),
    ("Float64", DataType::Float64),
    ("Date32", DataType::Date32),
    ("Date64", DataType::Date64),
    ("Utf8", DataType::Utf8),
    ("LargeUtf8", DataType::LargeUtf8),
    ("Utf8View", DataType::Utf8View),
    ("Binary", DataType::Binary),
    ("LargeBinary", DataType::LargeBinary),
    ("BinaryView", DataType::BinaryView),
];

const TIME_UNITS: [(&str, TimeUnit); 5] = [
    ("s", TimeUnit::Second),
    ("ms", TimeUnit::Millisecond),
    ("µs", TimeUnit::Microsecond),
    ("us", TimeUnit::Microsecond),
    ("ns", TimeUnit::Nanosecond),
];

const INTERVAL_UNITS: [(&str, IntervalUnit); 3] = [
    ("YearMonth", IntervalUnit::YearMonth),
    ("DayTime", IntervalUnit::DayTime),
    ("MonthDayNano", IntervalUnit::MonthDayNano),
];

/// The type with fields that are nothing but name, type and nullability, at every depth.
pub(super) fn plain_type(data_type: &DataType) -> DataType {
    let strip = |field: &Arc<Field>| Arc::new(plain_field(field));
    match data_type {
        DataType::List(inner) => DataType::List(strip(inner)),
        DataType::LargeList(inner) => DataType::LargeList(strip(inner)),
        DataType::ListView(inner) => DataType::ListView(strip(inner)),
        DataType::LargeListView(inner) => DataType::LargeListView(strip(inner)),
        DataType::FixedSizeList(inner, size) => DataType::FixedSizeList(strip(inner), *size),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(strip).collect()),
        DataType::Map(inner, sorted) => DataType::Map(strip(inner), *sorted),
        DataType::RunEndEncoded(ends, values) => DataType::RunEndEncoded(strip(ends), strip(values)),
        DataType::Union(fields, mode) => {
            DataType::Union(fields.iter().map(|(id, field)| (id, strip(field))).collect(), *mode)
        }
        DataType::Dictionary(key, value) => {
            DataType::Dictionary(Box::new(plain_type(key)), Box::new(plain_type(value)))
        }
        DataType::Null
        | DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float16
        | DataType::Float32
        | DataType::Float64
        | DataType::Timestamp(..)
        | DataType::Date32
        | DataType::Date64
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Duration(_)
        | DataType::Interval(_)
        | DataType::Binary
        | DataType::FixedSizeBinary(_)
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => data_type.clone(),
    }
}

/// The field without what is not part of a relation.
pub(super) fn plain_field(field: &Field) -> Field {
    Field::new(field.name(), plain_type(field.data_type()), field.is_nullable())
}

/// A type as text.
pub(super) struct TypeText<'a>(pub(super) &'a DataType);

impl fmt::Display for TypeText<'_> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other types of Arrow print as they do there")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            DataType::Timestamp(unit, Some(zone)) => {
                write!(f, "Timestamp({unit}, {})", Value::from(zone.as_ref()))
            }
            DataType::List(inner) => write!(f, "List({})", ListText(inner)),
            DataType::LargeList(inner) => write!(f, "LargeList({})", ListText(inner)),
            DataType::ListView(inner) => write!(f, "ListView({})", ListText(inner)),
            DataType::LargeListView(inner) => write!(f, "LargeListView({})", ListText(inner)),
            DataType::FixedSizeList(inner, size) => {
                write!(f, "FixedSizeList({size} x {})", ListText(inner))
            }
            DataType::Struct(fields) => {
                f.write_str("Struct(")?;
                for (index, field) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{}", FieldText(field))?;
                }
                f.write_str(")")
            }
            DataType::Union(fields, mode) => {
                write!(f, "Union({mode:?}")?;
                for (id, field) in fields.iter() {
                    write!(f, ", {id}: ({})", FieldText(field))?;
                }
                f.write_str(")")
            }
            DataType::Map(inner, sorted) => {
                let order = if *sorted { "sorted" } else { "unsorted" };
                write!(f, "Map({}, {order})", FieldText(inner))
            }
            DataType::RunEndEncoded(ends, values) => {
                write!(f, "RunEndEncoded({}, {})", FieldText(ends), FieldText(values))
            }
            DataType::Dictionary(key, value) => {
                write!(f, "Dictionary({}, {})", TypeText(key), TypeText(value))
            }
            // What is left holds no text but its own name, so Arrow's text is read back.
            other => write!(f, "{other}"),
        }
    }
}

fn nullability(field: &Field) -> &'static str {
    if field.is_nullable() { "" } else { "non-null " }
}

/// A field of a struct.
struct FieldText<'a>(&'a Field);

impl fmt::Display for FieldText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Value::from(self.0.name().as_str());
        write!(f, "{name}: {}{}", nullability(self.0), TypeText(self.0.data_type()))
    }
}

/// The elements of a list.
struct ListText<'a>(&'a Field);

impl fmt::Display for ListText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", nullability(self.0), TypeText(self.0.data_type()))?;
        let name = self.0.name();
        if name == Field::LIST_FIELD_DEFAULT_NAME {
            Ok(())
        } else if name.contains(|c: char| c == '\'' || c == '\\' || c.is_control()) {
            write!(f, ", field: {}", Value::from(name.as_str()))
        } else {
            write!(f, ", field: '{name}'")
        }
    }
}

/// Reads a type.
pub(super) fn read_type(cursor: &mut Cursor<'_>, depth: usize) -> Read<DataType> {
    if depth >= MAX_DEPTH {
        return cursor.fault(format!("types nest deeper than {MAX_DEPTH}"));
    }
    let at_name = cursor.clone();
    let Ok(name) = cursor.word() else { return cursor.expected("an Arrow type, like Int64 or Utf8") };
    if let Some((_, data_type)) = WORDS.iter().find(|(word, _)| *word == name) {
        return Ok(data_type.clone());
    }
    let reader = match reader(&name) {
        Some(reader) => reader,
        None => {
            *cursor = at_name;
            return cursor.fault(format!("`{name}` is not an Arrow type, like Int64 or Utf8"));
        }
    };
    cursor.expect("(")?;
    let data_type = reader(cursor, depth + 1)?;
    cursor.expect(")")?;
    Ok(data_type)
}

/// Reads what stands in the parentheses of a type.
type Reader = fn(&mut Cursor<'_>, usize) -> Read<DataType>;

/// How the types are read that are more than a word.
fn reader(name: &str) -> Option<Reader> {
    Some(match name {
        "FixedSizeBinary" => |cursor, _| cursor.integer().map(DataType::FixedSizeBinary),
        "Decimal32" => |cursor, _| decimal(cursor, DataType::Decimal32),
        "Decimal64" => |cursor, _| decimal(cursor, DataType::Decimal64),
        "Decimal128" => |cursor, _| decimal(cursor, DataType::Decimal128),
        "Decimal256" => |cursor, _| decimal(cursor, DataType::Decimal256),
        "Timestamp" => |cursor, _| timestamp(cursor),
        "Time32" => |cursor, _| one_of(cursor, &TIME_UNITS).map(DataType::Time32),
        "Time64" => |cursor, _| one_of(cursor, &TIME_UNITS).map(DataType::Time64),
        "Duration" => |cursor, _| one_of(cursor, &TIME_UNITS).map(DataType::Duration),
        "Interval" => |cursor, _| one_of(cursor, &INTERVAL_UNITS).map(DataType::Interval),
        "List" => |cursor, depth| elements(cursor, depth).map(DataType::List),
        "LargeList" => |cursor, depth| elements(cursor, depth).map(DataType::LargeList),
        "ListView" => |cursor, depth| elements(cursor, depth).map(DataType::ListView),
        "LargeListView" => |cursor, depth| elements(cursor, depth).map(DataType::LargeListView),
        "FixedSizeList" => |cursor, depth| {
            let size = cursor.integer()?;
            cursor.expect("x")?;
            Ok(DataType::FixedSizeList(elements(cursor, depth)?, size))
        },
        "Struct" => structure,
        "Union" => union,
        "Map" => map,
        "RunEndEncoded" => |cursor, depth| {
            let ends = field(cursor, depth)?;
            cursor.expect(",")?;
            Ok(DataType::RunEndEncoded(Arc::new(ends), Arc::new(field(cursor, depth)?)))
        },
        "Dictionary" => |cursor, depth| {
            let key = read_type(cursor, depth)?;
            cursor.expect(",")?;
            Ok(DataType::Dictionary(Box::new(key), Box::new(read_type(cursor, depth)?)))
        },
        _ => return None,
    })
}

/// The value of the word that comes next.
fn one_of<T: Copy>(cursor: &mut Cursor<'_>, words: &[(&str, T)]) -> Read<T> {
    match words.iter().find(|(word, _)| cursor.take_symbol(word)) {
        Some((_, value)) => Ok(*value),
        None => {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            cursor.expected(&format!("one of {}", words.join(", ")))
        }
    }
}

fn decimal(cursor: &mut Cursor<'_>, of: fn(u8, i8) -> DataType) -> Read<DataType> {
    let precision = cursor.integer()?;
    cursor.expect(",")?;
    Ok(of(precision, cursor.integer()?))
}

fn timestamp(cursor: &mut Cursor<'_>) -> Read<DataType> {
    let unit = one_of(cursor, &TIME_UNITS)?;
    let zone = if cursor.take(",") { Some(cursor.quoted()?.into()) } else { None };
    Ok(DataType::Timestamp(unit, zone))
}

/// Nullability and type.
fn inner(cursor: &mut Cursor<'_>, depth: usize) -> Read<(DataType, bool)> {
    let nullable = !cursor.take_symbol("non-null");
    if nullable {
        cursor.take_symbol("nullable");
    }
    Ok((read_type(cursor, depth)?, nullable))
}

fn field(cursor: &mut Cursor<'_>, depth: usize) -> Read<Field> {
    let name = cursor.quoted()?;
    cursor.expect(":")?;
    let (data_type, nullable) = inner(cursor, depth)?;
    Ok(Field::new(name, data_type, nullable))
}

fn elements(cursor: &mut Cursor<'_>, depth: usize) -> Read<Arc<Field>> {
    let (data_type, nullable) = inner(cursor, depth)?;
    let mut name = Field::LIST_FIELD_DEFAULT_NAME.to_owned();
    if cursor.take(",") {
        cursor.expect("field")?;
        cursor.expect(":")?;
        name = if cursor.peek_is('\'') { cursor.single_quoted()? } else { cursor.quoted()? };
    }
    Ok(Arc::new(Field::new(name, data_type, nullable)))
}

fn structure(cursor: &mut Cursor<'_>, depth: usize) -> Read<DataType> {
    let mut fields = Vec::new();
    while !cursor.peek_is(')') {
        fields.push(Arc::new(field(cursor, depth)?));
        if !cursor.take(",") {
            break;
        }
    }
    Ok(DataType::Struct(fields.into()))
}

fn union(cursor: &mut Cursor<'_>, depth: usize) -> Read<DataType> {
    let mode = one_of(cursor, &[("Sparse", UnionMode::Sparse), ("Dense", UnionMode::Dense)])?;
    let (mut ids, mut fields) = (Vec::new(), Vec::new());
    while cursor.take(",") {
        ids.push(cursor.integer::<i8>()?);
        cursor.expect(":")?;
        cursor.expect("(")?;
        fields.push(field(cursor, depth)?);
        cursor.expect(")")?;
    }
    match UnionFields::try_new(ids, fields) {
        Ok(fields) => Ok(DataType::Union(fields, mode)),
        Err(error) => cursor.fault(error.to_string()),
    }
}

fn map(cursor: &mut Cursor<'_>, depth: usize) -> Read<DataType> {
    let entries = field(cursor, depth)?;
    cursor.expect(",")?;
    let sorted = one_of(cursor, &[("sorted", true), ("unsorted", false)])?;
    Ok(DataType::Map(Arc::new(entries), sorted))
}
