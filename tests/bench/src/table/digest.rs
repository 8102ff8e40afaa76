//! Digests of tables that do not depend on the order of rows: the number of rows, and of each column the NULLs, the
//! sum, the least and the greatest value.
//!
//! `tests/bench/peers/digest.py` makes the same digests for the peers.

use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, max, max_string_view, min, min_string_view, sum};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Schema};
use serde_json::{Map, Value, json};

use super::DeltaTable;
use crate::failure::Result;

/// The digest of some rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Digest {
    /// The number of rows.
    pub(crate) rows: u64,
    /// The columns by name, in the table's order.
    columns: Vec<(String, Column)>,
}

/// What is known of the values of a column so far.
#[derive(Clone, Debug)]
struct Column {
    nulls: usize,
    values: Values,
}

/// The values of a column, by what can be said of them.
#[derive(Clone, Debug)]
enum Values {
    /// Integers and decimals: unscaled values and the scale they share. Sums are exact; none of no values.
    Exact { scale: i8, sum: Option<i128>, range: Option<(i128, i128)> },
    /// Binary floating point.
    Float { sum: Option<f64>, range: Option<(f64, f64)> },
    /// Everything else, as text; dates in the ISO form, which sorts as the dates do.
    Text { range: Option<(String, String)> },
}

impl Digest {
    /// The digest of no rows.
    pub(crate) fn new(schema: &Schema) -> Self {
        let columns = schema.fields().iter().map(|field| {
            let values = match field.data_type() {
                DataType::Decimal128(_, scale) => Values::Exact { scale: *scale, sum: None, range: None },
                kind if kind.is_integer() => Values::Exact { scale: 0, sum: None, range: None },
                kind if kind.is_floating() => Values::Float { sum: None, range: None },
                _ => Values::Text { range: None },
            };
            (field.name().clone(), Column { nulls: 0, values })
        });
        Self { rows: 0, columns: columns.collect() }
    }

    /// Adds the rows of a batch, whose columns are those of the schema.
    ///
    /// # Errors
    /// When a column has a type without a text form.
    pub(crate) fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
        for ((_, column), values) in self.columns.iter_mut().zip(batch.columns()) {
            column.nulls += values.null_count();
            column.values.add(values)?;
        }
        Ok(())
    }

    /// The form in which digests are compared: numbers as text, floats and decimals to nine significant digits.
    pub(crate) fn json(&self) -> Value {
        let columns = self.columns.iter().map(|(name, column)| {
            let (sum, range) = match &column.values {
                Values::Exact { scale, sum, range } => (
                    sum.map(|sum| exact_text(sum, *scale)),
                    range.map(|(least, most)| (exact_text(least, *scale), exact_text(most, *scale))),
                ),
                Values::Float { sum, range } => {
                    (sum.map(nine_digits), range.map(|(least, most)| (nine_digits(least), nine_digits(most))))
                }
                Values::Text { range } => (None, range.clone()),
            };
            let (least, most) = range.unzip();
            (name.clone(), json!({"nulls": column.nulls, "sum": sum, "min": least, "max": most}))
        });
        json!({"rows": self.rows, "columns": columns.collect::<Map<_, _>>()})
    }

    /// The statistics of a file that holds exactly these rows, as a Delta log keeps them.
    pub(crate) fn file_statistics(&self) -> Value {
        let (mut least, mut most, mut nulls) = (Map::new(), Map::new(), Map::new());
        for (name, column) in &self.columns {
            nulls.insert(name.clone(), column.nulls.into());
            let range = match &column.values {
                Values::Exact { scale: 0, range, .. } => range.and_then(|(least, most)| {
                    Some((json!(i64::try_from(least).ok()?), json!(i64::try_from(most).ok()?)))
                }),
                Values::Exact { scale, range, .. } => {
                    range.map(|(least, most)| (json!(scaled(least, *scale)), json!(scaled(most, *scale))))
                }
                Values::Float { range, .. } => range.map(|(least, most)| (json!(least), json!(most))),
                Values::Text { range } => range.clone().map(|(least, most)| (json!(least), json!(most))),
            };
            if let Some((column_least, column_most)) = range {
                least.insert(name.clone(), column_least);
                most.insert(name.clone(), column_most);
            }
        }
        json!({"numRecords": self.rows, "minValues": least, "maxValues": most, "nullCount": nulls})
    }
}

impl Values {
    fn add(&mut self, array: &ArrayRef) -> Result<()> {
        match self {
            Self::Exact { scale, sum: total, range } => {
                let array = cast(array, &DataType::Decimal128(38, *scale))?;
                let values = array.as_primitive::<Decimal128Type>();
                *total = total.iter().copied().chain(sum(values)).reduce(|one, other| one + other);
                let found = min(values).zip(max(values));
                *range = wider(range.take(), found, Ord::min, Ord::max);
            }
            Self::Float { sum: total, range } => {
                let array = cast(array, &DataType::Float64)?;
                let values = array.as_primitive::<Float64Type>();
                *total = total.iter().copied().chain(sum(values)).reduce(|one, other| one + other);
                *range = wider(range.take(), min(values).zip(max(values)), f64::min, f64::max);
            }
            Self::Text { range } => {
                let array = cast(&cast(array, &DataType::Utf8)?, &DataType::Utf8View)?;
                let values = array.as_string_view();
                let found = min_string_view(values).zip(max_string_view(values));
                let found = found.map(|(least, most)| (least.to_owned(), most.to_owned()));
                *range = wider(range.take(), found, Ord::min, Ord::max);
            }
        }
        Ok(())
    }
}

/// The range that holds both ranges.
fn wider<T>(
    one: Option<(T, T)>,
    other: Option<(T, T)>,
    least: impl Fn(T, T) -> T,
    most: impl Fn(T, T) -> T,
) -> Option<(T, T)> {
    match (one, other) {
        (Some((one_least, one_most)), Some((other_least, other_most))) => {
            Some((least(one_least, other_least), most(one_most, other_most)))
        }
        (one, other) => one.or(other),
    }
}

/// Integers in full; decimals as nine significant digits.
fn exact_text(unscaled: i128, scale: i8) -> String {
    if scale == 0 { unscaled.to_string() } else { nine_digits(scaled(unscaled, scale)) }
}

#[allow(clippy::cast_precision_loss, reason = "nine digits of it are used")]
fn scaled(unscaled: i128, scale: i8) -> f64 {
    unscaled as f64 / 10f64.powi(i32::from(scale))
}

/// A number rounded to nine significant digits; never in the form of an integer, so that it is compared as a float.
fn nine_digits(value: f64) -> String {
    let rounded = format!("{value:.8e}");
    rounded.parse::<f64>().map_or(rounded, |value| format!("{value:?}"))
}

/// The digest of the current version of a table.
///
/// # Errors
/// When the table cannot be read.
pub(crate) fn digest_of_table(folder: &Path) -> Result<Value> {
    let mut digest: Option<Digest> = None;
    DeltaTable::open(folder)?
        .read(None, &mut |batch| digest.get_or_insert_with(|| Digest::new(&batch.schema())).add(batch))?;
    Ok(digest.unwrap_or_default().json())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray};
    use arrow::datatypes::Field;

    use super::*;

    fn rows(order: [usize; 3]) -> RecordBatch {
        let pick = |values: [Option<i64>; 3]| order.map(|place| values[place]);
        let numbers = Int64Array::from(pick([Some(i64::MAX), None, Some(i64::MAX)]).to_vec());
        let decimals =
            Decimal128Array::from(pick([Some(150), Some(-25), None]).map(|v| v.map(i128::from)).to_vec());
        let decimals = decimals.with_precision_and_scale(15, 2).expect("fits");
        let floats = Float64Array::from(order.map(|place| [0.1, 0.2, 0.3][place]).to_vec());
        let days = Date32Array::from(order.map(|place| [0, 10_957, -1][place]).to_vec());
        let texts = StringArray::from(order.map(|place| ["b", "a", "\u{e9}"][place]).to_vec());
        let columns: Vec<ArrayRef> =
            vec![Arc::new(numbers), Arc::new(decimals), Arc::new(floats), Arc::new(days), Arc::new(texts)];
        let names = ["number", "decimal", "float", "day", "text"];
        let fields = names
            .iter()
            .zip(&columns)
            .map(|(name, column)| Field::new(*name, column.data_type().clone(), true));
        RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns).expect("a batch")
    }

    fn digest(batches: &[RecordBatch]) -> Value {
        let mut digest = Digest::new(&batches[0].schema());
        batches.iter().for_each(|batch| digest.add(batch).expect("added"));
        digest.json()
    }

    #[test]
    fn a_digest_says_what_is_in_a_table() {
        let expected = json!({"rows": 3, "columns": {
            "number": {"nulls": 1, "sum": "18446744073709551614", "min": "9223372036854775807",
                       "max": "9223372036854775807"},
            "decimal": {"nulls": 1, "sum": "1.25", "min": "-0.25", "max": "1.5"},
            "float": {"nulls": 0, "sum": "0.6", "min": "0.1", "max": "0.3"},
            "day": {"nulls": 0, "sum": null, "min": "1969-12-31", "max": "2000-01-01"},
            "text": {"nulls": 0, "sum": null, "min": "a", "max": "\u{e9}"},
        }});
        assert_eq!(digest(&[rows([0, 1, 2])]), expected);
    }

    #[test]
    fn a_digest_does_not_depend_on_order_or_batches() {
        let whole = digest(&[rows([0, 1, 2])]);
        let batch = rows([2, 0, 1]);
        assert_eq!(digest(&[batch.slice(0, 1), batch.slice(1, 2)]), whole);
    }

    #[test]
    fn a_changed_value_changes_the_digest() {
        assert_ne!(digest(&[rows([0, 1, 2])]), digest(&[rows([0, 1, 1])]));
    }

    #[test]
    fn no_rows_have_no_sum() {
        let empty = digest(&[rows([0, 1, 2]).slice(0, 0)]);
        assert_eq!(empty["columns"]["number"], json!({"nulls": 0, "sum": null, "min": null, "max": null}));
    }
}
