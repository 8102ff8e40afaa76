//! Values that a spec's parameters are given from outside of it, by their labels.
//!
//! A given value is what the spec would say in the place of its own: it has the type that the parameter has there, and it is
//! part of the spec's hash.

use serde_json::Value;

use super::ParameterValue;
use crate::diag::{Diagnostic, SpecPath, codes};
use crate::spec::Spec;
use crate::stage::Stage;

/// A value for the parameter of this label.
#[derive(Clone, Debug, PartialEq)]
pub struct GivenParameter {
    /// The label of the parameter in the spec.
    pub label: String,
    /// The value.
    pub value: GivenValue,
}

/// A value from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum GivenValue {
    /// A text, as command lines have them, which is read as a value of the parameter's type.
    Text(String),
    /// A value with a type of its own, of a file: NULL, a truth value, a number or a text.
    Typed(Value),
}

impl Spec {
    /// Puts given values in the place of the spec's own. Of those that cannot be, the finding says why.
    pub fn give(&mut self, given: &[GivenParameter]) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        for (index, GivenParameter { label, value }) in given.iter().enumerate() {
            let mut report = |at: SpecPath, message: String| {
                let found = Diagnostic::new(codes::GIVEN_PARAMETER, message).at(at).in_stage(Stage::Load);
                findings.push(found.about("parameter", label).found(label));
            };
            let root = SpecPath::root().field("typed_parameters");
            if given.iter().take(index).any(|earlier| earlier.label == *label) {
                report(root, format!("the parameter `{label}` is given two values"));
                continue;
            }
            let mut all = self.typed_parameters.iter_mut().enumerate();
            let Some((place, parameter)) = all.find(|(_, it)| it.label.as_deref() == Some(label)) else {
                report(root, format!("a value is given for `{label}`, and no parameter has this label"));
                let labels = self.typed_parameters.iter().filter_map(|parameter| parameter.label.clone());
                let labels: Vec<String> = labels.collect();
                if let Some(last) = findings.pop() {
                    findings.push(last.allowed(labels).suggest_nearest());
                }
                continue;
            };
            let place = root.index(place);
            if let Some((other, _)) = all.find(|(_, it)| it.label.as_deref() == Some(label)) {
                let at = SpecPath::root().field("typed_parameters").index(other).field("label");
                report(at, format!("a value is given for `{label}`, and two parameters have this label"));
                continue;
            }
            match parameter.value.given(value) {
                Ok(value) => parameter.value = value,
                Err(reason) => {
                    report(place.field("value"), format!("the value that is given for `{label}` {reason}"));
                }
            }
        }
        findings
    }
}

impl ParameterValue {
    /// The given value, in the type of this one.
    fn given(&self, value: &GivenValue) -> Result<Self, String> {
        let name = self.type_name().to_ascii_lowercase();
        let is_null = matches!(value, GivenValue::Typed(Value::Null));
        if is_null {
            let data_type = match self {
                Self::Null { data_type } => data_type.clone(),
                Self::Utf8(_)
                | Self::Int64(_)
                | Self::Float64(_)
                | Self::Boolean(_)
                | Self::Date(_)
                | Self::Timestamp(_) => name,
            };
            return Ok(Self::Null { data_type });
        }
        let wrong = |what: &str| Err(format!("is {}, and its type is {what}", said(value)));
        let text = match value {
            GivenValue::Text(text) | GivenValue::Typed(Value::String(text)) => Some(text),
            GivenValue::Typed(_) => None,
        };
        // Only a command line writes numbers and truth values as texts.
        let parsed = match value {
            GivenValue::Text(text) => serde_json::from_str::<Value>(text).unwrap_or_default(),
            GivenValue::Typed(value) => value.clone(),
        };
        match name.as_str() {
            "utf8" | "string" => text.map_or_else(|| wrong("Utf8"), |text| Ok(Self::Utf8(text.clone()))),
            "date" | "date32" => text.map_or_else(|| wrong("Date"), |text| Ok(Self::Date(text.clone()))),
            "timestamp" => text.map_or_else(|| wrong("Timestamp"), |text| Ok(Self::Timestamp(text.clone()))),
            "int64" | "long" => {
                parsed.as_i64().map_or_else(|| wrong("Int64"), |value| Ok(Self::Int64(value)))
            }
            "float64" | "double" => match parsed.as_f64().filter(|value| value.is_finite()) {
                Some(value) => Ok(Self::Float64(value)),
                None => wrong("Float64"),
            },
            "boolean" | "bool" => {
                parsed.as_bool().map_or_else(|| wrong("Boolean"), |value| Ok(Self::Boolean(value)))
            }
            other => Err(format!(
                "has no type: the spec says NULL of `{other}`, of which there are no other values"
            )),
        }
    }

    /// The type of the value; of a NULL, the name by which the spec calls its type.
    fn type_name(&self) -> &str {
        match self {
            Self::Utf8(_) => "utf8",
            Self::Int64(_) => "int64",
            Self::Float64(_) => "float64",
            Self::Boolean(_) => "boolean",
            Self::Date(_) => "date32",
            Self::Timestamp(_) => "timestamp",
            Self::Null { data_type } => data_type,
        }
    }
}

fn said(value: &GivenValue) -> String {
    match value {
        GivenValue::Text(text) => format!("`{text}`"),
        GivenValue::Typed(value) => match value {
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "a map".to_owned(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => format!("`{value}`"),
        },
    }
}
