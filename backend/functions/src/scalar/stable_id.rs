//! `stable_id64` and `stable_id128`: the identifier of a row from a kind and the values that identify it.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Int64Builder, StringBuilder};
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::canonical::{CanonicalColumn, coerce_part};
use super::stable_hash::{Width, strict_field};
use super::text_column::coerce_text;
use crate::document;

/// `stable_id64(kind, part, ...) -> Int64` and `stable_id128(kind, part, ...) -> Utf8` (`kind:` and 32
/// hexadecimal digits). Both hash the length-safe encoding of the kind and of every part's canonical text, so
/// that neither `('a', 'bc')` and `('ab', 'c')` nor `('a', '1')` and `('a1')` share an identifier; they equal
/// [`ir::hash::stable_id64`] and [`ir::hash::stable_id128`] over the same texts. A NULL part gives NULL: a row
/// without identity has no identifier.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct StableId {
    width: Width,
    signature: Signature,
}

impl StableId {
    /// `stable_id64`.
    #[must_use]
    pub fn narrow() -> Self {
        Self::new(Width::Narrow)
    }

    /// `stable_id128`.
    #[must_use]
    pub fn wide() -> Self {
        Self::new(Width::Wide)
    }

    fn new(width: Width) -> Self {
        Self { width, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

const ARGUMENTS: [(&str, &str); 2] = [
    ("kind", "Text that separates the identifiers of different kinds of rows."),
    (
        "part",
        "One or more values: text, integers, booleans, dates or timestamps. A NULL makes the result NULL.",
    ),
];

static NARROW_PAGE: LazyLock<Documentation> = LazyLock::new(|| {
    document::page(
        "Identifier of a row as a non-negative 63-bit integer: the stable hash of a kind and any number of \
         parts, encoded so that different lists of parts never run into each other.",
        "stable_id64(kind, part[, ...])",
        &ARGUMENTS,
        "SELECT stable_id64('function', path, bstart, bend) FROM definitions;",
    )
});

static WIDE_PAGE: LazyLock<Documentation> = LazyLock::new(|| {
    document::page(
        "Identifier of a row as text `kind:` and 32 hexadecimal digits: the stable 128-bit hash of a kind and \
         any number of parts, encoded so that different lists of parts never run into each other.",
        "stable_id128(kind, part[, ...])",
        &ARGUMENTS,
        "SELECT stable_id128('function', path, bstart, bend) FROM definitions;",
    )
});

impl ScalarUDFImpl for StableId {
    fn name(&self) -> &str {
        match self.width {
            Width::Narrow => "stable_id64",
            Width::Wide => "stable_id128",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(self.width.data_type())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(strict_field(self.name(), self.width.data_type(), &args))
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [kind, parts @ ..] = arg_types else {
            return plan_err!("{} takes a kind and at least one part", self.name());
        };
        if parts.is_empty() {
            return plan_err!("{} needs at least one part after the kind", self.name());
        }
        let mut types = vec![coerce_text(self.name(), "kind", kind)?];
        for part in parts {
            types.push(coerce_part(self.name(), part)?);
        }
        Ok(types)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let all_literal = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if all_literal { 1 } else { args.number_rows };
        let Some(parts) = Parts::try_new(&args.args)? else {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from(self.width.data_type())?));
        };
        let result = match self.width {
            Width::Narrow => parts.narrow(rows)?,
            Width::Wide => parts.wide(rows)?,
        };
        if all_literal {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(match self.width {
            Width::Narrow => &NARROW_PAGE,
            Width::Wide => &WIDE_PAGE,
        })
    }
}

/// One argument: its text when it is a literal, else its column.
enum Part {
    Literal(Vec<u8>),
    Column(CanonicalColumn),
}

/// The kind and the parts of a batch of rows. The kind is the first part.
struct Parts(Vec<Part>);

impl Parts {
    /// `None` when a literal is NULL, which makes every row NULL.
    fn try_new(args: &[ColumnarValue]) -> Result<Option<Self>> {
        let mut parts = Vec::with_capacity(args.len());
        for arg in args {
            parts.push(match arg {
                ColumnarValue::Array(array) => Part::Column(CanonicalColumn::try_new(array)?),
                ColumnarValue::Scalar(scalar) => {
                    let mut text = Vec::new();
                    if !CanonicalColumn::try_new(&scalar.to_array()?)?.write(0, &mut text)? {
                        return Ok(None);
                    }
                    Part::Literal(text)
                }
            });
        }
        Ok(Some(Self(parts)))
    }

    /// Fills `encoded` with the length-safe encoding of a row and `kind` with its first part. False when a part
    /// is NULL.
    fn encode(
        &self,
        row: usize,
        scratch: &mut Vec<u8>,
        kind: &mut Vec<u8>,
        encoded: &mut Vec<u8>,
    ) -> Result<bool> {
        encoded.clear();
        for (position, part) in self.0.iter().enumerate() {
            let text = match part {
                Part::Literal(text) => text,
                Part::Column(column) => {
                    if !column.write(row, scratch)? {
                        return Ok(false);
                    }
                    &*scratch
                }
            };
            if position == 0 {
                kind.clear();
                kind.extend_from_slice(text);
            }
            ir::hash::push_part(encoded, text);
        }
        Ok(true)
    }

    fn narrow(&self, rows: usize) -> Result<ArrayRef> {
        let (mut scratch, mut kind, mut encoded) = (Vec::new(), Vec::new(), Vec::new());
        let mut result = Int64Builder::with_capacity(rows);
        for row in 0..rows {
            let known = self.encode(row, &mut scratch, &mut kind, &mut encoded)?;
            result.append_option(known.then(|| ir::hash::stable_hash64(&encoded)));
        }
        Ok(Arc::new(result.finish()))
    }

    fn wide(&self, rows: usize) -> Result<ArrayRef> {
        let (mut scratch, mut kind, mut encoded) = (Vec::new(), Vec::new(), Vec::new());
        let mut result = StringBuilder::with_capacity(rows, rows * 48);
        for row in 0..rows {
            if self.encode(row, &mut scratch, &mut kind, &mut encoded)? {
                let kind = String::from_utf8_lossy(&kind);
                write!(result, "{kind}:{}", ir::hash::stable_hash128(&encoded))?;
                result.append_value("");
            } else {
                result.append_null();
            }
        }
        Ok(Arc::new(result.finish()))
    }
}
