//! Members: what a name means behind a value.

use std::collections::HashSet;
use std::rc::Rc;

use super::super::outline::{Shape, ShapeKind, Space, Symbol, at};
use super::{Place, Target, Val, Values};

/// How many classes and interfaces are looked at for one member.
const MAX_BASES: usize = 256;

impl<'n> Values<'n> {
    /// What a member of a value leads to: nothing where that is not known, several where the value is one of several.
    pub(in super::super) fn member(&self, of: &Val, name: Symbol, space: Space) -> Vec<Target> {
        match of {
            // Behind an object it is a property that every object has, with the class.
            Val::Class(_) | Val::Object(_) if name == self.constructor => Vec::new(),
            Val::Unknown | Val::Nothing | Val::Function(_) => Vec::new(),
            Val::Class(shape) => self.shape_member(*shape, true, name, space),
            Val::Object(shape) => self.shape_member(*shape, false, name, space),
            Val::Module(file) => self.chosen(&self.exported(*file, name), space),
            Val::Outside(outside) => {
                vec![Target::Outside(self.beyond(&self.symbols.text(*outside), Some(name)))]
            }
            Val::Builtin(own) => vec![Target::Builtin(self.beyond(&self.symbols.text(*own), Some(name)))],
            Val::List(_) => vec![Target::Builtin(self.beyond("Array.prototype", Some(name)))],
            Val::Promise(_) => vec![Target::Builtin(self.beyond("Promise.prototype", Some(name)))],
            Val::And(all) => {
                let mut found = all.iter().map(|one| self.member(one, name, space));
                found.find(|found| !found.is_empty()).unwrap_or_default()
            }
            Val::Or(ways) => {
                let mut found: Vec<Target> = Vec::new();
                for target in ways.iter().flat_map(|one| self.member(one, name, space)) {
                    if !found.contains(&target) {
                        found.push(target);
                    }
                }
                let is_own = |target: &Target| !matches!(target, Target::Outside(_) | Target::Builtin(_));
                if found.iter().any(is_own) {
                    found.retain(is_own);
                } else {
                    found.truncate(1);
                }
                found
            }
        }
    }

    /// The constructor of a class or of the first of its bases that has one.
    pub(super) fn constructor(&self, shape: Place) -> Option<Target> {
        self.shape_member(shape, false, self.constructor, Space::Value).first().copied()
    }

    pub(super) fn shape(&self, (file, shape): Place) -> Option<&'n Shape> {
        self.files.get(file).and_then(|file| at(&file.shapes, shape))
    }

    fn shape_member(&self, shape: Place, is_static: bool, name: Symbol, space: Space) -> Vec<Target> {
        if let Some(known) = self.members.borrow().get(&(shape, is_static, name)) {
            return self.chosen(known, space);
        }
        // What leads to itself is not known.
        self.members.borrow_mut().insert((shape, is_static, name), Rc::from([]));
        let found: Rc<[Target]> = self.sought(shape, is_static, name).into();
        self.members.borrow_mut().insert((shape, is_static, name), Rc::clone(&found));
        self.chosen(&found, space)
    }

    /// The member of a shape or of the first of its bases that has it.
    fn sought(&self, shape: Place, is_static: bool, name: Symbol) -> Vec<Target> {
        let mut left = vec![shape];
        let mut seen = HashSet::new();
        let mut outside: Option<Target> = None;
        let mut is_open = false;
        while let Some(place) = left.pop() {
            if seen.len() >= MAX_BASES {
                return Vec::new();
            }
            let Some(shape) = self.shape(place).filter(|_| seen.insert(place)) else { continue };
            let own = if is_static { &shape.statics } else { &shape.members };
            if let Some(defs) = own.get(&name) {
                return defs.iter().map(|&def| Target::Def(place.0, def)).collect();
            }
            is_open |= shape.is_open;
            for &base in shape.bases.iter().rev() {
                let base = self.value(place.0, base);
                let known = self.bases_of(&base, shape.kind, is_static, &mut left, name);
                is_open |= known.is_none();
                outside = outside.or(known.flatten());
            }
        }
        outside.filter(|_| !is_open).into_iter().collect()
    }

    /// Adds what a base is to the shapes that are left to be looked at. Returns none for one that is not known, and the name of
    /// the member in one that is outside.
    fn bases_of(
        &self,
        base: &Val,
        kind: ShapeKind,
        is_static: bool,
        left: &mut Vec<Place>,
        name: Symbol,
    ) -> Option<Option<Target>> {
        match base {
            Val::Class(place) => left.push(*place),
            Val::Object(place) if kind != ShapeKind::Class || !is_static => left.push(*place),
            Val::And(all) => {
                let mut known = None;
                for one in all.iter() {
                    known = known.or(self.bases_of(one, kind, is_static, left, name));
                }
                return known;
            }
            Val::Outside(_) | Val::Builtin(_) | Val::List(_) | Val::Promise(_) => {
                let base = if is_static { base.clone() } else { self.made(base) };
                return Some(self.member(&base, name, Space::Value).first().copied());
            }
            Val::Object(_) | Val::Unknown | Val::Nothing | Val::Function(_) | Val::Module(_) | Val::Or(_) => {
                return None;
            }
        }
        Some(None)
    }
}
