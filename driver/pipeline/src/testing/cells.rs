//! Values of rows in a form that tells equal ones from others, and as they are shown.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal256Type, Float64Type, i256};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::values::Exact;

/// A row that can be compared and shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Its values.
    pub(super) cells: Vec<Cell>,
    /// The values as text; NULL is nothing.
    pub(super) shown: Vec<Option<String>>,
}

/// A value. Equal ones are equal for a test: zero is minus zero, and NaN is itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Cell {
    Null,
    /// The bits of a floating-point number of 64 bits.
    Float(u64),
    /// A whole number or a decimal: units of a scale.
    Number(i256, i8),
    /// What equals nothing but the same text.
    Other(String),
    /// A list; the fields of a struct.
    List(Vec<Cell>),
    /// Keys and values of a map, by key.
    Map(Vec<(Cell, Cell)>),
}

/// How far numbers may be from each other.
#[derive(Clone, Debug)]
pub(super) struct Tolerance {
    /// As written, for decimals.
    pub(super) exact: Exact,
    /// For floating-point numbers.
    pub(super) float: f64,
}

impl Cell {
    /// Whether values are the same, numbers in them within the tolerance.
    pub(super) fn is_near(&self, other: &Self, tolerance: &Tolerance) -> bool {
        match (self, other) {
            _ if self == other => true,
            (Self::Float(one), Self::Float(other)) => {
                (f64::from_bits(*one) - f64::from_bits(*other)).abs() <= tolerance.float
            }
            (Self::Number(one, scale), Self::Number(other, _)) => {
                let apart = one.checked_sub(*other).map(|apart| apart.wrapping_abs());
                // A tolerance that no decimal holds allows everything.
                let allowed = tolerance.exact.units(*scale).unwrap_or(i256::MAX);
                apart.is_some_and(|apart| apart <= allowed)
            }
            (Self::List(one), Self::List(other)) => {
                one.len() == other.len()
                    && one.iter().zip(other).all(|(one, other)| one.is_near(other, tolerance))
            }
            (Self::Map(one), Self::Map(other)) => {
                let near = |((key, value), (other_key, other)): (&(Self, Self), &(Self, Self))| {
                    key == other_key && value.is_near(other, tolerance)
                };
                one.len() == other.len() && one.iter().zip(other).all(near)
            }
            _ => false,
        }
    }
}

/// The rows of a batch.
pub(super) fn rows(batch: &RecordBatch) -> Result<Vec<Row>, ArrowError> {
    let mut rows = vec![Row { cells: Vec::new(), shown: Vec::new() }; batch.num_rows()];
    let options = FormatOptions::default().with_null("NULL");
    for column in batch.columns() {
        let formatter = ArrayFormatter::try_new(column.as_ref(), &options)?;
        for (at, (row, cell)) in rows.iter_mut().zip(cells(column)?).enumerate() {
            let shown = (!column.is_null(at)).then(|| formatter.value(at).try_to_string()).transpose()?;
            row.shown.push(shown.filter(|_| cell != Cell::Null));
            row.cells.push(cell);
        }
    }
    Ok(rows)
}

fn cells(array: &ArrayRef) -> Result<Vec<Cell>, ArrowError> {
    let present = |at: usize| !array.is_null(at);
    let all = 0..array.len();
    let cells = match array.data_type() {
        DataType::Null => vec![Cell::Null; array.len()],
        kind if kind.is_floating() => {
            let floats = cast(array, &DataType::Float64)?;
            floats.as_primitive::<Float64Type>().iter().map(|value| value.map_or(Cell::Null, float)).collect()
        }
        kind if kind.is_numeric() => {
            let scale = scale(kind);
            let decimals = cast(array, &DataType::Decimal256(MOST_DIGITS, scale))?;
            let units = decimals.as_primitive::<Decimal256Type>().iter();
            units.map(|units| units.map_or(Cell::Null, |units| Cell::Number(units, scale))).collect()
        }
        DataType::Dictionary(_, values) => return cells(&cast(array, values)?),
        DataType::RunEndEncoded(_, values) => return cells(&cast(array, values.data_type())?),
        DataType::ListView(item) | DataType::FixedSizeList(item, _) => {
            return cells(&cast(array, &DataType::List(item.clone()))?);
        }
        DataType::LargeListView(item) => return cells(&cast(array, &DataType::LargeList(item.clone()))?),
        DataType::List(_) => {
            let lists = array.as_list::<i32>();
            all.map(|at| list(present(at), || lists.value(at))).collect::<Result<_, _>>()?
        }
        DataType::LargeList(_) => {
            let lists = array.as_list::<i64>();
            all.map(|at| list(present(at), || lists.value(at))).collect::<Result<_, _>>()?
        }
        DataType::Struct(_) => {
            let fields = array.as_struct().columns().iter().map(cells).collect::<Result<Vec<_>, _>>()?;
            let of_row = |at: usize| fields.iter().filter_map(|field| field.get(at).cloned()).collect();
            all.map(|at| if present(at) { Cell::List(of_row(at)) } else { Cell::Null }).collect()
        }
        DataType::Map(..) => {
            let maps = array.as_map();
            all.map(|at| if present(at) { entries(&maps.value(at)) } else { Ok(Cell::Null) })
                .collect::<Result<_, _>>()?
        }
        _ => {
            let options = FormatOptions::default();
            let formatter = ArrayFormatter::try_new(array.as_ref(), &options)?;
            let text = |at: usize| formatter.value(at).try_to_string().map(Cell::Other);
            all.map(|at| if present(at) { text(at) } else { Ok(Cell::Null) }).collect::<Result<_, _>>()?
        }
    };
    Ok(cells)
}

/// As many digits as a decimal can have.
const MOST_DIGITS: u8 = 76;

fn scale(kind: &DataType) -> i8 {
    match kind {
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => *scale,
        _ => 0,
    }
}

fn float(value: f64) -> Cell {
    let one_of_its_kind = if value.is_nan() { f64::NAN } else { value + 0.0 };
    Cell::Float(one_of_its_kind.to_bits())
}

fn list(is_present: bool, items: impl FnOnce() -> ArrayRef) -> Result<Cell, ArrowError> {
    if is_present { cells(&items()).map(Cell::List) } else { Ok(Cell::Null) }
}

fn entries(entries: &arrow::array::StructArray) -> Result<Cell, ArrowError> {
    let [keys, values] = entries.columns() else { return Ok(Cell::Null) };
    let mut entries: Vec<(Cell, Cell)> = cells(keys)?.into_iter().zip(cells(values)?).collect();
    entries.sort_unstable();
    Ok(Cell::Map(entries))
}
