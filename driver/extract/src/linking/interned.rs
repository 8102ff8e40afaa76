//! Names of a repository as small numbers, for what is kept of all its files.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// A name of the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Symbol(u32);

/// Names by their texts, and texts by their names.
type Known = (HashMap<Box<str>, Symbol>, Vec<Box<str>>);

/// The names of a repository.
#[derive(Default)]
pub(crate) struct Symbols(RwLock<Known>);

impl Symbols {
    /// The number of `name`, new or known. Numbers depend on the order in which threads ask: nothing is sorted by them.
    pub(crate) fn intern(&self, name: &str) -> Symbol {
        if let Some(&known) = self.0.read().unwrap_or_else(PoisonError::into_inner).0.get(name) {
            return known;
        }
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let next = Symbol(names.1.len() as u32);
        let symbol = *names.0.entry(name.into()).or_insert(next);
        if symbol == next {
            names.1.push(name.into());
        }
        symbol
    }

    /// The text of a name.
    pub(crate) fn text(&self, symbol: Symbol) -> String {
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
        names.1.get(symbol.0 as usize).map(|name| name.to_string()).unwrap_or_default()
    }
}
