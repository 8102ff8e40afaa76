//! Members: fields, variants, and what implementations and traits give a type.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use super::super::names::{Def, Names};
use super::super::outline::{Index, Item, Owner, Symbol, at};
use super::super::prelude;
use super::super::tree::FileIndex;
use super::super::unique;
use super::{Known, Ty, is_pointer};
use crate::lexical::BindingKind;

/// How often a type may give access to another.
const MAX_POINTERS: usize = 8;

/// An implementation.
#[derive(Clone, Copy, Debug)]
struct Implementation {
    file: FileIndex,
    index: Index,
    /// The trait, of the repository or not; none for members of the type's own.
    of_trait: Option<Def>,
}

/// The implementations of a repository.
pub(in super::super) struct Members<'n> {
    pub(in super::super) names: &'n Names<'n>,
    /// Those of traits, by the type or trait they are for.
    of_type: HashMap<Def, Vec<Implementation>>,
    /// What implementations without a trait have, by the type or trait they are for, and by name.
    inherent: HashMap<(Def, Symbol), Vec<(FileIndex, Index)>>,
    /// For every type that has the traits of a parameter.
    blanket: Vec<(Implementation, Vec<Def>)>,
    /// Positions and indexes of the parameters of types.
    pub(super) parameters: HashMap<(FileIndex, Index), Vec<(usize, Index)>>,
    pub(in super::super) known: RefCell<HashMap<Known, Ty>>,
}

impl<'n> Members<'n> {
    pub(in super::super) fn new(names: &'n Names<'n>) -> Self {
        let mut members = Self {
            names,
            of_type: HashMap::new(),
            inherent: HashMap::new(),
            blanket: Vec::new(),
            parameters: HashMap::new(),
            known: RefCell::default(),
        };
        members.parameters = members.parameters_of();
        let mut found = Vec::new();
        for file in 0..names.files.len() {
            let Some(place) = members.place(file, None) else { continue };
            for (index, own) in place.outline.impls.iter().enumerate() {
                let subject = members.self_type(place, Owner::Impl(index as Index));
                let of_trait = own.of_trait.map(|path| members.traits(place, &[path]));
                let of_trait = match of_trait.as_deref() {
                    None => None,
                    Some([one]) => Some(*one),
                    // A trait of which nobody knows which it is.
                    Some(_) => continue,
                };
                found.push((Implementation { file, index: index as Index, of_trait }, subject));
            }
        }
        let mut own: HashMap<(FileIndex, Index), Def> = HashMap::new();
        for (implementation, subject) in found {
            let def = match subject {
                Ty::Named(def, _) => Some(def),
                Ty::Traits(traits) => traits.first().copied(),
                Ty::Parameter(file, parameter) => {
                    let bounds = members.bounds(file, parameter);
                    members.blanket.push((implementation, bounds));
                    None
                }
                Ty::Unknown => None,
            };
            let Some(def) = def else { continue };
            if implementation.of_trait.is_some() {
                members.of_type.entry(def).or_default().push(implementation);
            } else {
                own.insert((implementation.file, implementation.index), def);
            }
        }
        members.add_inherent(&own);
        members
    }

    /// Sorts the members of implementations without a trait by what these are for and by name.
    fn add_inherent(&mut self, own: &HashMap<(FileIndex, Index), Def>) {
        for (file, outline) in self.names.files.iter().enumerate() {
            for (&(owner, name), members) in &outline.members {
                let Owner::Impl(index) = owner else { continue };
                let Some(&def) = own.get(&(file, index)) else { continue };
                let known = self.inherent.entry((def, name)).or_default();
                known.extend(members.iter().map(|&member| (file, member)));
            }
        }
        self.inherent.values_mut().for_each(|members| members.sort_unstable());
    }

    /// The members of this name of the implementations without a trait for a type or trait.
    fn of_own(
        &self,
        def: Def,
        ty: &Ty,
        name: Symbol,
        wanted: fn(&Item) -> bool,
    ) -> impl Iterator<Item = Def> {
        let members = self.inherent.get(&(def, name)).into_iter().flatten().copied();
        let is_it = move |&(file, member): &(FileIndex, Index)| {
            let item = self.names.item(file, member).filter(|&item| wanted(item));
            item.is_some_and(|item| match item.owner {
                Some(Owner::Impl(index)) => self.may_be(file, index, ty),
                _ => true,
            })
        };
        members.filter(is_it).map(|(file, member)| Def::Item(file, member))
    }

    fn bounds(&self, file: FileIndex, parameter: Index) -> Vec<Def> {
        let Some(place) = self.place(file, None) else { return Vec::new() };
        let paths =
            at(&place.outline.parameters, parameter).map(|own| own.bounds.as_slice()).unwrap_or_default();
        self.traits(place, paths).to_vec()
    }

    /// The members of this name that an implementation, type or trait has itself.
    fn own(&self, file: FileIndex, owner: Owner, name: Symbol, wanted: fn(&Item) -> bool) -> Vec<Def> {
        let Some(outline) = self.names.files.get(file) else { return Vec::new() };
        let members = outline.members.get(&(owner, name)).map(Vec::as_slice).unwrap_or_default();
        let is_it = |&member: &Index| at(&outline.items, member).is_some_and(wanted);
        members.iter().copied().filter(is_it).map(|member| Def::Item(file, member)).collect()
    }

    /// What `Type::name` names.
    pub(in super::super) fn associated(&self, ty: &Ty, name: Symbol) -> Vec<Def> {
        self.find(ty, name, |item| item.kind != BindingKind::Field)
    }

    /// What `<Type as Trait>::name` names: of the type's implementation, if it says, else of the trait.
    pub(in super::super) fn implemented(&self, ty: &Ty, of_trait: Def, name: Symbol) -> Vec<Def> {
        let wanted = |item: &Item| item.kind != BindingKind::Field;
        let implementations = ty.named().and_then(|def| self.of_type.get(&def)).map(Vec::as_slice);
        let of_type = implementations.unwrap_or_default().iter().filter(|own| own.of_trait == Some(of_trait));
        let found: Vec<Def> =
            of_type.flat_map(|own| self.own(own.file, Owner::Impl(own.index), name, wanted)).collect();
        match of_trait {
            _ if !found.is_empty() => unique(found),
            Def::Item(file, item) => self.own(file, Owner::Item(item), name, wanted),
            Def::Outside(path) => vec![self.names.beyond(path, name)],
            Def::Module(_) => Vec::new(),
        }
    }

    /// What `value.name()` calls.
    pub(super) fn method(&self, ty: &Ty, name: Symbol) -> Vec<Def> {
        self.method_at(ty, name).0
    }

    /// What `value.name()` calls, and the type that has it. A reference or pointer gives access to what it points to.
    pub(in super::super) fn method_at(&self, ty: &Ty, name: Symbol) -> (Vec<Def>, Ty) {
        let mut current = ty.clone();
        for _ in 0..MAX_POINTERS {
            let found = self.find(&current, name, |item| item.takes_self);
            if !found.is_empty() {
                return (found, current);
            }
            match self.target(&current, name) {
                Some(target) => current = target,
                None => break,
            }
        }
        (Vec::new(), current)
    }

    /// What `value.name` names, and the type that has it.
    pub(in super::super) fn field(&self, ty: &Ty, name: Symbol) -> (Vec<Def>, Ty) {
        let mut current = ty.clone();
        for _ in 0..MAX_POINTERS {
            if let Ty::Named(Def::Item(file, item), _) = current {
                let own = self.own(file, Owner::Item(item), name, |item| item.kind == BindingKind::Field);
                if !own.is_empty() {
                    return (own, current);
                }
            }
            match self.target(&current, name) {
                Some(target) => current = target,
                None => break,
            }
        }
        (Vec::new(), current)
    }

    /// The type behind pointers of the standard library.
    pub(in super::super) fn pointee(&self, ty: &Ty) -> Ty {
        let mut current = ty.clone();
        for _ in 0..MAX_POINTERS {
            match &current {
                Ty::Named(Def::Outside(path), arguments) if is_pointer(&self.names.symbols.text(*path)) => {
                    let Some(inner) = arguments.first().cloned() else { break };
                    current = inner;
                }
                Ty::Unknown | Ty::Named(..) | Ty::Traits(_) | Ty::Parameter(..) => break,
            }
        }
        current
    }

    /// The type that a value gives access to when it has not the method itself.
    pub(super) fn target(&self, ty: &Ty, method: Symbol) -> Option<Ty> {
        let Ty::Named(def, arguments) = ty else { return None };
        if let Def::Outside(path) = def {
            let gives = is_pointer(&self.names.symbols.text(*path));
            let has = prelude::is_of_pointer(&self.names.symbols.text(method));
            return arguments.first().filter(|_| gives && !has).cloned();
        }
        let own = self.implementation_of(*def, "Deref")?;
        self.alias_of(own, "Target", ty)
    }

    /// Whether a type gives access to another by an implementation of the repository.
    pub(super) fn is_pointer_here(&self, ty: &Ty) -> bool {
        ty.named().is_some_and(|def| self.implementation_of(def, "Deref").is_some())
    }

    /// What is gone through when a value is, by what its type's implementations say.
    pub(super) fn iterated(&self, ty: &Ty) -> Option<Ty> {
        let def = ty.named()?;
        let own = self
            .implementation_of(def, "Iterator")
            .or_else(|| self.implementation_of(def, "IntoIterator"))?;
        self.alias_of(own, "Item", ty)
    }

    /// What stands at an index of a value, by what its type's implementation says.
    pub(super) fn output(&self, ty: &Ty) -> Option<Ty> {
        let own = self.implementation_of(ty.named()?, "Index")?;
        self.alias_of(own, "Output", ty)
    }

    /// The first implementation for a type of a trait of this name from outside.
    fn implementation_of(&self, def: Def, name: &str) -> Option<Implementation> {
        let of_type = self.of_type.get(&def)?.iter();
        let mut named =
            of_type.filter(|own| own.of_trait.is_some_and(|of_trait| self.is_named(of_trait, name)));
        named.next().copied()
    }

    /// What a type that an implementation names stands for.
    fn alias_of(&self, own: Implementation, name: &str, ty: &Ty) -> Option<Ty> {
        let name = self.names.symbols.intern(name);
        let is_alias = |item: &Item| item.kind == BindingKind::TypeAlias;
        match self.own(own.file, Owner::Impl(own.index), name, is_alias).as_slice() {
            &[Def::Item(file, item)] => {
                let written =
                    self.written(self.place(file, None)?, self.names.item(file, item)?.ty?, None, 0);
                Some(self.substituted(&written, &self.of_owner(own.file, Some(Owner::Impl(own.index)), ty)))
            }
            _ => None,
        }
    }

    fn is_named(&self, def: Def, name: &str) -> bool {
        match def {
            Def::Outside(path) => self.names.symbols.text(path).rsplit("::").next() == Some(name),
            Def::Item(..) | Def::Module(_) => false,
        }
    }

    fn find(&self, ty: &Ty, name: Symbol, wanted: fn(&Item) -> bool) -> Vec<Def> {
        match ty {
            Ty::Unknown => Vec::new(),
            Ty::Named(def, _) => self.of_named(*def, ty, name, wanted),
            Ty::Traits(traits) => self.of_traits(traits, name, wanted),
            Ty::Parameter(file, parameter) => self.of_traits(&self.bounds(*file, *parameter), name, wanted),
        }
    }

    /// Members of a type: its own before those of its traits, and these before what holds for all types.
    fn of_named(&self, def: Def, ty: &Ty, name: Symbol, wanted: fn(&Item) -> bool) -> Vec<Def> {
        let mut found = Vec::new();
        if let Def::Item(file, item) = def {
            found = self.own(file, Owner::Item(item), name, wanted);
        } else if self.is_standard_method(ty, name) {
            return found;
        }
        found.extend(self.of_own(def, ty, name, wanted));
        if !found.is_empty() {
            return found;
        }
        let implementations = self.of_type.get(&def).map(Vec::as_slice).unwrap_or_default();
        // What is gone through has this trait.
        let mut traits: HashSet<Def> = self.is_named(def, "Iterator").then_some(def).into_iter().collect();
        for own in implementations.iter().filter(|own| self.may_be(own.file, own.index, ty)) {
            let Some(of_trait) = own.of_trait else { continue };
            // A type and a trait from outside may have other implementations there.
            if matches!((def, of_trait), (Def::Outside(_), Def::Outside(_))) {
                continue;
            }
            let members = self.own(own.file, Owner::Impl(own.index), name, wanted);
            match of_trait {
                Def::Item(file, item) if members.is_empty() => {
                    found.extend(self.own(file, Owner::Item(item), name, wanted));
                }
                Def::Item(..) | Def::Module(_) | Def::Outside(_) => found.extend(members),
            }
            traits.insert(of_trait);
        }
        if let Some(derived) = self.derived(def, name) {
            found.push(derived);
        }
        if found.is_empty() {
            found = self.of_all(&traits, name, wanted);
        }
        unique(found)
    }

    /// The method of a trait that the type derives.
    fn derived(&self, def: Def, name: Symbol) -> Option<Def> {
        let Def::Item(file, item) = def else { return None };
        let text = self.names.symbols.text(name);
        let of_trait = prelude::derived_trait(&text)?;
        let derives = &self.names.item(file, item)?.attributes.derives;
        derives
            .contains(&self.names.symbols.intern(of_trait))
            .then(|| Def::Outside(self.names.symbols.intern(&format!("{of_trait}::{text}"))))
    }

    /// Members that a value has which is only known to have these traits: theirs, and those of the traits they ask for.
    fn of_traits(&self, traits: &[Def], name: Symbol, wanted: fn(&Item) -> bool) -> Vec<Def> {
        let mut seen = HashSet::new();
        let mut pending: Vec<Def> = traits.to_vec();
        let mut found = Vec::new();
        while let Some(def) = pending.pop() {
            let Def::Item(file, item) = def else { continue };
            if !seen.insert(def) {
                continue;
            }
            found.extend(self.own(file, Owner::Item(item), name, wanted));
            found.extend(self.of_own(def, &Ty::Unknown, name, wanted));
            let asked = self.names.files.get(file).and_then(|outline| outline.supertraits.get(&item));
            if let (Some(asked), Some(place)) = (asked, self.place(file, None)) {
                pending.extend(self.traits(place, asked).iter().copied());
            }
        }
        if found.is_empty() {
            found = self.of_all(&seen, name, wanted);
        }
        unique(found)
    }

    /// Whether a trait is among these; those from outside have many paths, and are compared by their last names.
    fn has_trait(&self, traits: &HashSet<Def>, wanted: Def) -> bool {
        let Def::Outside(path) = wanted else { return traits.contains(&wanted) };
        let text = self.names.symbols.text(path);
        let last = text.rsplit("::").next().unwrap_or(&text);
        traits.iter().any(|&known| self.is_named(known, last))
    }

    /// Members of the implementations for all types that have some of these traits.
    fn of_all(&self, traits: &HashSet<Def>, name: Symbol, wanted: fn(&Item) -> bool) -> Vec<Def> {
        let mut found = Vec::new();
        for (own, bounds) in &self.blanket {
            let has = |bound: &Def| self.has_trait(traits, *bound) || prelude_marker(self, *bound);
            if !bounds.iter().all(has) {
                continue;
            }
            let members = self.own(own.file, Owner::Impl(own.index), name, wanted);
            match own.of_trait {
                Some(Def::Item(file, item)) if members.is_empty() => {
                    found.extend(self.own(file, Owner::Item(item), name, wanted));
                }
                _ => found.extend(members),
            }
        }
        unique(found)
    }
}

fn prelude_marker(members: &Members<'_>, bound: Def) -> bool {
    match bound {
        Def::Outside(path) => {
            let path = members.names.symbols.text(path);
            path.rsplit("::").next().is_some_and(prelude::is_marker)
        }
        Def::Item(..) | Def::Module(_) => false,
    }
}
