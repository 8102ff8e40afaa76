//! Printing SQL so that it is read back as it was.
//!
//! sqlparser's printer does not know whether the quotes within a text or a quoted name are doubled already, so it
//! leaves two quotes in a row, and a quote behind a backslash, as they are: the texts `a'b` and `a''b` both print as
//! `'a''b'`. What is printed here is the identity of an expression (content hashes, archives, the text form), so it
//! must not be. Where every quote is doubled before it is printed, the printer finds nothing to double.

use std::fmt::Display;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, Query, Select, SelectItem,
    TableAlias, TableFactor, Value, ValueWithSpan, VisitMut, VisitorMut,
};

use super::super::walk;

/// What stands in the printed form of every text and name with a quote in it, and in a few others.
const SIGNS: [&str; 6] = ["''", "\"\"", "``", "\\'", "\\\"", "\\`"];

/// Whether a SQL text may hold a quote within quotes.
pub(in crate::expr) fn is_delicate(text: &str) -> bool {
    SIGNS.iter().any(|sign| text.contains(sign))
}

/// The text of a syntax tree.
pub(in crate::expr) fn print<T: Display + Clone + VisitMut>(tree: &T) -> String {
    let text = tree.to_string();
    if !is_delicate(&text) {
        return text;
    }
    let mut doubled = tree.clone();
    let _ = walk::visit_mut(&mut doubled, &mut Doubling);
    doubled.to_string()
}

/// Doubles the quotes in texts and names.
struct Doubling;

fn double(text: &mut String, quote: char) {
    if text.contains(quote) {
        *text = text.replace(quote, &format!("{quote}{quote}"));
    }
}

fn double_ident(ident: &mut Ident) {
    if let Some(quote) = ident.quote_style {
        double(&mut ident.value, quote);
    }
}

fn double_name(name: &mut ObjectName) {
    for part in &mut name.0 {
        if let ObjectNamePart::Identifier(ident) = part {
            double_ident(ident);
        }
    }
}

/// The names in `USING (…)`.
fn double_constraint(join: &mut JoinOperator) {
    if let JoinOperator::Join(constraint)
    | JoinOperator::Inner(constraint)
    | JoinOperator::Left(constraint)
    | JoinOperator::LeftOuter(constraint)
    | JoinOperator::Right(constraint)
    | JoinOperator::RightOuter(constraint)
    | JoinOperator::FullOuter(constraint)
    | JoinOperator::LeftSemi(constraint)
    | JoinOperator::RightSemi(constraint)
    | JoinOperator::LeftAnti(constraint)
    | JoinOperator::RightAnti(constraint) = join
        && let JoinConstraint::Using(names) = constraint
    {
        names.iter_mut().for_each(double_name);
    }
}

fn double_alias(alias: &mut TableAlias) {
    double_ident(&mut alias.name);
    alias.columns.iter_mut().for_each(|column| double_ident(&mut column.name));
}

impl VisitorMut for Doubling {
    type Break = ();

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<()> {
        match &mut value.value {
            Value::SingleQuotedString(text) | Value::NationalStringLiteral(text) => double(text, '\''),
            Value::DoubleQuotedString(text) => double(text, '"'),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    // Names in expressions are doubled when their expression is left, so that none is doubled twice.
    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(ident) => double_ident(ident),
            Expr::CompoundIdentifier(parts) => parts.iter_mut().for_each(double_ident),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<()> {
        double_name(relation);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        for item in &mut select.projection {
            match item {
                SelectItem::ExprWithAlias { alias, .. } => double_ident(alias),
                SelectItem::ExprWithAliases { aliases, .. } => aliases.iter_mut().for_each(double_ident),
                _ => {}
            }
        }
        for join in select.from.iter_mut().flat_map(|table| &mut table.joins) {
            double_constraint(&mut join.join_operator);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { alias: Some(alias), .. }
            | TableFactor::Derived { alias: Some(alias), .. }
            | TableFactor::NestedJoin { alias: Some(alias), .. }
            | TableFactor::UNNEST { alias: Some(alias), .. } => double_alias(alias),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        for table in query.with.iter_mut().flat_map(|with| &mut with.cte_tables) {
            double_alias(&mut table.alias);
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use crate::expr::{Query, ScalarExpr};

    const HOSTILE: [&str; 12] =
        ["'", "''", "'''", "\\'", "\\''", "a'b''c", "\"", "\"\"", "\\\"", "`", "``'\"\\", "\n\t\0'"];

    #[test]
    fn texts_and_columns_print_as_what_they_are() {
        let mut printed = std::collections::BTreeSet::new();
        for text in HOSTILE {
            for expr in [ScalarExpr::text(text), ScalarExpr::column(text)] {
                let shown = expr.to_string();
                assert_eq!(ScalarExpr::parse(&shown).unwrap(), expr, "{text:?} prints as {shown}");
                assert!(printed.insert(shown), "{text:?} prints as another one");
            }
        }
    }

    #[test]
    fn a_text_with_one_quote_is_not_one_with_two() {
        let (one, two) =
            (ScalarExpr::parse("x = 'a''b'").unwrap(), ScalarExpr::parse("x = 'a''''b'").unwrap());
        assert_ne!(one, two);
        assert_eq!(one.to_string(), "x = 'a''b'");
        assert_eq!(two.to_string(), "x = 'a''''b'");
    }

    #[test]
    fn names_in_queries_print_as_what_they_are() {
        for text in [
            r#"SELECT "a""""b" AS "c""""d" FROM "t""""u" AS "v\""w" WHERE '''''' = "v\""w"."x""y""#,
            r#"WITH "q""""r" ("s""""t") AS (SELECT 1) SELECT "s""""t" FROM "q""""r""#,
            r#"SELECT * FROM (SELECT 'a''''b' AS x) AS "s""""t" JOIN UNNEST([1]) AS "u""""v" ON true"#,
        ] {
            let query = Query::parse(text).unwrap();
            assert_eq!(query.to_string(), text);
            assert_eq!(Query::parse(&query.to_string()).unwrap(), query);
        }
    }

    #[test]
    fn what_cannot_be_printed_is_refused() {
        let error = Query::parse(r#"SELECT sum(x) OVER "w""""v" FROM t WINDOW "w""""v" AS (ORDER BY x)"#);
        assert!(error.unwrap_err().to_string().contains("quotes"));
    }
}
