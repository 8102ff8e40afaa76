//! Named windows of a SELECT.

use std::collections::BTreeMap;

use sqlparser::ast::{
    Expr, Function, Ident, NamedWindowDefinition, NamedWindowExpr, VisitMut, WindowSpec, WindowType,
};
use sqlparser::tokenizer::Span;

use super::clauses::{self, Clause};
use super::{normalize, walk};

/// Something that cannot be meant, and its place.
pub(super) type Refused = (&'static Clause, Span);

/// The windows that a SELECT defines, with what they take from each other written out.
#[derive(Default)]
pub(super) struct Windows {
    defined: BTreeMap<String, WindowSpec>,
    /// Definitions that have no meaning.
    pub(super) refused: Vec<Refused>,
}

impl Windows {
    pub(super) fn of(definitions: &[NamedWindowDefinition]) -> Self {
        let mut windows = Self::default();
        for NamedWindowDefinition(name, window) in definitions {
            let whole = match window {
                NamedWindowExpr::NamedWindow(other) => windows.whole(&WindowType::NamedWindow(other.clone())),
                NamedWindowExpr::WindowSpec(spec) => windows.whole(&WindowType::WindowSpec(spec.clone())),
            };
            match whole {
                Ok(spec) => {
                    if windows.defined.insert(normalize(name), spec).is_some() {
                        windows.refused.push((&clauses::WINDOW_TWICE, name.span));
                    }
                }
                Err(refused) => windows.refused.push(refused),
            }
        }
        windows
    }

    /// A window with what it takes from a named one. As in the standard, it may add an order if the named one has
    /// none, and a frame; it may not add to one that has a frame.
    pub(super) fn whole(&self, window: &WindowType) -> Result<WindowSpec, Refused> {
        let named = |name: &Ident| {
            let base = self.defined.get(&normalize(name)).cloned();
            base.ok_or((&clauses::WINDOW_UNKNOWN, name.span))
        };
        let spec = match window {
            WindowType::NamedWindow(name) => return named(name),
            WindowType::WindowSpec(spec) => spec,
        };
        let WindowSpec { window_name: Some(name), partition_by, order_by, window_frame } = spec else {
            return Ok(spec.clone());
        };
        let base = named(name)?;
        let orders_twice = !order_by.is_empty() && !base.order_by.is_empty();
        if !partition_by.is_empty() || orders_twice || base.window_frame.is_some() {
            return Err((&clauses::WINDOW_CONFLICT, name.span));
        }
        Ok(WindowSpec {
            window_name: None,
            partition_by: base.partition_by,
            order_by: if order_by.is_empty() { base.order_by } else { order_by.clone() },
            window_frame: window_frame.clone(),
        })
    }

    /// Puts the windows in the place of their names, in one SELECT and not in those inside it. Names without a window stay.
    pub(super) fn put_into(&self, part: &mut impl VisitMut) {
        if self.defined.is_empty() {
            return;
        }
        walk::own_expressions_mut(part, |expr| {
            if let Expr::Function(Function { over: Some(over), .. }) = expr
                && let Ok(whole) = self.whole(over)
            {
                *over = WindowType::WindowSpec(whole);
            }
        });
    }
}
