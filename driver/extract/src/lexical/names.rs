//! Names of one file as small numbers, so that scope tables are keyed by integers.

use std::collections::HashMap;

/// A name within one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NameId(u32);

/// The names of one file.
#[derive(Default)]
pub(crate) struct Names<'s> {
    ids: HashMap<&'s str, NameId>,
    texts: Vec<&'s str>,
}

impl<'s> Names<'s> {
    /// The number of `name`, new or known.
    pub(crate) fn intern(&mut self, name: &'s str) -> NameId {
        let next = NameId(self.texts.len() as u32);
        let id = *self.ids.entry(name).or_insert(next);
        if id == next {
            self.texts.push(name);
        }
        id
    }

    /// The text of a name.
    pub(crate) fn text(&self, id: NameId) -> &'s str {
        self.texts.get(id.0 as usize).copied().unwrap_or("")
    }
}
