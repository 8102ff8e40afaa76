//! Queries over named relations.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use sqlparser::ast::{self, Ident, ObjectNamePart, SetExpr, visit_expressions, visit_expressions_mut, visit_relations};
use sqlparser::dialect::GenericDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Span, Token, Tokenizer};

use super::{RECURSION_LIMIT, ScalarExpr, SqlError, bind_one, expect_end, normalize, placeholder, sql_text};

/// A query over named relations: the text of a `Sql` view.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Query(Box<ast::Query>);

impl Query {
    /// Parses one query; text after it is an error.
    ///
    /// # Errors
    /// When the text is not exactly one `SELECT` query (with or without `WITH`, `UNION`, `VALUES`).
    pub fn parse(text: &str) -> Result<Self, SqlError> {
        let mut parser = Parser::new(&GenericDialect {}).with_recursion_limit(RECURSION_LIMIT).try_with_sql(text)?;
        let query = parser.parse_query()?;
        if parser.peek_token().token == Token::SemiColon {
            parser.next_token();
        }
        expect_end(&parser)?;
        if let SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) = query.body.as_ref() {
            return Err(SqlError { message: "only SELECT is allowed; the query changes data".to_owned() });
        }
        Ok(Self(query))
    }

    /// The syntax tree.
    #[must_use]
    pub fn ast(&self) -> &ast::Query {
        &self.0
    }

    /// The relations the query reads, except those it defines itself by `WITH`, in alphabetical order.
    #[must_use]
    pub fn relations(&self) -> BTreeSet<String> {
        let mut defined = BTreeSet::new();
        collect_ctes(&self.0, &mut defined);
        let mut found = BTreeSet::new();
        let _ = visit_relations(self.0.as_ref(), |name| {
            if let [ObjectNamePart::Identifier(ident)] = name.0.as_slice() {
                let name = normalize(ident);
                if !defined.contains(&name) {
                    found.insert(name);
                }
            } else {
                found.insert(name.to_string());
            }
            ControlFlow::<()>::Continue(())
        });
        found
    }

    /// Every name that could be a column of an input, or nothing when the query may read columns it does not
    /// name (`*`, natural joins). The result may hold names that are not columns.
    #[must_use]
    pub fn mentioned_names(&self) -> Option<BTreeSet<String>> {
        let text = self.to_string();
        let tokens = Tokenizer::new(&GenericDialect {}, &text).tokenize().ok()?;
        let mut names = BTreeSet::new();
        let mut previous = Token::EOF;
        for token in tokens {
            match &token {
                // `count(*)` reads no column; `a * b` multiplies; every other star is a wildcard.
                Token::Mul if wildcard_after(&previous) => return None,
                Token::Word(word) if word.keyword == Keyword::NATURAL => return None,
                Token::Word(word) => {
                    let ident = Ident { value: word.value.clone(), quote_style: word.quote_style, span: Span::empty() };
                    names.insert(normalize(&ident));
                }
                _ => {}
            }
            if !matches!(token, Token::Whitespace(_)) {
                previous = token;
            }
        }
        Some(names)
    }

    /// The positional placeholders of the query, as they are written.
    #[must_use]
    pub fn placeholders(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let _ = visit_expressions(self.0.as_ref(), |expr| {
            if let Some(name) = placeholder(expr) {
                found.insert(name.to_owned());
            }
            ControlFlow::<()>::Continue(())
        });
        found
    }

    /// Replaces placeholders by expressions; placeholders without one stay.
    pub fn bind(&mut self, values: &BTreeMap<String, ScalarExpr>) {
        let _ = visit_expressions_mut(self.0.as_mut(), |expr| bind_one(expr, values));
    }
}

/// Whether a `*` after this token is a wildcard and not a product. `count(*)` is not one.
fn wildcard_after(previous: &Token) -> bool {
    match previous {
        Token::Period | Token::Comma => true,
        Token::Word(word) => {
            matches!(word.keyword, Keyword::SELECT | Keyword::DISTINCT | Keyword::ALL) && word.quote_style.is_none()
        }
        _ => false,
    }
}

fn collect_ctes(query: &ast::Query, defined: &mut BTreeSet<String>) {
    struct Ctes<'a>(&'a mut BTreeSet<String>);
    impl ast::Visitor for Ctes<'_> {
        type Break = ();
        fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
            if let Some(with) = &query.with {
                self.0.extend(with.cte_tables.iter().map(|cte| normalize(&cte.alias.name)));
            }
            ControlFlow::Continue(())
        }
    }
    let _ = ast::Visit::visit(query, &mut Ctes(defined));
}

sql_text!(Query, "a SQL query");
