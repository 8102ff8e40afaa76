//! A file of values for the parameters of a spec: a map from their labels to the values, in YAML or JSON.

use serde_json::Value as Json;

use super::tree::Value;
use super::{read_tree, text_of, too_large};
use crate::diag::{Diagnostic, Findings, SourceMap, SourceName, SpecPath, codes};
use crate::spec::{GivenParameter, GivenValue};
use crate::stage::Stage;

/// What became of a file of parameters.
#[derive(Debug)]
pub struct LoadedParameters {
    /// The values, in the order of the file.
    pub given: Vec<GivenParameter>,
    /// The text, for messages.
    pub source: SourceMap,
    /// Everything found.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a file of parameters.
#[must_use]
pub fn load_parameters(bytes: &[u8], origin: SourceName) -> LoadedParameters {
    let mut findings = Findings::default();
    let text = match text_of(bytes) {
        Ok(text) => text,
        Err((readable, finding)) => {
            let source = SourceMap::new(origin, readable);
            return LoadedParameters { given: Vec::new(), source, diagnostics: vec![*finding] };
        }
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut source = SourceMap::new(origin, text);
    let mut given = Vec::new();
    if let Some(refused) = too_large("the file of parameters", bytes.len()) {
        findings.push(refused);
    } else {
        match read_tree(text, &mut findings) {
            Ok(Some(tree)) => {
                source.set_root(tree.place());
                read(&tree.value, &mut given, &mut findings);
            }
            // No parameter is given.
            Ok(None) => {}
            Err(error) => findings.push(*error),
        }
    }
    let diagnostics = findings.into_list().into_iter().map(|found| found.in_stage(Stage::Load)).collect();
    LoadedParameters { given, source, diagnostics }
}

fn read(tree: &Value, given: &mut Vec<GivenParameter>, findings: &mut Findings) {
    let Value::Map(fields) = tree else {
        let finding = Diagnostic::new(codes::NOT_A_MAP, "the document is not a map").at(SpecPath::root());
        findings.push(finding.help("write the label of each parameter with its value, such as `limit: 10`"));
        return;
    };
    for field in fields {
        let value = match &field.value.value {
            Value::Null => Json::Null,
            Value::Boolean(value) => Json::from(*value),
            Value::Integer(value) => Json::from(*value),
            Value::Float(value) => Json::from(*value),
            Value::Text(value) => Json::from(value.as_str()),
            Value::Invalid => continue,
            Value::List(_) | Value::Map(_) => {
                let message = format!("the value of `{}` is {}", field.key, field.value.value.said());
                let finding = Diagnostic::new(codes::WRONG_SHAPE, message);
                findings.push(finding.at(SpecPath::root().field(&field.key)).help("write one value"));
                continue;
            }
        };
        given.push(GivenParameter { label: field.key.clone(), value: GivenValue::Typed(value) });
    }
}
