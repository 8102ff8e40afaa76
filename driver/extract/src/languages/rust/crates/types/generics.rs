//! Type parameters: what they stand for in one use of a type or function.

use std::collections::HashMap;
use std::rc::Rc;

use super::super::names::Def;
use super::super::outline::{Index, Owner, Symbol};
use super::super::tree::FileIndex;
use super::{Members, Ty};

/// How deep types are compared with one another.
const MAX_DEPTH: usize = 8;

/// What parameters stand for, by the files and indexes of the parameters.
pub(super) type Bindings = HashMap<(FileIndex, Index), Ty>;

impl Members<'_> {
    /// A type with what its parameters stand for; of others nothing is known.
    pub(super) fn substituted(&self, ty: &Ty, bindings: &Bindings) -> Ty {
        match ty {
            Ty::Parameter(file, parameter) => {
                bindings.get(&(*file, *parameter)).cloned().unwrap_or(Ty::Unknown)
            }
            Ty::Named(def, arguments) => {
                let arguments = arguments.iter().map(|argument| self.substituted(argument, bindings));
                Ty::Named(*def, arguments.collect())
            }
            Ty::Unknown | Ty::Traits(_) => ty.clone(),
        }
    }

    /// The parameters of an item, with what stands in their places.
    pub(super) fn own_parameters(&self, file: FileIndex, item: Index, arguments: &[Ty]) -> Bindings {
        let parameters = self.parameters.get(&(file, item)).map(Vec::as_slice).unwrap_or_default();
        let bound = parameters
            .iter()
            .filter_map(|&(position, parameter)| Some(((file, parameter), arguments.get(position)?.clone())));
        bound.collect()
    }

    /// What the members of a type or of an implementation for it know of its parameters.
    pub(super) fn of_owner(&self, file: FileIndex, owner: Option<Owner>, ty: &Ty) -> Bindings {
        let mut bindings = Bindings::new();
        match (owner, ty) {
            (Some(Owner::Impl(index)), _) => {
                if let Some(place) = self.place(file, None) {
                    let subject = self.self_type(place, Owner::Impl(index));
                    bind(&subject, ty, &mut bindings, 0);
                }
            }
            (Some(Owner::Item(item)), Ty::Named(def, arguments)) if *def == Def::Item(file, item) => {
                bindings = self.own_parameters(file, item, arguments);
            }
            _ => {}
        }
        bindings
    }

    /// Positions and indexes of the parameters of each type, by its file and item.
    pub(super) fn parameters_of(&self) -> HashMap<(FileIndex, Index), Vec<(usize, Index)>> {
        let mut found: HashMap<(FileIndex, Index), Vec<(usize, Index)>> = HashMap::new();
        for (file, outline) in self.names.files.iter().enumerate() {
            for (index, parameter) in outline.parameters.iter().enumerate() {
                let Some((item, position)) = parameter.of_item else { continue };
                found.entry((file, item)).or_default().push((position, index as Index));
            }
        }
        found
    }

    /// The path of something in the standard library by its last name, where that is the type's usual one.
    pub(super) fn canonical(&self, path: Symbol) -> Symbol {
        let text = self.names.symbols.text(path);
        match text.split_once("::") {
            Some(("std" | "core" | "alloc", rest)) => {
                let last = rest.rsplit("::").next().unwrap_or(rest);
                self.names.symbols.intern(last)
            }
            _ => path,
        }
    }

    /// Whether an implementation for `subject` may be one for a type.
    pub(super) fn may_be(&self, file: FileIndex, implementation: Index, ty: &Ty) -> bool {
        let Some(place) = self.place(file, None) else { return true };
        fits(&self.self_type(place, Owner::Impl(implementation)), ty, 0)
    }
}

/// Notes what the parameters in `pattern` are when it is `ty`.
pub(super) fn bind(pattern: &Ty, ty: &Ty, bindings: &mut Bindings, depth: usize) {
    match (pattern, ty) {
        (_, Ty::Unknown) => {}
        (Ty::Parameter(file, parameter), _) => {
            bindings.entry((*file, *parameter)).or_insert_with(|| ty.clone());
        }
        (Ty::Named(left, inner), Ty::Named(right, other)) if left == right && depth < MAX_DEPTH => {
            inner.iter().zip(other.iter()).for_each(|(inner, other)| bind(inner, other, bindings, depth + 1));
        }
        _ => {}
    }
}

/// Whether two types may be the same, where parameters may be any type.
fn fits(left: &Ty, right: &Ty, depth: usize) -> bool {
    match (left, right) {
        (Ty::Named(left, inner), Ty::Named(right, other)) => {
            left == right
                && (depth >= MAX_DEPTH
                    || inner.iter().zip(other.iter()).all(|(inner, other)| fits(inner, other, depth + 1)))
        }
        _ => true,
    }
}

/// A type of the language or its library, by its name.
pub(super) fn named(members: &Members<'_>, name: &str, arguments: Vec<Ty>) -> Ty {
    Ty::Named(Def::Outside(members.names.symbols.intern(name)), Rc::from(arguments))
}
