//! The declared order of a table: what its rows are sorted by, where that is written down, and when it is believed.
//!
//! A table that is written with a [`SortColumn`] list has it in its property [`ORDER`]. Every data file written
//! under it carries the same text in its tag [`ORDER`], and in the tag [`RUN`] which sorted run it belongs to and
//! which part of that run it is: `RUN/PART`. A run is what one writer wrote for one partition of the table, cut
//! into files of the target size; its files, taken by their part, are sorted as a whole.
//!
//! Other programs write files without these tags, and drop them when they rewrite files. So an order is believed
//! only of a table all of whose active files carry it ([`TableOrder::of`]), and even then each batch is checked
//! while it is read ([`OrderCheck`]): a wrong order would lose rows in joins that rely on it.

mod check;
mod declare;

pub(crate) use check::OrderCheck;
pub(crate) use declare::{check_appended_order, check_order, record_order, same_order};

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, RecordBatch};
use arrow::compute::{SortColumn as ArrowSortColumn, SortOptions, lexsort_to_indices, take_record_batch};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Schema};
use arrow::error::ArrowError;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, lit};
use datafusion::physical_expr::{PhysicalExpr, PhysicalSortExpr};
use deltalake::kernel::Add;
use serde_json::{Value, json};

/// The property of a table, and the tag of a file, that says what its rows are sorted by.
pub(crate) const ORDER: &str = "codeanatomy.sort_by";
/// The tag of a file that says which part of which sorted run it is.
const RUN: &str = "codeanatomy.sort_run";

/// A column that rows are sorted by. NULL counts as larger than every value: it is last, or first when descending.
/// Texts are compared by their bytes. Zero and minus zero are one number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SortColumn {
    /// The column.
    pub column: String,
    /// Whether large values come first.
    pub descending: bool,
}

impl SortColumn {
    /// The same in Arrow's terms.
    #[must_use]
    pub fn options(&self) -> SortOptions {
        SortOptions { descending: self.descending, nulls_first: self.descending }
    }

    /// What rows of this schema are sorted by: the column, or of a float the number that it is.
    ///
    /// # Errors
    /// When there is no such column.
    pub fn expression(&self, schema: &Schema) -> datafusion::common::Result<PhysicalSortExpr> {
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new_with_schema(&self.column, schema)?);
        let zero = match column.data_type(schema)? {
            DataType::Float64 => Some(lit(0_f64)),
            DataType::Float32 => Some(lit(0_f32)),
            _ => None,
        };
        let key = match zero {
            Some(zero) => Arc::new(BinaryExpr::new(column, Operator::Plus, zero)),
            None => column,
        };
        Ok(PhysicalSortExpr::new(key, self.options()))
    }
}

/// Whether rows can be compared by a column bit by bit, as operators do it that rely on an order.
pub(crate) fn compares_bits(data_type: &DataType) -> bool {
    !data_type.is_floating()
}

/// The column with one zero.
fn with_one_zero(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Float64 => {
            Arc::new(column.as_primitive::<Float64Type>().unary::<_, Float64Type>(|value| value + 0.0))
        }
        DataType::Float32 => {
            Arc::new(column.as_primitive::<Float32Type>().unary::<_, Float32Type>(|value| value + 0.0))
        }
        _ => Arc::clone(column),
    }
}

/// `batch` with its rows in `order`; itself when they are. Rows the order does not tell apart change places.
///
/// # Errors
/// For columns that `batch` does not have, or that have no order.
pub fn sorted(batch: RecordBatch, order: &[SortColumn]) -> Result<RecordBatch, ArrowError> {
    let schema = batch.schema();
    let columns: Vec<usize> =
        order.iter().map(|sort| schema.index_of(&sort.column)).collect::<Result<_, _>>()?;
    if order.is_empty() || OrderCheck::new(order, columns.clone()).follows(&batch)? {
        return Ok(batch);
    }
    let sort_columns = order.iter().zip(columns).map(|(sort, index)| ArrowSortColumn {
        values: with_one_zero(batch.column(index)),
        options: Some(sort.options()),
    });
    let indices = lexsort_to_indices(&sort_columns.collect::<Vec<_>>(), None)?;
    take_record_batch(&batch, &indices)
}

/// The text an order is recorded as: a JSON array of objects, so that any column name can be in it.
pub(crate) fn to_text(order: &[SortColumn]) -> String {
    let columns = order.iter().map(|sort| match sort.descending {
        true => json!({ "column": sort.column, "descending": true }),
        false => json!({ "column": sort.column }),
    });
    Value::Array(columns.collect()).to_string()
}

/// The order in a recorded text; `None` when it is not one this version writes.
fn from_text(text: &str) -> Option<Vec<SortColumn>> {
    let columns: Vec<BTreeMap<String, Value>> = serde_json::from_str(text).ok()?;
    let sort = |mut fields: BTreeMap<String, Value>| {
        let column = fields.remove("column")?.as_str()?.to_owned();
        let descending = match fields.remove("descending") {
            Some(descending) => descending.as_bool()?,
            None => false,
        };
        // What is not known may change the meaning of what is.
        fields.is_empty().then_some(SortColumn { column, descending })
    };
    columns.into_iter().map(sort).collect()
}

/// The values of the partition columns that all rows of a file have.
type PartitionValues = BTreeMap<String, Option<String>>;

/// Marks the files of one writer. Each is numbered by the counter in its name, `part-COUNTER-...`: the writer counts the
/// files of a partition value as it makes them, and hands them over in whatever order they were finished.
///
/// # Errors
/// When a name has no counter, or another file of the partition value has the same.
pub(crate) fn tag(adds: &mut [Add], order: &[SortColumn], writer: uuid::Uuid) -> Result<(), String> {
    let text = to_text(order);
    let mut runs: HashMap<PartitionValues, (usize, BTreeSet<u64>)> = HashMap::new();
    for add in adds {
        let part = counter(&add.path).ok_or_else(|| format!("data file `{}` has no number", add.path))?;
        let values = add.partition_values.iter();
        let partition: PartitionValues = values.map(|(key, value)| (key.clone(), value.clone())).collect();
        let known = runs.len();
        let (run, parts) = runs.entry(partition).or_insert_with(|| (known, BTreeSet::new()));
        if !parts.insert(part) {
            return Err(format!("two data files have the number of `{}`", add.path));
        }
        let tags = add.tags.get_or_insert_default();
        tags.insert(ORDER.into(), Some(text.clone()));
        tags.insert(RUN.into(), Some(format!("{writer}-{run}/{part}")));
    }
    Ok(())
}

/// The number in the name of a data file.
fn counter(path: &str) -> Option<u64> {
    let (_, name) = path.rsplit_once('/').unwrap_or(("", path));
    let (number, _) = name.strip_prefix("part-")?.split_once('-')?;
    number.parse().ok()
}

/// The order of all rows of a table, run by run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableOrder {
    /// What every run is sorted by.
    pub(crate) columns: Vec<SortColumn>,
    /// The run and the part of every active file, by the last segment of its path: it holds the UUID of its writer,
    /// so it is unique in the table.
    parts: HashMap<String, (Arc<str>, u64)>,
}

impl TableOrder {
    /// The order of a table with the property value `recorded` and the active files `files`, if all of them carry
    /// it.
    pub(crate) fn of(recorded: Option<&str>, files: impl IntoIterator<Item = Add>) -> Option<Self> {
        let recorded = recorded?;
        let columns = from_text(recorded).filter(|columns| !columns.is_empty())?;
        let mut parts = HashMap::new();
        // Thousands of files share a run.
        let mut runs: HashMap<String, Arc<str>> = HashMap::new();
        for add in files {
            let tag = |key: &str| add.tags.as_ref()?.get(key)?.as_deref();
            if tag(ORDER) != Some(recorded) {
                return None;
            }
            let (run, part) = tag(RUN)?.rsplit_once('/')?;
            let run = match runs.get(run) {
                Some(run) => Arc::clone(run),
                None => Arc::clone(runs.entry(run.to_owned()).or_insert_with(|| run.into())),
            };
            let name = add.path.rsplit('/').next().unwrap_or_default().to_owned();
            let twice = parts.insert(name, (run, part.parse().ok()?)).is_some();
            if twice {
                return None;
            }
        }
        Some(Self { columns, parts })
    }

    /// The run a file belongs to, and its place in it, by the last segment of its path.
    pub(crate) fn part(&self, file_name: &str) -> Option<(&str, u64)> {
        self.parts.get(file_name).map(|(run, part)| (run.as_ref(), *part))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    fn sort(column: &str, descending: bool) -> SortColumn {
        SortColumn { column: column.into(), descending }
    }

    fn file(path: &str, tags: &[(&str, &str)]) -> Add {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), Some((*value).to_owned()))).collect();
        Add { path: path.into(), tags: Some(tags), ..Add::default() }
    }

    #[test]
    fn any_column_name_survives_the_text() {
        let order = vec![sort("a, b\" desc", true), sort("", false), sort("é\n", false)];
        assert_eq!(from_text(&to_text(&order)), Some(order));
    }

    #[test]
    fn rows_are_put_in_order() {
        let numbers =
            |numbers: &[Option<i64>]| -> ArrayRef { Arc::new(numbers.iter().collect::<Int64Array>()) };
        let batch = |file: &[Option<i64>], end: &[Option<i64>]| {
            RecordBatch::try_from_iter_with_nullable([
                ("end", numbers(end), true),
                ("file", numbers(file), true),
            ])
            .unwrap()
        };
        let order = [sort("file", false), sort("end", true)];
        let mixed =
            batch(&[None, Some(2), Some(1), Some(1), Some(1)], &[Some(0), Some(0), Some(5), None, Some(9)]);
        let wanted =
            batch(&[Some(1), Some(1), Some(1), Some(2), None], &[None, Some(9), Some(5), Some(0), Some(0)]);
        assert_eq!(sorted(mixed, &order).unwrap(), wanted);
        assert_eq!(sorted(wanted.clone(), &order).unwrap(), wanted);
        assert!(sorted(wanted, &[sort("start", false)]).is_err());
    }

    #[test]
    fn texts_of_other_versions_are_not_guessed_at() {
        for text in ["", "path", "[1]", r#"[{"column":"a","nulls":"first"}]"#, r#"[{"descending":true}]"#] {
            assert_eq!(from_text(text), None, "{text}");
        }
    }

    #[test]
    fn one_file_without_the_order_is_enough_not_to_believe_it() {
        let text = to_text(&[sort("a", false)]);
        let good = || file("x.parquet", &[(ORDER, &text), (RUN, "r-0/0")]);
        assert!(TableOrder::of(Some(&text), [good()]).is_some());
        assert!(TableOrder::of(None, [good()]).is_none());
        let other = to_text(&[sort("a", true)]);
        for bad in [
            file("y.parquet", &[]),
            file("y.parquet", &[(ORDER, &other), (RUN, "r-0/1")]),
            file("y.parquet", &[(ORDER, &text)]),
            file("y.parquet", &[(ORDER, &text), (RUN, "r-0/second")]),
        ] {
            assert!(TableOrder::of(Some(&text), [good(), bad.clone()]).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn every_partition_value_is_a_run_of_its_own() {
        let in_partition = |path: &str, value: &str| Add {
            path: path.into(),
            partition_values: HashMap::from([("p".to_owned(), Some(value.to_owned()))]),
            ..Add::default()
        };
        // As the library hands them over: sorted by name.
        let mut adds = vec![
            in_partition("p=1/part-100000-w-c000.parquet", "1"),
            in_partition("p=1/part-99999-w-c000.parquet", "1"),
            in_partition("p=2/part-00000-v-c000.parquet", "2"),
        ];
        let order = [sort("a", false)];
        tag(&mut adds, &order, uuid::Uuid::nil()).unwrap();
        let table = TableOrder::of(Some(&to_text(&order)), adds.clone()).unwrap();
        let part = |name: &str| table.part(name).unwrap();
        let [later, earlier, other] =
            ["part-100000-w-c000.parquet", "part-99999-w-c000.parquet", "part-00000-v-c000.parquet"]
                .map(part);
        assert_eq!((earlier.1, later.1, other.1), (99_999, 100_000, 0));
        assert_eq!(earlier.0, later.0);
        assert_ne!(earlier.0, other.0);
        assert_eq!(table.part("d"), None);
        assert!(tag(&mut [in_partition("p=1/x.parquet", "1")], &order, uuid::Uuid::nil()).is_err());
        let twice = adds.first().cloned().unwrap();
        assert!(tag(&mut [twice.clone(), twice], &order, uuid::Uuid::nil()).is_err());
    }
}
