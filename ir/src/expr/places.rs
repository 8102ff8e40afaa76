//! Where names stand in the text of a tree.

use std::ops::Range;

use sqlparser::ast::{Expr, Function, Ident, ObjectNamePart, Visit};
use sqlparser::tokenizer::Span;

use super::syntax::SqlText;
use super::{Query, ScalarExpr, normalize, walk};

/// The bytes of a SQL text between two places of it.
#[must_use]
pub fn bytes_of(text: &str, span: Span) -> Option<Range<usize>> {
    SqlText::new(text).bytes(span)
}

impl ScalarExpr {
    /// Where a column, or a field of a struct, is named first.
    #[must_use]
    pub fn place_of_column(&self, name: &str) -> Option<Span> {
        column(self.ast(), name)
    }

    /// Where a function is called first.
    #[must_use]
    pub fn place_of_function(&self, name: &str) -> Option<Span> {
        function(self.ast(), name)
    }

    /// Where a placeholder, as it is spelled, stands first.
    #[must_use]
    pub fn place_of_placeholder(&self, name: &str) -> Option<Span> {
        placeholder(self.ast(), name)
    }
}

impl Query {
    /// Where a column is named first.
    #[must_use]
    pub fn place_of_column(&self, name: &str) -> Option<Span> {
        column(self.ast(), name)
    }

    /// Where a function is called first.
    #[must_use]
    pub fn place_of_function(&self, name: &str) -> Option<Span> {
        function(self.ast(), name)
    }

    /// Where a placeholder, as it is spelled, stands first.
    #[must_use]
    pub fn place_of_placeholder(&self, name: &str) -> Option<Span> {
        placeholder(self.ast(), name)
    }
}

fn column(tree: &impl Visit, name: &str) -> Option<Span> {
    first(
        tree,
        |expr| match expr {
            Expr::Identifier(ident) => Some(ident),
            Expr::CompoundIdentifier(parts) => parts.iter().find(|part| normalize(part) == name),
            _ => None,
        },
        name,
    )
}

fn function(tree: &impl Visit, name: &str) -> Option<Span> {
    first(
        tree,
        |expr| match expr {
            Expr::Function(Function { name, .. }) => match name.0.as_slice() {
                [ObjectNamePart::Identifier(ident)] => Some(ident),
                _ => None,
            },
            _ => None,
        },
        name,
    )
}

fn placeholder(tree: &impl Visit, name: &str) -> Option<Span> {
    walk::find_expression(tree, |expr| match expr {
        Expr::Value(value) if super::placeholder(expr) == Some(name) => Some(value.span),
        _ => None,
    })
}

/// The place of the first name that `named` finds and that is this one.
fn first(tree: &impl Visit, named: impl Fn(&Expr) -> Option<&Ident>, name: &str) -> Option<Span> {
    walk::find_expression(tree, |expr| {
        let ident = named(expr)?;
        (ident.span != Span::empty() && normalize(ident) == name).then_some(ident.span)
    })
}
