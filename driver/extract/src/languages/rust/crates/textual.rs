//! Macros by the order of the text: each is known after its definition, to the end of the module it stands in.

use super::names::{Def, Names};
use super::outline::{Entry, Index, Space, Symbol, at};
use super::tree::{FileIndex, ModuleIndex};
use super::unique;

/// How many modules lie around one, or share their macros with it.
const MAX_MODULES: usize = 128;

/// A macro, with the place in the module that is looked at, and in its own, where it is defined.
type Defined = ((u32, u32), FileIndex, Index);

impl Names<'_> {
    /// The macro that a name means in a module or block at a place of its file: the last that is defined before it there, then in
    /// the modules around. Where the last one is there under a condition, the one before it may be meant as well.
    pub(super) fn textual_macro(&self, module: ModuleIndex, name: Symbol, place: u32) -> Vec<Def> {
        let (mut current, mut place) = (Some(module), place);
        for _ in 0..MAX_MODULES {
            let Some(index) = current else { break };
            let found = self.last_before(index, name, place);
            if !found.is_empty() {
                return unique(found);
            }
            let Some(own) = self.tree.modules.get(index) else { break };
            current = own.host.or(own.parent);
            let outer = current.and_then(|outer| self.tree.modules.get(outer));
            if outer.is_some_and(|outer| outer.file != own.file) {
                place = own.declared_at;
            }
        }
        Vec::new()
    }

    /// The macro that a name means wherever it stands: one that the crate exports, or `#[macro_use]` brings from another.
    pub(super) fn shared_macro(&self, module: ModuleIndex, name: Symbol) -> Vec<Def> {
        let root = self.tree.root(module);
        let found = self.exported_macro(root, name);
        if found.is_empty() { self.brought_macro(root, name) } else { found }
    }

    fn last_before(&self, module: ModuleIndex, name: Symbol, place: u32) -> Vec<Def> {
        let mut defined: Vec<Defined> = Vec::new();
        let mut pending = vec![(module, None, 0)];
        while let Some((index, shared_at, depth)) = pending.pop() {
            let Some(own) = self.tree.modules.get(index) else { continue };
            let Some(outline) = self.files.get(own.file) else { continue };
            let names = at(&outline.containers, own.container).and_then(|own| own.names.get(&name));
            for &(space, entry) in names.into_iter().flatten() {
                let (Entry::Item(item), Some(Space::Macro)) = (entry, space) else { continue };
                let Some(known) = self.item(own.file, item) else { continue };
                let start = known.start;
                defined.push(((shared_at.unwrap_or(start), start), own.file, item));
            }
            let shared = own.children.iter().filter_map(|(&item, children)| {
                let item = self.item(own.file, item).filter(|item| item.attributes.shares_macros)?;
                Some((shared_at.unwrap_or(item.start), children))
            });
            if depth < MAX_MODULES {
                pending.extend(shared.flat_map(|(start, children)| {
                    children.iter().map(move |&child| (child, Some(start), depth + 1))
                }));
                pending.extend(own.included.iter().map(|&child| (child, Some(0), depth + 1)));
            }
        }
        defined.retain(|((start, _), ..)| *start < place);
        defined.sort_unstable();
        let mut found = Vec::new();
        for (_, file, item) in defined.into_iter().rev() {
            found.push(Def::Item(file, item));
            // Of a place that is not told all are known.
            let is_last = self.item(file, item).is_some_and(|item| !item.attributes.is_conditional);
            if is_last && place != u32::MAX {
                break;
            }
        }
        found.reverse();
        found
    }

    fn exported_macro(&self, root: ModuleIndex, name: Symbol) -> Vec<Def> {
        let own = self.tree.modules.get(root).and_then(|own| self.tree.crates.get(own.crate_index));
        let macros = own.and_then(|own| own.macros.get(&name)).into_iter().flatten();
        macros.map(|&(file, item)| Def::Item(file, item)).collect()
    }

    /// `#[macro_use] extern crate`.
    fn brought_macro(&self, root: ModuleIndex, name: Symbol) -> Vec<Def> {
        let outline = self.tree.modules.get(root).and_then(|own| self.files.get(own.file));
        let uses = outline.into_iter().flat_map(|outline| &outline.uses).filter(|used| used.shares_macros);
        let crates =
            uses.filter_map(|used| used.path.first()).flat_map(|&first| self.named_crate(root, first));
        let found = crates.flat_map(|def| match def {
            Def::Module(other) => self.exported_macro(other, name),
            Def::Item(..) | Def::Outside(_) => Vec::new(),
        });
        unique(found.collect())
    }
}
