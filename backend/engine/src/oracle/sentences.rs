//! What DataFusion's errors mean.
//!
//! Many of them are sentences without a type. Here, and nowhere else, they are taken apart; a test of the engine pins
//! the wording of each, so that a new version of DataFusion shows what it says differently.

#![expect(clippy::wildcard_enum_match_arm, reason = "errors and signatures of which few are meant")]

use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Signature, TypeSignature};
use datafusion::sql::sqlparser::tokenizer::Span;
use ir::oracle::TypeErrorKind;

use crate::emit::{CallClause, Misplaced, UnknownRelation};
use crate::error::NotComputed;
use crate::error::{message_of, root_of};
use crate::session::Session;

/// The kind of an error, and its place if the error tells it.
pub(super) fn meaning(error: &DataFusionError, session: &Session) -> (TypeErrorKind, Option<Span>) {
    match root_of(error) {
        DataFusionError::SchemaError(schema_error, _) => (of_schema(schema_error, error), None),
        DataFusionError::External(inner) => {
            if let Some(UnknownRelation(name)) = inner.downcast_ref() {
                return (TypeErrorKind::UnknownRelation { name: name.clone() }, None);
            }
            if let Some(refused) = inner.downcast_ref::<NotComputed>() {
                return (TypeErrorKind::NotComputed(refused.to_string()), None);
            }
            if let Some(clause) = inner.downcast_ref::<CallClause>() {
                let (message, help) = (clause.message.clone(), clause.help.to_owned());
                return (TypeErrorKind::Clause { message, help }, Some(clause.span));
            }
            match inner.downcast_ref() {
                Some(misplaced @ Misplaced::Call(_)) => {
                    (TypeErrorKind::Misplaced(misplaced.to_string()), None)
                }
                Some(misplaced @ Misplaced::NotAWindow(_)) => {
                    (TypeErrorKind::NotAWindow(misplaced.to_string()), None)
                }
                None => (TypeErrorKind::Other(message_of(error)), None),
            }
        }
        _ => (of_sentence(&message_of(error), session), None),
    }
}

fn of_schema(schema_error: &SchemaError, error: &DataFusionError) -> TypeErrorKind {
    match schema_error {
        SchemaError::FieldNotFound { field, valid_fields } => TypeErrorKind::UnknownColumn {
            name: misplaced_name(field, valid_fields),
            candidates: valid_fields.iter().map(|column| column.name.clone()).collect(),
        },
        SchemaError::AmbiguousReference { field } => {
            TypeErrorKind::AmbiguousColumn { name: field.name.clone() }
        }
        SchemaError::DuplicateQualifiedField { .. } | SchemaError::DuplicateUnqualifiedField { .. } => {
            TypeErrorKind::Other(message_of(error))
        }
    }
}

/// The name of a column that is not there: with its relation, where that is what is not there.
fn misplaced_name(field: &Column, valid_fields: &[Column]) -> String {
    match &field.relation {
        Some(relation) if valid_fields.iter().any(|valid| valid.name == field.name) => {
            format!("{relation}.{}", field.name)
        }
        _ => field.name.clone(),
    }
}

/// What a sentence means.
fn of_sentence(text: &str, session: &Session) -> TypeErrorKind {
    if let Some(name) = unknown_function(text) {
        return TypeErrorKind::UnknownFunction { name: name.to_owned(), candidates: Vec::new() };
    }
    if let Some((function, given, reason)) = wrong_arguments(text) {
        let forms = forms(session, &function);
        return TypeErrorKind::WrongArguments { function, given, reason, forms };
    }
    TypeErrorKind::Other(types(text))
}

/// `Invalid function 'x'.`
fn unknown_function(text: &str) -> Option<&str> {
    let rest =
        text.strip_prefix("Invalid function '").and_then(|rest| rest.split_once('\'').map(|(name, _)| name));
    rest.or_else(|| text.strip_prefix("There is no window function named "))
}

/// A function, the types it was given, and what it says about them.
type WrongArguments = (String, Option<String>, Option<String>);

/// How DataFusion says that no form of a function takes these arguments.
fn wrong_arguments(text: &str) -> Option<WrongArguments> {
    let quoted = |text: &str| text.split_once('\'').map(|(name, rest)| (name.to_owned(), rest.to_owned()));
    // `Failed to coerce arguments to satisfy a call to 'left' function: coercion from A, B to the signature S failed`
    if let Some((_, rest)) = text.split_once("to satisfy a call to '") {
        let (function, rest) = quoted(rest)?;
        let given =
            rest.split_once("coercion from ").and_then(|(_, rest)| rest.split_once(" to the signature"));
        return Some((function, given.map(|(given, _)| types(given)), None));
    }
    // `'upper' does not support zero arguments`, also with `Function 'upper' has signature S which ...` before it
    if text.contains(" does not support zero arguments") {
        let (_, rest) = text.split_once('\'')?;
        return Some((quoted(rest)?.0, Some(String::new()), None));
    }
    // `Function 'sum' failed to match any signature, errors: E1,E2`, each with `but received T (DataType: D)`
    if let Some((before, errors)) = text.split_once("' failed to match any signature") {
        let function = before.rsplit_once('\'')?.1.to_owned();
        let given = errors.split_once("(DataType: ").and_then(|(_, rest)| rest.split_once(')'));
        return Some((function, given.map(|(given, _)| types(given)), None));
    }
    // `Function 'f' user-defined coercion failed with: E`, where E is what the function itself says
    if let Some((before, reason)) = text.split_once("' user-defined coercion failed with: ") {
        let function = before.rsplit_once('\'')?.1.to_owned();
        return Some((function, None, Some(types(reason))));
    }
    // `Function 'f' expects 2 arguments but received 3`
    let (before, reason) = text.split_once("' expects ")?;
    let function = before.strip_prefix("Function '")?.to_owned();
    Some((function, None, Some(format!("it expects {}", reason.trim_end_matches('.')))))
}

/// Types without the differences that no SQL shows.
fn types(given: &str) -> String {
    given.replace("Utf8View", "Utf8").replace("LargeUtf8", "Utf8").replace("BinaryView", "Binary")
}

/// The arguments a function takes, a text for each form.
fn forms(session: &Session, function: &str) -> Vec<String> {
    let state = session.state();
    let scalar = state.scalar_functions().get(function).map(|function| function.signature());
    let aggregate = || state.aggregate_functions().get(function).map(|function| function.signature());
    let window = || state.window_functions().get(function).map(|function| function.signature());
    let Some(signature) = scalar.or_else(aggregate).or_else(window) else { return Vec::new() };
    let mut forms: Vec<String> =
        shown(signature).into_iter().map(|form| format!("{function}({form})")).collect();
    let mut seen = std::collections::BTreeSet::new();
    forms.retain(|form| seen.insert(form.clone()));
    forms
}

fn shown(signature: &Signature) -> Vec<String> {
    fn one(signature: &TypeSignature, forms: &mut Vec<String>) {
        match signature {
            TypeSignature::Nullary => forms.push(String::new()),
            TypeSignature::OneOf(several) => several.iter().for_each(|signature| one(signature, forms)),
            TypeSignature::String(count) => forms.push(vec!["Utf8"; *count].join(", ")),
            TypeSignature::Numeric(count) => forms.push(vec!["number"; *count].join(", ")),
            TypeSignature::Comparable(count) => forms.push(vec!["value"; *count].join(", ")),
            TypeSignature::UserDefined => {}
            other => forms.extend(other.to_string_repr().iter().map(|form| types(form))),
        }
    }
    let mut forms = Vec::new();
    one(&signature.type_signature, &mut forms);
    forms
}
