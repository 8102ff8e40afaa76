//! Columns of texts as values of the types that they are to have.

use std::sync::Arc;

use arrow::array::types::ArrowPrimitiveType;
use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, ListArray, MapArray, PrimitiveArray, StringViewArray,
    StructArray,
};
use arrow::compute::kernels::cast_utils::Parser;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, Field, FieldRef, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type, i256,
};

use crate::error::{shown, type_name};
use crate::values::{self, Misfit};

/// A text that is no value of the type it is to have.
pub(super) struct Fault {
    /// Which one, counted from 0: in a column without lists, the row.
    pub(super) row: usize,
    /// What is wrong with it.
    pub(super) reason: String,
}

/// The type as which texts are read that become values of a type.
pub(super) fn as_text(data_type: &DataType) -> DataType {
    let inner = |field: &FieldRef| Arc::new(text_field(field));
    match data_type {
        DataType::List(element) => DataType::List(inner(element)),
        DataType::Map(entries, sorted) => DataType::Map(inner(entries), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect()),
        _ if is_parsed(data_type) => DataType::Utf8View,
        _ => data_type.clone(),
    }
}

/// The field as which texts are read that become values of a field.
pub(super) fn text_field(field: &Field) -> Field {
    field.clone().with_data_type(as_text(field.data_type()))
}

/// Whether values of this type are made of texts here.
pub(crate) fn is_parsed(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(
            data_type,
            DataType::Boolean
                | DataType::Float32
                | DataType::Float64
                | DataType::Utf8View
                | DataType::Date32
                | DataType::Timestamp(TimeUnit::Microsecond, _)
                | DataType::Decimal128(_, 0..)
                | DataType::Decimal256(_, 0..)
        )
}

/// The values of a column that was read as [`as_text`] says, in their type. Where that was `inferred`, digits that are a code
/// and no number are a fault: they came after those that told the type.
pub(super) fn typed(column: &ArrayRef, wanted: &DataType, inferred: bool) -> Result<ArrayRef, Fault> {
    if column.data_type() == wanted {
        return Ok(Arc::clone(column));
    }
    let inner = |column: &ArrayRef, wanted: &DataType| typed(column, wanted, inferred);
    let built: Result<ArrayRef, _> = match wanted {
        DataType::List(element) => {
            let list = column.as_list::<i32>();
            let values = inner(list.values(), element.data_type())?;
            ListArray::try_new(Arc::clone(element), list.offsets().clone(), values, list.nulls().cloned())
                .map(|list| Arc::new(list) as ArrayRef)
        }
        DataType::Struct(fields) => {
            let columns = column.as_struct().columns().iter().zip(fields);
            let columns = columns.map(|(column, field)| inner(column, field.data_type()));
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            StructArray::try_new(fields.clone(), columns, column.nulls().cloned())
                .map(|row| Arc::new(row) as ArrayRef)
        }
        DataType::Map(entries, sorted) => {
            let map = column.as_map();
            let rows = inner(&(Arc::new(map.entries().clone()) as ArrayRef), entries.data_type())?;
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            MapArray::try_new(Arc::clone(entries), offsets, rows.as_struct().clone(), nulls, *sorted)
                .map(|map| Arc::new(map) as ArrayRef)
        }
        _ => {
            let Some(texts) = column.as_string_view_opt() else { return Ok(Arc::clone(column)) };
            return leaf(&Texts { texts, wanted, inferred });
        }
    };
    built.map_err(|error| Fault { row: 0, reason: error.to_string() })
}

/// Texts that are to be values of a type.
struct Texts<'a> {
    texts: &'a StringViewArray,
    wanted: &'a DataType,
    inferred: bool,
}

fn leaf(texts: &Texts<'_>) -> Result<ArrayRef, Fault> {
    Ok(match texts.wanted {
        DataType::Boolean => Arc::new(texts.booleans()?),
        DataType::Int8 => texts.integers::<Int8Type>()?,
        DataType::Int16 => texts.integers::<Int16Type>()?,
        DataType::Int32 => texts.integers::<Int32Type>()?,
        DataType::Int64 => texts.integers::<Int64Type>()?,
        DataType::UInt8 => texts.integers::<UInt8Type>()?,
        DataType::UInt16 => texts.integers::<UInt16Type>()?,
        DataType::UInt32 => texts.integers::<UInt32Type>()?,
        DataType::UInt64 => texts.integers::<UInt64Type>()?,
        DataType::Float32 => Arc::new(texts.parsed::<Float32Type>(values::float::<Float32Type>)?),
        DataType::Float64 => Arc::new(texts.parsed::<Float64Type>(values::float::<Float64Type>)?),
        DataType::Date32 => Arc::new(texts.parsed::<Date32Type>(values::date)?),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let moments = texts.parsed::<TimestampMicrosecondType>(|text| {
                let moment = values::moment(text)?;
                if moment.has_zone && zone.is_none() {
                    return Err("it has a time zone; a type with one is Timestamp(µs, \"UTC\")");
                }
                Ok(moment.micros)
            })?;
            Arc::new(moments.with_timezone_opt(zone.clone()))
        }
        DataType::Decimal128(precision, scale) => {
            let decimals = texts.parsed::<Decimal128Type>(|text| {
                values::decimal(text, *precision, *scale)?.parse::<i128>().map_err(|_| "")
            })?;
            Arc::new(decimals.with_data_type(texts.wanted.clone()))
        }
        DataType::Decimal256(precision, scale) => {
            let decimals = texts.parsed::<Decimal256Type>(|text| {
                i256::from_string(&values::decimal(text, *precision, *scale)?).ok_or("")
            })?;
            Arc::new(decimals.with_data_type(texts.wanted.clone()))
        }
        other => return Err(texts.fault(0, &format!("no values of {} are made of texts", type_name(other)))),
    })
}

impl Texts<'_> {
    fn fault(&self, row: usize, why: &str) -> Fault {
        let text = if self.texts.is_valid(row) { self.texts.value(row) } else { "" };
        let colon = if why.is_empty() { "" } else { ": " };
        let reason = format!(
            "{} is no {}{colon}{why}; if it is right, give the column another type in the input's `schema`",
            shown(text),
            type_name(self.wanted),
        );
        Fault { row, reason }
    }

    fn booleans(&self) -> Result<BooleanArray, Fault> {
        let mut values = Vec::with_capacity(self.texts.len());
        for (row, text) in self.texts.iter().enumerate() {
            values.push(match text {
                None => None,
                Some(text) if text.eq_ignore_ascii_case("true") => Some(true),
                Some(text) if text.eq_ignore_ascii_case("false") => Some(false),
                Some(_) => return Err(self.fault(row, "")),
            });
        }
        Ok(values.into())
    }

    fn integers<T: ArrowPrimitiveType + Parser>(&self) -> Result<ArrayRef, Fault> {
        Ok(Arc::new(self.parsed::<T>(values::integer::<T>)?))
    }

    fn parsed<T: ArrowPrimitiveType>(
        &self,
        parse: impl Fn(&str) -> Result<T::Native, Misfit>,
    ) -> Result<PrimitiveArray<T>, Fault> {
        let is_number = values::is_number(self.wanted);
        let mut parsed: Vec<T::Native> = Vec::with_capacity(self.texts.len());
        for (row, text) in self.texts.iter().enumerate() {
            let Some(text) = text else {
                parsed.push(T::Native::default());
                continue;
            };
            if self.inferred && is_number && values::is_code(text) {
                return Err(self.fault(row, "its digits are a code, of which a number keeps less"));
            }
            parsed.push(parse(text).map_err(|why| self.fault(row, why))?);
        }
        Ok(PrimitiveArray::new(parsed.into(), self.texts.nulls().cloned()))
    }
}
