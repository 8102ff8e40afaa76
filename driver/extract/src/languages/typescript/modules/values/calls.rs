//! What calls give, and what they go to.

use std::rc::Rc;

use super::super::outline::{FileIndex, Index, Meaning, Space, Symbol, Term, at};
use super::combined::{all, awaited, list, one_of, promise};
use super::{MAX_WAYS, Place, Target, Val, Values};
use crate::lexical::BindingKind;

/// What a call goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Callee {
    /// Functions, or classes without a constructor of their own, by their nodes.
    Nodes(Vec<i64>),
    Outside(Symbol),
    Builtin(Symbol),
}

impl Values<'_> {
    /// The value of a call.
    pub(super) fn called_value(&self, file: FileIndex, callee: Index) -> Val {
        let term = self.files.get(file).and_then(|outline| at(&outline.terms, callee)).copied();
        let of = match term {
            Some(Term::Member(of, name, _)) => {
                let of = self.value(file, of);
                if let Val::List(element) = &of {
                    return self.list_method(element, &of, name);
                }
                Some(of)
            }
            _ => None,
        };
        self.result_of(&self.value(file, callee), of.as_ref())
    }

    /// What the methods of lists give.
    fn list_method(&self, element: &Rc<Val>, of: &Val, name: Symbol) -> Val {
        match self.symbols.text(name).as_str() {
            "filter" | "slice" | "concat" | "reverse" | "sort" | "splice" | "toSorted" | "toReversed" => {
                of.clone()
            }
            "find" | "findLast" | "pop" | "shift" | "at" => Val::clone(element),
            "map" | "flatMap" | "flat" => list(Val::Unknown),
            "join" => Val::Builtin(self.symbols.intern("String.prototype")),
            _ => Val::Unknown,
        }
    }

    fn result_of(&self, callee: &Val, of: Option<&Val>) -> Val {
        match callee {
            Val::Function(function) => self.result(*function, of),
            Val::And(all) => {
                let mut found = all.iter().map(|one| self.result_of(one, of));
                found.find(|found| *found != Val::Unknown).unwrap_or_default()
            }
            Val::Or(ways) => one_of(ways.iter().map(|one| self.result_of(one, of)).collect()),
            Val::Unknown
            | Val::Nothing
            | Val::Class(_)
            | Val::Object(_)
            | Val::Module(_)
            | Val::Outside(_)
            | Val::Builtin(_)
            | Val::List(_)
            | Val::Promise(_) => Val::Unknown,
        }
    }

    /// What a function returns, called as a method of something.
    pub(super) fn result(&self, (file, function): Place, of: Option<&Val>) -> Val {
        let Some(function) = self.files.get(file).and_then(|outline| at(&outline.functions, function)) else {
            return Val::Unknown;
        };
        if let (true, Some(of)) = (function.returns_this, of) {
            return of.clone();
        }
        if let Some(declared) = function.declared {
            return self.value(file, declared);
        }
        if function.is_generator {
            return Val::Builtin(self.symbols.intern("Generator.prototype"));
        }
        let results: Vec<Val> = function.results.iter().map(|&result| self.value(file, result)).collect();
        // One of several that is not known may be anything.
        let found = if results.contains(&Val::Unknown) { Val::Unknown } else { one_of(results) };
        if function.is_async { promise(awaited(found)) } else { found }
    }

    /// What `new` makes of a class.
    pub(super) fn made(&self, class: &Val) -> Val {
        match class {
            Val::Class(shape) => Val::Object(*shape),
            Val::Outside(name) => Val::Outside(*name),
            Val::Builtin(name) => {
                let text = self.symbols.text(*name);
                if text.ends_with(".prototype") {
                    return Val::Builtin(*name);
                }
                match text.as_str() {
                    "Array" => list(Val::Unknown),
                    "Promise" => promise(Val::Unknown),
                    _ => Val::Builtin(self.symbols.intern(&format!("{text}.prototype"))),
                }
            }
            Val::And(parts) => all(parts.iter().map(|part| self.made(part)).collect()),
            Val::Or(ways) => one_of(ways.iter().map(|one| self.made(one)).collect()),
            Val::List(_) | Val::Promise(_) => class.clone(),
            Val::Unknown | Val::Nothing | Val::Object(_) | Val::Function(_) | Val::Module(_) => Val::Unknown,
        }
    }

    /// An element of a value.
    pub(super) fn element(&self, of: &Val) -> Val {
        match of {
            Val::List(element) => Val::clone(element),
            Val::Or(ways) => one_of(ways.iter().map(|one| self.element(one)).collect()),
            Val::Unknown
            | Val::Nothing
            | Val::Class(_)
            | Val::Object(_)
            | Val::Function(_)
            | Val::Module(_)
            | Val::Outside(_)
            | Val::Builtin(_)
            | Val::Promise(_)
            | Val::And(_) => Val::Unknown,
        }
    }

    /// A type with arguments.
    pub(super) fn generic(&self, file: FileIndex, head: Index, arguments: Index) -> Val {
        let Some(outline) = self.files.get(file) else { return Val::Unknown };
        let first = at(&outline.lists, arguments).and_then(|list| list.first());
        let argument = || first.map_or(Val::Unknown, |&first| self.value(file, first));
        let Some(&Term::FreeType(name)) = at(&outline.terms, head) else { return self.value(file, head) };
        match self.symbols.text(name).as_str() {
            "Promise" | "PromiseLike" => promise(argument()),
            "Array" | "ReadonlyArray" | "Iterable" | "ArrayLike" => list(argument()),
            "Awaited" => awaited(argument()),
            "Partial" | "Readonly" | "Required" | "NonNullable" | "Pick" | "Omit" | "NoInfer" => argument(),
            "InstanceType" => self.made(&argument()),
            "ReturnType" => self.result_of(&argument(), None),
            "Record" | "Extract" | "Exclude" | "Parameters" | "ConstructorParameters" => Val::Unknown,
            _ => self.value(file, head),
        }
    }

    /// What calling what a name leads to goes to; none where that is not known.
    pub(in super::super) fn callee(&self, targets: &[Target], space: Space) -> Option<Callee> {
        let mut nodes: Vec<i64> = Vec::new();
        let mut beyond = None;
        for &target in targets {
            let own = match target {
                Target::Def(file, def) => match self.def(file, def).map(|def| (def.meaning, def.node_id)) {
                    Some((Meaning::Function(..), node)) => Some(Callee::Nodes(vec![node])),
                    Some((Meaning::Value(_), node)) if self.is_method_type(file, def) => {
                        Some(Callee::Nodes(vec![node]))
                    }
                    _ => self.callable(&self.target_value(target, space)),
                },
                Target::Module(_) | Target::Value(..) => self.callable(&self.target_value(target, space)),
                Target::Outside(name) => Some(Callee::Outside(name)),
                Target::Builtin(name) => Some(Callee::Builtin(name)),
            };
            match own {
                Some(Callee::Nodes(own)) => nodes.extend(own),
                Some(other) => beyond = beyond.or(Some(other)),
                None => {}
            }
        }
        nodes = unique(nodes);
        if nodes.is_empty() { beyond } else { Some(Callee::Nodes(nodes)) }
    }

    /// Whether a definition is a member that is said to be a function: which one, its object decides, as with a method of an
    /// interface.
    fn is_method_type(&self, file: FileIndex, def: Index) -> bool {
        let is_field = self.def(file, def).is_some_and(|def| def.kind == BindingKind::Field);
        let value = self.target_value(Target::Def(file, def), Space::Value);
        is_field && matches!(value, Val::Function(function) if self.is_type(function))
    }

    fn is_type(&self, (file, function): Place) -> bool {
        let outline = self.files.get(file);
        outline.and_then(|outline| at(&outline.functions, function)).is_some_and(|function| function.is_type)
    }

    /// What calling a value goes to.
    pub(in super::super) fn callable(&self, value: &Val) -> Option<Callee> {
        match value {
            Val::Function(function) if self.is_type(*function) => None,
            Val::Function((file, function)) => {
                let outline = self.files.get(*file)?;
                let function = at(&outline.functions, *function)?;
                let def = function.def.and_then(|def| at(&outline.defs, def));
                Some(Callee::Nodes(vec![def.map_or(function.node_id, |def| def.node_id)]))
            }
            Val::Class(shape) => self.construction(*shape),
            Val::Outside(name) => Some(Callee::Outside(*name)),
            Val::Builtin(name) => Some(Callee::Builtin(*name)),
            Val::And(all) => all.iter().find_map(|one| self.callable(one)),
            Val::Or(ways) => {
                let found: Vec<Callee> =
                    ways.iter().take(MAX_WAYS).filter_map(|one| self.callable(one)).collect();
                let nodes = found.iter().flat_map(|one| match one {
                    Callee::Nodes(nodes) => nodes.clone(),
                    Callee::Outside(_) | Callee::Builtin(_) => Vec::new(),
                });
                let nodes = unique(nodes.collect());
                if nodes.is_empty() { found.into_iter().next() } else { Some(Callee::Nodes(nodes)) }
            }
            Val::Unknown
            | Val::Nothing
            | Val::Object(_)
            | Val::Module(_)
            | Val::List(_)
            | Val::Promise(_) => None,
        }
    }

    /// The constructor of a class or of the first of its bases that has one; the class, where none has.
    fn construction(&self, shape: Place) -> Option<Callee> {
        let own = self.shape(shape)?;
        if let Some(Target::Def(file, def)) = self.constructor(shape) {
            return Some(Callee::Nodes(vec![self.def(file, def)?.node_id]));
        }
        Some(Callee::Nodes(vec![own.node_id]))
    }
}

fn unique(nodes: Vec<i64>) -> Vec<i64> {
    let mut kept: Vec<i64> = Vec::with_capacity(nodes.len());
    for node in nodes {
        if !kept.contains(&node) {
            kept.push(node);
        }
    }
    kept
}
