//! Names in modules: what a module declares, imports by name and imports with all others, to any depth.

mod globs;
mod packages;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::manifest::Package;
use super::outline::{Container, Entry, Index, Outline, Space, Symbol, Symbols, Use, at};
use super::prelude;
use super::tree::{FileIndex, ModuleIndex, Tree};
use super::{MAX_SAME, unique};
use crate::lexical::BindingKind;
use crate::linking::Work;

/// How many names lead from one to the next; more are given up.
const MAX_TRAIL: usize = 128;

/// The longest name of something outside, in bytes; what is in it is called by its name.
const MAX_NAME: usize = 1024;

/// What a name or path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Def {
    /// An item or a member.
    Item(FileIndex, Index),
    Module(ModuleIndex),
    /// Something outside of the repository, with its path.
    Outside(Symbol),
}

/// The names that are being looked up, outermost first.
pub(super) type Trail = Vec<(ModuleIndex, Symbol, Space)>;

type Lookup = (ModuleIndex, Symbol, Space, ModuleIndex);

/// The names of all crates.
pub(super) struct Names<'n> {
    pub(super) files: &'n [Outline],
    pub(super) tree: &'n Tree,
    pub(super) packages: &'n BTreeMap<String, Package>,
    pub(super) symbols: &'n Symbols,
    known: RefCell<HashMap<Lookup, Rc<[Def]>>>,
    /// What lookups have found inside of the one that goes on, each as far as it could while others were not finished.
    tried: RefCell<HashMap<Lookup, Rc<[Def]>>>,
    globs: globs::Globs,
    /// How often a lookup was given up because it led back to one that was not finished.
    given_up: Cell<u64>,
    work: &'n Work<'n>,
    words: Words,
}

/// Names with a meaning of their own.
struct Words {
    this_crate: Symbol,
    this: Symbol,
    above: Symbol,
    nothing: Symbol,
}

impl<'n> Names<'n> {
    pub(super) fn new(
        files: &'n [Outline],
        tree: &'n Tree,
        packages: &'n BTreeMap<String, Package>,
        symbols: &'n Symbols,
        work: &'n Work<'n>,
    ) -> Self {
        let words = Words {
            this_crate: symbols.intern("crate"),
            this: symbols.intern("self"),
            above: symbols.intern("super"),
            nothing: symbols.intern(""),
        };
        Self {
            files,
            tree,
            packages,
            symbols,
            known: RefCell::default(),
            tried: RefCell::default(),
            globs: globs::Globs::default(),
            given_up: Cell::default(),
            work,
            words,
        }
    }

    pub(super) fn item(&self, file: FileIndex, item: Index) -> Option<&'n super::outline::Item> {
        at(&self.files.get(file)?.items, item)
    }

    /// The path of something outside, one name longer.
    pub(super) fn beyond(&self, path: Symbol, name: Symbol) -> Def {
        let text = format!("{}::{}", self.symbols.text(path), self.symbols.text(name));
        Def::Outside(if text.len() > MAX_NAME { path } else { self.symbols.intern(&text) })
    }

    /// What a name is that stands alone in a module or block: in it and the blocks around it, a crate, the prelude.
    pub(super) fn in_scope(
        &self,
        module: ModuleIndex,
        name: Symbol,
        space: Space,
        trail: &mut Trail,
    ) -> Vec<Def> {
        let mut outside = Vec::new();
        for index in self.tree.scopes(module) {
            let found = self.in_module(index, name, space, index, trail);
            if found.iter().any(|def| !matches!(def, Def::Outside(_))) || self.declares(index, name) {
                return found;
            }
            outside.extend(found);
        }
        if space == Space::Macro {
            let known = self.macro_known(module, name);
            if !known.is_empty() {
                return known;
            }
        }
        if space == Space::Type
            && let Some(root) = self.extern_crate(module, name)
        {
            return vec![root];
        }
        if prelude::has(&self.symbols.text(name), space) {
            return vec![Def::Outside(name)];
        }
        outside.dedup();
        // Of several that import all names from outside, nobody here knows which one has it.
        if outside.len() == 1 { outside } else { Vec::new() }
    }

    /// Whether a module itself says what the name is.
    fn declares(&self, module: ModuleIndex, name: Symbol) -> bool {
        self.text_of(module).is_some_and(|(_, container)| container.names.contains_key(&name))
    }

    /// What a module's text says: the outline of its file, and the part of it that is the module.
    fn text_of(&self, module: ModuleIndex) -> Option<(&'n Outline, &'n Container)> {
        let own = self.tree.modules.get(module)?;
        let outline = self.files.get(own.file)?;
        Some((outline, at(&outline.containers, own.container)?))
    }

    /// What a module has by this name that `from` may name.
    pub(super) fn in_module(
        &self,
        module: ModuleIndex,
        name: Symbol,
        space: Space,
        from: ModuleIndex,
        trail: &mut Trail,
    ) -> Vec<Def> {
        if trail.len() >= MAX_TRAIL || trail.contains(&(module, name, space)) {
            self.give_up();
            return Vec::new();
        }
        let key = (module, name, space, self.tree.proper(from));
        if let Some(known) = self.known.borrow().get(&key) {
            return known.to_vec();
        }
        if let Some(tried) = self.tried.borrow().get(&key) {
            self.give_up();
            return tried.to_vec();
        }
        if !self.work.step() {
            self.give_up();
            return Vec::new();
        }
        let given_up = self.given_up.get();
        trail.push((module, name, space));
        let mut found = self.declared(module, name, space, from, trail);
        if found.is_empty() {
            found = self.globbed(module, name, space, from, trail);
        }
        trail.pop();
        // Inside of another lookup, a name may be missing only because it leads back to that one.
        let is_outermost = trail.is_empty() && self.globs.none_is_open();
        let is_whole = is_outermost || self.given_up.get() == given_up;
        let kept = if is_whole { &self.known } else { &self.tried };
        if !self.is_exhausted() {
            kept.borrow_mut().insert(key, Rc::from(found.as_slice()));
        }
        if is_outermost {
            self.tried.borrow_mut().clear();
        }
        found
    }

    /// Whether the work for a file has come to its end: what is found now lacks something.
    pub(super) fn is_exhausted(&self) -> bool {
        self.work.is_exhausted()
    }

    fn give_up(&self) {
        self.given_up.set(self.given_up.get() + 1);
    }

    fn declared(
        &self,
        module: ModuleIndex,
        name: Symbol,
        space: Space,
        from: ModuleIndex,
        trail: &mut Trail,
    ) -> Vec<Def> {
        let Some(own) = self.tree.modules.get(module) else { return Vec::new() };
        let Some((outline, container)) = self.text_of(module) else { return Vec::new() };
        let entries = container.names.get(&name);
        let mut items = Vec::new();
        let mut imports = Vec::new();
        for &(of, entry) in entries.into_iter().flatten() {
            if items.len().max(imports.len()) >= MAX_SAME {
                break;
            }
            match entry {
                Entry::Item(item) if of == Some(space) || (of.is_none() && space != Space::Macro) => {
                    self.add_item(module, item, from, &mut items);
                }
                Entry::Item(_) => {}
                Entry::Use(used) => imports.push(used),
            }
        }
        if space == Space::Macro && self.tree.root(module) == module {
            let exported = self.tree.crates.get(own.crate_index).and_then(|own| own.macros.get(&name));
            items.extend(exported.into_iter().flatten().map(|&(file, item)| Def::Item(file, item)));
        }
        if items.is_empty() {
            for used in imports {
                if let Some(used) = at(&outline.uses, used).filter(|used| self.sees(used, module, from)) {
                    items.extend(self.import(module, used, space, trail));
                }
            }
        }
        for &included in &own.included {
            items.extend(self.in_module(included, name, space, from, trail));
        }
        unique(items)
    }

    fn add_item(&self, module: ModuleIndex, index: Index, from: ModuleIndex, found: &mut Vec<Def>) {
        let Some(own) = self.tree.modules.get(module) else { return };
        let Some(item) = self.item(own.file, index) else { return };
        // Macros are known by the order of the text, unless they are exported.
        let is_seen = if item.kind == BindingKind::Macro {
            self.tree.proper(module) == self.tree.proper(from)
        } else {
            self.tree.is_visible(&item.visibility, module, from)
        };
        match own.children.get(&index).filter(|_| item.kind == BindingKind::Module) {
            _ if !is_seen => {}
            Some(children) => found.extend(children.iter().map(|&child| Def::Module(child))),
            None => found.push(Def::Item(own.file, index)),
        }
    }

    fn sees(&self, used: &Use, module: ModuleIndex, from: ModuleIndex) -> bool {
        self.tree.is_visible(&used.visibility, module, from)
    }

    /// The variant of an enumeration.
    pub(super) fn variant(&self, file: FileIndex, item: Index, name: Symbol) -> Option<Def> {
        let outline = self.files.get(file)?;
        let members = outline.members.get(&(super::outline::Owner::Item(item), name))?;
        let is_it = |&&member: &&Index| {
            at(&outline.items, member).is_some_and(|item| item.kind == BindingKind::Variant)
        };
        let &found = members.iter().find(is_it)?;
        Some(Def::Item(file, found))
    }

    /// What an import stands for.
    pub(super) fn import(
        &self,
        module: ModuleIndex,
        used: &Use,
        space: Space,
        trail: &mut Trail,
    ) -> Vec<Def> {
        let Some((&first, rest)) = used.path.split_first() else { return Vec::new() };
        let head_space = if rest.is_empty() { space } else { Space::Type };
        let (heads, rest) = if used.is_crate {
            (self.named_crate(module, first), rest)
        } else if first == self.words.nothing {
            let Some((&name, rest)) = rest.split_first() else { return Vec::new() };
            (self.global(module, name, trail), rest)
        } else {
            (self.import_head(module, first, head_space, trail), rest)
        };
        let mut current = heads;
        for (position, &name) in rest.iter().enumerate() {
            let space = if position + 1 == rest.len() { space } else { Space::Type };
            let next = current.iter().flat_map(|&def| self.below(def, name, space, module, trail));
            current = unique(next.collect());
        }
        current
    }

    fn import_head(&self, module: ModuleIndex, first: Symbol, space: Space, trail: &mut Trail) -> Vec<Def> {
        if let Some(own) = self.relative(module, first) {
            return own.into_iter().collect();
        }
        if let Some(root) = self.crate_before_globs(module, first, space) {
            return vec![root];
        }
        for index in self.tree.scopes(module) {
            let found = self.in_module(index, first, space, index, trail);
            // What others import from outside is no reason for a path to begin there.
            if found.iter().any(|def| !matches!(def, Def::Outside(_)))
                || (self.declares(index, first) && !found.is_empty())
            {
                return found;
            }
        }
        let textual = if space == Space::Macro { self.macro_known(module, first) } else { Vec::new() };
        if textual.is_empty() { self.global(module, first, trail) } else { textual }
    }

    /// A macro of the modules around, wherever it is defined there, or one that all modules know.
    fn macro_known(&self, module: ModuleIndex, name: Symbol) -> Vec<Def> {
        let textual = self.textual_macro(module, name, u32::MAX);
        if textual.is_empty() { self.shared_macro(module, name) } else { textual }
    }

    /// The module that `crate`, `self` or `super` is; none for other names.
    pub(super) fn relative(&self, module: ModuleIndex, name: Symbol) -> Option<Option<Def>> {
        let own = self.tree.proper(module);
        match name {
            name if name == self.words.this_crate => Some(Some(Def::Module(self.tree.root(module)))),
            name if name == self.words.this => Some(Some(Def::Module(own))),
            name if name == self.words.above => Some(self.tree.parent(own).map(Def::Module)),
            _ => None,
        }
    }

    /// What stands below a module, or an enumeration, or something outside.
    fn below(&self, def: Def, name: Symbol, space: Space, from: ModuleIndex, trail: &mut Trail) -> Vec<Def> {
        match def {
            Def::Module(module) if name == self.words.above || name == self.words.this => {
                self.relative(module, name).flatten().into_iter().collect()
            }
            Def::Module(module) => self.in_module(module, name, space, from, trail),
            Def::Item(file, item) => self.variant(file, item, name).into_iter().collect(),
            Def::Outside(path) => vec![self.beyond(path, name)],
        }
    }
}
