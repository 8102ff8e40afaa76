//! JSON: one array of objects, or an object a line. Integers keep all their digits; floats that are no numbers of JSON are
//! texts.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{AsArray as _, PrimitiveArray, RecordBatch};
use arrow::datatypes::{ArrowPrimitiveType, DataType, FieldRef, Float16Type, Float32Type, Float64Type};
use arrow::error::ArrowError;
use arrow::json::writer::{
    Encoder, EncoderFactory, EncoderOptions, JsonArray, JsonFormat, LineDelimited, NullableEncoder, Writer,
    WriterBuilder,
};
use serde::Serialize;

use super::{RowError, RowWriter};

/// One array.
pub(super) struct Array(Json<JsonArray>);

impl Default for Array {
    fn default() -> Self {
        Self(Json(builder().build(Vec::new())))
    }
}

impl RowWriter for Array {
    fn write(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), RowError> {
        self.0.write(batch, out)
    }

    fn finish(&mut self, out: &mut dyn Write) -> Result<Option<String>, RowError> {
        self.0.finish(out)?;
        out.write_all(b"\n")?;
        Ok(None)
    }
}

/// An object a line.
pub(super) struct Lines(Json<LineDelimited>);

impl Default for Lines {
    fn default() -> Self {
        Self(Json(builder().build(Vec::new())))
    }
}

impl RowWriter for Lines {
    fn write(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), RowError> {
        self.0.write(batch, out)
    }

    fn finish(&mut self, out: &mut dyn Write) -> Result<Option<String>, RowError> {
        self.0.finish(out)?;
        Ok(None)
    }
}

fn builder() -> WriterBuilder {
    WriterBuilder::new().with_explicit_nulls(true).with_encoder_factory(Arc::new(Floats))
}

struct Json<F: JsonFormat>(Writer<Vec<u8>, F>);

impl<F: JsonFormat> Json<F> {
    fn write(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), RowError> {
        self.0.write(batch)?;
        self.pass_on(out)
    }

    fn finish(&mut self, out: &mut dyn Write) -> Result<(), RowError> {
        self.0.finish()?;
        self.pass_on(out)
    }

    fn pass_on(&mut self, out: &mut dyn Write) -> Result<(), RowError> {
        out.write_all(self.0.get_ref())?;
        self.0.get_mut().clear();
        Ok(())
    }
}

/// Writes floats, those that JSON has no numbers for as texts.
#[derive(Debug)]
struct Floats;

impl EncoderFactory for Floats {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn arrow::array::Array,
        _options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let encoder: Box<dyn Encoder + 'a> = match array.data_type() {
            DataType::Float16 => Box::new(Float(array.as_primitive::<Float16Type>(), |value, out| {
                number(value.to_f32(), value.to_f64(), out);
            })),
            DataType::Float32 => Box::new(Float(array.as_primitive::<Float32Type>(), |value, out| {
                number(value, value.into(), out);
            })),
            DataType::Float64 => Box::new(Float(array.as_primitive::<Float64Type>(), |value, out| {
                number(value, value, out);
            })),
            _ => return Ok(None),
        };
        Ok(Some(NullableEncoder::new(encoder, array.nulls().cloned())))
    }
}

/// Writes a float with as many digits as tell it apart from others of its type.
fn number(value: impl Serialize, wide: f64, out: &mut Vec<u8>) {
    let text = match wide {
        wide if wide.is_finite() => {
            // Writing to memory does not fail.
            let _ = serde_json::to_writer(out, &value);
            return;
        }
        f64::INFINITY => "\"Infinity\"",
        f64::NEG_INFINITY => "\"-Infinity\"",
        _ => "\"NaN\"",
    };
    out.extend_from_slice(text.as_bytes());
}

/// The values of a column, and how one is written.
struct Float<'a, T: ArrowPrimitiveType>(&'a PrimitiveArray<T>, fn(T::Native, &mut Vec<u8>));

impl<T: ArrowPrimitiveType> Encoder for Float<'_, T> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        self.1(self.0.value(row), out);
    }
}
