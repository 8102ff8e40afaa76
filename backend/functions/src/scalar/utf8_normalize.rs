//! `utf8_normalize`: one spelling for texts that people read as the same.

use std::borrow::Cow;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use arrow::array::StringBuilder;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result, ScalarValue, plan_datafusion_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use unicode_normalization::UnicodeNormalization;

use super::text_column::{coerce_text, is_plain_text, map_text};
use crate::document;

/// `utf8_normalize(value[, form[, casefold[, collapse_ws]]]) -> Utf8`: the text in a Unicode normal form (UAX
/// #15), optionally case-folded (full case folding, Unicode chapter 3.13, language-neutral) and with every run
/// of white space replaced by one space; white space at both ends is always removed. A text with nothing left
/// becomes NULL. The result is a fixed point: normalising it again changes nothing.
///
/// The options are literals; their defaults are `'NFKC'`, true and true.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Utf8Normalize {
    signature: Signature,
}

impl Utf8Normalize {
    /// The function.
    #[must_use]
    pub fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl Default for Utf8Normalize {
    fn default() -> Self {
        Self::new()
    }
}

static PAGE: LazyLock<Documentation> = LazyLock::new(|| {
    document::page(
        "The text in a Unicode normal form, by default also case-folded and with runs of white space collapsed \
         to one space. Ends are trimmed; a text with nothing left becomes NULL.",
        "utf8_normalize(value[, form[, casefold[, collapse_ws]]])",
        &[
            ("value", "Text."),
            ("form", "Literal 'NFC', 'NFD', 'NFKC' (the default) or 'NFKD', in any case."),
            ("casefold", "Literal; whether to apply full Unicode case folding, true by default."),
            ("collapse_ws", "Literal; whether to replace runs of white space by one space, true by default."),
        ],
        "SELECT utf8_normalize('  Straße  10 '); -- strasse 10",
    )
});

impl ScalarUDFImpl for Utf8Normalize {
    fn name(&self) -> &str {
        "utf8_normalize"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    /// Also reads the options, so that a wrong one is an error of the plan and not of the run.
    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        Options::try_new(args.scalar_arguments.get(1..).unwrap_or_default())?;
        Ok(Arc::new(Field::new(self.name(), DataType::Utf8, true)))
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [value, options @ ..] = arg_types else {
            return plan_err!("utf8_normalize takes 1 to 4 arguments, found none");
        };
        if options.len() > 3 {
            return plan_err!("utf8_normalize takes 1 to 4 arguments, found {}", arg_types.len());
        }
        let mut types = vec![coerce_text(self.name(), "value", value)?];
        for (found, name) in options.iter().zip(["form", "casefold", "collapse_ws"]) {
            let fits = if name == "form" { is_plain_text(found) } else { *found == DataType::Boolean };
            if !fits {
                return plan_err!("utf8_normalize: option '{name}' has type {found}; see its documentation");
            }
            types.push(found.clone());
        }
        Ok(types)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value, options @ ..] = args.args.as_slice() else {
            return plan_err!("utf8_normalize takes 1 to 4 arguments, found none");
        };
        let literals: Vec<_> = options
            .iter()
            .map(|option| match option {
                ColumnarValue::Scalar(literal) => Some(literal),
                ColumnarValue::Array(_) => None,
            })
            .collect();
        let options = Options::try_new(&literals)?;
        map_text(value, |column| {
            let mut result = StringBuilder::new();
            for text in column.iter() {
                result.append_option(text.and_then(|text| options.normalize(text)));
            }
            Ok(Arc::new(result.finish()))
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&PAGE)
    }
}

/// A Unicode normalisation form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Nfc,
    Nfd,
    Nfkc,
    Nfkd,
}

impl FromStr for Form {
    type Err = DataFusionError;

    fn from_str(name: &str) -> Result<Self> {
        match name.to_ascii_uppercase().as_str() {
            "NFC" => Ok(Self::Nfc),
            "NFD" => Ok(Self::Nfd),
            "NFKC" => Ok(Self::Nfkc),
            "NFKD" => Ok(Self::Nfkd),
            _ => plan_err!("utf8_normalize: unknown form '{name}'; use NFC, NFD, NFKC or NFKD"),
        }
    }
}

impl Form {
    fn apply(self, text: &str) -> String {
        match self {
            Self::Nfc => text.nfc().collect(),
            Self::Nfd => text.nfd().collect(),
            Self::Nfkc => text.nfkc().collect(),
            Self::Nfkd => text.nfkd().collect(),
        }
    }
}

/// What to do to every text.
struct Options {
    form: Form,
    casefold: bool,
    collapse_white_space: bool,
}

impl Options {
    /// Reads the literals after the value; `None` stands for an argument that is not a literal.
    fn try_new(literals: &[Option<&ScalarValue>]) -> Result<Self> {
        let literal = |position: usize, name: &str| match literals.get(position) {
            None => Ok(None),
            Some(Some(literal)) if !literal.is_null() => Ok(Some(*literal)),
            Some(_) => plan_err!("utf8_normalize: option '{name}' must be a literal and not NULL"),
        };
        let flag = |position: usize, name: &str| match literal(position, name)? {
            None => Ok(true),
            Some(ScalarValue::Boolean(Some(flag))) => Ok(*flag),
            Some(other) => plan_err!("utf8_normalize: option '{name}' must be true or false, found {other}"),
        };
        let form = match literal(0, "form")? {
            None => Form::Nfkc,
            Some(text) => text
                .try_as_str()
                .flatten()
                .ok_or_else(|| plan_datafusion_err!("utf8_normalize: option 'form' must be text"))?
                .parse()?,
        };
        Ok(Self { form, casefold: flag(1, "casefold")?, collapse_white_space: flag(2, "collapse_ws")? })
    }

    fn normalize(&self, text: &str) -> Option<String> {
        let text = self.spell(text);
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return None;
        }
        if !self.collapse_white_space {
            return Some(trimmed.to_owned());
        }
        let mut words = trimmed.split_whitespace();
        let mut result = String::with_capacity(trimmed.len());
        result.extend(words.next());
        for word in words {
            result.push(' ');
            result.push_str(word);
        }
        Some(result)
    }

    /// The text in the chosen form and case. Folding can undo the form and a compatibility form can bring
    /// capital letters back, so both are repeated until nothing changes (two rounds for almost every text).
    fn spell<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if text.is_ascii() {
            return if self.casefold { Cow::Owned(text.to_ascii_lowercase()) } else { Cow::Borrowed(text) };
        }
        let mut spelled = self.form.apply(text);
        if !self.casefold {
            return Cow::Owned(spelled);
        }
        loop {
            let next = self.form.apply(&caseless::default_case_fold_str(&spelled));
            if next == spelled {
                return Cow::Owned(spelled);
            }
            spelled = next;
        }
    }
}
