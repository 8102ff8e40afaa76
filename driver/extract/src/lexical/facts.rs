//! The facts about one file: scopes, bindings, references, calls, imports and so on.

use std::collections::{HashMap, HashSet};

use super::kinds::{
    BindingKind, CallShape, ImportKind, Namespace, RedirectKind, ScopeKind, Unpacking, UseContext, ValueKind,
};
use super::names::{NameId, Names};
use crate::tree::{NodeIndex, Span};

/// Index into [`Facts::scopes`].
pub(crate) type ScopeIndex = usize;
/// Index into [`Facts::bindings`].
pub(crate) type BindingIndex = usize;
/// Index into [`Facts::references`].
pub(crate) type ReferenceIndex = usize;

/// What a lookup that leaves a scope outwards no longer sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Barrier {
    /// Everything stays visible.
    None,
    /// Local variables of the enclosing bodies become invisible (a nested `fn` in Rust).
    Locals,
    /// Nothing outside is visible (a `mod` in Rust).
    Everything,
}

/// A lexical scope.
#[derive(Clone, Debug)]
pub(crate) struct Scope<'s> {
    /// Node that opens the scope.
    pub(crate) node: NodeIndex,
    /// Enclosing scope by the language's rule.
    pub(crate) parent: Option<ScopeIndex>,
    /// Kind of scope.
    pub(crate) kind: ScopeKind,
    /// Name of the definition that opens it.
    pub(crate) name: Option<&'s str>,
    /// Text whose lookups see the scope.
    pub(crate) span: Span,
    /// Whether nested scopes see its names.
    pub(crate) visible_to_nested: bool,
    /// What lookups from inside lose when they leave it.
    pub(crate) barrier: Barrier,
}

impl Scope<'_> {
    /// A scope inside `parent` that nested scopes see and see through, without a name.
    pub(crate) fn inside(parent: ScopeIndex, kind: ScopeKind, node: NodeIndex, span: Span) -> Self {
        Self {
            node,
            parent: Some(parent),
            kind,
            name: None,
            span,
            visible_to_nested: true,
            barrier: Barrier::None,
        }
    }
}

/// One occurrence that binds a name.
#[derive(Clone, Debug)]
pub(crate) struct Binding<'s> {
    /// Node of the definition.
    pub(crate) node: NodeIndex,
    /// Scope of the occurrence; [`super::resolve`] replaces it by the scope in which the name is bound.
    pub(crate) scope: ScopeIndex,
    /// The name.
    pub(crate) name: NameId,
    /// Kind of definition.
    pub(crate) kind: BindingKind,
    /// Namespace.
    pub(crate) namespace: Namespace,
    /// The whole definition.
    pub(crate) span: Span,
    /// Node of the name.
    pub(crate) name_node: NodeIndex,
    /// The name's bytes.
    pub(crate) name_span: Span,
    /// Definition whose body encloses this one.
    pub(crate) enclosing: Option<BindingIndex>,
    /// Text of the name.
    pub(crate) text: &'s str,
    /// Whether the name may still have this binding when the scope has been evaluated. True unless the language's
    /// [`super::flow`] says otherwise.
    pub(crate) reaches_end: bool,
    /// What it does to the bindings of the name before it.
    pub(crate) rebinding: Rebinding,
}

/// What a binding does to earlier ones of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rebinding {
    /// It takes their place where it stands.
    Replaces,
    /// It is part of the definition before it (the setter of a property).
    Extends,
    /// It is one of several signatures, which are in force together until a definition takes their place.
    Overloads,
    /// It is made when the body it stands in runs, at a time that is not known, in a scope outside.
    Elsewhere,
}

/// The method around a field: its first parameter, and the class whose object that is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receiver {
    /// Name of the parameter.
    pub(crate) name: NameId,
    /// Scope of the class.
    pub(crate) class: ScopeIndex,
}

/// The way from a name to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValuePath {
    /// Node of the name.
    pub(crate) head: NodeIndex,
    /// The steps, each with a `/` behind it: `.name` for an attribute, `()` for what a call returns, `[]` for an element or
    /// a type with arguments, `:` for an instance of what a type expression names, `await` for what is waited for.
    pub(crate) steps: String,
}

/// A value that a definition comes by.
#[derive(Clone, Debug)]
pub(crate) struct BoundValue {
    /// Node of the name of the definition.
    pub(crate) name_node: NodeIndex,
    /// How.
    pub(crate) kind: ValueKind,
    /// Where the value comes from; none when the syntax does not tell.
    pub(crate) path: Option<ValuePath>,
    /// The class meant, where it is known by its node.
    pub(crate) class: Option<NodeIndex>,
    /// Position among the bases of a class; 0 for others.
    pub(crate) position: i32,
}

/// One occurrence that uses a name.
#[derive(Clone, Debug)]
pub(crate) struct Reference<'s> {
    /// Node of the name.
    pub(crate) node: NodeIndex,
    /// The name.
    pub(crate) name: NameId,
    /// Text of the name.
    pub(crate) text: &'s str,
    /// How it is used.
    pub(crate) context: UseContext,
    /// Whether the use binds, changes or deletes what it names.
    pub(crate) is_written: bool,
    /// Namespace looked up.
    pub(crate) namespace: Namespace,
    /// The name's bytes.
    pub(crate) span: Span,
    /// Where the search for scopes starts.
    pub(crate) lookup: Span,
    /// Innermost scope by the language's rule.
    pub(crate) scope: ScopeIndex,
    /// Object or path in front of an attribute.
    pub(crate) receiver: Option<&'s str>,
    /// The way to an attribute.
    pub(crate) path: Option<ValuePath>,
    /// The class whose bases the name stands for (`super` in Python), or that it is (`__class__`).
    pub(crate) class: Option<NodeIndex>,
    /// Definition whose body contains the use.
    pub(crate) enclosing: Option<BindingIndex>,
}

/// A scope and name whose lookups continue elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Redirect {
    /// Scope in which the lookup arrives.
    pub(crate) scope: ScopeIndex,
    /// The name.
    pub(crate) name: NameId,
    /// Scope that answers.
    pub(crate) target: ScopeIndex,
    /// Reason.
    pub(crate) kind: RedirectKind,
}

/// A declaration that a name belongs to another scope (`global` and `nonlocal` in Python).
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScopeDeclaration {
    /// Scope that contains the statement.
    pub(crate) scope: ScopeIndex,
    /// The name.
    pub(crate) name: NameId,
    /// Whether that is the module; otherwise it is an enclosing function.
    pub(crate) global: bool,
}

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Call<'s> {
    /// Node of the call.
    pub(crate) node: NodeIndex,
    /// The called name.
    pub(crate) name: Option<&'s str>,
    /// Node of the called name.
    pub(crate) callee_name: Option<NodeIndex>,
    /// The whole callee.
    pub(crate) callee: NodeIndex,
    /// Object or path in front of the called name.
    pub(crate) receiver: Option<&'s str>,
    /// Form of the callee.
    pub(crate) shape: CallShape,
    /// The way to a callee that is not a name of its own.
    pub(crate) path: Option<ValuePath>,
    /// Number of arguments.
    pub(crate) arg_count: i32,
    /// Definition whose body contains the call.
    pub(crate) enclosing: Option<BindingIndex>,
}

/// One argument of a call.
#[derive(Clone, Debug)]
pub(crate) struct CallArg<'s> {
    /// Node of the argument.
    pub(crate) node: NodeIndex,
    /// Node of the call.
    pub(crate) call: NodeIndex,
    /// Position among the arguments.
    pub(crate) index: i32,
    /// Keyword.
    pub(crate) keyword: Option<&'s str>,
    /// How it is unpacked.
    pub(crate) star: Option<Unpacking>,
}

/// One imported name.
#[derive(Clone, Debug)]
pub(crate) struct Import<'s> {
    /// Node of the imported name.
    pub(crate) node: NodeIndex,
    /// Name bound here.
    pub(crate) binding: Option<BindingIndex>,
    /// Form of the import.
    pub(crate) kind: ImportKind,
    /// Absolute module name.
    pub(crate) module: Option<String>,
    /// Module as written.
    pub(crate) raw_module: Option<String>,
    /// Leading dots or `super` segments.
    pub(crate) level: i32,
    /// Name taken from the module.
    pub(crate) name: Option<&'s str>,
    /// Name after `as`.
    pub(crate) alias: Option<&'s str>,
    /// All names of the module.
    pub(crate) is_star: bool,
    /// The module of the repository that is named.
    pub(crate) target: Option<i64>,
    /// The module of the repository that the name is bound to, when it is another (`a` after `import a.b`).
    pub(crate) bound: Option<i64>,
}

/// One decorator or attribute.
#[derive(Clone, Debug)]
pub(crate) struct Decorator<'s> {
    /// Node of the decorator.
    pub(crate) node: NodeIndex,
    /// Node of the decorated definition.
    pub(crate) owner: NodeIndex,
    /// Dotted name, without arguments.
    pub(crate) name: Option<&'s str>,
    /// Text without the markers.
    pub(crate) text: &'s str,
    /// Position among the owner's decorators.
    pub(crate) index: i32,
}

/// One documentation text.
#[derive(Clone, Debug)]
pub(crate) struct Docstring {
    /// Node of the string or of the first comment.
    pub(crate) node: NodeIndex,
    /// Documented definition; none for the file.
    pub(crate) owner: Option<NodeIndex>,
    /// The text.
    pub(crate) text: String,
    /// Bytes of the string or of the run of comments.
    pub(crate) span: Span,
}

/// All facts about one file.
#[derive(Default)]
pub(crate) struct Facts<'s> {
    /// Scopes; the first is the module.
    pub(crate) scopes: Vec<Scope<'s>>,
    /// Bindings in order of their definition's start.
    pub(crate) bindings: Vec<Binding<'s>>,
    /// References in pre-order.
    pub(crate) references: Vec<Reference<'s>>,
    /// Declarations that names belong to other scopes.
    pub(crate) declarations: Vec<ScopeDeclaration>,
    /// Values that definitions come by.
    pub(crate) values: Vec<BoundValue>,
    /// First parameters of methods, by the scope of the method.
    pub(crate) receivers: HashMap<ScopeIndex, Receiver>,
    /// All parameters.
    pub(crate) parameters: HashSet<(ScopeIndex, NameId)>,
    /// Functions, by the nodes of their names, whose calls do not give what `return` says.
    pub(crate) opaque: HashSet<NodeIndex>,
    /// Names that a star import of this file hands on; none when all public ones are.
    pub(crate) exports: Option<Vec<&'s str>>,
    /// The scope that answers each reference by the language's rule, filled by [`super::resolve`].
    pub(crate) answers: Vec<Option<ScopeIndex>>,
    /// The bindings that a reference may find, none for one that finds nothing, filled by [`super::flow`].
    pub(crate) reaching: Vec<(ReferenceIndex, Option<BindingIndex>)>,
    /// Redirects, filled by [`super::resolve`].
    pub(crate) redirects: Vec<Redirect>,
    /// Calls in pre-order.
    pub(crate) calls: Vec<Call<'s>>,
    /// Arguments in pre-order.
    pub(crate) call_args: Vec<CallArg<'s>>,
    /// Imports in order of appearance.
    pub(crate) imports: Vec<Import<'s>>,
    /// Decorators in order of appearance.
    pub(crate) decorators: Vec<Decorator<'s>>,
    /// Documentation in order of appearance.
    pub(crate) docstrings: Vec<Docstring>,
    /// The names of the file.
    pub(crate) names: Names<'s>,
}
