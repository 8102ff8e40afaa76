//! Byte spans as structs: making, measuring and comparing them.
//!
//! A span is a struct with integer fields `bstart` and `bend` and, optionally, a boolean `end_exclusive` (true
//! when missing). With `end_exclusive = false` the end is the last position inside, so it is moved up by one
//! before anything is computed: every comparison is half-open. A span whose end lies before its start is
//! *inverted*: it contains nothing, lies in nothing and overlaps nothing.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, StructArray};
use arrow::buffer::NullBuffer;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_err, internal_err, plan_err};
use datafusion::functions::core::get_field;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature,
    StructFieldMapping, Volatility,
};

use super::text_column::coerce_text;
use crate::document;

/// The fields of `span_make`, in order, with the types they have.
const FIELDS: [(&str, DataType); 5] = [
    ("bstart", DataType::Int64),
    ("bend", DataType::Int64),
    ("line_base", DataType::Int32),
    ("col_unit", DataType::Utf8),
    ("end_exclusive", DataType::Boolean),
];

/// `span_make(bstart, bend[, line_base[, col_unit[, end_exclusive]]])` -> struct of those five fields. The
/// defaults are 0, `'byte'` and true. NULL arguments become NULL fields; the struct itself is never NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct SpanMake {
    signature: Signature,
}

impl SpanMake {
    /// The function.
    #[must_use]
    pub fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl Default for SpanMake {
    fn default() -> Self {
        Self::new()
    }
}

static MAKE_PAGE: LazyLock<Documentation> = LazyLock::new(|| {
    document::page(
        "A span as a struct {bstart, bend, line_base, col_unit, end_exclusive}. NULL arguments become NULL \
         fields; the struct itself is never NULL.",
        "span_make(bstart, bend[, line_base[, col_unit[, end_exclusive]]])",
        &[
            ("bstart", "First position, an integer."),
            ("bend", "Position after the last one, an integer."),
            ("line_base", "Number of the first line, 0 by default. Kept, not interpreted."),
            ("col_unit", "Unit of the positions, 'byte' by default. Kept, not interpreted."),
            ("end_exclusive", "False when bend is itself the last position inside; true by default."),
        ],
        "SELECT span_len(span_make(3, 10)); -- 7",
    )
});

impl ScalarUDFImpl for SpanMake {
    fn name(&self) -> &str {
        "span_make"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        internal_err!("span_make answers through return_field_from_args")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let fields: Fields = FIELDS
            .into_iter()
            .enumerate()
            .map(|(position, (name, data_type))| {
                let nullable = args.arg_fields.get(position).is_some_and(|field| field.is_nullable());
                Field::new(name, data_type, nullable)
            })
            .collect();
        Ok(Arc::new(Field::new(self.name(), DataType::Struct(fields), false)))
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        if !(2..=FIELDS.len()).contains(&arg_types.len()) {
            return plan_err!("span_make takes 2 to 5 arguments, found {}", arg_types.len());
        }
        arg_types
            .iter()
            .zip(FIELDS)
            .map(|(found, (name, wanted))| {
                let fits = match &wanted {
                    DataType::Boolean => *found == DataType::Boolean,
                    DataType::Utf8 => coerce_text(self.name(), name, found).is_ok(),
                    _ => found.is_integer(),
                };
                if fits || found.is_null() {
                    return Ok(wanted);
                }
                plan_err!("span_make: argument '{name}' must be {wanted}, found {found}")
            })
            .collect()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let DataType::Struct(fields) = args.return_field.data_type() else {
            return internal_err!("span_make must return a struct");
        };
        let defaults = [
            ScalarValue::Int64(None),
            ScalarValue::Int64(None),
            ScalarValue::Int32(Some(0)),
            ScalarValue::from("byte"),
            ScalarValue::Boolean(Some(true)),
        ];
        let columns = defaults
            .into_iter()
            .enumerate()
            .map(|(position, default)| match args.args.get(position) {
                Some(given) => given.to_array(args.number_rows),
                None => default.to_array_of_size(args.number_rows),
            })
            .collect::<Result<Vec<_>>>()?;
        let spans = StructArray::try_new(fields.clone(), columns, None)?;
        Ok(ColumnarValue::Array(Arc::new(spans)))
    }

    fn struct_field_mapping(&self, literal_args: &[Option<ScalarValue>]) -> Option<StructFieldMapping> {
        let fields = FIELDS
            .into_iter()
            .take(literal_args.len())
            .enumerate()
            .map(|(position, (name, _))| (vec![ScalarValue::from(name)], position))
            .collect();
        Some(StructFieldMapping { field_accessor: get_field(), fields })
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&MAKE_PAGE)
    }
}

/// `span_len(span) -> Int64`: the number of positions inside; negative for an inverted span; NULL when the span
/// or one of its bounds is NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct SpanLen {
    signature: Signature,
}

impl SpanLen {
    /// The function.
    #[must_use]
    pub fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl Default for SpanLen {
    fn default() -> Self {
        Self::new()
    }
}

static LEN_PAGE: LazyLock<Documentation> = LazyLock::new(|| {
    document::page(
        "The number of positions inside a span; negative when its end lies before its start.",
        "span_len(span)",
        &[("span", "Struct with integer fields bstart and bend, as span_make makes it.")],
        "SELECT span_len(span_make(3, 10)); -- 7",
    )
});

impl ScalarUDFImpl for SpanLen {
    fn name(&self) -> &str {
        "span_len"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        coerce_spans(self.name(), arg_types, 1)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [span] = args.args.as_slice() else {
            return plan_err!("span_len takes 1 span, found {}", args.args.len());
        };
        let span = Bounds::try_new(span, args.number_rows)?;
        let length = arrow::compute::kernels::numeric::sub(&span.end, &span.start)?;
        Ok(ColumnarValue::Array(length))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&LEN_PAGE)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Relation {
    Contains,
    Overlaps,
}

/// `span_contains(outer, inner) -> Boolean` and `span_overlaps(a, b) -> Boolean`. `contains` holds when
/// `outer.bstart <= inner.bstart` and `inner.bend <= outer.bend`; equal spans contain each other. `overlaps`
/// holds when `a.bstart < b.bend` and `b.bstart < a.bend`, so touching spans do not overlap and an empty span
/// overlaps only what it lies strictly inside. NULL when a bound is NULL; false when a span is inverted.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct SpanPredicate {
    relation: Relation,
    signature: Signature,
}

impl SpanPredicate {
    /// `span_contains`.
    #[must_use]
    pub fn contains() -> Self {
        Self { relation: Relation::Contains, signature: Signature::user_defined(Volatility::Immutable) }
    }

    /// `span_overlaps`.
    #[must_use]
    pub fn overlaps() -> Self {
        Self { relation: Relation::Overlaps, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

static CONTAINS_PAGE: LazyLock<Documentation> = LazyLock::new(|| {
    document::page(
        "Whether the first span contains the second: outer.bstart <= inner.bstart and inner.bend <= outer.bend. \
         Equal spans contain each other; inverted spans never match; NULL when a bound is NULL.",
        "span_contains(outer, inner)",
        &[("outer", "Struct with bstart and bend."), ("inner", "Struct with bstart and bend.")],
        "SELECT span_contains(span_make(0, 9), span_make(3, 9)); -- true",
    )
});

static OVERLAPS_PAGE: LazyLock<Documentation> = LazyLock::new(|| {
    document::page(
        "Whether two spans share a position: a.bstart < b.bend and b.bstart < a.bend. Touching spans do not \
         overlap; inverted spans never match; NULL when a bound is NULL.",
        "span_overlaps(a, b)",
        &[("a", "Struct with bstart and bend."), ("b", "Struct with bstart and bend.")],
        "SELECT span_overlaps(span_make(0, 5), span_make(5, 9)); -- false",
    )
});

impl ScalarUDFImpl for SpanPredicate {
    fn name(&self) -> &str {
        match self.relation {
            Relation::Contains => "span_contains",
            Relation::Overlaps => "span_overlaps",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        coerce_spans(self.name(), arg_types, 2)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [first, second] = args.args.as_slice() else {
            return plan_err!("{} takes 2 spans, found {}", self.name(), args.args.len());
        };
        let first = Bounds::try_new(first, args.number_rows)?;
        let second = Bounds::try_new(second, args.number_rows)?;
        let holds = |a: (i64, i64), b: (i64, i64)| {
            a.0 <= a.1
                && b.0 <= b.1
                && match self.relation {
                    Relation::Contains => a.0 <= b.0 && b.1 <= a.1,
                    Relation::Overlaps => a.0 < b.1 && b.0 < a.1,
                }
        };
        let result: BooleanArray =
            first.iter().zip(second.iter()).map(|(a, b)| Some(holds(a?, b?))).collect();
        Ok(ColumnarValue::Array(Arc::new(result)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(match self.relation {
            Relation::Contains => &CONTAINS_PAGE,
            Relation::Overlaps => &OVERLAPS_PAGE,
        })
    }
}

/// Checks that all arguments are span structs; their types stay as they are.
fn coerce_spans(function: &str, arg_types: &[DataType], wanted: usize) -> Result<Vec<DataType>> {
    if arg_types.len() != wanted {
        return plan_err!("{function} takes {wanted} spans, found {} arguments", arg_types.len());
    }
    arg_types.iter().map(|found| coerce_span(function, found)).collect()
}

fn coerce_span(function: &str, found: &DataType) -> Result<DataType> {
    let field_is = |fields: &Fields, name: &str, accepts: fn(&DataType) -> bool| {
        fields.find(name).map(|(_, field)| accepts(field.data_type()))
    };
    match found {
        DataType::Null => {
            let bounds = ["bstart", "bend"].map(|name| Field::new(name, DataType::Int64, true));
            Ok(DataType::Struct(Fields::from(bounds.to_vec())))
        }
        DataType::Struct(fields)
            if field_is(fields, "bstart", DataType::is_integer) == Some(true)
                && field_is(fields, "bend", DataType::is_integer) == Some(true)
                && field_is(fields, "end_exclusive", |t| *t == DataType::Boolean) != Some(false) =>
        {
            Ok(found.clone())
        }
        other => plan_err!(
            "{function} takes structs with integer fields bstart and bend (and optionally a boolean \
             end_exclusive), as span_make makes them; found {other}"
        ),
    }
}

/// The half-open bounds of a column of spans; NULL where the span or the bound is NULL.
struct Bounds {
    start: Int64Array,
    end: Int64Array,
}

impl Bounds {
    fn try_new(value: &ColumnarValue, rows: usize) -> Result<Self> {
        let array = value.to_array(rows)?;
        let Some(spans) = array.as_struct_opt() else {
            return internal_err!("expected a span struct, found {}", array.data_type());
        };
        let start = Self::bound(spans, "bstart")?;
        let mut end = Self::bound(spans, "bend")?;
        if let Some(exclusive) = spans.column_by_name("end_exclusive") {
            let exclusive = exclusive.as_boolean();
            if exclusive.null_count() > 0 || exclusive.true_count() < exclusive.len() {
                end = end
                    .iter()
                    .zip(exclusive)
                    .map(|(end, exclusive)| match (end, exclusive) {
                        (Some(end), Some(false)) => match end.checked_add(1) {
                            Some(end) => Ok(Some(end)),
                            None => exec_err!("a span ends at the largest 64-bit integer, inclusively"),
                        },
                        (end, Some(true)) => Ok(end),
                        (None, Some(false)) | (_, None) => Ok(None),
                    })
                    .collect::<Result<_>>()?;
            }
        }
        Ok(Self { start, end })
    }

    fn bound(spans: &StructArray, name: &str) -> Result<Int64Array> {
        let Some(column) = spans.column_by_name(name) else {
            return internal_err!("span without field {name}");
        };
        let options = CastOptions { safe: false, ..Default::default() };
        let column: ArrayRef = cast_with_options(column, &DataType::Int64, &options)?;
        let column = column.as_primitive::<Int64Type>();
        let nulls = NullBuffer::union(spans.nulls(), column.nulls());
        Ok(Int64Array::try_new(column.values().clone(), nulls)?)
    }

    /// The bounds of every row, `None` when one of them is NULL.
    fn iter(&self) -> impl Iterator<Item = Option<(i64, i64)>> + '_ {
        self.start.iter().zip(self.end.iter()).map(|(start, end)| Some((start?, end?)))
    }
}
