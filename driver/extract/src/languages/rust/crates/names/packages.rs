//! Names of crates: of the package, of those that its manifest names, and of those that `extern crate` gives another name.

use super::super::manifest::Package;
use super::super::outline::{Entry, Space, Symbol, at};
use super::super::tree::ModuleIndex;
use super::{Def, Names, Trail};

impl<'n> Names<'n> {
    /// The crate of this name; in the edition of 2015 a name of this crate's root before that.
    pub(in super::super) fn global(&self, module: ModuleIndex, name: Symbol, trail: &mut Trail) -> Vec<Def> {
        let root = self.tree.root(module);
        if self.package(module).is_some_and(|package| package.is_2015) && root != module {
            let found = self.in_module(root, name, Space::Type, module, trail);
            if !found.is_empty() {
                return found;
            }
        }
        self.named_crate(module, name)
    }

    pub(in super::super) fn named_crate(&self, module: ModuleIndex, name: Symbol) -> Vec<Def> {
        if name == self.words.this {
            return vec![Def::Module(self.tree.root(module))];
        }
        vec![self.extern_crate(module, name).unwrap_or(Def::Outside(name))]
    }

    pub(super) fn package(&self, module: ModuleIndex) -> Option<&'n Package> {
        let own = self.tree.crates.get(self.tree.modules.get(module)?.crate_index)?;
        self.packages.get(own.package.as_ref()?)
    }

    /// The crate that is known by this name in the crate of a module.
    pub(in super::super) fn extern_crate(&self, module: ModuleIndex, name: Symbol) -> Option<Def> {
        let crate_index = self.tree.modules.get(module)?.crate_index;
        if let Some(declared) = self.declared_crate(self.tree.root(module), name) {
            return Some(declared);
        }
        let own = self.tree.crates.get(crate_index)?.package.as_ref()?;
        let package = self.packages.get(own)?;
        let text = self.symbols.text(name);
        let library = match package.dependencies.get(&text) {
            Some(Some(folder)) => *self.tree.libraries.get(folder)?,
            Some(None) => return Some(Def::Outside(name)),
            None if package.library == text => {
                *self.tree.libraries.get(own).filter(|&&library| library != crate_index)?
            }
            None => return None,
        };
        self.tree.crates.get(library).map(|library| Def::Module(library.root))
    }

    /// The crate that `extern crate` in the first module of a crate gives another name: all its modules know that.
    fn declared_crate(&self, root: ModuleIndex, name: Symbol) -> Option<Def> {
        let (outline, container) = self.text_of(root)?;
        let entries = container.names.get(&name)?;
        entries.iter().find_map(|&(_, entry)| {
            let Entry::Use(used) = entry else { return None };
            let used = at(&outline.uses, used).filter(|used| used.is_crate)?;
            let &first = used.path.first().filter(|&&first| first != name)?;
            self.named_crate(root, first).first().copied()
        })
    }
}
