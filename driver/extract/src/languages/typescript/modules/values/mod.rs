//! Values: what a term of a file leads to, over all files.

mod calls;
mod combined;
mod exports;
mod members;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

pub(super) use calls::Callee;
use combined::{all, awaited, list, one_of, promise};

use super::files::{Files, Module};
use super::globals;
use super::outline::{FileIndex, Index, Meaning, Outline, ShapeKind, Space, Symbol, Symbols, Term, at};
use crate::lexical::BindingKind;

/// How many definitions one leads to the next before the search ends.
const MAX_DEPTH: usize = 48;
/// How many things a value may be one of.
const MAX_WAYS: usize = 32;
/// How deep lists and promises are looked into.
const MAX_NESTING: usize = 4;

/// Something of a file.
pub(super) type Place = (FileIndex, Index);

/// What is known of a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Val {
    #[default]
    Unknown,
    /// `undefined` and its like.
    Nothing,
    /// A class.
    Class(Place),
    /// What has the members of a shape: an object of a class, one that is written out, a namespace.
    Object(Place),
    Function(Place),
    /// A module of the repository.
    Module(FileIndex),
    /// Something outside, by its name.
    Outside(Symbol),
    /// Something that every program has, by its name.
    Builtin(Symbol),
    List(Rc<Self>),
    Promise(Rc<Self>),
    /// One of these.
    Or(Rc<[Self]>),
    /// All of these at once: declarations that are merged.
    And(Rc<[Self]>),
}

/// What a name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Target {
    /// A definition.
    Def(FileIndex, Index),
    Module(FileIndex),
    /// A value without a name: its term and its node.
    Value(FileIndex, Index, i64),
    Outside(Symbol),
    Builtin(Symbol),
}

/// What was found before.
type Found<Key> = RefCell<HashMap<Key, Rc<[Target]>>>;

/// What is known of all files.
pub(super) struct Values<'n> {
    pub(super) files: &'n [Outline],
    pub(super) symbols: &'n Symbols,
    /// What each specifier of each file means.
    modules: Vec<Vec<Module>>,
    known: RefCell<HashMap<Place, Val>>,
    exported: Found<(FileIndex, Symbol)>,
    members: Found<(Place, bool, Symbol)>,
    depth: Cell<usize>,
    default: Symbol,
    constructor: Symbol,
    exports: Symbol,
}

impl<'n> Values<'n> {
    pub(super) fn new(files: &'n [Outline], paths: &Files, symbols: &'n Symbols) -> Self {
        let find = |file: &Outline| file.specifiers.iter().map(|text| paths.find(&file.path, text)).collect();
        Self {
            files,
            symbols,
            modules: files.iter().map(find).collect(),
            known: RefCell::default(),
            exported: RefCell::default(),
            members: RefCell::default(),
            depth: Cell::new(0),
            default: symbols.intern("default"),
            constructor: symbols.intern("constructor"),
            exports: symbols.intern("exports"),
        }
    }

    pub(super) fn def(&self, file: FileIndex, def: Index) -> Option<&'n super::outline::Def> {
        self.files.get(file).and_then(|file| at(&file.defs, def))
    }

    /// The value of a term.
    pub(super) fn value(&self, file: FileIndex, term: Index) -> Val {
        if let Some(known) = self.known.borrow().get(&(file, term)) {
            return known.clone();
        }
        let Some(outline) = self.files.get(file).filter(|_| self.depth.get() < MAX_DEPTH) else {
            return Val::Unknown;
        };
        self.depth.set(self.depth.get() + 1);
        // Parts come before what is made of them, however deep that is.
        let mut left = vec![term];
        while let Some(&next) = left.last() {
            if self.known.borrow().contains_key(&(file, next)) {
                left.pop();
                continue;
            }
            let open: Vec<Index> = parts(outline, next)
                .into_iter()
                .filter(|&part| part < next && !self.known.borrow().contains_key(&(file, part)))
                .collect();
            if open.is_empty() {
                left.pop();
                // What leads to itself is not known.
                self.known.borrow_mut().insert((file, next), Val::Unknown);
                let found = at(&outline.terms, next).map_or(Val::Unknown, |&term| self.compute(file, term));
                self.known.borrow_mut().insert((file, next), found);
            } else {
                left.extend(open);
            }
        }
        self.depth.set(self.depth.get() - 1);
        self.known.borrow().get(&(file, term)).cloned().unwrap_or_default()
    }

    fn compute(&self, file: FileIndex, term: Term) -> Val {
        let value = |index| self.value(file, index);
        match term {
            Term::Unknown => Val::Unknown,
            Term::Nothing => Val::Nothing,
            Term::Local(group, space) => self.all_of(&self.group(file, group, space), space),
            Term::Free(name) if name == self.exports => Val::Module(file),
            Term::Free(name) => self.free(name, ""),
            Term::FreeType(name) => self.free(name, ".prototype"),
            // `module.exports` of CommonJS.
            Term::Member(of, name, _) if name == self.exports && self.is_module(file, of) => {
                Val::Module(file)
            }
            Term::Member(of, name, space) => {
                let of = value(of);
                let found = self.member(&of, name, space);
                if matches!(of, Val::Or(_)) {
                    return one_of(found.iter().map(|&target| self.target_value(target, space)).collect());
                }
                self.all_of(&found, space)
            }
            Term::Call(callee) => self.called_value(file, callee),
            Term::New(callee) => self.made(&value(callee)),
            Term::Element(of) => self.element(&value(of)),
            Term::Await(of) => awaited(value(of)),
            Term::Object(shape) => Val::Object((file, shape)),
            Term::Class(shape) => Val::Class((file, shape)),
            Term::Base(shape, is_object) => self.base(file, shape, is_object),
            Term::Function(function) => Val::Function((file, function)),
            Term::Module(module) => self.module_value(file, module),
            Term::Builtin(name) => self.free(name, ".prototype"),
            Term::List(of) => list(value(of)),
            Term::Promise(of) => promise(value(of)),
            Term::Or(left, right) => one_of(vec![value(left), value(right)]),
            Term::And(left, right) => all(vec![value(left), value(right)]),
            Term::Generic(head, arguments) => self.generic(file, head, arguments),
        }
    }

    fn is_module(&self, file: FileIndex, term: Index) -> bool {
        let term = self.files.get(file).and_then(|outline| at(&outline.terms, term));
        matches!(term, Some(Term::Free(name)) if self.symbols.text(*name) == "module")
    }

    /// What a name means that no file binds, or what objects of it have.
    fn free(&self, name: Symbol, suffix: &str) -> Val {
        let text = self.symbols.text(name);
        match (text.as_str(), suffix) {
            ("Array" | "ReadonlyArray", ".prototype") => list(Val::Unknown),
            ("Promise" | "PromiseLike", ".prototype") => promise(Val::Unknown),
            ("undefined", _) => Val::Nothing,
            _ if globals::is_global(&text) => Val::Builtin(self.symbols.intern(&format!("{text}{suffix}"))),
            _ => Val::Unknown,
        }
    }

    /// The definitions that a name of a file means, through its imports.
    pub(super) fn group(&self, file: FileIndex, group: Index, space: Space) -> Vec<Target> {
        let defs = self.files.get(file).and_then(|outline| at(&outline.groups, group));
        let mut found = Vec::new();
        for &(def, own) in defs.into_iter().flatten() {
            if own == Space::Either || space == Space::Either || own == space {
                self.through_import(file, def, &mut found);
            }
        }
        self.chosen(&found, space)
    }

    fn through_import(&self, file: FileIndex, def: Index, found: &mut Vec<Target>) {
        let own = match self.def(file, def).map(|def| def.meaning) {
            Some(Meaning::Import(module, name)) => self.imported(file, module, name),
            _ => vec![Target::Def(file, def)],
        };
        for target in own {
            if !found.contains(&target) {
                found.push(target);
            }
        }
    }

    /// Of several definitions of a name those that a use in a space means: of a function the one with a text, of a variable
    /// the first.
    pub(super) fn chosen(&self, found: &[Target], space: Space) -> Vec<Target> {
        let mut kept: Vec<Target> = Vec::new();
        let mut function: Option<(usize, bool)> = None;
        let mut variable = false;
        for &target in found {
            let Target::Def(file, def) = target else {
                kept.push(target);
                continue;
            };
            let Some(def) = self.def(file, def).filter(|def| fits(def.kind, space)) else { continue };
            match def.meaning {
                Meaning::Function(_, has_body) => match function {
                    None => {
                        function = Some((kept.len(), has_body));
                        kept.push(target);
                    }
                    Some((place, false)) if has_body => {
                        function = Some((place, true));
                        if let Some(slot) = kept.get_mut(place) {
                            *slot = target;
                        }
                    }
                    Some(_) => {}
                },
                Meaning::Shape(_) | Meaning::Import(..) => kept.push(target),
                Meaning::Value(_) | Meaning::Getter(_) | Meaning::Alias(_) | Meaning::Unknown
                    if !variable =>
                {
                    variable = true;
                    kept.push(target);
                }
                Meaning::Value(_) | Meaning::Getter(_) | Meaning::Alias(_) | Meaning::Unknown => {}
            }
        }
        kept
    }

    /// The value of what a name leads to, of which everything is meant.
    fn all_of(&self, targets: &[Target], space: Space) -> Val {
        match targets {
            [one] => self.target_value(*one, space),
            _ => all(targets.iter().take(MAX_WAYS).map(|&target| self.target_value(target, space)).collect()),
        }
    }

    pub(super) fn target_value(&self, target: Target, space: Space) -> Val {
        match target {
            Target::Module(file) => self.module_file_value(file),
            Target::Value(file, term, _) => self.value(file, term),
            Target::Outside(name) => Val::Outside(name),
            Target::Builtin(name) => Val::Builtin(name),
            Target::Def(file, def) => match self.def(file, def).map(|def| def.meaning) {
                Some(Meaning::Value(term) | Meaning::Alias(term)) => self.value(file, term),
                Some(Meaning::Function(function, _)) => Val::Function((file, function)),
                Some(Meaning::Getter(function)) => self.result((file, function), None),
                Some(Meaning::Shape(shape)) => {
                    let kind =
                        self.files.get(file).and_then(|file| at(&file.shapes, shape)).map(|shape| shape.kind);
                    let is_class = kind == Some(ShapeKind::Class) && space != Space::Type;
                    if is_class { Val::Class((file, shape)) } else { Val::Object((file, shape)) }
                }
                Some(Meaning::Import(module, name)) => {
                    let found = self.imported(file, module, name);
                    let found = self.chosen(&found, space);
                    self.all_of(&found, space)
                }
                Some(Meaning::Unknown) | None => Val::Unknown,
            },
        }
    }

    /// The class that a class derives from, or an object of it.
    fn base(&self, file: FileIndex, shape: Index, is_object: bool) -> Val {
        let shape = self.files.get(file).and_then(|outline| at(&outline.shapes, shape));
        let Some(&base) = shape.and_then(|shape| shape.bases.first()) else { return Val::Unknown };
        let class = self.value(file, base);
        if is_object { self.made(&class) } else { class }
    }
}

/// The terms that a term is made of.
fn parts(outline: &Outline, term: Index) -> Vec<Index> {
    match at(&outline.terms, term) {
        Some(
            &(Term::Member(of, ..)
            | Term::Call(of)
            | Term::New(of)
            | Term::Element(of)
            | Term::Await(of)
            | Term::List(of)
            | Term::Promise(of)),
        ) => vec![of],
        Some(&(Term::Or(left, right) | Term::And(left, right))) => vec![left, right],
        Some(&Term::Generic(head, list)) => {
            let arguments = at(&outline.lists, list).into_iter().flatten().take(MAX_WAYS).copied();
            std::iter::once(head).chain(arguments).collect()
        }
        Some(
            Term::Unknown
            | Term::Nothing
            | Term::Local(..)
            | Term::Free(_)
            | Term::FreeType(_)
            | Term::Object(_)
            | Term::Class(_)
            | Term::Base(..)
            | Term::Function(_)
            | Term::Module(_)
            | Term::Builtin(_),
        )
        | None => Vec::new(),
    }
}

/// Whether a definition of this kind is found among values or types.
fn fits(kind: BindingKind, space: Space) -> bool {
    let is_type = matches!(kind, BindingKind::Interface | BindingKind::TypeParameter);
    let is_both = matches!(
        kind,
        BindingKind::Class
            | BindingKind::Enum
            | BindingKind::Module
            | BindingKind::Import
            | BindingKind::TypeAlias
    );
    match space {
        Space::Either => true,
        Space::Type => is_type || is_both || matches!(kind, BindingKind::Variant),
        Space::Value => !is_type,
    }
}
