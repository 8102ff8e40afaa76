//! Types: what paths through them name, which type one that is written is; which members it has ([`members`]); and which
//! type a value has ([`values`]), as far as signatures say it.

mod generics;
mod members;
mod standard;
mod values;

use std::rc::Rc;

use super::names::{Def, Trail};
use super::outline::{Entry, Head, Index, Outline, Owner, Path, Space, Symbol, TypeRef, at};
use super::prelude;
use super::tree::{FileIndex, ModuleIndex};
use super::unique;
use crate::lexical::BindingKind;
pub(super) use members::Members;

/// How deep types are followed into one another.
const MAX_DEPTH: usize = 16;

/// Names of the language's types that have no path.
pub(super) const SLICE: &str = "[]";
pub(super) const ARRAY: &str = "[;]";
pub(super) const TUPLE: &str = "()";
pub(super) const FUNCTION: &str = "fn";
/// The type of a closure, by what it returns.
const VALUE_OF_CLOSURE: &str = "||";

/// A type.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Ty {
    #[default]
    Unknown,
    /// A type of the repository or outside, with its arguments.
    Named(Def, Rc<[Ty]>),
    /// Something that has these traits: `dyn`, `impl`, `Self` of a trait.
    Traits(Rc<[Def]>),
    /// A parameter of the file.
    Parameter(FileIndex, Index),
}

impl Ty {
    /// The name and arguments of a type from outside.
    fn outside(&self) -> Option<(Symbol, &[Self])> {
        match self {
            Self::Named(Def::Outside(name), arguments) => Some((*name, arguments)),
            Self::Unknown | Self::Named(..) | Self::Traits(_) | Self::Parameter(..) => None,
        }
    }

    /// What the type is called, without its arguments.
    fn named(&self) -> Option<Def> {
        if let Self::Named(def, _) = self { Some(*def) } else { None }
    }
}

/// A type that is asked for again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Known {
    Alias(FileIndex, Index),
    /// What an implementation is for, where its file is this module.
    Subject(ModuleIndex, Index),
}

/// A file as a module of a crate: where the indexes of an outline are looked up.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    pub(super) file: FileIndex,
    pub(super) outline: &'p Outline,
    /// The module that is the file; those of its containers follow it.
    pub(super) base: ModuleIndex,
}

impl Place<'_> {
    fn module(&self, container: Index) -> ModuleIndex {
        self.base + container as usize
    }
}

impl<'n> Members<'n> {
    /// A place in which an item of a file is understood; in the crate of `near` when the file is a module there.
    pub(super) fn place(&self, file: FileIndex, near: Option<ModuleIndex>) -> Option<Place<'n>> {
        let instances = self.names.tree.instances.get(file)?.first()?;
        let crate_of = |module: ModuleIndex| self.names.tree.modules.get(module).map(|own| own.crate_index);
        let same = near.and_then(|near| instances.iter().find(|&&own| crate_of(own) == crate_of(near)));
        let base = *same.or_else(|| instances.first())?;
        Some(Place { file, outline: self.names.files.get(file)?, base })
    }

    /// What each name of a path names, in the given namespace for the last of them.
    pub(super) fn path(&self, place: Place<'n>, path: Index, space: Space) -> Vec<Vec<Def>> {
        let Some(path) = at(&place.outline.paths, path) else { return Vec::new() };
        let count = path.segments.len();
        let space_of = |position: usize| if position + 1 == count { space } else { Space::Type };
        let mut found: Vec<Vec<Def>> = Vec::with_capacity(count);
        let Some(&first) = path.segments.first() else { return found };
        let mut subject = Ty::Unknown;
        if let Head::Qualified { ty, of_trait } = path.head {
            found.push(self.qualified(place, ty, of_trait, first));
        } else {
            found.push(self.head(place, path, first, space_of(0)));
            subject = self.head_type(place, path).unwrap_or(subject);
        }
        for (position, &name) in path.segments.iter().enumerate().skip(1) {
            let before = found.last().cloned().unwrap_or_default();
            let next = match subject {
                Ty::Unknown => self.below(place, path, &before, name, space_of(position)),
                known @ (Ty::Named(..) | Ty::Traits(_) | Ty::Parameter(..)) => {
                    let own = self.of_this(place, path, name);
                    if own.is_empty() { self.associated(&known, name) } else { own }
                }
            };
            subject = Ty::Unknown;
            found.push(next);
        }
        found
    }

    /// The type of this name that `Self::name` means in an implementation of a trait which gives it.
    fn of_this(&self, place: Place<'n>, path: &Path, name: Symbol) -> Vec<Def> {
        let Head::SelfType(owner @ Owner::Impl(index)) = path.head else { return Vec::new() };
        if at(&place.outline.impls, index).is_none_or(|own| own.of_trait.is_none()) {
            return Vec::new();
        }
        let members = place.outline.members.get(&(owner, name)).into_iter().flatten().copied();
        let types = members.map(|member| Def::Item(place.file, member));
        types.filter(|&def| self.kind_of(def) == Some(BindingKind::TypeAlias)).collect()
    }

    /// What `<Type>::name` and `<Type as Trait>::name` name.
    fn qualified(&self, place: Place<'n>, ty: Index, of_trait: Option<Index>, name: Symbol) -> Vec<Def> {
        let ty = self.written(place, ty, None, 0);
        let Some(of_trait) = of_trait else { return self.associated(&ty, name) };
        match self.path(place, of_trait, Space::Type).pop().unwrap_or_default().as_slice() {
            &[of_trait] => self.implemented(&ty, of_trait, name),
            _ => Vec::new(),
        }
    }

    /// The type that a path begins with, when the file says that it is a parameter or `Self`.
    fn head_type(&self, place: Place<'n>, path: &Path) -> Option<Ty> {
        match path.head {
            Head::Parameter(parameter) => Some(Ty::Parameter(place.file, parameter)),
            Head::SelfType(owner) => Some(self.self_type(place, owner)),
            Head::Free | Head::Entry(_) | Head::Local | Head::Global | Head::Qualified { .. } => None,
        }
    }

    fn head(&self, place: Place<'n>, path: &Path, name: Symbol, space: Space) -> Vec<Def> {
        let module = place.module(path.container);
        let names = self.names;
        let trail = &mut Trail::new();
        match path.head {
            Head::Global => names.global(module, name, trail),
            Head::Entry(entry) => {
                let nearer = self.in_blocks(place, path.container, entry, name, space);
                if nearer.is_empty() { self.entry(place, entry, name, space) } else { nearer }
            }
            Head::SelfType(owner) => self.self_type(place, owner).named().into_iter().collect(),
            Head::Free => match names.relative(module, name) {
                Some(own) => own.into_iter().collect(),
                None => names.in_scope(module, name, space, trail),
            },
            Head::Parameter(_) | Head::Local | Head::Qualified { .. } => Vec::new(),
        }
    }

    /// What a name is that the file declares: all that its module has of that name, if it stands in one.
    fn entry(&self, place: Place<'n>, entry: Entry, name: Symbol, space: Space) -> Vec<Def> {
        let names = self.names;
        let trail = &mut Trail::new();
        match entry {
            Entry::Item(index) => {
                let own = Def::Item(place.file, index);
                let Some(item) = at(&place.outline.items, index) else { return Vec::new() };
                let module = place.module(item.container);
                let all = names.in_module(module, name, space, module, trail);
                let is_module = item.kind == BindingKind::Module && item.owner.is_none();
                if all.contains(&own) || (is_module && !all.is_empty()) { all } else { vec![own] }
            }
            Entry::Use(index) => {
                let Some(used) = at(&place.outline.uses, index) else { return Vec::new() };
                let module = place.module(used.container);
                let all = names.in_module(module, name, space, module, trail);
                if all.is_empty() { names.import(module, used, space, trail) } else { all }
            }
        }
    }

    /// What the blocks between a place and the declaration that the file gives for a name bring with all names of others.
    fn in_blocks(&self, place: Place<'n>, from: Index, entry: Entry, name: Symbol, space: Space) -> Vec<Def> {
        let outline = place.outline;
        let declared = match entry {
            Entry::Item(item) => at(&outline.items, item).map(|item| item.container),
            Entry::Use(used) => at(&outline.uses, used).map(|used| used.container),
        };
        let mut current = Some(from).filter(|&from| Some(from) != declared);
        while let Some(container) = current {
            let Some(own) = at(&outline.containers, container).filter(|own| own.is_block) else { break };
            if !own.globs.is_empty() {
                let module = place.module(container);
                let mut found = self.names.in_module(module, name, space, module, &mut Trail::new());
                found.retain(|def| !matches!(def, Def::Outside(_)));
                if !found.is_empty() {
                    return found;
                }
            }
            current = own.parent.filter(|&parent| Some(parent) != declared);
        }
        Vec::new()
    }

    fn below(&self, place: Place<'n>, path: &Path, before: &[Def], name: Symbol, space: Space) -> Vec<Def> {
        let module = place.module(path.container);
        let mut found = Vec::new();
        for &def in before {
            match def {
                Def::Module(inside) => match self.names.relative(inside, name) {
                    Some(own) => found.extend(own),
                    None => {
                        found.extend(self.names.in_module(inside, name, space, module, &mut Trail::new()))
                    }
                },
                Def::Outside(path) if before.len() == 1 => {
                    let ty = Ty::Named(def, Rc::from([]));
                    let own = self.associated(&ty, name);
                    found.extend(if own.is_empty() { vec![self.names.beyond(path, name)] } else { own });
                }
                Def::Outside(_) => {}
                Def::Item(file, item) => found.extend(self.associated(&self.item_type(file, item, 0), name)),
            }
        }
        unique(found)
    }

    /// The type that an item is or stands for.
    pub(super) fn item_type(&self, file: FileIndex, index: Index, depth: usize) -> Ty {
        let Some(item) = self.names.item(file, index).filter(|_| depth < MAX_DEPTH) else {
            return Ty::Unknown;
        };
        let def = Def::Item(file, index);
        match item.kind {
            BindingKind::Struct | BindingKind::Enum | BindingKind::Union => Ty::Named(def, Rc::from([])),
            BindingKind::Trait => Ty::Traits(Rc::from([def])),
            BindingKind::TypeAlias => match (item.ty, self.place(file, None)) {
                (Some(ty), Some(place)) => {
                    self.once(Known::Alias(file, index), || self.written(place, ty, None, depth + 1))
                }
                _ => Ty::Unknown,
            },
            BindingKind::Function
            | BindingKind::AsyncFunction
            | BindingKind::Method
            | BindingKind::Class
            | BindingKind::Interface
            | BindingKind::Variant
            | BindingKind::Field
            | BindingKind::SelfType
            | BindingKind::TypeParameter
            | BindingKind::Module
            | BindingKind::Const
            | BindingKind::Static
            | BindingKind::Macro
            | BindingKind::Parameter
            | BindingKind::Variable
            | BindingKind::Import => Ty::Unknown,
        }
    }

    /// A type that may lead to itself, found once: inside of itself it is not known.
    fn once(&self, key: Known, find: impl FnOnce() -> Ty) -> Ty {
        if let Some(known) = self.known.borrow().get(&key) {
            return known.clone();
        }
        self.known.borrow_mut().insert(key, Ty::Unknown);
        let found = find();
        let mut known = self.known.borrow_mut();
        if self.names.is_exhausted() {
            known.remove(&key);
        } else {
            known.insert(key, found.clone());
        }
        found
    }

    /// `Self`.
    pub(super) fn self_type(&self, place: Place<'n>, owner: Owner) -> Ty {
        match owner {
            Owner::Impl(index) => match at(&place.outline.impls, index) {
                Some(own) if own.subject != Index::MAX => {
                    self.once(Known::Subject(place.base, index), || self.written(place, own.subject, None, 1))
                }
                _ => Ty::Unknown,
            },
            Owner::Item(item) => self.item_type(place.file, item, 0),
        }
    }

    /// A type as it is written, where `Self` of a trait is `receiver`.
    pub(super) fn written(&self, place: Place<'n>, ty: Index, receiver: Option<&Ty>, depth: usize) -> Ty {
        let Some(ty) = at(&place.outline.types, ty).filter(|_| depth < MAX_DEPTH) else { return Ty::Unknown };
        let inner = |list: &[Index]| -> Rc<[Ty]> {
            list.iter().map(|&ty| self.written(place, ty, receiver, depth + 1)).collect()
        };
        match ty {
            TypeRef::Unknown => Ty::Unknown,
            TypeRef::BuiltIn { name, arguments } => Ty::Named(Def::Outside(*name), inner(arguments)),
            TypeRef::Traits(paths) => Ty::Traits(self.traits(place, paths)),
            TypeRef::Path { path, arguments } => {
                let Some(read) = at(&place.outline.paths, *path) else { return Ty::Unknown };
                let named = match (read.head, read.segments.len()) {
                    (Head::Parameter(parameter), 1) => return Ty::Parameter(place.file, parameter),
                    (Head::SelfType(Owner::Item(_)), 1) if receiver.is_some() => {
                        return receiver.cloned().unwrap_or(Ty::Unknown);
                    }
                    (Head::SelfType(owner), 1) if depth == 0 => return self.self_type(place, owner),
                    (Head::SelfType(Owner::Item(_)), 2) if receiver.is_some() => {
                        let name = read.segments.last().copied();
                        let of = receiver.unwrap_or(&Ty::Unknown);
                        name.map(|name| self.associated(of, name)).unwrap_or_default()
                    }
                    _ => self.path(place, *path, Space::Type).pop().unwrap_or_default(),
                };
                let [def] = named.as_slice() else { return Ty::Unknown };
                match (*def, self.kind_of(*def)) {
                    (Def::Outside(path), _) => {
                        Ty::Named(Def::Outside(self.canonical(path)), inner(arguments))
                    }
                    (Def::Item(file, item), Some(BindingKind::TypeAlias)) => {
                        let alias = self.item_type(file, item, depth + 1);
                        self.substituted(&alias, &self.own_parameters(file, item, &inner(arguments)))
                    }
                    (Def::Item(file, item), Some(BindingKind::Trait)) => {
                        self.item_type(file, item, depth + 1)
                    }
                    (Def::Item(..), Some(BindingKind::Struct | BindingKind::Enum | BindingKind::Union)) => {
                        Ty::Named(*def, inner(arguments))
                    }
                    _ => Ty::Unknown,
                }
            }
        }
    }

    pub(super) fn kind_of(&self, def: Def) -> Option<BindingKind> {
        match def {
            Def::Item(file, item) => self.names.item(file, item).map(|item| item.kind),
            Def::Module(_) | Def::Outside(_) => None,
        }
    }

    /// The traits that paths name.
    pub(super) fn traits(&self, place: Place<'n>, paths: &[Index]) -> Rc<[Def]> {
        paths.iter().flat_map(|&path| self.path(place, path, Space::Type).pop().unwrap_or_default()).collect()
    }
}

/// Whether something outside is a pointer to its first argument.
pub(super) fn is_pointer(path: &str) -> bool {
    path.rsplit("::").next().is_some_and(prelude::is_pointer)
}
