//! Values: which type an expression has, by what it is made of.

use std::rc::Rc;

use super::super::names::Def;
use super::super::outline::{Expr, Head, Index, Owner, Space, Symbol, at};
use super::super::tree::FileIndex;
use super::{Members, Place, Ty};
use crate::lexical::BindingKind;

impl<'n> Members<'n> {
    /// The types of all expressions of a file, in their order: parts come first.
    pub(in super::super) fn exprs(&self, place: Place<'n>) -> Vec<Ty> {
        let mut types: Vec<Ty> = Vec::with_capacity(place.outline.exprs.len());
        for &expr in &place.outline.exprs {
            let known = |index: Index| at(&types, index).unwrap_or(&Ty::Unknown);
            let ty = match expr {
                Expr::Unknown => Ty::Unknown,
                Expr::Typed(ty) => self.written(place, ty, None, 0),
                Expr::Path(path) => self.value(place, path),
                Expr::Call(path) => self.returned(place, path),
                Expr::Struct(path) => self.constructed(place, path),
                Expr::Receiver(owner) => self.self_type(place, owner),
                Expr::Method(of, name) => self.method_type(place, known(of), name),
                Expr::Field(of, name) => self.field_type(place, known(of), name),
                Expr::Inside(of) => inside(self, known(of)),
            };
            types.push(ty);
        }
        types
    }

    /// The type of the value that a path names: a constant's, or that of a structure or variant without fields.
    fn value(&self, place: Place<'n>, path: Index) -> Ty {
        match self.path(place, path, Space::Value).pop().unwrap_or_default().as_slice() {
            &[Def::Item(file, item)] => {
                self.constructor(place, file, item, &[BindingKind::Const, BindingKind::Static])
            }
            _ => Ty::Unknown,
        }
    }

    /// The type of what a call of a path gives.
    fn returned(&self, place: Place<'n>, path: Index) -> Ty {
        match self.path(place, path, Space::Value).pop().unwrap_or_default().as_slice() {
            &[Def::Item(file, item)] => {
                let before = self.path_owner(place, path);
                match self.kind_of(Def::Item(file, item)) {
                    Some(BindingKind::Function | BindingKind::Method) => {
                        self.result(place, file, item, before.as_ref())
                    }
                    _ => self.constructor(place, file, item, &[]),
                }
            }
            _ => Ty::Unknown,
        }
    }

    /// The type in front of the last name of a path.
    fn path_owner(&self, place: Place<'n>, path: Index) -> Option<Ty> {
        let read = at(&place.outline.paths, path)?;
        if read.segments.len() < 2 {
            return None;
        }
        match self.head_type(place, read) {
            Some(ty) if read.segments.len() == 2 => Some(ty),
            _ => {
                let mut found = self.path(place, path, Space::Value);
                found.pop();
                match found.pop()?.as_slice() {
                    &[Def::Item(file, item)] => Some(self.item_type(file, item, 0)),
                    _ => None,
                }
            }
        }
    }

    /// The type of a structure's or variant's value, or of an item of one of these kinds.
    fn constructor(&self, place: Place<'n>, file: FileIndex, index: Index, typed: &[BindingKind]) -> Ty {
        let Some(item) = self.names.item(file, index) else { return Ty::Unknown };
        match (item.kind, item.owner) {
            (BindingKind::Struct, _) => Ty::Named(Def::Item(file, index), Rc::from([])),
            (BindingKind::Variant, Some(Owner::Item(owner))) => {
                Ty::Named(Def::Item(file, owner), Rc::from([]))
            }
            (kind, _) if typed.contains(&kind) => self.result(place, file, index, None),
            _ => Ty::Unknown,
        }
    }

    fn constructed(&self, place: Place<'n>, path: Index) -> Ty {
        if let Some(Head::SelfType(owner)) = at(&place.outline.paths, path).map(|path| path.head) {
            return self.self_type(place, owner);
        }
        match self.path(place, path, Space::Type).pop().unwrap_or_default().as_slice() {
            &[Def::Item(file, item)] => match self.item_type(file, item, 0) {
                Ty::Unknown => self.constructor(place, file, item, &[]),
                known @ (Ty::Named(..) | Ty::Traits(_) | Ty::Parameter(..)) => known,
            },
            _ => Ty::Unknown,
        }
    }

    /// What a function returns, or the type of a field or constant; where `Self` of a trait is `receiver`.
    pub(in super::super) fn result(
        &self,
        near: Place<'n>,
        file: FileIndex,
        index: Index,
        receiver: Option<&Ty>,
    ) -> Ty {
        let (Some(item), Some(place)) = (self.names.item(file, index), self.place(file, Some(near.base)))
        else {
            return Ty::Unknown;
        };
        item.ty.map_or(Ty::Unknown, |ty| self.written(place, ty, receiver, 0))
    }

    fn method_type(&self, near: Place<'n>, of: &Ty, name: Symbol) -> Ty {
        match self.method(of, name).as_slice() {
            &[Def::Item(file, item)] => self.result(near, file, item, Some(of)),
            [] => match self.names.symbols.text(name).as_str() {
                "clone" => of.clone(),
                "unwrap" | "expect" | "unwrap_or_default" => inside(self, of),
                _ => Ty::Unknown,
            },
            [Def::Outside(_)] if self.names.symbols.text(name) == "clone" => of.clone(),
            _ => Ty::Unknown,
        }
    }

    fn field_type(&self, near: Place<'n>, of: &Ty, name: Symbol) -> Ty {
        let [Def::Item(file, item)] = *self.field(of, name).as_slice() else { return Ty::Unknown };
        match (self.result(near, file, item, None), self.pointee(of)) {
            (Ty::Parameter(file, parameter), Ty::Named(def, arguments)) => {
                let known = self.names.files.get(file).and_then(|file| at(&file.parameters, parameter));
                match known.and_then(|known| known.of_item) {
                    Some((owner, position)) if Def::Item(file, owner) == def => {
                        arguments.get(position).cloned().unwrap_or(Ty::Parameter(file, parameter))
                    }
                    _ => Ty::Parameter(file, parameter),
                }
            }
            (ty, _) => ty,
        }
    }
}

/// The type inside of an `Option` or a `Result`.
fn inside(members: &Members<'_>, of: &Ty) -> Ty {
    match of {
        Ty::Named(Def::Outside(path), arguments) => {
            let path = members.names.symbols.text(*path);
            let is_wrapper =
                matches!(path.rsplit("::").next(), Some("Option" | "Result" | "LazyLock" | "OnceCell"));
            arguments.first().filter(|_| is_wrapper).cloned().unwrap_or(Ty::Unknown)
        }
        Ty::Unknown | Ty::Named(..) | Ty::Traits(_) | Ty::Parameter(..) => Ty::Unknown,
    }
}
