//! What DataFusion's errors say, as a user should read it: no prefixes, no backtraces, no trees.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "errors of DataFusion of which few say more than their text"
)]

use datafusion::error::DataFusionError;

/// The error below wrappers that only add context.
pub(crate) fn root_of(error: &DataFusionError) -> &DataFusionError {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => root_of(inner),
        DataFusionError::Shared(inner) => root_of(inner),
        DataFusionError::Collection(errors) => errors.first().map_or(error, root_of),
        DataFusionError::ArrowError(arrow, _) => match arrow.as_ref() {
            arrow::error::ArrowError::ExternalError(inner) => {
                inner.downcast_ref::<DataFusionError>().map_or(error, root_of)
            }
            _ => error,
        },
        DataFusionError::External(inner) => inner.downcast_ref::<DataFusionError>().map_or(error, root_of),
        _ => error,
    }
}

/// What DataFusion puts before its sentences, once for every layer an error went through.
const PREFIXES: [&str; 12] = [
    "Error during planning: ",
    "Schema error: ",
    "Execution error: ",
    "Arrow error: ",
    "Invalid argument error: ",
    "Compute error: ",
    "Cast error: ",
    "External error: ",
    "Internal error: ",
    "This feature is not implemented: ",
    "Resources exhausted: ",
    "SQL error: ",
];

/// The message without the prefixes and backtraces DataFusion puts around it and, where one error quotes another,
/// inside it. Trees that it prints are left out.
#[must_use]
pub fn message_of(error: &DataFusionError) -> String {
    let text = root_of(error).strip_backtrace();
    let text = PREFIXES.iter().fold(text, |text, prefix| text.replace(prefix, ""));
    let before_bug = text
        .find("This issue was likely caused by a bug")
        .or_else(|| text.find("This was likely caused by a bug"));
    let text = text.get(..before_bug.unwrap_or(text.len())).unwrap_or(&text);
    if let Some(kind) = text.split_once(NO_PLAN).map(|(_, expression)| unplanned(expression)) {
        return kind.to_owned();
    }
    without_dump(text).trim().trim_end_matches(['.', '\n', ' ']).to_owned()
}

/// How the physical planner begins to say that it has no operator for an expression. Its whole tree follows.
const NO_PLAN: &str = "Physical plan does not support logical expression ";

/// The kind of an expression that has no plan, which says more than its tree.
fn unplanned(expression: &str) -> &'static str {
    match expression.split(|c: char| !c.is_alphanumeric()).next().unwrap_or("") {
        "OuterReferenceColumn" => "the engine has no plan for this use of a column of the outer query",
        "InSubquery" => "the engine has no plan for this `IN (SELECT ...)`",
        "Exists" => "the engine has no plan for this `EXISTS`",
        "ScalarSubquery" => "the engine has no plan for this subquery",
        "SetComparison" => "the engine has no plan for this comparison with `ANY` or `ALL`",
        _ => "the engine has no plan for an expression here",
    }
}

/// What a printed tree looks like, in which DataFusion's developers see what its users do not.
const DUMPS: [&str; 9] = [
    "Span(",
    "span: ",
    "Location {",
    "quote_style:",
    "Column { relation:",
    "Column(Column",
    "Field { name:",
    "Literal(",
    "Identifier(",
];

/// A sentence up to where it prints a tree.
fn without_dump(text: &str) -> String {
    let Some(dump) = DUMPS.iter().filter_map(|sign| text.find(sign)).min() else { return text.to_owned() };
    // The tree begins at the first bracket before what was found; the word in front of it says of what kind it is.
    let before = text.get(..dump).unwrap_or("");
    let words = before.find(['{', '(', '[']).and_then(|open| before.get(..open)).unwrap_or(before);
    format!("{} (part of it is not supported)", words.trim_end_matches([':', ' ', '"', '\'', '`']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_hold_no_prefixes_no_backtraces_and_no_trees() {
        let dumped = "Unsupported ast node in sqltorel: Collate { expr: Identifier(Ident { value: \"a\", quote_style: None, span: Span(Location(1,8)..Location(1,9)) }) }";
        for (error, said) in [
            (
                DataFusionError::Plan("a: Error during planning: b, Error during planning: c".to_owned()),
                "a: b, c",
            ),
            (
                DataFusionError::NotImplemented(dumped.to_owned()),
                "Unsupported ast node in sqltorel: Collate (part of it is not supported)",
            ),
            (
                DataFusionError::Internal(format!("no{}backtrace: 1: main", DataFusionError::BACK_TRACE_SEP)),
                "no",
            ),
        ] {
            assert_eq!(message_of(&error), said);
        }
    }
}
