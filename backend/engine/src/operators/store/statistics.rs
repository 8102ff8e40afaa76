//! Exact statistics of stored rows, gathered while they come in.

use std::cmp::Ordering;

use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Result, ScalarValue};
use datafusion::functions_aggregate::min_max::{MaxAccumulator, MinAccumulator};
use datafusion::logical_expr::Accumulator;

/// The columns of one partition.
#[derive(Debug)]
pub(super) struct Columns(Vec<Column>);

#[derive(Debug)]
struct Column {
    nulls: usize,
    range: Option<(MinAccumulator, MaxAccumulator)>,
}

impl Columns {
    /// Columns without rows.
    ///
    /// # Errors
    /// None that is known; DataFusion's accumulators could refuse a type.
    pub(super) fn new(schema: &SchemaRef) -> Result<Self> {
        let column = |data_type: &DataType| {
            let range = if has_range(data_type) {
                Some((MinAccumulator::try_new(data_type)?, MaxAccumulator::try_new(data_type)?))
            } else {
                None
            };
            Ok(Column { nulls: 0, range })
        };
        schema.fields().iter().map(|field| column(field.data_type())).collect::<Result<_>>().map(Self)
    }

    /// Adds the rows of a batch.
    ///
    /// # Errors
    /// When the batch does not have these columns.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        for (column, array) in self.0.iter_mut().zip(batch.columns()) {
            column.nulls += array.logical_null_count();
            if let Some((min, max)) = &mut column.range {
                min.update_batch(std::slice::from_ref(array))?;
                max.update_batch(std::slice::from_ref(array))?;
            }
        }
        Ok(())
    }

    /// What is known of the rows so far.
    ///
    /// # Errors
    /// None that is known; see [`Self::new`].
    pub(super) fn summaries(&mut self) -> Result<Vec<Summary>> {
        let of = |column: &mut Column| {
            let range = match &mut column.range {
                Some((min, max)) => Some((min.evaluate()?, max.evaluate()?)),
                None => None,
            };
            Ok(Summary { nulls: column.nulls, range: range.filter(|(min, _)| !min.is_null()) })
        };
        self.0.iter_mut().map(of).collect()
    }
}

/// What is known of a column.
#[derive(Clone, Debug)]
pub(super) struct Summary {
    nulls: usize,
    /// The smallest and the largest value, where they are kept and there are values.
    range: Option<(ScalarValue, ScalarValue)>,
}

impl Summary {
    /// What is known of the rows of both.
    pub(super) fn with(self, other: Self) -> Self {
        let range = match (self.range, other.range) {
            (Some((low, high)), Some((other_low, other_high))) => Some((
                if other_low.partial_cmp(&low) == Some(Ordering::Less) { other_low } else { low },
                if other_high.partial_cmp(&high) == Some(Ordering::Greater) { other_high } else { high },
            )),
            // A side without a range has no values.
            (one, other) => one.or(other),
        };
        Self { nulls: self.nulls + other.nulls, range }
    }

    /// In DataFusion's form.
    pub(super) fn statistics(self) -> ColumnStatistics {
        let known = ColumnStatistics::new_unknown().with_null_count(Precision::Exact(self.nulls));
        match self.range {
            Some((low, high)) => {
                known.with_min_value(Precision::Exact(low)).with_max_value(Precision::Exact(high))
            }
            None => known,
        }
    }
}

/// Types whose smallest and largest value cost next to nothing to know, and whose order leaves no doubt: floats have
/// NaN, and strings are long.
fn has_range(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(data_type, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..))
}
