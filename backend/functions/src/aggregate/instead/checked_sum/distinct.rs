//! `sum(DISTINCT value)`.

use std::collections::HashMap;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::Accumulator;

use super::{Narrow, too_large};

/// The different values of one group or of a window, each with the number of its rows.
#[derive(Debug)]
pub(super) struct DistinctTotal {
    narrow: Narrow,
    rows: HashMap<i128, u64>,
}

impl DistinctTotal {
    pub(super) fn new(narrow: Narrow) -> Self {
        Self { narrow, rows: HashMap::new() }
    }

    fn item(&self, value: i128) -> Result<ScalarValue> {
        match (self.narrow, self.narrow.wide()) {
            (Narrow::Int64, _) => self.narrow.value(value),
            (Narrow::Decimal(scale), DataType::Decimal128(precision, _)) => {
                Ok(ScalarValue::Decimal128(Some(value), precision, scale))
            }
            _ => internal_err!("partial sums are decimals"),
        }
    }
}

impl Accumulator for DistinctTotal {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else { return internal_err!("sum takes one column") };
        for value in self.narrow.values(values)?.flatten() {
            *self.rows.entry(value).or_default() += 1;
        }
        Ok(())
    }

    /// States are lists of values.
    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lists = states.first().and_then(|states| states.as_list_opt::<i32>());
        let Some(lists) = lists else { return internal_err!("sum(DISTINCT) expects lists of values") };
        for list in lists.iter().flatten() {
            self.update_batch(&[list])?;
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else { return internal_err!("sum takes one column") };
        for value in self.narrow.values(values)?.flatten() {
            match self.rows.get_mut(&value) {
                Some(rows) if *rows > 1 => *rows -= 1,
                _ => drop(self.rows.remove(&value)),
            }
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.rows.is_empty() {
            return ScalarValue::try_from(&self.narrow.result());
        }
        let mut total = 0_i128;
        for value in self.rows.keys() {
            let Some(sum) = total.checked_add(*value) else { return too_large() };
            total = sum;
        }
        self.narrow.value(total)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let mut values: Vec<i128> = self.rows.keys().copied().collect();
        values.sort_unstable();
        let items = values.into_iter().map(|value| self.item(value)).collect::<Result<Vec<_>>>()?;
        Ok(vec![ScalarValue::List(ScalarValue::new_list_nullable(&items, &self.narrow.result()))])
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.rows.capacity() * size_of::<(i128, u64)>()
    }
}
