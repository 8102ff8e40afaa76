//! Long chains of operators.
//!
//! `a AND b AND c` is a tree that leans to the left, as deep as the chain is long. Programs that write queries write
//! thousands of conditions, and everything that walks or plans a tree does so recursively. So a text may hold so many
//! operators and no more, long chains of `AND` and of `OR` become balanced trees, which mean the same and print as
//! the same text, and other chains have a limit of length.

use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, Expr, Query, SetExpr, Value, VisitMut, VisitorMut};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::super::walk;

/// How many operators a text may hold. The parser builds a tree as deep as their number before anybody can look at it.
pub(super) const MAX_OPERATORS: usize = 20_000;

/// How long a chain of operators other than `AND` and `OR` may be.
pub(super) const MAX_CHAIN: usize = 1_000;

/// Chains of `AND` and `OR` longer than this become balanced.
const LONG: usize = 64;

/// How many operators there are among the tokens.
pub(super) fn operators(tokens: &[TokenWithSpan]) -> usize {
    let is_operator = |token: &&TokenWithSpan| match &token.token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::IS
                | Keyword::XOR
                | Keyword::UNION
                | Keyword::EXCEPT
                | Keyword::INTERSECT
                | Keyword::COLLATE
                | Keyword::AT
        ),
        // What separates and encloses does not make a tree deeper; the parser limits how brackets nest.
        Token::Whitespace(_)
        | Token::Comma
        | Token::Period
        | Token::LParen
        | Token::RParen
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::EOF => false,
        _ => true,
    };
    tokens.iter().filter(is_operator).count()
}

/// Balances long chains of `AND` and `OR`; false if another chain is longer than [`MAX_CHAIN`].
pub(super) fn shorten(tree: &mut impl VisitMut) -> bool {
    let mut shortener = Shortener { depth: 0 };
    walk::visit_mut(tree, &mut shortener).is_continue()
}

struct Shortener {
    /// How many expressions the visit is inside of.
    depth: usize,
}

impl VisitorMut for Shortener {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let mut length = 0;
        let mut body = query.body.as_ref();
        while let SetExpr::SetOperation { left, .. } = body {
            body = left;
            length += 1;
        }
        if length > MAX_CHAIN { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        balance(expr);
        self.depth += 1;
        if self.depth > MAX_CHAIN { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn post_visit_expr(&mut self, _: &mut Expr) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }
}

/// Makes a long chain of `AND`, or of `OR`, balanced. Its operands stay in their order.
fn balance(expr: &mut Expr) {
    let Expr::BinaryOp { op: op @ (BinaryOperator::And | BinaryOperator::Or), .. } = expr else { return };
    let op = op.clone();
    let mut length = 1;
    let mut rest = &*expr;
    while let Expr::BinaryOp { left, op: other, .. } = rest
        && *other == op
    {
        rest = left;
        length += 1;
    }
    if length <= LONG {
        return;
    }
    let mut operands = Vec::with_capacity(length);
    let mut chain = std::mem::replace(expr, Expr::Value(Value::Null.into()));
    loop {
        match chain {
            Expr::BinaryOp { left, op: other, right } if other == op => {
                operands.push(*right);
                chain = *left;
            }
            first => {
                operands.push(first);
                break;
            }
        }
    }
    operands.reverse();
    // Neighbours are put together until one tree is left.
    while operands.len() > 1 {
        let mut halved = Vec::with_capacity(operands.len().div_ceil(2));
        let mut operands_left = operands.into_iter();
        while let Some(left) = operands_left.next() {
            halved.push(match operands_left.next() {
                Some(right) => {
                    Expr::BinaryOp { left: Box::new(left), op: op.clone(), right: Box::new(right) }
                }
                None => left,
            });
        }
        operands = halved;
    }
    if let Some(balanced) = operands.pop() {
        *expr = balanced;
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Query, ScalarExpr};

    fn joined(operator: &str, count: usize) -> String {
        (0..count).map(|n| format!("a = {n}")).collect::<Vec<_>>().join(operator)
    }

    #[test]
    fn long_chains_of_conditions_are_balanced_and_print_as_they_were() {
        for operator in [" AND ", " OR "] {
            for count in [1, 2, 64, 65, 66, 1000, 4097] {
                let text = joined(operator, count);
                let expr = ScalarExpr::parse(&text).unwrap();
                assert_eq!(expr.to_string(), text);
                assert!(expr.depth() <= 66, "{count}: {}", expr.depth());
                if operator == " AND " {
                    let conjuncts: Vec<String> = expr.conjuncts().iter().map(ToString::to_string).collect();
                    assert_eq!(conjuncts.join(" AND "), text);
                }
            }
        }
    }

    #[test]
    fn mixed_chains_keep_their_meaning() {
        let text = (0..200).map(|n| format!("a = {n} AND b = {n}")).collect::<Vec<_>>().join(" OR ");
        let expr = ScalarExpr::parse(&text).unwrap();
        assert_eq!(expr.to_string(), text);
        // Read again, the text is the same tree.
        assert_eq!(ScalarExpr::parse(&expr.to_string()).unwrap(), expr);
    }

    #[test]
    fn what_is_too_long_is_refused_and_does_not_overflow() {
        for text in [
            joined(" AND ", 100_000),
            vec!["a"; 1_500].join(" + "),
            format!("a{}", "::BIGINT".repeat(100_000)),
            format!("a{}", " IS NULL".repeat(1_500)),
            vec!["a"; 300_000].join(" || "),
        ] {
            let error = ScalarExpr::parse(&text).unwrap_err().to_string();
            assert!(error.contains("more than"), "{error}");
        }
        let unions = vec!["SELECT a FROM t"; 1_500].join(" UNION ALL ");
        assert!(Query::parse(&unions).unwrap_err().to_string().contains("more than"));
        let queries = format!("SELECT a FROM t WHERE {}", joined(" AND ", 5_000));
        assert!(Query::parse(&queries).is_ok());
    }
}
