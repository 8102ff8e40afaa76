//! Putting expressions in the place of columns.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use sqlparser::ast::{Expr, VisitorMut};

use super::{ScalarExpr, identifier, normalize};

/// Replaces columns bottom-up; inserted expressions are not visited again.
pub(super) struct Substitution<'a> {
    pub(super) definitions: &'a BTreeMap<String, ScalarExpr>,
    pub(super) failed: bool,
}

impl VisitorMut for Substitution<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(ident) => {
                if let Some(definition) = self.definitions.get(&normalize(ident)) {
                    *expr = definition.clone().nested();
                }
            }
            Expr::CompoundIdentifier(parts) => {
                let Some(first) = parts.first_mut() else { return ControlFlow::Continue(()) };
                match self.definitions.get(&normalize(first)).map(ScalarExpr::as_column) {
                    Some(Some(column)) => *first = identifier(&column),
                    Some(None) => {
                        self.failed = true;
                        return ControlFlow::Break(());
                    }
                    None => {}
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
