//! What resolving names over a repository needs of a file: what it defines, imports and exports, where values come from,
//! and the places where names and members are used. Small, for all files are held at once.

mod collect;
mod comments;
mod definitions;
mod exports;
mod occurrences;
mod patterns;
mod terms;

use std::collections::HashMap;

use crate::lexical::BindingKind;
pub(super) use crate::linking::{Index, Symbol, Symbols, at};
use crate::tree::Span;
pub(super) use collect::outline;

/// Index into the files of a repository.
pub(super) type FileIndex = usize;

/// Which of the meanings of a name is sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Space {
    Value,
    Type,
    /// What has names of its own: a namespace, an enumeration, a module.
    Either,
}

/// What a definition stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Unknown,
    /// The value of a term, or what a type says of it.
    Value(Index),
    /// A function; the last is whether its text has a body.
    Function(Index, bool),
    /// A property that is what a function returns.
    Getter(Index),
    /// A class, an interface, an enumeration or a namespace.
    Shape(Index),
    /// A name for the type of a term.
    Alias(Index),
    /// What a module exports by a name, or the module.
    Import(Index, Option<Symbol>),
}

/// A definition.
#[derive(Debug)]
pub(super) struct Def {
    pub(super) kind: BindingKind,
    pub(super) node_id: i64,
    pub(super) meaning: Meaning,
}

/// How a value or a type is made of others. Parts come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Term {
    Unknown,
    /// `undefined`, `null`, `void` and `never`, of which nothing can be asked.
    Nothing,
    /// What a name of the file means: a group.
    Local(Index, Space),
    /// A name that the file does not bind.
    Free(Symbol),
    /// A type of a name that the file does not bind.
    FreeType(Symbol),
    Member(Index, Symbol, Space),
    Call(Index),
    New(Index),
    /// An element of a list.
    Element(Index),
    Await(Index),
    /// An object of a shape.
    Object(Index),
    /// A class as a value.
    Class(Index),
    /// What the class of a shape derives from: the class, or an object of it.
    Base(Index, bool),
    Function(Index),
    /// A module as a value.
    Module(Index),
    /// An object of a class that every program has.
    Builtin(Symbol),
    /// A list of such elements.
    List(Index),
    /// A promise of a value.
    Promise(Index),
    /// One of two.
    Or(Index, Index),
    /// Both at once.
    And(Index, Index),
    /// A type with arguments: an index into `lists`.
    Generic(Index, Index),
}

/// A function.
#[derive(Debug, Default)]
pub(super) struct Function {
    /// Its definition.
    pub(super) def: Option<Index>,
    pub(super) node_id: i64,
    /// The type that it is said to return.
    pub(super) declared: Option<Index>,
    /// What it returns, where nothing is said.
    pub(super) results: Vec<Index>,
    /// It is the type of a function, which says nothing of which.
    pub(super) is_type: bool,
    pub(super) is_async: bool,
    pub(super) is_generator: bool,
    /// It returns the object whose method it is.
    pub(super) returns_this: bool,
    /// Its signature says so.
    pub(super) says_this: bool,
}

/// What has members: a class, an interface, an object that is written out, an enumeration, a namespace.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) kind: ShapeKind,
    pub(super) node_id: i64,
    /// Definitions by name.
    pub(super) members: HashMap<Symbol, Vec<Index>>,
    /// Those of the class itself.
    pub(super) statics: HashMap<Symbol, Vec<Index>>,
    /// What a class derives from: values. What an interface does: types.
    pub(super) bases: Vec<Index>,
    /// The interfaces that a class says it has.
    pub(super) implements: Vec<Index>,
    /// It has members that the text does not name.
    pub(super) is_open: bool,
}

/// Kinds of what has members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ShapeKind {
    Class,
    Interface,
    Object,
    Enum,
    Namespace,
}

/// What a module exports by a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Export {
    /// What a name of the file means.
    Group(Index),
    /// A definition.
    Def(Index),
    /// A value, and its node.
    Term(Index, i64),
    /// What another module exports by a name, or that module.
    From(Index, Option<Symbol>),
}

/// A place where something is used.
#[derive(Debug)]
pub(super) struct Occurrence {
    pub(super) node_id: i64,
    pub(super) span: Span,
    pub(super) used: Used,
}

/// What is used at a place.
#[derive(Debug)]
pub(super) enum Used {
    /// A member of a value or a namespace.
    Member { of: Index, name: Symbol, space: Space },
    /// A name that the file does not bind.
    Free { name: Symbol },
    /// A call, or `new`.
    Call { callee: Index, name: Option<Symbol>, is_new: bool },
    /// What a module exports by a name, or the module.
    Import { module: Index, name: Option<Symbol> },
    /// The definition of a shape derives from its bases.
    Inherits { shape: Index },
    /// A signature of a function whose text is elsewhere.
    Signature { implementation: Index },
}

/// The outline of a file.
#[derive(Debug)]
pub(super) struct Outline {
    pub(super) path: String,
    /// Identifier of the FILE node.
    pub(super) node_id: i64,
    pub(super) defs: Vec<Def>,
    /// The definitions of one name in one scope, with the space each is in.
    pub(super) groups: Vec<Vec<(Index, Space)>>,
    pub(super) terms: Vec<Term>,
    pub(super) lists: Vec<Vec<Index>>,
    pub(super) functions: Vec<Function>,
    pub(super) shapes: Vec<Shape>,
    /// Names of modules as they are written.
    pub(super) specifiers: Vec<String>,
    pub(super) exports: HashMap<Symbol, Vec<Export>>,
    /// Modules that the file hands on all names of.
    pub(super) stars: Vec<Index>,
    /// `export = value` and `module.exports = value`, with its node.
    pub(super) assigned: Option<(Index, i64)>,
    pub(super) occurrences: Vec<Occurrence>,
}
