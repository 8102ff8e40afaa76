//! Values: which type an expression has, by what it is made of.

use std::rc::Rc;

use super::super::names::Def;
use super::super::outline::{Expr, Head, Index, Owner, Space, Symbol, at};
use super::super::tree::FileIndex;
use super::generics::{Bindings, bind};
use super::{FUNCTION, Members, Place, TUPLE, Ty, VALUE_OF_CLOSURE};
use crate::lexical::BindingKind;

impl<'n> Members<'n> {
    /// The types of all expressions of a file, in their order: parts come first.
    pub(in super::super) fn exprs(&self, place: Place<'n>) -> Vec<Ty> {
        let mut types: Vec<Ty> = Vec::with_capacity(place.outline.exprs.len());
        for &expr in &place.outline.exprs {
            let ty = self.expr(place, expr, &types);
            types.push(ty);
        }
        types
    }

    fn expr(&self, place: Place<'n>, expr: Expr, types: &[Ty]) -> Ty {
        let known = |index: Index| at(types, index).unwrap_or(&Ty::Unknown);
        let list = |index: Index| -> Vec<Ty> {
            let listed = at(&place.outline.lists, index).map(Vec::as_slice).unwrap_or_default();
            listed.iter().map(|&index| known(index).clone()).collect()
        };
        match expr {
            Expr::Unknown => Ty::Unknown,
            Expr::Typed(ty) => self.written(place, ty, None, 0),
            Expr::Path(path) => self.value(place, path),
            Expr::Call(path, arguments) => self.returned(place, path, &list(arguments)),
            Expr::Called(of) => self.called(known(of)),
            Expr::Struct(path) => self.constructed(place, path),
            Expr::Receiver(owner) => self.self_type(place, owner),
            Expr::Method(of, name, arguments) => self.method_type(place, known(of), name, &list(arguments)),
            Expr::Field(of, name) => self.field_type(place, known(of), name),
            Expr::Inside(of) => self.inside(known(of)),
            Expr::Element(of) => self.one_of(known(of)),
            Expr::Indexed(of) => self.indexed(known(of)),
            Expr::Dereferenced(of) => self.dereferenced(known(of)),
            Expr::Made(name, parts) => Ty::Named(Def::Outside(name), list(parts).into()),
            Expr::Part(of, position) => self.part(known(of), position),
            Expr::Matched(path, of, name) => self.matched(place, path, known(of), name),
            Expr::Either(parts) => list(parts).into_iter().find(|ty| *ty != Ty::Unknown).unwrap_or_default(),
            Expr::Closure(body) => {
                let value = self.names.symbols.intern(VALUE_OF_CLOSURE);
                Ty::Named(Def::Outside(value), Rc::from([known(body).clone()]))
            }
            Expr::Argument(of, name, position) => self.closure_argument(known(of), name, position as usize),
            Expr::Collected(of, ty) => self.collected(place, known(of), ty),
        }
    }

    /// The type of the value that a path names: a constant's, or that of a structure or variant without fields.
    fn value(&self, place: Place<'n>, path: Index) -> Ty {
        match self.path(place, path, Space::Value).pop().unwrap_or_default().as_slice() {
            &[Def::Item(file, item)] => {
                self.constructor(place, file, item, &[BindingKind::Const, BindingKind::Static], &[])
            }
            _ => Ty::Unknown,
        }
    }

    /// The type of what a call of a path gives.
    fn returned(&self, place: Place<'n>, path: Index, arguments: &[Ty]) -> Ty {
        let found = self.path(place, path, Space::Value).pop().unwrap_or_default();
        let before = self.path_owner(place, path);
        let mut types = found.iter().map(|&def| match def {
            Def::Item(file, item) => match self.kind_of(def) {
                Some(BindingKind::Function | BindingKind::Method) => {
                    self.result(place, file, item, before.as_ref(), arguments)
                }
                _ => self.constructor(place, file, item, &[], arguments),
            },
            // Derived: it gives the type in front of it.
            Def::Outside(path) => match (&before, self.names.symbols.text(path).as_str()) {
                (Some(ty), "Default::default" | "Clone::clone") => ty.clone(),
                _ => self.standard_function(path, arguments),
            },
            Def::Module(_) => Ty::Unknown,
        });
        let first = types.next().unwrap_or_default();
        if types.all(|ty| ty == first) { first } else { Ty::Unknown }
    }

    /// The type in front of the last name of a path.
    fn path_owner(&self, place: Place<'n>, path: Index) -> Option<Ty> {
        let read = at(&place.outline.paths, path)?;
        if let Head::Qualified { ty, .. } = read.head
            && read.segments.len() == 1
        {
            return Some(self.written(place, ty, None, 0));
        }
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
    fn constructor(
        &self,
        place: Place<'n>,
        file: FileIndex,
        index: Index,
        typed: &[BindingKind],
        arguments: &[Ty],
    ) -> Ty {
        let Some(item) = self.names.item(file, index) else { return Ty::Unknown };
        match (item.kind, item.owner) {
            (BindingKind::Struct, _) => self.with_parts(file, index, index, arguments),
            (BindingKind::Variant, Some(Owner::Item(owner))) => {
                self.with_parts(file, owner, index, arguments)
            }
            (kind, _) if typed.contains(&kind) => self.result(place, file, index, None, &[]),
            _ => Ty::Unknown,
        }
    }

    /// A type with the parameters that its parts, the fields of `holder`, tell.
    fn with_parts(&self, file: FileIndex, index: Index, holder: Index, arguments: &[Ty]) -> Ty {
        let def = Def::Item(file, index);
        let parameters = self.parameters.get(&(file, index)).map(Vec::as_slice).unwrap_or_default();
        if parameters.is_empty() {
            return Ty::Named(def, Rc::from([]));
        }
        let mut bindings = Bindings::new();
        for (position, argument) in arguments.iter().enumerate() {
            let name = self.names.symbols.intern(&position.to_string());
            if let Some(field) = self.field_of(file, holder, name) {
                bind(&field, argument, &mut bindings, 0);
            }
        }
        let of_position = |position: usize| {
            let parameter = parameters.iter().find(|known| known.0 == position).map(|known| known.1);
            parameter.and_then(|parameter| bindings.get(&(file, parameter)).cloned()).unwrap_or_default()
        };
        let count = parameters.iter().map(|known| known.0 + 1).max().unwrap_or_default();
        Ty::Named(def, (0..count).map(of_position).collect())
    }

    /// The written type of the field of an item.
    fn field_of(&self, file: FileIndex, holder: Index, name: Symbol) -> Option<Ty> {
        let place = self.place(file, None)?;
        let fields = place.outline.members.get(&(Owner::Item(holder), name))?;
        let &[field] = fields.as_slice() else { return None };
        Some(self.written(place, self.names.item(file, field)?.ty?, None, 0))
    }

    fn constructed(&self, place: Place<'n>, path: Index) -> Ty {
        if let Some(read) = at(&place.outline.paths, path)
            && let (Head::SelfType(owner), 1) = (read.head, read.segments.len())
        {
            return self.self_type(place, owner);
        }
        match self.path(place, path, Space::Type).pop().unwrap_or_default().as_slice() {
            &[Def::Item(file, item)] => match self.item_type(file, item, 0) {
                Ty::Unknown => self.constructor(place, file, item, &[], &[]),
                known @ (Ty::Named(..) | Ty::Traits(_) | Ty::Parameter(..)) => known,
            },
            _ => Ty::Unknown,
        }
    }

    /// What a function returns, or the type of a field or constant; where `Self` of a trait is `receiver`.
    fn result(
        &self,
        near: Place<'n>,
        file: FileIndex,
        index: Index,
        receiver: Option<&Ty>,
        arguments: &[Ty],
    ) -> Ty {
        let (Some(item), Some(place)) = (self.names.item(file, index), self.place(file, Some(near.base)))
        else {
            return Ty::Unknown;
        };
        let Some(ty) = item.ty else { return Ty::Unknown };
        let written = self.written(place, ty, receiver, 0);
        let mut bindings =
            receiver.map(|receiver| self.of_owner(file, item.owner, receiver)).unwrap_or_default();
        // What a receiver brings besides, which is not of the function, stays what it is.
        if let Some(Ty::Parameter(file, parameter)) = receiver {
            bindings.insert((*file, *parameter), Ty::Parameter(*file, *parameter));
        }
        for (&parameter, argument) in item.parameters.iter().zip(arguments) {
            bind(&self.written(place, parameter, receiver, 0), argument, &mut bindings, 0);
        }
        self.substituted(&written, &bindings)
    }

    fn method_type(&self, near: Place<'n>, of: &Ty, name: Symbol, arguments: &[Ty]) -> Ty {
        let (found, at) = self.method_at(of, name);
        let mut types = found.iter().map(|&def| match def {
            Def::Item(file, item) => self.result(near, file, item, Some(&at), arguments),
            Def::Outside(path) if self.names.symbols.text(path) == "Clone::clone" => at.clone(),
            Def::Outside(_) | Def::Module(_) => Ty::Unknown,
        });
        if let Some(first) = types.next() {
            return if types.all(|ty| ty == first) { first } else { Ty::Unknown };
        }
        self.method_outside(of, name, arguments)
    }

    /// What a method gives that is not of the repository.
    fn method_outside(&self, of: &Ty, name: Symbol, arguments: &[Ty]) -> Ty {
        let closure = arguments.iter().find_map(|argument| self.closure_value(argument));
        let mut current = of.clone();
        for _ in 0..super::MAX_DEPTH {
            let known = self.standard_method(&current, name, arguments, closure.as_ref());
            if known != Ty::Unknown {
                return known;
            }
            match self.target(&current, name) {
                Some(target) => current = target,
                None => break,
            }
        }
        if let Some(item) = self.iterated(of) {
            let through = super::generics::named(self, "Iterator", vec![item]);
            return self.standard_method(&through, name, arguments, closure.as_ref());
        }
        if self.names.symbols.text(name) == "clone" { of.clone() } else { Ty::Unknown }
    }

    fn closure_value(&self, ty: &Ty) -> Option<Ty> {
        let (name, inner) = ty.outside()?;
        inner.first().filter(|_| self.names.symbols.text(name) == VALUE_OF_CLOSURE).cloned()
    }

    fn closure_argument(&self, of: &Ty, method: Symbol, position: usize) -> Ty {
        let through = self.iterated(of).map(|item| super::generics::named(self, "Iterator", vec![item]));
        let known = self.standard_argument(of, method, position);
        match through {
            Some(through) if known == Ty::Unknown && self.method(of, method).is_empty() => {
                self.standard_argument(&through, method, position)
            }
            _ => known,
        }
    }

    fn field_type(&self, near: Place<'n>, of: &Ty, name: Symbol) -> Ty {
        if let Ok(position) = self.names.symbols.text(name).parse()
            && let Ty::Named(Def::Outside(_), _) = of
        {
            return self.part(&self.pointee(of), position);
        }
        let (found, at) = self.field(of, name);
        let [Def::Item(file, item)] = *found.as_slice() else { return Ty::Unknown };
        self.result(near, file, item, Some(&at), &[])
    }

    /// The part of a tuple.
    fn part(&self, of: &Ty, position: u32) -> Ty {
        let Some((name, parts)) = of.outside() else { return Ty::Unknown };
        let is_tuple = self.names.symbols.text(name) == TUPLE;
        at(parts, position).filter(|_| is_tuple).cloned().unwrap_or_default()
    }

    /// The structure that a path names, with the enumeration that a variant is of.
    fn holder(&self, place: Place<'n>, path: Index) -> Option<(FileIndex, Index, Index)> {
        let named = self.path(place, path, Space::Value).pop().unwrap_or_default();
        if let &[Def::Item(file, variant)] = named.as_slice()
            && self.kind_of(Def::Item(file, variant)) == Some(BindingKind::Variant)
        {
            let Some(Owner::Item(owner)) = self.names.item(file, variant)?.owner else { return None };
            return Some((file, owner, variant));
        }
        match self.constructed(place, path).named()? {
            Def::Item(file, item) => Some((file, item, item)),
            Def::Module(_) | Def::Outside(_) => None,
        }
    }

    /// The fields of a name of the structure or variant that a path names.
    pub(in super::super) fn named_field(&self, place: Place<'n>, path: Index, name: Symbol) -> Vec<Def> {
        let Some((file, _, holder)) = self.holder(place, path) else { return Vec::new() };
        let fields =
            self.names.files.get(file).and_then(|outline| outline.members.get(&(Owner::Item(holder), name)));
        let is_field = |&&item: &&Index| self.kind_of(Def::Item(file, item)) == Some(BindingKind::Field);
        fields.into_iter().flatten().filter(is_field).map(|&item| Def::Item(file, item)).collect()
    }

    /// The type of the field that a pattern names, of a structure or of a variant.
    fn matched(&self, place: Place<'n>, path: Index, of: &Ty, name: Symbol) -> Ty {
        let Some((file, owner, holder)) = self.holder(place, path) else { return Ty::Unknown };
        let bindings = self.of_owner(file, Some(Owner::Item(owner)), &self.pointee(of));
        let field = self.field_of(file, holder, name);
        field.map(|field| self.substituted(&field, &bindings)).unwrap_or_default()
    }

    fn called(&self, of: &Ty) -> Ty {
        let whole = self.pointee(of);
        let Some((name, inner)) = whole.outside() else { return Ty::Unknown };
        let text = self.names.symbols.text(name);
        let is_callable = text == FUNCTION || text == VALUE_OF_CLOSURE;
        inner.first().filter(|_| is_callable).cloned().unwrap_or_default()
    }

    /// What a pointer points to; a reference is what it refers to. Of a pointer of the repository nobody knows which is meant.
    fn dereferenced(&self, of: &Ty) -> Ty {
        if self.is_pointer_here(of) { Ty::Unknown } else { self.pointee(of) }
    }

    /// One of what a value holds or goes through.
    fn one_of(&self, of: &Ty) -> Ty {
        let through = self.pointee(of);
        match self.element(&through) {
            Ty::Unknown => self.iterated(&through).unwrap_or_default(),
            known @ (Ty::Named(..) | Ty::Traits(_) | Ty::Parameter(..)) => known,
        }
    }

    /// What stands at an index of a value.
    fn indexed(&self, of: &Ty) -> Ty {
        let whole = self.pointee(of);
        match (self.output(&whole), &whole) {
            (Some(output), _) => output,
            (None, Ty::Named(Def::Outside(name), arguments)) => match self.names.symbols.text(*name).as_str()
            {
                "HashMap" | "BTreeMap" => arguments.get(1).cloned().unwrap_or_default(),
                _ => self.element(&whole),
            },
            _ => Ty::Unknown,
        }
    }

    /// What `collect` gives, where the type may leave open of what.
    fn collected(&self, place: Place<'n>, of: &Ty, ty: Index) -> Ty {
        let written = self.written(place, ty, None, 0);
        match written.outside() {
            Some((name, [Ty::Unknown])) => Ty::Named(Def::Outside(name), Rc::from([self.element(of)])),
            Some(_) | None => written,
        }
    }

    /// The type inside of an `Option` or a `Result`.
    fn inside(&self, of: &Ty) -> Ty {
        let whole = self.pointee(of);
        let Some((path, arguments)) = whole.outside() else { return Ty::Unknown };
        let path = self.names.symbols.text(path);
        let is_wrapper = matches!(path.rsplit("::").next(), Some("Option" | "Result" | "Poll"));
        arguments.first().filter(|_| is_wrapper).cloned().unwrap_or_default()
    }
}
