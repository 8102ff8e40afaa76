//! Reading text columns without caring which of Arrow's string layouts holds them.

use arrow::array::{Array, ArrayRef, AsArray, LargeStringArray, StringArray, StringViewArray};
use arrow::compute::take;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, internal_err, plan_err};
use datafusion::logical_expr::ColumnarValue;

/// A borrowed column of text in any of Arrow's three plain string layouts.
pub(crate) enum TextColumn<'a> {
    /// 32-bit offsets.
    Utf8(&'a StringArray),
    /// 64-bit offsets.
    Large(&'a LargeStringArray),
    /// Views.
    View(&'a StringViewArray),
}

impl<'a> TextColumn<'a> {
    /// Borrows `array`, which must have a plain string type (dictionaries are handled by [`map_text`]).
    pub(crate) fn try_new(array: &'a dyn Array) -> Result<Self> {
        if let Some(array) = array.as_string_opt::<i32>() {
            Ok(Self::Utf8(array))
        } else if let Some(array) = array.as_string_opt::<i64>() {
            Ok(Self::Large(array))
        } else if let Some(array) = array.as_string_view_opt() {
            Ok(Self::View(array))
        } else {
            internal_err!("expected a text column, found {}", array.data_type())
        }
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Utf8(array) => array.len(),
            Self::Large(array) => array.len(),
            Self::View(array) => array.len(),
        }
    }

    /// The text of a row, or `None` for NULL. `row` must be below [`Self::len`].
    pub(crate) fn get(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Utf8(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Large(array) => array.is_valid(row).then(|| array.value(row)),
            Self::View(array) => array.is_valid(row).then(|| array.value(row)),
        }
    }

    /// All rows in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Option<&'a str>> + '_ {
        (0..self.len()).map(|row| self.get(row))
    }
}

/// Whether `data_type` is one of the plain string layouts.
pub(crate) fn is_plain_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// The type a text argument is read as: plain and dictionary-encoded text stay as they are (a dictionary is
/// computed once per distinct value), an untyped NULL becomes text.
///
/// # Errors
/// Any other type: text is never made implicitly from numbers, because the spelling would decide the result.
pub(crate) fn coerce_text(function: &str, argument: &str, found: &DataType) -> Result<DataType> {
    match found {
        DataType::Null => Ok(DataType::Utf8),
        DataType::Dictionary(_, values) if is_plain_text(values) => Ok(found.clone()),
        plain if is_plain_text(plain) => Ok(plain.clone()),
        other => plan_err!(
            "{function}: argument '{argument}' must be text, found {other}; write CAST(... AS VARCHAR)"
        ),
    }
}

/// Applies a function of a text column to an argument: once for a literal, once per distinct value for a
/// dictionary, otherwise to the whole column.
pub(crate) fn map_text(
    argument: &ColumnarValue,
    function: impl Fn(&TextColumn<'_>) -> Result<ArrayRef>,
) -> Result<ColumnarValue> {
    match argument {
        ColumnarValue::Scalar(scalar) => {
            let array = scalar.to_array()?;
            let result = map_text_array(&array, function)?;
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?))
        }
        ColumnarValue::Array(array) => Ok(ColumnarValue::Array(map_text_array(array, function)?)),
    }
}

fn map_text_array(
    array: &ArrayRef,
    function: impl Fn(&TextColumn<'_>) -> Result<ArrayRef>,
) -> Result<ArrayRef> {
    match array.as_any_dictionary_opt() {
        Some(dictionary) => {
            let values = function(&TextColumn::try_new(dictionary.values().as_ref())?)?;
            Ok(take(&values, dictionary.keys(), None)?)
        }
        None => function(&TextColumn::try_new(array.as_ref())?),
    }
}
