//! `stable_hash64` and `stable_hash128`: hashes of a text that never change between versions or machines.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::text_column::{coerce_text, map_text};
use crate::document;

/// The two widths of a stable hash or identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Width {
    /// 63 bits in a non-negative `Int64`.
    Narrow,
    /// 128 bits as text.
    Wide,
}

impl Width {
    pub(crate) fn data_type(self) -> DataType {
        match self {
            Self::Narrow => DataType::Int64,
            Self::Wide => DataType::Utf8,
        }
    }
}

/// `stable_hash64(text) -> Int64` and `stable_hash128(text) -> Utf8` (32 hexadecimal digits): BLAKE2b over the
/// UTF-8 bytes, defined by [`ir::hash::stable_hash64`] and [`ir::hash::stable_hash128`]. NULL gives NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct StableHash {
    width: Width,
    signature: Signature,
}

impl StableHash {
    /// `stable_hash64`.
    #[must_use]
    pub fn narrow() -> Self {
        Self::new(Width::Narrow)
    }

    /// `stable_hash128`.
    #[must_use]
    pub fn wide() -> Self {
        Self::new(Width::Wide)
    }

    fn new(width: Width) -> Self {
        Self { width, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

static NARROW_PAGE: LazyLock<Documentation> = LazyLock::new(|| {
    document::page(
        "Hash of a text: BLAKE2b with an 8-byte digest over the UTF-8 bytes, read big-endian, top bit cleared. \
         The same on every machine and in every version. NULL gives NULL.",
        "stable_hash64(text)",
        &[(
            "text",
            "Text of any string type. Other types must be cast, because their spelling would decide.",
        )],
        "SELECT stable_hash64('alpha'); -- 5982700193828047002",
    )
});

static WIDE_PAGE: LazyLock<Documentation> = LazyLock::new(|| {
    document::page(
        "Hash of a text: BLAKE2b with a 16-byte digest over the UTF-8 bytes, as 32 lower-case hexadecimal \
         digits. The same on every machine and in every version. NULL gives NULL.",
        "stable_hash128(text)",
        &[(
            "text",
            "Text of any string type. Other types must be cast, because their spelling would decide.",
        )],
        "SELECT stable_hash128('hello'); -- 46fb7408d4f285228f4af516ea25851b",
    )
});

impl ScalarUDFImpl for StableHash {
    fn name(&self) -> &str {
        match self.width {
            Width::Narrow => "stable_hash64",
            Width::Wide => "stable_hash128",
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
        match arg_types {
            [text] => Ok(vec![coerce_text(self.name(), "text", text)?]),
            other => plan_err!("{} takes 1 argument, found {}", self.name(), other.len()),
        }
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [text] = args.args.as_slice() else {
            return plan_err!("{} takes 1 argument, found {}", self.name(), args.args.len());
        };
        map_text(text, |column| {
            Ok(match self.width {
                Width::Narrow => Arc::new(
                    column
                        .iter()
                        .map(|text| text.map(|text| ir::hash::stable_hash64(text.as_bytes())))
                        .collect::<Int64Array>(),
                ) as ArrayRef,
                Width::Wide => Arc::new(
                    column
                        .iter()
                        .map(|text| text.map(|text| ir::hash::stable_hash128(text.as_bytes())))
                        .collect::<StringArray>(),
                ),
            })
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(match self.width {
            Width::Narrow => &NARROW_PAGE,
            Width::Wide => &WIDE_PAGE,
        })
    }
}

/// The result field of a function that gives NULL exactly when an argument is NULL.
pub(crate) fn strict_field(name: &str, data_type: DataType, args: &ReturnFieldArgs) -> FieldRef {
    let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
    Arc::new(Field::new(name, data_type, nullable))
}
