//! The digest of batches.

use std::fmt;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};

use super::columns::Column;
use super::mixing::{SchemaKeys, hash_of};
use super::types::{by_name, delta_type};
use super::{RowsDigest, RowsError};

/// Rows whose states are made at a time: few enough that they stay in the nearest cache.
const STEP_ROWS: usize = 512;

/// Makes digests of batches that all have the same columns. Keeps what it works in, so that batches of one stream should
/// go through one hasher; a clone is as good as the first.
#[derive(Clone)]
pub struct RowHasher {
    /// In the order of their names.
    columns: Vec<Expected>,
    /// Where each of them stands in a batch.
    places: Vec<usize>,
    keys: SchemaKeys,
    states: Vec<u128>,
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
        Ok(Self { columns, places, keys: SchemaKeys::of(schema)?, states: Vec::new() })
    }

    /// What stands for the columns in the hashes of their rows. Digests are comparable if these are equal.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.keys.seed
    }

    /// The digest of the rows of `batch`. Its columns have the names, the order and the types of the schema that the hasher
    /// was made for; texts and bytes may be in any encoding, decimals in any width that holds them, and values in
    /// dictionaries and runs.
    ///
    /// # Errors
    /// [`RowsError::OtherColumns`], [`RowsError::Undecodable`].
    pub fn digest(&mut self, batch: &RecordBatch) -> Result<RowsDigest, RowsError> {
        self.check(batch)?;
        let arrays = self.places.iter().filter_map(|place| batch.columns().get(*place));
        let columns = arrays.zip(&self.columns).zip(&self.keys.columns);
        let columns = columns.map(|((array, expected), keys)| Column::new(array, keys, &expected.name));
        let mut columns = columns.collect::<Result<Vec<_>, _>>()?;
        let mut digest = RowsDigest::default();
        for start in (0..batch.num_rows()).step_by(STEP_ROWS) {
            let rows = start..batch.num_rows().min(start + STEP_ROWS);
            self.states.clear();
            self.states.resize(rows.len(), self.keys.start);
            columns.iter_mut().for_each(|column| column.add(rows.clone(), &mut self.states));
            self.states.iter().for_each(|state| digest.add_row(hash_of(*state)));
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
}

impl fmt::Debug for RowHasher {
    // Not derived: it would print rows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowHasher({} columns with seed {:016x})", self.columns.len(), self.seed())
    }
}
