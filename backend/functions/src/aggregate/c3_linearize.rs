//! `c3_linearize`: the order in which the members of classes are looked up.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int64Type};
use datafusion::common::{Result, ScalarValue, internal_err, not_impl_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Documentation, Signature, Volatility};

use crate::document;

/// Most ancestors of one class; the order ends there as at a base that is not known. Long chains of classes would
/// otherwise take space by the square of their length.
const MAX_ANCESTORS: usize = 1000;
/// Stands for what follows where the bases of a class have no order, or more ancestors than that.
const NOTHING: i64 = 0;

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

/// The orders of all classes.
fn linearize(rows: &[(i64, Option<i64>, i64)]) -> BTreeMap<i64, Vec<i64>> {
    let mut sorted = rows.to_vec();
    sorted.sort_unstable_by_key(|&(class, base, position)| (class, position, base));
    let mut bases: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (class, base, _) in sorted {
        let known = bases.entry(class).or_default();
        known.extend(base.filter(|base| !known.contains(base)));
    }
    let mut orders: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for &class in bases.keys() {
        // Classes that wait for the order of a base, outermost first.
        let mut waiting = vec![class];
        while let Some(&current) = waiting.last() {
            let own = bases.get(&current).map_or(&[][..], Vec::as_slice);
            let next = own.iter().find(|base| bases.contains_key(base) && !orders.contains_key(base));
            match next {
                Some(base) if !waiting.contains(base) && waiting.len() < MAX_ANCESTORS => waiting.push(*base),
                Some(_) => {
                    orders.insert(current, vec![current, NOTHING]);
                    waiting.pop();
                }
                None => {
                    orders.insert(current, merge(current, own, &bases, &orders));
                    waiting.pop();
                }
            }
        }
    }
    orders
}

/// The order of a class from those of its bases.
fn merge(
    class: i64,
    own: &[i64],
    bases: &BTreeMap<i64, Vec<i64>>,
    orders: &BTreeMap<i64, Vec<i64>>,
) -> Vec<i64> {
    let of_base = |base: &i64| orders.get(base).cloned().unwrap_or_else(|| vec![*base]);
    let mut lists: Vec<Vec<i64>> = own.iter().map(of_base).chain([own.to_vec()]).collect();
    lists.iter_mut().for_each(|list| list.reverse());
    // How many lists have an ancestor behind their first.
    let mut behind: HashMap<i64, usize> = HashMap::new();
    for list in &lists {
        for ancestor in list.split_last().map_or(&[][..], |(_, rest)| rest) {
            *behind.entry(*ancestor).or_default() += 1;
        }
    }
    let mut order = vec![class];
    loop {
        let firsts = || lists.iter().filter_map(|list| list.last().copied());
        if firsts().next().is_none() {
            return order;
        }
        let good = firsts().find(|first| behind.get(first).is_none_or(|&count| count == 0));
        let Some(next) = good.filter(|_| order.len() < MAX_ANCESTORS) else {
            order.push(NOTHING);
            return order;
        };
        order.push(next);
        if !bases.contains_key(&next) {
            return order;
        }
        for list in lists.iter_mut().filter(|list| list.last() == Some(&next)) {
            list.pop();
            if let Some(count) = list.last().and_then(|first| behind.get_mut(first)) {
                *count -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::linearize;

    fn order(rows: &[(i64, Option<i64>, i64)], class: i64) -> Vec<i64> {
        linearize(rows).remove(&class).unwrap_or_default()
    }

    #[test]
    fn orders_are_those_of_python() {
        // The hierarchy of the paper, with `object` as 1: what CPython's `__mro__` gives for it.
        let (o, a, b, c, d, e, k1, k2, k3, z) = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
        let rows = [
            (o, None, 0),
            (a, Some(o), 0),
            (b, Some(o), 0),
            (c, Some(o), 0),
            (d, Some(o), 0),
            (e, Some(o), 0),
            (k1, Some(a), 0),
            (k1, Some(b), 1),
            (k1, Some(c), 2),
            (k2, Some(d), 0),
            (k2, Some(b), 1),
            (k2, Some(e), 2),
            (k3, Some(d), 0),
            (k3, Some(a), 1),
            (z, Some(k1), 0),
            (z, Some(k2), 1),
            (z, Some(k3), 2),
        ];
        assert_eq!(order(&rows, z), [z, k1, k2, k3, d, a, b, c, e, o]);
        // The last base first in depth is not the answer here: in Python A comes before B.
        assert_eq!(order(&rows, k3), [k3, d, a, o]);
    }

    #[test]
    fn an_order_ends_at_what_is_not_known() {
        let rows = [
            (1, Some(90), 0),
            (2, None, 0),
            (3, Some(1), 0),
            (3, Some(2), 1),
            (4, Some(2), 0),
            (4, Some(1), 1),
        ];
        assert_eq!(order(&rows, 3), [3, 1, 90]);
        assert_eq!(order(&rows, 4), [4, 2, 1, 90]);
    }

    #[test]
    fn classes_without_an_order_end_in_nothing() {
        let circle = [(1, Some(2), 0), (2, Some(1), 0)];
        assert_eq!(order(&circle, 1).last(), Some(&0));
        // class A(X, Y), class B(Y, X), class C(A, B): TypeError in Python.
        let crossed = [
            (1, None, 0),
            (2, None, 0),
            (3, Some(1), 0),
            (3, Some(2), 1),
            (4, Some(2), 0),
            (4, Some(1), 1),
            (5, Some(3), 0),
            (5, Some(4), 1),
        ];
        assert_eq!(order(&crossed, 5), [5, 3, 4, 0]);
        let chain: Vec<_> = (1..5000).map(|class| (class, Some(class + 1), 0)).collect();
        assert_eq!(order(&chain, 1).last(), Some(&0));
    }
}
