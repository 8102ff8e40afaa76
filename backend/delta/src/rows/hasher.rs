//! The digest of batches.

use std::fmt;
use std::ops::Range;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};
use twox_hash::XxHash3_128;
use twox_hash::xxhash3_128::{DEFAULT_SECRET_LENGTH, SecretBuffer};

use super::columns::{Column, Lines, SLACK};
use super::types::{by_name, delta_type, seed};
use super::{RowsDigest, RowsError};

/// Rows that are written out at a time, at the most: few enough that they stay in the nearest cache.
const STEP_ROWS: usize = 256;
/// Bytes that are written out at a time, about, unless one row has more.
const STEP_BYTES: usize = 32 << 10;
/// Longer rows are hashed with a secret that is made of the seed, by the definition of XXH3.
const SECRET_FROM: usize = 241;

/// Makes digests of batches that all have the same columns. Keeps what it works in, so that batches of one stream should
/// go through one hasher; a clone is as good as the first.
#[derive(Clone)]
pub struct RowHasher {
    /// In the order of their names.
    columns: Vec<Expected>,
    /// Where each of them stands in a batch.
    places: Vec<usize>,
    seed: u64,
    /// What XXH3 would make of the seed for every long row.
    secret: Option<[u8; DEFAULT_SECRET_LENGTH]>,
    lines: Lines,
    /// Rows to write out next.
    step: usize,
}

/// A column that a batch has to have.
#[derive(Clone, Debug)]
struct Expected {
    name: String,
    /// Its type in a Delta table.
    delta_type: String,
    /// The Arrow type that it had last, which stands for that type.
    data_type: DataType,
}

impl RowHasher {
    /// A hasher of batches with the columns of `schema`.
    ///
    /// # Errors
    /// [`RowsError::UnsupportedType`] for a type that stands for none of a Delta table, such as unsigned numbers and
    /// timestamps in other units than microseconds.
    pub fn new(schema: &Schema) -> Result<Self, RowsError> {
        let expected = |field: &arrow::datatypes::FieldRef| {
            Ok(Expected {
                name: field.name().clone(),
                delta_type: delta_type(field.data_type(), field.name())?,
                data_type: field.data_type().clone(),
            })
        };
        let places = by_name(schema);
        let fields = places.iter().filter_map(|place| schema.fields().get(*place));
        let columns = fields.map(expected).collect::<Result<_, _>>()?;
        let seed = seed(schema)?;
        let secret = SecretBuffer::with_seed(seed, [0; DEFAULT_SECRET_LENGTH]).ok();
        let secret = secret.map(SecretBuffer::into_secret);
        Ok(Self { columns, places, seed, secret, lines: Lines::default(), step: STEP_ROWS })
    }

    /// What stands for the columns in the hashes of their rows. Digests are comparable if these are equal.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The digest of the rows of `batch`. Its columns have the names, the order and the types of the schema that the hasher
    /// was made for; texts and bytes may be in any encoding, decimals in any width that holds them, and values in
    /// dictionaries and runs.
    ///
    /// # Errors
    /// [`RowsError::OtherColumns`], [`RowsError::TooLong`], [`RowsError::Undecodable`].
    pub fn digest(&mut self, batch: &RecordBatch) -> Result<RowsDigest, RowsError> {
        self.check(batch)?;
        let arrays = self.places.iter().filter_map(|place| batch.columns().get(*place));
        let columns = arrays.zip(&self.columns);
        let columns = columns.map(|(array, expected)| Column::new(array, &expected.name));
        let mut columns = columns.collect::<Result<Vec<_>, _>>()?;
        let mut digest = RowsDigest::default();
        let mut from = 0;
        while from < batch.num_rows() {
            let rows = self.written(&mut columns, from..batch.num_rows());
            self.lines.rows().for_each(|row| digest.add_row(self.hash(row)));
            from = rows.end;
        }
        if self.lines.capacity() > 2 * STEP_BYTES {
            self.lines = Lines::default();
        }
        Ok(digest)
    }

    /// Whether `batch` has the columns.
    fn check(&mut self, batch: &RecordBatch) -> Result<(), RowsError> {
        if batch.num_columns() != self.columns.len() {
            let columns = |count: usize| format!("{count} columns");
            let (expected, found) = (columns(self.columns.len()), columns(batch.num_columns()));
            return Err(RowsError::OtherColumns { expected, found });
        }
        let fields = batch.schema_ref().fields();
        let fields = self.places.iter().filter_map(|place| fields.get(*place));
        for (expected, field) in self.columns.iter_mut().zip(fields) {
            let is_known = expected.data_type == *field.data_type();
            if is_known && expected.name == *field.name() {
                continue;
            }
            let delta_type = delta_type(field.data_type(), field.name())?;
            if (&expected.name, &expected.delta_type) != (field.name(), &delta_type) {
                return Err(RowsError::OtherColumns {
                    expected: format!("the column `{}` of type {}", expected.name, expected.delta_type),
                    found: format!("the column `{}` of type {delta_type}", field.name()),
                });
            }
            expected.data_type = field.data_type().clone();
        }
        Ok(())
    }

    /// Writes out the first of `rows`, as many as are written at a time. Gives which they were.
    fn written(&mut self, columns: &mut [Column], rows: Range<usize>) -> Range<usize> {
        loop {
            let step = rows.start..rows.end.min(rows.start + self.step);
            // The room of the longest cells is soon known; that of the longest row would have to be added up row by row.
            let longest: usize = columns.iter_mut().map(|column| column.measure(step.clone())).sum();
            let stride = longest + SLACK;
            if stride * step.len() > STEP_BYTES && step.len() > 1 {
                self.step = (STEP_BYTES / stride).clamp(1, step.len() - 1);
                continue;
            }
            self.lines.begin(step.len(), stride);
            columns.iter().for_each(|column| column.write(&mut self.lines));
            if stride * self.step < STEP_BYTES / 2 {
                self.step = (2 * self.step).min(STEP_ROWS);
            }
            return step;
        }
    }

    fn hash(&self, row: &[u8]) -> u128 {
        if row.len() >= SECRET_FROM
            && let Some(secret) = &self.secret
            && let Ok(hash) = XxHash3_128::oneshot_with_seed_and_secret(self.seed, secret, row)
        {
            return hash;
        }
        XxHash3_128::oneshot_with_seed(self.seed, row)
    }
}

impl fmt::Debug for RowHasher {
    // Not derived: it would print rows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowHasher({} columns with seed {:016x})", self.columns.len(), self.seed)
    }
}
