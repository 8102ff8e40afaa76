//! What modules import with all names of others.
//!
//! Modules that import each other's names are a graph with circles: a name is searched for through all modules that can be
//! reached, each of them once. What a glob names does not depend on the name that is searched for, and is found once.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;

use super::super::outline::{Index, Space, Symbol, at};
use super::super::prelude;
use super::super::tree::ModuleIndex;
use super::super::unique;
use super::{Def, Names, Trail};

/// How many globs are followed to find what another one names.
const MAX_OPEN: usize = 8;

/// A `use` with a star, of a module.
type Glob = (ModuleIndex, Index);

/// What globs name.
#[derive(Default)]
pub(super) struct Globs {
    known: RefCell<HashMap<Glob, Rc<[Def]>>>,
    /// Those whose path is being looked up.
    open: RefCell<Vec<Glob>>,
}

impl Globs {
    pub(super) fn none_is_open(&self) -> bool {
        self.open.borrow().is_empty()
    }
}

impl Names<'_> {
    /// What a module has by this name, as far as `from` may see it, because it imports all names of others.
    pub(super) fn globbed(
        &self,
        module: ModuleIndex,
        name: Symbol,
        space: Space,
        from: ModuleIndex,
        trail: &mut Trail,
    ) -> Vec<Def> {
        let mut found = Vec::new();
        let mut seen = HashSet::from([(module, self.tree.proper(from))]);
        let mut pending = VecDeque::from([(module, from)]);
        while let Some((module, from)) = pending.pop_front().filter(|_| self.work.step()) {
            for target in self.globs_of(module, from).iter().flat_map(|glob| self.targets(*glob).to_vec()) {
                match target {
                    Def::Module(target) if seen.insert((target, self.tree.proper(module))) => {
                        let declared = self.declared(target, name, space, module, trail);
                        if declared.is_empty() {
                            pending.push_back((target, module));
                        }
                        found.extend(declared);
                    }
                    Def::Module(_) => {}
                    Def::Item(file, item) => found.extend(self.variant(file, item, name)),
                    Def::Outside(path) => found.push(self.beyond(path, name)),
                }
            }
        }
        if found.iter().any(|def| !matches!(def, Def::Outside(_))) {
            found.retain(|def| !matches!(def, Def::Outside(_)));
        }
        unique(found)
    }

    /// The globs of a module that `from` may see.
    fn globs_of(&self, module: ModuleIndex, from: ModuleIndex) -> Vec<Glob> {
        let Some((outline, container)) = self.text_of(module) else { return Vec::new() };
        let is_seen =
            |&&used: &&Index| at(&outline.uses, used).is_some_and(|used| self.sees(used, module, from));
        container.globs.iter().filter(is_seen).map(|&used| (module, used)).collect()
    }

    /// What a glob names: modules, enumerations, something outside.
    fn targets(&self, glob: Glob) -> Rc<[Def]> {
        if let Some(known) = self.globs.known.borrow().get(&glob) {
            return Rc::clone(known);
        }
        let is_open = {
            let open = self.globs.open.borrow();
            open.len() >= MAX_OPEN || open.contains(&glob)
        };
        if is_open {
            self.give_up();
            return Rc::default();
        }
        let (module, used) = glob;
        let used = self.text_of(module).and_then(|(outline, _)| at(&outline.uses, used));
        let Some(used) = used else { return Rc::default() };
        let given_up = self.given_up.get();
        self.globs.open.borrow_mut().push(glob);
        let found: Rc<[Def]> = self.import(module, used, Space::Type, &mut Trail::new()).into();
        self.globs.open.borrow_mut().pop();
        let is_whole = self.given_up.get() == given_up || self.globs.none_is_open();
        if is_whole && !self.is_exhausted() {
            self.globs.known.borrow_mut().insert(glob, Rc::clone(&found));
        }
        found
    }

    /// The crate that a path begins with: a name that is also that of a crate is not one that a glob brings, which the language
    /// calls ambiguous.
    pub(super) fn crate_before_globs(&self, module: ModuleIndex, name: Symbol, space: Space) -> Option<Def> {
        if space != Space::Type {
            return None;
        }
        if self.tree.scopes(module).any(|index| self.declares(index, name)) {
            return None;
        }
        let is_2015 = self.package(module).is_some_and(|package| package.is_2015);
        let known = if is_2015 { None } else { self.extern_crate(module, name) };
        known.or_else(|| prelude::CRATES.contains(&&*self.symbols.text(name)).then_some(Def::Outside(name)))
    }
}
