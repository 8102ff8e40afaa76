//! What resolving names over a repository needs of a file: its modules, items, imports, implementations, and the places
//! where names, paths and members are used. Small, for all files are held at once.

mod around;
mod attributes;
mod collect;
mod containers;
mod exprs;
mod occurrences;
mod paths;

use std::collections::HashMap;

use crate::lexical::BindingKind;
pub(super) use crate::linking::{Index, Symbol, Symbols, at};
use crate::tree::Span;
pub(super) use collect::outline;

/// A namespace in which a path is resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Space {
    Type,
    Value,
    Macro,
}

/// All namespaces.
pub(super) const SPACES: [Space; 3] = [Space::Type, Space::Value, Space::Macro];

/// Who may name something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Visibility {
    Public,
    /// The module it stands in, or so many around it.
    Around(u32),
    /// The module so far below the root that it lies in.
    Below(u32),
    Crate,
}

/// A module of the file, or a block in which names are imported.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) parent: Option<Index>,
    /// The `mod` item, of modules inside the file.
    pub(super) item: Option<Index>,
    /// Imports of all names of something.
    pub(super) globs: Vec<Index>,
    /// `mod name;`, as imports.
    pub(super) modules: Vec<Index>,
    /// What it declares.
    pub(super) names: HashMap<Symbol, Vec<(Option<Space>, Entry)>>,
    /// Files whose text stands here.
    pub(super) includes: Vec<String>,
    pub(super) is_block: bool,
}

/// What declares a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Entry {
    Item(Index),
    Use(Index),
}

/// An item, or a member of one.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) name: Symbol,
    pub(super) kind: BindingKind,
    pub(super) node_id: i64,
    /// The module or block it stands in.
    pub(super) container: Index,
    pub(super) owner: Option<Owner>,
    pub(super) visibility: Visibility,
    /// Where it begins.
    pub(super) start: u32,
    /// What a function returns, the type of a field or constant, what an alias stands for.
    pub(super) ty: Option<Index>,
    /// Types of a function's parameters, without that of the receiver.
    pub(super) parameters: Vec<Index>,
    /// Whether it is called as a method.
    pub(super) takes_self: bool,
    /// Of modules: files named by attributes, and whether its macros are seen after it. Of macros: whether it is exported.
    pub(super) attributes: Attributes,
}

/// What attributes say that matters here.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    /// `#[path]`, also those under a condition.
    pub(super) paths: Vec<String>,
    /// `#[path]` without a condition is among them.
    pub(super) has_own_path: bool,
    /// `#[macro_use]` of modules and crates, `#[macro_export]` of macros.
    pub(super) shares_macros: bool,
    /// Names of derived traits.
    pub(super) derives: Vec<Symbol>,
    /// Whether it is there under a condition.
    pub(super) is_conditional: bool,
    /// Of functions: the name of the macro that it is.
    pub(super) is_macro: Option<Symbol>,
}

/// What a member belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Owner {
    Impl(Index),
    /// A type or a trait.
    Item(Index),
}

/// A leaf of a `use` declaration, or `extern crate`.
#[derive(Debug)]
pub(super) struct Use {
    pub(super) node_id: i64,
    pub(super) span: Span,
    pub(super) container: Index,
    /// The path, with the name at its end; of all names the path of their owner.
    pub(super) path: Vec<Symbol>,
    pub(super) is_glob: bool,
    pub(super) is_crate: bool,
    pub(super) visibility: Visibility,
    /// The `mod` item of `mod name;`.
    pub(super) module: Option<Index>,
    /// `#[macro_use]` of crates.
    pub(super) shares_macros: bool,
}

/// An `impl`.
#[derive(Debug)]
pub(super) struct Impl {
    pub(super) subject: Index,
    pub(super) of_trait: Option<Index>,
}

/// A type parameter.
#[derive(Debug, Default)]
pub(super) struct Parameter {
    /// Paths of traits.
    pub(super) bounds: Vec<Index>,
    /// The type it belongs to, and its position there.
    pub(super) of_item: Option<(Index, usize)>,
}

/// What the first name of a path was found to be inside the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Head {
    /// Nothing: it is sought around the container.
    Free,
    Entry(Entry),
    Parameter(Index),
    /// `Self` of an implementation or a trait.
    SelfType(Owner),
    /// A local variable.
    Local,
    /// `::name`: a crate.
    Global,
    /// `<Type>::name` or `<Type as Trait>::name`: the trait if there is one, else the type.
    Qualified {
        ty: Index,
        of_trait: Option<Index>,
    },
}

/// A path in a file.
#[derive(Debug)]
pub(super) struct Path {
    pub(super) container: Index,
    pub(super) head: Head,
    pub(super) segments: Vec<Symbol>,
}

/// A type as it is written.
#[derive(Debug)]
pub(super) enum TypeRef {
    Path {
        path: Index,
        arguments: Vec<Index>,
    },
    /// `dyn` and `impl` of these traits.
    Traits(Vec<Index>),
    /// A type of the language that has no path: an array, a tuple, a function by what it returns.
    BuiltIn {
        name: Symbol,
        arguments: Vec<Index>,
    },
    Unknown,
}

/// An expression, as far as its type can be told. Parts have smaller indexes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expr {
    Unknown,
    Typed(Index),
    Path(Index),
    /// A path that is called with a list of arguments.
    Call(Index, Index),
    /// A value that is called.
    Called(Index),
    Struct(Index),
    Receiver(Owner),
    /// A method with a list of arguments.
    Method(Index, Symbol, Index),
    Field(Index, Symbol),
    /// The value inside of an `Option` or a `Result`.
    Inside(Index),
    /// One of what is gone through.
    Element(Index),
    /// What stands at an index.
    Indexed(Index),
    /// What a pointer points to.
    Dereferenced(Index),
    /// A value of a type that has this name in the language, with a list of its parts.
    Made(Symbol, Index),
    /// A part of a tuple.
    Part(Index, u32),
    /// The field of a structure or variant (a path), which the pattern names, of a value.
    Matched(Index, Index, Symbol),
    /// One of a list.
    Either(Index),
    /// A closure, by what it returns.
    Closure(Index),
    /// What a method of a value gives a closure for this parameter.
    Argument(Index, Symbol, u32),
    /// What is collected of a value into a type.
    Collected(Index, Index),
}

/// A place where something is used whose definition the file alone does not give.
#[derive(Debug)]
pub(super) struct Occurrence {
    pub(super) node_id: i64,
    pub(super) span: Span,
    pub(super) used: Used,
}

/// What is used.
#[derive(Debug)]
pub(super) enum Used {
    /// A name or path; the nodes of its segments with their bytes, as far as the file does not answer for them.
    Path { path: Index, spaces: &'static [Space], segments: Vec<Option<(i64, Span)>>, must_answer: bool },
    /// A field or method of a value.
    Member { of: Index, name: Symbol },
    /// A field of the structure or variant that a path names.
    NamedField { path: Index, name: Symbol },
    /// The call of a path.
    CallPath { path: Index, text: Symbol, is_macro: bool },
    /// The call of a method.
    CallMember { of: Index, name: Symbol, container: Index },
    /// A call of which nobody knows what it calls.
    CallUnknown { name: Option<Symbol> },
}

/// A file.
#[derive(Debug)]
pub(super) struct Outline {
    pub(super) path: String,
    pub(super) node_id: i64,
    /// Modules and blocks; the first is the file.
    pub(super) containers: Vec<Container>,
    pub(super) items: Vec<Item>,
    /// Members by what they belong to and their names.
    pub(super) members: HashMap<(Owner, Symbol), Vec<Index>>,
    /// Paths of the traits that a trait asks for.
    pub(super) supertraits: HashMap<Index, Vec<Index>>,
    pub(super) uses: Vec<Use>,
    pub(super) impls: Vec<Impl>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) paths: Vec<Path>,
    pub(super) types: Vec<TypeRef>,
    pub(super) exprs: Vec<Expr>,
    /// Parts and arguments of expressions.
    pub(super) lists: Vec<Vec<Index>>,
    pub(super) occurrences: Vec<Occurrence>,
}

impl Container {
    fn new(parent: Option<Index>, is_block: bool) -> Self {
        Self {
            parent,
            item: None,
            globs: Vec::new(),
            modules: Vec::new(),
            names: HashMap::new(),
            includes: Vec::new(),
            is_block,
        }
    }
}

impl Outline {
    fn new(path: &str, node_id: i64) -> Self {
        Self {
            path: path.to_owned(),
            node_id,
            containers: Vec::new(),
            items: Vec::new(),
            members: HashMap::new(),
            supertraits: HashMap::new(),
            uses: Vec::new(),
            impls: Vec::new(),
            parameters: Vec::new(),
            paths: Vec::new(),
            types: Vec::new(),
            exprs: Vec::new(),
            lists: Vec::new(),
            occurrences: Vec::new(),
        }
    }
}

/// Adds to a list; the index of what was added.
fn push<T>(list: &mut Vec<T>, element: T) -> Index {
    list.push(element);
    list.len() as Index - 1
}
