//! What modules export, through all those between.

use std::collections::HashSet;
use std::rc::Rc;

use super::super::files::Module;
use super::super::outline::{Export, FileIndex, Index, Meaning, Space, Symbol, at};
use super::{Target, Val, Values};

/// How many modules are looked at for one name.
const MAX_MODULES: usize = 4096;

/// What is found of a name while modules are looked at.
#[derive(Default)]
struct Search {
    left: Vec<(FileIndex, Symbol)>,
    seen: HashSet<(FileIndex, Symbol)>,
    found: Vec<Target>,
    /// Modules outside that hand on all their names.
    outside: Vec<String>,
}

impl Search {
    fn add(&mut self, target: Target) {
        if !self.found.contains(&target) {
            self.found.push(target);
        }
    }
}

impl Values<'_> {
    /// What a specifier of a file means.
    pub(in super::super) fn module(&self, file: FileIndex, module: Index) -> Option<&Module> {
        self.modules.get(file).and_then(|modules| at(modules, module))
    }

    /// What a file imports by a name from a module, or the module.
    pub(in super::super) fn imported(
        &self,
        file: FileIndex,
        module: Index,
        name: Option<Symbol>,
    ) -> Vec<Target> {
        match (self.module(file, module), name) {
            (Some(&Module::File(file)), None) => vec![Target::Module(file)],
            (Some(&Module::File(file)), Some(name)) => self.exported(file, name).to_vec(),
            (Some(Module::Outside(outside)), _) => vec![Target::Outside(self.beyond(outside, name))],
            (None, _) => Vec::new(),
        }
    }

    /// The name of something in what is outside.
    pub(super) fn beyond(&self, outside: &str, name: Option<Symbol>) -> Symbol {
        match name {
            Some(name) => self.symbols.intern(&format!("{outside}.{}", self.symbols.text(name))),
            None => self.symbols.intern(outside),
        }
    }

    /// What a module exports by a name.
    pub(in super::super) fn exported(&self, file: FileIndex, name: Symbol) -> Rc<[Target]> {
        if let Some(known) = self.exported.borrow().get(&(file, name)) {
            return Rc::clone(known);
        }
        // What leads to itself is not known.
        self.exported.borrow_mut().insert((file, name), Rc::from([]));
        let mut search = Search { left: vec![(file, name)], ..Search::default() };
        while let Some((file, name)) = search.left.pop() {
            if search.seen.len() < MAX_MODULES && search.seen.insert((file, name)) {
                self.look(&mut search, file, name);
            }
        }
        if let ([], [outside]) = (search.found.as_slice(), search.outside.as_slice()) {
            search.found.push(Target::Outside(self.beyond(outside, Some(name))));
        }
        let found: Rc<[Target]> = search.found.into();
        self.exported.borrow_mut().insert((file, name), Rc::clone(&found));
        found
    }

    fn look(&self, search: &mut Search, file: FileIndex, name: Symbol) {
        let Some(outline) = self.files.get(file) else { return };
        if let Some(exports) = outline.exports.get(&name) {
            for &export in exports {
                self.follow(search, file, export);
            }
            return;
        }
        if let Some((term, node)) = outline.assigned {
            if name == self.default {
                search.add(Target::Value(file, term, node));
            } else {
                for &target in self.member(&self.value(file, term), name, Space::Either).iter() {
                    search.add(target);
                }
            }
        }
        if name == self.default {
            return;
        }
        for &star in outline.stars.iter().rev() {
            match self.module(file, star) {
                Some(&Module::File(next)) => search.left.push((next, name)),
                Some(Module::Outside(outside)) => search.outside.push(outside.clone()),
                None => {}
            }
        }
    }

    fn follow(&self, search: &mut Search, file: FileIndex, export: Export) {
        match export {
            Export::Def(def) => search.add(Target::Def(file, def)),
            Export::Term(term, node) => search.add(Target::Value(file, term, node)),
            Export::From(module, name) => self.go_on(search, file, module, name),
            Export::Group(group) => {
                let group = self.files.get(file).and_then(|outline| at(&outline.groups, group));
                for &(def, _) in group.into_iter().flatten() {
                    match self.def(file, def).map(|def| def.meaning) {
                        Some(Meaning::Import(module, name)) => self.go_on(search, file, module, name),
                        _ => search.add(Target::Def(file, def)),
                    }
                }
            }
        }
    }

    fn go_on(&self, search: &mut Search, file: FileIndex, module: Index, name: Option<Symbol>) {
        match (self.module(file, module), name) {
            (Some(&Module::File(next)), Some(name)) => search.left.push((next, name)),
            (Some(&Module::File(next)), None) => search.add(Target::Module(next)),
            (Some(Module::Outside(outside)), _) => search.add(Target::Outside(self.beyond(outside, name))),
            (None, _) => {}
        }
    }

    /// A module as a value.
    pub(super) fn module_value(&self, file: FileIndex, module: Index) -> Val {
        match self.module(file, module) {
            Some(&Module::File(file)) => self.module_file_value(file),
            Some(Module::Outside(outside)) => Val::Outside(self.symbols.intern(outside)),
            None => Val::Unknown,
        }
    }

    /// What is assigned to the exports of a CommonJS module, or the module with its names.
    pub(super) fn module_file_value(&self, file: FileIndex) -> Val {
        match self.files.get(file).map(|outline| (outline.assigned, outline.exports.is_empty())) {
            Some((Some((term, _)), true)) => self.value(file, term),
            _ => Val::Module(file),
        }
    }
}
