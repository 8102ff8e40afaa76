//! Values of a spec as values of a type: exactly, or not at all.
//!
//! A reader of JSON rounds, cuts and converts as it sees fit. So each value is compared with its type first, by the text that
//! it was written as, and what the reader gets then is something that it cannot take for anything else.

mod exact;
mod moments;

use std::collections::BTreeMap;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, FieldRef, Fields, Float16Type, Schema, SchemaRef,
};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use ir::diag::{Diagnostic, SourceMap, SpecPath, codes};
use ir::schema::plain_type_text;
use ir::spec::TestRow;
use serde_json::{Map, Number, Value};

pub(super) use exact::Exact;

/// Reads the rows that stand at a place of a spec.
pub(super) struct Reader<'a> {
    /// Where numbers stand as they were written.
    pub(super) map: &'a SourceMap,
    /// What does not fit.
    pub(super) findings: Vec<Diagnostic>,
}

/// What a value is read for.
struct Column<'a> {
    name: &'a str,
    data_type: &'a DataType,
}

impl Reader<'_> {
    /// The number at a place, as it was written; as the program has it where there is no text.
    pub(super) fn number(&self, number: &Number, place: &SpecPath) -> Option<Exact> {
        let written = self.map.locate(place).and_then(|at| self.map.text().get(at.bytes));
        let is_it = |exact: &Exact| number.as_i64().is_none_or(|whole| exact.whole() == Some(whole.into()));
        written.and_then(Exact::parse).filter(is_it).or_else(|| Exact::parse(&number.to_string()))
    }

    /// The rows as a batch of these columns; nothing where one does not fit, which is found.
    ///
    /// # Errors
    /// When the batch cannot be made of rows that fit.
    pub(super) fn batch(
        &mut self,
        schema: &SchemaRef,
        rows: &[TestRow],
        place: &SpecPath,
    ) -> Result<Option<RecordBatch>, ArrowError> {
        let before = self.findings.len();
        let rows: Vec<Map<String, Value>> =
            rows.iter().enumerate().map(|(index, row)| self.row(schema, row, &place.index(index))).collect();
        if self.findings.len() > before {
            return Ok(None);
        }
        if schema.fields().is_empty() {
            let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
            return RecordBatch::try_new_with_options(SchemaRef::clone(schema), Vec::new(), &options)
                .map(Some);
        }
        let mut decoder = ReaderBuilder::new(SchemaRef::clone(schema)).build_decoder()?;
        decoder.serialize(&rows)?;
        let batch = decoder.flush()?;
        Ok(Some(batch.unwrap_or_else(|| RecordBatch::new_empty(SchemaRef::clone(schema)))))
    }

    /// A row, with NULL for what it leaves out.
    fn row(&mut self, schema: &Schema, row: &TestRow, place: &SpecPath) -> Map<String, Value> {
        for column in row.keys().filter(|column| schema.index_of(column).is_err()) {
            let names = schema.fields().iter().map(|field| field.name());
            let found = Diagnostic::new(codes::TEST_MISFIT, format!("there is no column `{column}`"));
            let found = found.at(place.field(column)).found(column).allowed(names).suggest_nearest();
            self.findings.push(found);
        }
        let values: BTreeMap<&str, &Value> = row.iter().map(|(name, value)| (name.as_str(), value)).collect();
        self.fields(schema.fields(), &values, place)
    }

    /// The values of columns, or of the fields of a struct.
    fn fields(
        &mut self,
        fields: &Fields,
        values: &BTreeMap<&str, &Value>,
        place: &SpecPath,
    ) -> Map<String, Value> {
        let mut read = Map::new();
        for field in fields {
            let value = values.get(field.name().as_str()).copied();
            let at = if value.is_some() { place.field(field.name()) } else { place.clone() };
            let value = self.field(field, field.name(), value.unwrap_or(&Value::Null), &at);
            read.insert(field.name().clone(), value);
        }
        read
    }

    fn field(&mut self, field: &Field, name: &str, value: &Value, place: &SpecPath) -> Value {
        if !value.is_null() {
            return self.value(&Column { name, data_type: field.data_type() }, value, place);
        }
        if !field.is_nullable() {
            let message = format!("`{name}` is never NULL, and has no value here");
            self.findings.push(Diagnostic::new(codes::TEST_MISFIT, message).at(place.clone()));
        }
        Value::Null
    }

    fn misfit(&mut self, column: &Column<'_>, value: &Value, why: &str, place: &SpecPath) -> Value {
        let kind = plain_type_text(column.data_type);
        let written = match value {
            Value::Number(number) => {
                let written = self.map.locate(place).and_then(|at| self.map.text().get(at.bytes));
                let of_number = |text: &&str| Exact::parse(text).is_some();
                written.filter(of_number).map_or_else(|| number.to_string(), str::to_owned)
            }
            Value::String(text) => text.clone(),
            Value::Bool(value) => value.to_string(),
            Value::Null => "NULL".to_owned(),
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "a map".to_owned(),
        };
        let shown =
            if value.is_array() || value.is_object() { written.clone() } else { format!("`{written}`") };
        let message = format!("`{}` is {kind}: {shown} {why}", column.name);
        self.findings.push(Diagnostic::new(codes::TEST_MISFIT, message).at(place.clone()).found(written));
        Value::Null
    }

    /// A value as the reader of JSON gets it.
    fn value(&mut self, column: &Column<'_>, value: &Value, place: &SpecPath) -> Value {
        let fitted = match column.data_type {
            DataType::Null => Err("is not NULL, and the column is always"),
            DataType::Boolean => value.as_bool().map(Value::Bool).ok_or("is not true or false"),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                let text = value.as_str().map(|text| Value::String(text.to_owned()));
                text.ok_or("is no text; write it in quotes if it is meant as one")
            }
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::ListView(item)
            | DataType::LargeListView(item) => return self.list(column, item, None, value, place),
            DataType::FixedSizeList(item, length) => {
                return self.list(column, item, Some(*length), value, place);
            }
            DataType::Struct(fields) => return self.structure(column, fields, value, place),
            DataType::Map(entries, _) => return self.map(column, entries, value, place),
            kind if kind.is_numeric() || matches!(kind, DataType::Duration(_)) => {
                self.numeric(kind, value, place)
            }
            kind => of_text(kind, value),
        };
        fitted.unwrap_or_else(|why| self.misfit(column, value, why, place))
    }

    fn numeric(&self, kind: &DataType, value: &Value, place: &SpecPath) -> Result<Value, &'static str> {
        let exact = match value {
            Value::Number(number) => self.number(number, place),
            Value::String(text) if is_special(text) && kind.is_floating() => return Ok(value.clone()),
            Value::String(text) => Exact::parse(text),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let exact = exact.ok_or("is no number")?;
        match kind {
            DataType::Float16 | DataType::Float32 | DataType::Float64 => float(kind, &exact),
            DataType::Decimal32(precision, scale)
            | DataType::Decimal64(precision, scale)
            | DataType::Decimal128(precision, scale)
            | DataType::Decimal256(precision, scale) => {
                if exact.scale() > i64::from(*scale) {
                    return Err("has more digits after the point than the column");
                }
                if exact.whole_digits() > i64::from(*precision) - i64::from(*scale) {
                    return Err("has more digits before the point than the column");
                }
                exact.plain().map(Value::String).ok_or("has too many digits")
            }
            _ => whole(kind, &exact),
        }
    }

    fn list(
        &mut self,
        column: &Column<'_>,
        item: &FieldRef,
        length: Option<i32>,
        value: &Value,
        place: &SpecPath,
    ) -> Value {
        let Value::Array(items) = value else { return self.misfit(column, value, "is no list", place) };
        if length.is_some_and(|length| usize::try_from(length) != Ok(items.len())) {
            return self.misfit(column, value, "has another length", place);
        }
        let items = items.iter().enumerate();
        items.map(|(index, value)| self.field(item, column.name, value, &place.index(index))).collect()
    }

    fn structure(&mut self, column: &Column<'_>, fields: &Fields, value: &Value, place: &SpecPath) -> Value {
        let Value::Object(given) = value else { return self.misfit(column, value, "is no map", place) };
        for name in given.keys().filter(|name| fields.find(name).is_none()) {
            let message = format!("`{}` has no field `{name}`", column.name);
            let known = fields.iter().map(|field| field.name());
            let found = Diagnostic::new(codes::TEST_MISFIT, message).at(place.field(name)).found(name);
            self.findings.push(found.allowed(known).suggest_nearest());
        }
        let given = given.iter().map(|(name, value)| (name.as_str(), value)).collect();
        Value::Object(self.fields(fields, &given, place))
    }

    fn map(&mut self, column: &Column<'_>, entries: &FieldRef, value: &Value, place: &SpecPath) -> Value {
        let Value::Object(given) = value else { return self.misfit(column, value, "is no map", place) };
        let DataType::Struct(parts) = entries.data_type() else { return Value::Null };
        let [key, item] = parts.as_ref() else { return Value::Null };
        let mut read = Map::new();
        for (name, value) in given {
            let place = place.field(name);
            let of_key = Column { name: column.name, data_type: key.data_type() };
            self.value(&of_key, &Value::String(name.clone()), &place);
            read.insert(name.clone(), self.field(item, column.name, value, &place));
        }
        Value::Object(read)
    }
}

/// Texts that are floating-point numbers and have no digits.
fn is_special(text: &str) -> bool {
    matches!(text.strip_prefix('-').unwrap_or(text), "NaN" | "Infinity" | "inf")
}

/// Values that are written as text.
fn of_text(kind: &DataType, value: &Value) -> Result<Value, &'static str> {
    let Value::String(text) = value else {
        return Err("is no text, and values of this type are written as one");
    };
    let fitted = match kind {
        DataType::Date32 | DataType::Date64 => moments::day(text)?,
        DataType::Timestamp(unit, zone) => moments::moment(text, *unit, zone.is_some())?,
        DataType::Time32(unit) | DataType::Time64(unit) => moments::time_of_day(text, *unit)?,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            let is_hexadecimal = text.len() % 2 == 0 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            let fits = match kind {
                DataType::FixedSizeBinary(bytes) => usize::try_from(*bytes) == Ok(text.len() / 2),
                _ => true,
            };
            if !is_hexadecimal {
                return Err("is not written in pairs of hexadecimal digits");
            }
            if !fits {
                return Err("has another length");
            }
            text.clone()
        }
        _ => return Err("cannot be read: tests have no values of this type"),
    };
    Ok(Value::String(fitted))
}

/// A whole number of a type.
fn whole(kind: &DataType, exact: &Exact) -> Result<Value, &'static str> {
    const TOO_LARGE: &str = "is beyond what the column holds";
    if exact.scale() > 0 {
        return Err("is no whole number, and the column holds nothing else");
    }
    let number = exact.whole().ok_or(TOO_LARGE)?;
    let (least, most) = match kind {
        DataType::Int8 => (i128::from(i8::MIN), i128::from(i8::MAX)),
        DataType::Int16 => (i128::from(i16::MIN), i128::from(i16::MAX)),
        DataType::Int32 => (i128::from(i32::MIN), i128::from(i32::MAX)),
        DataType::UInt8 => (0, i128::from(u8::MAX)),
        DataType::UInt16 => (0, i128::from(u16::MAX)),
        DataType::UInt32 => (0, i128::from(u32::MAX)),
        DataType::UInt64 => (0, i128::from(u64::MAX)),
        _ => (i128::from(i64::MIN), i128::from(i64::MAX)),
    };
    if !(least..=most).contains(&number) {
        return Err(TOO_LARGE);
    }
    let signed = i64::try_from(number).map(Value::from);
    signed.or_else(|_| u64::try_from(number).map(Value::from)).map_err(|_| TOO_LARGE)
}

/// A floating-point number whose shortest text is the number that was written: `0.1` is what everybody calls the nearest to it,
/// and 2^53 + 1 is not the name of any.
fn float(kind: &DataType, exact: &Exact) -> Result<Value, &'static str> {
    const INEXACT: &str = "has more digits than the column holds";
    let plain = exact.plain().ok_or("is beyond what the column holds")?;
    let shortest = |text: String| Exact::parse(&text);
    let (value, is_it) = match kind {
        DataType::Float64 => {
            let value: f64 = plain.parse().map_err(|_| INEXACT)?;
            (value, shortest(format!("{value:e}")))
        }
        _ => {
            let value: f32 = plain.parse().map_err(|_| INEXACT)?;
            let is_half = *kind == DataType::Float16;
            // There is no shortest text of these: what it stands for must be the value itself.
            let held = if is_half { half(value) } else { value };
            (f64::from(held), shortest(format!("{held:e}")))
        }
    };
    if !value.is_finite() {
        return Err("is beyond what the column holds");
    }
    if is_it.as_ref() != Some(exact) {
        return Err(INEXACT);
    }
    Number::from_f64(value).map(Value::Number).ok_or(INEXACT)
}

fn half(value: f32) -> f32 {
    <Float16Type as ArrowPrimitiveType>::Native::from_f32(value).to_f32()
}
