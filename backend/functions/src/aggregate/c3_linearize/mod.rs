//! `c3_linearize`: the order in which the members of classes are looked up.

mod order;

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int64Type};
use datafusion::common::{Result, ScalarValue, internal_err, not_impl_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Documentation, Signature, Volatility};

use crate::document;
use order::linearize;

/// `c3_linearize(class, base, position)`: the linearizations of all classes of a group, by the C3 rule (Barrett and
/// others, A Monotonic Superclass Linearization for Dylan, 1996), as Python, Perl and Solidity have it. A row says that a
/// class derives from a base, at this position among its bases; one whose base is NULL, that the class exists. The result is
/// a list of {class, ancestor, rank}, by class and rank; a class is its own ancestor of rank 0.
///
/// A base that is no class of the group is not known: it is an ancestor, and the last one, since what it would bring comes
/// before everything else. Classes that derive from themselves, and bases that allow no order, end in the ancestor 0.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct C3Linearize {
    signature: Signature,
}

impl C3Linearize {
    /// The function.
    #[must_use]
    pub fn new() -> Self {
        Self { signature: Signature::exact(vec![DataType::Int64; 3], Volatility::Immutable) }
    }
}

impl Default for C3Linearize {
    fn default() -> Self {
        Self::new()
    }
}

static PAGE: LazyLock<Documentation> = LazyLock::new(|| {
    document::page(
        "The order in which the members of classes are looked up, by the C3 rule: a list of {class, ancestor, rank}. The order \
         of a class ends at a base that is no class of the group, and with 0 where its bases allow none.",
        "c3_linearize(class, base, position)",
        &[
            ("class", "Identifier of a class, BIGINT."),
            ("base", "Identifier of one of its bases; NULL for a class without."),
            ("position", "Position of the base among those of the class, BIGINT."),
        ],
        "SELECT unnest(c3_linearize(class_id, base_id, position)) FROM bases;",
    )
});

const COLUMNS: [&str; 3] = ["class", "ancestor", "rank"];

fn row_fields() -> Fields {
    COLUMNS.iter().map(|name| Arc::new(Field::new(*name, DataType::Int64, false))).collect()
}

fn row_field() -> FieldRef {
    Arc::new(Field::new("item", DataType::Struct(row_fields()), false))
}

fn list_of(numbers: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", numbers, true)))
}

impl AggregateUDFImpl for C3Linearize {
    fn name(&self) -> &str {
        "c3_linearize"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(row_field()))
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn default_value(&self, _data_type: &DataType) -> Result<ScalarValue> {
        Bases::default().evaluate()
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let field =
            |part| Arc::new(Field::new(format_state_name(args.name, part), list_of(DataType::Int64), false));
        Ok(["classes", "bases", "positions"].map(field).to_vec())
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct || !args.order_bys.is_empty() {
            return not_impl_err!(
                "c3_linearize takes neither DISTINCT nor ORDER BY: neither could change it"
            );
        }
        Ok(Box::new(Bases::default()))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&PAGE)
    }
}

/// The rows seen so far.
#[derive(Debug, Default)]
struct Bases {
    rows: Vec<(i64, Option<i64>, i64)>,
}

impl Bases {
    fn add(&mut self, columns: [&ArrayRef; 3]) -> Result<()> {
        let [Some(classes), Some(bases), Some(positions)] =
            columns.map(|column| column.as_primitive_opt::<Int64Type>())
        else {
            return internal_err!("c3_linearize expects three columns of whole numbers");
        };
        for ((class, base), position) in classes.iter().zip(bases).zip(positions) {
            if let Some(class) = class {
                self.rows.push((class, base, position.unwrap_or_default()));
            }
        }
        Ok(())
    }
}

impl Accumulator for Bases {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        match values {
            [classes, bases, positions] => self.add([classes, bases, positions]),
            other => internal_err!("c3_linearize takes three columns, found {}", other.len()),
        }
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [Some(classes), Some(bases), Some(positions)] =
            [0, 1, 2].map(|at| states.get(at).and_then(|state| state.as_list_opt::<i32>()))
        else {
            return internal_err!("c3_linearize expects three lists of whole numbers");
        };
        for row in 0..classes.len() {
            self.add([&classes.value(row), &bases.value(row), &positions.value(row)])?;
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let list = |numbers: Int64Array| {
            let values: Vec<ScalarValue> = numbers.iter().map(ScalarValue::Int64).collect();
            ScalarValue::List(ScalarValue::new_list_nullable(&values, &DataType::Int64))
        };
        Ok(vec![
            list(self.rows.iter().map(|row| Some(row.0)).collect()),
            list(self.rows.iter().map(|row| row.1).collect()),
            list(self.rows.iter().map(|row| Some(row.2)).collect()),
        ])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let orders = linearize(&self.rows);
        let row = |(&class, order): (&i64, &Vec<i64>)| {
            let ranked = order.iter().zip(0_i64..).map(move |(&ancestor, rank)| (class, ancestor, rank));
            ranked.collect::<Vec<_>>()
        };
        let rows: Vec<(i64, i64, i64)> = orders.iter().flat_map(row).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.0))),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1))),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.2))),
        ];
        let rows = StructArray::try_new(row_fields(), columns, None)?;
        let offsets = OffsetBuffer::from_lengths([rows.len()]);
        Ok(ScalarValue::List(Arc::new(ListArray::try_new(row_field(), offsets, Arc::new(rows), None)?)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.rows.capacity() * size_of::<(i64, Option<i64>, i64)>()
    }
}
