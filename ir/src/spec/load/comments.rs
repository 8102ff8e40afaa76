//! SQL comments that YAML makes longer than they look.
//!
//! A comment that starts with `--` goes to the end of its line. YAML folds the lines of plain and quoted texts, and of
//! texts after `>`, into one, so such a comment swallows all that stands below it, and the query still parses. The
//! texts are therefore compared with how they were written: a comment in the text that goes over a line break of the
//! source is refused.

use sqlparser::dialect::GenericDialect;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Whitespace};

use crate::diag::{Diagnostic, Findings, SourceMap, SpecPath, TextPart, codes};
use crate::expr::bytes_of;
use crate::spec::{AggregationExpr, ComputedColumn, NamedExpr, Spec, Transform};

/// Checks every SQL text of a spec against its source.
pub(super) fn check(spec: &Spec, source: &SourceMap, findings: &mut Findings) {
    for (path, text) in sql_texts(spec) {
        // Most texts hold none; only these are taken apart.
        if text.contains("--") {
            check_text(&path, text, source, findings);
        }
    }
}

fn check_text(path: &SpecPath, text: &str, source: &SourceMap, findings: &mut Findings) {
    // What does not consist of tokens is reported when it is parsed.
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location() else { return };
    let comments = tokens
        .iter()
        .filter(|token| matches!(token.token, Token::Whitespace(Whitespace::SingleLineComment { .. })));
    for comment in comments {
        let Some(bytes) = bytes_of(text, comment.span) else { continue };
        let Some(place) = source.locate_part(path, &TextPart::new(text, bytes.clone())) else { continue };
        let written = source.text().get(place.bytes.clone()).unwrap_or("");
        let start = place.bytes.start..(place.bytes.start + 2).min(place.bytes.end);
        if written.trim_end().contains('\n') {
            let message =
                "this comment swallows the lines below it: YAML folds them into the line of the comment";
            findings.push(
                Diagnostic::new(codes::COMMENT_IN_FOLDED_TEXT, message)
                    .at(path.clone())
                    .at_bytes(start)
                    .help("write the text as a block after `|`, which keeps its lines, or write the comment as /* ... */"),
            );
        } else if !source.is_block(path) && is_hidden_rest(text, comment) {
            let message = "this comment hides the rest of the text, which is written on one line";
            findings.push(
                Diagnostic::new(codes::COMMENT_TO_THE_END, message)
                    .about("field", path.to_string())
                    .at(path.clone())
                    .at_bytes(start)
                    .help("write the comment as /* ... */ if more is meant to follow it"),
            );
        }
    }
}

/// Whether a comment ends a text of one line, in which it is easily overlooked.
fn is_hidden_rest(text: &str, comment: &TokenWithSpan) -> bool {
    let Token::Whitespace(Whitespace::SingleLineComment { comment, .. }) = &comment.token else {
        return false;
    };
    !comment.trim().is_empty() && !text.trim().contains('\n')
}

/// Every text of a spec that is SQL, with its place.
fn sql_texts(spec: &Spec) -> Vec<(SpecPath, &str)> {
    let mut texts = Vec::new();
    let views = SpecPath::root().field("view_definitions");
    for (index, view) in spec.view_definitions.iter().enumerate() {
        add_transform(&mut texts, &view.transform, &views.index(index).field("transform"));
    }
    let outputs = SpecPath::root().field("output_targets");
    for (index, output) in spec.output_targets.iter().enumerate() {
        add_columns(&mut texts, &output.columns, &outputs.index(index).field("columns"));
    }
    texts
}

fn add_transform<'s>(texts: &mut Vec<(SpecPath, &'s str)>, transform: &'s Transform, place: &SpecPath) {
    match transform {
        Transform::Sql(sql) => texts.push((place.field("query"), &sql.query)),
        Transform::Filter(filter) => texts.push((place.field("predicate"), &filter.predicate)),
        Transform::Project(project) => add_columns(texts, &project.columns, &place.field("columns")),
        Transform::Aggregate(aggregate) => {
            add_columns(texts, &aggregate.group_by, &place.field("group_by"));
            for (index, entry) in aggregate.aggregations.iter().enumerate() {
                add_aggregation(texts, entry, &place.field("aggregations").index(index));
            }
        }
        Transform::Window(window) => {
            for (index, ComputedColumn { name: _, expr }) in window.columns.iter().enumerate() {
                texts.push((place.field("columns").index(index).field("expr"), expr));
            }
        }
        // These hold names only.
        Transform::Normalize(_)
        | Transform::Relate(_)
        | Transform::Union(_)
        | Transform::Unnest(_)
        | Transform::IncrementalCdf(_)
        | Transform::Metadata(_)
        | Transform::FileManifest(_)
        | Transform::CpgEmit(_) => {}
    }
}

fn add_aggregation<'s>(texts: &mut Vec<(SpecPath, &'s str)>, entry: &'s AggregationExpr, place: &SpecPath) {
    let AggregationExpr { function: _, column: _, alias: _, arguments, distinct: _, filter, order_by } =
        entry;
    let mut add_list = |list: &'s [String], field: &str| {
        let items = list.iter().enumerate();
        texts.extend(items.map(|(index, text)| (place.field(field).index(index), text.as_str())));
    };
    add_list(arguments, "arguments");
    add_list(order_by, "order_by");
    texts.extend(filter.iter().map(|text| (place.field("filter"), text.as_str())));
}

fn add_columns<'s>(texts: &mut Vec<(SpecPath, &'s str)>, columns: &'s [NamedExpr], place: &SpecPath) {
    for (index, NamedExpr { name: _, expr }) in columns.iter().enumerate() {
        texts.extend(expr.iter().map(|text| (place.index(index).field("expr"), text.as_str())));
    }
}

#[cfg(test)]
mod tests {
    use crate::diag::{Diagnostic, codes};
    use crate::spec::load;

    /// What is found in a spec whose one view has this text.
    fn found(transform: &str) -> Vec<Diagnostic> {
        let spec = format!(
            "version: 4\ninput_relations: [{{logical_name: t, delta_location: t}}]\nview_definitions:\n  - name: v\n    transform:\n{transform}\noutput_targets: [{{table_name: o, source_view: v}}]\n"
        );
        let loaded = load(&spec, "spec.yaml".into());
        assert!(loaded.spec.is_some(), "{:?}", loaded.diagnostics);
        loaded.diagnostics
    }

    const SQL: &str = "      kind: Sql\n      query: ";
    const TWO_LINES: &str = "\n        SELECT a FROM t -- only some\n        WHERE b";

    #[test]
    fn comments_in_folded_texts_are_refused_at_the_comment() {
        for style in ["", ">", ">-", "'", "\""] {
            let end = if matches!(style, "'" | "\"") { style } else { "" };
            let diagnostics = found(&format!("{SQL}{style}{TWO_LINES}{end}"));
            let [one] = diagnostics.as_slice() else { panic!("{style}: {diagnostics:?}") };
            assert_eq!(one.code, codes::COMMENT_IN_FOLDED_TEXT, "{style}");
            let at = one.bytes.clone().unwrap().start;
            let text = format!("{SQL}{style}{TWO_LINES}{end}");
            let before = "version: 4\ninput_relations: [{logical_name: t, delta_location: t}]\nview_definitions:\n  - name: v\n    transform:\n";
            assert_eq!(at, before.len() + text.find("--").unwrap(), "{style}");
        }
    }

    #[test]
    fn comments_whose_lines_are_kept_are_fine() {
        for text in [
            format!("{SQL}|{TWO_LINES}"),
            format!("{SQL}\"SELECT a FROM t -- only some\\nWHERE b\""),
            format!("{SQL}>\n        SELECT a FROM t\n        WHERE b -- only some"),
            format!("{SQL}>\n        SELECT a FROM t -- only some\n\n        WHERE b"),
            format!("{SQL}>\n        SELECT a FROM t /* -- only some */\n        WHERE b"),
            format!("{SQL}>\n        SELECT '-- only some' FROM t\n        WHERE b"),
        ] {
            assert_eq!(found(&text), [], "{text}");
        }
    }

    #[test]
    fn expressions_are_looked_at_too() {
        let predicate =
            "      kind: Filter\n      source: t\n      predicate:\n        a > 1 -- not all\n        AND b";
        let columns = "      kind: Project\n      source: t\n      columns:\n        - name: x\n          expr: >\n            a + -- and\n            b";
        let measures = "      kind: Aggregate\n      source: t\n      aggregations:\n        - function: sum\n          alias: x\n          arguments: [a -- one\n            + b]";
        for transform in [predicate, columns, measures] {
            let codes: Vec<_> = found(transform).iter().map(|one| one.code).collect();
            assert_eq!(codes, [codes::COMMENT_IN_FOLDED_TEXT], "{transform}");
        }
    }

    #[test]
    fn a_comment_to_the_end_of_a_line_is_remarked() {
        let codes = |text: &str| found(text).iter().map(|one| one.code).collect::<Vec<_>>();
        assert_eq!(codes(&format!("{SQL}SELECT a FROM t -- only some WHERE b")), [codes::COMMENT_TO_THE_END]);
        assert_eq!(codes(&format!("{SQL}|\n        SELECT a FROM t -- only some")), []);
    }
}
